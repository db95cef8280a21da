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

  get isOn(): boolean {
    return this.#events !== undefined;
  }

  /** `atMs` of this event is of the common clock. */
  add(event: TraceEvent): void {
    this.#events?.push({ ...event, atMs: event.atMs - this.#begin });
  }

  /** A copy, in order of time. */
  events(): TraceEvent[] {
    return [...(this.#events ?? [])].sort((a, b) => a.atMs - b.atMs);
  }
}
