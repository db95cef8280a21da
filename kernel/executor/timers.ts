// The timers of an interrupted cell must not go on: `while (true) await sleep(1)` would run for ever behind the user's
// back. The timer functions are wrapped so that a callback of a cell that was interrupted is skipped.

import { createRequire, syncBuiltinESMExports } from "node:module";
import { promisify } from "node:util";
import { currentRun } from "./origin.ts";

const interrupted = new Set<number>();

/** From now on no timer that this run has started, or will start, does anything. */
export function stopTimersOf(run: number): void {
  interrupted.add(run);
}

type Callback = (...args: unknown[]) => void;
type TimerFunction = (callback: Callback, ...args: unknown[]) => { close?(): unknown };
type SleepFunction = (...args: unknown[]) => Promise<unknown>;

const require = createRequire(import.meta.url);

export function trackTimers(): void {
  const timers = require("node:timers") as Record<string, TimerFunction>;
  const promises = require("node:timers/promises") as Record<string, SleepFunction>;
  for (const name of ["setTimeout", "setInterval", "setImmediate"]) {
    const wrapped = wrapTimer(timers[name]!, name === "setInterval");
    timers[name] = wrapped;
    (globalThis as unknown as Record<string, TimerFunction>)[name] = wrapped;
    if (name === "setInterval") continue;
    const sleep = promises[name]!;
    const wrappedSleep: SleepFunction = (...args) => {
      const run = currentRun();
      return sleep(...args).then((value) => (interrupted.has(run) ? new Promise(() => {}) : value));
    };
    promises[name] = wrappedSleep;
    Object.defineProperty(wrapped, promisify.custom, { value: wrappedSleep });
  }
  syncBuiltinESMExports();
}

function wrapTimer(original: TimerFunction, repeats: boolean): TimerFunction {
  const wrapped: TimerFunction = (callback, ...rest) => {
    const run = currentRun();
    if (run === 0 || typeof callback !== "function") return original(callback, ...rest);
    const timer = original(
      (...args) => {
        if (!interrupted.has(run)) return callback(...args);
        if (repeats) clearInterval(timer as NodeJS.Timeout);
      },
      ...rest,
    );
    return timer;
  };
  Object.defineProperty(wrapped, "name", { value: original.name });
  return wrapped;
}
