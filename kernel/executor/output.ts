// Everything this thread prints goes straight to the front, framed and tagged with its cell: also while the main thread
// is blocked, which Node's own stdout of a worker would wait for.

import { threadId } from "node:worker_threads";
import type { MimeBundle } from "../../lib/host.ts";
import { FrameKind, FrameWriter } from "../link/frames.ts";
import { REPORT_FD, type Report } from "../link/messages.ts";
import { currentRun } from "./origin.ts";

let frames = new FrameWriter(REPORT_FD, threadId);

/** Blocks while the front is behind. `run` says which cell it belongs to, by default the current one. */
export function report(message: Report, run = currentRun(), buffers: readonly Uint8Array[] = []): void {
  const text = JSON.stringify(message);
  for (const buffer of buffers) frames.write(FrameKind.buffer, buffer, run);
  frames.write(FrameKind.message, text, run);
}

export interface DisplayOptions {
  metadata?: Record<string, unknown>;
  id?: string;
  update?: boolean;
}

/** Shows a bundle under the current cell. Throws what JSON.stringify throws. */
export function reportDisplay(data: MimeBundle, { metadata = {}, id, update }: DisplayOptions = {}): void {
  const content = JSON.stringify({ data, metadata, transient: id === undefined ? {} : { display_id: id } });
  frames.write(update ? FrameKind.update : FrameKind.display, content, currentRun());
}

export function printError(text: string, run = currentRun()): void {
  frames.write(FrameKind.stderr, text, run);
}

/** @param isChild this is a process of tasks: its threads take their numbers from the upper half */
export function captureOutput(isChild: boolean): void {
  if (isChild) frames = new FrameWriter(REPORT_FD, 0x8000 + ((process.pid * 32 + threadId) & 0x7fff));
  capture(process.stdout, FrameKind.stdout);
  capture(process.stderr, FrameKind.stderr);
}

type WriteCallback = (error?: Error | null) => void;

function capture(stream: NodeJS.WriteStream, kind: FrameKind): void {
  stream.write = (
    data: string | Uint8Array,
    encoding?: BufferEncoding | WriteCallback,
    callback?: WriteCallback,
  ): boolean => {
    const text = typeof data === "string" && typeof encoding === "string" && encoding !== "utf8";
    frames.write(kind, text ? Buffer.from(data, encoding) : data, currentRun());
    const done = typeof encoding === "function" ? encoding : callback;
    if (done) process.nextTick(done);
    return true;
  };
}
