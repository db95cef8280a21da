// The examples of the doc comments of atomics, latches, wait groups, barriers and spin locks.

import { afterAll, expect, it } from "vitest";
import { AtomicI32, Barrier, Latch, Pool, shared, spawn, SpinLock, WaitGroup } from "../../lib/index.ts";

const pool = new Pool({ threads: 2 });
afterAll(() => pool.close());

it("AtomicI32: hits", async () => {
  const hits = new AtomicI32();
  const lines = ["x", "y", "xx", "z"];
  await pool.map(lines, (line) => {
    if (line.includes("x")) hits.add(1);
  });
  expect(hits.load()).toBe(2);
});

it("Latch: a start signal", () => {
  const start = new Latch(1);
  const racers = [1, 2].map((n) => spawn((lane: number) => (start.wait(), lane), n));
  start.countDown();
  expect(racers.map((racer) => racer.join())).toEqual([1, 2]);
});

it("WaitGroup: a thread for each file", () => {
  const indexed = new AtomicI32();
  const index = (name: string): number => indexed.add(name.length);
  const group = new WaitGroup();
  for (const file of ["a", "bc"]) {
    group.add();
    spawn((name: string) => {
      try {
        index(name);
      } finally {
        group.done();
      }
    }, file);
  }
  group.wait();
  expect(indexed.load()).toBe(3);
});

it("Barrier: steps that need the step before", () => {
  const cells = shared(Int32Array, 4);
  const step = new Barrier(4);
  const workers = [0, 1, 2, 3].map((part) =>
    spawn((p: number) => {
      for (let n = 0; n < 100; n++) {
        const left = cells[(p + 3) % 4]!;
        step.wait();
        cells[p] = left + 1;
        step.wait();
      }
    }, part),
  );
  for (const worker of workers) worker.join();
  expect([...cells]).toEqual([100, 100, 100, 100]);
});

it("SpinLock: held for a block", () => {
  const cells = shared(Int32Array, 1);
  const lock = new SpinLock();
  {
    using guard = lock.lock({ timeoutMs: 100 });
    if (guard) cells[0]! += 1;
  }
  expect(lock.tryLock()).toBeDefined();
  expect(cells[0]).toBe(1);
});
