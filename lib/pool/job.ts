// A unit of work on its way: what a pool queues and a thread runs.

import { inspect } from "node:util";
import { NotSendableError } from "../errors.ts";
import { snapshot, whyNotCloned, type Wire } from "../ship/index.ts";
import type { Group } from "./group.ts";

export type Outcome =
  | { readonly ok: true; readonly value: unknown }
  | {
      readonly ok: false;
      readonly error: unknown;
      readonly index?: number | undefined;
      readonly stopped?: boolean | undefined;
    };
// `index`: the item of a part that failed. `stopped`: it did not fail by itself, someone ended it.

/** What is to be run, and whom to tell, once. */
export interface Work {
  /** How messages and charts call it. */
  readonly label: string;
  readonly group?: Group | undefined;
  /** Which part of the whole it is, from 0 up to 1: where each thread gets its share beforehand, it goes by this. */
  readonly share?: number;
  /** A task has asked for it: it is told also while this thread is blocked. */
  readonly isNested?: boolean;
  settled(outcome: Outcome, job: Job): void;
}

/** What is sent: a wire, or the number of a function and the bytes of its arguments. */
export type Parcel = { readonly wire: Wire } | { readonly fn: number; readonly args: Uint8Array | undefined };

export class Job {
  readonly id: number;
  readonly work: Work;
  /** Who started it, for the host. */
  readonly origin: number | undefined;
  /** Gone once it is sent. */
  parcel: Parcel | undefined;
  /** Its place on the board; -1 before it has one, and afterwards. */
  slot = -1;
  isOver = false;
  /** Its neighbours among those that have not ended. */
  before: Job | undefined;
  after: Job | undefined;
  /** It waits for this seat's thread only. */
  onlySeat: number | undefined;
  /** It counts in its group. */
  isInGroup = false;
  #isKept = false;
  /** Node's id of the thread that ran it, and when, on the common clock. */
  thread: number | undefined;
  startMs: number | undefined;
  endMs: number | undefined;

  constructor(id: number, work: Work, origin: number | undefined, parcel: Parcel | undefined) {
    this.id = id;
    this.work = work;
    this.origin = origin;
    this.parcel = parcel;
  }

  /** It has to wait: what it sends is copied as it is now. Throws what can't be. */
  keep(): void {
    if (this.#isKept || !this.parcel || !("wire" in this.parcel)) return;
    try {
      this.parcel = { wire: snapshot(this.parcel.wire) };
      this.#isKept = true;
    } catch (cause) {
      throw unsendable(cause);
    }
  }
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
export function unsendable(cause: unknown, to = "thread"): NotSendableError {
  const text = `The task can't be sent to a ${to}: ${whyNotCloned(cause as Error)}.`;
  return new NotSendableError("args", text, { cause });
}
