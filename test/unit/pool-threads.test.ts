// What a pool does with its threads and its memory: none is left behind, none too many is started, nothing is kept.

import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { syncBuiltinESMExports } from "node:module";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import workerThreads, { type Worker } from "node:worker_threads";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { NotSendableError, Pool, shared, ThreadCrashedError } from "../../lib/index.ts";

let made = 0;
const live = new Set<Worker>();
const count = (message: unknown): void => {
  const { worker } = message as { worker: Worker };
  made++;
  live.add(worker);
  worker.once("exit", () => live.delete(worker));
};
beforeEach(() => {
  made = 0;
  subscribe("worker_threads", count);
});
afterEach(() => {
  unsubscribe("worker_threads", count);
});

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const spin = (started: Int32Array, i: number): never => {
  Atomics.add(started, i, 1);
  for (;;);
};

describe("a closed pool starts no threads", () => {
  const started = shared(Int32Array, 4);
  it.each<[string, (pool: Pool, control: AbortController) => Promise<unknown>]>([
    [
      "cancelled",
      (pool, { signal }) => {
        const task = pool.submit(spin, started, 0);
        signal.addEventListener("abort", () => task.cancel());
        return task.result;
      },
    ],
    ["aborted", (pool, { signal }) => pool.map([0, 1, 2, 3], (i) => spin(started, i), { chunk: 1, signal })],
    ["out of time", (pool) => pool.map([0], (i) => spin(started, i), { timeoutMs: 150 })],
  ])("when its last work is %s", async (_, work) => {
    started.fill(0);
    const pool = new Pool({ threads: 4 });
    const control = new AbortController();
    const ended = work(pool, control).catch((error: unknown) => error);
    const closed = pool.close();
    while (started[0] === 0 && pool.stats().running > 0) await sleep(2);
    control.abort();
    expect(await ended).toBeInstanceOf(Error);
    await closed;
    await sleep(20);
    // Fewer where its time was over before the first had started.
    expect(made).toBeLessThanOrEqual(4);
    expect(live.size).toBe(0);
  });
});

it("a map that is aborted costs as many new threads as it used", async () => {
  await using pool = new Pool({ threads: 3 });
  const started = shared(Int32Array, 3);
  const control = new AbortController();
  const map = pool.map([0, 1, 2], (i) => spin(started, i), { chunk: 1, signal: control.signal });
  while (started.includes(0)) await sleep(2);
  control.abort();
  await expect(map).rejects.toThrow("Cancelled");
  expect(await pool.map([1, 2, 3], (x) => x)).toEqual([1, 2, 3]);
  expect(made).toBe(6);
});

describe("where threads can't be started", () => {
  const real = workerThreads.Worker;
  let left = Infinity;
  beforeEach(() => {
    workerThreads.Worker = class extends real {
      constructor(...args: ConstructorParameters<typeof Worker>) {
        if (left-- <= 0) throw new Error("no more threads");
        super(...args);
      }
    };
    syncBuiltinESMExports();
  });
  afterEach(() => {
    left = Infinity;
    workerThreads.Worker = real;
    syncBuiltinESMExports();
  });

  it("what waits fails instead of hanging, and cancel() doesn't throw", async () => {
    await using pool = new Pool({ threads: 1 });
    const started = shared(Int32Array, 1);
    const running = pool.submit(spin, started, 0);
    const waiting = pool.run(() => 1);
    const failed = expect(waiting).rejects.toThrow(/No thread could be started for the task: no more threads/);
    const cancelled = expect(running).rejects.toThrow("Cancelled");
    while (started[0] === 0) await sleep(2);
    left = 0;
    running.cancel();
    await cancelled;
    await failed;
    await expect(waiting).rejects.toBeInstanceOf(ThreadCrashedError);
    left = Infinity;
    expect(await pool.run(() => "again")).toBe("again");
  });

  it("the constructor throws", () => {
    left = 0;
    expect(() => new Pool({ threads: 4 })).toThrow("no more threads");
    expect(live.size).toBe(0);
  });

  it("of those that work by shares the constructor throws if one is missing, and leaves none behind", async () => {
    left = 2;
    expect(() => new Pool({ threads: 4, schedule: "static" })).toThrow("no more threads");
    expect(made).toBe(2);
    while (live.size > 0) await sleep(2);
  });

  it("a pool works with those that it has, and says so once", async () => {
    left = 2;
    const warnings: string[] = [];
    const listen = ({ message }: Error): void => void warnings.push(message);
    process.on("warning", listen);
    await using pool = new Pool({ threads: 4 });
    expect(await pool.map([1, 2, 3, 4, 5, 6, 7, 8], (x) => x + 1)).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
    expect(await pool.run(() => "works")).toBe("works");
    await sleep(5);
    process.off("warning", listen);
    expect(warnings).toEqual(["Only 2 of a pool's 4 threads could be started: no more threads"]);
  });
});

it("a pool keeps no data of tasks that have ended", async () => {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as () => void;
  await using pool = new Pool({ threads: 1 });
  const before = process.memoryUsage().arrayBuffers;
  const tasks = Array.from({ length: 40 }, () => pool.submit((a) => a.length, new Float64Array(1 << 17)));
  await Promise.all(tasks);
  for (let i = 0; i < 5; i++, await sleep(5)) gc();
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 << 20);
  expect(tasks.length).toBe(40);
});

describe("a map that can't be sent", () => {
  it("rejects as a whole, and no part of it is left in the queue", async () => {
    await using pool = new Pool({ threads: 1 });
    const gate = shared(Int32Array, 1);
    const busy = pool.run(() => void Atomics.wait(gate, 0, 0));
    const buffer = new ArrayBuffer(8);
    structuredClone(buffer, { transfer: [buffer] });
    await expect(pool.map([1, 2, 3], (x) => x + buffer.byteLength)).rejects.toThrow(NotSendableError);
    expect(pool.stats()).toMatchObject({ running: 1, queued: 0 });
    gate[0] = 1;
    Atomics.notify(gate, 0);
    await busy;
    expect(pool.stats()).toMatchObject({ done: 1, failed: 0 });
  });
});
