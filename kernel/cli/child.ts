// Child processes: run one to its end and keep what it said; find and end what one has left behind.

import { spawn, spawnSync, type SpawnOptions } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";

export interface Finished {
  code: number;
  /** Both streams, in the order in which they came. */
  output: string;
}

/** @param options with a `limitMs`, it and all that it has started are killed after so long */
export async function runToEnd(
  command: string,
  args: readonly string[],
  { limitMs, ...options }: SpawnOptions & { limitMs?: number } = {},
): Promise<Finished> {
  const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const add = (chunk: string): void => void (output += chunk);
  child.stdout?.setEncoding("utf8").on("data", add);
  child.stderr?.setEncoding("utf8").on("data", add);
  const limit =
    limitMs &&
    setTimeout(() => {
      add(`It was still running after ${limitMs / 1000} s, and was ended.\n`);
      const pid = child.pid!;
      void endAll([...descendants(pid), pid], 0);
    }, limitMs);
  return new Promise<Finished>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code: code ?? 1, output: signal ? `${output}${signal}\n` : output }));
  }).finally(() => clearTimeout(limit));
}

/** Every process that descends from this one, as the process table has it now; empty where there is no `ps`. */
export function descendants(pid: number): number[] {
  if (process.platform === "win32") return [];
  const { stdout } = spawnSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" });
  const children = new Map<number, number[]>();
  for (const line of (stdout ?? "").split("\n")) {
    const [child, parent] = line.trim().split(/\s+/).map(Number);
    if (child && parent) children.set(parent, [...(children.get(parent) ?? []), child]);
  }
  const found: number[] = [];
  for (const queue = [pid]; queue.length > 0;) {
    const next = children.get(queue.pop() ?? 0) ?? [];
    found.push(...next);
    queue.push(...next);
  }
  return found;
}

/** Gives processes some time to end by themselves, then kills those that did not. */
export async function endAll(pids: readonly number[], graceMs: number): Promise<void> {
  const end = Date.now() + graceMs;
  while (pids.some(isAlive) && Date.now() < end) await sleep(20);
  for (const pid of pids.filter(isAlive)) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // it ended just now
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
