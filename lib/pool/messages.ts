// What a pool and its threads say to each other. One task at a time is under way in a thread, so an answer that names no
// task is about that one.

import type { Wire } from "../ship/index.ts";

export type ToThread =
  /** Runs `{ fn, args }`, or a part of a group. */
  | {
      readonly braid: "task";
      readonly wire: Wire;
      readonly group: number | undefined;
      /**
       * What all parts of the group share, `{ entry, context }`: with the first part that a thread gets. In one message with
       * it, so that there is one answer if it can't be read.
       */
      readonly shared: Wire | undefined;
      readonly origin: number | undefined;
    }
  | { readonly braid: "close"; readonly group: number };

export type FromThread =
  | { readonly braid: "ready" }
  | {
      readonly braid: "done";
      readonly ok: boolean;
      /** The result or what was thrown. */
      readonly wire: Wire;
      /** Which item of the part failed. */
      readonly index: number | undefined;
      /** Milliseconds since 1970, by the thread's own clock. */
      readonly startMs: number;
      readonly endMs: number;
    };

export interface ThreadData {
  /** The realm that owns the thread. */
  readonly owner: string;
}

/** One clock for all threads. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}
