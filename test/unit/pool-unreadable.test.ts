// A message that its receiver can't read: one answer, about what it was, and nothing else fails or waits for ever.

import { afterAll, expect, it } from "vitest";
import { Pool } from "../../lib/index.ts";

// A thread with a large stack, which makes what is too deep for one with a small stack.
const outer = new Pool({ threads: 1, stackSizeMb: 32 });
afterAll(() => outer.close());

/** What became of each, in words. */
const outcomes = async (promises: Promise<unknown>[]): Promise<unknown[]> =>
  Promise.all(
    promises.map((promise) => promise.catch((error: Error) => `${error.constructor.name}: ${error.message}`)),
  );
const nested = (depth: number): unknown[] => {
  let deep: unknown[] = [];
  for (let i = 0; i < depth; i++) deep = [deep];
  return deep;
};

it("a task or a map fails, and what comes next has its own result", async () => {
  const all = await outer.run(async () => {
    const inner = new Pool({ threads: 1, stackSizeMb: 1 });
    const deep = nested(30_000) as never;
    const all = await outcomes([
      inner.run((data) => data, deep),
      inner.run(() => "first"),
      inner.map([1, 2, 3], (x) => [x, deep], { chunk: 1 }),
      inner.run(() => "second"),
      inner.map([1, 2, 3], (x) => x + 1, { chunk: 1 }),
    ]);
    await inner.close();
    return all;
  });
  expect(all[0]).toMatch(/^NotSendableError: The task can't be read by its thread/);
  expect(all[1]).toBe("first");
  expect(all[2]).toMatch(/^TaskError: .*can't be read by its thread/);
  expect(all[3]).toBe("second");
  expect(all[4]).toEqual([2, 3, 4]);
});

it("of several results of one thread the right one fails", async () => {
  const result = (i: number): Map<number, number> => {
    if (i % 2 === 0) return new Map([[i, i]]);
    let deep: unknown[] = [];
    for (let i = 0; i < 30_000; i++) deep = [deep];
    return deep as never;
  };
  // Their slots are given out again in another order.
  await Promise.all([0, 2, 4, 6, 8].map((i) => outer.run(result, i)));
  const promises = [0, 1, 2, 3, 4].map((i) => outer.run(result, i));
  // All results are on their way before this thread hears of any.
  while (outer.stats().queued > 0);
  for (const end = performance.now() + 50; performance.now() < end;);
  const [a, b, c, d, e] = await outcomes(promises);
  expect([a, c, e]).toEqual([new Map([[0, 0]]), new Map([[2, 2]]), new Map([[4, 4]])]);
  for (const failed of [b, d])
    expect(failed).toMatch(/^NotSendableError: The result can't be read by the thread that waits/);
});

it("a task's call of its own fails, in the order that it was made in, and the task goes on", async () => {
  const [deep, small, mapped, result] = await outer.run(async (pool: Pool) => {
    const deep = nested(30_000) as never;
    return outcomes([
      pool.run((data: unknown[]) => data.length, deep),
      pool.run((data: Map<number, number>) => data.get(1), new Map([[1, 2]])),
      pool.map([1, 2], (x) => [x, deep].length),
      pool.run(() => nested(30_000)),
    ]);
  }, outer);
  expect(deep).toMatch(/^NotSendableError: .*can't be read/);
  expect(small).toBe(2);
  expect(mapped).toMatch(/^TaskError: .*can't.* read/);
  expect(result).toMatch(/^NotSendableError: The result can't be read/);
  expect(await outer.run(() => "usable")).toBe("usable");
});

it("a result that is too deep for the task that asked for it fails that call only", async () => {
  const [failed, other] = await outer.run(async () => {
    const deep = new Pool({ threads: 1, stackSizeMb: 32 });
    const small = new Pool({ threads: 1, stackSizeMb: 1 });
    const both = await outcomes([
      small.run((pool: Pool) => pool.run(() => nested(30_000).length === 1 && nested(30_000)), deep),
      small.run(async (pool: Pool) => pool.run(() => new Map([[1, 2]])), deep),
    ]);
    await Promise.all([deep.close(), small.close()]);
    return both;
  });
  expect(failed).toMatch(/^NotSendableError: The result can't be read/);
  expect(other).toEqual(new Map([[1, 2]]));
});
