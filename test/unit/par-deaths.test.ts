// Threads that die before they have begun: nothing of a loop is in their hands, and others must come.

import type { Worker } from "node:worker_threads";
import { afterAll, expect, it } from "vitest";
import { par, setThreads, ThreadCrashedError } from "../../lib/index.ts";

let deaths = 0;
const ended: Promise<number>[] = [];
const kill = (worker: Worker): void => {
  if (deaths-- > 0) ended.push(worker.terminate());
};
process.on("worker", kill);
setThreads(2);
afterAll(() => {
  process.off("worker", kill);
  setThreads(1);
});

it("a loop for which no thread can be started fails", async () => {
  deaths = 20;
  const none = par.range(0, 1000).sum();
  await expect(none).rejects.toBeInstanceOf(ThreadCrashedError);
  await expect(none).rejects.toThrow(/no thread could be started/);
  deaths = 0;
  // The end of each counts as a start that has failed.
  await Promise.all(ended);
});

it("the next one is run by those that come after the dead", async () => {
  deaths = 2;
  expect(await par.range(0, 1000).sum()).toBe(499500);
  expect(deaths).toBeLessThanOrEqual(0);
});
