// A message that its thread can't read: one answer, about the task that it was.

import { afterAll, expect, it } from "vitest";
import { Pool } from "../../lib/index.ts";

// Its thread posts what is too deep for the small stack of the thread inside.
const outer = new Pool({ threads: 1, stackSizeMb: 32 });
afterAll(() => outer.close());

it("fails its own task or map, and what comes next has its own result", async () => {
  const outcomes = await outer.run(async () => {
    const inner = new Pool({ threads: 1, stackSizeMb: 1 });
    let deep: unknown[] = [];
    for (let i = 0; i < 30_000; i++) deep = [deep];
    const outcome = (promise: Promise<unknown>): Promise<unknown> =>
      promise.catch((error: Error) => `${error.constructor.name}: ${error.message}`);
    const all = await Promise.all([
      outcome(inner.run((data) => data, deep as never)),
      outcome(inner.run(() => "first")),
      outcome(inner.map([1, 2, 3], (x) => [x, deep], { chunk: 1 })),
      outcome(inner.run(() => "second")),
      outcome(inner.map([1, 2, 3], (x) => x + 1, { chunk: 1 })),
    ]);
    await inner.close();
    return all as string[];
  });
  expect(outcomes[0]).toMatch(/^NotSendableError: The task can't be read by its thread/);
  expect(outcomes[1]).toBe("first");
  expect(outcomes[2]).toMatch(/^TaskError: .*can't be read by its thread/);
  expect(outcomes[3]).toBe("second");
  expect(outcomes[4]).toEqual([2, 3, 4]);
});
