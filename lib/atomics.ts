// The operations on shared memory that the library's algorithms are made of. Nothing else in lib/ names `Atomics`, so
// that another implementation can stand in here: one that explores every order of these calls.

/** What these work on: 32-bit words in a SharedArrayBuffer. */
export type Words = Int32Array<SharedArrayBuffer>;

export const load = (words: Words, at: number): number => Atomics.load(words, at);
export const store = (words: Words, at: number, value: number): void => void Atomics.store(words, at, value);
/** Gives the old value, as all of these do. */
export const add = (words: Words, at: number, value: number): number => Atomics.add(words, at, value);
export const exchange = (words: Words, at: number, value: number): number => Atomics.exchange(words, at, value);

/** Puts `value` where `expected` is; true if it was. */
export const replace = (words: Words, at: number, expected: number, value: number): boolean =>
  Atomics.compareExchange(words, at, expected, value) === expected;

/** Blocks the thread while the word holds `value`, until it is notified. */
export const wait = (words: Words, at: number, value: number, timeoutMs?: number): "ok" | "not-equal" | "timed-out" =>
  Atomics.wait(words, at, value, timeoutMs);

/** The same without blocking; undefined where the word holds something else already. */
export function waitAsync(words: Words, at: number, value: number): Promise<unknown> | undefined {
  const waiting = Atomics.waitAsync(words, at, value);
  return waiting.async ? waiting.value : undefined;
}

export const notify = (words: Words, at: number, count?: number): number => Atomics.notify(words, at, count);
