// A lock between processes: a folder that holds one file, named for its owner. Renaming a prepared folder over the
// lock works only while that is missing or empty, so exactly one process gets in; a dead owner's file can be removed by
// its full name only, so a late waiter never breaks a lock that someone else has taken meanwhile.
// Imports Node's own modules only: scripts/set-up uses it before anything is installed.

import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const BEAT_MS = 5_000;
const STALE_MS = 60_000;
const POLL_MS = 100;

/**
 * Runs `work` while holding the lock at `folder`; `waiting` is called once if somebody else holds it. Rejects with the
 * signal's reason when that is aborted while waiting.
 */
export async function underLock<R>(
  folder: string,
  waiting: () => void,
  work: () => R | Promise<R>,
  signal?: AbortSignal,
): Promise<R> {
  const owner = `${process.pid}-${randomBytes(6).toString("hex")}`;
  for (let told = false; !take(folder, owner);) {
    if (!told) waiting();
    told = true;
    removeDead(folder);
    signal?.throwIfAborted();
    await sleep(POLL_MS);
  }
  const file = join(folder, owner);
  const beat = setInterval(() => touch(file), BEAT_MS);
  try {
    return await work();
  } finally {
    clearInterval(beat);
    rmSync(file, { force: true });
  }
}

function touch(file: string): void {
  try {
    utimesSync(file, new Date(), new Date());
  } catch {
    // taken away while this process was stopped for longer than STALE_MS: nothing is left to keep fresh
  }
}

function take(folder: string, owner: string): boolean {
  removeDead(folder);
  const mine = `${folder}-${owner}`;
  mkdirSync(dirname(folder), { recursive: true });
  mkdirSync(mine);
  writeFileSync(join(mine, owner), "");
  try {
    rmdirSync(folder); // Windows renames over no folder, not even an empty one
  } catch {
    // missing or held: the rename tells
  }
  try {
    renameSync(mine, folder);
    return true;
  } catch {
    rmSync(mine, { recursive: true, force: true });
    return false;
  }
}

function removeDead(folder: string): void {
  let owners: string[];
  try {
    owners = readdirSync(folder);
  } catch {
    return;
  }
  for (const owner of owners) {
    const file = join(folder, owner);
    const beat = statSync(file, { throwIfNoEntry: false })?.mtimeMs;
    if (beat !== undefined && (!isAlive(Number.parseInt(owner)) || Date.now() - beat > STALE_MS)) {
      rmSync(file, { force: true });
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
