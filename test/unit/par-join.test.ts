// join() and joinSync(): fork-join, deeper than there are threads.

import { afterAll, expect, it } from "vitest";
import { join, joinSync, Pool, setThreads, shared } from "../../lib/index.ts";

setThreads(2);
afterAll(() => setThreads(1));

const fibHere = (n: number): number => (n < 2 ? n : fibHere(n - 1) + fibHere(n - 2));
const fib = async (n: number): Promise<number> => {
  if (n < 10) return fibHere(n);
  const [a, b] = await join(
    () => fib(n - 1),
    () => fib(n - 2),
  );
  return a + b;
};
const fibSync = (n: number): number => {
  if (n < 10) return fibHere(n);
  const [a, b] = joinSync(
    () => fibSync(n - 1),
    () => fibSync(n - 2),
  );
  return a + b;
};

it("gives both results", async () => {
  expect(
    await join(
      () => 1,
      async () => "two",
    ),
  ).toEqual([1, "two"]);
  expect(
    joinSync(
      () => 1,
      () => ({ two: 2 }),
    ),
  ).toEqual([1, { two: 2 }]);
});

it("goes deeper than there are threads, on any number of them", async () => {
  expect(await fib(15)).toBe(610);
  expect(fibSync(17)).toBe(1597);
  for (const threads of [1, 3]) {
    await using pool = new Pool({ threads });
    expect(await pool.run(fib, 13)).toBe(233);
    expect(await pool.run(fibSync, 14)).toBe(377);
    expect(await pool.map([12, 13, 14], fibSync)).toEqual([144, 233, 377]);
  }
});

it("sorts by quicksort and by merging, in place", async () => {
  const xs = shared(Float64Array, 3000);
  const quick = async (lo: number, hi: number): Promise<void> => {
    if (hi - lo < 800) return void xs.subarray(lo, hi).sort();
    const pivot = xs[(lo + hi) >> 1]!;
    let [i, j] = [lo, hi - 1];
    while (i <= j) {
      while (xs[i]! < pivot) i++;
      while (xs[j]! > pivot) j--;
      if (i > j) continue;
      const x = xs[i]!;
      xs[i++] = xs[j]!;
      xs[j--] = x;
    }
    await join(
      () => quick(lo, j + 1),
      () => quick(i, hi),
    );
  };
  const merge = (lo: number, hi: number): void => {
    if (hi - lo < 200) return void xs.subarray(lo, hi).sort();
    const mid = (lo + hi) >> 1;
    joinSync(
      () => merge(lo, mid),
      () => merge(mid, hi),
    );
    const left = xs.slice(lo, mid);
    for (let i = 0, j = mid, k = lo; i < left.length; k++)
      xs[k] = j >= hi || left[i]! <= xs[j]! ? left[i++]! : xs[j++]!;
  };
  let seed = 1;
  const fill = (): number[] => {
    for (let i = 0; i < xs.length; i++) xs[i] = (seed = (seed * 48271) % 2147483647) % 1000;
    return [...xs].sort((a, b) => a - b);
  };
  const first = fill();
  await quick(0, xs.length);
  expect([...xs]).toEqual(first);
  const second = fill();
  merge(0, xs.length);
  expect([...xs]).toEqual(second);
});

it("throws what the first has thrown, after both have ended", async () => {
  const done = shared(Int32Array, 1);
  const late = async (): Promise<void> => {
    await new Promise((go) => setImmediate(go));
    Atomics.add(done, 0, 1);
  };
  const fail = (): never => {
    throw new RangeError("f");
  };
  await expect(join(fail, late)).rejects.toThrow(new RangeError("f"));
  expect(done[0]).toBe(1);
  await expect(join(late, fail)).rejects.toThrow(RangeError);
  expect(() => joinSync(fail, () => 1)).toThrow(RangeError);
  expect(() => joinSync(() => 1, fail)).toThrow(RangeError);
  expect(() => joinSync((async () => 1) as never, () => 1)).toThrow(
    "joinSync() takes functions that return a value, got a Promise: use join().",
  );
  await expect(join(5 as never, late)).rejects.toThrow("Expected the first argument of join() to be a function");
  expect(() => joinSync(() => 1, "g" as never)).toThrow(TypeError);
});
