// Where compiled programs are kept: a folder for each, named by what went into it. Made once, also by several processes
// at the same time; what nobody has used for a month is removed.

import { createHash } from "node:crypto";
import { accessSync, constants, lstatSync, mkdirSync, statSync, utimesSync } from "node:fs";
import { mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { underLock } from "../lock.ts";

const UNUSED_MS = 30 * 24 * 3600 * 1000;

/** Makes a file of that name in a fresh folder; false if it could not. */
export type Make = (folder: string, name: string) => Promise<boolean>;

/**
 * The file `name` that `make` has made from these parts, now or in an earlier run; undefined if it could not, and is
 * asked again the next time. Rejects with the reason of `stop`, or what `make` throws.
 */
export async function cached(
  parts: readonly unknown[],
  name: string,
  make: Make,
  stop: AbortSignal,
): Promise<string | undefined> {
  const folder = join(cacheFolder(), hash(parts));
  const file = join(folder, name);
  if (use(folder, file)) return file;
  const build = async (): Promise<string | undefined> => {
    if (use(folder, file)) return file;
    const fresh = await mkdtemp(join(folder, "making-"));
    try {
      if (!(await make(fresh, name))) return undefined;
      await rename(join(fresh, name), file);
      return file;
    } finally {
      await rm(fresh, { recursive: true, force: true });
    }
  };
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const made = await underLock(join(folder, "lock"), () => {}, build, stop);
  void removeUnused();
  return made;
}

function hash(parts: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 32);
}

/** Is it there? Then it was used now. */
function use(folder: string, file: string): boolean {
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) return false;
  try {
    utimesSync(folder, new Date(), new Date());
  } catch {
    // somebody else's folder that we may only read
  }
  return true;
}

let chosen: string | undefined;

/** The user's cache folder, or one in the temporary folder where there is none that can be written. */
function cacheFolder(): string {
  if (chosen !== undefined && statSync(chosen, { throwIfNoEntry: false })) return chosen;
  const ofSystem = process.platform === "darwin" ? join("Library", "Caches") : ".cache";
  const home = process.env["XDG_CACHE_HOME"] || join(homedir(), ofSystem);
  const mine = join(tmpdir(), `braid-cache-${process.getuid?.() ?? "user"}`);
  return (chosen = tryFolder(join(home, "braid", "peers")) ?? tryFolder(mine, true) ?? mine);
}

function tryFolder(folder: string, others = false): string | undefined {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    // Anybody may write to the temporary folder: what we would run from there must be our own.
    const { uid, mode } = lstatSync(folder);
    if (others && (uid !== process.getuid?.() || (mode & 0o077) !== 0)) return undefined;
    accessSync(folder, constants.W_OK);
    return folder;
  } catch {
    return undefined;
  }
}

async function removeUnused(): Promise<void> {
  const root = cacheFolder();
  for (const name of await readdir(root).catch(() => [])) {
    const folder = join(root, name);
    const { mtimeMs = Date.now() } = statSync(folder, { throwIfNoEntry: false }) ?? {};
    if (Date.now() - mtimeMs > UNUSED_MS) await rm(folder, { recursive: true, force: true }).catch(() => {});
  }
}
