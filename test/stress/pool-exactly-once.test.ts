// Each task runs once at most, and its promise settles once with its own result: many tasks, of all kinds, under all
// schedules, while tasks are cancelled, threads die and the pool changes size.

import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Worker } from "node:worker_threads";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SLOTS } from "../../lib/engine/slots.ts";
import { CancelledError, par, Pool, shared, ThreadCrashedError, type Task } from "../../lib/index.ts";
import { defaultPool } from "../../lib/pool/default-pool.ts";
import { SCHEDULES } from "../../lib/pool/schedule.ts";
import { random } from "../random.ts";

const live = new Set<Worker>();
const count = (message: unknown): void => {
  const { worker } = message as { worker: Worker };
  live.add(worker);
  worker.once("exit", () => live.delete(worker));
};
beforeEach(() => {
  live.clear();
  subscribe("worker_threads", count);
});
afterEach(() => {
  unsubscribe("worker_threads", count);
});

const sleep = (ms: number): Promise<void> => new Promise((go) => setTimeout(go, ms));

/** Where two lists differ first: of lists this long, the runner's own comparison takes seconds. */
const firstOther = (list: ArrayLike<unknown>, expected: (index: number) => unknown): number =>
  Array.from(list).findIndex((item, index) => item !== expected(index));

/** Blocks all threads of a pool from now until `open` is called. */
async function blockAll(pool: Pool): Promise<{ open(): Promise<void> }> {
  const cells = shared(Int32Array, 2);
  const block = (cells: Int32Array): void => {
    Atomics.add(cells, 1, 1);
    while (Atomics.load(cells, 0) === 0);
  };
  const blocked = Array.from({ length: pool.threads }, () => pool.run(block, cells));
  while (Atomics.load(cells, 1) < pool.threads) await sleep(1);
  return {
    async open() {
      Atomics.store(cells, 0, 1);
      Atomics.notify(cells, 0);
      await Promise.all(blocked);
    },
  };
}

async function closed(pool: Pool): Promise<void> {
  await pool.close();
  for (let i = 0; i < 100 && live.size > 0; i++) await sleep(5);
  expect(live.size).toBe(0);
}

describe("each of many tasks that are given at once runs once", () => {
  it("by the board: the result is that of its own arguments", async () => {
    const TASKS = 50_000;
    const pool = new Pool({ threads: 3 });
    const results = Array.from({ length: TASKS }, (_, i) => pool.run((n: number) => n, i));
    expect(firstOther(await Promise.all(results), (i) => i)).toBe(-1);
    expect(pool.stats()).toMatchObject({ done: TASKS, failed: 0, running: 0, queued: 0 });
    await closed(pool);
  });

  it("by message, and counts itself in shared memory", async () => {
    const TASKS = 5000;
    const pool = new Pool({ threads: 3 });
    const runs = shared(Int32Array, TASKS);
    const bump = (runs: Int32Array, i: number): number => Atomics.add(runs, i, 1);
    const results = Array.from({ length: TASKS }, (_, i) => pool.run(bump, runs, i));
    expect(firstOther(await Promise.all(results), () => 0)).toBe(-1);
    expect(firstOther(runs, () => 1)).toBe(-1);
    expect(pool.stats()).toMatchObject({ done: TASKS, failed: 0, running: 0, queued: 0 });
    await closed(pool);
  });
});

describe("more tasks than the board has slots", () => {
  it.each(SCHEDULES)("wait, and all are done in the end: %s", async (schedule) => {
    const TASKS = SLOTS + 7000;
    const pool = new Pool({ threads: 2, schedule });
    const { open } = await blockAll(pool);
    const results = Array.from({ length: TASKS }, (_, i) =>
      i % 50 === 0 ? pool.run((a: number[]) => a[99]!, Array<number>(100).fill(i)) : pool.run((n: number) => n, i),
    );
    expect(pool.stats()).toMatchObject({ running: 2, queued: TASKS });
    await open();
    expect(firstOther(await Promise.all(results), (i) => i)).toBe(-1);
    expect(pool.stats()).toMatchObject({ done: TASKS + 2, failed: 0, running: 0, queued: 0 });
    await closed(pool);
  });

  it.each(["central", "round-robin"] as const)(
    "can be cancelled, and others run in their place: %s",
    async (schedule) => {
      const TASKS = SLOTS + 7000;
      const pool = new Pool({ threads: 2, schedule });
      const { open } = await blockAll(pool);
      const add = (n: number): number => n + 1;
      const exit = (): never => process.exit(7);
      let cancelled = 0;
      // Each round leaves a hint for every slot behind; in the third there is no room for more.
      for (let round = 0; round < 3; round++) {
        const tasks = Array.from({ length: TASKS }, () => pool.submit(exit));
        const ended = Promise.all(
          tasks.map((task) =>
            task.then(
              () => "done",
              (error: unknown) => error instanceof CancelledError && "cancelled",
            ),
          ),
        );
        for (const task of tasks) task.cancel();
        cancelled += TASKS;
        expect(firstOther(await ended, () => "cancelled")).toBe(-1);
        expect(pool.stats()).toMatchObject({ running: 2, queued: 0, failed: cancelled });
      }
      const results = Array.from({ length: TASKS }, (_, i) => pool.run(add, i));
      await open();
      expect(firstOther(await Promise.all(results), (i) => i + 1)).toBe(-1);
      expect(pool.stats()).toMatchObject({ done: TASKS + 2, failed: cancelled, running: 0, queued: 0 });
      await closed(pool);
    },
  );
});

it("a par() that waits behind more tasks than the board has slots uses no more threads than it may", async () => {
  const pool = defaultPool(3);
  const { open } = await blockAll(pool);
  const others = Array.from({ length: SLOTS }, (_, i) => pool.run((n: number) => n, i));
  const running = shared(Int32Array, 2);
  const count = par(Array(60).fill(1), { threads: 1, chunks: 60 })
    .forEach(() => {
      const n = Atomics.add(running, 0, 1) + 1;
      if (n > Atomics.load(running, 1)) Atomics.store(running, 1, n);
      for (const end = performance.now() + 1; performance.now() < end;);
      Atomics.sub(running, 0, 1);
    })
    .then(() => running[1]);
  await open();
  expect(await count).toBe(1);
  expect(firstOther(await Promise.all(others), (i) => i)).toBe(-1);
});

describe.each(SCHEDULES)("under %s", (schedule) => {
  it.each([1, 2, 3, 4])("%d threads: everything settles, nothing runs twice, no thread is left", async (threads) => {
    const chance = random(threads * 1000 + SCHEDULES.indexOf(schedule));
    const pick = (below: number): number => Math.floor(chance() * below);
    const pool = new Pool({ threads, schedule });
    const CALLS = 300;
    const ITEMS = 6;
    const runs = shared(Int32Array, CALLS * ITEMS);
    const big = Array.from({ length: 200 }, (_, i) => i);
    let inParts = 0;
    const tasks: Task<unknown>[] = [];
    const outcomes: Promise<void>[] = [];
    // What a promise gives is its own; `may` says how else it may end.
    const expectIt = (promise: Promise<unknown>, value: unknown, may: (error: unknown) => boolean): void => {
      outcomes.push(
        promise.then(
          (result) => expect(result).toEqual(value),
          (error: unknown) => {
            if (!may(error)) throw error;
          },
        ),
      );
    };
    const cancelled = (error: unknown): boolean => error instanceof CancelledError;
    const crashed = (error: unknown): boolean => cancelled(error) || error instanceof ThreadCrashedError;
    const submit = (task: Task<unknown>, value: unknown, may = cancelled): void => {
      tasks.push(task);
      expectIt(task.result, value, may);
    };
    for (let n = 0; n < CALLS; n++) {
      const bump = (i: number): number => {
        if (Atomics.add(runs, n * 6 + i, 1) > 0) throw new Error(`call ${n} runs twice`);
        return n;
      };
      switch (pick(12)) {
        case 0:
        case 1:
        case 2:
          submit(
            pool.submit((x: number) => x + 0.5, n),
            n + 0.5,
          );
          break;
        case 3:
          submit(
            pool.submit(async (x: number, text: string) => [x, text], n, "é€"),
            [n, "é€"],
          );
          break;
        case 4:
          submit(
            pool.submit((cells: Int32Array, at: number) => Atomics.add(cells, at, 1) + at, runs, n * ITEMS),
            n * ITEMS,
          );
          break;
        case 5:
          submit(
            pool.submit(() => bump(0)),
            n,
          );
          break;
        case 6:
          submit(
            pool.submit(async (list: number[]) => {
              await new Promise((go) => setImmediate(go));
              return bump(0) + list.length;
            }, big),
            n + 200,
          );
          break;
        case 7:
          // A task that throws, of either kind.
          expectIt(
            chance() < 0.5
              ? pool.run((x: number): number => {
                  throw new RangeError(`n${x}`);
                }, n)
              : pool.run((): number => {
                  throw new RangeError(`n${bump(0)}`);
                }),
            "nothing",
            (error) => error instanceof RangeError && error.message === `n${n}`,
          );
          break;
        case 8:
          if (chance() < 0.1)
            submit(
              pool.submit((x: number) => (x >= 0 ? process.exit(1) : x), n),
              "nothing",
              crashed,
            );
          else
            submit(
              pool.submit((x: number[]) => x, [n, n]),
              [n, n],
            );
          break;
        case 9: {
          const abort = chance() < 0.2 ? AbortSignal.timeout(pick(30)) : undefined;
          inParts++;
          expectIt(
            pool.map(big.slice(0, ITEMS), (x) => bump(x) + x, {
              chunk: 1 + pick(3),
              ...(abort && { signal: abort }),
            }),
            big.slice(0, ITEMS).map((x) => n + x),
            cancelled,
          );
          break;
        }
        case 10:
          // Of long ones most are cancelled while they run.
          submit(
            pool.submit((x: number) => {
              for (const end = performance.now() + 3; performance.now() < end;);
              return x;
            }, n),
            n,
          );
          break;
        default:
          expectIt(
            pool.run((x: string) => x.length, "x".repeat(pick(500))),
            expect.any(Number),
            cancelled,
          );
      }
      if (chance() < 0.06) tasks[pick(tasks.length)]?.cancel("any");
      if (chance() < 0.04) tasks.findLast((task) => task.state === "running")?.cancel("running");
      if (chance() < 0.03) tasks.at(-1)?.cancel("last");
      if (chance() < 0.02) pool.resize(1 + pick(4));
      if (chance() < 0.1) await sleep(pick(3));
    }
    await Promise.all(outcomes);
    expect(inParts).toBeGreaterThan(5);
    const { running, queued, done, failed } = pool.stats();
    expect([running, queued]).toEqual([0, 0]);
    // Every task that was submitted is in one of both, and besides them the parts of maps.
    expect(done + failed).toBeGreaterThanOrEqual(outcomes.length);
    const doneTasks = tasks.filter((task) => task.state === "done").length;
    expect(tasks.every((task) => ["done", "failed", "cancelled"].includes(task.state))).toBe(true);
    expect(done).toBeGreaterThanOrEqual(doneTasks);
    expect(failed).toBeGreaterThanOrEqual(tasks.length - doneTasks);
    await closed(pool);
    expect(Math.max(...runs)).toBe(1);
  });
});
