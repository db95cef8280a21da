// The words of a ring in shared memory: the line of the head, where the cells of each lane are, and the tags, one for each
// slot. What they mean is told in ring.ts.

import { load, replace, type Words } from "../atomics.ts";
import { LINE, type ChannelMemory } from "./memory.ts";

export const MAX_LANES = 1024;

// A tag: 19 bits of lap, 3 of kind, 10 of lane.
export const LAP_AT = 13;
export const KIND_AT = 10;
export const LANE_MASK = MAX_LANES - 1;
export const KIND_MASK = 7;
/** Kind and lane; of a number that is its lane. */
export const MESSAGE_MASK = (1 << LAP_AT) - 1;

/** What a message is. The lane of an END says how it ends: 0 for closed, 1 for continued in the next ring. */
export const Kind = { number: 0, word: 1, bytes: 2, end: 3, gone: 4 } as const;
export const CLOSED = 0;
export const MOVED = 1;

/** What `peek` finds, beside a kind; what `put` comes to. */
export const NOTHING = -1;
export const FULL = -1;
export const DONE = -2;

export const HEAD = 0;
/**
 * Where all messages of the ring have been numbers of one lane, that one plus 1; 0 before any has been. Who sends anything
 * else changes it first, for good: then who receives looks into each tag.
 */
export const SOURCE = 1;
export const MIXED = -1;

const CELLS_AT = LINE;
const TAGS_AT = CELLS_AT + MAX_LANES;

export class RingWords {
  readonly slots: number;
  readonly capacity: number;
  protected readonly memory: ChannelMemory;
  protected readonly headLine: Words;
  protected readonly cellsAt: Words;
  protected readonly tags: Words;
  protected readonly mask: number;
  protected readonly shift: number;
  protected readonly lapMask: number;
  /** By lane, twice the same memory. */
  protected readonly numbers: Float64Array<SharedArrayBuffer>[] = [];
  protected readonly words: Int32Array<SharedArrayBuffer>[] = [];

  static byteLength(slots: number): number {
    return (TAGS_AT + slots) * 4;
  }

  /** How many slots a ring of this capacity has: one more at least, for its end. */
  static slotsFor(capacity: number): number {
    return Math.max(256, 2 ** Math.ceil(Math.log2(capacity + 1)));
  }

  /** @param at where byteLength(slots) bytes are, zeroed when the ring is made */
  constructor(memory: ChannelMemory, at: number, capacity: number) {
    this.slots = RingWords.slotsFor(capacity);
    this.capacity = capacity;
    this.memory = memory;
    this.headLine = new Int32Array(memory.buffer, at, LINE);
    this.cellsAt = new Int32Array(memory.buffer, at + CELLS_AT * 4, MAX_LANES);
    this.tags = new Int32Array(memory.buffer, at + TAGS_AT * 4, this.slots);
    this.mask = this.slots - 1;
    this.shift = Math.log2(this.slots);
    // So that laps and positions start again at the same time.
    this.lapMask = 2 ** Math.min(32 - LAP_AT, 32 - this.shift) - 1;
  }

  get head(): number {
    return load(this.headLine, HEAD);
  }

  /** Of the message that goes to this position: kind and lane in their places. */
  protected tagOf(position: number, message: number): number {
    return ((((position >>> this.shift) + 1) & this.lapMask) << LAP_AT) | message;
  }

  protected ownCells(lane: number): Float64Array<SharedArrayBuffer> {
    // Only the thread that has the lane comes here.
    if (load(this.cellsAt, lane) === 0) {
      const at = this.memory.allocate(this.slots * 8);
      replace(this.cellsAt, lane, 0, at / 8);
    }
    return this.cellsOf(lane);
  }

  protected cellsOf(lane: number): Float64Array<SharedArrayBuffer> {
    const at = load(this.cellsAt, lane) * 8;
    this.words[lane] = new Int32Array(this.memory.buffer, at, this.slots * 2);
    return (this.numbers[lane] = new Float64Array(this.memory.buffer, at, this.slots));
  }

  protected isFilled(position: number): boolean {
    const tag = load(this.tags, position & this.mask);
    return tag >>> LAP_AT === (((position >>> this.shift) + 1) & this.lapMask);
  }

  /** How many messages wait, at a moment of this call. */
  get length(): number {
    for (let tries = 8; ; tries--) {
      const head = load(this.headLine, HEAD);
      let [low, high] = [0, this.slots];
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (this.isFilled((head + middle) | 0)) low = middle + 1;
        else high = middle;
      }
      const last = low === 0 ? 0 : load(this.tags, (head + low - 1) & this.mask);
      const isEnd = low > 0 && ((last >>> KIND_AT) & KIND_MASK) === Kind.end;
      if (load(this.headLine, HEAD) === head || tries === 0) return isEnd ? low - 1 : low;
    }
  }
}
