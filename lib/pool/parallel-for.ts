// Loops whose parts the threads of the default pool run together: what par() and sorts are made of.

import type { Crew } from "./crew.ts";
import { ownCrew } from "./crew.ts";
import { defaultPool } from "./default-pool.ts";
import type { Engine } from "./engine.ts";
import type { KernelEntry } from "./helper.ts";
import { PartFailure, runHere, type LoopCall } from "./loop-call.ts";
import { LoopKernel } from "./loop-kernel.ts";
import { engineOf } from "./pool.ts";
import { ownerLink } from "./remote-engine.ts";

/**
 * A kernel of parallel loops: `entry`, an export of the library, gets the context once on each thread and gives what runs a
 * part. Functions and data in the context are copied as they are now; shared memory stays shared. Call `release()` when it
 * is not called any more.
 */
export function loopKernel<C>(label: string, entry: KernelEntry<C>, context: C): LoopKernel {
  return new LoopKernel(label, entry as KernelEntry<unknown>, context);
}

/**
 * Runs parts 0 to n-1 on up to so many threads of the default pool, this one among them, and gives their results in order.
 * Waits: blocks until all parts are done. Threads that are free help; where none is, this one does everything.
 * Order: what the parts wrote is seen afterwards, here and in the parts of later calls: each call is a barrier.
 * Throws what the lowest part that failed has thrown; no part behind it is begun after that. ThreadCrashedError.
 * Cost: 1 to 2 us where threads still look for work (0.1 ms after the last loop), 5 to 60 us for each that sleeps.
 */
export function parallelForSync(kernel: LoopKernel, call: LoopCall): unknown[] {
  try {
    return Math.min(call.threads, call.parts) > 1
      ? crewFor(call.threads).runSync(kernel, call)
      : runHere(kernel.local(), call);
  } catch (error) {
    throw told(error);
  }
}

/** The same, on other threads only. Waits: async. Throws also CancelledError where its cell is interrupted. */
export async function parallelFor(kernel: LoopKernel, call: LoopCall): Promise<unknown[]> {
  try {
    return await crewFor(call.threads).run(kernel, call);
  } catch (error) {
    throw told(error);
  }
}

function crewFor(threads: number): Crew {
  return (ownerLink()?.pool && ownCrew()) || (engineOf(defaultPool(threads)) as Engine).crew;
}

function told(failure: unknown): unknown {
  if (!(failure instanceof PartFailure)) return failure;
  const { error, thread } = failure;
  if (thread !== undefined && error instanceof Error) error.stack += `\n    at thread ${thread}`;
  return error;
}
