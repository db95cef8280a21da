// What a pool and its threads tell each other by message: what doesn't fit on the board (lib/engine/board.ts). Each is
// about the task in a slot of the board.

import type { BoardMemory } from "../engine/board.ts";
import type { Wire } from "../ship/index.ts";

export type ToThread =
  /** Runs `{ fn, args }`, or a part of a group. */
  | {
      readonly braid: "task";
      readonly slot: number;
      /** The thread slept, and has not asked for it. */
      readonly unasked: boolean;
      readonly wire: Wire;
      readonly group: number | undefined;
      /**
       * What all parts of the group share, `{ entry, context }`: with the first part that a thread gets. In one message with
       * it, so that there is one answer if it can't be read.
       */
      readonly shared: Wire | undefined;
    }
  /** A function that tasks on the board name by its number. */
  | { readonly braid: "function"; readonly id: number; readonly wire: Wire }
  | { readonly braid: "forget"; readonly id: number }
  | { readonly braid: "close"; readonly group: number };

export type FromThread =
  | { readonly braid: "ready" }
  /** It has claimed a task, but may not start it. */
  | { readonly braid: "stopped" }
  /** It has claimed a task that comes by message. */
  | { readonly braid: "want"; readonly slot: number }
  | {
      readonly braid: "done";
      readonly slot: number;
      readonly ok: boolean;
      /** The result or what was thrown. */
      readonly wire: Wire;
      /** Which item of the part failed. */
      readonly index: number | undefined;
    };

export interface ThreadData {
  /** The realm that owns the thread. */
  readonly owner: string;
  readonly board: BoardMemory;
  readonly seat: number;
  /** The lanes that it takes tasks from: its own first, and with `steals` all others. */
  readonly lane: number;
  readonly steals: boolean;
}

const originMs = performance.timeOrigin;

/** One clock for all threads. */
export function now(): number {
  return originMs + performance.now();
}
