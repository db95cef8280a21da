// What is left when a program with a pool of processes ends, in whatever way: nothing.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { isThere } from "../is-there.ts";

const library = fileURLToPath(new URL("../../lib/index.ts", import.meta.url));

/** A program of its own; gives what it prints, line by line. */
function start(source: string) {
  const flags = ["--conditions=braid-source", "--disable-warning=ExperimentalWarning", "--input-type=module"];
  const text = `import { ProcessPool } from ${JSON.stringify(library)};\n${source}`;
  const child = spawn(process.execPath, [...flags, "-e", text], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (printed += chunk));
  return { child, printed: () => printed };
}

async function untilGone(pids: readonly number[]): Promise<void> {
  while (pids.some(isThere)) await sleep(10);
}

it("an idle pool keeps no program alive, and its processes end with it", async () => {
  const { child, printed } = start(`
    const pool = new ProcessPool({ processes: 2 });
    console.log(await pool.map([1, 2], async () => { await new Promise((go) => setTimeout(go, 50)); return process.pid; }, { chunk: 1 }));`);
  expect(await once(child, "close")).toEqual([0, null]);
  const pids = JSON.parse(printed()) as number[];
  expect(pids.length).toBe(2);
  await untilGone(pids);
});

it("a program that is killed takes along those that spin", async () => {
  const { child, printed } = start(`
    const pool = new ProcessPool({ processes: 2 });
    void pool.run(() => { console.log(process.pid); for (;;); });
    void pool.run(() => { console.log(process.pid); return new Promise(() => setInterval(() => {}, 1000)); });`);
  while (printed().trim().split("\n").length < 2) await sleep(10);
  child.kill("SIGKILL");
  await once(child, "exit");
  await untilGone(printed().trim().split("\n").map(Number));
});

it("what tasks print is not lost, and comes from the processes themselves", async () => {
  const { child, printed } = start(`
    await using pool = new ProcessPool({ processes: 2 });
    await pool.map([1, 2, 3], (n) => { process.stdout.write("line " + n + "\\n".padStart(50_000, ".")); }, { chunk: 1 });`);
  await once(child, "close");
  const lines = printed().split("\n");
  expect(lines.map((line) => line.slice(0, 6)).toSorted()).toEqual(["", "line 1", "line 2", "line 3"]);
  expect(printed().length).toBe(3 * 50_006);
});

it("close() ends a process that won't leave by itself", async () => {
  const { child } = start(`
    const pool = new ProcessPool({ processes: 1 });
    await pool.run(() => { process.removeAllListeners("disconnect"); setInterval(() => {}, 1000); });
    await pool.close();`);
  expect(await once(child, "close")).toEqual([0, null]);
});
