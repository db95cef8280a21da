// Is an array one of the language's own, without a property beside its items? There is no quick question for it: to list the
// keys takes longer than to send the items. But V8 knows it, for all such arrays of a kind of items are of one hidden class:
// so it is asked whether an array is of the same as one that is known. Its word for that is of its own syntax, which
// is allowed for the moment in which this is compiled; where it can't be, the keys are listed.

import { types } from "node:util";
import { setFlagsFromString } from "node:v8";

type SameClass = (one: unknown, other: unknown) => boolean;

/** Of small integers, of numbers, of anything; the others have had room for holes. */
const KNOWN: readonly unknown[] = [[1], [1.5], [""], ...[1, 1.5, ""].map((item) => new Array<unknown>(1).fill(item))];

let last = KNOWN[0];
/** Undefined until it is needed; `null` where it can't be had. */
let sameClass: SameClass | null | undefined;

function compiled(): SameClass | null {
  const make = (): SameClass => new Function("one", "other", "return %HaveSameMap(one, other)") as SameClass;
  try {
    return make();
  } catch {
    // As it should be.
  }
  setFlagsFromString("--allow-natives-syntax");
  try {
    return make();
  } catch {
    return null;
  } finally {
    setFlagsFromString("--no-allow-natives-syntax");
  }
}

/** Only for objects: of anything else V8 must not be asked. */
function isOfKnownClass(value: object): boolean {
  if (sameClass === undefined) sameClass = compiled();
  if (!sameClass) return false;
  try {
    if (sameClass(value, last)) return true;
    for (const one of KNOWN)
      if (sameClass(value, one)) {
        last = one;
        return true;
      }
  } catch {
    // V8 forgets what was not called for long, and would compile it again: now it is no syntax.
    sameClass = undefined;
  }
  return false;
}

/** What is said no to may be one all the same. */
const MOST_KEYS = 4096;

export function isOrdinaryList(value: unknown): value is unknown[] {
  if (!Array.isArray(value)) return false;
  if (isOfKnownClass(value)) return true;
  if (types.isProxy(value) || Object.getPrototypeOf(value) !== Array.prototype) return false;
  return value.length <= MOST_KEYS && Reflect.ownKeys(value).length === value.length + 1;
}
