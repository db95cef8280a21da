// Which elements of a group take part, and how variables come through that. All elements of a group go the same way
// through the code; where they would go different ways a mask says for which of them an assignment counts. A loop goes on
// until the last element has left it.
//
// Whether a variable is the same for all elements, and whether 32 bits hold it, shows only when all that is assigned to it
// is known: the first pass hopes for the best, and what turns out otherwise is remembered for the next one.

import type { Tree } from "../../ship/index.ts";
import { Builder } from "./builder.ts";
import type { ReadFunction } from "./closures.ts";
import { asFloat32, asInt32, constant, isBoolean, local, type Local, type Type, type Value } from "./nodes.ts";

export interface Variable {
  readonly name: string;
  readonly key: string;
  readonly local: Local;
  /** How many frames and loops there were around its declaration; half a loop more in the head of one. */
  readonly depth: number;
  readonly level: number;
}

/** Something by which fewer elements take part from here on. */
type Frame =
  | { readonly kind: "if" }
  /** `level`: variables that are declared no deeper don't change for an element that has left. */
  | { readonly kind: "loop"; readonly level: number; readonly end: number }
  | { readonly kind: "jump"; readonly level: number };

interface Assumption {
  varying: boolean;
  /** Undefined before something is assigned to it. */
  boolean: boolean | undefined;
  fits: Set<Type>;
}

/** What is hoped of variables and loops, from pass to pass. */
export class Assumptions {
  readonly #variables = new Map<string, Assumption>();
  readonly #varyingLoops = new Set<string>();
  /** Some values are 64 bits wide: so are masks then. */
  wide = false;
  changed = false;

  of(key: string): Assumption {
    let found = this.#variables.get(key);
    if (!found) {
      found = { varying: false, boolean: undefined, fits: new Set<Type>(["i32", "f32", "b32"]) };
      this.#variables.set(key, found);
    }
    return found;
  }

  typeOf(key: string): Type {
    const { boolean, fits } = this.of(key);
    if (boolean) return fits.has("b32") ? "b32" : "b64";
    return fits.has("i32") ? "i32" : fits.has("f32") ? "f32" : "f64";
  }

  /** A value that a variable gets; `varies` by where it gets it. */
  note(key: string, value: Value, varies: boolean): void {
    const known = this.of(key);
    const drop = (type: Type): void => {
      if (known.fits.delete(type)) this.changed = true;
    };
    if (!known.varying && (varies || !value.uniform)) {
      known.varying = true;
      this.changed = true;
    }
    if (known.boolean === undefined) {
      known.boolean = isBoolean(value);
      if (known.boolean) this.changed = true;
    }
    if (value.type === "b64" && !value.uniform) drop("b32");
    if (isBoolean(value)) return;
    if (!asInt32(value)) drop("i32");
    if (!asFloat32(value)) drop("f32");
  }

  isVaryingLoop(key: string): boolean {
    return this.#varyingLoops.has(key);
  }

  noteVaryingLoop(key: string): void {
    this.changed ||= !this.#varyingLoops.has(key);
    this.#varyingLoops.add(key);
  }

  noteWide(wide: boolean): void {
    if (!wide || this.wide) return;
    this.wide = true;
    this.changed = true;
  }
}

export class Flow extends Builder {
  readonly assumptions: Assumptions;
  /** Who takes part: all where undefined. A local variable. */
  who: Value | undefined = undefined;
  readonly frames: Frame[] = [];
  level = 0;
  /** The loops around in which elements may part. */
  partingLoops = 0;
  readonly #mutable = new Set<Local>();

  constructor(assumptions: Assumptions) {
    super();
    this.assumptions = assumptions;
  }

  maskLocal(): Local {
    return { type: this.assumptions.wide ? "b64" : "b32", uniform: false };
  }

  /** A mask in a local variable that nobody changes. */
  keptMask(value: Value): Value {
    const to = this.maskLocal();
    const mask = this.mask(value, to.type);
    this.set(to, mask.uniform ? this.leaf(mask) : mask);
    return local(to);
  }

  /** Does it hold for all elements of a group? */
  protected all(test: Value): Value {
    return test.uniform ? test : { ...this.make("all", "b32", [test]), uniform: true };
  }

  declare(name: string, key: string, isHead = false): Variable {
    const { varying } = this.assumptions.of(key);
    const of: Local = { type: this.assumptions.typeOf(key), uniform: !varying };
    this.#mutable.add(of);
    return { name, key, local: of, depth: this.frames.length, level: this.level + (isHead ? 0.5 : 0) };
  }

  assign(variable: Variable, value: Value, fn: ReadFunction, node: Tree): void {
    const { key, name, local: to } = variable;
    this.moment++;
    const frames = this.frames
      .slice(variable.depth)
      .filter((frame) => frame.kind === "if" || variable.level <= frame.level);
    const known = this.assumptions.of(key);
    if (known.boolean !== undefined && known.boolean !== isBoolean(value))
      throw fn.refuse(node, `gives "${name}" a truth value here and a number elsewhere`);
    this.assumptions.note(key, value, frames.length > 0);
    const fitting = this.#fit(value, to);
    if (frames.length === 0 || this.#isDeadAfter(variable, frames, fn)) this.set(to, fitting);
    else if (!to.uniform) this.set(to, this.#chosen(fitting, to));
  }

  /** The new value for those who take part. */
  #chosen(value: Value, to: Local): Value {
    const chosen = this.select(this.who!, value, local(to));
    return isBoolean(chosen) ? this.mask(chosen, to.type) : chosen;
  }

  /** A loop's own variable that nobody reads after it may become anything for an element that has left. */
  #isDeadAfter({ name, level }: Variable, frames: readonly Frame[], fn: ReadFunction): boolean {
    const [loop, inner] = frames;
    // Who has left only an inner one needs it for the next round.
    if (loop?.kind !== "loop" || inner) return false;
    return level === loop.level && fn.lastUse.get(name)! < loop.end;
  }

  #fit(value: Value, { type, uniform }: Local): Value {
    const fitting =
      type === "i32"
        ? asInt32(value)
        : type === "f32"
          ? asFloat32(value)
          : type === "f64"
            ? this.number(value)
            : isBoolean(value)
              ? this.mask(value, type)
              : undefined;
    // This pass doesn't count any more where it does not fit.
    if (!fitting || (uniform && !fitting.uniform)) return constant(0, type);
    return fitting.uniform && !uniform ? this.leaf(fitting) : fitting;
  }

  /** A value as it is now, whatever is assigned afterwards. */
  snapshot(value: Value): Value {
    const { op, args } = value;
    if (op === "const" || op === "param" || op === "index" || op === "length") return value;
    if (op === "local") return this.#mutable.has(value.local!) ? this.temp(value) : value;
    // Kept narrow: it is known then that it fits.
    if (/^f64\.of\.[iuf]32$/.test(op)) return { ...value, args: [this.snapshot(args[0]!)] };
    return this.temp(value);
  }
}
