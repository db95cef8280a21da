// Which cell does this code work for? Follows awaits, timers and callbacks by AsyncLocalStorage; a worker thread starts
// with the cell that created it.

import { AsyncLocalStorage } from "node:async_hooks";
import { getEnvironmentData, isMainThread, setEnvironmentData } from "node:worker_threads";

const KEY = "braid.run";
const storage = new AsyncLocalStorage<number>();
const inherited = isMainThread ? 0 : ((getEnvironmentData(KEY) as number | undefined) ?? 0);

/** The run (execution of a cell) that the calling code belongs to; 0 when unknown. */
export function currentRun(): number {
  return storage.getStore() ?? inherited;
}

export function runAs<R>(run: number | undefined, f: () => R): R {
  return run === undefined ? f() : storage.run(run, f);
}

/** Threads created from here on belong to the run that is current now. */
export function passToNewThread(): void {
  setEnvironmentData(KEY, currentRun());
}
