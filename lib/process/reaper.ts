// Sees to it that no process of a pool outlives this one. A child ends by itself when its channel to the owner closes, but
// one that spins doesn't hear of it. So one shell for each thread that has children waits at a pipe: when the owner is
// gone, however it went, the pipe ends, and after a moment the shell kills who is still there.

import { spawn, type ChildProcess } from "node:child_process";

/** Reads "+pid" and "-pid"; signals that a terminal sends to all are not for it. */
const SCRIPT = `
trap '' INT TERM HUP QUIT
pids=' '
while read -r line; do
  pid=\${line#?}
  case $line in
    +*) pids="$pids$pid " ;;
    -*) pids="\${pids%% $pid *} \${pids#* $pid }" ;;
  esac
done
[ "$pids" = ' ' ] && exit
sleep 1
kill -KILL $pids 2>/dev/null
`;

let shell: ChildProcess | undefined;
const watched = new Set<number>();

/** From now on this process ends with this one. */
export function watchChild(pid: number): void {
  watched.add(pid);
  if (!shell) start();
  else tell(`+${pid}`);
}

/** It is gone: its number may be another's by now. */
export function unwatchChild(pid: number): void {
  if (watched.delete(pid)) tell(`-${pid}`);
}

function start(): void {
  // Its own session: what is sent to the group of this process does not end it first.
  const started = spawn("/bin/sh", ["-c", SCRIPT], { stdio: ["pipe", "ignore", "ignore"], detached: true, cwd: "/" });
  shell = started;
  const gone = (): void => {
    if (shell === started) shell = undefined;
  };
  started.on("error", gone);
  started.on("exit", gone);
  started.stdin!.on("error", () => {});
  started.unref();
  (started.stdin as unknown as { unref(): void }).unref();
  for (const pid of watched) tell(`+${pid}`);
}

function tell(line: string): void {
  shell?.stdin?.write(`${line}\n`);
}
