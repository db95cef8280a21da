// A Sample: what measuring one function gave. And the rounds that make samples of one or more functions.

import { median, medianInterval } from "./statistics.ts";
import { prepare, time } from "./timer.ts";
import { textTable } from "./table.ts";

/** Times in ms of one call; `lowMs` to `highMs` is the 95 % interval of the median. */
export interface Sample {
  name: string;
  medianMs: number;
  lowMs: number;
  highMs: number;
  /** How many timings there are. */
  runs: number;
  /** What the last call returned. */
  value?: unknown;
  /** What the last call of each timing returned, in order: for checking that all agree. Not shown, not in JSON. */
  values: unknown[];
}

export interface Rounds {
  /** Timings for each function. When left out: up to 15, and at least 7 once they have taken 5 s together. */
  runs?: number | undefined;
  /** Timings thrown away first. */
  warmup?: number | undefined;
}

const RUNS = { most: 15, least: 7, enoughMs: 5000 };

/**
 * Times all functions in turns, so that a machine that slows down slows all of them. Each round begins with the next
 * function, so that none always follows the same one.
 */
export async function measure(subjects: { name: string; f: () => unknown }[], options: Rounds): Promise<Sample[]> {
  const { runs, warmup = 1 } = options;
  checkCount("runs", runs ?? 1, 1);
  checkCount("warmup", warmup, 0);
  const prepared = [];
  for (const { f } of subjects) prepared.push(await prepare(f));
  for (let round = 0; round < warmup; round++) for (const subject of prepared) await time(subject);

  const timings = subjects.map((): { ms: number; value: unknown }[] => []);
  const start = performance.now();
  for (let round = 0; round < (runs ?? RUNS.most); round++) {
    for (let turn = 0; turn < prepared.length; turn++) {
      const which = (round + turn) % prepared.length;
      timings[which]!.push(await time(prepared[which]!));
    }
    const enough = performance.now() - start > RUNS.enoughMs * prepared.length;
    if (runs === undefined && enough && round + 1 >= RUNS.least) break;
  }
  return subjects.map(({ name }, index) => toSample(name, timings[index]!));
}

function toSample(name: string, timings: { ms: number; value: unknown }[]): Sample {
  const ms = timings.map((timing) => timing.ms);
  const { low, high } = medianInterval(ms);
  const values = timings.map((timing) => timing.value);
  const sample = { name, medianMs: median(ms), lowMs: low, highMs: high, runs: ms.length, value: values.at(-1) };
  return hidden(sample, {
    values,
    [Symbol.for("Jupyter.display")]: () => ({ "text/plain": textTable(sampleColumns, [sample]) }),
  }) as Sample;
}

/** The columns that a table of samples begins with. */
export const sampleColumns: Record<string, (sample: Omit<Sample, "values">) => string> = {
  name: ({ name }) => name,
  median: ({ medianMs }) => duration(medianMs),
  "95 % interval": ({ lowMs, highMs }) => `${duration(lowMs)} to ${duration(highMs)}`,
  runs: ({ runs }) => String(runs),
};

/** Adds properties that neither JSON nor console.log shows. */
export function hidden<T extends object>(target: T, properties: Record<PropertyKey, unknown>): T {
  for (const key of Reflect.ownKeys(properties)) {
    Object.defineProperty(target, key, { value: properties[key], enumerable: false, configurable: true });
  }
  return target;
}

export function duration(ms: number): string {
  if (!Number.isFinite(ms)) return String(ms);
  const [unit, per] = ms >= 10_000 ? ["s", 1e-3] : ms >= 0.1 ? ["ms", 1] : ms >= 1e-4 ? ["µs", 1e3] : ["ns", 1e6];
  const value = ms * (per as number);
  return `${value >= 1000 ? Math.round(value).toLocaleString("en-US") : Number(value.toPrecision(3))} ${unit}`;
}

export function checkFunction(where: string, f: unknown): void {
  if (typeof f !== "function")
    throw new TypeError(`${where} needs a function to measure; got ${f === null ? "null" : typeof f}.`);
}

function checkCount(what: string, value: unknown, least: number): void {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < least) {
    throw new RangeError(`\`${what}\` needs to be an integer of at least ${least}; got ${String(value)}.`);
  }
}
