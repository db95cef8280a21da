// spawnBlocking: a function that would keep the event loop, on a thread.

import { inLibrary, type SendResult } from "../ship/index.ts";
import { defaultPool } from "../pool/default-pool.ts";

/**
 * Runs a function, with all that it captures, on a thread of the default pool, so that the event loop of this thread
 * stays free. In a task it is the pool that the task runs on.
 *
 * Waits: async; the thread may block: while it sits in `Atomics.wait` another takes its place.
 * Throws as `pool.run` does: what the function threw, CaptureError, NotSendableError, ThreadCrashedError.
 * Cost: as `pool.run`; the first call starts a thread, about 30 ms.
 * When to use: one long computation or blocking call among asynchronous work. For many, use `pool.map` or `par`.
 * @example
 * const hash = await spawnBlocking(() => scryptSync(password, salt, 64).toString("hex"));
 */
export function spawnBlocking<R>(fn: (() => R | Promise<R>) & SendResult<R>): Promise<R> {
  return defaultPool(1).run<[], R>(fn);
}

inLibrary(import.meta.url, { spawnBlocking });
