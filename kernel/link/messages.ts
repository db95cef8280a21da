// What the front and the executor say to each other. Commands go down a pipe of JSON lines (file descriptor 3) that the
// control thread owns; reports come up the framed pipe (file descriptor 4), answers of the control thread on 3.

import type { MimeBundle } from "../../lib/host.ts";

export const COMMAND_FD = 3;
export const REPORT_FD = 4;

export interface ExecuteCommand {
  type: "execute";
  /** Numbers the executions of one kernel. */
  run: number;
  /** The cell's name in stack traces. */
  file: string;
  /** Runs first: function declarations. */
  declarations?: string;
  body?: string;
  showsValue: boolean;
  /** Every name that the cell declares, and where those come from that it imports. */
  names: { name: string; specifier?: string; exported?: string }[];
  /** The request's user_expressions, compiled: evaluated when the cell has ended well. */
  expressions?: Record<string, string>;
}

/** What happens on a comm, in either direction. Buffers travel beside it: see CommCommand and FrameKind.buffer. */
export interface CommEvent {
  event: "open" | "message" | "close";
  id: string;
  /** Of "open" only. */
  target?: string;
  data: Record<string, unknown>;
  metadata?: Record<string, unknown>;
}

/** A front end did something with a comm; `run` is what its callbacks print under. Buffers in base64. */
export interface CommCommand extends CommEvent {
  type: "comm";
  run: number;
  buffers: string[];
}

/** Front to executor. */
export type Command = ExecuteCommand | CommCommand | { type: "interrupt" } | { type: "input"; value: string | null };

export interface CellError {
  status: "error";
  ename: string;
  evalue: string;
  /** First the summary, then one line a frame; lines and columns are those of the compiled cell. */
  traceback: string[];
}

/** A value as it is shown. */
export interface Shown {
  status: "ok";
  data?: MimeBundle;
  metadata?: Record<string, unknown>;
}

export type Outcome = (Shown & { expressions?: Record<string, Shown | CellError> }) | CellError;

/** Executor to front, in the same pipe as the output, so that their order is that of the program. */
export type Report =
  | { type: "ready" }
  | { type: "result"; run: number; outcome: Outcome }
  | { type: "clear"; wait: boolean }
  | ({ type: "comm"; buffers: number } & CommEvent)
  /** The executor takes (or no longer takes) comms that a front end opens for this target. */
  | { type: "comm_target"; target: string; open: boolean }
  /** What type errors do from the next cell on. */
  | { type: "type_check"; check: "error" | "warn" | "off" }
  /** The callbacks of a CommCommand have returned. */
  | { type: "comm_done"; run: number }
  | { type: "input"; prompt: string; password: boolean };

/** Control thread to front. */
export type Answer = { type: "interrupted"; afterMs: number; terminations: number } | { type: "stuck" };
