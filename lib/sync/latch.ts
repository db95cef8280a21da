// A latch that all threads share: a count that only goes down.

import { load, replace, type Words } from "../atomics.ts";
import { checkInteger, checkWait } from "../checks.ts";
import { inLibrary } from "../library.ts";
import type { Wait, WaitAsync } from "../waiting.ts";
import { Arrived, newWords, Primitive } from "./primitive.ts";
import { WAITER_WORDS, Waiters } from "./waiters.ts";

const MAX_COUNT = 2 ** 31 - 1;
const COUNT = 0;
const WAITERS_AT = 1;

/**
 * A gate that opens once, when it has been counted down to 0, and stays open. Captured by a task, or sent to one, it is
 * the same latch there.
 *
 * Waits: `wait` blocks the thread, `waitAsync` never does, `tryWait` tells whether it is open; the last `countDown` wakes
 * all. If a thread dies before it counts down, the others wait until someone does so for it, or their time is over.
 * Order: what a thread did before `countDown` is seen by all who have passed.
 * Throws RangeError where it would be counted below 0 (nothing is changed), or for bad arguments; TypeError, TimeoutError,
 * CancelledError.
 * Cost: about 0.1 us to count down; a sleep and a wake-up, 10 to 60 us, for who has to wait.
 * When to use: a start signal (`new Latch(1)`), or n steps that must be over. To count up as well: WaitGroup; again and
 * again: Barrier.
 * @example
 * const start = new Latch(1);
 * const racers = [1, 2].map((n) => spawn((lane: number) => (start.wait(), lane), n));
 * start.countDown();
 */
export class Latch extends Primitive {
  readonly #waiters: Waiters;
  readonly #isOpen = (): true | undefined => this.tryWait() || undefined;

  /** @param n how often it is to be counted down; 0: it is open */
  constructor(n: number);
  constructor(from: number | Arrived) {
    super(from instanceof Arrived ? from : counted(checkInteger("n", from, 0, MAX_COUNT)));
    this.#waiters = new Waiters(this.words, WAITERS_AT);
  }

  /** How much is missing now. */
  get count(): number {
    return load(this.words, COUNT);
  }

  countDown(n = 1): void {
    checkInteger("n", n, 1, MAX_COUNT);
    for (;;) {
      const { count } = this;
      if (n > count) throw new RangeError(`A latch that ${count} is missing to can't be counted down by ${n}.`);
      if (!replace(this.words, COUNT, count, count - n)) continue;
      if (n === count) this.#waiters.wake(Infinity);
      return;
    }
  }

  /** Is it open? */
  tryWait(): boolean {
    return this.count === 0;
  }

  /** Blocks the thread until it is open. In a pool another thread takes the place meanwhile. */
  wait(options: Wait = {}): void {
    checkWait("wait()", options, ["timeoutMs"]);
    this.#waiters.block(this.#isOpen, "the wait for a latch", options);
  }

  /** Resolves when it is open. */
  async waitAsync(options: WaitAsync = {}): Promise<void> {
    checkWait("waitAsync()", options, ["timeoutMs", "signal"]);
    await this.#waiters.queue(this.#isOpen, "the wait for a latch", options);
  }
}

function counted(n: number): Words {
  const words = newWords(WAITERS_AT + WAITER_WORDS);
  words[COUNT] = n;
  return words;
}

inLibrary(import.meta.url, { Latch });
