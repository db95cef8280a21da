// Errors that nobody catches: one ends the task whose code it comes from, never another, whatever shares the thread.

import { expect, it } from "vitest";
import { Pool, shared, ThreadCrashedError } from "../../lib/index.ts";

const rejects = (really: boolean): unknown => {
  if (!really) return undefined;
  void Promise.reject(new Error("its own"));
  return new Promise(() => setInterval(() => {}, 1000));
};

it("a task's own rejection ends it, also right after other tasks", async () => {
  await using pool = new Pool({ threads: 1 });
  const gate = shared(Int32Array, 1);
  for (let round = 0; round < 5; round++) {
    gate[0] = 0;
    // The thread knows the function already.
    await pool.run(rejects, false);
    // So that all of them wait, and are run one right after the other.
    const closed = pool.run(() => {
      while (Atomics.load(gate, 0) === 0);
    });
    const before = Array.from({ length: 50 }, (_, i) => pool.run((n: number) => n, i));
    const dying = pool.run(rejects, true);
    const after = pool.run(() => "after");
    gate[0] = 1;
    await closed;
    await expect(dying).rejects.toBeInstanceOf(ThreadCrashedError);
    await expect(dying).rejects.toThrow(/an error escaped: its own/);
    expect(await Promise.all(before)).toHaveLength(50);
    expect(await after).toBe("after");
  }
});

it("what an ended task has left behind spares the one that goes on", async () => {
  await using pool = new Pool({ threads: 1 });
  const cells = shared(Int32Array, 1);
  const leaves = [
    () => void Promise.reject(new Error("left: a promise")),
    () =>
      void setTimeout(() => {
        throw new Error("left: a timer");
      }, 20),
    () =>
      queueMicrotask(() => {
        throw new Error("left: a microtask");
      }),
    async () => {
      await Promise.resolve();
      process.nextTick(() => {
        throw new Error("left: a tick");
      });
    },
  ];
  const left = leaves.map((leave) => pool.run(leave));
  const goesOn = pool.run(async () => {
    while (Atomics.load(cells, 0) === 0) await new Promise((go) => setTimeout(go, 2));
    return "still here";
  });
  await Promise.all(left);
  // Takes longer than the timer, in the thread that prints.
  await new Promise((go) => setTimeout(go, 60));
  cells[0] = 1;
  expect(await goesOn).toBe("still here");
});
