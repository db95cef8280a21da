// Processes are killed at random under load: every task settles exactly once, none runs a second time, and nothing is
// left running. What ran is told by the tasks themselves, each in a line of a file.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { CancelledError, ProcessCrashedError, ProcessPool, TaskError, type Task } from "../../lib/index.ts";
import { isThere } from "../is-there.ts";
import { random } from "../random.ts";

it("settles every task once, and runs none twice, whatever becomes of the processes", async () => {
  const chance = random(20261121);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "braid-deaths-"));
  onTestFinished(() => fs.rmSync(folder, { recursive: true }));
  const log = path.join(folder, "log");
  fs.writeFileSync(log, "");
  const pool = new ProcessPool({ processes: 3 });
  const work = async (n: number, fate: number): Promise<number> => {
    fs.appendFileSync(log, `${n}\n`);
    if (fate < 0.005) process.exit(n % 256);
    if (fate < 0.008) for (;;);
    if (fate < 0.05) throw new RangeError(`n${n}`);
    if (fate < 0.1) await new Promise((go) => setTimeout(go, 1));
    if (fate < 0.15) return pool.run((m) => m * 2, n);
    return n * 2;
  };
  const TASKS = 1200;
  const tasks: { task: Task<number>; fate: number }[] = [];
  const settled: number[] = [];
  const outcomes = [];
  for (let n = 0; n < TASKS; n++) {
    const fate = chance();
    const task = pool.submit(work, n, fate);
    if (chance() < 0.01) setTimeout(() => task.cancel("any"), chance() * 1000);
    tasks.push({ task, fate });
    outcomes.push(
      task
        .then(
          (value) => ({ value }),
          (error: unknown) => ({ error }),
        )
        .finally(() => (settled[n] = (settled[n] ?? 0) + 1)),
    );
    if (n % 500 === 300) pool.resize(2 + Math.floor(chance() * 3));
  }
  const pids = new Set<number>();
  let kills = 0;
  const killing = setInterval(() => {
    const running = tasks.filter(({ task }) => task.state === "running");
    for (const { task } of running) pids.add(task.thread!);
    const spinning = running.find(({ fate }) => fate >= 0.005 && fate < 0.008);
    if (spinning) return spinning.task.cancel("spins");
    const victim = running[Math.floor(chance() * running.length)]?.task.thread;
    if (victim === undefined || kills++ > 25) return;
    try {
      process.kill(victim, "SIGKILL");
    } catch {
      // Another was faster.
    }
  }, 25);
  const ended = await Promise.all(outcomes);
  clearInterval(killing);
  expect(kills).toBeGreaterThan(0);

  const runs = new Map<number, number>();
  for (const line of fs.readFileSync(log, "utf8").trim().split("\n"))
    runs.set(Number(line), (runs.get(Number(line)) ?? 0) + 1);
  for (const [n, outcome] of ended.entries()) {
    const { task } = tasks[n]!;
    expect(settled[n]).toBe(1);
    expect(runs.get(n) ?? 0).toBeLessThanOrEqual(1);
    if ("value" in outcome) {
      expect(outcome.value).toBe(n * 2);
      expect(runs.get(n)).toBe(1);
      expect(task.state).toBe("done");
    } else if (outcome.error instanceof CancelledError) expect(task.state).toMatch(/cancelled|failed/);
    else if (outcome.error instanceof ProcessCrashedError)
      expect(outcome.error.exitCode === undefined).toBe(outcome.error.signal !== undefined);
    else expect(outcome.error).toMatchObject({ name: "RangeError", message: `n${n}` });
  }
  const { running, queued } = pool.stats();
  expect([running, queued]).toEqual([0, 0]);
  expect(await pool.map([1, 2, 3], (n) => n + 1)).toEqual([2, 3, 4]);
  await pool.close();
  while ([...pids].some(isThere)) await sleep(5);
});

it("a map ends with one error when its process is killed, again and again", async () => {
  const chance = random(7);
  await using pool = new ProcessPool({ processes: 2 });
  for (let round = 0; round < 8; round++) {
    const victim = await pool.run(() => process.pid);
    setTimeout(() => process.kill(victim, "SIGKILL"), chance() * 10);
    const items = Array.from({ length: 200 }, (_, i) => i);
    const result = await pool.map(items, (n) => n * 2, { chunk: 3 }).catch((error: unknown) => error);
    if (Array.isArray(result)) expect(result).toEqual(items.map((n) => n * 2));
    else {
      expect(result).toBeInstanceOf(TaskError);
      expect((result as TaskError).cause).toBeInstanceOf(ProcessCrashedError);
    }
    while (isThere(victim)) await sleep(1);
  }
});
