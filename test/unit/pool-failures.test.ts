// What a task throws that is no error, or that can't cross: told in words, and the thread lives on.

import { afterAll, expect, it } from "vitest";
import { Pool } from "../../lib/index.ts";

const pool = new Pool({ threads: 1 });
afterAll(() => pool.close());

const bare = (parts: object): object => Object.assign(Object.create(null) as object, parts);

it("objects that can't be made a string", async () => {
  const thread = await pool.run(async () => (await import("node:worker_threads")).threadId);
  await expect(
    pool.run(() => {
      throw bare({ f: new WeakMap() });
    }),
  ).rejects.toThrow(/null prototype\] \{ f: WeakMap .*can't|null prototype\] \{ f: WeakMap .*what the task threw\.f/);
  expect(await pool.run(async () => (await import("node:worker_threads")).threadId)).toBe(thread);
});

it("such objects in a map", async () => {
  const error = await pool
    .map([1], () => {
      throw bare({ code: 5 });
    })
    .catch((e: unknown) => e as Error);
  expect(error).toMatchObject({ message: "Item 0 failed: [Object: null prototype] { code: 5 }", index: 0 });
});

it("a ship hook that throws what can't cross", async () => {
  const thread = await pool.run(async () => (await import("node:worker_threads")).threadId);
  await expect(
    pool.run(() => ({
      [Symbol.for("braid.ship")]() {
        throw Object.assign(new Error("hook"), { held: new WeakMap() });
      },
    })),
  ).rejects.toThrow(/hook/);
  expect(await pool.run(async () => (await import("node:worker_threads")).threadId)).toBe(thread);
});
