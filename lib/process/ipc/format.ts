// Messages in a stream of bytes: where one ends and the next begins.

import { IpcError } from "../../errors.ts";
import { checkChoice } from "../../checks.ts";

/**
 * How messages stand in the stream.
 * - "json": any JSON value, one a line.
 * - "text": strings, one a line: what programs in other languages read and print.
 * - "bytes": Uint8Array, each behind its length (32 bits, little-endian).
 */
export type Format = "json" | "text" | "bytes";

/** The messages of a format; JSON is not looked at. */
export type MessageOf<F extends Format> = F extends "text" ? string : F extends "bytes" ? Uint8Array : unknown;

export interface Decoder {
  /** The messages that are complete with this. */
  push(chunk: Buffer): Iterable<unknown>;
  /** The stream has ended: a last line may have no end. Throws IpcError where a message is torn. */
  end(): Iterable<unknown>;
}

const LENGTH_BYTES = 4;
const LINE_END = 0x0a;
/** Of what Node reads from a stream at a time. */
const LARGEST_PIECE = 1 << 16;

export function checkFormat(format: Format): Format {
  checkChoice("format", format, ["json", "text", "bytes"]);
  return format;
}

export function encodeMessage(format: Format, message: unknown): Buffer {
  if (format === "bytes") {
    if (!(message instanceof Uint8Array))
      throw new TypeError(`Expected a message to be a Uint8Array, got ${show(message)}.`);
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt32LE(message.byteLength);
    return Buffer.concat([length, message]);
  }
  if (format === "text" && typeof message !== "string")
    throw new TypeError(`Expected a message to be a string, got ${show(message)}.`);
  const line = format === "text" ? (message as string) : (JSON.stringify(message) as string | undefined);
  if (line === undefined) throw new TypeError(`Expected a message to be a JSON value, got ${show(message)}.`);
  if (line.includes("\n")) throw new RangeError('Expected a message to be one line, got several: use format "json".');
  return Buffer.from(`${line}\n`);
}

export function decoderOf(format: Format): Decoder {
  return format === "bytes" ? new Frames() : new Lines(format === "json" ? parse : (line) => line);
}

function show(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "an array" : typeof value;
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new IpcError(`A line that came is no JSON: ${JSON.stringify(line.slice(0, 80))}.`, { cause });
  }
}

/** What has come and is no whole message yet: in pieces, because a large one comes in thousands of them. */
class Pieces {
  #pieces: Buffer[] = [];
  length = 0;

  push(piece: Buffer): void {
    this.#pieces.push(piece);
    this.length += piece.length;
  }

  take(): Buffer {
    const all = this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces, this.length);
    this.#pieces = [];
    this.length = 0;
    return all;
  }
}

class Lines implements Decoder {
  readonly #made: (line: string) => unknown;
  readonly #begun = new Pieces();

  constructor(made: (line: string) => unknown) {
    this.#made = made;
  }

  *push(chunk: Buffer): Generator<unknown> {
    let from = 0;
    for (let at = chunk.indexOf(LINE_END); at >= 0; at = chunk.indexOf(LINE_END, from)) {
      this.#begun.push(chunk.subarray(from, at));
      from = at + 1;
      yield this.#made(this.#begun.take().toString().replace(/\r$/, ""));
    }
    if (from < chunk.length) this.#begun.push(chunk.subarray(from));
  }

  *end(): Generator<unknown> {
    if (this.#begun.length > 0) yield this.#made(this.#begun.take().toString());
  }
}

/** What came in one piece is a part of something larger, which it must not keep alive; a larger message was put together. */
function ownBytes(bytes: Buffer): Uint8Array {
  if (bytes.length <= LARGEST_PIECE) return new Uint8Array(bytes);
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

class Frames implements Decoder {
  readonly #begun = new Pieces();
  /** Of the message that has begun, with its length; undefined while even that is not complete. */
  #wanted = LENGTH_BYTES;
  #isLength = true;

  *push(chunk: Buffer): Generator<unknown> {
    let from = 0;
    while (from < chunk.length || this.#begun.length === this.#wanted) {
      const piece = chunk.subarray(from, from + this.#wanted - this.#begun.length);
      from += piece.length;
      this.#begun.push(piece);
      if (this.#begun.length < this.#wanted) break;
      const whole = this.#begun.take();
      if (this.#isLength) this.#wanted = whole.readUInt32LE();
      else {
        this.#wanted = LENGTH_BYTES;
        yield ownBytes(whole);
      }
      this.#isLength = !this.#isLength;
    }
  }

  end(): unknown[] {
    if (this.#begun.length > 0 || !this.#isLength)
      throw new IpcError("The other side ended in the middle of a message.");
    return [];
  }
}
