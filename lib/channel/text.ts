// Strings in messages: the length, doubled where all its units are bytes, doubled plus one where they are not, then the units.

import type { View } from "./memory.ts";

export const TEXT_HEAD_BYTES = 4;

/** Up to so many units V8 makes a string of them faster than Node of bytes. */
const SHORT = 32;
const UNITS: readonly number[][] = Array.from({ length: SHORT + 1 }, (_, length) => new Array<number>(length).fill(0));
/** From so many on Node copies faster than a loop. */
const LONG = 64;

/** Gives where it ends: at most head and two bytes a unit further on. */
export function writeText(text: string, { bytes, data }: View, at: number): number {
  const { length } = text;
  const start = at + TEXT_HEAD_BYTES;
  if (length >= LONG) {
    const isWide = Buffer.byteLength(text) !== length;
    data.setUint32(at, length * 2 + (isWide ? 1 : 0), true);
    return start + bytes.write(text, start, length * 2, isWide ? "utf16le" : "latin1");
  }
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 255) {
      data.setUint32(at, length * 2 + 1, true);
      for (let j = 0; j < length; j++) data.setUint16(start + j * 2, text.charCodeAt(j), true);
      return start + length * 2;
    }
    bytes[start + i] = unit;
  }
  data.setUint32(at, length * 2, true);
  return start + length;
}

/** Where the units after this head end. */
export function endOfText(head: number, at: number): number {
  const length = head >>> 1;
  return at + TEXT_HEAD_BYTES + ((head & 1) === 1 ? length * 2 : length);
}

/** The string at this place, which ends there. */
export function readText({ bytes, data }: View, at: number, end: number): string {
  const head = data.getUint32(at, true);
  const textEnd = endOfText(head, at);
  if (textEnd > end) throw new RangeError("A string is longer than its message.");
  const start = at + TEXT_HEAD_BYTES;
  const length = head >>> 1;
  if (length > SHORT) return bytes.toString((head & 1) === 1 ? "utf16le" : "latin1", start, textEnd);
  const units = UNITS[length]!;
  if ((head & 1) === 1) for (let i = 0; i < length; i++) units[i] = data.getUint16(start + i * 2, true);
  else for (let i = 0; i < length; i++) units[i] = bytes[start + i]!;
  return String.fromCharCode.apply(null, units);
}
