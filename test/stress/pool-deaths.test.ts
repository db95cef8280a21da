// Thousands of tasks while threads die, are cancelled and the pool changes size: every promise settles, each with what
// is its due, and nothing is left running.

import { expect, it } from "vitest";
import { CancelledError, Pool, ThreadCrashedError, type Task } from "../../lib/index.ts";
import { random } from "../random.ts";

it("settles every task, whatever becomes of the threads", async () => {
  const chance = random(20261121);
  const pool = new Pool({ threads: 3 });
  const work = async (n: number, fate: number): Promise<number> => {
    if (fate < 0.006) process.exit(1);
    if (fate < 0.009) for (;;);
    if (fate < 0.05) throw new RangeError(`n${n}`);
    if (fate < 0.15) await new Promise((go) => setImmediate(go));
    return n * 2;
  };
  const TASKS = 4000;
  const tasks: { task: Task<number>; fate: number }[] = [];
  const outcomes = [];
  for (let n = 0; n < TASKS; n++) {
    const fate = chance();
    const task = pool.submit(work, n, fate);
    const cancelled = fate >= 0.006 && fate < 0.009;
    // What would spin for ever, and some others at any time of their life.
    if (cancelled) setTimeout(() => task.cancel("spins"), 100 + chance() * 200);
    else if (chance() < 0.02) setTimeout(() => task.cancel("any"), chance() * 1500);
    if (n % 500 === 250) pool.resize(1 + Math.floor(chance() * 4));
    tasks.push({ task, fate });
    outcomes.push(
      task.then(
        (value) => ({ value }),
        (error: unknown) => ({ error }),
      ),
    );
    if (n % 100 === 0) await new Promise((go) => setImmediate(go));
  }
  const spinning = setInterval(() => {
    for (const { task, fate } of tasks)
      if (task.state === "running" && fate >= 0.006 && fate < 0.009) task.cancel("spins");
  }, 50);
  const ended = await Promise.all(outcomes);
  clearInterval(spinning);
  let [values, crashed, thrown, cancelled] = [0, 0, 0, 0];
  for (const [n, outcome] of ended.entries()) {
    const { fate, task } = tasks[n]!;
    if ("value" in outcome) {
      values++;
      expect(outcome.value).toBe(n * 2);
      expect(task.state).toBe("done");
    } else if (outcome.error instanceof CancelledError) cancelled++;
    else if (outcome.error instanceof ThreadCrashedError) {
      crashed++;
      expect(fate).toBeLessThan(0.006);
    } else {
      thrown++;
      expect(outcome.error).toBeInstanceOf(RangeError);
      expect((outcome.error as Error).message).toBe(`n${n}`);
      expect(fate).toBeLessThan(0.05);
    }
  }
  expect(values + crashed + thrown + cancelled).toBe(TASKS);
  expect(Math.min(crashed, thrown, cancelled)).toBeGreaterThan(5);
  expect(pool.stats()).toMatchObject({ running: 0, queued: 0, done: values, failed: TASKS - values });
  await pool.close();
}, 60_000);

it("settles everything when it is terminated in the middle", async () => {
  for (let round = 0; round < 5; round++) {
    const pool = new Pool({ threads: 2 });
    const all = Array.from({ length: 200 }, (_, n) => pool.run((x: number) => x, n));
    const mapped = pool.map(
      Array.from({ length: 500 }, (_, n) => n),
      (x) => x,
      { chunk: 3 },
    );
    const settled = Promise.allSettled([...all, mapped]);
    await new Promise((go) => setTimeout(go, round * 15));
    await pool.terminate();
    expect((await settled).length).toBe(201);
  }
}, 30_000);
