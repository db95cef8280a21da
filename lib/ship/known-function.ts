// Functions that need to be sent only once: nothing that they mention can change.

import { encode } from "./encode.ts";
import { isNative } from "./encode-function.ts";
import { factsOf } from "./free-names.ts";
import { isStandardGlobal } from "./globals.ts";
import type { Node, Wire } from "./wire.ts";

/**
 * The wire of a function that is the same whenever it is sent: it captures nothing, or is named and not sent (of the
 * library, imported, built in). Undefined for any other, and for what can't be sent at all.
 */
export function constantWire(fn: Function): Wire | undefined {
  try {
    const source = Function.prototype.toString.call(fn);
    // What has no value here and now may have one later.
    if (!isNative(source))
      for (const name of factsOf(source).free.keys()) if (!isStandardGlobal(name)) return undefined;
    const wire = encode(fn, { path: "" });
    const [node] = wire.nodes;
    const isAlone = wire.nodes.length === 1 && node !== undefined;
    return isAlone && isConstant(node) ? wire : undefined;
  } catch {
    return undefined;
  }
}

/** Does the text of a function say all of it? */
export function namesNothing(fn: Function): boolean {
  const source = Function.prototype.toString.call(fn);
  if (isNative(source)) return false;
  const { free, outer } = factsOf(source);
  return free.size === 0 && outer.size === 0;
}

function isConstant(node: Node): boolean {
  if (node.t === "global" || node.t === "library" || node.t === "import") return true;
  return node.t === "fn" && node.names.length === 0 && node.props.length === 0 && node.proto.length === 0;
}
