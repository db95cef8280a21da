// The operations on shared memory that the library's algorithms are made of. Nothing else in lib/ names `Atomics`, so
// that another implementation can stand in here: one that explores every order of these calls.

/** What these work on: 32-bit words in a SharedArrayBuffer. */
export type Words = Int32Array<SharedArrayBuffer>;

export const load = (words: Words, at: number): number => Atomics.load(words, at);
/**
 * The same, right after one of the operations below that change a word. On x86 those have been seen by everybody before
 * anything else is read, so that an ordinary read will do, at a tenth of the cost.
 */
export const loadAfterChange =
  process.arch === "x64"
    ? (words: Words, at: number): number => words[at]!
    : (words: Words, at: number): number => Atomics.load(words, at);
export const store = (words: Words, at: number, value: number): void => void Atomics.store(words, at, value);
/** Gives the old value, as all of these do. */
export const add = (words: Words, at: number, value: number): number => Atomics.add(words, at, value);
export const exchange = (words: Words, at: number, value: number): number => Atomics.exchange(words, at, value);

export const or = (words: Words, at: number, bits: number): number => Atomics.or(words, at, bits);
export const and = (words: Words, at: number, bits: number): number => Atomics.and(words, at, bits);

/** Puts `value` where `expected` is; true if it was. */
export const replace = (words: Words, at: number, expected: number, value: number): boolean =>
  Atomics.compareExchange(words, at, expected, value) === expected;

/** Tells the processor that this is a loop that looks for a change. */
export const pause = (): void => Atomics.pause();

const nativeWait = Atomics.wait;

/** What others need of a thread also while it is blocked. */
export interface Duty {
  /** May anything come? */
  readonly isExpected: boolean;
  /** Does what is to be done now. True: there was something. */
  serve(): boolean;
}

let duty: Duty | undefined;

/** From now on this thread does its duty while it is blocked in a wait of the library, but for those of single cells. */
export function setDuty(value: Duty): void {
  duty = value;
}

/** So soon a sleeper sees to its duty: waits that are shorter cost nothing more. */
const SOON_MS = 0.2;

/** Nobody can wake a sleeper for its duty, for its memory is not theirs: it looks, twice as late each time that nothing is there. */
function sleep(words: Words, at: number, value: number, timeoutMs: number): Outcome {
  if (!duty) return nativeWait(words, at, value, timeoutMs);
  const endMs = performance.now() + timeoutMs;
  let leftMs = timeoutMs;
  for (let napMs = SOON_MS; ;) {
    const outcome = nativeWait(words, at, value, duty.isExpected ? Math.min(napMs, leftMs) : leftMs);
    if (outcome !== "timed-out") return outcome;
    napMs = duty.serve() ? SOON_MS : napMs * 2;
    leftMs = endMs - performance.now();
    if (leftMs <= 0) return "timed-out";
  }
}

/** Blocks the thread while the word holds `value`, until it is notified. Nobody takes its place meanwhile. */
export const waitUncounted = (words: Words, at: number, value: number, timeoutMs?: number): string =>
  nativeWait(words, at, value, timeoutMs);

/** The same, at most for so long; it does its duty meanwhile. */
export const waitOnDuty = (words: Words, at: number, value: number, timeoutMs: number): Outcome =>
  sleep(words, at, value, timeoutMs);

/** A sleeper looks again by itself after so long: a thread that dies may take the wake-up of another with it. */
export const LOOK_AGAIN_MS = 100;

let before: ((timeoutMs: number) => void) | undefined;

/** Called before this thread blocks in `wait`: what it holds back, others may be waiting for. */
export function beforeBlocking(f: (timeoutMs: number) => void): void {
  before = f;
}

let watcher: { blocked(): void; unblocked(): void } | undefined;

/**
 * Blocks the thread while the word holds `value`, until it is notified, at most for so long. Others take its place. Each
 * time that it looks again, and the word is the same, `look` is called: true ends the wait. Gives true where it was notified.
 */
export function wait(words: Words, at: number, value: number, timeoutMs: number, look?: () => boolean): boolean {
  if (!(timeoutMs > 0) || load(words, at) !== value) return false;
  before?.(timeoutMs);
  watcher?.blocked();
  try {
    const endMs = performance.now() + timeoutMs;
    for (let leftMs = timeoutMs; leftMs > 0; leftMs = endMs - performance.now()) {
      const outcome = sleep(words, at, value, Math.min(leftMs, LOOK_AGAIN_MS));
      if (outcome !== "timed-out") return outcome === "ok";
      if (look?.()) break;
    }
    return false;
  } finally {
    watcher?.unblocked();
  }
}

/**
 * From now on `blocked` is called before this thread blocks in Atomics.wait, whoever calls that, and `unblocked` after.
 */
export function watchWaits(blocked: () => void, unblocked: () => void): void {
  watcher = { blocked, unblocked };
  const isStill = (array: Int32Array | BigInt64Array, at: number, value: number | bigint): boolean =>
    Atomics.load(array as Int32Array, at) === value;
  Atomics.wait = ((array: Int32Array, at: number, value: number, timeoutMs?: number): string => {
    // Where it doesn't block, or is called wrongly, there is nothing to tell.
    const waits = ArrayBuffer.isView(array) && timeoutMs !== 0 && at in array && isStill(array, at, value);
    if (!waits) return nativeWait(array, at, value, timeoutMs);
    blocked();
    try {
      return nativeWait(array, at, value, timeoutMs);
    } finally {
      unblocked();
    }
  }) as typeof Atomics.wait;
}

/** The same without blocking; undefined where the word holds something else already. */
export function waitAsync(words: Words, at: number, value: number): Promise<unknown> | undefined {
  const waiting = Atomics.waitAsync(words, at, value);
  return waiting.async ? waiting.value : undefined;
}

export const notify = (words: Words, at: number, count?: number): number => Atomics.notify(words, at, count);

/** One number of 32 or 64 bits: the first element, which the following work on. */
export type Cell = Words | BigInt64Array<SharedArrayBuffer>;
export type CellValue = number | bigint;
export type Outcome = "ok" | "not-equal" | "timed-out";

// One function for both: what Atomics takes depends on the array, which types can't follow.
const plain = (cell: Cell): Words => cell as Words;
const word = (value: CellValue): number => value as number;

export const loadCell = (cell: Cell): CellValue => Atomics.load(plain(cell), 0);
export const storeCell = (cell: Cell, value: CellValue): void => void Atomics.store(plain(cell), 0, word(value));
export const addCell = (cell: Cell, value: CellValue): CellValue => Atomics.add(plain(cell), 0, word(value));
export const exchangeCell = (cell: Cell, value: CellValue): CellValue => Atomics.exchange(plain(cell), 0, word(value));
export const compareExchangeCell = (cell: Cell, expected: CellValue, value: CellValue): CellValue =>
  Atomics.compareExchange(plain(cell), 0, word(expected), word(value));

/** Blocks while the cell holds `value`, until this very wait is notified. Others take the thread's place (watchWaits). */
export const waitCell = (cell: Cell, value: CellValue, timeoutMs: number): Outcome =>
  Atomics.wait(plain(cell), 0, word(value), timeoutMs);
export const waitCellAsync = (cell: Cell, value: CellValue, timeoutMs: number): Outcome | Promise<Outcome> =>
  Atomics.waitAsync(plain(cell), 0, word(value), timeoutMs).value;
export const notifyCell = (cell: Cell, count?: number): number => Atomics.notify(plain(cell), 0, count);

/** Beside a cell, its second element counts: gives the old number. */
export const countUp = (cell: Cell): CellValue =>
  Atomics.add(plain(cell), 1, word(cell instanceof BigInt64Array ? 1n : 1));
export const counted = (cell: Cell): CellValue => Atomics.load(plain(cell), 1);

/** The same on single bytes. */
export type Bytes = Uint8Array<SharedArrayBuffer>;

export const loadByte = (bytes: Bytes, at: number): number => Atomics.load(bytes, at);
export const storeByte = (bytes: Bytes, at: number, value: number): void => void Atomics.store(bytes, at, value);
export const orByte = (bytes: Bytes, at: number, bits: number): number => Atomics.or(bytes, at, bits);
export const replaceByte = (bytes: Bytes, at: number, expected: number, value: number): boolean =>
  Atomics.compareExchange(bytes, at, expected, value) === expected;
