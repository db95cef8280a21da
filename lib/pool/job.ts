// A unit of work on its way: what a queue holds and a thread runs.

import { inspect } from "node:util";
import { NotSendableError } from "../errors.ts";
import { whyNotCloned, type Wire } from "../ship/index.ts";

export type Outcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: unknown; readonly index?: number | undefined; readonly stopped?: boolean };
// `index`: the item of a part that failed. `stopped`: it did not fail by itself, someone ended it.

/** Milliseconds on the common clock; no start where it never started. */
export interface Times {
  readonly startMs?: number | undefined;
  readonly endMs: number;
}

/** What the parts of one call share. */
export interface Group {
  readonly id: number;
  readonly wire: Wire;
  /** At most so many of its parts run at a time. */
  readonly limit: number;
  running: number;
}

/** What is to be run, and whom to tell. Both are told at most once, `settled` always. */
export interface Work {
  /** How messages and charts call it. */
  readonly label: string;
  readonly group?: Group | undefined;
  started?(thread: number, atMs: number): void;
  settled(outcome: Outcome, times: Times): void;
}

export interface Job {
  readonly id: number;
  readonly work: Work;
  /** What is sent: the caller's objects, or a copy of them where it has to wait. Gone once it is sent. */
  wire: Wire | undefined;
  /** Who started it, for the host. */
  readonly origin: number | undefined;
  state: "queued" | "running" | "ended";
  thread: number | undefined;
  /** When it was given to the thread. */
  givenMs: number | undefined;
}

/** How a message calls it. */
export function called({ label }: Pick<Work, "label">): string {
  return label === UNNAMED ? "the task" : `the task "${label}"`;
}

const UNNAMED = "task";

/** How messages and charts call a function. */
export function labelOf(fn: Function): string {
  return (typeof fn.name === "string" && fn.name) || UNNAMED;
}

/** What an error says, whatever was thrown in its place. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof Error) return String(thrown.message);
  return typeof thrown === "string" ? thrown : inspect(thrown, { customInspect: false });
}

/** The error for what structured clone refuses. */
export function unsendable(cause: unknown): NotSendableError {
  const text = `The task can't be sent to a thread: ${whyNotCloned(cause as Error)}.`;
  return new NotSendableError("args", text, { cause });
}
