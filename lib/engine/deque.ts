// A work-stealing deque of one pusher and many takers, in shared memory: D. Chase, Y. Lev, "Dynamic circular
// work-stealing deque", SPAA 2005, with a fixed ring and without the pusher's own pop: in a pool it is the owner that
// pushes, and every thread takes from the top. The oldest goes first.

import { load, replace, store, type Words } from "../atomics.ts";

/** Positions are 32-bit counters that wrap. */
const TOP = 0;
const BOTTOM = 16;
const ITEMS = 32;

export class Deque {
  readonly #words: Words;
  readonly #at: number;
  readonly #capacity: number;

  /** @param capacity a power of two */
  constructor(words: Words, at: number, capacity: number) {
    this.#words = words;
    this.#at = at;
    this.#capacity = capacity;
  }

  /** How many words one takes. Counters stand on cache lines of their own. */
  static words(capacity: number): number {
    return ITEMS + capacity;
  }

  get isEmpty(): boolean {
    return this.size <= 0;
  }

  get size(): number {
    return (load(this.#words, this.#at + BOTTOM) - load(this.#words, this.#at + TOP)) | 0;
  }

  /** By the one pusher only. False: it is full. */
  push(item: number): boolean {
    const words = this.#words;
    const bottom = load(words, this.#at + BOTTOM);
    if (((bottom - load(words, this.#at + TOP)) | 0) >= this.#capacity) return false;
    store(words, this.#at + ITEMS + (bottom & (this.#capacity - 1)), item);
    store(words, this.#at + BOTTOM, (bottom + 1) | 0);
    return true;
  }

  /**
   * The oldest item, or -1 where there is none. `announce` is called with the item before it is taken: from then on
   * until it says otherwise, a taker that dies may have it.
   */
  take(announce: (item: number) => void): number {
    const words = this.#words;
    for (;;) {
      const top = load(words, this.#at + TOP);
      if (((load(words, this.#at + BOTTOM) - top) | 0) <= 0) return -1;
      const item = load(words, this.#at + ITEMS + (top & (this.#capacity - 1)));
      announce(item);
      // Where another was faster, the item may be one that stands there by now, a round later.
      if (replace(words, this.#at + TOP, top, (top + 1) | 0)) return item;
    }
  }
}
