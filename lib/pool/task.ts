// A task that was submitted: a promise that can be asked where it is, and cancelled.

import { inLibrary } from "../ship/index.ts";

export type TaskState = "queued" | "running" | "done" | "failed" | "cancelled";

/** A task, as the pool sees it. */
export interface TaskRecord<R> {
  readonly id: number;
  readonly promise: Promise<R>;
  readonly state: TaskState;
  readonly thread: number | undefined;
  readonly startedMs: number | undefined;
  readonly endedMs: number | undefined;
  cancel(reason: unknown): void;
}

export let promiseOf: <R>(task: Task<R>) => Promise<R>;

/**
 * A task of a pool, made by `pool.submit`. Awaiting it gives the function's result or throws what the function threw.
 * A failure that nobody awaits is an unhandled rejection, as with any promise.
 */
export class Task<R> implements PromiseLike<R> {
  readonly #record: TaskRecord<R>;

  static {
    promiseOf = (task) => task.#record.promise;
  }

  /** Tasks are made by `pool.submit`. */
  constructor(record: TaskRecord<R>) {
    this.#record = record;
  }

  /** Its number in the pool, as in `pool.trace()`; 0 where it could not be submitted. In another thread than the pool's, of its own. */
  get id(): number {
    return this.#record.id;
  }

  get state(): TaskState {
    return this.#record.state;
  }

  /** Node's id of the thread that runs or ran it. */
  get thread(): number | undefined {
    return this.#record.thread;
  }

  /** When it started, in milliseconds since the making of the pool. */
  get startedMs(): number | undefined {
    return this.#record.startedMs;
  }

  get endedMs(): number | undefined {
    return this.#record.endedMs;
  }

  /** The promise behind the task, for where the task itself can't be awaited (see `asCompleted`). */
  get result(): Promise<R> {
    return this.#record.promise;
  }

  // oxlint-disable-next-line unicorn/no-thenable
  then<A = R, B = never>(
    onFulfilled?: ((value: R) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#record.promise.then(onFulfilled, onRejected);
  }

  /**
   * Ends the task: it rejects with CancelledError, whose cause is the reason. One that waits is not started; one that
   * runs is stopped by stopping its thread, wherever it is, and another thread takes the place. Does nothing to a task
   * that has ended. Waits: never.
   */
  cancel(reason?: unknown): void {
    this.#record.cancel(reason);
  }
}

/**
 * A task that has ended. It is the task itself; but TypeScript takes what a `for await` gives and could be awaited for
 * awaited, so that the type leaves that out: `await task.result`.
 */
export type CompletedTask<R> = Omit<Task<R>, "then">;

/**
 * Gives the tasks one by one as they end, whether well or not: look at `state`, or `await task.result`.
 * Waits: async, for the next one to end.
 */
export function asCompleted<R>(tasks: Iterable<Task<R>>): AsyncIterable<CompletedTask<R>> {
  const ended: Task<R>[] = [];
  let open = 0;
  const wakes: (() => void)[] = [];
  for (const task of tasks) {
    if (!(task instanceof Task)) throw new TypeError("Expected the tasks of pool.submit(), got something else.");
    open++;
    const end = (): void => {
      ended.push(task);
      wakes.shift()?.();
    };
    void promiseOf(task).then(end, end);
  }
  // By hand: an async generator would await the task that it yields.
  const next = async (): Promise<IteratorResult<CompletedTask<R>, undefined>> => {
    if (open === 0) return { done: true, value: undefined };
    open--;
    while (ended.length === 0) await new Promise<void>((resolve) => wakes.push(resolve));
    return { done: false, value: ended.shift()! };
  };
  return { [Symbol.asyncIterator]: () => ({ next }) };
}

inLibrary(import.meta.url, { asCompleted, Task });
