// From a function to the values of the variables that it mentions.

import vm from "node:vm";
import { CaptureError } from "../errors.ts";
import type { SourceFacts } from "./free-names.ts";
import { isBareGlobal } from "./globals.ts";
import type { FunctionView } from "./inspector.ts";

export interface Captured {
  readonly name: string;
  readonly value: unknown;
  /** It is a variable of a module's top level: perhaps an import. */
  readonly ofModule: boolean;
  /** It is a top-level variable of a cell or a classic script. */
  readonly ofScript?: boolean;
}

/** What a function captures, in the order of its text. `label` names the function in an error. */
export function capturesOf(fn: Function, facts: SourceFacts, view: FunctionView, label: () => string): Captured[] {
  const captured: Captured[] = [];
  for (const { name } of facts.free.values()) {
    const scope = view.scopes.find(({ variables }) => Object.hasOwn(variables, name));
    if (scope) {
      captured.push({
        name,
        value: read(() => scope.variables[name], name, label),
        ofModule: scope.kind === "Module",
        ofScript: scope.kind === "Script",
      });
    } else if (name === facts.superName) {
      // `class A extends B`: only a variable that some closure mentions is in a scope, and the heritage alone is none.
      captured.push({ name, value: Object.getPrototypeOf(fn), ofModule: true });
    } else {
      const found = readByName(name, label);
      if (found && !isBareGlobal(name, found.value))
        captured.push({ name, value: found.value, ofModule: false, ofScript: true });
    }
  }
  return captured;
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
function readByName(name: string, label: () => string): { value: unknown } | undefined {
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
