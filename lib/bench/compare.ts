// compare: how long several ways to do one thing take, measured in turns.

import type { BarOptions, Figure } from "../plot/index.ts";
import { plot } from "../plot/index.ts";
import type { Sample } from "./sample.ts";
import { checkFunction, hidden, measure, sampleColumns } from "./sample.ts";
import { textTable } from "./table.ts";

export interface CompareOptions {
  /** Timings of each function. Default: 15, fewer (at least 7) for what takes long. */
  runs?: number;
  warmup?: number;
  /** Whose time the ratios are relative to. Default: the first. */
  baseline?: string;
}

/** A sample with `ratio`: how many times as fast as the baseline (2: in half the time). */
export type CompareRow = Sample & { ratio: number };

export interface Comparison {
  rows: CompareRow[];
  baseline: string;
  plot(options?: BarOptions): Figure;
}

/**
 * Measures several functions in turns, so that what slows the machine down slows all of them alike.
 *
 * Waits: async; promises are awaited one after the other, never side by side. The functions run on this thread.
 * Shape and units: one row a function, in the order given (names that are whole numbers first, as objects
 * have them); times in ms as `bench` has them; `ratio` is the baseline's
 * median divided by the row's. Shown as a cell's value it is its bar plot.
 * Throws: TypeError on what is no object of functions, RangeError on an unknown baseline or bad counts.
 * @example
 * const { rows } = await compare({ loop: () => sumLoop(xs), reduce: () => xs.reduce((a, b) => a + b) });
 * rows[1].ratio; // 0.5: reduce takes twice as long
 */
export async function compare(fs: Record<string, () => unknown>, options: CompareOptions = {}): Promise<Comparison> {
  if (typeof fs !== "object" || fs === null) {
    throw new TypeError(`compare needs an object of functions by name; got ${fs === null ? "null" : typeof fs}.`);
  }
  const subjects = Object.entries(fs).map(([name, f]) => ({ name, f }));
  if (subjects.length === 0) throw new RangeError("compare needs at least one function; got an empty object.");
  for (const { name, f } of subjects) checkFunction(`compare: ${JSON.stringify(name)}`, f);
  const baseline = options.baseline ?? subjects[0]!.name;
  if (!Object.hasOwn(fs, baseline)) {
    const names = subjects.map(({ name }) => JSON.stringify(name)).join(", ");
    throw new RangeError(`compare has no function named ${JSON.stringify(baseline)} for a baseline, only ${names}.`);
  }
  const samples = await measure(subjects, options);
  const base = samples.find(({ name }) => name === baseline)!.medianMs;
  const rows = samples.map((sample) => Object.assign(sample, { ratio: base / sample.medianMs }));
  const draw = (plotOptions?: BarOptions): Figure => plot.bar(rows, plotOptions);
  const columns = { ...sampleColumns, "times as fast": ({ ratio }: CompareRow) => `${ratio.toFixed(2)}×` };
  return hidden(
    { rows, baseline, plot: draw },
    {
      [Symbol.for("Jupyter.display")]: () => shown(draw({ title: "Compared" }), textTable(columns, rows)),
    },
  );
}

/** A figure's bundle with a table for its text. */
export function shown(figure: Figure, text: string): Record<string, unknown> {
  const display = figure[Symbol.for("Jupyter.display")] as () => Record<string, unknown>;
  return { ...display.call(figure), "text/plain": text };
}
