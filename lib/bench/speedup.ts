// speedup: how much faster more threads are.

import { availableParallelism } from "node:os";
import type { Figure, SpeedupOptions as PlotOptions } from "../plot/index.ts";
import { plot } from "../plot/index.ts";
import { shown } from "./compare.ts";
import type { Sample } from "./sample.ts";
import { checkFunction, hidden, measure, sampleColumns } from "./sample.ts";
import { serialPart } from "./statistics.ts";
import { textTable } from "./table.ts";

export interface SpeedupOptions {
  /** Default: 1, 2, 4, … up to `os.availableParallelism()`, which is among them. */
  threads?: number[];
  /** Timings of each thread count. Default: 15, fewer (at least 7) for what takes long. */
  runs?: number;
  warmup?: number;
}

/** `speedup`: the median time of the row with the fewest threads divided by this row's. */
export type SpeedupSample = Sample & { threads: number; speedup: number };

export interface SpeedupResult {
  /** In rising order of threads. */
  rows: SpeedupSample[];
  /** Amdahl's law fitted by least squares to the rows up to the number of cores; `serial` is the part, 0 to 1, that more threads don't speed up. */
  amdahl: { serial: number };
  plot(options?: PlotOptions): Figure;
}

/**
 * Calls `f(threads)` for each thread count in turns and compares the times.
 *
 * Waits: async; a promise that f returns is awaited. f does the work with as many threads as it is told.
 * Shape and units: one row a thread count, times in ms; `values` of a row has what f returned in each run, to check
 * that all agree. `amdahl.serial` is NaN unless 1 thread and another count within the cores were measured. Shown as a cell's value it is its plot.
 * Throws: TypeError when f is no function, RangeError on thread counts that are no positive integers.
 * Gotcha: starting threads counts if f does it; keep a pool outside of f to measure the work alone.
 * @example
 * const result = await speedup((threads) => par(values, { threads }).sum(), { threads: [1, 2, 4] });
 * result.plot({ title: "Sum" });
 */
export async function speedup(f: (threads: number) => unknown, options: SpeedupOptions = {}): Promise<SpeedupResult> {
  checkFunction("speedup", f);
  const counts = threadCounts(options.threads);
  const subjects = counts.map((threads) => ({
    name: threads === 1 ? "1 thread" : `${threads} threads`,
    f: () => f(threads),
  }));
  const samples = await measure(subjects, options);
  const base = samples[0]!.medianMs;
  const rows = samples.map((sample, index) =>
    Object.assign(sample, { threads: counts[index]!, speedup: base / sample.medianMs }),
  );
  // The law speaks of processors: more threads than cores say nothing about it, nor do rows that don't begin with one.
  const cores = availableParallelism();
  const lawful = rows.filter(({ threads }) => threads <= cores);
  const amdahl = { serial: counts[0] === 1 ? serialPart(lawful) : NaN };
  const draw = (plotOptions: PlotOptions = {}): Figure =>
    plot.speedup(rows, { ...(Number.isNaN(amdahl.serial) ? {} : { amdahl }), ...plotOptions });
  const columns = { ...sampleColumns, "times as fast": (row: SpeedupSample) => `${row.speedup.toFixed(2)}×` };
  return hidden(
    { rows, amdahl, plot: draw },
    { [Symbol.for("Jupyter.display")]: () => shown(draw(), textTable(columns, rows)) },
  );
}

function threadCounts(given: number[] | undefined): number[] {
  if (given === undefined) {
    const cores = availableParallelism();
    const counts = [];
    for (let threads = 1; threads < cores; threads *= 2) counts.push(threads);
    return [...counts, cores];
  }
  if (!Array.isArray(given) || given.length === 0) {
    throw new RangeError("speedup needs `threads` to be an array with at least one thread count.");
  }
  for (const threads of given) {
    if (!Number.isSafeInteger(threads) || threads < 1) {
      throw new RangeError(`speedup needs thread counts of at least 1 in \`threads\`; got ${String(threads)}.`);
    }
  }
  return [...new Set(given)].sort((a, b) => a - b);
}
