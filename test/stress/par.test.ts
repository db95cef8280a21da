// Parallel loops while threads die, pools change size and tasks are cancelled: every call ends, no element is met twice,
// and where one isn't met the call says so.

import { expect, it } from "vitest";
import { CancelledError, joinSync, par, Pool, setThreads, shared, ThreadCrashedError } from "../../lib/index.ts";
import { random } from "../random.ts";

it("survives threads that die in the middle of a chunk", async () => {
  setThreads(3);
  const chance = random(7);
  const N = 400;
  let [crashed, ended] = [0, 0];
  const call = async (deadly: boolean, blocks: boolean): Promise<void> => {
    const met = shared(Int32Array, N);
    const victim = Math.floor(chance() * N);
    const touch = (_: number, i: number): void => {
      if (deadly && i === victim && !process.getBuiltinModule("node:worker_threads").isMainThread) process.exit(1);
      Atomics.add(met, i, 1);
      for (const end = performance.now() + 0.02; performance.now() < end;);
    };
    try {
      if (blocks) par.range(0, N).forEachSync(touch);
      else await par.range(0, N).forEach(touch);
      ended++;
      expect(met.every((n) => n === 1)).toBe(true);
    } catch (error) {
      expect(error).toBeInstanceOf(ThreadCrashedError);
      crashed++;
      expect(met.every((n) => n <= 1)).toBe(true);
      expect(met[victim]).toBe(0);
    }
  };
  await call(false, false);
  for (let round = 0; round < 25; round++) {
    const some = [call(chance() < 0.5, false), call(false, false)];
    await call(chance() < 0.5, true);
    await Promise.all(some);
  }
  await call(false, false);
  expect(await par.range(0, 1000).sum()).toBe(499500);
  expect(crashed).toBeGreaterThan(3);
  expect(ended).toBeGreaterThan(20);
});

it("nests in tasks of pools that change size and lose tasks", async () => {
  const chance = random(11);
  await using pool = new Pool({ threads: 3 });
  const fib = (n: number): number => {
    if (n < 8) return n < 2 ? n : fib(n - 1) + fib(n - 2);
    const [a, b] = joinSync(
      () => fib(n - 1),
      () => fib(n - 2),
    );
    return a + b;
  };
  const work = async (n: number): Promise<number> => {
    const inner = (x: number): number => par.range(0, x, { chunks: 3 }).sumSync();
    const sums = par.range(0, n).map(inner);
    const late = await par.range(0, n).map(inner).sum();
    return sums.sumSync() + late + fib(11);
  };
  const expected = (n: number): number => {
    let sum = 0;
    for (let x = 0; x < n; x++) sum += (x * (x - 1)) / 2;
    return sum * 2 + 89;
  };
  const tasks = Array.from({ length: 80 }, (_, i) => {
    const task = pool.submit(work, i % 30);
    const outcome = task.then(
      (value) => ({ value, n: i % 30 }),
      (error: unknown) => ({ error, n: i % 30 }),
    );
    if (i % 9 === 4) setTimeout(() => task.cancel("any"), chance() * 300);
    return outcome;
  });
  const resizing = setInterval(() => pool.resize(1 + Math.floor(chance() * 4)), 20);
  const outcomes = await Promise.all(tasks);
  clearInterval(resizing);
  let done = 0;
  for (const outcome of outcomes)
    if ("value" in outcome) {
      done++;
      expect(outcome.value).toBe(expected(outcome.n));
    } else {
      // Of a task whose own thread lives, a helper may have been stopped.
      const { error } = outcome;
      expect(error instanceof CancelledError || error instanceof ThreadCrashedError).toBe(true);
    }
  expect(done).toBeGreaterThan(40);
  expect(await pool.run(work, 10)).toBe(expected(10));
});

it("runs hundreds of loops at once, more than there are regions", async () => {
  setThreads(3);
  for (let round = 0; round < 5; round++) {
    const calls = Array.from({ length: 200 }, (_, n) =>
      par
        .range(0, n)
        .map((x) => ({ x }))
        .toArray(),
    );
    const blocking = Array.from({ length: 20 }, (_, n) => par.range(0, n).sumSync());
    const lengths = (await Promise.all(calls)).map(({ length }) => length);
    expect(lengths).toEqual(Array.from({ length: 200 }, (_, n) => n));
    expect(blocking).toEqual(Array.from({ length: 20 }, (_, n) => (n * Math.max(0, n - 1)) / 2));
  }
});

it("reads what it is given anew, and keeps nothing", () => {
  setThreads(2);
  // Without an await nobody is told what was collected.
  for (let round = 0; round < 400; round++) {
    const xs = shared(Float64Array, 2 ** 18).fill(round);
    expect(par(xs).sumSync()).toBe(round * 2 ** 18);
  }
});
