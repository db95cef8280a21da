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
}

/** Front to executor. */
export type Command = ExecuteCommand | { type: "interrupt" } | { type: "input"; value: string | null };

export interface CellError {
  status: "error";
  ename: string;
  evalue: string;
  /** First the summary, then one line a frame; lines and columns are those of the compiled cell. */
  traceback: string[];
}

export type Outcome = { status: "ok"; data?: MimeBundle; metadata?: Record<string, unknown> } | CellError;

/** Executor to front, in the same pipe as the output, so that their order is that of the program. */
export type Report =
  | { type: "ready" }
  | { type: "result"; run: number; outcome: Outcome }
  | { type: "display"; data: MimeBundle; metadata?: Record<string, unknown>; id?: string; update?: boolean }
  | { type: "clear"; wait: boolean }
  | { type: "input"; prompt: string; password: boolean };

/** Control thread to front. */
export type Answer = { type: "interrupted"; afterMs: number; terminations: number } | { type: "stuck" };
