// shared(): typed arrays that all threads see.

import { inLibrary } from "../library.ts";

export type Numbers =
  Float64Array | Float32Array | Int32Array | Uint32Array | Int16Array | Uint16Array | Int8Array | Uint8Array;

const TYPES = [Float64Array, Float32Array, Int32Array, Uint32Array, Int16Array, Uint16Array, Int8Array, Uint8Array];

/**
 * A typed array in shared memory: given to another thread, or captured by a function that runs there, it is the same
 * memory on both sides, not a copy. `from` is its length (zeroed) or the numbers to fill it with.
 *
 * Waits: never. Order: plain reads and writes promise nothing to other threads until something else orders them, such
 * as awaiting the task that wrote; use Atomics (integers only) for what two threads touch at the same time.
 * Throws TypeError or RangeError for a type, length or source that it can't take.
 * Cost: zeroing; for an iterable, one pass to collect it and one to copy.
 */
export function shared<A extends Numbers>(
  type: new (buffer: SharedArrayBuffer) => A,
  from: number | Iterable<number>,
): A {
  const kind = TYPES.find((one) => (one as unknown) === type);
  if (!kind) throw new TypeError(`shared() expects a typed array class such as Float64Array, got ${kindOf(type)}.`);
  if (typeof from === "number") {
    if (!Number.isInteger(from) || from < 0)
      throw new RangeError(`shared() expects a length of 0 or more, a whole number, got ${from}.`);
    return allocate(type, kind.BYTES_PER_ELEMENT, from);
  }
  if (typeof (from as Iterable<number> | null)?.[Symbol.iterator] !== "function")
    throw new TypeError(`shared() expects a length or an iterable of numbers, got ${kindOf(from)}.`);
  const source = Array.isArray(from) || ArrayBuffer.isView(from) ? (from as ArrayLike<number>) : [...from];
  const array = allocate(type, kind.BYTES_PER_ELEMENT, source.length);
  array.set(source);
  return array;
}

/** A short name for what came instead. */
function kindOf(value: unknown): string {
  if (typeof value === "function") return `the function ${value.name || "without a name"}`;
  return typeof value === "object" && value !== null
    ? `an object of class ${value.constructor?.name ?? "null"}`
    : String(value);
}

function allocate<A>(type: new (buffer: SharedArrayBuffer) => A, size: number, length: number): A {
  try {
    return new type(new SharedArrayBuffer(length * size));
  } catch (cause) {
    throw new RangeError(`shared() can't get ${length * size} bytes of shared memory: ${(cause as Error).message}.`, {
      cause,
    });
  }
}

/** Is this array in memory that other threads see? */
export function isShared(array: unknown): boolean {
  return ArrayBuffer.isView(array) && array.buffer instanceof SharedArrayBuffer;
}

inLibrary(import.meta.url, { shared, isShared });
