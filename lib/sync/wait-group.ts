// A wait group that all threads share, after Go's sync.WaitGroup: a count of what is under way. The round, counted on each
// time that nothing is, stands in the same 64 bits: who waits is let go also where the next round has begun already.

import { checkInteger, checkWait } from "../checks.ts";
import { inLibrary } from "../library.ts";
import type { Wait, WaitAsync } from "../waiting.ts";
import { Pair } from "./pair.ts";
import { Arrived, newWords, Primitive } from "./primitive.ts";
import { WAITER_WORDS, Waiters } from "./waiters.ts";

const MAX_COUNT = 2 ** 31 - 1;
const STATE_AT = 0;
const WAITERS_AT = 2;

/**
 * Counts what is under way, and waits until nothing is. Captured by a task, or sent to one, it is the same there.
 *
 * Waits: `wait` blocks the thread, `waitAsync` never does, `tryWait` tells whether nothing is under way; the `done` that
 * brings the count to 0 wakes all. If a thread dies before its `done`, the others wait until someone calls it for it, or
 * their time is over.
 * Order: what a thread did before `done` is seen by all who have waited for it.
 * Throws RangeError where the count would fall below 0 (nothing is changed), or for bad arguments; TypeError, TimeoutError,
 * CancelledError.
 * Cost: below 1 us for `add` and `done`; a sleep and a wake-up, 10 to 60 us, for who has to wait.
 * When to use: a number of tasks that isn't known beforehand; for one that is: Latch. Awaiting the promises of a pool needs neither.
 * Gotcha: call `add` before the work is handed over, not in it, or `wait` may come first. It may be used again, also while
 * some still come back from `wait`.
 * @example
 * const group = new WaitGroup();
 * for (const file of files) {
 *   group.add();
 *   spawn((name: string) => { try { index(name); } finally { group.done(); } }, file);
 * }
 * group.wait();
 */
export class WaitGroup extends Primitive {
  readonly #state: Pair;
  readonly #waiters: Waiters;

  constructor();
  constructor(from?: Arrived) {
    super(from instanceof Arrived ? from : newWords(WAITERS_AT + WAITER_WORDS));
    this.#state = new Pair(this.words, STATE_AT);
    this.#waiters = new Waiters(this.words, WAITERS_AT);
  }

  /** How much is under way now. */
  get count(): number {
    return this.#state.load()[0];
  }

  /** So much more is under way; a negative number: less. */
  add(n = 1): void {
    checkInteger("n", n, -MAX_COUNT, MAX_COUNT);
    const [left] = this.#state.change((count, round) => {
      const sum = count + n;
      if (sum < 0) throw new RangeError(`A wait group counts down to 0: ${-n} are done where ${count} are under way.`);
      if (sum > MAX_COUNT) throw new RangeError(`A wait group counts up to ${MAX_COUNT}, got ${n} more than ${count}.`);
      return [sum, sum === 0 && n < 0 ? round + 1 : round];
    });
    if (left === 0) this.#waiters.wake(Infinity);
  }

  /** One less is under way. */
  done(): void {
    this.add(-1);
  }

  /** Is nothing under way? */
  tryWait(): boolean {
    return this.count === 0;
  }

  /** Blocks the thread until nothing is under way. In a pool another thread takes the place meanwhile. */
  wait(options: Wait = {}): void {
    checkWait("wait()", options, ["timeoutMs"]);
    this.#waiters.block(this.#isOver(), "the wait for a group", options);
  }

  /** Resolves when nothing is under way. */
  async waitAsync(options: WaitAsync = {}): Promise<void> {
    checkWait("waitAsync()", options, ["timeoutMs", "signal"]);
    await this.#waiters.queue(this.#isOver(), "the wait for a group", options);
  }

  #isOver(): () => true | undefined {
    const [, begun] = this.#state.load();
    return () => {
      const [count, round] = this.#state.load();
      return count === 0 || round !== begun || undefined;
    };
  }
}

inLibrary(import.meta.url, { WaitGroup });
