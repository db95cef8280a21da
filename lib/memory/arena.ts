// Arena: an allocator over one piece of shared memory, for all threads.
//
// Blocks are powers of two of LINE bytes, kept by buddies.ts. What is known of a block stands beside the memory, not in
// it, so that writing past the end of one harms the data of another but not the allocator:
//   data · status of the tree (bytes) · level of the block that starts at a line (bytes) · its length (words) · counters

import { add, load, replace, store, type Bytes, type Words } from "../atomics.ts";
import { checkInteger } from "../checks.ts";
import { ArenaFullError } from "../errors.ts";
import { inLibrary, ship, unship } from "../library.ts";
import { SharedObjects } from "../shared-objects.ts";
import { Buddies, levelOf } from "./buddies.ts";
import type { Numbers } from "./shared.ts";

/** A cache line: blocks of two threads never share one. */
const LINE = 64;
const MAX_BYTES = 2 ** 30;

const [LIVE, PEAK, BLOCKS, RESERVED, GIVEN, MARK] = [0, 1, 2, 3, 4, 5] as const;
/** Random numbers by which the memory is known again when it comes as another SharedArrayBuffer object. */
const MARK_WORDS = 4;
const COUNTERS = MARK + MARK_WORDS;

/** In the table of lengths, in place of a length + 1. */
const FREED = -1;

interface Shipped {
  readonly id: string;
  readonly buffer: SharedArrayBuffer;
  readonly byteLength: number;
}

export interface ArenaStats {
  byteLength: number;
  /** What was asked for and not freed. */
  liveBytes: number;
  /** The most that `liveBytes` has been. */
  peakBytes: number;
  /** What the live blocks take, rounded up. */
  reservedBytes: number;
  blocks: number;
}

type Views<A> = (new (buffer: SharedArrayBuffer, byteOffset: number, length: number) => A) & {
  readonly BYTES_PER_ELEMENT: number;
};

const known = new SharedObjects<Arena>();

/**
 * Memory that all threads allocate from and free in, with exact counts. Captured by a task, or sent to one, it is the
 * same arena there; a view may be freed by another thread than the one that allocated it.
 *
 * Waits: never, it has no lock. Order: as `shared`; the counts are exact, each moves when its block does.
 * Units: bytes. A block starts on a cache line and takes a power of two of 64 bytes, so 20 bytes take 64, and 65 take
 * 128; the tables take an eighth more. A new block is zeroed.
 * Throws ArenaFullError where no block is free, naming what was asked and what is free; TypeError on freeing what this
 * arena did not give or what is freed already. A view that is used after it was freed can't be caught.
 * A thread that dies keeps what it had allocated; one that dies inside `alloc` or `free` may lose that block for good.
 * Cost: 1 to 3 us, and the zeroing. An arena that is nearly full of small blocks is searched block by block.
 * When to use: many buffers shared by threads that come and go, without one SharedArrayBuffer each.
 * @example
 * const arena = new Arena(1 << 20);
 * const five = arena.alloc(Int32Array, 5);
 * console.log(arena.stats().liveBytes); // 20
 * arena.free(five); // 0 again, peakBytes stays 20
 */
export class Arena {
  readonly byteLength: number;
  readonly #id: string;
  readonly #buffer: SharedArrayBuffer;
  readonly #levels: Bytes;
  readonly #lengths: Words;
  readonly #counters: Words;
  readonly #buddies: Buddies;
  /** Views that were freed here: their place may be another's now. */
  readonly #freed = new WeakSet<object>();

  /** @param byteLength from 64 to 2 ** 30, rounded up to a multiple of 64 */
  constructor(byteLength: number);
  constructor(from: number | Shipped) {
    const isNew = typeof from !== "object" || from === null;
    const lines = Math.ceil((isNew ? checkInteger("byteLength", from, LINE, MAX_BYTES) : from.byteLength) / LINE);
    const leaves = powerOfTwo(lines);
    this.byteLength = lines * LINE;
    const [statusAt, levelsAt] = [this.byteLength, this.byteLength + 2 * leaves];
    const lengthsAt = Math.ceil((levelsAt + lines) / 4) * 4;
    const countersAt = lengthsAt + lines * 4;
    this.#buffer = isNew ? allocate(countersAt + COUNTERS * 4) : from.buffer;
    this.#levels = new Uint8Array(this.#buffer, levelsAt, lines);
    this.#lengths = new Int32Array(this.#buffer, lengthsAt, lines);
    this.#counters = new Int32Array(this.#buffer, countersAt, COUNTERS);
    this.#buddies = new Buddies(new Uint8Array(this.#buffer, statusAt, 2 * leaves), this.#counters, GIVEN);
    if (isNew) {
      this.#buddies.cut(lines);
      for (let i = 0; i < MARK_WORDS; i++) this.#counters[MARK + i] = Math.floor(Math.random() * 2 ** 32);
    }
    this.#id = known.add(this, isNew ? undefined : from.id);
  }

  /** A zeroed typed array of so many elements. */
  alloc<A extends Numbers>(type: Views<A>, length: number): A;
  /** So many zeroed bytes, at a multiple of `align`, which is a power of two. */
  alloc(byteLength: number, align?: number): Uint8Array<SharedArrayBuffer>;
  alloc(what: number | Views<Numbers>, lengthOrAlign = 1): Numbers {
    if (typeof what !== "number") {
      const size = elementSize(what);
      const length = checkInteger("length", lengthOrAlign, 0, MAX_BYTES / size);
      return new what(this.#buffer, this.#alloc(length * size, size), length);
    }
    checkInteger("byteLength", what, 0, MAX_BYTES);
    checkInteger("align", lengthOrAlign, 1, MAX_BYTES);
    if (powerOfTwo(lengthOrAlign) !== lengthOrAlign)
      throw new RangeError(`Expected align to be a power of two, got ${lengthOrAlign}.`);
    return new Uint8Array(this.#buffer, this.#alloc(what, lengthOrAlign), what);
  }

  #alloc(byteLength: number, align: number): number {
    const lines = powerOfTwo(Math.ceil(Math.max(byteLength, align, 1) / LINE));
    const level = this.#buddies.depth - levelOf(lines);
    const node = level < 0 ? 0 : this.#buddies.take(level);
    if (node === 0) {
      const free = this.byteLength - load(this.#counters, RESERVED);
      throw new ArenaFullError({ asked: byteLength, free, largest: this.#buddies.largest() * LINE });
    }
    const line = (node - (1 << level)) * lines;
    new Uint8Array(this.#buffer, line * LINE, byteLength).fill(0);
    add(this.#counters, BLOCKS, 1);
    add(this.#counters, RESERVED, lines * LINE);
    const live = add(this.#counters, LIVE, byteLength) + byteLength;
    for (let peak = load(this.#counters, PEAK); peak < live; peak = load(this.#counters, PEAK))
      replace(this.#counters, PEAK, peak, live);
    this.#levels[line] = level;
    store(this.#lengths, line, byteLength + 1);
    return line * LINE;
  }

  /** Gives a block back, by the view that `alloc` gave or another of the same bytes. */
  free(view: ArrayBufferView): void {
    if (!ArrayBuffer.isView(view) || !this.#isOwn(view.buffer))
      throw new TypeError("Expected free() to get a view that this arena has given, got something else.");
    const line = view.byteOffset / LINE;
    const length = Number.isInteger(line) && line < this.#lengths.length ? load(this.#lengths, line) : 0;
    if (length === FREED || this.#freed.has(view))
      throw new TypeError(
        `Expected free() to get a view that is allocated, got one at ${view.byteOffset} freed before.`,
      );
    if (length !== view.byteLength + 1)
      throw new TypeError(
        `Expected free() to get a view as alloc() gave it, got ${view.byteLength} bytes at ${view.byteOffset} of the arena.`,
      );
    const level = this.#levels[line]!;
    // Of two threads that free the same, one.
    if (!replace(this.#lengths, line, length, FREED))
      throw new TypeError(
        `Expected free() to get a view that is allocated, got one at ${view.byteOffset} freed before.`,
      );
    this.#freed.add(view);
    const lines = 1 << (this.#buddies.depth - level);
    add(this.#counters, LIVE, -view.byteLength);
    add(this.#counters, RESERVED, -lines * LINE);
    add(this.#counters, BLOCKS, -1);
    this.#buddies.give((1 << level) + line / lines);
  }

  /** The counts now. Each is exact; while others allocate they may be of different moments. */
  stats(): ArenaStats {
    const of = (counter: number): number => load(this.#counters, counter);
    return {
      byteLength: this.byteLength,
      liveBytes: of(LIVE),
      peakBytes: of(PEAK),
      reservedBytes: of(RESERVED),
      blocks: of(BLOCKS),
    };
  }

  /** The same memory may come by different messages as different objects. */
  #isOwn(buffer: ArrayBufferLike): boolean {
    if (buffer === this.#buffer) return true;
    if (!(buffer instanceof SharedArrayBuffer) || buffer.byteLength !== this.#buffer.byteLength) return false;
    const counters = new Int32Array(buffer, this.#counters.byteOffset, COUNTERS);
    return counters.subarray(MARK).every((word, i) => word === this.#counters[MARK + i]);
  }

  static [unship](data: Shipped): Arena {
    return known.find(data.id) ?? new (Arena as unknown as new (data: Shipped) => Arena)(data);
  }

  [ship](): { module: string; export: string; data: Shipped } {
    const data = { id: this.#id, buffer: this.#buffer, byteLength: this.byteLength };
    return { module: import.meta.url, export: "Arena", data };
  }
}

/** The next one: 1 for 0 and 1. */
function powerOfTwo(n: number): number {
  return n <= 1 ? 1 : 2 ** (32 - Math.clz32(n - 1));
}

function elementSize(type: Views<Numbers>): number {
  const size: unknown = (type as Partial<Views<Numbers>> | undefined)?.BYTES_PER_ELEMENT;
  if (typeof type !== "function" || typeof size !== "number")
    throw new TypeError(
      `Expected alloc() to get a number of bytes or a typed array class such as Int32Array, got ${typeof type}.`,
    );
  return size;
}

function allocate(byteLength: number): SharedArrayBuffer {
  try {
    return new SharedArrayBuffer(byteLength);
  } catch (cause) {
    throw new RangeError(`Arena can't get ${byteLength} bytes of shared memory: ${(cause as Error).message}.`, {
      cause,
    });
  }
}

inLibrary(import.meta.url, { Arena });
