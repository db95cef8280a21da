// What becomes of tasks that wait for a thread that goes, under each schedule.

import { expect, it } from "vitest";
import { Pool, shared, type Task } from "../../lib/index.ts";
import { SCHEDULES } from "../../lib/pool/schedule.ts";
import { blockAll, cancel, die, GATE, spin } from "../busy-tasks.ts";
import { until } from "../until.ts";

it.each(SCHEDULES)("under %s, what waits for a thread goes to others", async (schedule) => {
  await using pool = new Pool({ threads: 2, schedule });
  const COUNT = 12;
  const waiting = Array.from({ length: COUNT }, (_, n) => n + 60);
  const wait = (): Task<number>[] =>
    waiting.map((n) =>
      n % 3 === 0
        ? pool.submit((a: number[]) => a.length, Array<number>(n).fill(0))
        : pool.submit((x: number) => x + 1, n - 1),
    );

  // Where its task is cancelled.
  const cells = shared(Int32Array, 3);
  const spinning = [1, 2].map((i) => pool.submit(spin, cells, i));
  await until(() => cells[1]! + cells[2]! === 2);
  const first = wait();
  const ended = cancel(...spinning);
  expect(await Promise.all(first)).toEqual(waiting);
  await ended;

  // Where it dies.
  cells.fill(0);
  const dying = [1, 2].map((i) => pool.submit(die, cells, i));
  const died = dying.map((task) => expect(task.result).rejects.toMatchObject({ exitCode: 3 }));
  await until(() => cells[1]! + cells[2]! === 2);
  const second = wait();
  Atomics.store(cells, GATE, 1);
  Atomics.notify(cells, GATE);
  await Promise.all(died);
  expect(await Promise.all(second)).toEqual(waiting);

  // Where it is resized away: busy, it goes when it has done what it does.
  pool.resize(3);
  const { open, tasks } = await blockAll(pool);
  const third = wait();
  pool.resize(1);
  open();
  expect(await Promise.all(third)).toEqual(waiting);
  expect(await Promise.all(tasks)).toEqual([1, 2, 3]);
  expect(new Set(third.map((task) => task.thread)).size).toBe(1);
  pool.resize(2);
  const fourth = wait();
  pool.resize(1);
  expect(await Promise.all(fourth)).toEqual(waiting);
  expect(pool.stats()).toMatchObject({ done: 4 * COUNT + 3, failed: 4, running: 0, queued: 0 });
});
