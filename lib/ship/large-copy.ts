// Pointing out that much data is copied on its way to another thread: once for each place that it is sent from.

import { types } from "node:util";

const LARGE_BYTES = 1e6;
const MAX_TOLD = 100;

const told = new Set<string>();

/** @param placeOf how the program calls the value */
export function tellLargeCopy(value: object, placeOf: () => string): void {
  const bytes = copiedBytes(value);
  if (bytes <= LARGE_BYTES || told.size >= MAX_TOLD) return;
  const place = placeOf();
  if (told.has(place)) return;
  told.add(place);
  const what = Array.isArray(value) ? "an array" : `a ${value.constructor?.name ?? "value"}`;
  process.emitWarning(
    `${place} is ${what} of about ${Math.round(bytes / 1e6)} MB, and is copied for each task or thread that gets it: ` +
      "keep numbers in shared memory with shared(), or hand the data over with move().",
    { type: "BraidWarning" },
  );
}

/** What structured clone copies of it, one level deep: a rough figure. */
function copiedBytes(value: object): number {
  if (ArrayBuffer.isView(value)) return types.isSharedArrayBuffer(value.buffer) ? 0 : value.byteLength;
  if (types.isArrayBuffer(value)) return value.byteLength;
  if (Array.isArray(value)) return value.length * 8;
  return 0;
}
