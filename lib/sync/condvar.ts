// A condition to wait for under a lock (C. A. R. Hoare, Monitors: An Operating System Structuring Concept, 1974; with the
// signals of B. W. Lampson and D. D. Redell, Experience with Processes and Monitors in Mesa, 1980).
//
// Who waits has a place in a ring, in the order of waiting, and sleeps on the word of that place. A notify gives the first
// place that is taken by a thread that goes on; so it wakes exactly one that waits already, and never one that came later,
// has given up or has died. Places are taken under the lock, one after the other; notifies need no lock.

import { load, notify, replace, store, wait, waitAsync } from "../atomics.ts";
import { checkWait } from "../checks.ts";
import { LockError } from "../errors.ts";
import { onOwnInterrupt } from "../host.ts";
import { inLibrary } from "../library.ts";
import { timeoutError, watchLimits, type Wait, type WaitAsync } from "../waiting.ts";
import type { Guard } from "./guard.ts";
import { LockGuard } from "./lock-guard.ts";
import { RawMutex } from "./mutex.ts";
import { newWords, Primitive, type Arrived } from "./primitive.ts";
import { isAlive, me } from "./threads.ts";
import { resumed, waitForAny, waitNoMore, woken } from "./wait-graph.ts";
import { keepAlive, lookWatched, noteWait } from "./watch.ts";

/** The id of the lock that it belongs to; 0 before the first wait. */
const LOCK = 0;
/** Counters: the first place that may be taken, and the first that was never taken. */
const FIRST = 1;
const NEXT = 2;
const RING_AT = 16;
const RING = 4096;
/** In a place: the number of the thread that waits, negative once it is notified; 0 is free. */
const FREE = 0;
const LONG_MS = 2 ** 31 - 1;
const WHAT = "the wait for a notify";

/**
 * Lets threads wait, with a lock in hand, until another one says that something has changed. Captured by a task, or sent to
 * one, it is the same condvar there.
 *
 * Waits: `wait` unlocks, blocks the thread, and locks again before it returns; `waitAsync` does so without blocking. A notify
 * anywhere wakes them, in the order in which they wait; one that comes before the wait is not kept.
 * Order: what a thread did under the lock before a notify is seen by whoever it wakes. A notified one locks again like all
 * others, so what it waited for may be over: wait in a loop. There are no other wake-ups.
 * A wait that ends early (TimeoutError, CancelledError) locks again, too, before it throws.
 * Throws LockError for a guard that is not held, is none of a Mutex or Guarded, or is of another lock than the first one;
 * PoisonedError, and then the guard holds nothing; RangeError where more than 4096 wait.
 * Cost: an unlock, a sleep, a lock. When to use: for a condition on what a lock guards; for a count, Semaphore; for messages, Channel.
 * @example
 * const mutex = new Mutex(), condvar = new Condvar(), queue = shared(Int32Array, 2);
 * const consumer = pool.run(() => {
 *   using guard = mutex.lock();
 *   while (queue[0] === 0) condvar.wait(guard);
 *   return queue[1];
 * });
 */
export class Condvar extends Primitive {
  constructor();
  constructor(from?: Arrived) {
    super(from ?? newWords(RING_AT + RING));
  }

  /** Blocks the thread until it is notified. In a pool another thread takes the place meanwhile. */
  wait(guard: Guard, options: Wait = {}): void {
    checkWait("wait()", options, ["timeoutMs"]);
    const { timeoutMs = Infinity } = options;
    const endMs = performance.now() + timeoutMs;
    const mutex = this.#mutexOf(guard);
    const place = this.#takePlace();
    // Of a thread that goes on after an interrupt, but not here: what it was given is for the next.
    const unlisten = onOwnInterrupt(() => this.#leave(place) && this.notifyOne());
    let error: unknown;
    try {
      LockGuard.release(guard as LockGuard);
      if (timeoutMs === Infinity) waitForAny(WHAT);
      for (let leftMs = timeoutMs; leftMs > 0 && load(this.words, place) === me; leftMs = endMs - performance.now())
        wait(this.words, place, me, leftMs, lookWatched);
    } catch (cause) {
      error = cause;
    } finally {
      waitNoMore();
      unlisten();
    }
    const isNotified = this.#leave(place);
    if (!mutex.enter()) mutex.block({});
    LockGuard.put(guard as LockGuard, mutex);
    if (!isNotified) throw error ?? timeoutError(WHAT, timeoutMs);
  }

  /** Resolves when it is notified and the lock is held again. The guard holds nothing meanwhile. */
  async waitAsync(guard: Guard, options: WaitAsync = {}): Promise<void> {
    checkWait("waitAsync()", options, ["timeoutMs", "signal"]);
    const mutex = this.#mutexOf(guard);
    const over = Promise.withResolvers<Error>();
    let place: number | undefined;
    // At once, so that no notify goes to one that has given up. One that is notified already is so.
    const unwatch = watchLimits(WHAT, options, (why) => {
      if (place === undefined || this.#withdraw(place)) over.resolve(why);
    });
    // Shared memory alone does not keep a program alive.
    const letGo = keepAlive(() => {}, LONG_MS);
    const unnote = noteWait(WHAT);
    let error: Error | undefined;
    try {
      place = this.#takePlace();
      LockGuard.release(guard as LockGuard);
      error = await Promise.race([waitAsync(this.words, place, me)?.then(() => undefined), over.promise]);
    } finally {
      letGo();
      unnote();
      unwatch();
    }
    if (!error) this.#leave(place);
    await mutex.queue({});
    LockGuard.put(guard as LockGuard, mutex);
    if (error) throw error;
  }

  /** Wakes the one that waits longest, if any does. */
  notifyOne(): void {
    this.#notify();
  }

  /** Wakes all that wait now. */
  notifyAll(): void {
    const end = load(this.words, NEXT);
    while (((end - load(this.words, FIRST)) | 0) > 0 && this.#notify());
  }

  #notify(): boolean {
    const { words } = this;
    for (;;) {
      const first = load(words, FIRST);
      if (first === load(words, NEXT)) return false;
      if (!replace(words, FIRST, first, (first + 1) | 0)) continue;
      const place = placeOf(first);
      const who = load(words, place);
      // It has given up, or died.
      if (who <= 0 || !isAlive(who) || !replace(words, place, who, -who)) continue;
      woken(1);
      notify(words, place);
      return true;
    }
  }

  /** The lock that a guard holds, if it is the one of this condvar. */
  #mutexOf(guard: Guard): RawMutex {
    const mutex = LockGuard.lockOf(guard);
    if (!(mutex instanceof RawMutex))
      throw new TypeError(
        "Expected guard to be what lock() of a Mutex or a Guarded gave; it is the guard of something else.",
      );
    mutex.checkMine();
    const { id, label } = mutex.state;
    replace(this.words, LOCK, 0, id);
    if (load(this.words, LOCK) !== id)
      throw new LockError(`A condvar belongs to the lock that it was first used with; ${label} is another one.`);
    return mutex;
  }

  /** Under the lock: at the end of those that wait. */
  #takePlace(): number {
    const { words } = this;
    const next = load(words, NEXT);
    // Those in front may have given up, and nobody has been notified since.
    for (let first = load(words, FIRST); first !== next && !this.#isTaken(first); first = load(words, FIRST))
      replace(words, FIRST, first, (first + 1) | 0);
    if (((next - load(words, FIRST)) | 0) >= RING || this.#isTaken(next))
      throw new RangeError(`A condvar has room for ${RING} that wait, and so many do.`);
    store(words, placeOf(next), me);
    store(words, NEXT, (next + 1) | 0);
    return placeOf(next);
  }

  #isTaken(turn: number): boolean {
    const who = Math.abs(load(this.words, placeOf(turn)));
    return who !== FREE && isAlive(who);
  }

  /** It waits no more. False: it has been notified already. */
  #withdraw(place: number): boolean {
    return replace(this.words, place, me, FREE);
  }

  /** Gives the place back. True: it has been notified. */
  #leave(place: number): boolean {
    if (this.#withdraw(place)) return false;
    store(this.words, place, FREE);
    resumed();
    return true;
  }
}

const placeOf = (turn: number): number => RING_AT + (turn & (RING - 1));

inLibrary(import.meta.url, { Condvar });
