// What the names in a kernel stand for: its variables and parameters, the place of the element, and what it captures.

import { CaptureError } from "../errors.ts";
import type { ReadClosure, Tree } from "../ship/index.ts";
import type { ConstantArray, Known } from "./constants.ts";
import type { Parameter, Unit } from "./translate.ts";
import type { Locals, Names, Variable } from "./variables.ts";

/** What a name or a chain of names stands for. */
export type Meaning =
  | { is: "number"; value: number }
  | { is: "integer"; code: string }
  | { is: "variable"; variable: Variable }
  | { is: "parameter"; parameter: Parameter }
  | { is: "array"; array: ConstantArray }
  | { is: "function"; fn: Function; name: string }
  | { is: "members"; of(name: string): Meaning | undefined; names: string };

export interface Surroundings {
  readonly unit: Unit;
  readonly refuse: (node: Tree, why: string) => Error;
  readonly label: string;
  readonly locals: Locals;
  readonly names: Names;
  readonly parameters: readonly Parameter[];
  readonly closure: ReadClosure;
  /** Undefined in a helper, which doesn't know its place. */
  readonly constants: [string, unknown][] | undefined;
  readonly isArrow: boolean;
}

export const ARITHMETIC: Record<string, (a: number, b: number) => number> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b,
  "%": (a, b) => a % b,
  "**": (a, b) => a ** b,
};
export const PLACE_FIRST = "an arrow function takes the place first, as in `({ x, y }, a, b) => …`";

/** Of `a.name` and `a["name"]`. */
function memberName({ property, computed }: Tree): string | undefined {
  if (!computed) return property.name as string;
  return typeof property.value === "string" ? property.value : undefined;
}

export class Meanings {
  protected readonly at: Surroundings;
  readonly #bound = new Map<string, Meaning>();
  /** The variables in which parameters are that the kernel assigns to. */
  readonly copies = new Map<Parameter, string>();

  constructor(at: Surroundings) {
    this.at = at;
    for (const parameter of at.parameters) this.#bound.set(parameter.name, { is: "parameter", parameter });
  }

  get unit(): Unit {
    return this.at.unit;
  }
  get names(): Names {
    return this.at.names;
  }

  /** Gives the names their meaning that an arrow function takes from its first parameter. */
  bindPlace(pattern: Tree, meaning: Meaning = this.#place(true)): void {
    if (pattern.type === "Identifier") {
      this.#bound.set(pattern.name, meaning);
      return;
    }
    for (const { key, value, computed } of (pattern.type === "ObjectPattern" ? pattern.properties : [{}]) as Tree[]) {
      const found = meaning.is === "members" && key && !computed ? meaning.of(key.name) : undefined;
      if (found && (value.type === "Identifier" || value.type === "ObjectPattern")) this.bindPlace(value, found);
      else {
        const has = meaning.is === "members" ? `, which has ${meaning.names}` : "";
        throw this.at.refuse(pattern, `takes something else from the place${has}: ${PLACE_FIRST}`);
      }
    }
  }

  #place(isArrow: boolean): Meaning {
    const { constants } = this.at;
    const axes = (of: (axis: number) => Meaning): Meaning => ({
      is: "members",
      names: "x, y and z",
      of: (name) => (/^[xyz]$/.test(name) ? of("xyz".indexOf(name)) : undefined),
    });
    const { output } = this.unit;
    const thread = axes((axis): Meaning =>
      axis < output.length ? { is: "integer", code: `this.thread.${"xyz"[axis]}` } : { is: "number", value: 0 },
    );
    const members: Record<string, Meaning> = {
      thread,
      output: axes((axis) => ({ is: "number", value: output[axis] ?? 1 })),
      constants: {
        is: "members",
        names: constants!.map(([name]) => name).join(", ") || "nothing",
        of: (name) => {
          const found = constants!.find(([own]) => own === name);
          return found && this.#meaning(name, this.unit.know(`constants.${name}`, found[1], this.at.label));
        },
      },
    };
    const of = (name: string): Meaning | undefined =>
      isArrow && /^[xyz]$/.test(name) && thread.is === "members"
        ? thread.of(name)
        : Object.hasOwn(members, name)
          ? members[name]
          : undefined;
    return { is: "members", names: `${isArrow ? "x, y, z, " : ""}thread, output and constants`, of };
  }

  #meaning(name: string, known: Known): Meaning {
    if (typeof known === "number") return { is: "number", value: known };
    if (typeof known === "function") return { is: "function", fn: known, name };
    return { is: "array", array: this.unit.constant(known, name) };
  }

  /** What a name, or a member of what has members, stands for; undefined for any other expression. */
  mean(node: Tree): Meaning | undefined {
    const { locals, closure, label, refuse, constants, isArrow } = this.at;
    if (node.type === "ThisExpression") {
      if (constants && !isArrow) return this.#place(false);
      const where = constants
        ? "an arrow function has none: take the place as its first parameter, `({ x }, …) => …`"
        : "a helper has none: pass it what it needs";
      throw refuse(node, `is not the kernel's place here: ${where}`);
    }
    if (node.type === "MemberExpression") {
      const { object } = node as Tree & { object: Tree };
      const name = memberName(node);
      if (name === undefined) return undefined;
      if (this.isMath(object)) {
        const value: unknown = Math[name as "PI"];
        return typeof value === "number" ? { is: "number", value } : undefined;
      }
      const holder = this.mean(object);
      if (name === "length" && holder?.is !== "members") return this.#length(object);
      if (holder?.is !== "members") return undefined;
      const found = holder.of(name);
      if (!found) throw refuse(node, `is not there: it has ${holder.names}`);
      return found;
    }
    if (node.type !== "Identifier") return undefined;
    const name = node.name as string;
    const variable = locals.of.get(node);
    if (variable) return { is: "variable", variable };
    const bound = this.#bound.get(name);
    if (bound) return bound;
    if (name === "Infinity") return { is: "number", value: Infinity };
    const captured = closure.captured.find((one) => one.name === name);
    if (captured) return this.#meaning(name, this.unit.know(captured.as ?? name, captured.value, label));
    const why = name in globalThis ? "which belongs to the program around it" : "which isn't there";
    throw new CaptureError(name, `${label} uses "${name}", ${why}: a kernel has numbers, arrays and Math only.`);
  }

  /** Math, and no variable of that name. */
  protected isMath(node: Tree | undefined): boolean {
    if (node?.type !== "Identifier" || node.name !== "Math") return false;
    const { locals, closure } = this.at;
    const isOwn =
      locals.of.has(node) || this.#bound.has("Math") || closure.captured.some(({ name }) => name === "Math");
    return !isOwn;
  }

  #length(node: Tree): Meaning {
    const { base, indices } = this.chain(node);
    const meaning = this.mean(base);
    const { names, refuse } = this.at;
    if (meaning?.is === "array") {
      const value = meaning.array.shape[indices.length];
      if (value !== undefined) return { is: "number", value };
    }
    if (meaning?.is !== "parameter" || this.copies.has(meaning.parameter)) throw refuse(node, "has no length here");
    const { lengths, name } = meaning.parameter;
    const depth = indices.length;
    if (!lengths.has(depth)) lengths.set(depth, names.take(`${name} length`));
    return { is: "integer", code: lengths.get(depth)! };
  }

  /** `a[i][j]` as `a` and [i, j]. */
  chain(node: Tree): { base: Tree; indices: Tree[] } {
    const indices: Tree[] = [];
    let base = node;
    while (base.type === "MemberExpression" && memberName(base) === undefined) {
      indices.unshift(base.property);
      base = base.object;
    }
    return { base, indices };
  }

  /** A number that is known now: literals, captured numbers and what is computed from them. */
  fold(node: Tree): number | undefined {
    if (node.type === "Literal") {
      if (typeof node.value === "number") return node.value;
      if (typeof node.value === "boolean") return node.value ? 1 : 0;
      throw this.at.refuse(node, "is no number");
    }
    if (node.type === "UnaryExpression") {
      const value = node.operator === "-" || node.operator === "+" ? this.fold(node.argument) : undefined;
      return value === undefined || node.operator === "+" ? value : -value;
    }
    if (node.type === "BinaryExpression") {
      const operate = Object.hasOwn(ARITHMETIC, node.operator) ? ARITHMETIC[node.operator] : undefined;
      const left = operate === undefined ? undefined : this.fold(node.left);
      const right = left === undefined ? undefined : this.fold(node.right);
      return right === undefined ? undefined : operate!(left!, right);
    }
    const meaning = this.mean(node);
    return meaning?.is === "number" ? meaning.value : undefined;
  }

  /** The local variable or the parameter that a name is assigned to, in the translation. */
  target(node: Tree): { code: string; integer: boolean } | undefined {
    const variable = this.at.locals.of.get(node);
    if (variable) return variable;
    const bound = node.type === "Identifier" ? this.#bound.get(node.name as string) : undefined;
    const code = bound?.is === "parameter" ? this.copies.get(bound.parameter) : undefined;
    return code === undefined ? undefined : { code, integer: false };
  }
}
