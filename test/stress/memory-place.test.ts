// The memory of large shared arrays comes back while a program makes one after the other, whoever has had them.

import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { afterAll, expect, it } from "vitest";
import { Pool, shared } from "../../lib/index.ts";

const MEGABYTE = 2 ** 20;
const pool = new Pool({ threads: 2 });
afterAll(() => pool.close());

const rss = (): number => process.memoryUsage.rss() / MEGABYTE;
const touch = (array: Float64Array): void => {
  for (let i = 0; i < array.length; i += 512) array[i] = 1;
};

it("comes back when nobody has an array any more, also in a loop that awaits nothing", () => {
  const before = rss();
  for (let round = 0; round < 150; round++) touch(shared(Float64Array, 2 * MEGABYTE));
  expect(rss() - before).toBeLessThan(1200);
});

it("comes back when threads that had it have let it go, or have died", async () => {
  const before = rss();
  for (let round = 0; round < 150; round++) {
    const xs = shared(Float64Array, 2 * MEGABYTE);
    await pool.map([0, 1], (i) => void xs.fill(i));
    if (round % 30 > 0) continue;
    const worker = new Worker("require('worker_threads').workerData.fill(1); for (;;);", {
      eval: true,
      workerData: xs.subarray(0, MEGABYTE),
    });
    await once(worker, "online");
    await worker.terminate();
  }
  expect(rss() - before).toBeLessThan(1200);
});
