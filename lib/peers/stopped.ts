// Work that is stopped by an interrupt of the cell that started it, or by its caller's signal.

import { CancelledError } from "../errors.ts";
import { host } from "../host.ts";

/**
 * Runs `work` with a signal that is aborted, with a CancelledError, when the user interrupts the work that runs now or
 * `signal` is aborted. `work` must listen to it: nothing else ends it.
 */
export async function stoppable<R>(
  what: string,
  signal: AbortSignal | undefined,
  work: (stop: AbortSignal) => Promise<R>,
): Promise<R> {
  if (signal?.aborted) throw new CancelledError(`Cancelled before it started: ${what}.`, { cause: signal.reason });
  const stop = new AbortController();
  const here = host();
  const origin = here?.origin();
  const unlisten = here?.onInterrupt((interrupted) => {
    if (interrupted === origin)
      stop.abort(new CancelledError(`Stopped ${what}: the cell that started it was interrupted.`));
  });
  const cancel = (): void => stop.abort(new CancelledError(`Cancelled: ${what}.`, { cause: signal!.reason }));
  signal?.addEventListener("abort", cancel, { once: true });
  try {
    return await work(stop.signal);
  } finally {
    unlisten?.();
    signal?.removeEventListener("abort", cancel);
  }
}
