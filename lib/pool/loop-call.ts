// One call of a parallel loop, and how its parts are run where nobody helps.

import type { RunPart } from "./helper.ts";

export interface LoopCall {
  readonly parts: number;
  /** How many run it, with the caller where that takes part. */
  readonly threads: number;
  /** Up to 16 numbers. */
  readonly args?: readonly number[];
  /** Up to 8 objects that are the same for all threads, such as arrays in shared memory. */
  readonly operands?: readonly object[];
}

/** A part failed. */
export class PartFailure {
  readonly part: number;
  readonly error: unknown;
  /** Node's id of the thread. */
  readonly thread: number | undefined;
  constructor(part: number, error: unknown, thread?: number) {
    this.part = part;
    this.error = error;
    this.thread = thread;
  }
}

/** Runs all parts one after the other. */
export function runHere(run: RunPart, { parts, args = [], operands = [] }: LoopCall): unknown[] {
  const results = new Array<unknown>(parts);
  for (let part = 0; part < parts; part++) results[part] = runPart(run, part, args, operands);
  return results;
}

/** What it throws says which part it was. */
export function runPart(run: RunPart, part: number, args: readonly number[], operands: readonly unknown[]): unknown {
  try {
    return run(part, args, operands);
  } catch (error) {
    throw new PartFailure(part, error);
  }
}
