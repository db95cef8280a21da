// What the names that a kernel mentions stand for when it is translated: numbers go into its text, arrays of numbers
// become constants of the device, functions become functions of the device; anything else is refused by name.

import { CaptureError } from "../errors.ts";

/** A scalar, or a typed array or arrays of numbers up to three deep. */
export type NestedNumbers = ArrayLike<number> | ArrayLike<NestedNumbers>;

/** An array that goes to the device once, when the kernel is compiled. */
export interface ConstantArray {
  /** Its name in the translation. */
  readonly code: string;
  /** How errors call it. */
  readonly name: string;
  /** Outermost first: [rows, columns]. */
  readonly shape: readonly number[];
  readonly value: NestedNumbers;
}

/** Where it can be told at once what a name means. */
export type Known = number | Function | { readonly shape: readonly number[]; readonly value: NestedNumbers };

const F32_MAX = 3.4028234663852886e38;

/**
 * What a captured variable or a constant means in a kernel; an array is copied, so that it stays as it is now. Throws
 * CaptureError with a sentence that names it.
 */
export function know(name: string, value: unknown, label: string): Known {
  const refuse = (what: string, remedy: string): CaptureError =>
    new CaptureError(name, `${label} uses "${name}", ${what}: ${remedy}.`);
  if (typeof value === "boolean") return value ? 1 : 0;
  if (typeof value === "number") {
    if (value === Infinity || value === -Infinity || Math.abs(value) <= F32_MAX) return value;
    throw refuse(`which is ${value} and no 32-bit float`, "a kernel computes with 32-bit floats");
  }
  if (typeof value === "function") return value;
  if (isNumbers(value)) {
    const shape = shapeOf(value);
    if (typeof shape === "string") throw refuse(shape, "give rows of one length, none of them empty");
    return { shape, value: copy(value) };
  }
  const what = typeof value === "string" ? "a string" : describe(value);
  throw refuse(what, "a kernel takes numbers, booleans, arrays of numbers and functions of numbers from outside");
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return `which is ${value}`;
  if (typeof value !== "object") return `a ${typeof value}`;
  const name: unknown = value.constructor?.name;
  return Array.isArray(value) ? "an array that doesn't hold numbers" : `an object of class ${String(name ?? "null")}`;
}

/** Typed arrays of numbers, arrays of numbers, and arrays of those; looks at the first element only. */
export function isNumbers(value: unknown): value is NestedNumbers {
  if (value instanceof Float32Array || value instanceof Float64Array) return true;
  if (ArrayBuffer.isView(value))
    return !(value instanceof DataView || value instanceof BigInt64Array || value instanceof BigUint64Array);
  if (!Array.isArray(value)) return false;
  return value.length === 0 || typeof value[0] === "number" || isNumbers(value[0]);
}

/** Outermost first; or what is wrong with it. */
export function shapeOf(value: NestedNumbers): number[] | string {
  const shape: number[] = [];
  for (let at: unknown = value; isNumbers(at); at = at[0]) shape.push(at.length);
  if (shape.includes(0)) return "which holds nothing";
  if (shape.length > 3) return "which is more than three deep";
  return hasShape(value, shape, 0) ? shape : "whose rows differ in length";
}

function hasShape(value: unknown, shape: readonly number[], depth: number): boolean {
  if (!isNumbers(value) || value.length !== shape[depth]) return false;
  if (depth === shape.length - 1) return typeof value[0] === "number";
  for (let i = 0; i < value.length; i++) if (!hasShape(value[i], shape, depth + 1)) return false;
  return true;
}

/** Deep, with typed arrays in memory of their own. */
export function copy(value: NestedNumbers): NestedNumbers {
  if (ArrayBuffer.isView(value)) return (value as unknown as Float32Array).slice();
  return Array.from(value as ArrayLike<number | NestedNumbers>, (one) =>
    typeof one === "number" ? one : copy(one),
  ) as NestedNumbers;
}
