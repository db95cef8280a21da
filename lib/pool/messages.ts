// What a pool and its threads say to each other. One task at a time is under way in a thread, so an answer that names no
// task is about that one.

import type { Wire } from "../ship/index.ts";

export type ToThread =
  /** Runs `{ fn, args }`, or a part of an opened group. */
  | {
      readonly braid: "task";
      readonly wire: Wire;
      readonly group: number | undefined;
      readonly origin: number | undefined;
    }
  /** What all parts of a group share, `{ entry, context }`: sent once a thread, before its first part. */
  | { readonly braid: "open"; readonly group: number; readonly wire: Wire }
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
