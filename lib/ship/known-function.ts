// Functions that need to be sent only once: nothing that they mention can change.

import { encode } from "./encode.ts";
import type { Literal } from "../host.ts";
import { isNative, isOfThread, seesItself } from "./encode-function.ts";
import { factsOf } from "./free-names.ts";
import { isStandardGlobal } from "./globals.ts";
import { isPrimitive } from "./plain.ts";
import { readByName } from "./scopes.ts";
import type { FunctionNode, Node, Wire } from "./wire.ts";

/**
 * The wire of a function that is the same whenever it is sent, and the globals that it names: it captures nothing, or is
 * named and not sent (of the library, imported, built in). Undefined for any other, and for what can't be sent at all.
 */
export function constantWire(fn: Function): { wire: Wire; names: readonly string[] } | undefined {
  try {
    const source = Function.prototype.toString.call(fn);
    const names = isNative(source) ? [] : [...factsOf(source).free.keys()];
    // What has no value here and now may have one later.
    if (!names.every(isStandardGlobal) || seesItself(source, fn.name)) return undefined;
    const wire = encode(fn, { path: "" });
    const [node] = wire.nodes;
    const isAlone = wire.nodes.length === 1 && node !== undefined;
    return isAlone && isConstant(node) ? { wire, names } : undefined;
  } catch {
    return undefined;
  }
}

/** A closure whose captures are primitives: its text and its values, which can be sent apart. */
export interface SmallClosure {
  /** Equal for closures that differ in their values only. */
  readonly key: string;
  /** The node of all of them. */
  readonly node: FunctionNode;
  readonly values: unknown[];
}

/** Such a closure, if it is that what the wire of `{ fn, args }` calls, with arguments that are plain data. */
export function smallClosure({ nodes }: Wire): SmallClosure | undefined {
  const [call, fn, args] = nodes;
  if (nodes.length !== 3 || call?.t !== "object" || fn?.t !== "fn" || args?.t !== "raw") return undefined;
  // eval may change what it captures.
  if (fn.shape !== "arrow" || fn.props.length > 0 || fn.source.includes("eval")) return undefined;
  const values: unknown[] = [];
  for (const ref of fn.captures) {
    if (typeof ref === "number") return undefined;
    values.push(ref[0]);
  }
  const { url, line, column, name, names, source } = fn;
  return { key: JSON.stringify([url, line, column, name, names, source]), node: { ...fn, captures: [] }, values };
}

/**
 * The captures of a literal that the host has marked, if all are primitives: those of these names, in their order. Asks
 * V8 for nothing.
 */
export function literalValues(literal: Literal, names: readonly string[]): unknown[] | undefined {
  try {
    const locals = literal.captures();
    const values: unknown[] = [];
    for (const name of names) {
      const value = Object.hasOwn(locals, name) ? locals[name] : readByName(name, () => "the closure")?.value;
      if (!isPrimitive(value) || isOfThread(value)) return undefined;
      values.push(value);
    }
    return values;
  } catch {
    return undefined;
  }
}

/** Does the node have a value for each name that is not the language's own? Another may get a value later. */
export function namesAll({ source, names }: FunctionNode): boolean {
  return [...factsOf(source).free.keys()].every((name) => names.includes(name) || isStandardGlobal(name));
}

function isConstant(node: Node): boolean {
  if (node.t === "global" || node.t === "library" || node.t === "import") return true;
  return node.t === "fn" && node.names.length === 0 && node.props.length === 0 && node.proto.length === 0;
}
