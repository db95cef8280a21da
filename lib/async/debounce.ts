// debounce: of calls that come in quick succession only the last one counts.

import { checkFunction, checkMilliseconds } from "../checks.ts";
import { CancelledError } from "../errors.ts";
import { onOwnInterrupt } from "../host.ts";
import { inLibrary } from "../library.ts";

export interface Debounced<A extends unknown[], R> extends Disposable {
  /** Resolves with what the function gives for the last arguments of this burst of calls, whoever made it. */
  (...args: A): Promise<R>;
  /** Runs now what waits. Gives its result; undefined where nothing waits. */
  flush(): Promise<R> | undefined;
  /** What waits is not run: its callers get CancelledError. What runs goes on. */
  cancel(reason?: unknown): void;
}

interface Burst<A, R> {
  args: A;
  readonly outcome: PromiseWithResolvers<R>;
  timer: NodeJS.Timeout | undefined;
  unlisten(): void;
}

/**
 * A function that waits until it has not been called for so long, and then runs once with the last arguments. Every call
 * gets the result of that run. While one run goes on the next waits for its end, so results come in order and the last
 * that comes belongs to the last call.
 *
 * Waits: async. Units: milliseconds. Who ignores its promise may: a cancelled call is no unhandled rejection.
 * Throws TypeError or RangeError for bad arguments; its promises what the function throws, or CancelledError after
 * `cancel`, at the end of a `using`, or when the cell that called was interrupted.
 * When to use: a slider that computes, a search as one types.
 * @example
 * const draw = debounce((n: number) => compute(n), 100);
 * draw(1); draw(2);
 * console.log(await draw(3)); // compute(3), run once
 */
export function debounce<A extends unknown[], R>(fn: (...args: A) => R | Promise<R>, ms: number): Debounced<A, R> {
  checkFunction("the first argument", fn);
  checkMilliseconds("ms", ms);
  let burst: Burst<A, R> | undefined;
  let running: Promise<unknown> | undefined;

  const close = (): Burst<A, R> | undefined => {
    const closed = burst;
    burst = undefined;
    clearTimeout(closed?.timer);
    closed?.unlisten();
    return closed;
  };
  const cancel = (reason?: unknown): void => {
    const closed = close();
    if (!closed) return;
    closed.outcome.promise.catch(() => {});
    closed.outcome.reject(new CancelledError("Cancelled: a debounced call that had not run.", { cause: reason }));
  };
  const flush = (): Promise<R> | undefined => {
    const closed = close();
    if (!closed) return undefined;
    const before = running;
    const run = async (): Promise<void> => {
      // How that one ends is told to its own callers.
      await before;
      try {
        closed.outcome.resolve(await fn(...closed.args));
      } catch (error) {
        closed.outcome.reject(error);
      }
    };
    const mine = run().then(() => {
      if (running === mine) running = undefined;
    });
    running = mine;
    return closed.outcome.promise;
  };
  const call = (...args: A): Promise<R> => {
    burst ??= {
      args,
      outcome: Promise.withResolvers<R>(),
      timer: undefined,
      unlisten: onOwnInterrupt(() => cancel("The cell that called it was interrupted.")),
    };
    burst.args = args;
    clearTimeout(burst.timer);
    burst.timer = setTimeout(() => void flush(), ms);
    return burst.outcome.promise;
  };
  return Object.assign(call, { flush, cancel, [Symbol.dispose]: () => cancel("Disposed of.") });
}

inLibrary(import.meta.url, { debounce });
