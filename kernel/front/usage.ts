// What the kernel uses: memory and processor time of the front, the executor with its threads, the language server, and
// of what cells have started.

import fs from "node:fs";
import os from "node:os";
import { descendants } from "./process-tree.ts";

interface Sample {
  atMs: number;
  /** Processor time by process id, in ms. */
  cpuMs: Map<number, number>;
}

export class Usage {
  #before: Sample | undefined;

  /** The content of a usage_reply: bytes; `kernel_cpu` in percent of one core since the last request. */
  measure(): Record<string, unknown> {
    const pids = [process.pid, ...descendants(process.pid)];
    const now: Sample = { atMs: performance.now(), cpuMs: new Map(pids.map((pid) => [pid, cpuMsOf(pid)])) };
    const before = this.#before;
    this.#before = now;
    const total = os.totalmem();
    const free = os.freemem();
    return {
      hostname: os.hostname(),
      pid: process.pid,
      kernel_cpu: before ? percent(before, now) : 0,
      kernel_memory: pids.reduce((sum, pid) => sum + memoryOf(pid), 0),
      cpu_count: os.availableParallelism(),
      host_virtual_memory: {
        total,
        available: free,
        free,
        used: total - free,
        percent: (100 * (total - free)) / total,
      },
    };
  }
}

function percent(before: Sample, now: Sample): number {
  let used = 0;
  for (const [pid, ms] of now.cpuMs) used += ms - (before.cpuMs.get(pid) ?? 0);
  return (100 * used) / Math.max(1, now.atMs - before.atMs);
}

const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;

// Without /proc only this process can be asked.
function cpuMsOf(pid: number): number {
  try {
    const fields = fs.readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
    return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND;
  } catch {
    const { user, system } = process.cpuUsage();
    return pid === process.pid ? (user + system) / 1000 : 0;
  }
}

function memoryOf(pid: number): number {
  try {
    return Number(fs.readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]) * PAGE_BYTES;
  } catch {
    return pid === process.pid ? process.memoryUsage.rss() : 0;
  }
}
