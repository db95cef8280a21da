// A peer's program: its text, or the file that holds it.

import { readFile } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { show } from "./checks.ts";

export interface Source {
  readonly text: string;
  /** As it was named; undefined for a text. */
  readonly path?: string;
  /** What messages of its compiler call it. */
  readonly name: string;
}

/** A string of one line that ends in the language's extension is a path, any other is a text. */
export async function sourceOf(language: string, extension: string, source: string | URL): Promise<Source> {
  const expected = `Expected a ${language} program (its text, or the path or URL of a ${extension} file)`;
  const isUrl = source instanceof URL;
  if (typeof source !== "string" && !isUrl) throw new TypeError(`${expected}, got ${show(source)}.`);
  if (isUrl && source.protocol !== "file:") throw new TypeError(`${expected}, got ${source.href}, which is no file.`);
  if (!isUrl && !(source.endsWith(extension) && !source.includes("\n"))) {
    if (source.trim() === "") throw new TypeError(`${expected}, got an empty text.`);
    return { text: source, name: `main${extension}` };
  }
  const path = isUrl ? fileURLToPath(source) : source;
  try {
    return { text: await readFile(path, "utf8"), path, name: fileName(path, extension) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === "ENOENT" ? `there is no file ${resolve(path)}` : (error as Error).message;
    throw new TypeError(`${expected}, got ${show(path)}: ${reason}.`, { cause: error });
  }
}

/** Compilers read meaning into some names: go leaves out "x_test.go" and "x_windows.go". */
function fileName(path: string, extension: string): string {
  const name = basename(path);
  return /^[a-zA-Z][a-zA-Z0-9-]*\.\w+$/.test(name) ? name : `main${extension}`;
}
