// Pointing out that much data is copied on its way to another thread: once for each place that it is sent from.

import { types } from "node:util";
import type { Between } from "./refusals.ts";

const LARGE_BYTES = 1e6;
const MAX_TOLD = 100;
const FEW = 20;

const told = new Set<string>();

/**
 * Looks at a value and, where it is a short list or an object of few properties, at what it holds.
 * @param placeOf how the program calls the value
 */
export function tellLargeCopy(value: object, placeOf: () => string, between: Between): void {
  tell(value, placeOf, between);
  if (ArrayBuffer.isView(value) || (Array.isArray(value) && value.length > FEW)) return;
  for (const [key, item] of Object.entries(value).slice(0, FEW))
    if (typeof item === "object" && item !== null)
      tell(item as object, () => placeOf() + (Array.isArray(value) ? `[${key}]` : `.${key}`), between);
}

function tell(value: object, placeOf: () => string, between: Between): void {
  const bytes = copiedBytes(value);
  if (bytes <= LARGE_BYTES || told.size >= MAX_TOLD) return;
  // Not the parts that the library itself has made of an array, nor results.
  const place = placeOf().replace(/^\./, "");
  if (told.has(place) || !/^("|args\b)/.test(place)) return;
  told.add(place);
  const what = Array.isArray(value) ? "an array" : `a ${value.constructor?.name ?? "value"}`;
  process.emitWarning(
    `${place} is ${what} of about ${Math.round(bytes / 1e6)} MB, and is copied for each task or ${between === "threads" ? "thread" : "process"} that gets it: ` +
      (between === "threads"
        ? "keep numbers in shared memory with shared(), or hand the data over with move()."
        : "send a name by which the process gets it itself, or use a Pool of threads, which can share it."),
    { type: "BraidWarning" },
  );
}

/** What structured clone copies of it by itself: a rough figure. */
function copiedBytes(value: object): number {
  if (ArrayBuffer.isView(value)) return types.isSharedArrayBuffer(value.buffer) ? 0 : value.byteLength;
  if (types.isArrayBuffer(value)) return value.byteLength;
  if (Array.isArray(value)) return value.length * 8;
  return 0;
}
