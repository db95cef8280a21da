// The package "multithreading": closures like Braid's, without what they capture, and one pool in a process.

import { CLOSURES } from "./closures.ts";
import type { Open, OpenPool } from "./pools.ts";
import { rival } from "./tasks/rival.mjs";

type Outcome = { ok: true; value: number } | { ok: false; error: unknown };

interface Multithreading {
  initRuntime(config: { maxWorkers: number }): void;
  move(...args: unknown[]): unknown;
  spawn(args: unknown, fn: (...args: never[]) => number): { join(): Promise<Outcome> };
  shutdown(): void;
}

const { initRuntime, move, spawn, shutdown } = rival("multithreading") as Multithreading;

export const openMultithreading: Open = (threads, task): OpenPool => {
  initRuntime({ maxWorkers: threads });
  const fn = CLOSURES[task];
  return {
    async run(...args) {
      const outcome = await spawn(move(...args), fn).join();
      if (!outcome.ok) throw outcome.error;
      return outcome.value;
    },
    close: shutdown,
  };
};
