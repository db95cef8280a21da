// What a notebook kernel hooks into: tasks belong to the cell that started them, and end with its interrupt.

import { afterEach, expect, it } from "vitest";
import type { Worker } from "node:worker_threads";
import { CancelledError, Pool, shared } from "../../lib/index.ts";
import { registerHost, type Host } from "../../lib/host.ts";

afterEach(() => registerHost(undefined as never));

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
  while (flag[0] === 0) await new Promise((go) => setTimeout(go, 2));
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
