// A pool of equal buffers: what is given back is handed out again instead of made anew.

import { checkInteger, checkKnown } from "../checks.ts";
import { inLibrary } from "../library.ts";
import type { Numbers } from "./shared.ts";

export interface BufferPoolOptions {
  /** So many are kept when they are given back; more are left to the garbage collector. Default: 64. */
  keep?: number;
  /** Buffers in shared memory. Default: false. */
  shared?: boolean;
}

export interface BufferPoolStats {
  /** How often `take` found one that had been given back. */
  hits: number;
  /** How often it had to make one. */
  misses: number;
  /** How many wait to be taken. */
  free: number;
  /** How many were taken and not given back. */
  out: number;
}

/**
 * Typed arrays of one type and length, for code that needs one often and briefly.
 *
 * Waits: never: where none is free it makes one. Units: `length` in elements. What was in a buffer stays in it.
 * Throws TypeError on giving back what was not taken, or twice; TypeError or RangeError for bad arguments.
 * Cost: about 0.1 us. A pool belongs to its thread; `new ThreadLocal(() => new BufferPool(…))` gives one to each.
 * When to use: large buffers at a high rate, where making them shows in the garbage collector's pauses. Measure first.
 * @example
 * const buffers = new BufferPool(Float64Array, 100_000);
 * const buffer = buffers.take();
 * try { fill(buffer); } finally { buffers.give(buffer); }
 */
export class BufferPool<A extends Numbers> {
  readonly #type: new (from: number | SharedArrayBuffer) => A;
  readonly #bytesPerElement: number;
  readonly #length: number;
  readonly #keep: number;
  readonly #isShared: boolean;
  readonly #free: A[] = [];
  /** Weakly: one that is forgotten is collected, and counts as out. */
  readonly #taken = new WeakSet<A>();
  #hits = 0;
  #misses = 0;
  #out = 0;

  constructor(type: new (from: number | SharedArrayBuffer) => A, length: number, options: BufferPoolOptions = {}) {
    const size: unknown = (type as { BYTES_PER_ELEMENT?: unknown } | undefined)?.BYTES_PER_ELEMENT;
    if (typeof type !== "function" || typeof size !== "number")
      throw new TypeError(`BufferPool expects a typed array class such as Float64Array, got ${typeof type}.`);
    checkKnown("BufferPool", options, ["keep", "shared"]);
    this.#type = type;
    this.#bytesPerElement = size;
    this.#length = checkInteger("length", length, 0, Number.MAX_SAFE_INTEGER);
    this.#keep = checkInteger("keep", options.keep ?? 64, 0, Infinity);
    this.#isShared = options.shared === true;
  }

  take(): A {
    const used = this.#free.pop();
    if (used) this.#hits++;
    else this.#misses++;
    const buffer = used ?? this.#make();
    this.#taken.add(buffer);
    this.#out++;
    return buffer;
  }

  give(buffer: A): void {
    if (!this.#taken.delete(buffer))
      throw new TypeError("Expected give() to get a buffer that was taken from this pool and not given back yet.");
    this.#out--;
    if (this.#free.length < this.#keep) this.#free.push(buffer);
  }

  stats(): BufferPoolStats {
    return { hits: this.#hits, misses: this.#misses, free: this.#free.length, out: this.#out };
  }

  #make(): A {
    return new this.#type(this.#isShared ? new SharedArrayBuffer(this.#length * this.#bytesPerElement) : this.#length);
  }
}

inLibrary(import.meta.url, { BufferPool });
