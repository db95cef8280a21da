// What a pool and its threads tell each other by message: what doesn't fit on the board (lib/engine/board.ts). Each is
// about the task in a slot of the board.

import type { MessagePort } from "node:worker_threads";
import type { BoardMemory } from "../engine/board.ts";
import type { Wire } from "../ship/index.ts";
import type { PoolData } from "./remote-engine.ts";

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
  | { readonly braid: "close"; readonly group: number }
  /** Nobody waits for this task any more; but for others in the same thread, this one would be stopped. */
  | { readonly braid: "abandon"; readonly slot: number }
  | Unread
  | NestedResult;

export type FromThread =
  | { readonly braid: "ready" }
  | Unread
  | NestedMessage
  /** It has claimed this, but may not start it. */
  | { readonly braid: "stopped"; readonly slot: number }
  /** It waits in a task: others have to run what it would. */
  | { readonly braid: "blocked" }
  /** What it waited in a task, for the trace. */
  | { readonly braid: "waited"; readonly slot: number; readonly fromMs: number; readonly toMs: number }
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

/** The receiver's message of this number (link.ts) can't be read here. */
export interface Unread {
  readonly braid: "unread";
  readonly number: number;
  readonly why: string;
}

/** From a task that uses a pool to the thread that made it. Calls and groups are numbered by the task's thread. */
export type NestedMessage =
  | {
      readonly braid: "call";
      readonly pool: number;
      readonly call: number;
      readonly label: string;
      readonly share: number | undefined;
      readonly group: number | undefined;
      readonly origin: number | undefined;
      readonly wire: Wire;
    }
  | { readonly braid: "cancel"; readonly pool: number; readonly call: number }
  | {
      readonly braid: "openGroup";
      readonly pool: number;
      readonly group: number;
      readonly limit: number;
      readonly wire: Wire;
    }
  | { readonly braid: "endGroup"; readonly pool: number; readonly group: number; readonly all: boolean }
  | { readonly braid: "closeGroup"; readonly pool: number; readonly group: number };

export interface NestedResult {
  readonly braid: "result";
  readonly call: number;
  readonly ok: boolean;
  readonly wire: Wire;
  readonly index?: number | undefined;
  readonly stopped?: boolean | undefined;
}

export interface ThreadData {
  /** The realm that owns the thread. */
  readonly owner: string;
  readonly pool: PoolData;
  readonly board: BoardMemory;
  readonly seat: number;
  /** The lanes that it takes tasks from: its own first, and with `steals` all others. */
  readonly lane: number;
  readonly steals: boolean;
  readonly trace: boolean;
}

export interface WorkerData extends ThreadData {
  /** The way to the owner: closed when the thread is gone, which the owner can tell. */
  readonly port: MessagePort;
}

const originMs = performance.timeOrigin;

/** One clock for all threads. */
export function now(): number {
  return originMs + performance.now();
}
