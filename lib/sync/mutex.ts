// Mutual exclusion between threads (E. W. Dijkstra, Solution of a Problem in Concurrent Programming Control, 1965): the
// word of owned.ts and the waiting of waiters.ts.

import { checkName, checkWait } from "../checks.ts";
import { inLibrary } from "../library.ts";
import type { Wait, WaitAsync } from "../waiting.ts";
import type { Guard } from "./guard.ts";
import { LockGuard, type Holdable } from "./lock-guard.ts";
import { blockFor, newName, Owned, type LockName } from "./owned.ts";
import { Arrived, newWords, Primitive } from "./primitive.ts";
import type { Words } from "../atomics.ts";
import { WAITER_WORDS, Waiters } from "./waiters.ts";

export interface LockOptions {
  /** In messages and graphs. Default: its kind and a number. */
  name?: string;
}

export interface MutexState extends LockName {
  readonly words: Words;
}

/** The lock without guards: what Mutex, Guarded, Once and Condvar do with it. */
export class RawMutex extends Owned implements Holdable {
  readonly state: MutexState;
  readonly #waiters: Waiters;
  readonly #take = (): true | undefined => this.take() || undefined;
  readonly #blocker = (): number => this.owner;

  constructor(state: MutexState) {
    super(state.words, state, (all) => this.#waiters.wake(all ? Infinity : 1));
    this.state = state;
    this.#waiters = new Waiters(state.words, 1);
  }

  static make(kind: string, name: string | undefined): RawMutex {
    return new RawMutex({ ...newName(kind, name), words: newWords(1 + WAITER_WORDS) });
  }

  /** Blocks until it is this thread's. */
  block(options: Wait): void {
    if (this.enterSoon()) return;
    // Who was woken looks again before it sleeps: others have been faster, and are soon done.
    let attempts = 0;
    const take = (): true | undefined => {
      if (++attempts > 2) this.lookOut();
      return this.#take();
    };
    blockFor(this.#waiters, this.state, take, this.#blocker, options);
  }

  /** The same without blocking. Others of this thread may hold it: they go on meanwhile. */
  async queue(options: WaitAsync): Promise<void> {
    await this.#waiters.queue(this.#take, `the wait for ${this.state.label}`, options, true);
    // The attempt may have been made for it, from elsewhere.
    this.noteOrigin();
  }
}

/**
 * A lock that one holds at a time, of all threads. Captured by a task, or sent to one, it is the same mutex there.
 *
 * Waits: `lock` blocks the thread, `lockAsync` never does, `tryLock` never waits; an unlock anywhere wakes one of them.
 * Order: what a thread did before it unlocked is seen by whoever locks next. Not first come, first served: one who asks at
 * the moment of an unlock may be faster than one who sleeps. Within a thread `lockAsync` is in order.
 * Not reentrant: its owner is a thread. `lock` in the thread that holds it would wait for itself, and throws DeadlockError, as
 * does who closes a circle of threads that wait for each other's locks for ever. With `timeoutMs` the wait just ends.
 * A thread that ends while it holds the lock poisons it, and so does the interrupt of a cell: all get PoisonedError until
 * `recover()`. Not so an error that leaves the block: `using` unlocks, and knows nothing of it.
 * Throws DeadlockError, PoisonedError, TimeoutError, CancelledError; LockError where a guard unlocks twice.
 * Cost: 20 to 40 ns where it is free, and 100 for `using` itself: a loop that locks a million times calls the guard's
 * `[Symbol.dispose]()` in a `finally` instead. A sleep and a wake-up, 10 to 60 us, where it is held for long.
 * When to use: for more than one word of shared memory that must change together; for a value that is no numbers, Guarded.
 * @example
 * const mutex = new Mutex();
 * const counts = shared(Int32Array, 1);
 * await pool.map(files, () => {
 *   using guard = mutex.lock();
 *   counts[0]! += 1;
 * });
 */
export class Mutex extends Primitive<MutexState> {
  readonly #raw: RawMutex;

  constructor(options?: LockOptions);
  constructor(from: LockOptions | Arrived = {}) {
    const raw = from instanceof Arrived ? undefined : RawMutex.make("Mutex", checkName("Mutex", from));
    super(raw?.state ?? (from as Arrived));
    this.#raw = raw ?? new RawMutex(this.words);
  }

  /** Blocks the thread until the lock is its own. In a pool another thread takes the place meanwhile. */
  lock(options?: Wait): Guard {
    const raw = this.#raw;
    if (options) checkWait("lock()", options, ["timeoutMs"]);
    if (!raw.enter()) raw.block(options ?? {});
    return new LockGuard(raw);
  }

  /** Resolves when the lock is held. */
  async lockAsync(options: WaitAsync = {}): Promise<Guard> {
    checkWait("lockAsync()", options, ["timeoutMs", "signal"]);
    await this.#raw.queue(options);
    return new LockGuard(this.#raw);
  }

  /** The lock if nobody holds it. */
  tryLock(): Guard | undefined {
    return this.#raw.tryEnter() ? new LockGuard(this.#raw) : undefined;
  }

  /** Who held it has died, or was interrupted. */
  get isPoisoned(): boolean {
    return this.#raw.isPoisoned;
  }

  /** Makes a poisoned lock usable. `repair` runs first, while nobody else can get it; if it throws, nothing has changed. */
  recover(repair?: () => void): void {
    this.#raw.recover(repair);
  }
}

inLibrary(import.meta.url, { Mutex });
