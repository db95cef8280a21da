// The pipe from the executor to the front: framed, so that every thread of the executor may write to it at any time and
// the front still sees whole writes, each with the thread and the cell that it belongs to.
//
//   byte 0  u32  length of the body that follows
//        4  u8   kind (FrameKind)
//        5  u8   1: this write goes on in a later frame of the same thread and kind
//        6  u16  thread id, low 16 bits
//        8  u32  cell: the run that the bytes belong to, 0 = none
//
// A body is at most 16 KiB, and a frame goes out in one write: on a Unix socket pair such a write is never torn.

import fs from "node:fs";

export const FrameKind = { stdout: 1, stderr: 2, message: 3 } as const;
export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind];

export interface Frame {
  kind: FrameKind;
  thread: number;
  cell: number;
  body: Buffer;
}

const HEADER = 12;
const MAX_BODY = 16 * 1024;

/** Writes frames to a file descriptor, synchronously: a thread that blocks right after printing has printed. */
export class FrameWriter {
  readonly #fd: number;
  readonly #thread: number;
  readonly #buffer = Buffer.allocUnsafe(HEADER + MAX_BODY);
  readonly #nap = new Int32Array(new SharedArrayBuffer(4));

  constructor(fd: number, thread: number) {
    this.#fd = fd;
    this.#thread = thread;
  }

  /** Waits (blocks) while the pipe is full: that is the back-pressure. */
  write(kind: FrameKind, data: string | Uint8Array, cell: number): void {
    if (typeof data === "string" && data.length * 3 <= MAX_BODY) {
      return this.#send(this.#buffer.write(data, HEADER), kind, 0, cell);
    }
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    for (let at = 0; at < bytes.byteLength; at += MAX_BODY) {
      const part = bytes.subarray(at, at + MAX_BODY);
      this.#buffer.set(part, HEADER);
      this.#send(part.byteLength, kind, at + part.byteLength < bytes.byteLength ? 1 : 0, cell);
    }
  }

  #send(length: number, kind: FrameKind, more: 0 | 1, cell: number): void {
    const frame = this.#buffer;
    frame.writeUInt32LE(length, 0);
    frame[4] = kind;
    frame[5] = more;
    frame.writeUInt16LE(this.#thread & 0xffff, 6);
    frame.writeUInt32LE(cell, 8);
    const end = HEADER + length;
    for (let at = 0; at < end;) {
      try {
        at += fs.writeSync(this.#fd, frame, at, end - at);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
        Atomics.wait(this.#nap, 0, 0, 1);
      }
    }
  }
}

/** Puts the chunks that arrive back together. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);
  readonly #parts = new Map<number, Buffer[]>();

  *read(chunk: Buffer): Generator<Frame> {
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    let at = 0;
    while (bytes.length - at >= HEADER) {
      const length = bytes.readUInt32LE(at);
      if (bytes.length - at < HEADER + length) break;
      const kind = bytes[at + 4] as FrameKind;
      const more = bytes[at + 5] === 1;
      const thread = bytes.readUInt16LE(at + 6);
      const cell = bytes.readUInt32LE(at + 8);
      const part = bytes.subarray(at + HEADER, at + HEADER + length);
      at += HEADER + length;
      const whole = this.#join(thread * 4 + kind, part, more);
      if (whole) yield { kind, thread, cell, body: whole };
    }
    this.#rest = at < bytes.length ? Buffer.from(bytes.subarray(at)) : Buffer.alloc(0);
  }

  // INVARIANT: the frames of one write come one after the other for a given thread and kind.
  #join(key: number, part: Buffer, more: boolean): Buffer | undefined {
    const before = this.#parts.get(key);
    if (!before && !more) return part;
    const parts = before ?? [];
    parts.push(Buffer.from(part));
    if (more) {
      this.#parts.set(key, parts);
      return undefined;
    }
    this.#parts.delete(key);
    return Buffer.concat(parts);
  }
}
