// The slots that are done and that the owner has not looked at: a stack, linked (R. K. Treiber, 1986), onto which every
// thread pushes and from which the owner takes all at once.

import { exchange, load, notify, replace, store, waitAsync, type Words } from "../atomics.ts";

/** The slot on top, counted from 1; 0 where there is none. */
const TOP = 0;
/** 1 while the owner waits. */
const OWNER_SLEEPS = 16;
/** By slot: the one below it, as TOP. */
const LINKS = 32;

export class DoneStack {
  readonly #words: Words;
  readonly #at: number;

  constructor(words: Words, at: number) {
    this.#words = words;
    this.#at = at;
  }

  static words(slots: number): number {
    return LINKS + slots;
  }

  /** By the thread. */
  push(slot: number): void {
    const words = this.#words;
    const at = this.#at;
    for (;;) {
      const top = load(words, at + TOP);
      store(words, at + LINKS + slot, top);
      if (replace(words, at + TOP, top, slot + 1)) break;
    }
    if (replace(words, at + OWNER_SLEEPS, 1, 0)) notify(words, at + OWNER_SLEEPS);
  }

  get isEmpty(): boolean {
    return load(this.#words, this.#at + TOP) === 0;
  }

  /** By the owner: the slots that were done since, in the order in which they were. */
  takeAll(): number[] {
    const words = this.#words;
    const at = this.#at;
    const slots: number[] = [];
    for (let link = exchange(words, at + TOP, 0); link !== 0; link = load(words, at + LINKS + link - 1))
      slots.push(link - 1);
    return slots.reverse();
  }

  /** By the owner: resolves when something is done; undefined where something is already. */
  untilSome(): Promise<unknown> | undefined {
    const words = this.#words;
    const at = this.#at;
    store(words, at + OWNER_SLEEPS, 1);
    if (load(words, at + TOP) === 0) return waitAsync(words, at + OWNER_SLEEPS, 1);
    store(words, at + OWNER_SLEEPS, 0);
    return undefined;
  }

  /** By the owner: what `untilSome` has given resolves. */
  stopWaiting(): void {
    store(this.#words, this.#at + OWNER_SLEEPS, 0);
    notify(this.#words, this.#at + OWNER_SLEEPS);
  }
}
