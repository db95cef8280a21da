// The library's own functions and classes: named on the other thread instead of sent. In one process the library may be
// loaded twice (as sources through a test runner, and natively in a worker), so they are named by file and export.

import * as errors from "./errors.ts";

/**
 * The method by which an object says how it is shipped: returns { module: URL, export: name, data }, and `unsent` where
 * something is to be undone if it is not sent after all.
 */
export const ship: unique symbol = Symbol.for("braid.ship") as never;
/** On that export: makes the object from the data. Without it the export itself is called with the data. */
export const unship: unique symbol = Symbol.for("braid.unship") as never;

const ROOT = new URL("./", import.meta.url).href;

interface Place {
  /** Relative to the library's folder, without the extension: "pool/pool". */
  readonly file: string;
  readonly name: string;
}

const places = new Map<unknown, Place>();
const values = new Map<string, unknown>();

/** Says that a module of the library exports these under these names. `url` is its import.meta.url. */
export function inLibrary(url: string, exports: Record<string, unknown>): void {
  const file = url.slice(ROOT.length).replace(/\.[jt]s([?#].*)?$/, "");
  for (const [name, value] of Object.entries(exports)) {
    places.set(value, { file, name });
    values.set(`${file}#${name}`, value);
  }
}

export function libraryPlace(value: unknown): Place | undefined {
  return places.get(value);
}

/** The export, if its module is loaded here. */
export function loadedExport({ file, name }: Place): unknown {
  return values.get(`${file}#${name}`);
}

/** The URL of a file of the library, sources and build alike. */
export function libraryUrl(file: string): string {
  return ROOT + file + (import.meta.url.endsWith(".ts") ? ".ts" : ".js");
}

/** Is this file or URL the library's own code? */
export function isLibraryUrl(url: string): boolean {
  return url.startsWith(ROOT);
}

inLibrary(new URL("./errors.ts", import.meta.url).href, { ...errors });
