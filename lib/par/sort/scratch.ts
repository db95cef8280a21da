// Scratch memory for sorts: the last piece is kept for the next sort, because fresh memory costs as much as half a sort.

import type { Words } from "../../atomics.ts";
import { placeOf } from "../../memory/place.ts";
import { shared } from "../../memory/shared.ts";

/** So long nobody needs it. */
const IDLE_MS = 10_000;
const LEAST_BYTES = 2 ** 22;

let kept: Words | undefined;
let timer: NodeJS.Timeout | undefined;

/**
 * Memory that WebAssembly reaches, not zeroed; undefined where there is none. Nobody else has it until it is given back;
 * what is not given back is left to the garbage collector.
 */
export function takeScratch(byteLength: number): Words | undefined {
  const bytes = Math.max(LEAST_BYTES, byteLength);
  const words = kept;
  kept = undefined;
  clearTimeout(timer);
  if (words && words.byteLength >= bytes) return words;
  const fresh = shared(Int32Array, Math.ceil(bytes / 4)) as unknown as Words;
  return placeOf(fresh) && fresh;
}

export function giveScratchBack(words: Words): void {
  kept = words;
  clearTimeout(timer);
  timer = setTimeout(() => (kept = undefined), IDLE_MS).unref();
}
