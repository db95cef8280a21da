// What every thread of the library does before it runs anything.

/** Once a thread. */
export function settleIn(): void {
  quietLoader();
  printAtOnce();
}

/** Shipped functions import by the default loader, which Node 24 calls experimental at the first import(). */
export function quietLoader(): void {
  const { emitWarning } = process;
  process.emitWarning = function (warning: string | Error, ...rest: unknown[]): void {
    if (!String(warning).includes("USE_MAIN_CONTEXT_DEFAULT_LOADER"))
      (emitWarning as (...args: unknown[]) => void).call(process, warning, ...rest);
  } as typeof emitWarning;
}

/**
 * A thread that is ended, or whose program ends, must not take with it what its tasks have printed: a worker's streams
 * keep all but the first piece until the owner has asked for more.
 */
function printAtOnce(): void {
  for (const stream of [process.stdout, process.stderr] as { _writev?: (...args: unknown[]) => void }[]) {
    const { _writev: write } = stream;
    if (write)
      stream._writev = (chunks, done) => {
        write.call(stream, chunks, () => {});
        (done as () => void)();
      };
  }
}
