// A set of seats in shared memory, a bit each: a thread that dies can be taken out of it, as often as one likes.

import { and, load, or, type Words } from "../atomics.ts";
import { MAX_SEATS, type Seats } from "./seats.ts";

const BITS = 32;

export class SeatSet {
  readonly #words: Words;
  readonly #at: number;
  readonly #seats: Seats;

  constructor(words: Words, at: number, seats: Seats) {
    this.#words = words;
    this.#at = at;
    this.#seats = seats;
  }

  static readonly WORDS: number = MAX_SEATS / BITS;

  has(seat: number): boolean {
    return (load(this.#words, this.#wordOf(seat)) & bitOf(seat)) !== 0;
  }

  add(seat: number): void {
    or(this.#words, this.#wordOf(seat), bitOf(seat));
  }

  /** True: it was there. */
  delete(seat: number): boolean {
    return (and(this.#words, this.#wordOf(seat), ~bitOf(seat)) & bitOf(seat)) !== 0;
  }

  get isEmpty(): boolean {
    for (let at = this.#end - 1; at >= this.#at; at--) if (load(this.#words, at) !== 0) return false;
    return true;
  }

  /** While others come and go: all are counted that are there all the time. */
  get size(): number {
    let size = 0;
    for (let at = this.#end - 1; at >= this.#at; at--)
      for (let rest = load(this.#words, at); rest !== 0; rest &= rest - 1) size++;
    return size;
  }

  /** The lowest; -1: there is none. */
  get first(): number {
    for (let at = this.#at; at < this.#end; at++) {
      const word = load(this.#words, at);
      if (word !== 0) return (at - this.#at) * BITS + 31 - Math.clz32(word & -word);
    }
    return -1;
  }

  /** Behind the last word of a seat that is in use. */
  get #end(): number {
    return this.#at + Math.max(1, Math.ceil(this.#seats.used / BITS));
  }

  #wordOf(seat: number): number {
    return this.#at + Math.floor(seat / BITS);
  }
}

function bitOf(seat: number): number {
  return 1 << (seat % BITS);
}
