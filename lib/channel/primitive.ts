// A primitive whose kind is not known beforehand, in messages: a byte that says it, then what it is.

import type { View } from "./memory.ts";
import { endOfText, readText, writeText } from "./text.ts";

const CONSTANTS: readonly unknown[] = [undefined, null, true, false];
const NUMBER = 4;
const STRING = 5;

/** A number, or a string without its units, needs no more. */
export const PRIMITIVE_BYTES = 9;

/** Gives where it ends; -1 where it is something else. */
export function writePrimitive(value: unknown, view: View, at: number): number {
  const { bytes, data } = view;
  if (typeof value === "number") {
    bytes[at] = NUMBER;
    data.setFloat64(at + 1, value, true);
    return at + 9;
  }
  if (typeof value === "string") {
    bytes[at] = STRING;
    return writeText(value, view, at + 1);
  }
  const constant = CONSTANTS.indexOf(value);
  if (constant < 0) return -1;
  bytes[at] = constant;
  return at + 1;
}

export function endOfPrimitive({ bytes, data }: View, at: number): number {
  if (bytes[at] === NUMBER) return at + 9;
  return bytes[at] === STRING ? endOfText(data.getUint32(at + 1, true), at + 1) : at + 1;
}

export function readPrimitive(view: View, at: number, end: number): unknown {
  const kind = view.bytes[at]!;
  if (kind === NUMBER) return view.data.getFloat64(at + 1, true);
  return kind === STRING ? readText(view, at + 1, end) : CONSTANTS[kind];
}
