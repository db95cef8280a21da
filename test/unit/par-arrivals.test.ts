// Loops whose helpers come after they have begun, and have heard nothing of them.

import { expect, it } from "vitest";
import { par, Pool, shared } from "../../lib/index.ts";
import { cancel } from "../busy-tasks.ts";
import { until } from "../until.ts";

// One of the two threads is to go after its task. If that one begins the loop, only a thread that is new can run it.
it.each([0, 1])("task %i of two awaits a loop while its pool shrinks and the other thread dies", async (one) => {
  await using pool = new Pool({ threads: 2 });
  const [runs, mayLoop, loops] = [shared(Int32Array, 2), shared(Int32Array, 2), shared(Int32Array, 2)];
  const sum = async (i: number): Promise<number> => {
    Atomics.store(runs, i, 1);
    while (Atomics.load(mayLoop, i) === 0);
    const loop = par.range(0, 1000).sum();
    Atomics.store(loops, i, 1);
    return loop;
  };
  const tasks = [0, 1].map((i) => pool.submit(sum, i));
  await until(() => runs.every((cell) => cell === 1));
  pool.resize(1);
  Atomics.store(mayLoop, one, 1);
  await until(() => loops[one] === 1);
  await cancel(tasks[1 - one]!);
  expect(await tasks[one]).toBe(499500);
});
