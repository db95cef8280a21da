// The memory of a channel: one piece that all its threads see and that grows in place. What is allocated stays; it goes
// when nobody has the channel any more.

import { constrainedMemory } from "node:process";
import { totalmem } from "node:os";
import { load, replace, type Words } from "../atomics.ts";
import { ChannelFullError } from "../errors.ts";

/** Words of 128 bytes: what different threads write is further apart. */
export const LINE = 32;
const PAGE = 2 ** 16;
/** The word that says how much is allocated, in lines. */
const END = 0;

/** A channel must not be what the process dies of. */
function limit(): number {
  const most = Math.min(totalmem(), constrainedMemory() || Infinity);
  return Math.min(2 ** 31 - PAGE, Math.max(2 ** 26, Math.floor(most / 4 / PAGE) * PAGE));
}

let limitBytes: number | undefined;

/** Memory in the two ways in which messages are written and read. */
export class View {
  readonly buffer: SharedArrayBuffer;
  /** Their slice() is no copy. */
  readonly bytes: Buffer<SharedArrayBuffer>;
  readonly data: DataView<SharedArrayBuffer>;

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.bytes = Buffer.from(buffer, 0, buffer.byteLength);
    this.data = new DataView(buffer, 0, this.bytes.length);
  }
}

export class ChannelMemory {
  readonly buffer: SharedArrayBuffer;
  /** The first of them belong to whoever made the memory. */
  readonly words: Words;
  /** As far as it reached when this thread last looked. */
  view: View;

  constructor(buffer: SharedArrayBuffer, words: number) {
    this.buffer = buffer;
    this.words = new Int32Array(buffer, 0, words);
    this.view = new View(buffer);
  }

  get bytes(): Buffer<SharedArrayBuffer> {
    return this.view.bytes;
  }

  /** With so many words for its maker, zeroed, and room for so many bytes; it grows by so many at most. */
  static make(words: number, room: number, mostBytes?: number): ChannelMemory {
    const lines = Math.ceil(words / LINE);
    const byteLength = lines * LINE * 4 + room;
    limitBytes ??= limit();
    let buffer: SharedArrayBuffer;
    try {
      buffer = new SharedArrayBuffer(byteLength, { maxByteLength: byteLength + (mostBytes ?? limitBytes) });
    } catch (cause) {
      throw new RangeError(`A channel can't get ${byteLength} bytes of shared memory: ${(cause as Error).message}.`, {
        cause,
      });
    }
    const memory = new ChannelMemory(buffer, words);
    memory.words[END] = lines;
    return memory;
  }

  /** Where so many zeroed bytes are. They begin on a line. */
  allocate(byteLength: number): number {
    const lines = Math.ceil(byteLength / (LINE * 4));
    for (;;) {
      const at = load(this.words, END);
      this.#grow((at + lines) * LINE * 4);
      if (replace(this.words, END, at, at + lines)) return at * LINE * 4;
    }
  }

  /** Makes the view reach that far. */
  reach(end: number): void {
    if (end > this.view.bytes.length) this.view = new View(this.buffer);
  }

  #grow(end: number): void {
    while (this.buffer.byteLength < end) {
      const wanted = Math.max(end, this.buffer.byteLength * 1.5);
      try {
        if (end > this.buffer.maxByteLength) throw new RangeError("that is all it may have");
        this.buffer.grow(Math.min(this.buffer.maxByteLength, Math.ceil(wanted / PAGE) * PAGE));
      } catch (cause) {
        // Another thread may have made it longer.
        if (this.buffer.byteLength < end)
          throw new ChannelFullError(
            `The channel holds as much as its memory takes: ${this.buffer.byteLength} bytes, ${(cause as Error).message}.`,
            { cause },
          );
      }
    }
  }
}
