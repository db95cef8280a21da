// The function literals that the compiler has marked (language/literals.ts): what it noted of each is kept beside it.

import type { Literal } from "../../lib/host.ts";
import { defineGlobal } from "./imports.ts";

const literals = new WeakMap<Function, Literal>();

export function literal(fn: Function): Literal | undefined {
  return literals.get(fn);
}

/** Defines what marked literals call. In threads, too: a shipped function may hold others. */
export function installLiterals(): void {
  defineGlobal("__literal", (place: number, captures: Literal["captures"], fn: Function) => {
    literals.set(fn, { place, captures });
    return fn;
  });
}
