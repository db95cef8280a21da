// One workload by one contender, in a process of its own: `child.ts workload contender n threads measureMs`. The last line
// of its output is a Report. With a measureMs of 0 it runs once.

import { CONTENDERS } from "./contenders.ts";

/** The time of each run, and numbers that depend on the results. */
export interface Report {
  ms: number[];
  checks: number[];
}

const FEWEST = 3;
const MOST = 1000;
/** V8 may be done with a loop in JavaScript only then; where they take long it is given five times the time. */
const WARMING_RUNS = 300;

if (import.meta.main) {
  const [workload = "", contender = "", ...numbers] = process.argv.slice(2);
  const [n, threads, measureMs] = numbers.map(Number) as [number, number, number];
  const job = CONTENDERS[contender]!(workload, n, threads);
  if (!job) throw new Error(`${contender} does not do ${workload}.`);
  const runs = async (fewest: number, longestMs = measureMs): Promise<number[]> => {
    const took: number[] = [];
    const begin = performance.now();
    const goesOn = (): boolean => {
      const ms = performance.now() - begin;
      return ms < measureMs ? took.length < MOST : ms < longestMs && took.length < WARMING_RUNS;
    };
    while (took.length < fewest || goesOn()) {
      job.before?.();
      const start = performance.now();
      const result = job.run();
      if (result instanceof Promise) await result;
      took.push(performance.now() - start);
    }
    return took;
  };
  if (measureMs > 0) await runs(FEWEST, 5 * measureMs);
  const ms = await runs(measureMs > 0 ? FEWEST : 1);
  const report: Report = { ms, checks: job.check() };
  process.stdout.write(`\n${JSON.stringify(report)}\n`, () => process.exit(0));
}
