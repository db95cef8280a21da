// Threads that die before they have begun: nothing of a loop is in their hands, and others must come.

import type { Worker } from "node:worker_threads";
import { afterAll, expect, it } from "vitest";
import { par, setThreads, ThreadCrashedError } from "../../lib/index.ts";

let deaths = 0;
const kill = (worker: Worker): void => {
  if (deaths-- > 0) void worker.terminate();
};
process.on("worker", kill);
setThreads(2);
afterAll(() => {
  process.off("worker", kill);
  setThreads(1);
});

it("a loop is run by those that come after them", async () => {
  deaths = 2;
  expect(await par.range(0, 1000).sum()).toBe(499500);
  expect(deaths).toBeLessThanOrEqual(0);
});

it("a loop for which no thread can be started fails, and the next one is run", async () => {
  deaths = 2;
  const dies = par.range(0, 2).forEach(() => process.exit(3));
  await expect(dies).rejects.toBeInstanceOf(ThreadCrashedError);
  deaths = 20;
  const none = par.range(0, 4).forEach(() => process.exit(3));
  await expect(none).rejects.toBeInstanceOf(ThreadCrashedError);
  deaths = 0;
  expect(await par.range(0, 1000).sum()).toBe(499500);
});
