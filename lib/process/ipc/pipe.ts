// Pipes: the standard input and output of a child process, of any language.

import { spawn, type ChildProcess } from "node:child_process";
import { IpcError, type ProcessEnd } from "../../errors.ts";
import { checkKnown } from "../../checks.ts";
import { unwatchChild, watchChild } from "../reaper.ts";
import { checkFormat, type Format, type MessageOf } from "./format.ts";
import { StreamLink, type Link } from "./link.ts";
import type { FormatOptions } from "./socket.ts";

/** How long a child gets to end by itself when its input has ended. */
const END_MS = 1000;

export interface PipeOptions<F extends Format> extends FormatOptions<F> {
  cwd?: string;
  env?: Record<string, string | undefined>;
}

/** A link to a child that was started for it. */
export interface PipeLink<T> extends Link<T> {
  readonly pid: number;
  /** How the child has ended. */
  readonly ended: Promise<ProcessEnd>;
}

/**
 * Starts a program and talks to it by its standard input and output; what it prints on stderr is printed. `close()`, or
 * `await using`, ends its input, and kills it if it is still there a second later.
 * Waits: async, until it has started. Throws IpcError where it can't be.
 */
export async function pipe<F extends Format = "json">(
  command: string,
  args: readonly string[] = [],
  options: PipeOptions<F> = {},
): Promise<PipeLink<MessageOf<F>>> {
  checkKnown("ipc.pipe()", options, ["format", "cwd", "env"]);
  const format = checkFormat(options.format ?? "json");
  const { cwd, env } = options;
  const child = spawn(command, args, {
    stdio: ["pipe", "pipe", "inherit"],
    cwd,
    env: env && { ...process.env, ...env },
  });
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (cause: NodeJS.ErrnoException) => {
      const why = cause.code === "ENOENT" ? "there is no such program" : cause.message;
      reject(new IpcError(`Can't start "${command}": ${why}.`, { cause }));
    });
  });
  const pid = child.pid!;
  watchChild(pid);
  const ended = new Promise<ProcessEnd>((resolve) => {
    child.once("exit", (exitCode, signal) => {
      unwatchChild(pid);
      resolve({ exitCode: exitCode ?? undefined, signal: signal ?? undefined });
    });
  });
  const link = new StreamLink<MessageOf<F>>({
    readable: child.stdout,
    writable: child.stdin,
    format,
    held: child,
    other: () => end(child, ended),
  });
  return Object.assign(link, { pid, ended });
}

async function end(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  const timer = setTimeout(() => child.kill("SIGKILL"), END_MS);
  await ended;
  clearTimeout(timer);
}

/** The child's side: this program's own standard input and output. What it prints otherwise would come in between. */
export function stdio<F extends Format = "json">(options: FormatOptions<F> = {}): Link<MessageOf<F>> {
  checkKnown("ipc.stdio()", options, ["format"]);
  return new StreamLink<MessageOf<F>>({
    readable: process.stdin,
    writable: process.stdout,
    format: checkFormat(options.format ?? "json"),
    isLent: true,
  });
}
