// Gets what is measured beside Braid: packages into bench/rivals, programs into peers/target. What can't be got is left
// out, with the reason in the table.

import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "../build.ts";

const RIVALS = fileURLToPath(new URL("../rivals/", import.meta.url));
const PEERS = fileURLToPath(new URL("./peers/", import.meta.url));

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

export const buildGo = (): string | undefined =>
  build({
    peers: PEERS,
    program: "go-peer",
    sources: ["main.go"],
    command: "go",
    args: ["build", "-o", "target/go-peer", "main.go"],
  });

export const buildRust = (): string | undefined =>
  build({
    peers: PEERS,
    program: "release/rust-peer",
    sources: ["rust/src/main.rs", "rust/Cargo.toml"],
    command: "cargo",
    args: ["build", "--release", "--quiet", "--manifest-path", "rust/Cargo.toml", "--target-dir", "target"],
  });
