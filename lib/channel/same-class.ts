// Are two objects of the same hidden class? V8 keeps one for all objects with the same properties, of the same kinds, in the
// same order, and the same prototype, so this is one comparison in the place of listing them. Its word for it is of its own
// syntax, which is allowed for the moment in which this is compiled. Where it can't be, no two are.

import { setFlagsFromString } from "node:v8";

interface Asked {
  isSame(one: object, other: object): boolean;
  /** An object with very many properties, or odd ones, has none of its own: it is of a class with any others. */
  hasClass(one: object): boolean;
}

const NOTHING: Asked = { isSame: () => false, hasClass: () => false };
/** Undefined until it is needed. */
let v8: Asked | undefined;

function compiled(): Asked {
  const make = (): Asked => ({
    isSame: new Function("one", "other", "return %HaveSameMap(one, other)") as Asked["isSame"],
    hasClass: new Function("one", "return %HasFastProperties(one)") as Asked["hasClass"],
  });
  try {
    return make();
  } catch {
    // As it should be.
  }
  setFlagsFromString("--allow-natives-syntax");
  try {
    return make();
  } catch {
    return NOTHING;
  } finally {
    setFlagsFromString("--no-allow-natives-syntax");
  }
}

function ask(question: (v8: Asked) => boolean): boolean {
  try {
    return question((v8 ??= compiled()));
  } catch {
    // V8 forgets what was not called for long, and would compile it again: now it is no syntax.
    v8 = undefined;
    return false;
  }
}

export const hasClass = (one: object): boolean => ask((v8) => v8.hasClass(one));

/**
 * False says nothing. One of them must be known to have a class. What has elements, at integer keys, is of the same class
 * as what has none. V8 must not be asked for anything but objects.
 */
export const isOfSameClass = (one: object, other: object): boolean => ask((v8) => v8.isSame(one, other));
