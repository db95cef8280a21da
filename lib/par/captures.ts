// What the functions of a pipeline capture, apart from their texts: where it is numbers and shared arrays, a function is
// shipped once, by its text, and what it captures goes with each call.

import { isShared } from "../memory/shared.ts";
import {
  compile,
  encode,
  type FunctionNode,
  type Instance,
  isOfThread,
  isPrimitive,
  readClosure,
  type ReadClosure,
} from "../ship/index.ts";

let reads: Map<Function, ReadClosure> | undefined;

/** While `f` runs, V8 is asked once what a function captures: that takes 50 us. */
export function readingOnce<R>(f: () => R): R {
  reads = new Map();
  try {
    return f();
  } finally {
    reads = undefined;
  }
}

export function read(fn: Function): ReadClosure {
  const closure = reads?.get(fn) ?? readClosure(fn);
  reads?.set(fn, closure);
  return closure;
}

/** Where a captured value comes from: it is the next number of a call, the next array, or always the same. */
type From = "number" | "array" | readonly [constant: unknown];

/** A function without what it captures, as it is shipped. */
export interface Closure {
  readonly node: FunctionNode;
  readonly from: readonly From[];
}

/** One as it is now. */
export interface ReadCaptures extends Closure {
  /** Equal for functions that differ in the values of a call only. */
  readonly key: string;
  readonly numbers: readonly number[];
  readonly arrays: readonly object[];
}

interface Known {
  readonly node: FunctionNode;
  /** These are variables: none is an import whose value happens to be equal on several threads. */
  readonly variables: Set<string>;
}

const MOST = 1000;
/** By text and place; undefined for what can't be taken apart. */
const known = new Map<string, Known | undefined>();

/** Undefined for a function that captures anything else, or that can't be shipped. */
export function capturesOf(fn: Function): ReadCaptures | undefined {
  try {
    return takenApart(fn);
  } catch {
    // Who ships it as a whole tells what is wrong with it.
    return undefined;
  }
}

function takenApart(fn: Function): ReadCaptures | undefined {
  const { source, start, captured, facts } = read(fn);
  if (facts.shape !== "arrow") return undefined;
  const names = captured.map(({ name }) => name);
  const text = JSON.stringify([start.url, start.line, start.column, fn.name, names, source]);
  const from: From[] = [];
  const [numbers, arrays]: [number[], object[]] = [[], []];
  const fixed: string[] = [];
  let isKnown = known.has(text);
  for (const { name, value } of captured) {
    if (isShared(value)) {
      from.push("array");
      arrays.push(value as object);
      continue;
    }
    if (!isPrimitive(value) || typeof value === "symbol") return undefined;
    isKnown &&= !isOfThread(value) || known.get(text)?.variables.has(name) === true;
    if (typeof value === "number") {
      from.push("number");
      numbers.push(value);
    } else {
      from.push([value]);
      fixed.push(`${name} ${typeof value} ${JSON.stringify(String(value))}`);
    }
  }
  if (!isKnown) learn(fn, text, names);
  const node = known.get(text)?.node;
  if (!node) return undefined;
  const kinds = from.map((one) => (typeof one === "string" ? one : "fixed"));
  return { key: `${text} ${kinds.join()} ${fixed.join()}`, node, from, numbers, arrays };
}

function learn(fn: Function, text: string, names: readonly string[]): void {
  const before = known.get(text);
  if (known.size >= MOST && !known.has(text)) known.delete(known.keys().next().value!);
  known.set(text, undefined);
  const { root, nodes } = encode(fn, { path: "" });
  const node = nodes[root as number];
  // eval may change what it captures, and what it has on itself may be anything.
  if (node?.t !== "fn" || node.props.length > 0 || node.proto.length > 0 || node.source.includes("eval")) return;
  const isImport = (ref: FunctionNode["captures"][number]): boolean =>
    typeof ref === "number" && !["shared", "raw", "buffer"].includes(nodes[ref]!.t);
  if (node.names.join() !== names.join() || node.captures.some(isImport)) return;
  const variables = before?.variables ?? new Set<string>();
  // Only of such values it has been asked what they are.
  node.captures.forEach((ref, n) => typeof ref !== "number" && isOfThread(ref[0]) && variables.add(names[n]!));
  known.set(text, { node: { ...node, captures: [] }, variables });
}

/** On a thread: the function, into which the values of each call are put. V8 goes on with what it has learned of it. */
export class BoundClosure {
  readonly fn: Function;
  readonly #instance: Instance;
  readonly #from: readonly From[];

  constructor({ node, from }: Closure) {
    this.#instance = compile(node);
    this.#from = from;
    this.fn = this.#instance.make();
    if (this.fn.name !== node.name) Object.defineProperty(this.fn, "name", { value: node.name, configurable: true });
  }

  /** Takes as many of each as it needs. */
  put(numbers: Iterator<number>, arrays: Iterator<unknown>): void {
    this.#instance.put(
      this.#from.map((from) =>
        from === "number" ? numbers.next().value : from === "array" ? arrays.next().value : from[0],
      ),
    );
  }
}
