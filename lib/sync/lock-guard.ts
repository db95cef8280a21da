// What a lock with an owner gives to who holds it. One object for each time that it is taken, and nothing else: no closure.
// It has private state, so that lib/ship refuses it: a guard stays in its thread.

import { LockError } from "../errors.ts";
import type { Guard } from "./guard.ts";

/** What can be given back. */
export interface Holdable {
  leave(): void;
}

export class LockGuard<L extends Holdable = Holdable> implements Guard {
  #lock: L | undefined;

  constructor(lock: L) {
    this.#lock = lock;
  }

  /** Unlocks. Once: LockError after that. */
  [Symbol.dispose](): void {
    const lock = this.#lock;
    if (lock === undefined) throw new LockError("This guard has unlocked already.");
    this.#lock = undefined;
    lock.leave();
  }

  /** Does it hold the lock? */
  static isHeld(guard: LockGuard): boolean {
    return guard.#lock !== undefined;
  }

  /** The lock that it holds. Throws where it holds none, or is no guard of a lock. */
  static lockOf(guard: unknown): Holdable {
    if (typeof guard !== "object" || guard === null || !(#lock in guard))
      throw new TypeError("Expected guard to be what lock() of a Mutex or a Guarded gave.");
    if (guard.#lock === undefined) throw new LockError("This guard has unlocked already.");
    return guard.#lock as Holdable;
  }

  /** Unlocks, for a while: the lock may be put back. */
  static release(guard: LockGuard): void {
    guard[Symbol.dispose]();
  }

  /** It holds the lock again. */
  static put<L extends Holdable>(guard: LockGuard<L>, lock: L): void {
    guard.#lock = lock;
  }
}
