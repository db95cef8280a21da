// Programs in other languages, run for real beside ours.

import { PeerError } from "../errors.ts";
import { checkCrates, checkOptions, checkSignal, checkText, checkTexts, checkTimeout, show } from "./checks.ts";
import { LANGUAGES, type Prepared } from "./languages.ts";
import { lastLine, run } from "./run.ts";
import { sourceOf } from "./source.ts";
import { stoppable } from "./stopped.ts";
import { pythons, type NotInstalled, type PythonVersion } from "./toolchain.ts";
import type { PeerName } from "./versions.ts";
import { startWorker, type PeerWorker } from "./worker-process.ts";

export interface PeerOptions {
  /** What the program finds as its arguments. */
  args?: readonly string[];
  /** What it reads from its standard input; without it, that is empty. */
  input?: string;
  /** Its run is ended after this long; 60 s without it. Compiling has its own limit of five minutes. */
  timeoutMs?: number;
  /** More environment variables, `{ GOMAXPROCS: "1" }`. */
  env?: Readonly<Record<string, string>>;
  /** Flags of rustc (`["-O"]` without it), of `go build`, or of the Python interpreter. */
  flags?: readonly string[];
  signal?: AbortSignal;
}

export interface RustOptions extends PeerOptions {
  /** Libraries that it uses, by name their versions: `{ rayon: "1" }`. Nothing is downloaded: cargo must have them. */
  crates?: Readonly<Record<string, string>>;
}

export interface PythonOptions extends PeerOptions {
  /** Which Python, as `peers.pythons()` names it: "3.12", "3.13.0t", "pypy". Without it, that of `python3`. */
  version?: string;
}

/** Those of a program that stays; `version` is for Python. */
export type PeerWorkerOptions = Omit<PythonOptions, "input" | "timeoutMs">;

export type PeerResult =
  | NotInstalled
  | {
      installed: true;
      version: string;
      /** It compiled, ended in time, and with exit code 0. */
      ok: boolean;
      stdout: string;
      stderr: string;
      /** From the program's start to its end, without compiling. */
      ms: number;
      /** The last line that it printed, read as JSON. */
      value?: unknown;
      /** What went wrong, or is missing: no JSON, output left out, killed. */
      message?: string;
    };

export interface Peers {
  /**
   * Runs a Python program: its text, or the path or `file:` URL of a `.py` file. A string of one line that ends in
   * ".py" is a path, relative to the current folder: in a notebook that is the notebook's.
   *
   * Gives `value`, the last line that it printed read as JSON, and `ms`, the time of its run. "Not installed" is a
   * result as well, and so is a program that fails, prints no JSON or is killed: `message` says it.
   * Waits: async, for the program to end, at most `timeoutMs`; it is then killed with all processes that it has started
   * in its group, as it is by an interrupt, an aborted `signal` and the end of this thread.
   * Throws: TypeError, RangeError for what is no program or option; CancelledError when it was stopped.
   * Cost: Python starts in some 20 ms. Of what it prints 16 MiB a stream are kept, its beginning and its end.
   * @example
   * const run = await peers.python(`print(sum(i * i for i in range(1000)))`);
   * if (run.installed) console.log(run.value); // 332833500
   */
  python(source: string | URL, options?: PythonOptions): Promise<PeerResult>;
  /**
   * Compiles a Rust program of one file, with its standard library and the `crates` that are named, and runs it: as
   * `peers.python`, whose words hold here. A program that rustc refuses is a result that is not `ok`, with what it said
   * in `stderr`; crates that cargo doesn't have on this machine are "not installed".
   * Cost: the first time it is compiled (a second or so), once on this machine, also by processes that ask at the same
   * time; it is kept in the user's cache folder by its text, the compiler's version and `flags`.
   * @example
   * const cost = await peers.rust("peers/start-cost.rs", { args: ["15"] });
   * console.log(cost.installed ? cost.value : cost.message);
   */
  rust(source: string | URL, options?: RustOptions): Promise<PeerResult>;
  /** Compiles a Go program of one file, with its standard library only, and runs it: see `peers.rust`. */
  go(source: string | URL, options?: PeerOptions): Promise<PeerResult>;
  /**
   * Starts a program that stays and answers each line that it reads with a line: `worker.ask(line)`. Not installed is
   * a value here as well. Waits: async, for the compiler if there is one, not for the program.
   * Throws: TypeError for what is no program or option; PeerError when it does not compile; CancelledError.
   * Gotcha: the program must flush its output after each line.
   * @example
   * await using worker = await peers.start("go", "peers/lines.go");
   * if (worker.installed) console.log(await worker.ask("1 1000"));
   */
  start(
    language: PeerName,
    source: string | URL,
    options?: PeerWorkerOptions,
  ): Promise<PeerWorker | (NotInstalled & AsyncDisposable)>;
  /**
   * The Pythons of this machine, that of `python3` first: CPython's versions on the PATH and under pyenv, PyPy, and
   * free-threaded builds, whose `gil` is false. Waits: async, for each to tell its version.
   * @example
   * for (const { version } of await peers.pythons()) console.log(version, await peers.python(text, { version }));
   */
  pythons(): Promise<PythonVersion[]>;
}

const TIMEOUT_MS = 60_000;
const OPTIONS = ["args", "input", "timeoutMs", "env", "flags", "signal"];

export const peers: Peers = {
  python: (source, options) => runPeer("python", source, options),
  rust: (source, options) => runPeer("rust", source, options),
  go: (source, options) => runPeer("go", source, options),
  start,
  pythons,
};

type AnyOptions = PythonOptions & RustOptions;

function checkAll(whose: string, options: AnyOptions, known: readonly string[]): void {
  checkOptions(whose, options, known);
  const { args, input, timeoutMs, env, flags, signal, version, crates } = options;
  if (args !== undefined) checkTexts("args", args);
  if (flags !== undefined) checkTexts("flags", flags);
  if (input !== undefined) checkText("input", input);
  if (version !== undefined) checkText("version", version);
  if (timeoutMs !== undefined) checkTimeout(timeoutMs);
  if (signal !== undefined) checkSignal(signal);
  if (crates !== undefined) checkCrates(crates);
  if (env !== undefined) {
    checkOptions("env", env, Object.keys(env));
    for (const [key, value] of Object.entries(env)) checkText(`env.${key}`, value);
  }
}

/** The program as a command line: of a tool that is there, compiled; or why there is none. */
async function prepare(
  name: PeerName,
  source: string | URL,
  { version, flags, crates }: AnyOptions,
  stop: AbortSignal,
): Promise<NotInstalled | { installed: true; version: string; prepared: Exclude<Prepared, NotInstalled> }> {
  const { title, extension, flags: usual, tool, prepare } = LANGUAGES[name];
  const program = await sourceOf(title, extension, source);
  const found = await tool(version);
  if (!found.installed) return found;
  const prepared = await prepare(found, program, { flags: flags ?? usual, crates }, stop);
  if ("installed" in prepared) return prepared;
  return { installed: true, version: found.version, prepared };
}

const MORE: Partial<Record<PeerName, string>> = { python: "version", rust: "crates" };

async function runPeer(name: PeerName, source: string | URL, options: AnyOptions = {}): Promise<PeerResult> {
  checkAll(`peers.${name}()`, options, [...OPTIONS, ...(MORE[name] === undefined ? [] : [MORE[name]])]);
  const { args = [], input, timeoutMs = TIMEOUT_MS, env, signal } = options;
  return stoppable(`a ${LANGUAGES[name].title} program`, signal, async (stop) => {
    const ready = await prepare(name, source, options, stop);
    if (!ready.installed) return ready;
    const { version, prepared } = ready;
    if (!prepared.ok) {
      const { stderr, note } = prepared;
      const message = `It does not compile: ${note}`;
      return { installed: true, version, ok: false, stdout: "", stderr, ms: 0, message };
    }
    const done = await run(prepared.command, [...prepared.args, ...args], {
      ...{ stop, timeoutMs, input },
      env: { ...LANGUAGES[name].env, ...env },
    });
    const notes = [...done.notes];
    const value = readJson(done.stdout, done.ok ? notes : []);
    return {
      ...{ installed: true, version, ok: done.ok, stdout: done.stdout, ms: done.ms },
      // The reader knows the program as "main.py", not by where it is kept.
      stderr: prepared.folder === undefined ? done.stderr : done.stderr.replaceAll(`${prepared.folder}/`, ""),
      ...(value && { value: value.read }),
      ...(notes.length > 0 && { message: notes.join(" ") }),
    };
  });
}

async function start(
  name: PeerName,
  source: string | URL,
  options: PeerWorkerOptions = {},
): Promise<PeerWorker | (NotInstalled & AsyncDisposable)> {
  if (!Object.hasOwn(LANGUAGES, name))
    throw new TypeError(`Expected a language, one of ${Object.keys(LANGUAGES).join(", ")}, got ${show(name)}.`);
  checkAll("peers.start()", options, ["args", "env", "flags", "signal", "version"]);
  const { args = [], env, signal } = options;
  const { title, env: usual } = LANGUAGES[name];
  return stoppable(`a ${title} program`, signal, async (stop) => {
    const ready = await prepare(name, source, options, stop);
    if (!ready.installed) return { ...ready, [Symbol.asyncDispose]: async () => {} };
    const { version, prepared } = ready;
    if (!prepared.ok)
      throw new PeerError(`The ${title} program does not compile: ${prepared.note}\n${prepared.stderr}`);
    stop.throwIfAborted();
    return startWorker({ title, version }, prepared.command, [...prepared.args, ...args], { ...usual, ...env });
  });
}

function readJson(stdout: string, notes: string[]): { read: unknown } | undefined {
  const line = lastLine(stdout);
  if (line === undefined) return void notes.push("It printed nothing, so there is no value.");
  try {
    return { read: JSON.parse(line) as unknown };
  } catch {
    return void notes.push(`The last line that it printed is no JSON, so there is no value: ${show(line)}.`);
  }
}
