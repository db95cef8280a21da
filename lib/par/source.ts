// Where the elements of a pipeline come from, and what the threads get of them: shared memory as it is, numbers as a copy in
// shared memory, anything else as a copy of its own for each thread.

import { checkInteger, checkKnown, show } from "../checks.ts";
import { isShared, shared, type Numbers } from "../memory/shared.ts";
import type { Operands } from "./plan.ts";

export interface Source {
  /** How many elements: as many as there were when par() was called. */
  readonly length: number;
  readonly kind: Operands["kind"];
  readonly array: ArrayLike<unknown> | undefined;
  /** Where a range starts. */
  readonly from: number;
  /** Of a row. */
  readonly cols: number;
}

const LARGE_BYTES = 1e6;
let hasTold = false;

export function arraySource(xs: ArrayLike<unknown>): Source {
  const length: unknown = (xs as ArrayLike<unknown> | null | undefined)?.length;
  if (typeof xs !== "object" || !Number.isInteger(length) || (length as number) < 0)
    throw new TypeError(`par() expects an array or a typed array, got ${show(xs)}: spread an iterable first, [...xs].`);
  return { length: length as number, kind: "array", array: xs, from: 0, cols: 0 };
}

export function rangeSource(from: number, to: number): Source {
  checkInteger("the start of the range", from, -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  checkInteger("the end of the range", to, -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  return { length: Math.max(0, to - from), kind: "range", array: undefined, from, cols: 0 };
}

export function rowsSource(matrix: Numbers, shape: { rows: number; cols: number }): Source {
  if (!ArrayBuffer.isView(matrix) || matrix instanceof DataView)
    throw new TypeError("par.rows() expects a matrix as a typed array, row after row.");
  checkKnown("the shape of par.rows()", shape, ["rows", "cols"]);
  const { rows, cols } = shape;
  checkInteger("rows", rows, 0, Number.MAX_SAFE_INTEGER);
  checkInteger("cols", cols, 0, Number.MAX_SAFE_INTEGER);
  if (rows * cols !== matrix.length)
    throw new RangeError(
      `par.rows() expects ${rows} rows of ${cols} numbers, ${rows * cols} in all, got an array of length ${matrix.length}.`,
    );
  return { length: rows, kind: "rows", array: matrix, from: 0, cols };
}

/** The operands of a call, and the elements where each thread gets a copy of its own. */
export interface Shared {
  readonly operands: Operands;
  readonly elements: readonly unknown[] | undefined;
}

/** What the threads get, as it is now. */
export function share(source: Source, out: ArrayLike<unknown> | undefined): Shared {
  const { array } = source;
  checkLength(source);
  const memory = array === undefined || isShared(array) ? array : inShared(array, lengthOf(source));
  const operands = operandsOf(source, memory, out);
  const isCopied = array !== undefined && memory === undefined;
  const elements = isCopied ? Array.from(array).slice(0, source.length) : undefined;
  return { operands: elements ? { ...operands, source: elements } : operands, elements };
}

export function operandsOf(
  { kind, from, cols }: Source,
  source: ArrayLike<unknown> | undefined,
  out: ArrayLike<unknown> | undefined,
): Operands {
  return { kind, source, offset: from, cols, out };
}

const lengthOf = ({ length, kind, cols }: Source): number => (kind === "rows" ? length * cols : length);

function checkLength(source: Source): void {
  const { array, kind } = source;
  const length = lengthOf(source);
  if (array === undefined || array.length >= length) return;
  const why = kind === "array" && array.length > 0 ? "has become shorter" : "was detached or has become shorter";
  throw new RangeError(
    `The array ${why} after par() was called: it had ${length} elements and has ${array.length} now.`,
  );
}

/** A copy in shared memory; undefined where an element is no number. */
function inShared(array: ArrayLike<unknown>, length: number): ArrayLike<unknown> | undefined {
  const isTyped = ArrayBuffer.isView(array);
  if (!isTyped) for (let i = 0; i < length; i++) if (typeof array[i] !== "number") return undefined;
  const copy = allocate(isTyped ? kindOf(array) : "Float64Array", length);
  if (isTyped) (copy as Float64Array).set((array as unknown as Float64Array).subarray(0, length));
  else for (let i = 0; i < length; i++) (copy as Float64Array)[i] = array[i] as number;
  if (copy.byteLength > LARGE_BYTES && !hasTold) {
    hasTold = true;
    process.emitWarning(
      `par() copies an array of about ${Math.round(copy.byteLength / 1e6)} MB into shared memory each time it runs: make it with shared(), once.`,
      { type: "BraidWarning" },
    );
  }
  return copy as unknown as ArrayLike<unknown>;
}

const TypedArray = Object.getPrototypeOf(Uint8Array) as { prototype: object };
const tag = Object.getOwnPropertyDescriptor(TypedArray.prototype, Symbol.toStringTag)!.get!;

/** A Buffer is a Uint8Array, too. */
const kindOf = (array: object): string => tag.call(array) as string;

type Kind = (new (from: number | SharedArrayBuffer) => Numbers) & { readonly BYTES_PER_ELEMENT: number };

function allocate(kind: string, length: number): Numbers {
  const Type = (globalThis as unknown as Record<string, Kind>)[kind]!;
  if (/^(Float(32|64)|U?int(8|16|32))Array$/i.test(kind)) return shared(Type, length);
  return new Type(new SharedArrayBuffer(length * Type.BYTES_PER_ELEMENT));
}
