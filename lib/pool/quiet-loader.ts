// Shipped functions import by the default loader, which Node 24 calls experimental at the first import(): not news to
// whoever prints a task's warnings.

export function quietLoader(): void {
  const { emitWarning } = process;
  process.emitWarning = function (warning: string | Error, ...rest: unknown[]): void {
    if (!String(warning).includes("USE_MAIN_CONTEXT_DEFAULT_LOADER"))
      (emitWarning as (...args: unknown[]) => void).call(process, warning, ...rest);
  } as typeof emitWarning;
}
