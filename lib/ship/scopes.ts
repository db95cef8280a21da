// From a function to the values of the variables that it mentions.

import vm from "node:vm";
import { CaptureError } from "../errors.ts";
import type { Heritage, SourceFacts } from "./free-names.ts";
import { isBareGlobal } from "./globals.ts";
import type { FunctionView } from "./inspector.ts";

export interface Captured {
  readonly name: string;
  readonly value: unknown;
  /** It is a variable of a module's top level: perhaps an import. */
  readonly ofModule: boolean;
  /** It is a top-level variable of a cell or a classic script. */
  readonly ofScript?: boolean;
  /** How errors call it, where the name is made up. */
  readonly as?: string;
}

/** What vite makes of an import: an object with everything that the module exports. */
export const VITE_IMPORT: RegExp = /^__vi(te_ssr_)?_?import_\d+__$/;

export interface Closure {
  /** In the order of the text. */
  readonly captured: Captured[];
  /** The text that goes with these names. */
  readonly source: string;
}

/**
 * What a function captures. A class goes on extending what it did when it was made: where its `extends` names something
 * else by now, that is captured in its place. `label` names the function in an error.
 */
export function closureOf(
  fn: Function,
  source: string,
  facts: SourceFacts,
  view: FunctionView,
  label: () => string,
): Closure {
  const { heritage } = facts;
  if (!heritage) return { captured: capturesOf(facts.free, view, label), source };
  const { start, end, path, free } = heritage;
  const parent: unknown = Object.getPrototypeOf(fn);
  const superName = path?.length === 1 ? path[0] : undefined;
  if (parent === Function.prototype || namesStill(heritage, parent, view)) {
    const captured = capturesOf(facts.free, view, label);
    // Only a variable that some closure mentions is in a scope, and the heritage alone is none.
    if (superName !== undefined && !lookUp(superName, view, label))
      captured.unshift({ name: superName, value: parent, ofModule: true });
    return { captured, source };
  }
  const written = source.slice(start, end);
  const captured = capturesOf(free, view, label);
  if (superName !== undefined && !free.has(superName)) {
    captured.unshift({ name: superName, value: parent, ofModule: false });
    return { captured, source };
  }
  const name = freshName(source);
  captured.unshift({ name, value: parent, ofModule: false, as: written });
  // As long as what it stands for, so that what follows stays at its place.
  const stand = name + written.slice(1).replace(/[^\n]/g, " ");
  return { captured, source: source.slice(0, start) + stand + source.slice(end) };
}

function capturesOf(free: SourceFacts["free"], view: FunctionView, label: () => string): Captured[] {
  const captured: Captured[] = [];
  for (const { name } of free.values()) {
    const found = lookUp(name, view, label);
    if (found && !(found.byName && isBareGlobal(name, found.value))) captured.push(found);
  }
  return captured;
}

interface Found extends Captured {
  /** It is in no scope. */
  readonly byName: boolean;
}

/** A variable as the function sees it now. */
function lookUp(name: string, view: FunctionView, label: () => string): Found | undefined {
  const scope = view.scopes.find(({ variables }) => Object.hasOwn(variables, name));
  if (scope) {
    const value = read(() => scope.variables[name], name, label);
    return { name, value, ofModule: scope.kind === "Module", ofScript: scope.kind === "Script", byName: false };
  }
  const found = readByName(name, label);
  return found && { name, value: found.value, ofModule: false, ofScript: true, byName: true };
}

/** Does the text of a heritage name this class now? Runs nothing but what vite puts in the place of an import. */
function namesStill({ path }: Heritage, parent: unknown, view: FunctionView): boolean {
  if (!path) return false;
  const [name, ...members] = path as [string, ...string[]];
  try {
    const found = lookUp(name, view, () => "the class");
    if (!found) return members.length === 0;
    let { value } = found;
    for (const member of members) {
      const holder = Object(value) as Record<string, unknown>;
      value = VITE_IMPORT.test(name) ? holder[member] : Object.getOwnPropertyDescriptor(holder, member)?.value;
    }
    return value === parent;
  } catch {
    return false;
  }
}

/** A name of one letter that the source doesn't have. */
function freshName(source: string): string {
  let code = 0x4e00;
  while (source.includes(String.fromCharCode(code))) code++;
  return String.fromCharCode(code);
}

function read(get: () => unknown, name: string, label: () => string): unknown {
  try {
    return get();
  } catch (cause) {
    throw tooEarly(name, label, cause);
  }
}

function tooEarly(name: string, label: () => string, cause: unknown): CaptureError {
  const text = `"${name}" is captured by ${label()} before its declaration ran: ship the function after that line.`;
  return new CaptureError(name, text, { cause });
}

const scripts = new Map<string, vm.Script>();

/** Top-level `let`, `const` and `class` of a cell or a classic script are in no scope, but any script can name them. */
export function readByName(name: string, label: () => string): { value: unknown } | undefined {
  let script = scripts.get(name);
  if (!script) {
    if (scripts.size >= 5000) scripts.clear();
    scripts.set(name, (script = new vm.Script(name)));
  }
  try {
    return { value: script.runInThisContext() };
  } catch (error) {
    if (error instanceof ReferenceError && error.message.includes("before initialization"))
      throw tooEarly(name, label, error);
    // No such name here: perhaps there is on the other side, and if not the error comes from where the name is used.
    return undefined;
  }
}
