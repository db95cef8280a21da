// machine: the facts about this machine that a measurement needs beside it, and none that tell whose machine it is.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { arch, availableParallelism, cpus, platform, totalmem } from "node:os";
import { hidden } from "./sample.ts";
import { markdownTable, textTable } from "./table.ts";

export interface Machine {
  /** Threads that can run at once, as `os.availableParallelism()` counts them. */
  cores: number;
  /** The processor's name as the system gives it; "unknown" where it gives none. */
  cpu: string;
  /** Main memory that this process may use, in GiB, one decimal. */
  memoryGb: number;
  /** For example "linux x64". */
  os: string;
  node: string;
  v8: string;
  typescript: string;
  braid: string;
}

/**
 * What a reader must know to place a measurement: cores, processor, memory, versions. Never a host name, a user or a path.
 *
 * Waits: never (reads two small files). Shown as a cell's value it is a table.
 * @example
 * machine().cores; // 8
 */
export function machine(): Machine {
  const facts: Machine = {
    cores: availableParallelism(),
    cpu: cpus()[0]?.model.trim().replace(/\s+/g, " ") || "unknown",
    memoryGb: Math.round((memory() / 2 ** 30) * 10) / 10,
    os: `${platform()} ${arch()}`,
    node: process.versions.node,
    v8: process.versions.v8,
    typescript: installedVersion("typescript"),
    braid: ownVersion(),
  };
  const rows = Object.entries({ ...facts, memoryGb: `${facts.memoryGb} GiB` }).map(
    ([key, value]) => [key === "memoryGb" ? "memory" : key, String(value)] as const,
  );
  return hidden(facts, {
    [Symbol.for("Jupyter.display")]: () => ({
      "text/markdown": markdownTable(["machine", ""], rows),
      "text/plain": textTable<readonly [string, string]>({ machine: ([key]) => key, "": ([, value]) => value }, rows),
    }),
  });
}

/** Bytes: the machine's, or what a container allows of it. */
function memory(): number {
  const allowed = process.constrainedMemory();
  return allowed > 0 ? Math.min(allowed, totalmem()) : totalmem();
}

function ownVersion(): string {
  // From lib/bench/ in the sources and from dist/lib/bench/ in the package.
  for (const up of ["../../package.json", "../../../package.json"]) {
    const version = versionIn(new URL(up, import.meta.url));
    if (version !== undefined) return version;
  }
  return "unknown";
}

function installedVersion(name: string): string {
  try {
    return versionIn(createRequire(import.meta.url).resolve(`${name}/package.json`)) ?? "unknown";
  } catch {
    return "not installed";
  }
}

function versionIn(file: URL | string): string | undefined {
  try {
    const { version } = JSON.parse(readFileSync(file, "utf8")) as { version?: unknown };
    return typeof version === "string" ? version : undefined;
  } catch {
    return undefined;
  }
}
