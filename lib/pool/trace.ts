// What a pool remembers of when which thread did what.

import { threadId } from "node:worker_threads";
import type { Job } from "./job.ts";
import { now } from "./messages.ts";

/** One thing that happened. `atMs` counts from the making of the pool, on one clock for all threads. */
export interface TraceEvent {
  kind: "enqueue" | "start" | "end" | "steal" | "wait" | "wake";
  /** Node's id of the thread that did it. */
  thread: number;
  task: number;
  /** With "steal": the thread it was taken from. */
  from?: number;
  atMs: number;
  label?: string;
}

export class Trace {
  readonly #events: TraceEvent[] | undefined;
  readonly #begin: number;

  constructor(on: boolean, begin: number) {
    this.#events = on ? [] : undefined;
    this.#begin = begin;
  }

  enqueued(job: Job): void {
    if (this.#events) this.#add("enqueue", threadId, job, now());
  }

  /** @param from the thread that it was meant for, where that is still there */
  stolen(job: Job, from: number | undefined): void {
    if (this.#events && job.thread !== undefined) this.#add("steal", job.thread, job, job.startMs ?? job.endMs!, from);
  }

  /** It blocked its thread. */
  waited(job: Job, thread: number, fromMs: number, toMs: number): void {
    this.#add("wait", thread, job, fromMs);
    this.#add("wake", thread, job, toMs);
  }

  /** It has run, if any thread had it. */
  ended(job: Job): void {
    if (!this.#events || job.thread === undefined) return;
    this.#add("start", job.thread, job, job.startMs ?? job.endMs!);
    this.#add("end", job.thread, job, job.endMs!);
  }

  /** `atMs` is of the common clock. */
  #add(kind: TraceEvent["kind"], thread: number, { id, work }: Job, atMs: number, from?: number): void {
    const event: TraceEvent = { kind, thread, task: id, atMs: atMs - this.#begin, label: work.label };
    this.#events?.push(from === undefined ? event : { ...event, from });
  }

  /** A copy, in order of time. */
  events(): TraceEvent[] {
    return [...(this.#events ?? [])].sort((a, b) => a.atMs - b.atMs);
  }
}
