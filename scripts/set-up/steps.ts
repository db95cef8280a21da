// What every script needs before it can do its own work: the npm packages and a build that matches the sources.
// Only modules that need no package are imported here: nothing else may be installed yet.

import { existsSync, globSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runToEnd } from "../../kernel/cli/child.ts";
import { CliError } from "../../kernel/cli/errors.ts";
import { underLock } from "../../lib/lock.ts";
import { findNpm, npmProcess } from "./node.mjs";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const INSTALLED = join(ROOT, "node_modules", ".package-lock.json");
const BUILT = join(ROOT, "dist", ".built");

export function fail(error: unknown): never {
  if (error instanceof CliError) console.error(`braid: ${error.message}`);
  else console.error(error);
  process.exit(1);
}

export async function setUp(): Promise<void> {
  if (packagesAreCurrent() && builtFrom() === fingerprint()) return;
  const waiting = (): void => console.log("braid: waiting for another set-up of this folder to finish");
  await underLock(join(ROOT, ".braid", "lock"), waiting, async () => {
    if (!packagesAreCurrent()) await installPackages();
    if (builtFrom() !== fingerprint()) await build();
  });
}

/** npm writes node_modules/.package-lock.json last. */
function packagesAreCurrent(): boolean {
  const installed = statSync(INSTALLED, { throwIfNoEntry: false });
  return installed !== undefined && installed.mtimeMs >= statSync(join(ROOT, "package-lock.json")).mtimeMs;
}

async function installPackages(): Promise<void> {
  const npm = findNpm();
  if (!npm) {
    throw new CliError(
      "npm is not on the PATH; install it (`sudo apt-get install npm`, `brew install node`) and try again.",
    );
  }
  console.log("braid: installing npm packages");
  // Not `npm ci`: it refuses a lock file that lacks the optional packages of other platforms, and a registry mirror need
  // not have those. What the lock file names is installed in that version, checked by its hash.
  const options = ["--no-save", "--ignore-scripts", "--no-fund", "--no-audit", "--loglevel=error"];
  const install = npmProcess(npm, process.execPath, ["install", ...options]);
  const { code, output } = await runToEnd(install.command, install.args, install.options);
  if (code === 0) return;
  console.error(output.trimEnd());
  throw new CliError("npm could not install the packages (see above); mend that, then run the same command again.");
}

/** Names, sizes and times of all that goes into dist: equal as long as nobody touched a source. */
function fingerprint(): string {
  const sources = globSync(["lib/**/*.ts", "kernel/**/*.ts", "tsconfig*.json", "package-lock.json"], { cwd: ROOT });
  const describe = (file: string): string => {
    const { size, mtimeMs } = statSync(join(ROOT, file));
    return `${file} ${size} ${mtimeMs}`;
  };
  return `${sources.sort().map(describe).join("\n")}\n`;
}

function builtFrom(): string {
  return existsSync(BUILT) ? readFileSync(BUILT, "utf8") : "";
}

async function build(): Promise<void> {
  console.log("braid: building");
  const before = fingerprint();
  const names = (text: string): string[] => text.split("\n").map((line) => line.split(" ", 1)[0] ?? "");
  const gone = new Set(names(builtFrom())).difference(new Set(names(before)));
  if (gone.size > 0 || builtFrom() === "") rmSync(join(ROOT, "dist"), { recursive: true, force: true });
  mkdirSync(join(ROOT, "dist"), { recursive: true });
  const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
  const { code, output } = await runToEnd(process.execPath, [tsc, "-p", "tsconfig.build.json"], { cwd: ROOT });
  if (code !== 0) console.error(output.trimEnd());
  // 2: there were errors, and all files were written nevertheless; the next start tries again.
  if (code !== 0 && code !== 2) throw new CliError("the build failed (see above).");
  if (code === 0) writeFileSync(BUILT, before);
}
