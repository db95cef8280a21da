// The pipe from the executor to the front: framed, so that every thread of the executor may write to it at any time and
// the front still sees whole writes, each with the thread and the cell that it belongs to.
//
//   byte 0  u32  length of the body that follows
//        4  u8   kind (FrameKind)
//        5  u8   bit 0: this write goes on in a later frame of the same thread and kind; bit 1: it began in an earlier one
//        6  u16  thread id, low 16 bits
//        8  u32  cell: the run that the bytes belong to, 0 = none
//
// A body is at most 16 KiB, and a frame goes out in one write: on a Unix socket pair such a write is never torn.

import fs from "node:fs";

/**
 * A message is the JSON of a Report. A display is the content of a display_data or an update_display_data message, which
 * the front passes on as it is. A buffer belongs to the next message of its thread, which says how many there are.
 */
export const FrameKind = { stdout: 1, stderr: 2, message: 3, buffer: 4, display: 5, update: 6 } as const;
export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind];

export interface Frame {
  kind: FrameKind;
  thread: number;
  cell: number;
  body: Buffer;
}

const GOES_ON = 1;
const WENT_BEFORE = 2;

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
    for (let at = 0; at === 0 || at < bytes.byteLength; at += MAX_BODY) {
      const part = bytes.subarray(at, at + MAX_BODY);
      this.#buffer.set(part, HEADER);
      const goesOn = at + part.byteLength < bytes.byteLength ? GOES_ON : 0;
      this.#send(part.byteLength, kind, goesOn | (at > 0 ? WENT_BEFORE : 0), cell);
    }
  }

  #send(length: number, kind: FrameKind, place: number, cell: number): void {
    const frame = this.#buffer;
    frame.writeUInt32LE(length, 0);
    frame[4] = kind;
    frame[5] = place;
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
  readonly #begun = new Map<number, Frame & { parts: Buffer[] }>();

  *read(chunk: Buffer): Generator<Frame> {
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    let at = 0;
    while (bytes.length - at >= HEADER) {
      const length = bytes.readUInt32LE(at);
      if (bytes.length - at < HEADER + length) break;
      const kind = bytes[at + 4] as FrameKind;
      const place = bytes[at + 5]!;
      const thread = bytes.readUInt16LE(at + 6);
      const cell = bytes.readUInt32LE(at + 8);
      const body = bytes.subarray(at + HEADER, at + HEADER + length);
      at += HEADER + length;
      yield* this.#join({ kind, thread, cell, body }, place);
    }
    this.#rest = at < bytes.length ? Buffer.from(bytes.subarray(at)) : Buffer.alloc(0);
  }

  // INVARIANT: the frames of one write come one after the other for a given thread and kind. The last of them may be
  // missing, where an interrupt has ended the writing code between two frames.
  *#join(frame: Frame, place: number): Generator<Frame> {
    const key = frame.thread * 8 + frame.kind;
    const begun = this.#begun.get(key);
    this.#begun.delete(key);
    const goesBefore = (place & WENT_BEFORE) !== 0 ? begun : undefined;
    // Text that got through is shown; a torn message means nothing.
    if (begun && !goesBefore && begun.kind <= FrameKind.stderr) yield { ...begun, body: Buffer.concat(begun.parts) };
    if ((place & GOES_ON) !== 0) {
      const parts = goesBefore?.parts ?? [];
      parts.push(Buffer.from(frame.body));
      this.#begun.set(key, { ...frame, parts });
    } else {
      yield goesBefore ? { ...frame, body: Buffer.concat([...goesBefore.parts, frame.body]) } : frame;
    }
  }
}
