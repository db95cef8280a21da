// How a pool spreads tasks over its threads, under each schedule.

import { threadId } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { Pool, shared, type Task } from "../../lib/index.ts";
import { placeOf, SCHEDULES, type Schedule } from "../../lib/pool/schedule.ts";
import { block, blockAll, cancel, GATE } from "../busy-tasks.ts";
import { until } from "../until.ts";

it("says where a task goes", () => {
  const places = (schedule: Schedule, count: number, shares?: number): number[] =>
    Array.from({ length: shares ?? 7 }, (_, i) => placeOf(schedule, count, i, shares && i / shares));
  expect(places("central", 3)).toEqual([0, 0, 0, 0, 0, 0, 0]);
  for (const schedule of ["steal", "round-robin", "static"] as const)
    expect(places(schedule, 3)).toEqual([0, 1, 2, 0, 1, 2, 0]);
  for (const schedule of ["steal", "round-robin"] as const) expect(places(schedule, 3, 5)).toEqual([0, 1, 2, 0, 1]);
  expect(places("static", 3, 7)).toEqual([0, 0, 0, 1, 1, 2, 2]);
  for (let count = 1; count <= 40; count++)
    for (let shares = 1; shares <= 100; shares++)
      expect(places("static", count, shares)).toEqual(
        Array.from({ length: shares }, (_, i) => Math.floor((i * count) / shares)),
      );
});

it("refuses a schedule that there is not, in one sentence", () => {
  const all = 'Expected schedule to be one of "steal", "static", "round-robin", "central", got ';
  expect(() => new Pool({ threads: 1, schedule: "random" as Schedule })).toThrow(`${all}"random".`);
  expect(() => new Pool({ threads: 1, schedule: 1 as unknown as Schedule })).toThrow(`${all}1 (number).`);
  expect(() => new Pool({ threads: 1, schedule: null as unknown as Schedule })).toThrow(`${all}null.`);
  expect(() => new Pool({ threads: 1, schedule: "" as Schedule })).toThrow(TypeError);
});

it.each(SCHEDULES)("%s runs everything, fast tasks and slow ones, and maps in order", async (schedule) => {
  await using pool = new Pool({ threads: 3, schedule });
  const big = new Float64Array(100).fill(1);
  const fast = Array.from({ length: 300 }, (_, i) => pool.run((n: number) => n * 2, i));
  const slow = Array.from({ length: 30 }, (_, i) => pool.run(async (a: Float64Array) => a.length + i, big));
  const mapped = pool.map(fast.keys(), (n) => n + 1, { chunk: 7 });
  expect(await Promise.all(fast)).toEqual(fast.map((_, i) => i * 2));
  expect(await Promise.all(slow)).toEqual(slow.map((_, i) => 100 + i));
  expect(await mapped).toEqual(fast.map((_, i) => i + 1));
  expect(pool.stats()).toMatchObject({ done: 300 + 30 + 3 * 15 - 2, failed: 0, running: 0, queued: 0 });
  if (schedule !== "steal") expect(pool.stats().steals).toBe(0);
});

describe("round-robin", () => {
  it("runs task i on thread i mod n, fast ones and slow ones", async () => {
    await using pool = new Pool({ threads: 3, schedule: "round-robin" });
    const submit = (n: number): Task<number> =>
      n % 2 === 0 ? pool.submit((x: number) => x, n) : pool.submit((x: { f(): number }) => x.f(), { f: () => n });
    const first = Array.from({ length: 90 }, (_, n) => submit(n));
    await Promise.all(first);
    const threads = first.slice(0, 3).map((task) => task.thread);
    expect(new Set(threads).size).toBe(3);
    expect(first.map((task) => task.thread)).toEqual(first.map((_, i) => threads[i % 3]));
    // One by one, where all of them sleep.
    for (let i = 0; i < 12; i++) {
      const task = submit(i);
      await task;
      expect([i, task.thread]).toEqual([i, threads[i % 3]]);
    }
  });

  it("keeps to it where hints of cancelled tasks are left", async () => {
    await using pool = new Pool({ threads: 2, schedule: "round-robin" });
    const { open, tasks } = await blockAll(pool);
    const threads = tasks.map((task) => task.thread);
    const cancelled = Array.from({ length: 9 }, (_, n) => pool.submit((x: number) => x, n));
    const ended = cancel(...cancelled);
    // An odd number: the slots change threads.
    const kept = Array.from({ length: 40 }, (_, n) => pool.submit((x: number) => x, n));
    open();
    await Promise.all(kept);
    expect(kept.map((task) => task.thread)).toEqual(kept.map((_, n) => threads[(n + 1) % 2]));
    await ended;
  });
});

describe("static", () => {
  it("gives each thread a block of items, one after the other", async () => {
    await using pool = new Pool({ threads: 3, schedule: "static" });
    for (const count of [3, 4, 22]) {
      const items = Array.from({ length: count }, (_, i) => i);
      const threads = await pool.map(items, async () => (await import("node:worker_threads")).threadId, { chunk: 1 });
      const order = [...new Set(threads)];
      expect(order.length).toBe(3);
      expect(threads).toEqual(items.map((i) => order[Math.floor((i * 3) / count)]));
    }
  });
});

describe("central", () => {
  it("leaves no thread idle while tasks wait", async () => {
    await using pool = new Pool({ threads: 3, schedule: "central" });
    const { open, tasks } = await blockAll(pool);
    const first = shared(Int32Array, 2);
    // Of three threads two stay blocked; the third does all.
    const rest = Array.from({ length: 50 }, (_, n) => pool.submit((x: number) => x, n));
    await cancel(tasks[1]!);
    await Promise.all(rest);
    expect(new Set(rest.map((task) => task.thread)).size).toBe(1);
    expect(pool.stats()).toMatchObject({ running: 2, queued: 0 });
    // Two tasks that wait for each other: the one is on a thread, so the other finds one, whichever it was.
    const meet = (cells: Int32Array, i: number): number => {
      Atomics.store(cells, i, 1);
      Atomics.notify(cells, i);
      Atomics.wait(cells, 1 - i, 0);
      return i;
    };
    open();
    expect(await Promise.all([pool.run(meet, first, 0), pool.run(meet, first, 1)])).toEqual([0, 1]);
  });
});

describe("steal", () => {
  it("takes from a thread whose share is long, and the trace tells", async () => {
    await using pool = new Pool({ threads: 2, trace: true });
    const cells = shared(Int32Array, 2);
    const blocked = pool.submit(block, cells, 1);
    await until(() => cells[1] === 1);
    // Every second one is meant for the thread that is blocked.
    const tasks = Array.from({ length: 40 }, (_, n) => pool.submit((x: number) => x * 3, n));
    expect(await Promise.all(tasks)).toEqual(tasks.map((_, n) => n * 3));
    expect(pool.stats().steals).toBeGreaterThanOrEqual(20);
    const other = tasks[0]!.thread;
    expect(other).not.toBe(blocked.thread);
    expect(new Set(tasks.map((task) => task.thread))).toEqual(new Set([other]));
    Atomics.store(cells, GATE, 1);
    Atomics.notify(cells, GATE);
    expect(await blocked).toBe(1);

    const trace = pool.trace();
    const steals = trace.filter(({ kind }) => kind === "steal");
    expect(steals.length).toBe(pool.stats().steals);
    for (const { thread, from } of steals.slice(-20)) expect([thread, from]).toEqual([other, blocked.thread]);
    for (const kind of ["enqueue", "start", "end"] as const) {
      const events = trace.filter((event) => event.kind === kind);
      expect(events.map(({ task }) => task).toSorted((a, b) => a - b)).toEqual(
        Array.from({ length: 41 }, (_, n) => n + 1),
      );
      if (kind === "enqueue") expect(new Set(events.map(({ thread }) => thread))).toEqual(new Set([threadId]));
    }
    expect(new Set(steals.map(({ task }) => task)).size).toBe(steals.length);
    // Nobody steals before what he steals is there, nor after he has begun it.
    for (const { task, atMs } of steals) {
      const of = (kind: string): number => trace.find((event) => event.kind === kind && event.task === task)!.atMs;
      expect(of("enqueue")).toBeLessThanOrEqual(atMs);
      expect(atMs).toBeLessThanOrEqual(of("end"));
    }
  });

  it("does not let tasks that come by message wait for a thread that is busy", async () => {
    await using pool = new Pool({ threads: 2 });
    const cells = shared(Int32Array, 2);
    const blocked = pool.run(block, cells, 1);
    await until(() => cells[1] === 1);
    const big = new Float64Array(100);
    for (let i = 0; i < 10; i++) expect(await pool.run((a: Float64Array) => a.length + i, big)).toBe(100 + i);
    Atomics.store(cells, GATE, 1);
    Atomics.notify(cells, GATE);
    await blocked;
  });
});
