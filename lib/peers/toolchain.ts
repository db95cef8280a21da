// Finds the other languages on the PATH, and asks each tool once which version it is.

import { execFile } from "node:child_process";
import { accessSync, constants, readdirSync, realpathSync, statSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { lastLine } from "./run.ts";

/** A tool that runs here. */
export interface Tool {
  readonly installed: true;
  readonly command: string;
  /** "1.95.0" */
  readonly version: string;
  /** All that it says of its version: another build of the same version is told apart. */
  readonly build: string;
}

/** "Not installed" is a value, and says what was looked for. */
export interface NotInstalled {
  readonly installed: false;
  readonly message: string;
}

const ASK_MS = 20_000;
const run = promisify(execFile);

export const rustc = (): Promise<Tool | NotInstalled> => find("Rust", "rustc", ["-vV"]);
export const cargo = (): Promise<Tool | NotInstalled> => find("Rust's cargo", "cargo", ["-vV"]);
export const go = (): Promise<Tool | NotInstalled> => find("Go", "go", ["version"], GO_ENV);

/** Nothing is downloaded behind the user's back. */
export const GO_ENV = { GOTOOLCHAIN: "local", GOPROXY: "off" };

async function find(
  language: string,
  name: string,
  args: readonly string[],
  env?: Record<string, string>,
): Promise<Tool | NotInstalled> {
  const command = findProgram(name);
  if (command === undefined)
    return { installed: false, message: `${language} is not installed: no ${name} on the PATH.` };
  try {
    const build = await ask(command, args, env);
    return { installed: true, command, version: /\d+(\.\d+)+\S*/.exec(build)?.[0] ?? build, build };
  } catch (error) {
    return {
      installed: false,
      message: `${language} is not installed: ${command} is there but does not run (${why(error)}).`,
    };
  }
}

export function findProgram(name: string): string | undefined {
  return onPath((one) => one === name)[0];
}

function why(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message: string };
  return lastLine(stderr ?? "") ?? message;
}

const answers = new Map<string, Promise<string>>();

/** What a tool prints; asked again when the tool or what may choose its version has changed. */
function ask(command: string, args: readonly string[], env?: Record<string, string>): Promise<string> {
  const { RUSTUP_TOOLCHAIN, PYENV_VERSION } = process.env;
  const key = JSON.stringify([
    command,
    args,
    statSync(command).mtimeMs,
    RUSTUP_TOOLCHAIN,
    PYENV_VERSION,
    process.cwd(),
  ]);
  let answer = answers.get(key);
  if (!answer) {
    answer = run(command, args, { timeout: ASK_MS, env: { ...process.env, ...env } }).then(({ stdout }) =>
      stdout.trim(),
    );
    answers.set(key, answer);
    answer.catch(() => answers.delete(key));
  }
  return answer;
}

/** The programs on the PATH whose name is wanted, in its order. */
function onPath(wanted: (name: string) => boolean): string[] {
  return (process.env["PATH"] ?? "").split(delimiter).flatMap((folder) => programs(folder, wanted));
}

/** "python3" comes before "python3.12". */
function programs(folder: string, wanted: (name: string) => boolean): string[] {
  let names: string[];
  try {
    names = readdirSync(folder || ".");
  } catch {
    return [];
  }
  return names
    .filter(wanted)
    .sort()
    .map((name) => join(folder, name))
    .filter(isProgram);
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

// ---- Pythons: there may be many

/** One Python of this machine. */
export interface PythonVersion {
  readonly command: string;
  /** What `version` of `peers.python` takes: "3.12.1", "3.13.0t" for a free-threaded one, "pypy3.10.14". */
  readonly version: string;
  readonly implementation: string;
  /** Does it run one thread at a time? False only for a free-threaded build that has its lock off. */
  readonly gil: boolean;
}

const PROBE = `
import json, platform, sys, sysconfig
free = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
print(json.dumps({
    "executable": sys.executable,
    "version": platform.python_version(),
    "pypy": list(getattr(sys, "pypy_version_info", [])[:3]),
    "implementation": platform.python_implementation(),
    "free": free,
    "gil": getattr(sys, "_is_gil_enabled", lambda: True)(),
}))`;

interface Probed {
  executable: string;
  version: string;
  pypy: number[];
  implementation: string;
  free: boolean;
  gil: boolean;
}

const PYTHON = /^(python3|pypy3)(\.\d+t?)?$/;

/** The first one is that of `python3`. Two names of one program are one. */
export async function pythons(): Promise<PythonVersion[]> {
  const first = findProgram("python3");
  const files = onPath((name) => PYTHON.test(name));
  const found = [...(first ? [first] : []), ...files.filter((file) => !isShim(file)), ...ofPyenv(files)];
  const seen = new Set<string>();
  const all = await Promise.all([...new Set(found)].map((command) => probe(command)));
  return all
    .filter((one) => one !== undefined)
    .filter(({ command, version }) => {
      const same = `${realpathSync(command)} ${version}`;
      return !seen.has(same) && seen.add(same);
    });
}

export async function python(wanted?: string): Promise<Tool | NotInstalled> {
  const command = findProgram("python3");
  const first = wanted === undefined && command !== undefined ? await probe(command) : undefined;
  if (first) return tool(first);
  const all = await pythons();
  const chosen = all.find((one) => wanted === undefined || isVersion(one.version, wanted));
  if (chosen) return tool(chosen);
  const message =
    all.length === 0
      ? `Python is not installed: no python3${command === undefined ? "" : " that runs"} on the PATH.`
      : `Python ${wanted} is not installed: found ${all.map(({ version }) => version).join(", ")}.`;
  return { installed: false, message };
}

function tool({ command, version }: PythonVersion): Tool {
  return { installed: true, command, version, build: version };
}

/** "3.12" is any 3.12.x, and never a free-threaded one; "3.13t" is. */
function isVersion(version: string, wanted: string): boolean {
  if (version.endsWith("t") !== wanted.endsWith("t")) return false;
  const [a, b] = [version.replace(/t$/, ""), wanted.replace(/t$/, "")];
  return a === b || a.startsWith(`${b}.`) || (b === "pypy" && a.startsWith(b));
}

async function probe(command: string): Promise<PythonVersion | undefined> {
  let said: Probed;
  try {
    said = JSON.parse(await ask(command, ["-c", PROBE])) as Probed;
  } catch {
    return undefined;
  }
  const { executable, implementation, gil } = said;
  const version = said.pypy.length > 0 ? `pypy${said.pypy.join(".")}` : said.version + (said.free ? "t" : "");
  return { command: executable || command, version, implementation, gil };
}

/** pyenv puts a script in the place of each program, which runs the version that is chosen or fails. */
function isShim(file: string): boolean {
  const folder = dirname(file);
  return folder === join(process.env["PYENV_ROOT"] ?? ".pyenv", "shims") || folder.endsWith(join(".pyenv", "shims"));
}

function ofPyenv(files: readonly string[]): string[] {
  const shim = files.find(isShim);
  if (shim === undefined) return [];
  try {
    const versions = join(dirname(dirname(shim)), "versions");
    return readdirSync(versions)
      .sort(numerically)
      .map((name) => join(versions, name, "bin", "python3"))
      .filter(isProgram);
  } catch {
    return [];
  }
}

function numerically(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}
