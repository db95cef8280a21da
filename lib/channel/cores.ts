// Where threads may run: a thread that has one core to itself gains by looking for a while before it sleeps, as long as
// those that it waits for may run on another.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

const TASKS = "/proc/self/task";

/** Can threads of this process run at the same time? */
export function canRunAtOnce(): boolean {
  // It counts the cores of this thread, which may have been given a single one.
  return availableParallelism() > 1 || new Set(coresOfThreads()).size > 1;
}

/** The lists of cores of all threads, where the system tells: Linux. One that ends just then has none. */
function coresOfThreads(): string[] {
  if (!existsSync(TASKS)) return [];
  return readdirSync(TASKS).flatMap((task) => {
    try {
      const status = readFileSync(`${TASKS}/${task}/status`, "latin1");
      return /^Cpus_allowed_list:\s*(.*)$/m.exec(status)?.slice(1) ?? [];
    } catch {
      return [];
    }
  });
}
