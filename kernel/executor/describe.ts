// Errors and values as text: tracebacks without the kernel's and Node's own frames, values as a MIME bundle.

import path from "node:path";
import { inspect } from "node:util";
import { fileURLToPath } from "node:url";
import type { MimeBundle } from "../../lib/host.ts";
import type { CellError } from "../link/messages.ts";

export const DISPLAY = Symbol.for("Jupyter.display");

const OWN_FRAMES = [new URL("../../lib/", import.meta.url).href, new URL("../", import.meta.url).href];
const folder = process.cwd();
const MAX_CAUSES = 5;

/** Calls getters of the error: run it under a guard. */
export function describeError(error: unknown): CellError {
  const isObject = typeof error === "object" && error !== null;
  const named = isObject ? (error as { name?: unknown; message?: unknown }) : {};
  const isError = error instanceof Error || typeof named.message === "string";
  return {
    status: "error",
    ename: isError ? String(named.name ?? "Error") : "Uncaught",
    evalue: isError ? String(named.message) : inspect(error),
    traceback: errorText(error).split("\n"),
  };
}

/** The stack as a person wants it, causes and aggregated errors below it. */
export function errorText(error: unknown, depth = 0): string {
  if (!(error instanceof Error)) return `Uncaught ${inspect(error)}`;
  let text = cleanStack(String(error.stack ?? error));
  if (depth >= MAX_CAUSES) return text;
  const below = (label: string, inner: unknown) => {
    text += `\n  [${label}] ${errorText(inner, depth + 1).replaceAll("\n", "\n  ")}`;
  };
  if (error.cause !== undefined) below("cause", error.cause);
  if (error instanceof AggregateError) for (const inner of error.errors) below("error", inner);
  return text;
}

/** Without the kernel's own frames and Node's, names of files told from the notebook's folder. */
export function cleanStack(stack: string): string {
  return stack
    .split("\n")
    .filter((line) => !/^\s+at /.test(line) || isUserFrame(line))
    .join("\n")
    .replace(/\?v=[\d.]+/g, "")
    .replace(/file:\/\/[^\s)]*?(?=:\d+:\d+)/g, (url) => relative(url));
}

/** Every stack of this thread is told without the kernel's and the library's frames, wherever it is printed. */
export function hideOwnFrames(): void {
  Error.prepareStackTrace = (error: Error, frames: NodeJS.CallSite[]) => {
    const lines = frames.map((frame) => `    at ${frame.toString()}`);
    const others = lines.filter((line) => !OWN_FRAMES.some((own) => line.includes(own)) && !HOW_CELLS_RUN.test(line));
    return [Error.prototype.toString.call(error), ...(others.length > 0 ? others : lines)].join("\n");
  };
}

const HOW_CELLS_RUN = /\(node:(inspector|internal\/async_local_storage)|at new Promise \(<anonymous>\)$|__braidGuarded/;

function isUserFrame(line: string): boolean {
  return (
    !OWN_FRAMES.some((own) => line.includes(own)) &&
    !/\(?node:|^\s+at new Promise \(<anonymous>\)$|__braidGuarded/.test(line)
  );
}

/** Names of files are told from the notebook's folder: shorter, and nothing about the machine gets into a notebook. */
function relative(url: string): string {
  try {
    const file = fileURLToPath(url);
    const short = path.relative(folder, file);
    return short.startsWith(path.join("..", "..", "..")) ? path.basename(file) : short;
  } catch {
    return url;
  }
}

/** Calls the value's own display hook or inspect hooks: run it under a guard. The hook may return a promise. */
export function describeValue(value: unknown): MimeBundle | Promise<MimeBundle> {
  const hook = (value as { [DISPLAY]?: unknown } | null | undefined)?.[DISPLAY];
  if (typeof hook === "function") return hook.call(value) as MimeBundle | Promise<MimeBundle>;
  return { "text/plain": inspect(value, { depth: 4 }) };
}
