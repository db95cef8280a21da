// The Python environment that JupyterLab lives in: an active conda environment named "braid", or a virtual environment
// of our own, made from the hash-pinned requirements. A stamp says what is in it; it is written last, so an interrupted
// installation is made anew.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { runToEnd } from "./child.ts";
import { CliError } from "./errors.ts";
import { underLock } from "../../lib/lock.ts";
import { environmentFolder, ROOT } from "./paths.ts";
import { findPython, howToGetVenv } from "./python-finder.ts";

const WINDOWS = process.platform === "win32";

export interface PythonEnvironment {
  /** The interpreter. */
  python: string;
  /** Its sys.prefix: share/jupyter and etc/jupyter are below. */
  prefix: string;
}

/** The environment, made if need be. `extra` names further requirement files, for tests. */
export async function pythonEnvironment(extra: readonly string[] = []): Promise<PythonEnvironment> {
  const conda = condaEnvironment();
  if (conda && extra.length === 0) return conda;
  const prefix = environmentFolder();
  const environment = { python: interpreter(prefix), prefix };
  const files = ["requirements.txt", ...extra];
  if (isReady(environment, files)) return environment;
  const waiting = (): void => console.log("braid: waiting for another set-up of the Python environment to finish");
  await underLock(`${prefix}-lock`, waiting, async () => {
    if (!isReady(environment, ["requirements.txt"])) await create(environment);
    for (const file of files.filter((name) => !isReady(environment, [name]))) await install(environment, file);
  });
  return environment;
}

function condaEnvironment(): PythonEnvironment | undefined {
  const prefix = process.env.CONDA_PREFIX;
  if (!prefix || process.env.CONDA_DEFAULT_ENV !== "braid") return undefined;
  const lab = WINDOWS ? join(prefix, "Scripts", "jupyter-lab.exe") : join(prefix, "bin", "jupyter-lab");
  const python = WINDOWS ? join(prefix, "python.exe") : join(prefix, "bin", "python");
  return existsSync(lab) ? { python, prefix } : undefined;
}

function interpreter(prefix: string): string {
  return WINDOWS ? join(prefix, "Scripts", "python.exe") : join(prefix, "bin", "python");
}

function stampFile(prefix: string): string {
  return join(prefix, ".braid.json");
}

/** Which requirement files, by content hash, are installed. */
function stamp(prefix: string): Record<string, string> {
  try {
    return JSON.parse(readFileSync(stampFile(prefix), "utf8")) as Record<string, string>;
  } catch {
    return {};
  }
}

function hashOf(file: string): string {
  return createHash("sha256")
    .update(readFileSync(join(ROOT, file)))
    .digest("hex");
}

function isReady({ python, prefix }: PythonEnvironment, files: readonly string[]): boolean {
  const installed = stamp(prefix);
  return existsSync(python) && files.every((file) => installed[file] === hashOf(file));
}

async function create({ prefix }: PythonEnvironment): Promise<void> {
  const base = findPython();
  if (existsSync(prefix) && !existsSync(stampFile(prefix))) {
    throw new CliError(`${prefix} exists and was not made by Braid; move it away and try again.`);
  }
  console.log("braid: creating the Python environment");
  if (existsSync(prefix)) {
    const old = `${prefix}-old-${process.pid}`;
    renameSync(prefix, old);
    rmSync(old, { recursive: true, force: true });
  }
  mkdirSync(prefix, { recursive: true });
  writeFileSync(stampFile(prefix), "{}\n");
  const { code, output } = await runToEnd(base, ["-m", "venv", prefix]);
  if (code !== 0) {
    console.error(output.trimEnd());
    throw new CliError(`the Python environment could not be created (see above); ${howToGetVenv()} and try again.`);
  }
  // The package above is made of ES modules; JupyterLab's own scripts in here are not.
  writeFileSync(join(prefix, "package.json"), '{ "type": "commonjs" }\n');
}

async function install({ python, prefix }: PythonEnvironment, file: string): Promise<void> {
  console.log(`braid: installing Python packages (${file})`);
  const flags = ["--require-hashes", "--quiet", "--disable-pip-version-check", "--no-input"];
  const { code, output } = await runToEnd(python, ["-m", "pip", "install", ...flags, "-r", join(ROOT, file)], {
    cwd: dirname(prefix),
    env: { ...process.env, PIP_USER: "0" },
  });
  if (code !== 0) {
    console.error(output.trimEnd());
    throw new CliError(
      "pip could not install the Python packages (see above); mend that, then run the same command again.",
    );
  }
  writeFileSync(stampFile(prefix), `${JSON.stringify({ ...stamp(prefix), [file]: hashOf(file) })}\n`);
}
