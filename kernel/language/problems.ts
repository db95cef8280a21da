// The type checker's messages, made short enough for a person.

import { builtinModules } from "node:module";
import type { Diagnostic } from "./lsp-client.ts";

/** A place in a cell, counted from 1, and what is wrong there. */
export interface Problem {
  code: string;
  message: string;
  line: number;
  column: number;
}

/** @param source what to import a missing name from */
export function toProblem({ range, code, message }: Diagnostic, source?: string): Problem {
  const hint = source === undefined ? "" : ` Try: import { ${missingName(message)} } from "${source}"`;
  return {
    code: `TS${code}`,
    message: shorten(message) + hint,
    line: range.start.line,
    column: range.start.character + 1,
  };
}

/** The name that the checker did not find, if that is the problem. */
export function missingName(message: string): string | undefined {
  return /^Cannot find name '([^']+)'/.exec(message)?.[1];
}

/** What to import a missing name from, by the titles of what the language server would do about it. */
export function sourceOfFix(titles: string[]): string | undefined {
  const sources = titles.flatMap((title) => /^Add import from "([^"]+)"$/.exec(title)?.[1] ?? []);
  return sources.find((source) => !source.startsWith("./__cell"));
}

/** The module of Node that exports a name. */
export function builtinSource(name: string): string | undefined {
  const modules = builtinModules.filter((module) => !/[/:]|^_|^(sys|punycode|constants|module)$/.test(module));
  const module = modules.find((module) => Object.hasOwn(process.getBuiltinModule(module) ?? {}, name));
  return module === undefined ? undefined : `node:${module}`;
}

const MAX_TYPE_LENGTH = 160;

function shorten(message: string): string {
  // The types that refuse what can't cross threads carry the reason as text; that is all a person needs.
  const reason = /NotSendable<"(.*?)">/.exec(message)?.[1];
  if (reason) return `cannot be sent to another thread: ${reason}`;
  const lines = message.split("\n").map((line) => line.replace(/'([^']*)'/g, (_, type: string) => `'${cut(type)}'`));
  // What is between says how the checker went from the first line to the last.
  return lines.length > 2 ? [lines[0], lines.at(-1)].join("\n") : lines.join("\n");
}

function cut(type: string): string {
  if (type.length <= MAX_TYPE_LENGTH) return type;
  return `${type.slice(0, MAX_TYPE_LENGTH / 2)} … ${type.slice(-MAX_TYPE_LENGTH / 2)}`;
}
