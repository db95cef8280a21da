// Threads die at any moment of a sort of numbers: no element is lost, and the next sort is as any other.

import type { Worker } from "node:worker_threads";
import { afterAll, expect, it } from "vitest";
import { parSort, parSortSync, setThreads, shared, ThreadCrashedError } from "../../lib/index.ts";

const N = 700_000;
const ROUNDS = 24;

const workers = new Set<Worker>();
const noted = (worker: Worker): void => {
  workers.add(worker);
  worker.once("exit", () => workers.delete(worker));
};
process.on("worker", noted);
setThreads(3);
afterAll(() => {
  process.off("worker", noted);
  setThreads(1);
});

it("keeps all numbers, whoever dies when", async () => {
  let state = 20261125;
  const random = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  const outcomes = { sorted: 0, died: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    const values = Float64Array.from({ length: N }, () => Math.floor(random() * (round % 2 === 0 ? 1e9 : 50)));
    const expected = values.slice().sort();
    const xs = shared(Float64Array, values);
    const blocks = round % 4 === 3;
    const kill = (): void => {
      const victims = [...workers].filter(() => random() < 0.6);
      for (const worker of victims) void worker.terminate();
    };
    let error: unknown;
    if (blocks) {
      kill();
      try {
        parSortSync(xs);
      } catch (thrown) {
        error = thrown;
      }
    } else {
      const sorting = parSort(xs).catch((thrown: unknown) => (error = thrown));
      // At another moment in each round.
      await new Promise((go) => setTimeout(go, random() * 12));
      kill();
      await sorting;
    }
    if (error === undefined) outcomes.sorted++;
    else {
      outcomes.died++;
      expect(error).toBeInstanceOf(ThreadCrashedError);
      xs.sort();
    }
    expect([round, xs.findIndex((x, i) => x !== expected[i])]).toEqual([round, -1]);
  }
  expect(outcomes.sorted).toBeGreaterThan(0);
  expect(outcomes.sorted + outcomes.died).toBe(ROUNDS);
  const last = shared(Int32Array, N);
  for (let i = 0; i < N; i++) last[i] = -i;
  await parSort(last);
  expect([last[0], last[N - 1]]).toEqual([1 - N, 0]);
});
