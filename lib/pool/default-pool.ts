// The pool that is there without being made: used by par() and whatever else needs threads and was given no pool.

import { availableParallelism } from "node:os";
import { inLibrary } from "../ship/index.ts";
import { checkThreads } from "../checks.ts";
import { Pool, poolFrom } from "./pool.ts";
import { ownerLink } from "./remote-engine.ts";

let threads: number | undefined;
let pool: Pool | undefined;

/**
 * Sets how many threads the default pool has, 1 to 1024; without it, as many as the machine runs. Waits: never.
 * Gotcha: the pool never shrinks. A smaller number is what par() uses from now on, but the threads that are there stay;
 * and `par(…, { threads })` with a larger one enlarges the pool for good.
 */
export function setThreads(n: number): void {
  threads = checkThreads(n);
  if (pool && pool.threads < n) pool.resize(n);
}

/** How many threads are used where the caller says nothing. */
export function defaultThreads(): number {
  return ownerLink()?.pool?.threads ?? threads ?? availableParallelism();
}

/**
 * The default pool, with at least so many threads; started when first asked for. In a task it is the pool of
 * threads that the task runs on: threads of threads would only be too many.
 */
export function defaultPool(atLeast: number): Pool {
  const own = ownerLink()?.pool;
  if (own) return poolFrom(own);
  pool ??= new Pool({ threads: Math.max(atLeast, defaultThreads()) });
  if (pool.threads < atLeast) pool.resize(atLeast);
  return pool;
}

inLibrary(import.meta.url, { setThreads });
