// Pools of processes in the kernel: what their tasks print, show and import is as in a thread, and an interrupt ends them.

import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, it } from "vitest";
import { ExecutorHost } from "../../kernel/front/executor-host.ts";
import { compileCell } from "../../kernel/language/compile.ts";
import type { Outcome } from "../../kernel/link/messages.ts";

const printed: { name: string; text: string; run: number }[] = [];
const displayed: { content: string; run: number }[] = [];
const host = new ExecutorHost({
  output: (name, text, run) => void printed.push({ name, text, run }),
  display: (_, content, run) => void displayed.push({ content: content.toString(), run }),
  report: () => {},
  died: () => {},
});
afterAll(() => host.stop());

let runs = 0;
function run(source: string): Promise<Outcome> {
  const compiled = compileCell(source);
  if (!compiled.ok) throw new Error(compiled.problems[0]!.message);
  const { declarations, body, showsValue, names } = compiled.cell;
  return host.run({
    run: ++runs,
    file: `cell-${runs}.ts`,
    showsValue,
    names: [...names.keys()].map((name) => ({ name })),
    ...(declarations === undefined ? {} : { declarations }),
    ...(body === undefined ? {} : { body }),
  });
}

const textOf = (name: string, run: number): string =>
  printed.flatMap((one) => (one.name === name && one.run === run ? [one.text] : [])).join("");

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(5);
}

it("print and display under their cell, also late, and import as the cell does", async () => {
  const outcome = await run(`
    import { ProcessPool, TimeoutError } from "braid";
    import { display } from "braid/notebook";
    import fs from "node:fs";
    const pool = new ProcessPool({ processes: 1 });
    const big = "x".repeat(100_000);
    await pool.run(() => {
      console.log("from the task");
      console.error("an error");
      process.stdout.write(big + "\\n");
      display({ "text/plain": "shown" });
      setTimeout(() => console.log("late"), 50);
      return [fs.existsSync(".") , new TimeoutError(1, "t") instanceof TimeoutError, process.env.BRAID_CHILD];
    })`);
  expect(outcome).toMatchObject({ data: { "text/plain": "[ true, true, undefined ]" } });
  await run("1");
  await until(() => textOf("stdout", 1).endsWith("late\n"));
  expect(textOf("stdout", 1)).toBe(`from the task\n${"x".repeat(100_000)}\nlate\n`);
  expect(textOf("stderr", 1)).toBe("an error\n");
  expect(displayed).toMatchObject([{ run: 1, content: expect.stringContaining("shown") }]);
});

it("print also from a sandbox, and from the threads of a process", async () => {
  const outcome = await run(`
    const sandbox = new ProcessPool({ processes: 1, permission: { worker: true } });
    await sandbox.run(async () => {
      console.log("from the sandbox");
      const { Worker } = await import("node:worker_threads");
      const worker = new Worker("console.log('from its thread')", { eval: true });
      await new Promise((exit) => worker.on("exit", exit));
      try { fs.readFileSync("/etc/passwd") } catch (error) { return error.code }
    })`);
  expect(outcome).toMatchObject({ data: { "text/plain": "'ERR_ACCESS_DENIED'" } });
  expect(textOf("stdout", runs)).toBe("from the sandbox\nfrom its thread\n");
});

it("end with an interrupt, and the pool goes on", async () => {
  const running = run(`await pool.map([1, 2], () => { console.log("spins"); for (;;); })`);
  const spinning = runs;
  await until(() => textOf("stdout", spinning).includes("spins"));
  host.interrupt();
  expect(await running).toMatchObject({ status: "error", ename: "KeyboardInterrupt" });
  expect(await run("await pool.run(() => 'again')")).toMatchObject({ data: { "text/plain": "'again'" } });
  await run("await Promise.all([pool.close(), sandbox.close()])");
});

it("a process that a cell forks itself is left alone", async () => {
  const outcome = await run(`
    import { fork } from "node:child_process";
    const file = require("node:path").join(require("node:os").tmpdir(), "braid-child-" + process.pid + ".cjs");
    fs.writeFileSync(file, "console.log('by itself'); process.send(typeof __import)");
    const child = fork(file);
    const said = await new Promise((heard) => child.once("message", heard));
    await new Promise((gone) => child.once("close", gone));
    fs.rmSync(file);
    said`);
  expect(outcome).toMatchObject({ data: { "text/plain": "'undefined'" } });
  await until(() => textOf("stdout", 0).includes("by itself"));
});
