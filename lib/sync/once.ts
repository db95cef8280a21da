// Something that is done once, whoever asks first: a mutex, and a word that says that it is done.

import { load, store, type Words } from "../atomics.ts";
import { checkFunction, checkName } from "../checks.ts";
import { inLibrary } from "../library.ts";
import { RawMutex, type LockOptions, type MutexState } from "./mutex.ts";
import { Arrived, newWords, Primitive } from "./primitive.ts";

interface State {
  readonly mutex: MutexState;
  readonly done: Words;
}

/**
 * Runs something once for all threads. Captured by a task, or sent to one, it is the same there.
 *
 * Waits: `run` blocks the thread while another one runs its function, `runAsync` never does; whoever ends it wakes them.
 * Order: what the function did is seen by everyone whose `run` has returned.
 * A function that throws has not done it: the error goes to its caller, and the next one runs its own. A thread that dies
 * in the middle leaves PoisonedError for all others, until `recover()`. A function that calls `run` of the same Once would
 * wait for itself: DeadlockError.
 * Throws DeadlockError, PoisonedError; TypeError where the function of `run` gives a promise.
 * Cost: 10 ns once it is done. When to use: to set up shared memory that several threads may be the first to need; for what
 * each thread has of its own, ThreadLocal.
 * @example
 * const once = new Once();
 * const table = shared(Float64Array, 1000);
 * await pool.map(queries, (query) => {
 *   once.run(() => { for (let i = 0; i < 1000; i++) table[i] = Math.sqrt(i); });
 *   return table[query];
 * });
 */
export class Once extends Primitive<State> {
  readonly #mutex: RawMutex;

  constructor(options?: LockOptions);
  constructor(from: LockOptions | Arrived = {}) {
    const mutex = from instanceof Arrived ? undefined : RawMutex.make("Once", checkName("Once", from));
    super(mutex ? { mutex: mutex.state, done: newWords(1) } : (from as Arrived));
    this.#mutex = mutex ?? new RawMutex(this.words.mutex);
  }

  get isDone(): boolean {
    return load(this.words.done, 0) === 1;
  }

  /** Runs the function, unless one has run, and blocks the thread while one runs. */
  run(f: () => void): void {
    checkFunction("the argument of run()", f);
    if (this.isDone) return;
    if (!this.#mutex.enter()) this.#mutex.block({});
    try {
      if (this.isDone) return;
      const result: unknown = f();
      if (typeof (result as PromiseLike<unknown> | undefined)?.then === "function")
        throw new TypeError(
          "Expected the function of run() to be done when it returns, got a promise: use runAsync().",
        );
      store(this.words.done, 0, 1);
    } finally {
      this.#mutex.leave();
    }
  }

  /** The same without blocking; the function may give a promise. */
  async runAsync(f: () => void | Promise<void>): Promise<void> {
    checkFunction("the argument of runAsync()", f);
    if (this.isDone) return;
    await this.#mutex.queue({});
    try {
      if (this.isDone) return;
      await f();
      store(this.words.done, 0, 1);
    } finally {
      this.#mutex.leave();
    }
  }

  /** After a thread has died in the middle: the next one runs its function. */
  recover(): void {
    this.#mutex.recover(undefined);
  }
}

inLibrary(import.meta.url, { Once });
