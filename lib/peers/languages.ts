// How a program becomes a command line: Python as it is, Rust and Go compiled and kept.

import { rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { cached, type Make } from "./cache.ts";
import { lastLine, run } from "./run.ts";
import type { Source } from "./source.ts";
import { cargo, go, GO_ENV, python, rustc, type NotInstalled, type Tool } from "./toolchain.ts";
import type { PeerName } from "./versions.ts";

/** A program that can be started, what its compiler said, or what it needs and isn't here. */
export type Prepared =
  | { ok: true; command: string; args: readonly string[]; folder?: string | undefined }
  | { ok: false; stderr: string; note: string }
  | NotInstalled;

/** What a program is compiled with. */
export interface Wanted {
  readonly flags: readonly string[];
  /** Rust's libraries, by name their versions. */
  readonly crates?: Readonly<Record<string, string>> | undefined;
}

export interface Language {
  readonly title: string;
  readonly extension: string;
  /** Flags that are used where the caller names none. */
  readonly flags: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  tool(version: string | undefined): Promise<Tool | NotInstalled>;
  prepare(tool: Tool, source: Source, wanted: Wanted, stop: AbortSignal): Promise<Prepared>;
}

const COMPILE_MS = 300_000;

export const LANGUAGES: Record<PeerName, Language> = {
  python: {
    title: "Python",
    extension: ".py",
    flags: [],
    // What it prints to a pipe it keeps to itself for a while: when it is killed that would be lost.
    env: { PYTHONUNBUFFERED: "1", PYTHONIOENCODING: "utf-8" },
    tool: python,
    prepare: preparePython,
  },
  rust: {
    title: "Rust",
    extension: ".rs",
    flags: ["-O"],
    tool: rustc,
    prepare: async (tool, source, wanted, stop) =>
      wanted.crates === undefined ? rustProgram(tool, source, wanted, stop) : cargoProgram(tool, source, wanted, stop),
  },
  go: {
    title: "Go",
    extension: ".go",
    flags: [],
    tool: go,
    prepare: compiler((flags, name) => ["build", "-trimpath", ...flags, "-o", "program", name], GO_ENV),
  },
};

/** A file is run where it is, so that it finds its modules; a text is kept as a file for those that read it again. */
async function preparePython(
  { command }: Tool,
  { text, path }: Source,
  { flags }: Wanted,
  stop: AbortSignal,
): Promise<Prepared> {
  if (path !== undefined) return { ok: true, command, args: [...flags, path] };
  const keep: Make = async (folder, name) => {
    await writeFile(join(folder, name), text);
    return true;
  };
  const file = (await cached(["python", text], "main.py", keep, stop))!;
  return { ok: true, command, args: [...flags, file], folder: dirname(file) };
}

function compiler(
  args: (flags: readonly string[], name: string) => string[],
  env?: Readonly<Record<string, string>>,
): Language["prepare"] {
  return async ({ command, build }, { text, name }, { flags }, stop) => {
    let said = { stderr: "", note: "" };
    const compile: Make = async (folder) => {
      await writeFile(join(folder, name), text);
      const { ok, stdout, stderr, notes } = await run(command, args(flags, name), {
        ...{ cwd: folder, env, stop, timeoutMs: COMPILE_MS },
      });
      if (!ok) said = { stderr: stdout + stderr, note: firstError(stderr) ?? notes.join(" ") };
      return ok;
    };
    const file = await cached([command, build, flags, name, text], "program", compile, stop);
    return file === undefined ? { ok: false, ...said } : { ok: true, command: file, args: [] };
  };
}

const rustProgram = compiler((flags, name) => [
  ...(flags.some((flag) => flag.startsWith("--edition")) ? [] : ["--edition=2021"]),
  ...["--crate-name", "main", "--color", "never", ...flags, "-o", "program", name],
]);

/** With crates it takes cargo, which here downloads nothing: crates come from the folder that it keeps them in. */
async function cargoProgram(
  { build }: Tool,
  { text, name }: Source,
  { flags, crates = {} }: Wanted,
  stop: AbortSignal,
): Promise<Prepared> {
  const tool = await cargo();
  if (!tool.installed) return tool;
  let failed: Prepared | undefined;
  const compile: Make = async (folder, program) => {
    await writeFile(join(folder, name), text);
    await writeFile(join(folder, "Cargo.toml"), manifest(name, crates));
    const env = {
      CARGO_TARGET_DIR: join(folder, "target"),
      CARGO_ENCODED_RUSTFLAGS: flags.filter((flag) => flag !== "-O").join("\x1f"),
      CARGO_TERM_COLOR: "never",
    };
    const args = ["build", "--quiet", "--offline", ...(flags.includes("-O") ? ["--release"] : [])];
    const { ok, stderr, notes } = await run(tool.command, args, { cwd: folder, env, stop, timeoutMs: COMPILE_MS });
    if (ok)
      await rename(join(folder, "target", flags.includes("-O") ? "release" : "debug", "main"), join(folder, program));
    else failed = missingCrates(stderr, crates) ?? { ok, stderr, note: firstError(stderr) ?? notes.join(" ") };
    return ok;
  };
  const file = await cached([tool.command, build, flags, crates, name, text], "program", compile, stop);
  return file === undefined ? failed! : { ok: true, command: file, args: [] };
}

function manifest(name: string, crates: Readonly<Record<string, string>>): string {
  return [
    `[package]\nname = "main"\nversion = "0.0.0"\nedition = "2021"`,
    `[[bin]]\nname = "main"\npath = ${JSON.stringify(name)}`,
    `[dependencies]`,
    ...Object.entries(crates).map(([crate, version]) => `${crate} = ${JSON.stringify(version)}`),
    `[workspace]\n`,
  ].join("\n");
}

/** What cargo says of a crate that it doesn't have, or not in that version, and may not fetch. */
function missingCrates(stderr: string, crates: Readonly<Record<string, string>>): NotInstalled | undefined {
  if (!/no matching package|failed to select a version|offline mode|--offline/.test(stderr)) return undefined;
  const names = Object.entries(crates).map(([crate, version]) => `${crate} ${version}`);
  const many = names.length > 1;
  return {
    installed: false,
    message: `Rust's ${names.join(", ")} ${many ? "are" : "is"} not installed: cargo keeps ${many ? "them" : "it"} once a project that uses ${many ? "them" : "it"} was built.`,
  };
}

/** rustc's is "error[E0373]: …", go's "./main.go:3:5: …". */
function firstError(stderr: string): string | undefined {
  return /^(?:error.*|\S+\.go:\d+.*)$/m.exec(stderr)?.[0] ?? lastLine(stderr);
}
