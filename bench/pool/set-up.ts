// Gets what is measured beside Braid: packages into bench/rivals, programs into peers/target. What can't be got is left
// out, with the reason in the table.

import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const RIVALS = fileURLToPath(new URL("../rivals/", import.meta.url));
const PEERS = fileURLToPath(new URL("./peers/", import.meta.url));
const TARGET = path.join(PEERS, "target");

interface Manifest {
  version: string;
  dependencies: Record<string, string>;
}

const manifestIn = (folder: string): Manifest | undefined => {
  try {
    return JSON.parse(fs.readFileSync(path.join(folder, "package.json"), "utf8")) as Manifest;
  } catch {
    return undefined;
  }
};

/** The version of each rival; undefined: it is not installed. */
export function installRivals(): Map<string, string | undefined> {
  const wanted = Object.entries(manifestIn(RIVALS)?.dependencies ?? {});
  const versionOf = (name: string) => manifestIn(path.join(RIVALS, "node_modules", name))?.version;
  if (wanted.some(([name, version]) => versionOf(name) !== version)) {
    process.stderr.write("installing the rivals\n");
    const options = ["--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    const { error, status } = spawnSync("npm", ["install", ...options], { cwd: RIVALS, stdio: ["ignore", 2, 2] });
    if (error || status !== 0) process.stderr.write("  npm could not install them\n");
  }
  return new Map(wanted.map(([name]) => [name, versionOf(name)]));
}

/** The program, built; undefined: the tools to build it are missing. */
function build(program: string, sources: string[], command: string, args: string[]): string | undefined {
  const built = path.join(TARGET, program);
  const changedMs = Math.max(...sources.map((file) => fs.statSync(path.join(PEERS, file)).mtimeMs));
  if ((fs.statSync(built, { throwIfNoEntry: false })?.mtimeMs ?? 0) >= changedMs) return built;
  process.stderr.write(`building ${program}\n`);
  const { error, status } = spawnSync(command, args, { cwd: PEERS, stdio: ["ignore", 2, 2] });
  return error || status !== 0 ? undefined : built;
}

export const buildGo = (): string | undefined =>
  build("go-peer", ["main.go"], "go", ["build", "-o", path.join(TARGET, "go-peer"), "main.go"]);

export function buildRust(): string | undefined {
  const cargo = ["build", "--release", "--quiet", "--manifest-path", "rust/Cargo.toml", "--target-dir", TARGET];
  return build("release/rust-peer", ["rust/src/main.rs", "rust/Cargo.toml"], "cargo", cargo);
}
