// Copies what Jupyter needs to know of us under a prefix: kernelspec, plot extension, HTML template, settings. A stamp
// of the content makes the second time free.

import { createHash, type Hash } from "node:crypto";
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { reason, UsageError } from "./errors.ts";
import { writeWhole } from "./notebook.ts";
import { ROOT } from "./paths.ts";
import { pythonEnvironment } from "./python.ts";

const SOURCES = join(ROOT, "kernel", "jupyter");
const STAMP = "braid.json";

/** Where a prefix, or a user, keeps data and configuration for Jupyter. */
export interface Places {
  data: string;
  config: string;
  /** Lab's settings are read from a prefix only. */
  settings: string | undefined;
}

/** `braid install [--prefix DIR | --user]`; without either, into our own Python environment. */
export async function install(args: readonly string[]): Promise<number> {
  let values: { prefix?: string | undefined; user?: boolean | undefined };
  try {
    values = parseArgs({ args: [...args], options: { prefix: { type: "string" }, user: { type: "boolean" } } }).values;
  } catch (error) {
    throw new UsageError(reason(error).split(". ")[0] ?? "");
  }
  if (values.user && values.prefix !== undefined) throw new UsageError("install takes --prefix or --user, not both");
  const places = values.user
    ? userPlaces()
    : prefixPlaces(values.prefix === undefined ? (await pythonEnvironment()).prefix : resolve(values.prefix));
  copyAll(places);
  console.log(`braid: the kernel "TypeScript (Braid)" is installed in ${places.data}`);
  return 0;
}

/** Installs into a prefix unless that has been done with the same content. */
export async function installInto(prefix: string): Promise<void> {
  copyAll(prefixPlaces(prefix));
}

function prefixPlaces(prefix: string): Places {
  const data = join(prefix, "share", "jupyter");
  return { data, config: join(prefix, "etc", "jupyter"), settings: join(data, "lab", "settings") };
}

function userPlaces(): Places {
  const { JUPYTER_DATA_DIR, JUPYTER_CONFIG_DIR, XDG_DATA_HOME, APPDATA } = process.env;
  const home = homedir();
  const usual =
    process.platform === "darwin"
      ? join(home, "Library", "Jupyter")
      : process.platform === "win32"
        ? join(APPDATA || home, "jupyter")
        : join(XDG_DATA_HOME || join(home, ".local", "share"), "jupyter");
  return { data: JUPYTER_DATA_DIR || usual, config: JUPYTER_CONFIG_DIR || join(home, ".jupyter"), settings: undefined };
}

interface Copy {
  from: string;
  to: string;
}

interface Target {
  to: string;
  parts: Copy[];
  files?: Record<string, string>;
}

const require = createRequire(import.meta.url);

/** What goes where; each target folder is replaced as a whole. */
function copies({ data }: Places): Target[] {
  const plotly = { from: require.resolve("plotly.js-dist-min"), to: "static/plotly.min.js" };
  const katex = join(dirname(require.resolve("katex/package.json")), "dist");
  return [
    {
      to: join(data, "labextensions", "@braid", "plotly"),
      parts: [{ from: join(SOURCES, "labextension"), to: "." }, plotly],
    },
    {
      to: join(data, "nbconvert", "templates", "braid"),
      parts: [
        { from: join(SOURCES, "nbconvert", "braid"), to: "." },
        plotly,
        { from: join(katex, "katex.min.css"), to: "static/katex/katex.min.css" },
        { from: join(katex, "katex.min.js"), to: "static/katex/katex.min.js" },
        { from: join(katex, "contrib", "auto-render.min.js"), to: "static/katex/auto-render.min.js" },
        { from: join(katex, "fonts"), to: "static/katex/fonts" },
      ],
    },
    {
      to: join(data, "kernels", "braid"),
      parts: [{ from: join(SOURCES, "kernelspec"), to: "." }],
      files: { "kernel.json": kernelspec() },
    },
  ];
}

function kernelspec(): string {
  const main = join(ROOT, "dist", "kernel", "front", "main.js");
  return json({
    argv: [process.execPath, "--no-warnings", main, "{connection_file}"],
    display_name: "TypeScript (Braid)",
    language: "typescript",
    interrupt_mode: "message",
    metadata: { debugger: false },
  });
}

function copyAll(places: Places): void {
  const stamp = join(places.data, STAMP);
  const digest = contentHash(places);
  const installed = existsSync(stamp) ? (JSON.parse(readFileSync(stamp, "utf8")) as { hash?: string }).hash : undefined;
  if (installed === digest && existsSync(join(places.data, "kernels", "braid", "kernel.json"))) return;
  for (const { to, parts, files = {} } of copies(places)) {
    replaceFolder(to, (folder) => {
      for (const part of parts) cpSync(part.from, join(folder, part.to), { recursive: true });
      for (const [name, text] of Object.entries(files)) writeWhole(join(folder, name), text);
    });
  }
  mergeConfiguration(places);
  writeWhole(stamp, json({ hash: digest }));
}

/** Fills a folder beside the real one and puts it in its place. */
function replaceFolder(folder: string, fill: (fresh: string) => void): void {
  const fresh = `${folder}.${process.pid}.new`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  try {
    fill(fresh);
    rmSync(folder, { recursive: true, force: true });
    renameSync(fresh, folder);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** Files that Jupyter and its user write to as well: our keys are added, theirs stay. */
function mergeConfiguration({ config, settings }: Places): void {
  const files: [string, string | undefined][] = [
    ["config/jupyter_server_config.json", config],
    ["config/jupyter_nbconvert_config.json", config],
    ["settings/overrides.json", settings],
  ];
  for (const [name, folder] of files) {
    const source = join(SOURCES, name);
    if (folder === undefined || !existsSync(source)) continue;
    const target = join(folder, name.slice(name.indexOf("/") + 1));
    mkdirSync(dirname(target), { recursive: true });
    const ours: unknown = JSON.parse(readFileSync(source, "utf8"));
    const theirs: unknown = existsSync(target) ? JSON.parse(readFileSync(target, "utf8")) : {};
    writeWhole(target, json(merge(theirs, ours)));
  }
  // Python code can't be merged: a file of somebody else's stays, and with it Nagle's 40 ms a cell.
  const code = readFileSync(join(SOURCES, "config", "jupyter_server_config.py"), "utf8");
  const target = join(config, "jupyter_server_config.py");
  if (!existsSync(target) || firstLine(readFileSync(target, "utf8")) === firstLine(code)) writeWhole(target, code);
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}

export function merge(theirs: unknown, ours: unknown): unknown {
  const isObject = (value: unknown): value is Record<string, unknown> =>
    typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isObject(theirs) || !isObject(ours)) return ours;
  const result = { ...theirs };
  for (const [key, value] of Object.entries(ours)) result[key] = key in theirs ? merge(theirs[key], value) : value;
  return result;
}

function contentHash(places: Places): string {
  const hash: Hash = createHash("sha256").update(kernelspec()).update(json(places));
  for (const name of globSync("**/*", { cwd: SOURCES }).sort()) {
    const file = join(SOURCES, name);
    if (statSync(file).isFile()) hash.update(name).update(readFileSync(file));
  }
  for (const name of ["plotly.js-dist-min", "katex"])
    hash.update(readFileSync(require.resolve(`${name}/package.json`)));
  return hash.digest("hex");
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
