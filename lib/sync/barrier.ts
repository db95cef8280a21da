// A cyclic barrier that all threads share. How many have arrived and which round it is stand in one word of 64 bits. Who
// arrives last opens the next round. Who leaves early breaks the barrier, after Java's CyclicBarrier: the rest could wait
// for ever for someone who is gone.

import { load } from "../atomics.ts";
import { checkInteger, checkWait } from "../checks.ts";
import { BrokenBarrierError } from "../errors.ts";
import { onOwnInterrupt } from "../host.ts";
import { inLibrary } from "../library.ts";
import { cancelledError, type Wait, type WaitAsync } from "../waiting.ts";
import { Pair } from "./pair.ts";
import { Arrived, newWords, Primitive } from "./primitive.ts";
import { WAITER_WORDS, Waiters } from "./waiters.ts";

const MAX_PARTIES = 2 ** 31 - 1;
const STATE_AT = 0;
const PARTIES = 2;
const WAITERS_AT = 3;
/** Instead of the number of those who have arrived. */
const BROKEN = 2 ** 32 - 1;
const WHAT = "the wait at a barrier";

interface Passed {
  readonly leader: boolean;
}

/**
 * A place where n threads wait for each other, round after round. Captured by a task, or sent to one, it is the same there.
 *
 * Waits: `wait` blocks the thread, `waitAsync` never does; the last to arrive wakes all. There is no trying form: to arrive
 * and not to wait would be to leave. One of each round, the last, gets `leader: true`, for what is to be done once.
 * Order: what each did before it arrived is seen by all who have passed.
 * Who gives up (time-out, signal, interrupt) breaks the barrier: that one gets TimeoutError or CancelledError, all who wait
 * and all who come later BrokenBarrierError. It stays broken: make a new one. A thread that dies after it has arrived
 * counts; if one dies before, nobody knows that it would have come: give a `timeoutMs` where that may happen.
 * Throws those, and RangeError or TypeError for bad arguments.
 * Cost: a sleep and a wake-up, 10 to 60 us, for all but the last.
 * When to use: steps that need all results of the step before (simulations, grids).
 * Gotcha: with `wait` there must be n threads; promises of one thread may wait together in `waitAsync`.
 * @example
 * const step = new Barrier(4);
 * const workers = [0, 1, 2, 3].map((part) => spawn((p: number) => {
 *   for (let n = 0; n < 100; n++) { compute(p, n); step.wait(); }
 * }, part));
 */
export class Barrier extends Primitive {
  readonly #state: Pair;
  readonly #waiters: Waiters;

  /** @param n how many wait for each other, from 1 */
  constructor(n: number);
  constructor(from: number | Arrived) {
    const parties = from instanceof Arrived ? undefined : checkInteger("n", from, 1, MAX_PARTIES);
    super(from instanceof Arrived ? from : newWords(WAITERS_AT + WAITER_WORDS));
    if (parties !== undefined) this.words[PARTIES] = parties;
    this.#state = new Pair(this.words, STATE_AT);
    this.#waiters = new Waiters(this.words, WAITERS_AT);
  }

  /** Has someone left before all were there? */
  get isBroken(): boolean {
    return this.#state.load()[0] === BROKEN;
  }

  /** Blocks the thread until n have arrived. In a pool another thread takes the place meanwhile. */
  wait(options: Wait = {}): { leader: boolean } {
    checkWait("wait()", options, ["timeoutMs"]);
    const round = this.#arrive();
    if (round === undefined) return { leader: true };
    // An interrupt ends a blocked thread's code without a word here.
    const unlisten = onOwnInterrupt(() => {
      unlisten();
      this.#break(round);
    });
    try {
      return this.#waiters.block(this.#passed(round), WHAT, options);
    } catch (error) {
      return this.#leave(round, error);
    } finally {
      unlisten();
    }
  }

  /** Resolves when n have arrived. Arrives at once; not at all if the signal is aborted already. */
  async waitAsync(options: WaitAsync = {}): Promise<{ leader: boolean }> {
    checkWait("waitAsync()", options, ["timeoutMs", "signal"]);
    if (options.signal?.aborted) throw cancelledError(WHAT, options.signal);
    const round = this.#arrive();
    if (round === undefined) return { leader: true };
    try {
      return await this.#waiters.queue(this.#passed(round), WHAT, options);
    } catch (error) {
      return this.#leave(round, error);
    }
  }

  /** The round that this one waits in; undefined: it was the last. */
  #arrive(): number | undefined {
    const parties = load(this.words, PARTIES);
    const [missing, round] = this.#state.change((arrived, now) => {
      if (arrived === BROKEN) throw broken();
      return arrived + 1 === parties ? [0, now + 1] : [arrived + 1, now];
    });
    if (missing !== 0) return round;
    this.#waiters.wake(Infinity);
    return undefined;
  }

  #passed(round: number): () => Passed | undefined {
    return () => {
      const [arrived, now] = this.#state.load();
      if (now !== round) return { leader: false };
      if (arrived === BROKEN) throw broken();
      return undefined;
    };
  }

  #leave(round: number, error: unknown): Passed {
    if (!this.#break(round)) return { leader: false };
    throw error;
  }

  /** False: the round was over just then. */
  #break(round: number): boolean {
    const [, now] = this.#state.change((arrived, current) => [current === round ? BROKEN : arrived, current]);
    if (now === round) this.#waiters.wake(Infinity);
    return now === round;
  }
}

function broken(): BrokenBarrierError {
  return new BrokenBarrierError("The barrier is broken: someone who waited at it has left before all were there.");
}

inLibrary(import.meta.url, { Barrier });
