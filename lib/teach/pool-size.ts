// How many threads a pool should have: the formula, and no more.

/**
 * The number of threads that keeps `cores` cores busy if each task waits (for a disk, a network, a timer) for the part
 * `waitFraction` of its time: cores / (1 - waitFraction), rounded up to a whole thread.
 *
 * Waits: never. Gotcha: it is a beginning. It knows nothing of memory, of what the tasks wait for (a server that takes
 * ten requests at a time isn't helped by forty threads), nor that a task may wait without a thread: `await` is free.
 * Throws: TypeError where one is no number; RangeError for less than one core or a part that is not from 0 up to,
 * not including, 1.
 * @example
 * optimalPoolSize(4, 0.5); // 8: while four tasks wait, four others compute
 */
export function optimalPoolSize(cores: number, waitFraction: number): number {
  for (const [name, value] of Object.entries({ cores, waitFraction })) {
    if (typeof value !== "number")
      throw new TypeError(`optimalPoolSize expects a number as ${name}, got ${typeof value}.`);
  }
  if (!Number.isSafeInteger(cores) || cores < 1) {
    throw new RangeError(`optimalPoolSize expects cores to be an integer of at least 1, got ${cores}.`);
  }
  if (!(waitFraction >= 0 && waitFraction < 1)) {
    throw new RangeError(
      `optimalPoolSize expects waitFraction to be from 0 up to, not including, 1, got ${waitFraction}.`,
    );
  }
  // 4 / (1 - 0.9) is 40.00000000000001: what is off by rounding is no thread more.
  return Math.ceil(Number((cores / (1 - waitFraction)).toPrecision(12)));
}
