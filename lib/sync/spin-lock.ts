// A spin lock: who waits looks again and again, less and less often (T. E. Anderson, The Performance of Spin Lock
// Alternatives for Shared-Memory Multiprocessors, 1990), after a short while from short naps.

import { load, pause, replace, store, wait } from "../atomics.ts";
import { checkWait } from "../checks.ts";
import { PoisonedError } from "../errors.ts";
import { inLibrary } from "../library.ts";
import { timeoutError, type Wait } from "../waiting.ts";
import { Held, type Guard } from "./guard.ts";
import { Arrived, newWords, Primitive } from "./primitive.ts";
import { isAlive, lookAfterChildren, me } from "./threads.ts";
import { selfDeadlock } from "./wait-graph.ts";

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
 * Not reentrant: `lock` in the thread that holds it throws DeadlockError. If a thread dies with it, who waits gets PoisonedError,
 * and it is of no use any more.
 * Throws those, TimeoutError, and TypeError or RangeError for bad arguments.
 * Cost: 20 to 40 ns where it is free, and nothing to wake anybody.
 * When to use: hardly ever. Where there are more threads than cores, those that spin take the core of the one that holds
 * the lock, and it can't unlock before it has one again; a Mutex spins for a moment, too, and sleeps then.
 * @example
 * const lock = new SpinLock();
 * { using guard = lock.lock({ timeoutMs: 100 }); cells[0]! += 1; }
 */
export class SpinLock extends Primitive {
  readonly #unlock = (): void => store(this.words, 0, 0);

  constructor();
  constructor(from?: Arrived) {
    super(from instanceof Arrived ? from : newWords(1));
  }

  /** The lock if nobody holds it. */
  tryLock(): Guard | undefined {
    return replace(this.words, 0, 0, me) ? new Held(this.#unlock) : undefined;
  }

  /** Spins until the lock is this thread's. */
  lock(options?: Wait): Guard {
    if (options) checkWait("lock()", options, ["timeoutMs"]);
    return this.tryLock() ?? this.#spin(options?.timeoutMs ?? Infinity);
  }

  #spin(timeoutMs: number): Guard {
    const startMs = performance.now();
    for (let pauses = 1; ; pauses = Math.min(pauses * 2, MOST_PAUSES)) {
      const owner = load(this.words, 0);
      const guard = owner === 0 ? this.tryLock() : undefined;
      if (guard) return guard;
      if (owner === me) throw selfDeadlock("SpinLock");
      const spentMs = performance.now() - startMs;
      if (spentMs >= timeoutMs) throw timeoutError("the wait for a spin lock", timeoutMs);
      if (spentMs < SPIN_MS) for (let i = 0; i < pauses; i++) pause();
      else if (owner !== 0) this.#nap(owner, Math.min(NAP_MS, timeoutMs - spentMs));
    }
  }

  #nap(owner: number, ms: number): void {
    lookAfterChildren();
    if (!isAlive(owner)) throw new PoisonedError("A thread has ended that held this spin lock: nobody will unlock it.");
    wait(this.words, 0, owner, ms);
  }
}

inLibrary(import.meta.url, { SpinLock });
