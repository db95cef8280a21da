// Files that must not outlast the program: removed when it exits, where nobody did before.

import fs from "node:fs";

const paths = new Set<string>();

export function removeAtExit(path: string): void {
  if (paths.size === 0) process.on("exit", removeAll);
  paths.add(path);
}

/** Removes it now. One that is gone is no error. */
export function remove(path: string): void {
  if (!paths.delete(path)) return;
  fs.rmSync(path, { recursive: true, force: true });
  if (paths.size === 0) process.off("exit", removeAll);
}

function removeAll(): void {
  for (const path of paths) remove(path);
}
