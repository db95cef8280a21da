// How threads wait for each other: an eventcount in shared memory, on which every primitive of this folder stands. A
// primitive keeps its state in words of its own and gives an attempt, which changes that state or leaves it alone; here
// is all that a wait needs besides.
//
// A waiter says that it waits, reads the epoch, makes its attempt, and sleeps only while the epoch is the same; who changes
// the state looks for waiters afterwards and raises the epoch. One of the two sees the other, so no wake-up is lost:
// - A sleeper that is woken as its time runs out makes its attempt first, and fails only after that.
// - Event loops wait on an epoch of their own, once for each thread, and all of them are woken each time. So the wait of
//   one that has left (a signal, a time-out, an interrupt), or whose thread is busy, keeps no wake-up from another.
// - A thread that dies asleep is in nobody's way. One that dies just as it was woken takes the wake-up with it; then the
//   others look again by themselves after half a second (lib/atomics.ts). What has died leaves a counter too high, at the cost of a notify.
//
// After the eventcount of D. P. Reed and R. K. Kanodia, Synchronization with Eventcounts and Sequencers, 1979.

import { add, load, notify, wait, waitAsync, type Words } from "../atomics.ts";
import { CancelledError, TimeoutError } from "../errors.ts";
import { onOwnInterrupt } from "../host.ts";

export interface Wait {
  /** TimeoutError after so long. 0: only try. Default: for ever. */
  timeoutMs?: number;
}

export interface WaitAsync extends Wait {
  /** CancelledError when it is aborted. */
  signal?: AbortSignal;
}

/** Takes what is waited for, or gives undefined where it isn't there. What it throws ends the wait. */
export type Attempt<T> = () => T | undefined;

/** Threads that block, or are about to: never too low. */
const SLEEPERS = 0;
const EPOCH = 1;
/** Threads whose event loop waits: never too low. */
const LISTENERS = 2;
const LISTENERS_EPOCH = 3;
export const WAITER_WORDS = 4;

/** What setTimeout takes; longer is for ever. */
const MAX_TIMER = 2 ** 31 - 1;

interface Entry {
  /** True: it has ended, well or not. */
  serve(): boolean;
}

export class Waiters {
  readonly #words: Words;
  readonly #at: number;
  /** What this thread waits for without blocking, the oldest first. */
  readonly #queue = new Set<Entry>();
  #isListening = false;
  /** Shared memory alone does not keep a program alive. */
  #alive: NodeJS.Timeout | undefined;

  /** @param at where WAITER_WORDS words are, zeroed when the primitive is made */
  constructor(words: Words, at: number) {
    this.#words = words;
    this.#at = at;
  }

  /** Blocks the thread until the attempt gives something. `what` is waited for, in messages. */
  block<T>(attempt: Attempt<T>, what: string, { timeoutMs = Infinity }: Wait): T {
    const first = attempt();
    if (first !== undefined) return first;
    const endMs = performance.now() + timeoutMs;
    this.#add(SLEEPERS, 1);
    try {
      for (;;) {
        const epoch = load(this.#words, this.#at + EPOCH);
        const got = attempt();
        if (got !== undefined) return got;
        const leftMs = endMs - performance.now();
        if (leftMs <= 0) throw late(what, timeoutMs);
        wait(this.#words, this.#at + EPOCH, epoch, leftMs);
      }
    } finally {
      this.#add(SLEEPERS, -1);
    }
  }

  /** The same without blocking; in this thread who asks first is served first. An interrupt of the cell that waits ends it. */
  queue<T>(attempt: Attempt<T>, what: string, { timeoutMs = Infinity, signal }: WaitAsync): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (signal?.aborted) throw new CancelledError(`Cancelled: ${what}.`, { cause: signal.reason });
      const first = this.#queue.size === 0 ? attempt() : undefined;
      if (first !== undefined) return resolve(first);
      if (timeoutMs === 0) throw late(what, timeoutMs);
      const leave = (): void => {
        this.#queue.delete(entry);
        clearTimeout(timer);
        signal?.removeEventListener("abort", abort);
        unlisten();
        if (this.#queue.size === 0) this.#rest();
      };
      const fail = (error: unknown): void => {
        leave();
        reject(error);
        // Those behind may want something else.
        this.#serve();
      };
      const entry: Entry = {
        serve() {
          try {
            const got = attempt();
            if (got === undefined) return false;
            leave();
            resolve(got);
          } catch (error) {
            leave();
            reject(error);
          }
          return true;
        },
      };
      const abort = (): void => fail(new CancelledError(`Cancelled: ${what}.`, { cause: signal!.reason }));
      const timer = timeoutMs > MAX_TIMER ? undefined : setTimeout(() => fail(late(what, timeoutMs)), timeoutMs);
      signal?.addEventListener("abort", abort, { once: true });
      const unlisten = onOwnInterrupt(() =>
        fail(new CancelledError(`Stopped ${what}: the cell that started it was interrupted.`)),
      );
      this.#queue.add(entry);
      this.#alive ??= setInterval(() => {}, MAX_TIMER);
      if (!this.#isListening) void this.#listen();
    });
  }

  /**
   * To be called after each change that others may wait for. Wakes so many threads that block, in the order in which they
   * fell asleep, and every event loop. Where waiters wait for different things, wake them all.
   */
  wake(threads: number): void {
    if (load(this.#words, this.#at + SLEEPERS) > 0) {
      this.#add(EPOCH, 1);
      notify(this.#words, this.#at + EPOCH, threads);
    }
    if (load(this.#words, this.#at + LISTENERS) > 0) {
      this.#add(LISTENERS_EPOCH, 1);
      notify(this.#words, this.#at + LISTENERS_EPOCH);
    }
  }

  /** One wait for all in the queue, until it is empty. */
  async #listen(): Promise<void> {
    this.#isListening = true;
    this.#add(LISTENERS, 1);
    for (;;) {
      const epoch = load(this.#words, this.#at + LISTENERS_EPOCH);
      this.#serve();
      if (this.#queue.size === 0) break;
      await waitAsync(this.#words, this.#at + LISTENERS_EPOCH, epoch);
    }
    this.#add(LISTENERS, -1);
    this.#isListening = false;
  }

  #serve(): void {
    for (const entry of this.#queue) if (!entry.serve()) return;
  }

  #rest(): void {
    clearInterval(this.#alive);
    this.#alive = undefined;
  }

  #add(word: number, value: number): void {
    add(this.#words, this.#at + word, value);
  }
}

function late(what: string, timeoutMs: number): TimeoutError {
  return new TimeoutError(timeoutMs, `Out of time: ${what} took longer than ${timeoutMs} ms.`);
}
