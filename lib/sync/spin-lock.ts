// A spin lock: who waits looks again and again, less and less often (T. E. Anderson, The Performance of Spin Lock
// Alternatives for Shared-Memory Multiprocessors, 1990), after a short while from short naps. The word is that of owned.ts.

import { load, LOOK_AGAIN_MS, pause, wait, type Words } from "../atomics.ts";
import { checkName, checkWait } from "../checks.ts";
import { inLibrary } from "../library.ts";
import { timeoutError, type Wait } from "../waiting.ts";
import type { Guard } from "./guard.ts";
import { LockGuard } from "./lock-guard.ts";
import type { LockOptions, MutexState } from "./mutex.ts";
import { newName, Owned } from "./owned.ts";
import { Arrived, newWords, Primitive } from "./primitive.ts";
import { me } from "./threads.ts";
import { deadlock, isDeadlocked, isOutdated, releases, selfDeadlock, waitFor, waitNoMore } from "./wait-graph.ts";
import { lookWatched } from "./watch.ts";

/** Between two looks, at most. */
const MOST_PAUSES = 64;
/** Who holds it longer than this is not running, or not about to unlock. */
const SPIN_MS = 0.1;
const NAP_MS = 1;

/**
 * A lock for comparison with others: nobody is woken, who waits looks whether it is free. Captured by a task, or sent to
 * one, it is the same lock there.
 *
 * Waits: `lock` keeps its core busy for 0.1 ms, then looks once a millisecond, and blocks the thread between; `tryLock`
 * never waits. There is no asynchronous form: promises can't spin. Order: what a thread did before it unlocked is seen by
 * whoever locks next. Who is served is chance.
 * Not reentrant: `lock` in the thread that holds it throws DeadlockError. A thread that dies with it, or a cell that is
 * interrupted, poisons it as a Mutex: PoisonedError until `recover()`.
 * Throws those, TimeoutError, LockError where a guard unlocks twice, and TypeError or RangeError for bad arguments.
 * Cost: 20 to 40 ns where it is free, and nothing to wake anybody.
 * When to use: hardly ever. Where there are more threads than cores, those that spin take the core of the one that holds
 * the lock, and it can't unlock before it has one again; a Mutex spins for a moment, too, and sleeps then.
 * @example
 * const lock = new SpinLock();
 * { using guard = lock.lock({ timeoutMs: 100 }); cells[0]! += 1; }
 */
export class SpinLock extends Primitive<MutexState> {
  readonly #words: Words;
  readonly #owned: Owned;

  constructor(options?: LockOptions);
  constructor(from: LockOptions | Arrived = {}) {
    super(from instanceof Arrived ? from : { ...newName("SpinLock", checkName("SpinLock", from)), words: newWords(1) });
    this.#words = this.words.words;
    // Nobody is to be woken.
    this.#owned = new Owned(this.#words, this.words, () => {});
  }

  /** The lock if nobody holds it. */
  tryLock(): Guard | undefined {
    return this.#owned.tryEnter() ? new LockGuard(this.#owned) : undefined;
  }

  /** Spins until the lock is this thread's. */
  lock(options?: Wait): Guard {
    const owned = this.#owned;
    if (options) checkWait("lock()", options, ["timeoutMs"]);
    if (!owned.enter()) this.#spin(options?.timeoutMs ?? Infinity);
    return new LockGuard(owned);
  }

  #spin(timeoutMs: number): void {
    const owned = this.#owned;
    if (owned.owner === me) throw selfDeadlock(this.words.label);
    const startMs = performance.now();
    const spinMs = Math.min(SPIN_MS, timeoutMs);
    for (let pauses = 1; performance.now() - startMs < spinMs; pauses = Math.min(pauses * 2, MOST_PAUSES)) {
      if (load(this.#words, 0) === 0 && owned.enter()) return;
      for (let i = 0; i < pauses; i++) pause();
    }
    try {
      this.#nap(startMs, timeoutMs);
    } finally {
      waitNoMore();
    }
  }

  #nap(startMs: number, timeoutMs: number): void {
    const owned = this.#owned;
    const { id, label } = this.words;
    let lookMs = startMs + LOOK_AGAIN_MS;
    for (let told = 0; ;) {
      const count = releases(id);
      if (owned.take()) return;
      const { owner } = owned;
      const nowMs = performance.now();
      if (nowMs - startMs >= timeoutMs) throw timeoutError(`the wait for ${label}`, timeoutMs);
      // Who waits with a limit goes on in the end.
      if (timeoutMs === Infinity && owner !== 0 && (owner !== told || isOutdated())) {
        waitFor(id, label, owner, count);
        told = owner;
        const error = deadlock();
        if (error) throw error;
      }
      if (nowMs >= lookMs) {
        lookWatched();
        if (isDeadlocked()) told = 0;
        lookMs = nowMs + LOOK_AGAIN_MS;
      }
      wait(this.#words, 0, load(this.#words, 0), Math.min(NAP_MS, startMs + timeoutMs - nowMs));
    }
  }

  /** Who held it has died, or was interrupted. */
  get isPoisoned(): boolean {
    return this.#owned.isPoisoned;
  }

  /** Makes a poisoned lock usable. `repair` runs first, while nobody else can get it; if it throws, nothing has changed. */
  recover(repair?: () => void): void {
    this.#owned.recover(repair);
  }
}

inLibrary(import.meta.url, { SpinLock });
