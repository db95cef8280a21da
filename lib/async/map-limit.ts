// mapLimit: asynchronous work in this thread, so many at a time.

import { checkFunction, checkInteger, checkIterable, checkWait } from "../checks.ts";
import { TaskError } from "../errors.ts";
import { inLibrary } from "../library.ts";
import { messageOf } from "../pool/job.ts";
import { watchLimits, type WaitAsync } from "../waiting.ts";

/**
 * Calls an asynchronous function with each item and its index, `limit` at a time, and gives the results in the order of
 * the items. Everything runs in this thread; for work that computes use `pool.map`.
 *
 * Waits: async; never blocks. Order: items begin in their order, and are taken from the iterable only when they do.
 * `limit`: a whole number from 1, or Infinity. `timeoutMs` is for all items together.
 * Throws TaskError with the `index` and the `cause` of the item that fails first, in time; items that have not begun then
 * never do. Those that have begun go on, unheard. TimeoutError, CancelledError (`signal`, or an interrupt); what the
 * iterable throws.
 * Cost: under a microsecond an item.
 * When to use: many waits at once (requests, files) of which the other side bears only so many.
 * @example
 * const sizes = await mapLimit(urls, 10, async (url) => (await (await fetch(url)).arrayBuffer()).byteLength);
 */
export async function mapLimit<T, R>(
  items: Iterable<T>,
  limit: number,
  fn: (item: T, index: number) => Promise<R>,
  options: WaitAsync = {},
): Promise<R[]> {
  checkIterable("items", items);
  if (limit !== Infinity) checkInteger("limit", limit, 1, Infinity);
  checkFunction("the third argument", fn);
  checkWait("mapLimit()", options, ["timeoutMs", "signal"]);

  const source = items[Symbol.iterator]();
  const results: R[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<R[]>();
  let begun = 0;
  let open = 0;
  let isExhausted = false;
  let isOver = false;
  const stop = (error: unknown): void => {
    if (isOver) return;
    isOver = true;
    reject(error);
    try {
      if (!isExhausted) source.return?.();
    } catch {
      // The error that is being told counts.
    }
  };
  const begin = (): void => {
    while (!isOver && !isExhausted && open < limit) {
      const next = source.next();
      if (next.done) isExhausted = true;
      else void run(next.value, begun++);
    }
    if (isExhausted && open === 0 && !isOver) {
      isOver = true;
      resolve(results);
    }
  };
  const run = async (item: T, index: number): Promise<void> => {
    open++;
    try {
      results[index] = await fn(item, index);
      open--;
    } catch (cause) {
      return stop(new TaskError(index, `Item ${index} failed: ${messageOf(cause)}`, { cause }));
    }
    tryBegin();
  };
  const tryBegin = (): void => {
    try {
      begin();
    } catch (error) {
      isExhausted = true;
      stop(error);
    }
  };

  const unwatch = watchLimits("mapLimit()", options, stop);
  tryBegin();
  try {
    return await promise;
  } finally {
    unwatch();
  }
}

inLibrary(import.meta.url, { mapLimit });
