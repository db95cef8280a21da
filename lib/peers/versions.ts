// Which other languages are installed here, to be run beside ours.

import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

export type PeerName = "python" | "rust" | "go";

/** A peer's version, or that it isn't there: "not installed" is a result, not an error. */
export type PeerVersion = { name: PeerName; installed: true; version: string } | { name: PeerName; installed: false };

const COMMANDS: Record<PeerName, [command: string, argument: string]> = {
  python: ["python3", "--version"],
  rust: ["rustc", "--version"],
  go: ["go", "version"],
};

/** Asks each peer for its version. Waits: asynchronously, at most 5 s each, all at once. Never throws. */
export function peerVersions(): Promise<PeerVersion[]> {
  const names = Object.keys(COMMANDS) as PeerName[];
  return Promise.all(
    names.map(async (name): Promise<PeerVersion> => {
      const [command, argument] = COMMANDS[name];
      try {
        const { stdout } = await run(command, [argument], { timeout: 5000 });
        return { name, installed: true, version: /\d+(\.\d+)+/.exec(stdout)?.[0] ?? stdout.trim() };
      } catch {
        return { name, installed: false };
      }
    }),
  );
}
