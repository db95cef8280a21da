// What runs in a thread of a pool: takes one task at a time, runs it, answers. Whatever happens to a task, there is an
// answer or the thread is gone; either settles it.

import { parentPort, workerData } from "node:worker_threads";
import { BraidError, NotSendableError } from "../errors.ts";
import { host } from "../host.ts";
import { decode, encode, prepare, transferList, whyNotCloned, type Wire } from "../ship/index.ts";
import { watchLateErrors } from "./late-errors.ts";
import { messageOf } from "./job.ts";
import { now, type FromThread, type ThreadData, type ToThread } from "./messages.ts";
import { isThenable, ItemFailure, type Entry } from "./parts.ts";

const { owner } = workerData as ThreadData;
const port = parentPort!;
type RunPart = (part: unknown) => unknown;
/** By group: what runs its parts here. Where opening it failed, each part tells so. */
const groups = new Map<number, Promise<RunPart>>();

// Shipped functions import by the default loader, which Node 24 calls experimental at the first import().
const { emitWarning } = process;
process.emitWarning = function (warning: string | Error, ...rest: unknown[]): void {
  if (!String(warning).includes("USE_MAIN_CONTEXT_DEFAULT_LOADER"))
    (emitWarning as (...args: unknown[]) => void).call(process, warning, ...rest);
} as typeof emitWarning;

/** Errors that nobody catches: while a task runs they are its own, and end the thread. */
const lateErrors = watchLateErrors();

function say(message: FromThread, wires: Wire[]): void {
  port.postMessage(message, transferList(...wires));
}

async function receive(wire: Wire): Promise<unknown> {
  const wait = prepare(wire);
  if (wait) await wait;
  return decode(wire);
}

async function open(wire: Wire): Promise<RunPart> {
  const { entry, context } = (await receive(wire)) as { entry: Entry<unknown, unknown, unknown>; context: unknown };
  return entry(context);
}

function failure(error: unknown): { wire: Wire; index: number | undefined } {
  const index = error instanceof ItemFailure ? error.index : undefined;
  const thrown = error instanceof ItemFailure ? error.error : error;
  try {
    return { wire: encode(thrown, { to: owner, path: "what the task threw" }), index };
  } catch (why) {
    // What it threw can't cross: its words can.
    const { name, stack } = thrown instanceof Error ? thrown : { name: "Error", stack: undefined };
    const stand = new Error(`${name}: ${messageOf(thrown)} (${messageOf(why)})`);
    // What a ship hook threw may not cross either.
    if (why instanceof BraidError) stand.cause = why;
    if (stack) stand.stack = stack;
    return { wire: encode(stand, { to: owner }), index };
  }
}

async function run(message: ToThread & { braid: "task" }): Promise<void> {
  const startMs = now();
  lateErrors.pause();
  let reply: { ok: boolean; wire: Wire; index: number | undefined };
  try {
    if (message.shared) groups.set(message.group!, open(message.shared));
    const part = message.group === undefined ? undefined : await groups.get(message.group);
    const wait = prepare(message.wire);
    if (wait) await wait;
    const input = decode(message.wire);
    const start = (): unknown => {
      if (part) return part(input);
      const { fn, args } = input as { fn: (...args: unknown[]) => unknown; args: unknown[] };
      return fn(...args);
    };
    const here = host();
    const started = here ? here.runAs(message.origin, start) : start();
    const value = isThenable(started) ? await started : started;
    reply = { ok: true, wire: encode(value, { to: owner, path: "result" }), index: undefined };
  } catch (error) {
    reply = { ok: false, ...failure(error) };
  }
  const times = { startMs, endMs: now() };
  try {
    say({ braid: "done", ...reply, ...times }, [reply.wire]);
  } catch (cause) {
    const why = new NotSendableError("result", `The result can't be sent: ${whyNotCloned(cause as Error)}.`, { cause });
    say({ braid: "done", ok: false, ...failure(why), ...times }, []);
  }
  // Not before the answer is on its way: without one, the end of the thread is the answer.
  lateErrors.resume();
}

port.on("message", (message: ToThread) => {
  if (message.braid === "task") void run(message);
  else groups.delete(message.group);
});
port.on("messageerror", (error: Error) => {
  const why = new NotSendableError("args", `The task can't be read by its thread: ${whyNotCloned(error)}.`);
  say({ braid: "done", ok: false, ...failure(why), startMs: now(), endMs: now() }, []);
});
say({ braid: "ready" }, []);
