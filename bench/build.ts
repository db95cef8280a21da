// Programs of other languages that are measured beside Braid: built into peers/target of a bench when they are needed.

import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";

interface Build {
  /** The bench's folder of peers: the command runs in it. */
  peers: string;
  /** Where in peers/target the program will be. */
  program: string;
  /** In `peers`. */
  sources: readonly string[];
  command: string;
  args: readonly string[];
  env?: Record<string, string>;
}

/** The program, built; undefined: the tools to build it are missing. */
export function build({ peers, program, sources, command, args, env }: Build): string | undefined {
  const built = path.join(peers, "target", program);
  const changedMs = Math.max(...sources.map((file) => fs.statSync(path.join(peers, file)).mtimeMs));
  if ((fs.statSync(built, { throwIfNoEntry: false })?.mtimeMs ?? 0) >= changedMs) return built;
  process.stderr.write(`building ${program}\n`);
  const options = { cwd: peers, stdio: ["ignore", 2, 2] as const, env: { ...process.env, ...env } };
  const { error, status } = spawnSync(command, args, { ...options, stdio: [...options.stdio] });
  return error || status !== 0 ? undefined : built;
}
