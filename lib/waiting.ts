// Waiting without blocking: what ends a wait early, and waits of one thread that are served in their order.

import { CancelledError, TimeoutError } from "./errors.ts";
import { onOwnInterrupt } from "./host.ts";

export interface Wait {
  /** TimeoutError after so long. 0: only try. Default: for ever. */
  timeoutMs?: number;
}

export interface WaitAsync extends Wait {
  /** CancelledError when it is aborted. */
  signal?: AbortSignal;
}

/** What setTimeout takes; longer is for ever. */
const MAX_TIMER = 2 ** 31 - 1;

export function timeoutError(what: string, timeoutMs: number): TimeoutError {
  return new TimeoutError(timeoutMs, `Out of time: ${what} took longer than ${timeoutMs} ms.`);
}

export function cancelledError(what: string, { reason: cause }: AbortSignal): CancelledError {
  return new CancelledError(`Cancelled: ${what}.`, { cause });
}

/**
 * Calls `end`, once or more, when the time is over, the signal is aborted, or the cell that waits is interrupted. Returns
 * the way to stop watching. Throws where the signal is aborted already.
 */
export function watchLimits(
  what: string,
  { timeoutMs = Infinity, signal }: WaitAsync,
  end: (error: TimeoutError | CancelledError) => void,
): () => void {
  if (signal?.aborted) throw cancelledError(what, signal);
  const abort = (): void => end(cancelledError(what, signal!));
  const timer =
    timeoutMs > MAX_TIMER ? undefined : setTimeout(() => end(timeoutError(what, timeoutMs)), Math.ceil(timeoutMs));
  signal?.addEventListener("abort", abort, { once: true });
  const unlisten = onOwnInterrupt(() =>
    end(new CancelledError(`Stopped ${what}: the cell that started it was interrupted.`)),
  );
  return () => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
    unlisten();
  };
}

/** Takes what is waited for, or gives undefined where it isn't there. What it throws ends the wait. */
export type Attempt<T> = () => T | undefined;

/** Waits of one thread for the same thing: who asks first is served first. */
export class Attempts {
  /** Each gives true when its wait has ended, well or not. */
  readonly #waits = new Set<() => boolean>();

  get size(): number {
    return this.#waits.size;
  }

  /** Resolves with what the attempt gives: now, or in one of the calls of `serve`. */
  wait<T>(attempt: Attempt<T>, what: string, limits: WaitAsync): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (limits.signal?.aborted) throw cancelledError(what, limits.signal);
      const first = this.#waits.size === 0 ? attempt() : undefined;
      if (first !== undefined) return resolve(first);
      if (limits.timeoutMs === 0) throw timeoutError(what, 0);
      const leave = (): void => {
        this.#waits.delete(serve);
        unwatch();
      };
      const serve = (): boolean => {
        try {
          const got = attempt();
          if (got === undefined) return false;
          leave();
          resolve(got);
        } catch (error) {
          leave();
          reject(error as Error);
        }
        return true;
      };
      const unwatch = watchLimits(what, limits, (error) => {
        leave();
        reject(error);
        // Those behind may want less.
        this.serve();
      });
      this.#waits.add(serve);
    });
  }

  /** To be called when what is waited for may be there. */
  serve(): void {
    for (const serve of this.#waits) if (!serve()) return;
  }
}
