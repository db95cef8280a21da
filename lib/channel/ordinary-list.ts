// Is an array one of the language's own, without a property beside its items? To list the keys takes longer than to send the
// items, so its class is compared with that of arrays that are known.

import { types } from "node:util";
import { isOfSameClass } from "./same-class.ts";

/** Of small integers, of numbers, of anything; the others have had room for holes. */
const KNOWN: readonly object[] = [[1], [1.5], [""], ...[1, 1.5, ""].map((item) => new Array<unknown>(1).fill(item))];
let last = KNOWN[0]!;

function isOfKnownClass(value: object): boolean {
  if (isOfSameClass(value, last)) return true;
  const found = KNOWN.find((one) => isOfSameClass(value, one));
  if (found) last = found;
  return found !== undefined;
}

/** What is said no to may be one all the same. */
const MOST_KEYS = 4096;

export function isOrdinaryList(value: unknown): value is unknown[] {
  if (!Array.isArray(value)) return false;
  if (isOfKnownClass(value)) return true;
  if (types.isProxy(value) || Object.getPrototypeOf(value) !== Array.prototype) return false;
  return value.length <= MOST_KEYS && Reflect.ownKeys(value).length === value.length + 1;
}
