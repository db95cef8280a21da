// The same function in plain TypeScript, to compare a kernel's result with.

import type { KernelFunction, KernelPlace, KernelThis, Verified } from "./gpu.ts";

/**
 * Floats of 32 bits have 24 bits for the number, 6e-8 of it; sums of many add that up. So far may an element be off,
 * as a part of the largest.
 */
export const TOLERANCE = 1e-5;

/** Calls the function for every element and compares. */
export function compareWith(
  value: unknown,
  source: KernelFunction,
  args: readonly unknown[],
  output: readonly number[],
  constants: object,
): Verified {
  const [x, y = 1, z = 1] = output as [number, number?, number?];
  const call = source as (this: KernelThis, ...args: unknown[]) => number;
  const isArrow = !Object.hasOwn(source, "prototype");
  const size = { x, y, z };
  const thread = { x: 0, y: 0, z: 0 };
  const self: KernelThis = { thread, output: size, constants: constants as Record<string, any> };
  const place: KernelPlace = { x: 0, y: 0, z: 0, ...self };
  const wanted = new Float64Array(x * y * z);
  const got = new Float64Array(x * y * z);
  let largest = 0;
  let at = 0;
  for (thread.z = 0; thread.z < z; thread.z++) {
    for (thread.y = 0; thread.y < y; thread.y++) {
      const { z: k, y: j } = thread;
      const layer = (output.length < 3 ? value : (value as unknown[])[k]) as unknown[];
      const row = (output.length < 2 ? value : layer[j]) as Float32Array;
      for (thread.x = 0; thread.x < x; thread.x++, at++) {
        Object.assign(place, thread);
        const result = isArrow ? call.call(self, place, ...args) : call.apply(self, [...args]);
        wanted[at] = result;
        got[at] = row[thread.x]!;
        if (Number.isFinite(wanted[at])) largest = Math.max(largest, Math.abs(wanted[at]!));
      }
    }
  }
  let maxError = 0;
  let differing = 0;
  for (let i = 0; i < wanted.length; i++) {
    if (Object.is(wanted[i], got[i]) || wanted[i] === got[i]) continue;
    const error = Math.abs(wanted[i]! - got[i]!);
    maxError = Math.max(maxError, Number.isNaN(error) ? Infinity : error);
    if (!(error <= TOLERANCE * largest)) differing++;
  }
  return { maxError, largest, tolerance: TOLERANCE * largest, differing };
}
