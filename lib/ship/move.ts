// move(): a mark on a value that its next shipping transfers it instead of copying.

import { isMarkedAsUntransferable, MessagePort } from "node:worker_threads";
import { types } from "node:util";
import { inLibrary } from "../library.ts";

const marked = new WeakSet<object>();

/**
 * Marks a value to be transferred when it is next shipped: it arrives as the same kind of value without being copied,
 * and the sender's is empty from then on (an ArrayBuffer and the arrays over it have length 0).
 *
 * Takes an ArrayBuffer, a typed array or DataView over one (all of its buffer moves), a MessagePort, a stream or a
 * FileHandle. Waits: never. Cost: none here; a transfer costs microseconds whatever the size.
 * Throws TypeError for anything else, and for an array over shared memory, which both sides see without moving it.
 * Gotcha: what a `pool.map` function captures goes to several threads and can't be moved.
 */
export function move<T extends object>(value: T): T {
  const buffer: unknown = ArrayBuffer.isView(value) ? value.buffer : value;
  if (types.isSharedArrayBuffer(buffer))
    throw new TypeError("move() got an array over shared memory, which every thread already sees: send it as it is.");
  const streams = [globalThis.ReadableStream, globalThis.WritableStream, globalThis.TransformStream];
  const transferable =
    types.isAnyArrayBuffer(buffer) ||
    value instanceof MessagePort ||
    streams.some((kind) => value instanceof kind) ||
    (value as object | null)?.constructor?.name === "FileHandle";
  if (!transferable)
    throw new TypeError(
      `move() expects an ArrayBuffer, a typed array or a MessagePort, got ${nameOf(value)}: leave move() out to send a copy.`,
    );
  if (isMarkedAsUntransferable(buffer as object))
    throw new TypeError(
      "move() got a Buffer of Node's common memory, which can't be transferred: copy it into a Uint8Array first.",
    );
  if ((buffer as { detached?: boolean }).detached)
    throw new TypeError("move() got an array that has been moved already: it is empty here.");
  marked.add(value);
  return value;
}

export function isMoved(value: object): boolean {
  return marked.has(value);
}

function nameOf(value: unknown): string {
  if (value === null || typeof value !== "object") return typeof value === "function" ? "a function" : String(value);
  return `an object of class ${value.constructor?.name ?? "null"}`;
}

inLibrary(import.meta.url, { move });
