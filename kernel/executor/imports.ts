// How cells import. A cell's `import x from "y"` has become `await __import("y")`; here the specifier is resolved from
// the notebook's folder, in every thread alike, "braid" means this very library, and a relative .ts file is loaded anew
// when it, or a local file that it imports, has changed on disk.

import fs from "node:fs";
import { createRequire, isBuiltin, registerHooks, stripTypeScriptTypes } from "node:module";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type * as Esbuild from "esbuild";
import type * as OxcParser from "oxc-parser";
import type * as OxcTransform from "oxc-transform";
import type { ImportOrigin } from "../../lib/host.ts";
import type { ExecuteCommand } from "../link/messages.ts";

const FROM_CELL = "braid-cell:";
const require = createRequire(import.meta.url);
const extension = path.extname(import.meta.url);

const OWN_MODULES = new Map([
  ["braid", new URL(`../../lib/index${extension}`, import.meta.url).href],
  ["braid/notebook", new URL(`../notebook/index${extension}`, import.meta.url).href],
  ["tslab", new URL(`../notebook/tslab${extension}`, import.meta.url).href],
]);

const origins = new WeakMap<object, ImportOrigin>();

export function importedFrom(value: object): ImportOrigin | undefined {
  return origins.get(value);
}

const importedNames = new Map<string, ImportOrigin>();

/** Where a top-level name of the cells was imported from. Tells a number that was imported from one that was computed. */
export function importedName(name: string): ImportOrigin | undefined {
  return importedNames.get(name);
}

/** Imports of cells that have not come to their end, for an interrupt to find. */
const unfinished = { imports: 0, interrupts: 0, urls: new Set<string>() };
/** By address: the interrupt that spoiled the module. It is loaded anew, by another address. */
const spoiled = new Map<string, number>();

/**
 * Drops modules that an interrupt ended in the middle: of one that was required, what it had exported until then would be
 * taken for all of it; one that was imported would be waited for without end. To be called where no module is running.
 */
export function forgetHalfLoaded(): void {
  for (const [file, module] of Object.entries(require.cache)) if (module?.loaded === false) delete require.cache[file];
  unfinished.interrupts++;
  for (const url of unfinished.urls) spoiled.set(url, unfinished.interrupts);
  unfinished.urls.clear();
  unfinished.imports = 0;
}

let loadingOwn = (load: () => Promise<object>): Promise<object> => load();

/** From now on the library's own modules are loaded for cells inside of `around`. */
export function loadOwnInside(around: typeof loadingOwn): void {
  loadingOwn = around;
}

async function importUnlessInterrupted(specifier: string, options?: ImportCallOptions): Promise<object> {
  const { interrupts } = unfinished;
  if (unfinished.imports++ === 0) unfinished.urls.clear();
  const ended = (): boolean => interrupts === unfinished.interrupts && --unfinished.imports === 0;
  try {
    const load = (): Promise<object> => import(specifier, options) as Promise<object>;
    const namespace = await (OWN_MODULES.has(specifier.slice(FROM_CELL.length)) ? loadingOwn(load) : load());
    if (ended()) unfinished.urls.clear();
    return namespace;
  } catch (error) {
    // What failed may have failed by the interrupt that is on its way: its modules stay in sight.
    ended();
    throw error;
  }
}

/** A cell declares these names from now on. */
export function bindNames(names: ExecuteCommand["names"]): void {
  for (const { name, specifier, exported } of names) {
    if (specifier === undefined || exported === undefined) importedNames.delete(name);
    else
      importedNames.set(name, { specifier: isBuiltin(specifier) ? specifier : FROM_CELL + specifier, name: exported });
  }
}

/** Defines __import, __importMeta and require for cells and for the closures that they ship. */
export function installImports(folder: string): void {
  const cellUrl = pathToFileURL(path.join(folder, "cell.ts")).href;
  installHooks(cellUrl);
  const cellRequire = createRequire(cellUrl);
  defineGlobal("__import", importFromCell);
  defineGlobal("__importMeta", {
    url: cellUrl,
    dirname: folder,
    filename: path.join(folder, "cell.ts"),
    resolve: (specifier: string) => import.meta.resolve(FROM_CELL + specifier),
  });
  defineGlobal("require", cellRequire);
  defineGlobal("__dirname", folder);
  defineGlobal("__filename", path.join(folder, "cell.ts"));
}

export function defineGlobal(name: string, value: unknown): void {
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true, enumerable: false });
}

/** @param needed what an import declaration takes from the module: that it is missing is an error of the import */
async function importFromCell(specifier: unknown, options?: ImportCallOptions, needed: string[] = []): Promise<object> {
  const from = FROM_CELL + String(specifier);
  const namespace = (await importUnlessInterrupted(from, options)) as Record<string, unknown>;
  const missing = needed.find((name) => !(name in namespace));
  if (missing !== undefined)
    throw new SyntaxError(`The requested module '${String(specifier)}' does not provide an export named '${missing}'`);
  for (const name of Object.keys(namespace)) remember(namespace[name], { specifier: from, name });
  remember(namespace, { specifier: from, name: "*" });
  return namespace;
}

function remember(value: unknown, origin: ImportOrigin): void {
  if ((typeof value === "object" && value !== null) || typeof value === "function") origins.set(value, origin);
}

function installHooks(cellUrl: string): void {
  registerHooks({
    resolve(specifier, context, next) {
      if (specifier.startsWith(FROM_CELL)) {
        specifier = specifier.slice(FROM_CELL.length);
        context = { ...context, parentURL: cellUrl };
      }
      const own = OWN_MODULES.get(specifier);
      if (own) return { url: own, shortCircuit: true };
      const resolved = next(specifier, context);
      // TypeScript asks for no attribute, Node does.
      if (context.parentURL === cellUrl && resolved.url.endsWith(".json"))
        return { ...resolved, importAttributes: { ...context.importAttributes, type: "json" } };
      if (!isLocalTypeScript(resolved.url))
        return spoiled.has(resolved.url) ? { ...resolved, url: unspoiled(resolved.url) } : resolved;
      const url = resolved.url.split("?")[0]!;
      const version = `${url}?v=${newestChange(fileURLToPath(url))}`;
      return { ...resolved, url: unspoiled(version), format: "module", shortCircuit: true };
    },
    load(url, context, next) {
      if (unfinished.imports > 0) unfinished.urls.add(url.replace(AGAIN, ""));
      if (!isLocalTypeScript(url)) return next(url, context);
      const file = fileURLToPath(url.split("?")[0]!);
      return { format: "module", shortCircuit: true, source: toJavaScript(file, fs.readFileSync(file, "utf8")) };
    },
  });
}

const AGAIN = /[?&]again=\d+$/;

function unspoiled(url: string): string {
  const interrupt = spoiled.get(url);
  if (interrupt === undefined || url.startsWith(ownFolder + "lib/") || url.startsWith(ownFolder + "kernel/"))
    return url;
  return `${url}${url.includes("?") ? "&" : "?"}again=${interrupt}`;
}

const ownFolder = new URL("../../", import.meta.url).href;

function isLocalTypeScript(url: string): boolean {
  return (
    url.startsWith("file:") &&
    /\.m?ts(\?|$)/.test(url) &&
    !url.includes("/node_modules/") &&
    !url.startsWith(ownFolder + "lib/") &&
    !url.startsWith(ownFolder + "kernel/")
  );
}

// Erasing keeps every line and column; what can't be erased (enum, namespace, parameter properties) is transformed.
function toJavaScript(file: string, source: string): string {
  try {
    return stripTypeScriptTypes(source);
  } catch (erasing) {
    const { transformSync } = require("oxc-transform") as typeof OxcTransform;
    const { code, errors } = transformSync(path.basename(file), source, { lang: "ts" });
    if (errors.length > 0) throw erasing;
    // The transformer leaves decorators, which V8 does not have yet.
    return /@/.test(code) ? withoutDecorators(code) : code;
  }
}

function withoutDecorators(code: string): string {
  const { transformSync } = require("esbuild") as typeof Esbuild;
  return transformSync(code, { loader: "js", target: "esnext", supported: { decorators: false } }).code;
}

const localImports = new Map<string, { changed: number; files: string[] }>();

/** The newest modification time (ms) of a file and of the local files below it: a new version gets a new URL. */
function newestChange(file: string, seen = new Set<string>()): number {
  if (seen.has(file)) return 0;
  seen.add(file);
  const changed = fs.statSync(file).mtimeMs;
  let known = localImports.get(file);
  if (known?.changed !== changed) {
    known = { changed, files: relativeImports(file) };
    localImports.set(file, known);
  }
  return Math.max(changed, ...known.files.map((below) => newestChange(below, seen)));
}

function relativeImports(file: string): string[] {
  const { parseSync } = require("oxc-parser") as typeof OxcParser;
  const { module } = parseSync(file, fs.readFileSync(file, "utf8"));
  const requests = [
    ...module.staticImports.map((entry) => entry.moduleRequest.value),
    ...module.staticExports.flatMap((entry) => entry.entries.map((one) => one.moduleRequest?.value)),
  ];
  return [...new Set(requests)]
    .filter((specifier) => specifier?.startsWith(".") === true)
    .map((specifier) => path.resolve(path.dirname(file), specifier!))
    .filter((below) => isLocalTypeScript(pathToFileURL(below).href) && fs.existsSync(below));
}
