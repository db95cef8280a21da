// The seats of a board, one for each thread of a pool: whether the thread sleeps, what it has in its hand, whether it is
// to stop.

import { add, load, notify, replace, store, waitAsync, waitUncounted, type Words } from "../atomics.ts";

export const MAX_SEATS = 2048;

// Words of the header.
/** How many sleep, or a few more. */
const SLEEPERS = 0;
/** Seats from this one on are not in use. */
const USED = 16;
const SEATS = 32;

// Words of a seat, on a cache line of its own.
const SEAT_WORDS = 16;
/** 1: asleep. 2: awake, and waits for the task that comes by message. */
const ASLEEP = 0;
/** A slot, counted from 1; 0 where there is none. */
const HAND = 1;
const STOP = 2;

export class Seats {
  readonly #words: Words;
  readonly #at: number;

  constructor(words: Words, at: number) {
    this.#words = words;
    this.#at = at;
  }

  static readonly WORDS: number = SEATS + MAX_SEATS * SEAT_WORDS;

  get used(): number {
    return load(this.#words, this.#at + USED);
  }

  set used(count: number) {
    store(this.#words, this.#at + USED, count);
  }

  /** A new thread takes the seat. */
  clear(seat: number): void {
    for (let i = 0; i < SEAT_WORDS; i++) store(this.#words, this.#seatAt(seat) + i, 0);
  }

  // ---- the hand

  /** What the thread is about to claim, or waits for: the owner looks here when the thread is gone. */
  pickUp(seat: number, slot: number): void {
    store(this.#words, this.#seatAt(seat) + HAND, slot + 1);
  }

  putDown(seat: number): void {
    store(this.#words, this.#seatAt(seat) + HAND, 0);
  }

  inHand(seat: number): number | undefined {
    const hand = load(this.#words, this.#seatAt(seat) + HAND);
    return hand === 0 ? undefined : hand - 1;
  }

  // ---- stop

  /** From now on the thread starts nothing, until this is taken back. */
  setStop(seat: number, stop: boolean): void {
    store(this.#words, this.#seatAt(seat) + STOP, stop ? 1 : 0);
  }

  isStopped(seat: number): boolean {
    return load(this.#words, this.#seatAt(seat) + STOP) === 1;
  }

  // ---- sleep

  get sleepers(): number {
    return load(this.#words, this.#at + SLEEPERS);
  }

  isAsleep(seat: number): boolean {
    return load(this.#words, this.#seatAt(seat) + ASLEEP) === 1;
  }

  /** By the thread: from now on it waits to be woken. */
  sleep(seat: number): void {
    // In this order: more may be counted than sleep, but never fewer, or nobody would be looked for who has to be woken.
    add(this.#words, this.#at + SLEEPERS, 1);
    store(this.#words, this.#seatAt(seat) + ASLEEP, 1);
  }

  /** Resolves when someone has woken the thread; undefined: that has happened already. */
  slept(seat: number): Promise<unknown> | undefined {
    return waitAsync(this.#words, this.#seatAt(seat) + ASLEEP, 1);
  }

  /** Blocks the thread, which sleeps, until someone wakes it, at most for so long. */
  doze(seat: number, ms: number): void {
    waitUncounted(this.#words, this.#seatAt(seat) + ASLEEP, 1, ms);
  }

  /**
   * True for exactly one of those who try: this one decides what the thread does next. It looks for work, or, with
   * `forMessage`, waits for the task that comes by message.
   */
  wake(seat: number, forMessage = false): boolean {
    if (!replace(this.#words, this.#seatAt(seat) + ASLEEP, 1, forMessage ? 2 : 0)) return false;
    add(this.#words, this.#at + SLEEPERS, -1);
    notify(this.#words, this.#seatAt(seat) + ASLEEP);
    return true;
  }

  isForMessage(seat: number): boolean {
    return load(this.#words, this.#seatAt(seat) + ASLEEP) === 2;
  }

  /** By the thread: the message is here. */
  gotMessage(seat: number): void {
    store(this.#words, this.#seatAt(seat) + ASLEEP, 0);
  }

  #seatAt(seat: number): number {
    return this.#at + SEATS + seat * SEAT_WORDS;
  }
}
