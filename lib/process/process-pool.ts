// A pool of processes, in the words of a pool of threads.

import { availableParallelism } from "node:os";
import { checkChoice, checkInteger, checkKnown } from "../checks.ts";
import { MadeInside } from "../pool/inside.ts";
import { Pool, type PoolOptions } from "../pool/pool.ts";
import { SCHEDULES } from "../pool/schedule.ts";
import { inLibrary } from "../ship/index.ts";
import { ProcessEngine, type ProcessEngineOptions } from "./engine.ts";
import { checkStack, type Permission } from "./launch.ts";

export interface ProcessPoolOptions extends PoolOptions {
  /** How many processes, 1 to 1024. Default: `threads`, or as many as the machine runs at a time. */
  processes?: number;
  /** Puts the processes into Node's sandbox, with what is named here allowed. */
  permission?: Permission;
}

/**
 * A pool whose tasks run in processes of their own: what one of them does to its process, a crash included, no other
 * notices. It has Pool's verbs, and functions are sent with what they capture, but all is copied: processes have no memory
 * in common. What is shared (`shared()`, SharedArrayBuffer), marked with `move()`, or tied to this process (MessagePort)
 * is refused before anything runs, with the variable's name.
 *
 * Waits: nothing here blocks. A process that dies fails what it ran with ProcessCrashedError (`exitCode` or `signal`) and
 * is replaced; no task is ever run twice. One that dies before it has run anything is started again after 100, 200, 400
 * and 800 ms; then what waits fails with the reason. Cancelling a running task kills its process (SIGKILL).
 * Order: tasks start in the order they were given, as processes become free; they end in any. `task.thread` and
 * `trace()` give process ids, and times as this process sees them.
 * Throws as `new Pool()` does.
 * Cost: a process starts with the first task that needs one, about 100 ms and 50 MB; a round trip is little more than
 * `child_process`'s own. An idle pool doesn't keep the program alive, and its processes end with it, however it ends.
 * When to use: for crashes contained, a sandbox (`permission`), native code that is not safe in threads. Else use a Pool.
 * @example
 * await using pool = new ProcessPool({ processes: 4 });
 * const pids = await pool.map([1, 2, 3, 4], () => process.pid, { chunk: 1 });
 */
export class ProcessPool extends Pool {
  constructor(options: ProcessPoolOptions = {}) {
    super(new MadeInside(new ProcessEngine(checkOptions(options))) as PoolOptions);
  }

  get processes(): number {
    return this.threads;
  }
}

export function checkOptions(options: ProcessPoolOptions): ProcessEngineOptions {
  const known = ["processes", "threads", "stackSizeMb", "maxHeapMb", "trace", "schedule", "permission"];
  checkKnown("ProcessPool", options, known);
  const { threads, stackSizeMb, maxHeapMb, trace = false, schedule = "steal", permission } = options;
  const { processes = threads ?? availableParallelism() } = options;
  checkInteger("processes", processes, 1, 1024);
  if (threads !== undefined && threads !== processes)
    throw new RangeError(`Expected threads, where given, to be processes (${processes}), got ${threads}.`);
  if (stackSizeMb !== undefined) checkStack(checkInteger("stackSizeMb", stackSizeMb, 1, 1024));
  if (maxHeapMb !== undefined) checkInteger("maxHeapMb", maxHeapMb, 4, 1 << 20);
  if (typeof trace !== "boolean") throw new TypeError(`Expected trace to be true or false, got ${String(trace)}.`);
  checkChoice("schedule", schedule, SCHEDULES);
  if (permission !== undefined) checkPermission(permission);
  return { processes, stackSizeMb, maxHeapMb, trace, schedule, permission };
}

function checkPermission(permission: Permission): void {
  const lists = ["fsRead", "fsWrite"];
  const flags = ["childProcess", "worker", "addons", "wasi", "inspector"];
  checkKnown("permission", permission, [...lists, ...flags]);
  for (const [name, value] of Object.entries(permission) as [string, unknown][]) {
    if (value === undefined) continue;
    const isList = Array.isArray(value) && value.every((one) => typeof one === "string" && one !== "");
    if (lists.includes(name) ? !isList : typeof value !== "boolean")
      throw new TypeError(
        `Expected permission.${name} to be ${lists.includes(name) ? "an array of paths" : "true or false"}.`,
      );
  }
}

inLibrary(import.meta.url, { ProcessPool });
