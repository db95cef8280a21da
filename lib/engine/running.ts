// Who may run: as many threads as the pool has, also where more have been started because some are blocked. One that is
// about to block leaves its place to others, and takes a place again before it runs on.

import { and, load, notify, or, replace, store, waitUncounted, type Words } from "../atomics.ts";
import { MAX_SEATS, type Seats } from "./seats.ts";

// Words, each on a cache line of its own. A bit a seat: who runs is told by what can't be left behind by a thread that dies.
/** The threads that run, those that were blocked and wait to run on, and those that sleep for lack of room. */
const RUNNING = 0;
const RETURNING = 16;
const HUNGRY = 32;
/** How many may run. */
const LIMIT = 48;
/** The threads that are blocked in a task: here all seats have a bit. */
const BLOCKED = 64;

/** How many bits a word has. */
const COUNTED_SEATS = 32;

export class Running {
  readonly #words: Words;
  readonly #at: number;
  readonly #seats: Seats;

  constructor(words: Words, at: number, seats: Seats) {
    this.#words = words;
    this.#at = at;
    this.#seats = seats;
  }

  static readonly WORDS: number = BLOCKED + MAX_SEATS / COUNTED_SEATS;

  get limit(): number {
    return load(this.#words, this.#at + LIMIT);
  }

  set limit(threads: number) {
    store(this.#words, this.#at + LIMIT, threads);
    notify(this.#words, this.#at + RUNNING);
    this.#feed();
  }

  // ---- by the thread

  /** From now on it may run, if this gives true. Seats beyond the 32nd always may. */
  enter(seat: number): boolean {
    if (seat >= COUNTED_SEATS) return true;
    const bit = 1 << seat;
    for (;;) {
      const running = load(this.#words, this.#at + RUNNING);
      if ((running & bit) !== 0) return true;
      if (bitCount(running) >= this.limit) return false;
      if (replace(this.#words, this.#at + RUNNING, running, running | bit)) return true;
    }
  }

  mayEnter(seat: number): boolean {
    return seat >= COUNTED_SEATS || bitCount(load(this.#words, this.#at + RUNNING) & ~(1 << seat)) < this.limit;
  }

  /** Also by the owner, for one that is gone. */
  leave(seat: number): void {
    this.#clear(RUNNING, seat);
    if (this.isAwaited) notify(this.#words, this.#at + RUNNING);
    else this.#feed();
  }

  /** It is going to sleep, because it finds no room, and wants to be woken when there is. */
  starve(seat: number): void {
    this.#set(HUNGRY, seat);
  }

  /** It is about to wait for something in a task, and another may run meanwhile. */
  block(seat: number): void {
    this.#setBlocked(seat, true);
    this.leave(seat);
  }

  /**
   * It runs on, when another has made room. At most for so long: that one may be waiting for this one without saying so,
   * in a loop.
   */
  unblock(seat: number, patienceMs: number): void {
    this.#set(RETURNING, seat);
    for (const endMs = performance.now() + patienceMs; !this.enter(seat);) {
      const leftMs = endMs - performance.now();
      if (leftMs <= 0) {
        this.#set(RUNNING, seat);
        break;
      }
      const running = load(this.#words, this.#at + RUNNING);
      if (bitCount(running) >= this.limit) waitUncounted(this.#words, this.#at + RUNNING, running, leftMs);
    }
    this.#clear(RETURNING, seat);
    this.#setBlocked(seat, false);
    this.#feed();
  }

  // ---- by anyone

  /** Does a thread that was blocked wait to run on? */
  get isAwaited(): boolean {
    return load(this.#words, this.#at + RETURNING) !== 0;
  }

  get blocked(): number {
    let count = 0;
    for (let at = 0; at * COUNTED_SEATS < this.#seats.used; at++)
      count += bitCount(load(this.#words, this.#at + BLOCKED + at));
    return count;
  }

  /** By the owner: the seat's thread is gone. */
  forget(seat: number): void {
    this.#seats.wake(seat);
    this.#setBlocked(seat, false);
    this.#clear(RETURNING, seat);
    this.#clear(HUNGRY, seat);
    this.leave(seat);
  }

  get #hasRoom(): boolean {
    return bitCount(load(this.#words, this.#at + RUNNING)) < this.limit;
  }

  /** Wakes who sleeps for lack of room, as far as there is some. */
  #feed(): void {
    for (let seat = 0; load(this.#words, this.#at + HUNGRY) !== 0 && seat < COUNTED_SEATS; seat++) {
      if (this.isAwaited || !this.#hasRoom) return;
      const bit = 1 << seat;
      if ((and(this.#words, this.#at + HUNGRY, ~bit) & bit) !== 0) this.#seats.wake(seat);
    }
  }

  #setBlocked(seat: number, isBlocked: boolean): void {
    const at = this.#at + BLOCKED + Math.floor(seat / COUNTED_SEATS);
    const bit = 1 << (seat % COUNTED_SEATS);
    if (isBlocked) or(this.#words, at, bit);
    else and(this.#words, at, ~bit);
  }

  #set(word: number, seat: number): void {
    if (seat < COUNTED_SEATS) or(this.#words, this.#at + word, 1 << seat);
  }

  #clear(word: number, seat: number): void {
    if (seat < COUNTED_SEATS) and(this.#words, this.#at + word, ~(1 << seat));
  }
}

function bitCount(word: number): number {
  let count = 0;
  for (let rest = word; rest !== 0; rest &= rest - 1) count++;
  return count;
}
