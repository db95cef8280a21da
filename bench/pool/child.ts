// One suite with one pool, in a process of its own: `child.ts suite pool`. The last line of its output is a Report.

import { setTimeout as sleep } from "node:timers/promises";
import { type Load, LOADS, type Open } from "./pools.ts";
import { TASKS } from "./tasks/tasks.mjs";

/** Names of measures to figures, and of tasks to checks of their results. */
export interface Report {
  figures: Record<string, number>;
  checks: Record<string, number>;
}

type Suite = (load: Load, param: number) => Promise<Report>;

export const TINY = 100_000;
export const TRIPS = 500;
const PAUSE_MS = 2;
export const SUMS = 4;
export const SUM_LENGTH = 1e7;
/** To be divided by many threads. */
export const MANY_SUMS = 64;
export const SHORT_LENGTH = 2e6;

const collect = (): void => globalThis.gc?.() as undefined;

export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? NaN;
}

/** One number that depends on every result and its place. */
export const check = (results: readonly number[]): number =>
  results.reduce((all, one) => (Math.imul(all, 31) + one) >>> 0, 0);

export const ADD_ARGS = (i: number): [number, number] => [i, (i * 7) % 1000];
export const WEIGH_ARGS = (i: number): [object] => [
  { id: i, name: `parcel ${i}`, values: Array.from({ length: 10 }, (_, at) => i + at) },
];

/** Repeated as long as there is time: the median, ms. */
async function timed(again: () => Promise<void>, times: number): Promise<number> {
  const took: number[] = [];
  const end = performance.now() + 4000;
  while (took.length < times && (took.length === 0 || performance.now() < end)) {
    collect();
    const start = performance.now();
    await again();
    took.push(performance.now() - start);
  }
  return quantile(took, 0.5);
}

async function tiny(open: Open, task: "add" | "weigh", args: (i: number) => unknown[]): Promise<[number, number]> {
  const pool = await open(2, task);
  const all = (count: number): Promise<number[]> => {
    const promises: Promise<number>[] = [];
    for (let i = 0; i < count; i++) promises.push(pool.run(...args(i)));
    return Promise.all(promises);
  };
  const warm = performance.now() + 1500;
  for (let i = 0; i < 10 && performance.now() < warm; i++) await all(i === 0 ? TINY / 10 : TINY / 2);
  let results: number[] = [];
  const ms = await timed(async () => void (results = await all(TINY)), 3);
  await pool.close();
  return [ms, check(results)];
}

async function sums(load: Load, threads: number, count: number, length: number, name: string): Promise<Report> {
  const pool = await (await load())(threads, "sum");
  const all = (each: number): Promise<number[]> =>
    Promise.all(Array.from({ length: count }, (_, i) => pool.run(i + 1, each)));
  for (let i = 0; i < 5; i++) await all(length / 10);
  let results: number[] = [];
  const ms = await timed(async () => void (results = await all(length)), 3);
  await pool.close();
  return { figures: { [`${threads} thread${threads > 1 ? "s" : ""}, ms`]: ms }, checks: { [name]: check(results) } };
}

export const SUITES: Record<string, Suite> = {
  async tiny(load) {
    const [ms, checked] = await tiny(await load(), "add", ADD_ARGS);
    return { figures: { "100,000 additions, ms": ms }, checks: { add: checked } };
  },

  async objects(load) {
    const [ms, checked] = await tiny(await load(), "weigh", WEIGH_ARGS);
    return { figures: { "100,000 small objects, ms": ms }, checks: { weigh: checked } };
  },

  async "round-trip"(load) {
    const pool = await (await load())(2, "add");
    const trips = async (pauseMs: number): Promise<number[]> => {
      const took: number[] = [];
      for (let i = 0; i < TRIPS; i++) {
        if (pauseMs > 0) await sleep(pauseMs);
        const [a, b] = ADD_ARGS(i);
        const start = performance.now();
        const value = await pool.run(a, b);
        took.push((performance.now() - start) * 1000);
        if (value !== TASKS.add(a, b)) throw new Error(`${a} + ${b} is not ${value}`);
      }
      return took;
    };
    for (let i = 0; i < 4; i++) await trips(0);
    collect();
    const together = await trips(0);
    await sleep(100);
    const apart = await trips(PAUSE_MS);
    await pool.close();
    return {
      figures: {
        "back to back, median µs": quantile(together, 0.5),
        "back to back, p99 µs": quantile(together, 0.99),
        "2 ms apart, median µs": quantile(apart, 0.5),
        "2 ms apart, p99 µs": quantile(apart, 0.99),
      },
      checks: {},
    };
  },

  // A loop without work, with a part for each thread, by one that blocks while others look for work.
  async dispatch(_, threads) {
    const { par } = await import("braid");
    const parts = par.range(0, threads, { threads, chunks: threads });
    const nothing = (): void => {};
    const loops = (count: number): number[] => {
      const took: number[] = [];
      for (let i = 0; i < count; i++) {
        const start = performance.now();
        parts.forEachSync(nothing);
        took.push((performance.now() - start) * 1000);
      }
      return took;
    };
    // Threads learn of the loop in their event loops.
    loops(TRIPS * 10);
    await sleep(50);
    loops(TRIPS * 10);
    return { figures: { "blocking dispatch, median µs": quantile(loops(TRIPS * 20), 0.5) }, checks: {} };
  },

  sum: (load, threads) => sums(load, threads, SUMS, SUM_LENGTH, "sum"),

  scaling: (load, threads) => sums(load, threads, MANY_SUMS, SHORT_LENGTH, "short"),

  async start(load, threads) {
    const before = performance.now();
    const open = await load();
    const loaded = performance.now();
    const pool = await open(threads, "add");
    const value = await pool.run(1, 2);
    const first = performance.now();
    await pool.close();
    return {
      figures: { "import of the library, ms": loaded - before, "to the first result, ms": first - loaded },
      checks: { one: value },
    };
  },

  async memory(load, threads) {
    const open = await load();
    await sleep(200);
    collect();
    const before = process.memoryUsage.rss();
    const pool = await open(threads, "spin");
    // So that each thread has one, also where they start with the work.
    for (let i = 0; i < 2; i++) await Promise.all(Array.from({ length: threads * 2 }, () => pool.run(30)));
    await sleep(500);
    collect();
    const grown = process.memoryUsage.rss() - before;
    return {
      figures: { [`pool of ${threads}, MB a thread`]: grown / threads / 2 ** 20 },
      checks: {},
    };
  },
};

if (import.meta.main) {
  const [suite = "", pool = "", param = "0"] = process.argv.slice(2);
  const report = await SUITES[suite]!(LOADS[pool]!, Number(param));
  process.stdout.write(`\n${JSON.stringify(report)}\n`, () => process.exit(0));
}
