// Where the package lies and where it may keep things.

import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

/** The folder that holds package.json, whether this runs from kernel/cli or from dist/kernel/cli. */
export const ROOT = packageRoot(import.meta.dirname);

function packageRoot(from: string): string {
  if (existsSync(join(from, "package.json")) && existsSync(join(from, "requirements.txt"))) return from;
  if (dirname(from) === from) throw new Error(`no package.json above ${import.meta.dirname}`);
  return packageRoot(dirname(from));
}

export function version(): string {
  return (JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string }).version;
}

/** The virtual environment: in the checkout itself, or in the user's cache for an installed package. */
export function environmentFolder(): string {
  if (existsSync(join(ROOT, "scripts", "start.mjs"))) return join(ROOT, ".venv");
  const home = process.platform === "win32" ? process.env.LOCALAPPDATA : process.env.XDG_CACHE_HOME;
  return join(home || join(homedir(), ".cache"), "braid", version(), "venv");
}
