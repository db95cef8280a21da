// Single numbers and truth values that threads change together.

import {
  addCell,
  counted,
  countUp,
  LOOK_AGAIN_MS,
  compareExchangeCell,
  exchangeCell,
  loadCell,
  notifyCell,
  storeCell,
  waitCell,
  waitCellAsync,
  type Cell,
  type CellValue,
  type Outcome,
} from "../atomics.ts";
import { checkBigInt, checkBoolean, checkInteger, checkWait } from "../checks.ts";
import { inLibrary } from "../library.ts";
import { watchLimits, type Wait, type WaitAsync } from "../waiting.ts";
import { Arrived, newWords, Primitive } from "./primitive.ts";
import { resumed, waitForAny, waitNoMore, woken } from "./wait-graph.ts";
import { isWatched, keepAlive, lookWatched, noteWait } from "./watch.ts";

const LONG_MS = 2 ** 31 - 1;
const WHAT = "the wait for a notification";

/**
 * One value that all threads see: each operation is one step, which no other comes between. Captured by a task, or sent to
 * one, it is the same value there. Waits: only `wait`, which blocks the thread, and `waitAsync`, which never does; both
 * end when `notify` is called, never by a change alone. Order: one order of all operations on all atomics, the same for all
 * threads; what a thread did before it stored is seen by whoever loads that.
 * Throws TypeError or RangeError for a value that it can't hold.
 * Cost: 10 to 20 ns where no other thread changes it just then.
 */
abstract class Atomic<T> extends Primitive<Cell> {
  protected abstract encode(name: string, value: T): CellValue;
  protected abstract decode(value: CellValue): T;

  constructor(cell: Cell | Arrived, value: T) {
    super(cell);
    if (!(cell instanceof Arrived)) this.store(value);
  }

  load(): T {
    return this.decode(loadCell(this.words));
  }

  store(value: T): void {
    storeCell(this.words, this.encode("value", value));
  }

  /** Stores; gives what was there. */
  exchange(value: T): T {
    return this.decode(exchangeCell(this.words, this.encode("value", value)));
  }

  /** Stores `value` if `expected` is there; gives what was there, which tells whether it did. */
  compareExchange(expected: T, value: T): T {
    const [before, after] = [this.encode("expected", expected), this.encode("value", value)];
    return this.decode(compareExchangeCell(this.words, before, after));
  }

  /**
   * Blocks the thread while `value` is there, until `notify` wakes it ("ok"), or the time is over ("timed-out").
   * "not-equal": something else is there already. Gotcha: after "ok" look again; the value may be what it was.
   * A thread that dies as it is woken takes its wake-up with it; under `watch` "ok" may come of another's. In the thread
   * that made a pool, tasks that come to their threads by message may not begin before this is over: wait for those with a
   * Latch, a Semaphore or a channel.
   */
  wait(value: T, options: Wait = {}): Outcome {
    checkWait("wait()", options, ["timeoutMs"]);
    const { timeoutMs = Infinity } = options;
    const word = this.encode("value", value);
    if (loadCell(this.words) !== word) return "not-equal";
    if (timeoutMs < Infinity) return this.#block(word, timeoutMs);
    waitForAny(WHAT);
    try {
      return isWatched() ? this.#waitWatched(word) : this.#block(word, Infinity);
    } finally {
      waitNoMore();
    }
  }

  #block(word: CellValue, timeoutMs: number): Outcome {
    const outcome = waitCell(this.words, word, timeoutMs);
    if (outcome === "ok") resumed();
    return outcome;
  }

  /** It looks round now and then. A notify that came meanwhile has been counted. */
  #waitWatched(word: CellValue): Outcome {
    for (const notified = counted(this.words); ;) {
      const outcome = this.#block(word, LOOK_AGAIN_MS);
      if (outcome !== "timed-out") return outcome;
      if (counted(this.words) !== notified) return "ok";
      lookWatched();
    }
  }

  /** The same as a promise. A wait that is given up keeps its turn, and passes the wake-up on. */
  async waitAsync(value: T, options: WaitAsync = {}): Promise<Outcome> {
    checkWait("waitAsync()", options, ["timeoutMs", "signal"]);
    const word = this.encode("value", value);
    const { timeoutMs = Infinity, signal } = options;
    const left = Promise.withResolvers<never>();
    let hasLeft = false;
    const unwatch = watchLimits(WHAT, signal ? { signal } : {}, (error) => {
      hasLeft = true;
      left.reject(error);
    });
    // A wait on shared memory alone does not keep a program alive.
    const letGo = keepAlive(() => {}, LONG_MS);
    const unnote = noteWait(WHAT);
    try {
      const waiting = Promise.resolve(waitCellAsync(this.words, word, timeoutMs));
      void waiting.then((outcome) => {
        if (outcome !== "ok") return;
        resumed();
        if (hasLeft) this.notify(1);
      });
      return await Promise.race([waiting, left.promise]);
    } finally {
      letGo();
      unnote();
      unwatch();
    }
  }

  /** Wakes so many of those that wait, all by default, who has waited longest first. Gives how many there were. */
  notify(n?: number): number {
    if (n !== undefined) checkInteger("n", n, 0, Infinity);
    countUp(this.words);
    const count = notifyCell(this.words, n);
    woken(count);
    return count;
  }
}

abstract class AtomicNumber<T extends number | bigint> extends Atomic<T> {
  /** Adds, wrapping round at the ends; gives what was there. */
  add(n: T): T {
    return this.decode(addCell(this.words, this.encode("n", n)));
  }

  /** Subtracts, wrapping round at the ends; gives what was there. */
  sub(n: T): T {
    return this.decode(addCell(this.words, -this.encode("n", n)));
  }
}

/**
 * A whole number from -2147483648 to 2147483647 that threads change together: see the methods.
 * When to use: counters, flags, the state of something of your own. Where several values belong together: Guarded.
 * @example
 * const hits = new AtomicI32();
 * await pool.map(lines, (line) => { if (line.includes("x")) hits.add(1); });
 * hits.load();
 */
export class AtomicI32 extends AtomicNumber<number> {
  constructor(value?: number);
  constructor(from: number | Arrived = 0) {
    super(from instanceof Arrived ? from : newWords(2), from as number);
  }
  protected encode(name: string, value: number): CellValue {
    return checkInteger(name, value, -(2 ** 31), 2 ** 31 - 1);
  }
  protected decode(value: CellValue): number {
    return value as number;
  }
}

/** The same from 0 to 4294967295. */
export class AtomicU32 extends AtomicNumber<number> {
  constructor(value?: number);
  constructor(from: number | Arrived = 0) {
    super(from instanceof Arrived ? from : newWords(2), from as number);
  }
  protected encode(name: string, value: number): CellValue {
    return checkInteger(name, value, 0, 2 ** 32 - 1) | 0;
  }
  protected decode(value: CellValue): number {
    return (value as number) >>> 0;
  }
}

/** The same as a bigint, from -(2n ** 63n) to 2n ** 63n - 1n. Cost: several times that of 32 bits, for a bigint is made. */
export class AtomicI64 extends AtomicNumber<bigint> {
  constructor(value?: bigint);
  constructor(from: bigint | Arrived = 0n) {
    super(from instanceof Arrived ? from : new BigInt64Array(new SharedArrayBuffer(16)), from as bigint);
  }
  protected encode(name: string, value: bigint): CellValue {
    return checkBigInt(name, value, -(2n ** 63n), 2n ** 63n - 1n);
  }
  protected decode(value: CellValue): bigint {
    return value as bigint;
  }
}

/** True or false; there is nothing to add. */
export class AtomicBool extends Atomic<boolean> {
  constructor(value?: boolean);
  constructor(from: boolean | Arrived = false) {
    super(from instanceof Arrived ? from : newWords(2), from as boolean);
  }
  protected encode(name: string, value: boolean): CellValue {
    return Number(checkBoolean(name, value));
  }
  protected decode(value: CellValue): boolean {
    return value === 1;
  }
}

inLibrary(import.meta.url, { AtomicI32, AtomicU32, AtomicI64, AtomicBool });
