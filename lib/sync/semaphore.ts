// A counting semaphore that all threads share (E. W. Dijkstra, Over seinpalen, about 1962): one word of permits, and the
// waiting of waiters.ts.

import { load, replace, type Words } from "../atomics.ts";
import { checkInteger, checkWait } from "../checks.ts";
import { inLibrary } from "../library.ts";
import type { Wait, WaitAsync } from "../waiting.ts";
import { Held, type Guard } from "./guard.ts";
import { Arrived, newWords, Primitive } from "./primitive.ts";
import { WAITER_WORDS, Waiters } from "./waiters.ts";

const MAX_PERMITS = 2 ** 31 - 1;
const PERMITS = 0;
const WAITERS_AT = 1;

/**
 * So many permits for all threads: who gets one goes on, others wait until one is released. Captured by a task, or sent
 * to one, it is the same semaphore there.
 *
 * Waits: `acquire` blocks the thread, `acquireAsync` never does, `tryAcquire` never waits; a `release` anywhere wakes them.
 * Order: what a thread did before `release` is seen by whoever gets the permit. Not first come, first served: who waits
 * is woken in the order of waiting, but one who asks at that moment may be faster. Within a thread `acquireAsync` is in order.
 * A permit has no owner: a thread that dies keeps the permits it held, until someone calls `release` for it.
 * Gotcha: while a thread blocks its promises stand still, also one that has just got a permit. Who mixes `acquire` and
 * `acquireAsync` in one thread may wait for itself.
 * Throws RangeError or TypeError for bad arguments, TimeoutError, CancelledError.
 * Cost: about 0.1 us where a permit is free; a sleep and a wake-up, 10 to 60 us, where not.
 * When to use: at most n at a time (connections, files, memory).
 * @example
 * const three = new Semaphore(3);
 * await pool.map(urls, async (url) => {
 *   using permit = await three.acquireAsync();
 *   return (await fetch(url)).status;
 * });
 */
export class Semaphore extends Primitive {
  readonly #waiters: Waiters;
  readonly #take = (): Guard | undefined => this.tryAcquire();
  readonly #giveBack = (): void => this.release();

  /** @param permits how many there are at first, from 0 */
  constructor(permits: number);
  constructor(from: number | Arrived) {
    super(from instanceof Arrived ? from : withPermits(checkInteger("permits", from, 0, MAX_PERMITS)));
    this.#waiters = new Waiters(this.words, WAITERS_AT);
  }

  /** How many permits are free now; the next moment it may be another number. */
  get available(): number {
    return load(this.words, PERMITS);
  }

  /** A permit if one is free. */
  tryAcquire(): Guard | undefined {
    for (let free = this.available; free > 0; free = this.available)
      if (replace(this.words, PERMITS, free, free - 1)) return new Held(this.#giveBack);
    return undefined;
  }

  /** Blocks the thread until a permit is free. In a pool another thread takes the place meanwhile. */
  acquire(options?: Wait): Guard {
    if (options) checkWait("acquire()", options, ["timeoutMs"]);
    return this.tryAcquire() ?? this.#waiters.block(this.#take, "the wait for a permit", options ?? {});
  }

  /** Resolves when a permit is free. */
  async acquireAsync(options: WaitAsync = {}): Promise<Guard> {
    checkWait("acquireAsync()", options, ["timeoutMs", "signal"]);
    return this.#waiters.queue(this.#take, "the wait for a permit", options);
  }

  /** Gives so many permits, also ones that nobody acquired. A guard does this itself when it is disposed of. */
  release(n = 1): void {
    checkInteger("n", n, 1, MAX_PERMITS);
    for (;;) {
      const free = this.available;
      if (free + n > MAX_PERMITS)
        throw new RangeError(
          `A semaphore holds up to ${MAX_PERMITS} permits; ${n} more than the ${free} that are free are too many.`,
        );
      if (replace(this.words, PERMITS, free, free + n)) break;
    }
    this.#waiters.wake(n);
  }
}

function withPermits(permits: number): Words {
  const words = newWords(WAITERS_AT + WAITER_WORDS);
  words[PERMITS] = permits;
  return words;
}

inLibrary(import.meta.url, { Semaphore });
