// How threads wait for each other: an eventcount in shared memory, on which every primitive of this folder stands. A
// primitive keeps its state in words of its own and gives an attempt, which changes that state or leaves it alone; here
// is all that a wait needs besides.
//
// A waiter says that it waits, reads the epoch, makes its attempt, and sleeps only while the epoch is the same; who changes
// the state looks for waiters afterwards and raises the epoch. One of the two sees the other, so no wake-up is lost:
// - A sleeper that is woken as its time runs out makes its attempt first, and fails only after that.
// - Event loops wait on an epoch of their own, once for each thread, and all of them are woken each time. So the wait of
//   one that has left (a signal, a time-out, an interrupt), or whose thread is busy, keeps no wake-up from another.
// - A thread that dies asleep is in nobody's way. One that dies just as it is woken takes the wake-up with it; then the
//   others look again by themselves (lib/atomics.ts). Counters of the dead stay too high, which costs a notify.
//
// After the eventcount of D. P. Reed and R. K. Kanodia, Synchronization with Eventcounts and Sequencers, 1979.

import { add, load, LOOK_AGAIN_MS, notify, wait, waitAsync, type Words } from "../atomics.ts";
import { Attempts, timeoutError, type Attempt, type Wait, type WaitAsync } from "../waiting.ts";
import { resumed, waitForAny, waitNoMore, woken } from "./wait-graph.ts";
import { keepAlive, lookWatched, noteWait } from "./watch.ts";

/** Threads that block, or are about to: never too low. */
const SLEEPERS = 0;
const EPOCH = 1;
/** Threads whose event loop waits: never too low. */
const LISTENERS = 2;
const LISTENERS_EPOCH = 3;
export const WAITER_WORDS = 4;

const LONG_MS = 2 ** 31 - 1;

export class Waiters {
  readonly #words: Words;
  readonly #at: number;
  /** What this thread waits for without blocking. */
  readonly #attempts = new Attempts();
  #isListening = false;
  /** Shared memory alone does not keep a program alive. */
  #letGo: (() => void) | undefined;

  /** @param at where WAITER_WORDS words are, zeroed when the primitive is made */
  constructor(words: Words, at: number) {
    this.#words = words;
    this.#at = at;
  }

  /**
   * Blocks the thread until the attempt gives something. `what` is waited for, in messages. `look` is for what may come
   * about without a wake-up: it is called now and then, in the midst of the sleep, and true says that the attempt has a chance.
   */
  block<T>(attempt: Attempt<T>, what: string, { timeoutMs = Infinity }: Wait, look?: () => boolean): T {
    const first = attempt();
    if (first !== undefined) return first;
    const endMs = performance.now() + timeoutMs;
    this.#add(SLEEPERS, 1);
    const isAnonymous = !look && timeoutMs === Infinity;
    if (isAnonymous) waitForAny(what);
    let isWoken = false;
    try {
      for (;;) {
        const epoch = load(this.#words, this.#at + EPOCH);
        const got = attempt();
        if (got !== undefined) return got;
        const leftMs = endMs - performance.now();
        if (leftMs <= 0) throw timeoutError(what, timeoutMs);
        if (isWoken) resumed();
        isWoken = false;
        isWoken = wait(this.#words, this.#at + EPOCH, epoch, leftMs, look ?? lookWatched);
      }
    } finally {
      if (isAnonymous) waitNoMore();
      if (isWoken) resumed();
      this.#add(SLEEPERS, -1);
    }
  }

  /**
   * The same without blocking; within this thread in the order of asking. An interrupt of the cell that waits ends it.
   * With `looksAgain` the attempts are made now and then, too.
   */
  async queue<T>(attempt: Attempt<T>, what: string, limits: WaitAsync, looksAgain = false): Promise<T> {
    const got = this.#attempts.wait(attempt, what, limits);
    if (this.#attempts.size === 0) return got;
    const unnote = noteWait(what);
    this.#letGo ??= looksAgain ? keepAlive(() => this.#attempts.serve(), LOOK_AGAIN_MS) : keepAlive(() => {}, LONG_MS);
    this.#listen();
    try {
      return await got;
    } finally {
      unnote();
      if (this.#attempts.size === 0) {
        this.#letGo?.();
        this.#letGo = undefined;
      }
    }
  }

  /**
   * To be called after each change that others may wait for. Wakes so many threads that block, in the order in which they
   * fell asleep, and every event loop. Where waiters wait for different things, wake them all.
   */
  wake(threads: number): void {
    if (load(this.#words, this.#at + SLEEPERS) > 0) {
      this.#add(EPOCH, 1);
      woken(notify(this.#words, this.#at + EPOCH, threads));
    }
    if (load(this.#words, this.#at + LISTENERS) > 0) {
      this.#add(LISTENERS_EPOCH, 1);
      notify(this.#words, this.#at + LISTENERS_EPOCH);
    }
  }

  /**
   * Serves the attempts, and does so again at the next change while there are any: one wait for all. An interrupt may end
   * this thread's code at any place of it; what is noted last can only be missing, and then there is one wait more.
   */
  #listen(): void {
    if (this.#isListening) return;
    this.#add(LISTENERS, 1);
    let changed: Promise<unknown> | undefined;
    while (!changed) {
      const epoch = load(this.#words, this.#at + LISTENERS_EPOCH);
      this.#attempts.serve();
      if (this.#attempts.size === 0) return this.#add(LISTENERS, -1);
      changed = waitAsync(this.#words, this.#at + LISTENERS_EPOCH, epoch);
    }
    void changed.then(() => {
      this.#isListening = false;
      this.#add(LISTENERS, -1);
      this.#listen();
    });
    this.#isListening = true;
  }

  #add(word: number, value: number): void {
    add(this.#words, this.#at + word, value);
  }
}
