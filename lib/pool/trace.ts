// What a pool remembers of when which thread did what.

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

  /** `at` is of the common clock. */
  add(kind: TraceEvent["kind"], thread: number, task: number, at: number, label: string): void {
    this.#events?.push({ kind, thread, task, atMs: at - this.#begin, label });
  }

  /** A copy, in order of time. */
  events(): TraceEvent[] {
    return [...(this.#events ?? [])].sort((a, b) => a.atMs - b.atMs);
  }
}
