// shared(): typed arrays that all threads see; scratch(): such that are given back at the end of a block.

import { getCallSites } from "node:util";
import { inLibrary, isLibraryUrl } from "../library.ts";
import type { Holder } from "./holders.ts";
import { places } from "./place.ts";

export type Numbers =
  Float64Array | Float32Array | Int32Array | Uint32Array | Int16Array | Uint16Array | Int8Array | Uint8Array;

const TYPES = [Float64Array, Float32Array, Int32Array, Uint32Array, Int16Array, Uint16Array, Int8Array, Uint8Array];

/** From here on it is noted where an array was made. */
const LARGE_BYTES = 1e6;

type ArrayClass<A> = new (buffer: SharedArrayBuffer) => A;

/**
 * A typed array in shared memory: given to another thread, or captured by a function that runs there, it is the same
 * memory on both sides, not a copy. `from` is its length (zeroed) or the numbers to fill it with.
 *
 * Waits: never. Order: plain reads and writes promise nothing to other threads until something else orders them, such
 * as awaiting the task that wrote; use Atomics (integers only) for what two threads touch at the same time.
 * Throws TypeError or RangeError for a type, length or source that it can't take; SharedMemoryFullError, which names the
 * largest arrays, where there is no memory left.
 * Cost: zeroing, and 10 to 30 us from 32 KiB on; for an iterable, one pass to collect it and one to copy. The memory is
 * free again when no thread has the array, a part of it, or its buffer any more, and was collected.
 * When to use: large arrays. From 32 KiB on they lie where SIMD code can work on them (README.md). Gotcha: the buffer of
 * such a one is up to 64 KiB longer than the array. For memory that is free again at once: `scratch`.
 * @example
 * const xs = shared(Float64Array, 1e6);
 * await pool.run(() => void xs.fill(1));
 * console.log(xs[0]); // 1
 */
export function shared<A extends Numbers>(type: ArrayClass<A>, from: number | Iterable<number>): A;
/** For code that is generic over the class of its arrays, and knows it by what takes a length. */
export function shared<A extends Numbers>(type: new (length: number) => A, from: number | Iterable<number>): A;
export function shared<A extends Numbers>(type: unknown, from: number | Iterable<number>): A {
  return make("shared", type, from, (holder) => places.take(holder));
}

/**
 * As `shared`, for the length of a block: at its end the memory goes to the next `scratch` array of about that size.
 *
 * Waits, order, throws, cost: as `shared`; an array in memory that was used before is zeroed, but needs no new pages,
 * which makes large ones some times cheaper.
 * When to use: large intermediate results, in a loop or a cell that is run again and again.
 * Gotcha: after the block no thread may use the array, a part of it, or its buffer: it could be another's by then, and
 * that can't be caught. So await the tasks that have it. One that is less than 32 KiB, and one that is never disposed of,
 * is left to the garbage collector.
 * @example
 * using squares = scratch(Float64Array, 1e6);
 * await par(xs).map((x) => x * x).into(squares);
 */
export function scratch<A extends Numbers>(type: ArrayClass<A>, from: number | Iterable<number>): A & Disposable {
  const array = make("scratch", type, from, (holder) => places.takeAgain(holder));
  let isDisposed = false;
  const dispose = (): void => {
    if (!isDisposed) places.giveBack(array.buffer as SharedArrayBuffer);
    isDisposed = true;
  };
  return Object.defineProperty(array, Symbol.dispose, { value: dispose }) as A & Disposable;
}

function make<A extends Numbers>(
  what: string,
  type: unknown,
  from: number | Iterable<number>,
  take: (holder: Holder) => SharedArrayBuffer,
): A {
  const kind = TYPES.find((one) => (one as unknown) === type);
  if (!kind) throw new TypeError(`${what}() expects a typed array class such as Float64Array, got ${kindOf(type)}.`);
  let source: ArrayLike<number> | undefined;
  if (typeof from === "number") {
    if (!Number.isInteger(from) || from < 0)
      throw new RangeError(`${what}() expects a length of 0 or more, a whole number, got ${from}.`);
  } else if (typeof (from as Iterable<number> | null)?.[Symbol.iterator] === "function")
    source = Array.isArray(from) || ArrayBuffer.isView(from) ? (from as ArrayLike<number>) : [...from];
  else throw new TypeError(`${what}() expects a length or an iterable of numbers, got ${kindOf(from)}.`);
  const length = source?.length ?? (from as number);
  const byteLength = length * kind.BYTES_PER_ELEMENT;
  const where = byteLength < LARGE_BYTES ? "" : callerPlace();
  const buffer = take({ type: kind.name, length, byteLength, where });
  const array = new (type as unknown as new (buffer: SharedArrayBuffer, at: number, length: number) => A)(
    buffer,
    0,
    length,
  );
  if (source) array.set(source);
  return array;
}

/** Where the code stands that called the library: "file:///notes/a.ts:3:9". */
function callerPlace(): string {
  const site = getCallSites(10).find(({ scriptName }) => !isLibraryUrl(scriptName));
  return site ? `${site.scriptName}:${site.lineNumber}:${site.columnNumber}` : "";
}

/** A short name for what came instead. */
function kindOf(value: unknown): string {
  if (typeof value === "function") return `the function ${value.name || "without a name"}`;
  return typeof value === "object" && value !== null
    ? `an object of class ${value.constructor?.name ?? "null"}`
    : String(value);
}

/** Is this array in memory that other threads see? */
export function isShared(array: unknown): boolean {
  return ArrayBuffer.isView(array) && array.buffer instanceof SharedArrayBuffer;
}

inLibrary(import.meta.url, { shared, scratch, isShared });
