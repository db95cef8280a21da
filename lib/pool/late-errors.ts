// Errors that nobody catches. One belongs to the task whose code it comes from, however late: Node keeps that with each
// timer and promise. While the task goes on, it ends the thread, which is the task's answer, as it would end a program;
// what a task has left behind, and fails when it is over, is printed where the thread prints, and the thread lives on.
// A handler of the user's own comes before this.

import { inspect, types } from "node:util";
import { trimStack } from "../ship/index.ts";

/**
 * @param ends does an error that comes now belong to a task that goes on?
 * @param end ends the thread, or the process, because of it
 */
export function watchLateErrors(ends: () => boolean, end: (error: unknown) => void): void {
  watch("uncaughtException", "Uncaught error in a callback", ends, end);
  watch("unhandledRejection", "Unhandled rejection", ends, end);
}

/** Nobody listens any more: what is thrown from here ends the thread. */
export function throwOn(error: unknown): never {
  process.removeAllListeners("uncaughtException");
  throw error;
}

function watch(event: string, what: string, ends: () => boolean, end: (error: unknown) => void): void {
  const heard = (error: unknown): void => {
    if (process.listenerCount(event) > 1) return;
    if (!ends()) return void process.stderr.write(`${what}: ${textOf(error)}\n`);
    end(error);
  };
  process.on(event, heard);
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
