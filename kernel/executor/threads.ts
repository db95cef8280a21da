// The worker threads that cells start themselves: each is remembered with its cell, so that an interrupt ends those of
// the interrupted cell. A pool of the library looks after its own threads and asks to be told instead.

import { createRequire, syncBuiltinESMExports } from "node:module";
import type { Worker, WorkerOptions } from "node:worker_threads";
import { currentRun, passToNewThread } from "./origin.ts";

/** Key in the environment data: true in the control thread only. */
export const CONTROL_THREAD = "braid.control-thread";

const runOfThread = new Map<Worker, number>();
const listeners = new Set<(run: number) => void>();

export function trackThreads(): void {
  const require = createRequire(import.meta.url);
  const module = require("node:worker_threads") as { Worker: typeof Worker };
  const Original = module.Worker;
  module.Worker = class Worker extends Original {
    constructor(file: string | URL, options?: WorkerOptions) {
      passToNewThread();
      super(file, options);
      runOfThread.set(this, currentRun());
      this.once("exit", () => runOfThread.delete(this));
    }
  };
  syncBuiltinESMExports();
}

export function adopt(thread: Worker): void {
  runOfThread.delete(thread);
}

export function onInterrupt(listener: (run: number) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Ends the threads that this run started and tells the pools. */
export function stopThreadsOf(run: number): void {
  for (const [thread, owner] of runOfThread) if (owner === run) void thread.terminate();
  for (const listener of listeners) listener(run);
}
