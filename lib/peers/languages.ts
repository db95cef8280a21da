// How a program becomes a command line: Python as it is, Rust and Go compiled and kept.

import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { cached, type Make } from "./cache.ts";
import { lastLine, run } from "./run.ts";
import type { Source } from "./source.ts";
import { go, GO_ENV, python, rustc, type NotInstalled, type Tool } from "./toolchain.ts";
import type { PeerName } from "./versions.ts";

/** A program that can be started, or what its compiler said. */
export type Prepared =
  | { ok: true; command: string; args: readonly string[]; folder?: string | undefined }
  | { ok: false; stderr: string; note: string };

export interface Language {
  readonly title: string;
  readonly extension: string;
  /** Flags that are used where the caller names none. */
  readonly flags: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  tool(version: string | undefined): Promise<Tool | NotInstalled>;
  prepare(tool: Tool, source: Source, flags: readonly string[], stop: AbortSignal): Promise<Prepared>;
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
    prepare: compiler((flags, name) => [
      ...(flags.some((flag) => flag.startsWith("--edition")) ? [] : ["--edition=2021"]),
      ...["--crate-name", "main", "--color", "never", ...flags, "-o", "program", name],
    ]),
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
  flags: readonly string[],
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
  return async ({ command, build }, { text, name }, flags, stop) => {
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

/** rustc's is "error[E0373]: …", go's "./main.go:3:5: …". */
function firstError(stderr: string): string | undefined {
  return /^(?:error.*|\S+\.go:\d+.*)$/m.exec(stderr)?.[0] ?? lastLine(stderr);
}
