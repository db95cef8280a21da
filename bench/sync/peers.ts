// The same work in other languages, for bench/sync and bench/channels: built on first use.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { build } from "../build.ts";

const PEERS = fileURLToPath(new URL("./peers/", import.meta.url));

const cargo = ["build", "--release", "--quiet", "--manifest-path", "rust/Cargo.toml", "--target-dir", "target"];
const rust = build({
  peers: PEERS,
  program: "release/rust-peer",
  sources: ["rust/Cargo.toml", "rust/src/main.rs", "rust/src/locks.rs", "rust/src/channels.rs"],
  command: "cargo",
  args: cargo,
});
const go = build({
  peers: PEERS,
  program: "go-peer",
  sources: ["main.go"],
  command: "go",
  args: ["build", "-o", "target/go-peer", "main.go"],
});

/** What a tool says that it is, in short; undefined: it is not there. */
function versionOf(command: string, ...args: string[]): string | undefined {
  const { status, stdout } = spawnSync(command, args, { encoding: "utf8" });
  return status === 0 ? /\d+(\.\d+)+/.exec(stdout)?.[0] : undefined;
}

const python = versionOf("python3", "--version");
const not = "not installed";

export const peerVersions: readonly string[] = [
  `Rust ${(rust && versionOf("rustc", "--version")) ?? not}`,
  `Go ${(go && versionOf("go", "version")) ?? not}`,
  `Python ${python ?? not}`,
];

/** The command that does it, or undefined where the language is not installed. */
export const peers = {
  rust: (...args: string[]) => (rust ? [rust, ...args] : undefined),
  go: (...args: string[]) => (go ? [go, ...args] : undefined),
  python: (...args: string[]) => (python ? ["python3", `${PEERS}peer.py`, ...args] : undefined),
};
