// What a task leaves behind in its thread - a timer, a promise that nobody awaits - may fail when the task is long over.
// That is printed where the thread prints, and the thread lives on. A handler of the user's own comes before this.

import { inspect, types } from "node:util";
import { trimStack } from "../ship/index.ts";

/** Prints errors that nobody catches, but for the times between `pause` and `resume`. */
export function watchLateErrors(): { pause(): void; resume(): void } {
  const uncaught = (error: unknown): void => print("uncaughtException", "Uncaught error in a callback", error);
  const rejected = (reason: unknown): void => print("unhandledRejection", "Unhandled rejection", reason);
  const resume = (): void => {
    // First, to see whether others will be called.
    process.prependListener("uncaughtException", uncaught);
    process.prependListener("unhandledRejection", rejected);
  };
  const pause = (): void => {
    process.off("uncaughtException", uncaught);
    process.off("unhandledRejection", rejected);
  };
  resume();
  return { pause, resume };
}

function print(event: string, what: string, error: unknown): void {
  if (process.listenerCount(event) === 1) process.stderr.write(`${what}: ${textOf(error)}\n`);
}

function textOf(error: unknown): string {
  try {
    if (!types.isNativeError(error)) return inspect(error);
    const cause = error.cause === undefined || error.cause === error ? "" : `\nCaused by: ${textOf(error.cause)}`;
    return trimStack(String(error.stack)) + cause;
  } catch (failure) {
    return `an error that can't be shown (${failure instanceof Error ? failure.message : typeof failure})`;
  }
}
