// The processes below one, and signals to them. Linux reads /proc; elsewhere `ps` is asked.

import { execFileSync } from "node:child_process";
import fs from "node:fs";

/** Ids of all processes below `pid`, deepest first. */
export function descendants(pid: number | undefined): number[] {
  if (pid === undefined) return [];
  return childrenOf(pid).flatMap((child) => [...descendants(child), child]);
}

/** A process that has already gone is no error. */
export function signal(pids: (number | undefined)[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      if (pid !== undefined) process.kill(pid, name);
    } catch {
      // gone
    }
  }
}

function childrenOf(pid: number): number[] {
  try {
    return fs.existsSync("/proc/self/task") ? childrenByProc(pid) : childrenByPs(pid);
  } catch {
    return [];
  }
}

function childrenByProc(pid: number): number[] {
  return fs.readdirSync(`/proc/${pid}/task`).flatMap((thread) => {
    const children = fs.readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").trim();
    return children === "" ? [] : children.split(" ").map(Number);
  });
}

function childrenByPs(pid: number): number[] {
  const lines = execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" }).trim().split("\n");
  return lines
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([child, parent]) => (parent === pid ? [child!] : []));
}
