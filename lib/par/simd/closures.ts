// The functions of a pipeline, and the helpers that they call, with what they capture now: numbers become parameters of
// the kernel, so that other numbers need no other kernel; arrays become streams.

import { isStillStandard, parse, type Tree } from "../../ship/index.ts";
import { read } from "../captures.ts";
import { isPowerOfTwo } from "./builder.ts";
import type { Stream } from "./vectors.ts";
import { isFloat32, isInt32, type Type, type Value } from "./nodes.ts";
import { Refusal } from "./refusal.ts";

/** What a captured name stands for. */
export type Meaning =
  | { readonly is: "number"; readonly value: Value }
  | { readonly is: "truth"; readonly value: boolean }
  | { readonly is: "array"; readonly stream: number }
  | { readonly is: "function"; readonly read: ReadFunction }
  | { readonly is: "math"; readonly name: string }
  | { readonly is: "object"; readonly members: ReadonlyMap<string, Meaning> }
  | { readonly is: "other"; readonly what: string };

export interface ReadFunction {
  readonly tree: Tree;
  readonly captured: ReadonlyMap<string, Meaning>;
  /** Where a name is mentioned last. */
  readonly lastUse: ReadonlyMap<string, number>;
  /** The names that it assigns to after they are declared. */
  readonly assigned: ReadonlySet<string>;
  refuse(node: Tree, why: string): Refusal;
}

/** All that the functions of a pipeline capture, by the order in which it is met. */
export class Closures {
  readonly params: number[] = [];
  readonly arrays: ArrayBufferView[] = [];
  readonly streams: Stream[];
  /** Equal where the same kernel would come out. */
  readonly key: string[] = [];
  readonly #functions = new Map<Function, ReadFunction>();

  /** @param streams those of the pipeline itself, before the captured ones */
  constructor(streams: readonly Stream[]) {
    this.streams = [...streams];
  }

  read(fn: Function): ReadFunction {
    const known = this.#functions.get(fn);
    if (known) {
      this.key.push(`again ${[...this.#functions.keys()].indexOf(fn)}`);
      return known;
    }
    const { source, tree, label, captured: values, written, position, lastUse, assigned } = understand(fn);
    const captured = new Map<string, Meaning>();
    const read: ReadFunction = {
      tree,
      captured,
      lastUse,
      assigned,
      refuse(node, why) {
        const text = source.slice(node.start - 1, node.end - 1).replace(/\s+/g, " ");
        const short = text.length > 60 ? `${text.slice(0, 59)}…` : text;
        return new Refusal(`\`${short}\` (${position(node.start - 1)}) ${why}`);
      },
    };
    this.#functions.set(fn, read);
    this.key.push(label, source);
    if (written !== undefined) throw new Refusal(`${label} writes "${written}", which is outside of it`);
    for (const { name, value, members } of values) captured.set(name, this.#meaning(name, value, members));
    return read;
  }

  /** A number of a call. */
  number(value: number): Value {
    const types: Type[] = [];
    if (isInt32(value)) types.push("i32");
    if (isFloat32(value)) types.push("f32");
    const powerOfTwo = isPowerOfTwo(value);
    const whole = types[0] === "i32";
    // What is known of it belongs to the kernel: not the number itself, but its kind.
    const max = !Number.isFinite(value) ? Infinity : Math.abs(value) <= 2 ** 20 ? 2 ** 20 : whole ? 2 ** 31 : Infinity;
    this.key.push(`${types.join()} ${powerOfTwo} ${max}`);
    const index = this.params.push(value) - 1;
    return { op: "param", type: "f64", uniform: true, args: [], max, whole, index, fits: types, powerOfTwo };
  }

  #meaning(name: string, value: unknown, members: ReadonlySet<string> | undefined): Meaning {
    this.key.push(name);
    if (typeof value === "number") return { is: "number", value: this.number(value) };
    if (typeof value === "boolean") {
      this.key.push(String(value));
      return { is: "truth", value };
    }
    const type = streamType(value);
    if (type !== undefined) {
      this.key.push(type);
      this.arrays.push(value as ArrayBufferView);
      return { is: "array", stream: this.streams.push({ type }) - 1 };
    }
    if (typeof value === "function") {
      if (isOfMath(value)) {
        this.key.push(value.name);
        return { is: "math", name: value.name };
      }
      return { is: "function", read: this.read(value) };
    }
    if (members && isPlain(value)) {
      const found = new Map<string, Meaning>();
      for (const member of members) {
        const descriptor = Object.getOwnPropertyDescriptor(value, member);
        if (typeof descriptor?.value === "number" || typeof descriptor?.value === "boolean")
          found.set(member, this.#meaning(member, descriptor.value, undefined));
      }
      this.key.push("}");
      return { is: "object", members: found };
    }
    const what = describe(value);
    this.key.push(what);
    return { is: "other", what };
  }
}

/** How a typed array is read; undefined for what a kernel can't read. */
export function streamType(value: unknown): Stream["type"] | undefined {
  if (value instanceof Float64Array) return "f64";
  if (value instanceof Float32Array) return "f32";
  return value instanceof Int32Array ? "i32" : undefined;
}

function isPlain(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === "object") return `an object of class ${value.constructor?.name ?? "null"}`;
  return `a ${typeof value}`;
}

interface Understood {
  readonly source: string;
  readonly tree: Tree;
  readonly label: string;
  readonly captured: readonly { name: string; value: unknown; members: ReadonlySet<string> | undefined }[];
  readonly written: string | undefined;
  readonly lastUse: ReadonlyMap<string, number>;
  readonly assigned: ReadonlySet<string>;
  position(offset: number): string;
}

/** What captures nothing stays as it is. */
const constants = new WeakMap<Function, Understood>();

function understand(fn: Function): Understood {
  const known = constants.get(fn);
  if (known && isStillStandard("Math")) return known;
  if (isOfMath(fn)) return ofMath(fn.name);
  let closure;
  try {
    closure = read(fn);
  } catch (cause) {
    throw new Refusal(`"${fn.name}" can't be read: ${(cause as Error).message}`);
  }
  const { source, facts, label, start, captured } = closure;
  if (facts.shape !== "arrow" && facts.shape !== "function") throw new Refusal(`${label} is a ${facts.shape}`);
  const { tree, lastUse, assigned } = parsed(source);
  if (tree.async || tree.generator) throw new Refusal(`${label} is ${tree.async ? "asynchronous" : "a generator"}`);
  const written = [...facts.free].find(([, free]) => free.written)?.[0];
  const file = start.url.replace(/[?#].*$/, "").replace(/^.*[/\\]/, "");
  const understood: Understood = {
    source,
    tree,
    label,
    written,
    lastUse,
    assigned,
    captured: captured.map(({ name, value }) => ({ name, value, members: facts.free.get(name)?.members })),
    position(offset) {
      const lines = source.slice(0, offset).split("\n");
      const column = lines.at(-1)!.length + (lines.length === 1 ? start.column : 0);
      return `${file && `${file}:`}${start.line + lines.length}:${column + 1}`;
    },
  };
  if (captured.length === 0 && [...facts.free.keys()].every((name) => name === "Math")) constants.set(fn, understood);
  return understood;
}

const isOfMath = (fn: Function): boolean => Math[fn.name as "sqrt"] === fn;

/** A function of Math as a stage, which gets the place, too. */
function ofMath(name: string): Understood {
  const source = `(x, i) => Math.${name}(x, i)`;
  return {
    ...parsed(source),
    ...{ source, label: `Math.${name}`, captured: [], written: undefined },
    position: () => `Math.${name}`,
  };
}

interface Parsed {
  readonly tree: Tree;
  readonly lastUse: Map<string, number>;
  readonly assigned: Set<string>;
}

const trees = new Map<string, Parsed>();

/** Positions in the tree are one behind those in the source. */
function parsed(source: string): Parsed {
  let found = trees.get(source);
  if (!found) {
    if (trees.size >= 1000) trees.clear();
    const program = parse(`(${source}\n)`, { ecmaVersion: "latest", sourceType: "script" }) as Tree;
    found = { tree: program.body[0].expression as Tree, lastUse: new Map(), assigned: new Set() };
    note(found.tree, found);
    trees.set(source, found);
  }
  return found;
}

function note(node: Tree, to: Parsed): void {
  if (node.type === "Identifier") to.lastUse.set(node.name, Math.max(node.start, to.lastUse.get(node.name) ?? 0));
  const target: Tree | undefined =
    node.type === "AssignmentExpression" ? node.left : node.type === "UpdateExpression" ? node.argument : undefined;
  if (target?.type === "Identifier") to.assigned.add(target.name);
  for (const child of childrenOf(node)) note(child, to);
}

const children = new WeakMap<Tree, readonly Tree[]>();

export function childrenOf(node: Tree): readonly Tree[] {
  let found = children.get(node);
  if (!found) {
    found = Object.values(node)
      .flat()
      .filter((one: unknown): one is Tree => typeof one === "object" && one !== null && "type" in one);
    children.set(node, found);
  }
  return found;
}
