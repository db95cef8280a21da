// Which other languages are installed here, to be run beside ours.

import { go, pythons, rustc, type NotInstalled, type PythonVersion, type Tool } from "./toolchain.ts";

export type PeerName = "python" | "rust" | "go";

/** A peer's version, or that it isn't there: "not installed" is a result, not an error. */
export type PeerVersion =
  | {
      name: PeerName;
      installed: true;
      version: string;
      /** All Pythons that were found, that of `python3` first: `gil` is false where threads run at the same time. */
      all?: PythonVersion[];
    }
  | { name: PeerName; installed: false };

/** Asks each peer for its version. Waits: asynchronously, at most 20 s each, all at once. Never throws. */
export async function peerVersions(): Promise<PeerVersion[]> {
  const [all, rust, golang] = await Promise.all([pythons(), rustc(), go()]);
  const [first] = all;
  return [
    first ? { name: "python", installed: true, version: first.version, all } : { name: "python", installed: false },
    row("rust", rust),
    row("go", golang),
  ];
}

function row(name: PeerName, tool: Tool | NotInstalled): PeerVersion {
  return tool.installed ? { name, installed: true, version: tool.version } : { name, installed: false };
}
