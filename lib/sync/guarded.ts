// A value that only the holder of its lock can reach: a mutex and a value in shared memory.

import { checkName, checkWait } from "../checks.ts";
import { LockError } from "../errors.ts";
import { inLibrary } from "../library.ts";
import type { Wait, WaitAsync } from "../waiting.ts";
import type { Guard } from "./guard.ts";
import { LockGuard } from "./lock-guard.ts";
import { RawMutex, type LockOptions, type MutexState } from "./mutex.ts";
import { Arrived, Primitive } from "./primitive.ts";
import { SharedValue, type ValueState } from "./shared-value.ts";

interface State {
  readonly mutex: MutexState;
  readonly value: ValueState;
}

/** The lock, whose unlocking writes back what the guard has taken out. */
class ValueGuard<T> extends LockGuard<RawMutex> implements Guard {
  readonly #shared: SharedValue<T>;
  #value: T | undefined;
  #isOut = false;

  constructor(mutex: RawMutex, shared: SharedValue<T>) {
    super(mutex);
    this.#shared = shared;
  }

  get value(): T {
    this.#check();
    if (!this.#isOut) this.#value = this.#shared.read();
    this.#isOut = true;
    return this.#value as T;
  }

  set value(value: T) {
    this.#check();
    this.#value = value;
    this.#isOut = true;
  }

  #check(): void {
    if (!LockGuard.isHeld(this)) throw new LockError("The value of a Guarded is out of reach: its guard has unlocked.");
  }

  /** Also for a condvar, which unlocks for a while. */
  override [Symbol.dispose](): void {
    try {
      this.#putBack();
    } finally {
      super[Symbol.dispose]();
    }
  }

  #putBack(): void {
    if (!this.#isOut) return;
    const value = this.#value as T;
    this.#isOut = false;
    this.#value = undefined;
    this.#shared.write(value);
  }
}

/**
 * A value and the mutex that guards it: without the lock there is no way to the value. Captured by a task, or sent to one,
 * it is the same there.
 *
 * Waits: as a Mutex does; `lock` blocks, `lockAsync` never does, `tryLock` never waits. Order: as with a Mutex.
 * The value is copied into shared memory, and out when a guard's `value` is asked for: change it in place, or assign it; it
 * is written back when the guard unlocks. It may be what structuredClone takes, up to 256 MB; a class's instance comes out
 * as a plain object. Arrays over shared memory are not copied: all threads see the same.
 * An error that leaves the block does not undo what was done to the value before. A thread that dies with the lock poisons
 * it, and the value is the one before: only shared memory may be half changed.
 * Throws as a Mutex does; NotSendableError where the value can't be copied, by the constructor or as the guard unlocks.
 * Cost: a mutex, and twice a structured clone, 1 us or more; a number costs nothing.
 * When to use: for state that is no array of numbers: a map, a queue, a balance.
 * @example
 * const scores = new Guarded(new Map<string, number>());
 * await pool.map(games, (game) => {
 *   using guard = scores.lock();
 *   guard.value.set(game.winner, (guard.value.get(game.winner) ?? 0) + 1);
 * });
 */
export class Guarded<T> extends Primitive<State> {
  readonly #mutex: RawMutex;
  readonly #value: SharedValue<T>;

  constructor(value: T, options?: LockOptions);
  constructor(from: T | Arrived, options: LockOptions = {}) {
    const isNew = !(from instanceof Arrived);
    const mutex = isNew ? RawMutex.make("Guarded", checkName("Guarded", options)) : undefined;
    const value = isNew ? SharedValue.make(from) : undefined;
    super(isNew ? { mutex: mutex!.state, value: value!.state } : from);
    this.#mutex = mutex ?? new RawMutex(this.words.mutex);
    this.#value = value ?? new SharedValue(this.words.value);
  }

  /** Blocks the thread until the value is its own. In a pool another thread takes the place meanwhile. */
  lock(options?: Wait): Guard & { value: T } {
    if (options) checkWait("lock()", options, ["timeoutMs"]);
    if (!this.#mutex.enter()) this.#mutex.block(options ?? {});
    return new ValueGuard(this.#mutex, this.#value);
  }

  /** Resolves when the value is held. */
  async lockAsync(options: WaitAsync = {}): Promise<Guard & { value: T }> {
    checkWait("lockAsync()", options, ["timeoutMs", "signal"]);
    await this.#mutex.queue(options);
    return new ValueGuard(this.#mutex, this.#value);
  }

  /** The value if nobody holds it. */
  tryLock(): (Guard & { value: T }) | undefined {
    return this.#mutex.tryEnter() ? new ValueGuard(this.#mutex, this.#value) : undefined;
  }

  /** Who held it has died, or was interrupted. */
  get isPoisoned(): boolean {
    return this.#mutex.isPoisoned;
  }

  /** Makes it usable again, with what `repair` makes of the value while nobody else can get it. */
  recover(repair?: (value: T) => T): void {
    this.#mutex.recover(repair && (() => this.#value.write(repair(this.#value.read()))));
  }
}

inLibrary(import.meta.url, { Guarded });
