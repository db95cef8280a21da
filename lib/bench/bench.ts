// bench: how long one function takes.

import type { Sample } from "./sample.ts";
import { checkFunction, measure } from "./sample.ts";

export interface BenchOptions {
  /** Timings. Default: 15, fewer (at least 7) for what takes longer than 5 s in all. */
  runs?: number;
  /** Timings thrown away first, beside the calls that find out how long f takes. Default 1. */
  warmup?: number;
}

/**
 * Measures how long one call of `f` takes: the median of several timings and the 95 % interval of that median.
 *
 * Waits: async; a promise that f returns is awaited before the next call. f itself runs on this thread and blocks it.
 * Shape and units: times in ms of one call. What takes less than 1 ms is called often enough in a row to make 1 ms.
 * The interval is made of order statistics (no assumption on the distribution); with fewer than 6 runs it is smallest
 * to largest and holds the median in less than 95 of 100 cases.
 * Throws: TypeError when f is no function, RangeError on bad counts; what f throws comes through.
 * Cost: runs + warmup timings and a few calls before them.
 * Gotcha: f is called many times, so it must not use its input up.
 * @example
 * const sample = await bench("sum", () => values.reduce((a, b) => a + b, 0));
 * sample.medianMs; // 0.42
 */
export async function bench(name: string, f: () => unknown, options: BenchOptions = {}): Promise<Sample> {
  if (typeof name !== "string") throw new TypeError(`bench needs a name before the function; got ${typeof name}.`);
  checkFunction("bench", f);
  return (await measure([{ name, f }], options))[0]!;
}
