// What is measured beside Braid: builds the programs in peers/, and looks for NumPy. What is missing is "not installed".

import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "../build.ts";

const PEERS = fileURLToPath(new URL("./peers/", import.meta.url));

export interface Peer {
  name: string;
  /** With its name: "Go 1.26". */
  version: string | undefined;
  /** Without it: not installed. */
  command: string[] | undefined;
}

function rust(folder: string, flags: string): string[] | undefined {
  const program = build({
    peers: PEERS,
    program: `${folder}/release/arrays-peer`,
    sources: ["rust/src/main.rs", "rust/Cargo.toml"],
    command: "cargo",
    args: ["build", "--release", "--quiet", "--manifest-path", "rust/Cargo.toml", "--target-dir", `target/${folder}`],
    env: { RUSTFLAGS: flags },
  });
  return program === undefined ? undefined : [program];
}

function go(): string[] | undefined {
  const args = ["build", "-o", "target/arrays-go", "main.go"];
  const program = build({ peers: PEERS, program: "arrays-go", sources: ["main.go"], command: "go", args });
  return program === undefined ? undefined : [program];
}

/** What a program prints, undefined where there is no such program. */
function said(command: string, ...args: string[]): string | undefined {
  const { status, stdout } = spawnSync(command, args, { encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}

function rayonVersion(): string | undefined {
  const lock = path.join(PEERS, "rust/Cargo.lock");
  if (!fs.existsSync(lock)) return undefined;
  return /name = "rayon"\nversion = "(.*)"/.exec(fs.readFileSync(lock, "utf8"))?.[1];
}

export function peers(): Peer[] {
  const [ordinary, native] = [rust("default", ""), rust("native", "-C target-cpu=native")];
  const version = `rayon ${rayonVersion() ?? "?"} of Rust ${said("rustc", "--version")?.split(" ")[1] ?? "?"}`;
  const numpy = said("python3", "-c", "import numpy; print(numpy.__version__)");
  return [
    { name: "rayon", version, command: ordinary },
    { name: "rayon, native", version, command: native },
    { name: "Go", version: said("go", "env", "GOVERSION")?.replace("go", "Go "), command: go() },
    {
      name: "NumPy",
      version: `NumPy ${numpy ?? "?"}`,
      command: numpy === undefined ? undefined : ["python3", path.join(PEERS, "numpy_peer.py")],
    },
  ];
}
