// A thread that sends on a channel: its number there, and its memory for messages that are not numbers. A message's bytes
// are free again when the head of its ring is past it, in the order of sending; where the oldest are still needed and
// there is no room, the lane gets a region twice as large.

import { load, replace, store, type Words } from "../atomics.ts";
import { BraidError, ChannelFullError } from "../errors.ts";
import { LINE, type ChannelMemory } from "./memory.ts";
import { MAX_LANES, type Ring } from "./ring.ts";

const FIRST_BYTES = 4096;

// What a lane's record holds, for who has the lane next.
const REGION_AT = 0;
const REGION_LINES = 1;
const LAST_RING = 2;
const LAST_POSITION = 3;

/** The word of a lane: where its record is, in lines, and whether a thread has it. */
const TAKEN = 1;

export class Lane {
  readonly number: number;
  readonly #memory: ChannelMemory;
  readonly #record: Words;
  /** Of its region, in bytes from the beginning of the memory. */
  #at: number;
  #size: number;
  #write = 0;
  // Of the messages under way, the oldest at #oldest: which ring, where there, and where their bytes begin.
  #rings: Ring[] = [];
  #positions: number[] = [];
  #starts: number[] = [];
  #oldest = 0;
  /** How many messages it has begun. */
  begun = 0;

  private constructor(memory: ChannelMemory, number: number, record: Words) {
    this.#memory = memory;
    this.number = number;
    this.#record = record;
    this.#at = record[REGION_AT]! * LINE * 4;
    this.#size = record[REGION_LINES]! * LINE * 4;
  }

  /** @param table where MAX_LANES words are */
  static take(memory: ChannelMemory, table: number, ringAt: (index: number) => Ring): Lane {
    for (let n = 0; n < MAX_LANES; n++) {
      const word = load(memory.words, table + n);
      if ((word & TAKEN) !== 0) continue;
      const at = word === 0 ? memory.allocate(LINE * 4) : (word >> 1) * LINE * 4;
      if (!replace(memory.words, table + n, word, ((at / LINE / 4) << 1) | TAKEN)) continue;
      const record = new Int32Array(memory.buffer, at, LINE);
      // Its last message may still be on its way.
      if (record[REGION_LINES]! > 0 && !ringAt(record[LAST_RING]!).isPast(record[LAST_POSITION]!))
        record[REGION_LINES] = 0;
      return new Lane(memory, n, record);
    }
    throw new BraidError(
      "ERR_BRAID_CHANNEL_SENDERS",
      `At most ${MAX_LANES} threads can send on one channel; those that were terminated in it count.`,
    );
  }

  /** What another thread needs to go on with it. */
  static release(words: Words, table: number, number: number): void {
    store(words, table + number, load(words, table + number) & ~TAKEN);
  }

  /** Where so many bytes can be written: from the beginning of the memory, a multiple of 8. Asked again, the same. */
  reserve(byteLength: number): number {
    const length = (byteLength + 7) & ~7;
    // An interrupt came between: what became of the last is not known.
    if (this.#starts.length !== this.#rings.length) this.#enlarge(length);
    for (;;) {
      const isEmpty = this.#oldest === this.#starts.length;
      const read = isEmpty ? 0 : this.#starts[this.#oldest]!;
      if (isEmpty) this.#write = 0;
      if (isEmpty || this.#write > read) {
        if (this.#write + length <= this.#size) return this.#at + this.#write;
        if (length < read) {
          this.#write = 0;
          return this.#at;
        }
      } else if (this.#write + length < read) return this.#at + this.#write;
      if (isEmpty || !this.#rings[this.#oldest]!.isPast(this.#positions[this.#oldest]!)) this.#enlarge(length);
      else this.#forget();
    }
  }

  /** The same; -1 where the channel's memory has no more. */
  reserveIfAny(byteLength: number): number {
    try {
      return this.reserve(byteLength);
    } catch (error) {
      if (error instanceof ChannelFullError) return -1;
      throw error;
    }
  }

  /** What was reserved is about to be sent: from now on it is kept, whatever becomes of this thread's code. */
  begin(at: number, byteLength: number): void {
    this.begun++;
    this.#starts.push(at - this.#at);
    this.#write = at - this.#at + ((byteLength + 7) & ~7);
  }

  /** It has been sent. */
  done(ring: Ring, ringIndex: number): void {
    this.#rings.push(ring);
    this.#positions.push(ring.position);
    this.#record[LAST_RING] = ringIndex;
    this.#record[LAST_POSITION] = ring.position;
  }

  /** It has not. */
  cancel(): void {
    this.#write = this.#starts.pop()!;
  }

  #forget(): void {
    if (++this.#oldest < 1024 || this.#oldest * 2 < this.#starts.length) return;
    this.#rings = this.#rings.slice(this.#oldest);
    this.#positions = this.#positions.slice(this.#oldest);
    this.#starts = this.#starts.slice(this.#oldest);
    this.#oldest = 0;
  }

  #enlarge(length: number): void {
    const size = 2 ** Math.ceil(Math.log2(Math.max(FIRST_BYTES, this.#size * 2, length * 2)));
    let got = size;
    let at: number;
    try {
      at = this.#memory.allocate(size);
    } catch (error) {
      // The last bit of memory.
      if (length >= size / 4) throw error;
      at = this.#memory.allocate((got = Math.max(FIRST_BYTES, length * 2)));
    }
    this.#memory.reach(at + got);
    [this.#at, this.#size, this.#write] = [at, got, 0];
    [this.#rings, this.#positions, this.#starts, this.#oldest] = [[], [], [], 0];
    this.#record[REGION_AT] = at / LINE / 4;
    this.#record[REGION_LINES] = got / LINE / 4;
  }
}
