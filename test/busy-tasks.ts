// Tasks that keep threads of a pool busy, in shared cells: the gate first, then one for each task, in which it says that it runs.

import { expect } from "vitest";
import { shared, type Pool, type Task } from "../lib/index.ts";
import { until } from "./until.ts";

export const GATE = 0;
/** Keeps its thread busy from when it has said so in `cells[i]` until the gate opens. (Another would run in the place of one that waits.) */
export const block = (cells: Int32Array, i: number): number => {
  Atomics.store(cells, i, 1);
  while (Atomics.load(cells, 0) === 0);
  return i;
};
/** Never ends, and says that it has begun. */
export const spin = (cells: Int32Array, i: number): never => {
  Atomics.store(cells, i, 1);
  for (;;);
};
/** Ends its thread when the gate opens. */
export const die = (cells: Int32Array, i: number): void => {
  Atomics.store(cells, i, 1);
  while (Atomics.load(cells, 0) === 0);
  process.exit(3);
};

/** Cancels them, and sees that each is told. */
export async function cancel(...tasks: Task<unknown>[]): Promise<void> {
  const ended = tasks.map(({ result }) => expect(result).rejects.toThrow("Cancelled"));
  for (const task of tasks) task.cancel();
  await Promise.all(ended);
}

/** Each thread of a pool has a task that blocks it. */
export async function blockAll(pool: Pool): Promise<{ open(): void; tasks: Task<number>[] }> {
  const cells = shared(Int32Array, pool.threads + 1);
  const tasks = Array.from({ length: pool.threads }, (_, i) => pool.submit(block, cells, i + 1));
  await until(() => cells.subarray(1).every((cell) => cell === 1));
  const open = (): void => {
    cells[GATE] = 1;
    Atomics.notify(cells, GATE);
  };
  return { open, tasks };
}
