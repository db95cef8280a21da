// join(): two functions at the same time, the unit of recursive fork-join (D. Lea, "A Java Fork/Join Framework", 2000).

import { checkFunction } from "../checks.ts";
import { defaultPool, defaultThreads, isThenable, loopKernel, parallelForSync } from "../pool/index.ts";
import { inLibrary, type SendResult } from "../ship/index.ts";

/**
 * Runs two functions at the same time on the default pool, and gives both results. Both are shipped with what they capture, and
 * may call join() themselves, however deep: while a task awaits others its thread runs some of them, so that one thread is enough.
 *
 * Waits: async, for both to end, also where one fails. Order: what both wrote to shared memory is seen afterwards.
 * Throws what f threw, or else what g threw; CaptureError and NotSendableError; ThreadCrashedError.
 * Cost: about 0.2 ms. When to use: to divide and conquer, down to pieces of some milliseconds; below that call yourself.
 * @example
 * const fib = async (n: number): Promise<number> => {
 *   if (n < 25) return fibHere(n);
 *   const [a, b] = await join(() => fib(n - 1), () => fib(n - 2));
 *   return a + b;
 * };
 */
export async function join<A, B>(
  f: (() => A | Promise<A>) & SendResult<A>,
  g: (() => B | Promise<B>) & SendResult<B>,
): Promise<[A, B]> {
  check(f, g);
  const pool = defaultPool(defaultThreads());
  const [first, second] = await Promise.allSettled([pool.run<[], A>(f), pool.run<[], B>(g)]);
  if (first.status === "rejected") throw first.reason;
  if (second.status === "rejected") throw second.reason;
  return [first.value, second.value];
}

/**
 * The same, blocking: this thread runs f, and g as well if no other of the default pool has begun it by then. So it works on
 * any number of threads, busy or not, and in tasks. The functions can't be async: TypeError.
 * Waits: blocks, for a thread that has begun g; where that dies, ThreadCrashedError. Once f has failed, g is not begun.
 */
export function joinSync<A, B>(f: (() => A) & SendResult<A>, g: (() => B) & SendResult<B>): [A, B] {
  check(f, g);
  const kernel = loopKernel("joinSync()", joined, [f, g]);
  try {
    return parallelForSync(kernel, { parts: 2, threads: Math.min(2, defaultThreads()) }) as [A, B];
  } finally {
    kernel.release();
  }
}

function check(f: unknown, g: unknown): void {
  checkFunction("the first argument of join()", f);
  checkFunction("the second argument of join()", g);
}

const joined = (functions: readonly (() => unknown)[]) => (part: number) => {
  const result = functions[part]!();
  if (isThenable(result))
    throw new TypeError("joinSync() takes functions that return a value, got a Promise: use join().");
  return result;
};

inLibrary(import.meta.url, { join, joinSync, joined });
