// Programs that are started in a process group of their own, so that they can be stopped with all that they have started,
// and are, when this thread or process ends, however it ends.

import { spawn, type ChildProcess, type SpawnOptions } from "node:child_process";
import type { Socket } from "node:net";

/**
 * Starts a program as the leader of a new group; rejects if that can't be. When it ends, what it has left running in the
 * group is killed as well. What leaves the group by itself (setsid) is out of reach.
 */
export async function spawnGroup(
  command: string,
  args: readonly string[],
  options: SpawnOptions,
): Promise<ChildProcess> {
  const child = spawn(command, args, { ...options, detached: true });
  const { pid } = child;
  if (pid !== undefined) {
    const entry = `kill ${pid}`;
    atEnd(entry);
    child.once("exit", () => {
      signal(pid, "SIGKILL");
      notAtEnd(entry);
    });
  }
  await new Promise((resolve, reject) => child.once("spawn", resolve).once("error", reject));
  return child;
}

/** Signals a program of `spawnGroup` and all that it has started. */
export function killGroup(child: ChildProcess, name: NodeJS.Signals = "SIGKILL"): void {
  // Once the leader was waited for, its number may be another's.
  if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) signal(child.pid, name);
}

/** Has a folder of this program's removed when it ends without having done so. */
export function removeAtEnd(folder: string): { cancel(): void } {
  atEnd(`remove ${folder}`);
  return { cancel: () => notAtEnd(`remove ${folder}`) };
}

function signal(group: number, name: NodeJS.Signals): void {
  try {
    process.kill(-group, name);
  } catch {
    // nobody is left in it
  }
}

// ---- the guard: a shell that reads what is to be done when its input ends, which it does when this thread ends. Its
// parent ends at once, so that who kills this process with all its children does not kill the guard before its work.

const GUARD = `(
  while IFS= read -r line; do
    case $line in
      +*) set -- "$@" "\${line#+}" ;;
      -*)
        left=$#
        while [ "$left" -gt 0 ]; do
          entry=$1; shift; left=$((left - 1))
          [ "$entry" = "\${line#-}" ] || set -- "$@" "$entry"
        done ;;
    esac
  done <&3
  for entry; do case $entry in kill*) kill -s KILL -- "-\${entry#kill }" ;; esac; done
  for entry; do case $entry in remove*) rm -rf -- "\${entry#remove }" ;; esac; done
) &`;

const entries = new Set<string>();
let guard: Socket | undefined;

function atEnd(entry: string): void {
  entries.add(entry);
  if (guard) return void guard.write(`+${entry}\n`);
  const shell = spawn("/bin/sh", ["-c", GUARD], {
    cwd: "/",
    detached: true,
    env: { PATH: "/usr/bin:/bin" },
    // Node closes a child's standard input when the child ends, and leaves the others open.
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  const pipe = shell.stdio[3] as unknown as Socket;
  const lost = (): void => void (guard === pipe && (guard = undefined));
  shell.on("error", lost).unref();
  pipe.on("error", lost).on("close", lost).unref();
  for (const one of entries) pipe.write(`+${one}\n`);
  guard = pipe;
}

function notAtEnd(entry: string): void {
  entries.delete(entry);
  guard?.write(`-${entry}\n`);
}
