// What a notebook kernel hooks into: tasks belong to the cell that started them, and end with its interrupt.

import { afterEach, expect, it } from "vitest";
import type { Worker } from "node:worker_threads";
import { CancelledError, par, Pool, shared } from "../../lib/index.ts";
import { registerHost, type Host } from "../../lib/host.ts";

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

afterEach(() => registerHost(undefined as never));

it("an interrupted par() begins no more of its parts", async () => {
  let interrupt!: (origin: number) => void;
  registerHost({
    origin: () => 1,
    runAs: (_, f) => f(),
    onInterrupt(listener) {
      interrupt = listener;
      return () => {};
    },
    adopt: () => {},
    importedFrom: () => undefined,
    display: () => {},
  } satisfies Host);
  const count = shared(Int32Array, 2);
  // There is a thread that sleeps, and could take one.
  await par([1, 2], { threads: 2, chunks: 2 }).forEach(() => {
    Atomics.add(count, 0, 1);
    while (Atomics.load(count, 0) < 2);
  });
  await sleep(20);
  const ended = par([1, 2, 3, 4], { threads: 1, chunks: 4 })
    .map((): number => {
      Atomics.add(count, 1, 1);
      for (;;);
    })
    .sum()
    .catch((error: unknown) => error);
  while (Atomics.load(count, 1) === 0) await sleep(2);
  interrupt(1);
  expect(await ended).toBeInstanceOf(CancelledError);
  await sleep(50);
  expect(Atomics.load(count, 1)).toBe(1);
  expect(await par([1, 2, 3, 4], { threads: 2 }).sum()).toBe(10);
});

it("asks the host for the origin, gives it its threads, and cancels by origin", async () => {
  let origin = 1;
  const listeners = new Set<(origin: number) => void>();
  const adopted: Worker[] = [];
  registerHost({
    origin: () => origin,
    runAs: (_, f) => f(),
    onInterrupt(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    adopt: (thread) => void adopted.push(thread),
    importedFrom: (value) => (value === special ? { specifier: "node:path", name: "basename" } : undefined),
    display: () => {},
  } satisfies Host);
  const special = (): string => "here";
  const pool = new Pool({ threads: 2 });
  expect(adopted.length).toBe(1);
  expect(await pool.run(() => (special as unknown as (p: string) => string)("/a/b"))).toBe("b");

  const flag = shared(Int32Array, 2);
  const first = pool.submit(() => {
    flag[0] = 1;
    for (;;);
  });
  origin = 2;
  const second = pool.submit(async () => {
    while (flag[1] === 0) await new Promise((go) => setTimeout(go, 5));
    return "kept";
  });
  expect(adopted.length).toBe(2);
  origin = 1;
  const queued = pool.submit(() => 1);
  while (flag[0] === 0) await sleep(2);
  for (const listener of listeners) listener(1);
  await expect(first).rejects.toBeInstanceOf(CancelledError);
  await expect(queued).rejects.toThrow(/the cell that started it was interrupted/);
  flag[1] = 1;
  expect(await second).toBe("kept");
  expect(await pool.run(() => "usable")).toBe("usable");
  expect(adopted.length).toBe(3);
  await pool.close();
  expect(listeners.size).toBe(0);
});
