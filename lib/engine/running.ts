// Who may run: as many threads as the pool has, also where more have been started because some are blocked. One that is
// about to block leaves its place to others, and takes a place again before it runs on.

import { add, load, notify, store, waitUncounted, type Words } from "../atomics.ts";
import { SeatSet } from "./seat-set.ts";
import type { Seats } from "./seats.ts";

/** How many may run. */
const LIMIT = 0;
/** Counts what may make room for one that was blocked. */
const VACATED = 16;
const SETS = 32;

export class Running {
  readonly #words: Words;
  readonly #at: number;
  readonly #seats: Seats;
  /** The threads that run, and for a moment those that find too late that there is no room. */
  readonly #running: SeatSet;
  /** Those that are blocked in a task, those of them that wait to run on, and those that sleep for lack of room. */
  readonly #blocked: SeatSet;
  readonly #returning: SeatSet;
  readonly #hungry: SeatSet;

  constructor(words: Words, at: number, seats: Seats) {
    this.#words = words;
    this.#at = at;
    this.#seats = seats;
    const set = (n: number): SeatSet => new SeatSet(words, at + SETS + n * SeatSet.WORDS, seats);
    this.#running = set(0);
    this.#blocked = set(1);
    this.#returning = set(2);
    this.#hungry = set(3);
  }

  static readonly WORDS: number = SETS + 4 * SeatSet.WORDS;

  get limit(): number {
    return load(this.#words, this.#at + LIMIT);
  }

  set limit(threads: number) {
    store(this.#words, this.#at + LIMIT, threads);
    this.#madeRoom();
  }

  // ---- by the thread

  /** From now on it may run, if this gives true. Also by the owner, for one that it gives a task. */
  enter(seat: number): boolean {
    if (this.#running.has(seat)) return true;
    if (this.#running.size >= this.limit) return false;
    this.#running.add(seat);
    // Of several that come at the same time the last one, at least, sees all others that stay.
    if (this.#running.size <= this.limit) return true;
    this.leave(seat);
    return false;
  }

  /** Is there room for it? One that was blocked goes first. */
  mayEnter(seat: number): boolean {
    return !this.isAwaited && this.#running.size - Number(this.#running.has(seat)) < this.limit;
  }

  /** Also by the owner, for one that is gone. */
  leave(seat: number): void {
    this.#running.delete(seat);
    this.#madeRoom();
  }

  /** It is going to sleep, because it finds no room, and wants to be woken when there is. */
  starve(seat: number): void {
    this.#hungry.add(seat);
  }

  /** It is about to wait for something in a task, and another may run meanwhile. */
  block(seat: number): void {
    this.#blocked.add(seat);
    this.leave(seat);
  }

  /**
   * It runs on, when another has made room. At most for so long: that one may be waiting for this one without saying so,
   * in a loop.
   */
  unblock(seat: number, patienceMs: number): void {
    this.#returning.add(seat);
    const endMs = performance.now() + patienceMs;
    for (;;) {
      const vacated = load(this.#words, this.#at + VACATED);
      if (this.enter(seat)) break;
      const leftMs = endMs - performance.now();
      if (leftMs <= 0) {
        this.#running.add(seat);
        break;
      }
      waitUncounted(this.#words, this.#at + VACATED, vacated, leftMs);
    }
    this.#returning.delete(seat);
    this.#blocked.delete(seat);
    this.#madeRoom();
  }

  // ---- by anyone

  /** Does a thread that was blocked wait to run on? */
  get isAwaited(): boolean {
    return !this.#returning.isEmpty;
  }

  isBlocked(seat: number): boolean {
    return this.#blocked.has(seat);
  }

  get blocked(): number {
    return this.#blocked.size;
  }

  /** By the owner: the seat's thread is gone. */
  forget(seat: number): void {
    this.#seats.wake(seat);
    this.#blocked.delete(seat);
    this.#returning.delete(seat);
    this.#hungry.delete(seat);
    this.leave(seat);
  }

  /** There may be room: for those that were blocked, or else for those that sleep for lack of it. */
  #madeRoom(): void {
    if (this.isAwaited) {
      add(this.#words, this.#at + VACATED, 1);
      notify(this.#words, this.#at + VACATED);
      return;
    }
    for (let seat = this.#hungry.first; seat >= 0; seat = this.#hungry.first) {
      if (this.isAwaited || this.#running.size >= this.limit) return;
      if (this.#hungry.delete(seat)) this.#seats.wake(seat);
    }
  }
}
