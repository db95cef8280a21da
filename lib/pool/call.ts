// One call of a function on a pool: the promise of its result, and what can be asked of it meanwhile.

import { CancelledError } from "../errors.ts";
import { checkFunction } from "../checks.ts";
import type { Inside } from "./inside.ts";
import { called, labelOf, type Job, type Outcome, type Work } from "./job.ts";
import type { TaskRecord, TaskState } from "./task.ts";

export class Call<R> implements Work, TaskRecord<R> {
  readonly promise: Promise<R>;
  readonly label: string;
  readonly #engine: Inside;
  readonly #job: Job | undefined;
  #resolve!: (value: R) => void;
  #reject!: (error: unknown) => void;
  #ended: TaskState | undefined;
  /** Kept until the end: what the function captures may come back as a reference to it. */
  #fn: Function | undefined;

  constructor(engine: Inside, fn: Function, args: readonly unknown[]) {
    this.#engine = engine;
    this.promise = new Promise<R>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.label = "";
    try {
      engine.checkOpen();
      checkFunction("the first argument", fn);
      this.label = labelOf(fn);
      this.#fn = fn;
      this.#job = engine.call(this, fn, args);
    } catch (error) {
      this.#ended = "failed";
      this.#reject(error);
    }
  }

  get id(): number {
    return this.#job?.id ?? 0;
  }

  get state(): TaskState {
    return this.#ended ?? (this.#engine.isRunning(this.#job!) ? "running" : "queued");
  }

  get thread(): number | undefined {
    return this.#job && (this.#job.thread ?? this.#engine.threadOf(this.#job));
  }

  get startedMs(): number | undefined {
    const ms = this.#job && this.#engine.startedMs(this.#job);
    return ms === undefined ? undefined : ms - this.#engine.begin;
  }

  get endedMs(): number | undefined {
    const ms = this.#job?.endMs;
    return ms === undefined ? undefined : ms - this.#engine.begin;
  }

  cancel(cause: unknown): void {
    if (this.#job) this.#engine.end(this.#job, new CancelledError(`Cancelled: ${called(this)}.`, { cause }));
  }

  settled(outcome: Outcome): void {
    void this.#fn;
    this.#fn = undefined;
    if (outcome.ok) {
      this.#ended = "done";
      this.#resolve(outcome.value as R);
    } else {
      this.#ended = outcome.stopped && outcome.error instanceof CancelledError ? "cancelled" : "failed";
      this.#reject(outcome.error);
    }
  }
}
