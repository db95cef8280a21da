// Pools that are closed while their work is cancelled, aborted or out of time: no thread is left, whatever came first.

import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Worker } from "node:worker_threads";
import { expect, it } from "vitest";
import { Pool } from "../../lib/index.ts";

const sleep = (ms: number): Promise<void> => new Promise((go) => setTimeout(go, ms));

it("leaves no thread behind", async () => {
  const live = new Set<Worker>();
  const count = (message: unknown): void => {
    const { worker } = message as { worker: Worker };
    live.add(worker);
    worker.once("exit", () => live.delete(worker));
  };
  subscribe("worker_threads", count);
  const spin = (ms: number): number => {
    for (const end = performance.now() + ms; performance.now() < end;);
    return ms;
  };
  for (let round = 0; round < 12; round++) {
    const pool = new Pool({ threads: 3 });
    let closed: Promise<void> | undefined;
    const control = new AbortController();
    const tasks = Array.from({ length: 4 }, (_, n) => pool.submit(spin, n % 2 === 0 ? 1e9 : 5));
    const work = [
      ...tasks.map((task) => task.result),
      pool.map([5, 5, 1e9, 5], spin, { chunk: 1, signal: control.signal }),
      pool.map([5, 5, 1e9], spin, { chunk: 1, timeoutMs: 40 + 5 * round }),
    ];
    const settled = Promise.allSettled(work);
    // From here on all that is left has to be stopped.
    await Promise.all([tasks[1], tasks[3]]);
    const steps = [
      () => void (closed = pool.close()),
      () => control.abort(),
      () => tasks[0]!.cancel(),
      () => tasks[2]!.cancel(),
      ...(round % 6 === 5 ? [() => void pool.terminate()] : []),
    ];
    // Another order each time.
    for (let n = round; steps.length > 0; n += 3) {
      steps.splice(n % steps.length, 1)[0]!();
      await sleep((round * 7) % 60);
    }
    expect((await settled).length).toBe(6);
    await closed;
    await sleep(20);
    expect([round, live.size]).toEqual([round, 0]);
  }
  unsubscribe("worker_threads", count);
}, 60_000);
