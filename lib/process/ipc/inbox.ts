// What has come and was not asked for yet, or was asked for and has not come yet.

import { Queue } from "../../pool/queue.ts";

/** With so many unread, the source is asked to wait. */
const FULL = 64;

interface Waiter<T> {
  resolve(value: T | undefined): void;
  reject(error: unknown): void;
}

export class Inbox<T> {
  readonly #items = new Queue<T>();
  readonly #waiters = new Queue<Waiter<T>>();
  readonly #full: (isFull: boolean) => void;
  #isOver = false;
  #failure: { readonly error: unknown } | undefined;

  /** @param full told when the source should wait, and when it may go on */
  constructor(full: (isFull: boolean) => void = () => {}) {
    this.#full = full;
  }

  push(item: T): void {
    const waiter = this.#waiters.shift();
    if (waiter) return waiter.resolve(item);
    this.#items.push(item);
    if (this.#items.length === FULL) this.#full(true);
  }

  /** Undefined: nothing more will come. */
  take(): Promise<T | undefined> {
    if (this.#items.length > 0) {
      if (this.#items.length === FULL) this.#full(false);
      return Promise.resolve(this.#items.shift());
    }
    if (this.#failure) return Promise.reject(this.#failure.error as Error);
    if (this.#isOver) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  /** Nothing more will come. */
  end(): void {
    this.#isOver = true;
    while (this.#waiters.length > 0) this.#waiters.shift()!.resolve(undefined);
  }

  /** Nothing more will come, for this reason. */
  fail(error: unknown): void {
    if (this.#isOver || this.#failure) return;
    this.#failure = { error };
    while (this.#waiters.length > 0) this.#waiters.shift()!.reject(error);
  }
}
