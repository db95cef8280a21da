// ThreadLocal: a value of each thread, the same object wherever it is sent.

import { threadId } from "node:worker_threads";
import { afterAll, expect, it } from "vitest";
import { Pool, ThreadLocal } from "../../lib/index.ts";

const pool = new Pool({ threads: 2 });
afterAll(() => pool.close());

it("is made once a thread, kept between tasks, and seen by no other", async () => {
  const local = new ThreadLocal(() => ({ count: 0, thread: threadId }));
  const counts = await pool.map(
    Array.from({ length: 8 }, (_, i) => i),
    () => {
      const mine = local.get();
      for (const end = performance.now() + 2; performance.now() < end;);
      return { thread: threadId, isMine: mine.thread === threadId, count: ++mine.count };
    },
    { chunk: 1 },
  );
  expect(counts.every(({ isMine }) => isMine)).toBe(true);
  for (const thread of new Set(counts.map((one) => one.thread))) {
    const own = counts.filter((one) => one.thread === thread).map(({ count }) => count);
    expect(own.toSorted((a, b) => a - b)).toEqual(own.map((_, i) => i + 1));
  }
  expect(local.get()).toEqual({ count: 0, thread: threadId });
});

it("is set for this thread only, comes home as itself, and captured and sent it is one", async () => {
  const local = new ThreadLocal(() => "made");
  local.set("mine");
  expect(await pool.run(() => local.get())).toBe("made");
  expect(local.get()).toBe("mine");
  expect(await pool.run(() => local)).toBe(local);
  expect(await pool.run((sent: ThreadLocal<string>) => sent === local, local)).toBe(true);
});

it("that can't be made says so each time", () => {
  let tries = 0;
  const local = new ThreadLocal(() => {
    if (++tries < 3) throw new Error(`try ${tries}`);
    return tries;
  });
  expect(() => local.get()).toThrow("try 1");
  expect(() => local.get()).toThrow("try 2");
  expect(local.get()).toBe(3);
  expect(() => new ThreadLocal(1 as never)).toThrow("Expected init to be a function, got 1 (number).");
});
