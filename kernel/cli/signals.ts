// Ctrl-C and its relatives: the first one asks for an orderly end, a second one ends this process at once (its server
// notices by itself).

import { constants } from "node:os";

export interface Stop {
  signal: AbortSignal;
  /** What a shell expects of a process that such a signal ended; 0 before. */
  exitCode(): number;
  /** Gives the signals back to Node. */
  release(): void;
}

/** One Ctrl-C can arrive twice: from the terminal, and passed on by a parent. */
const ECHO_MS = 500;

export function stopOnSignal(): Stop {
  const controller = new AbortController();
  let exitCode = 0;
  let firstMs = 0;
  const handle = (name: NodeJS.Signals): void => {
    if (exitCode !== 0 && performance.now() - firstMs > ECHO_MS) process.exit(exitCode);
    if (exitCode !== 0) return;
    exitCode = 128 + constants.signals[name];
    firstMs = performance.now();
    controller.abort();
  };
  const names = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const name of names) process.on(name, handle);
  const release = (): void => names.forEach((name) => process.off(name, handle));
  return { signal: controller.signal, exitCode: () => exitCode, release };
}
