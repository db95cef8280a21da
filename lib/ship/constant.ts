// Functions that are the same each time they are shipped: their text and everything that they capture is constant. A
// thread makes such a function once, so that V8 goes on with what it has learned of it. Made anew for each task, a
// function called in a hot loop costs eight times as much: the loop was optimised for its twin.

import type { FunctionNode, Node, Ref } from "./wire.ts";

const known = new Map<string, Function>();
const LIMIT = 1000;

/** A key that is equal for functions that can't be told apart; undefined for one that captures what may change. */
export function constantKey(nodes: readonly Node[], node: FunctionNode): string | undefined {
  return keyOfFunction(nodes, node, []);
}

export function knownConstant(key: string): Function | undefined {
  return known.get(key);
}

export function rememberConstant(key: string, fn: Function): void {
  if (known.size >= LIMIT) known.delete(known.keys().next().value!);
  known.set(key, fn);
}

function keyOf(nodes: readonly Node[], ref: Ref, above: FunctionNode[]): string | undefined {
  if (typeof ref !== "number")
    return `${typeof ref[0]} ${Object.is(ref[0], -0) ? "-0" : JSON.stringify(String(ref[0]))}`;
  const node = nodes[ref]!;
  if (node.t === "global" || node.t === "symbol" || node.t === "library" || node.t === "import")
    return JSON.stringify(node);
  return node.t === "fn" ? keyOfFunction(nodes, node, above) : undefined;
}

function keyOfFunction(nodes: readonly Node[], node: FunctionNode, above: FunctionNode[]): string | undefined {
  const { shape, props, proto, url, line, column, name, names, source, captures } = node;
  if (shape === "class" || props.length > 0 || proto.length > 0) return undefined;
  // A function that captures itself, or one that captures it.
  const depth = above.indexOf(node);
  if (depth >= 0) return `^${depth}`;
  const keys = captures.map((ref) => keyOf(nodes, ref, [...above, node]));
  return keys.includes(undefined) ? undefined : JSON.stringify([url, line, column, name, names, source, keys]);
}
