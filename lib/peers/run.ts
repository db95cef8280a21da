// Runs a program to its end and collects what it prints. It is killed, with all that it has started, when its time is
// over or `stop` is aborted; nothing that it leaves running survives it.

import type { ChildProcess } from "node:child_process";
import { killGroup, spawnGroup } from "../child-group.ts";
import { capture } from "./capture.ts";

export interface RunOptions {
  readonly stop: AbortSignal;
  readonly timeoutMs: number;
  readonly input?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly cwd?: string;
}

export interface Run {
  readonly ok: boolean;
  readonly stdout: string;
  readonly stderr: string;
  /** From its start to its exit. */
  readonly ms: number;
  /** A sentence each: why it is not ok, what is missing. */
  readonly notes: readonly string[];
}

/** A process that has left the group can hold the pipes open: after the exit, this long without a byte is the end. */
const DRAIN_MS = 500;

/** Rejects with the reason of `stop`; whatever else goes wrong is a result that is not ok. */
export async function run(command: string, args: readonly string[], options: RunOptions): Promise<Run> {
  const { stop, timeoutMs, input, env, cwd } = options;
  stop.throwIfAborted();
  const begin = performance.now();
  let child: ChildProcess;
  try {
    child = await spawnGroup(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    });
  } catch (error) {
    const notes = [`It could not be started: ${(error as Error).message}.`];
    return { ok: false, stdout: "", stderr: "", ms: 0, notes };
  }
  const [stdout, stderr] = [capture(child.stdout!, "stdout"), capture(child.stderr!, "stderr")];
  child.stdin?.on("error", () => {}); // a program need not read its input
  child.stdin?.end(input);
  let timedOut = false;
  const kill = (): void => killGroup(child);
  const timer = setTimeout(() => {
    timedOut = true;
    kill();
  }, timeoutMs);
  stop.addEventListener("abort", kill, { once: true });
  if (stop.aborted) kill(); // while it started
  try {
    await new Promise((resolve) => child.once("exit", resolve));
    const ms = performance.now() - begin;
    clearTimeout(timer);
    const drained = await drain(child, () => stdout.total + stderr.total);
    stop.throwIfAborted();
    const notes = [how(child, timedOut ? timeoutMs : undefined, stderr.text()), stdout.note(), stderr.note()];
    if (!drained)
      notes.push("A process that it started outlived it and kept its output open: what comes later is lost.");
    return {
      ok: child.exitCode === 0 && !timedOut,
      stdout: stdout.text(),
      stderr: stderr.text(),
      ms,
      notes: notes.filter((note) => note !== undefined),
    };
  } finally {
    clearTimeout(timer);
    stop.removeEventListener("abort", kill);
  }
}

/** Why it is not ok, if it isn't. */
function how(child: ChildProcess, timeoutMs: number | undefined, stderr: string): string | undefined {
  if (timeoutMs !== undefined) return `It did not end within ${timeoutMs} ms (timeoutMs) and was killed.`;
  const why = reason(stderr);
  const because = why === undefined ? "." : `: ${why}`;
  if (child.signalCode !== null) return `It was ended by ${child.signalCode}${because}`;
  return child.exitCode === 0 ? undefined : `It ended with exit code ${child.exitCode}${because}`;
}

/** The line that tells most: of a panic in Go or Rust, otherwise the last one, as in Python. */
function reason(stderr: string): string | undefined {
  const panic = /^(?:panic|fatal error): .*|panicked at .*\n.*/m.exec(stderr)?.[0].replace("\n", " ");
  return panic ?? lastLine(stderr);
}

/** The last line that is not blank. */
export function lastLine(text: string): string | undefined {
  const trimmed = text.trimEnd();
  return trimmed.slice(trimmed.lastIndexOf("\n") + 1).trim() || undefined;
}

/** Until both pipes are closed, or nothing has come for a while twice: a busy event loop may be late to read. */
export async function drain(child: ChildProcess, total: () => number): Promise<boolean> {
  const streams = [child.stdout!, child.stderr!];
  const closed = Promise.all(
    streams.map(async (stream) => stream.closed || (await new Promise((resolve) => stream.once("close", resolve)))),
  ).then(() => true);
  for (let seen = -1, quiet = 0; quiet < 2;) {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => setImmediate(resolve, false), DRAIN_MS);
    if (await Promise.race([closed, promise])) {
      clearTimeout(timer);
      return true;
    }
    quiet = total() === seen ? quiet + 1 : 0;
    seen = total();
  }
  for (const stream of streams) stream.destroy();
  return false;
}
