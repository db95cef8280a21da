// Who may import whom (docs/architecture.md): prints each import that breaks a rule. Run by `npm run check`; the rules
// themselves are tested in test/unit/cli-layers.test.ts.

import { globSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { parseSync } from "oxc-parser";

/** From the bottom up: a layer may import those before it. */
const ORDER = [
  ["errors", "host", "sibling", "checks", "library", "shared-objects", "wasm", "waiting", "lock", "child-group"],
  ["atomics"],
  ["memory"],
  ["sync"],
  ["ship"],
  // A message carries whatever a task may be given, in the same form.
  ["channel"],
  ["engine"],
  ["pool"],
  ["process"],
  ["par", "pipeline", "actor", "async"],
];
/** They stand on the layers named here and not on each other. */
const ON_TOP: Record<string, readonly string[]> = {
  plot: ["errors", "host"],
  bench: ["*", "plot"],
  gpu: ["errors", "host", "memory", "ship"],
  peers: ["errors", "host", "sibling", "lock", "child-group", "ship"],
  teach: ["*"],
  sim: ["errors", "host", "checks"],
  explore: ["errors", "host", "atomics", "memory", "sync", "channel"],
};
/** A file of its own that may name what only the memory model allows. */
const ATOMICS = "lib/atomics.ts";

export interface Source {
  /** Path from the package root, with forward slashes. */
  file: string;
  text: string;
}

/** The broken rules, a sentence each. */
export function violations(sources: readonly Source[]): string[] {
  const found: string[] = [];
  const graph = new Map<string, string[]>();
  for (const { file, text } of sources) {
    const imports = importsOf(file, text);
    graph.set(
      file,
      imports.filter(({ isType }) => !isType).map(({ target }) => target),
    );
    for (const { target } of imports) {
      const why = forbidden(file, target);
      if (why) found.push(`${file} imports ${target}: ${why}`);
    }
    if (file.startsWith("lib/") && file !== ATOMICS && namesAtomics(file, text)) {
      found.push(`${file} names Atomics: only ${ATOMICS} may, so that the explorer can replace it`);
    }
  }
  return [...found, ...cycles(graph)];
}

interface Import {
  target: string;
  isType: boolean;
}

/** The files of this package that a file imports or re-exports; imports by an expression are not seen. */
function importsOf(file: string, text: string): Import[] {
  const { program } = parseSync(file, text);
  const found: Import[] = [];
  for (const statement of program.body) {
    const isImport = statement.type === "ImportDeclaration";
    if (!isImport && statement.type !== "ExportNamedDeclaration" && statement.type !== "ExportAllDeclaration") continue;
    const specifier = statement.source?.value;
    const target = specifier === undefined ? undefined : resolve(file, specifier);
    const isType = (isImport ? statement.importKind : statement.exportKind) === "type";
    if (target !== undefined) found.push({ target, isType });
  }
  return found;
}

function resolve(file: string, specifier: string): string | undefined {
  if (specifier === "braid") return "lib/index.ts";
  if (specifier === "braid/notebook") return "kernel/notebook/index.ts";
  return specifier.startsWith(".") ? posix.join(posix.dirname(file), specifier) : undefined;
}

function forbidden(from: string, to: string): string | undefined {
  if (from.startsWith("lib/") && to.startsWith("kernel/")) return "the library never imports the kernel";
  if (from.startsWith("kernel/front/") && to.startsWith("kernel/executor/")) {
    return "the front never imports what runs user code";
  }
  if (!from.startsWith("lib/") || !to.startsWith("lib/")) return undefined;
  const [layer, target] = [layerOf(from), layerOf(to)];
  if (layer === target || layer === "index") return undefined;
  if (target === "index") return "only those outside import the whole library";
  const place = ORDER.findIndex((names) => names.includes(layer));
  const targetPlace = ORDER.findIndex((names) => names.includes(target));
  const top = ON_TOP[layer];
  if (top) {
    const allowed = top.includes(target) || (top.includes("*") && targetPlace >= 0);
    return allowed
      ? undefined
      : `${layer} may import ${top.map((name) => (name === "*" ? "the layers below" : name)).join(", ")}`;
  }
  if (place < 0) return `scripts/layers.ts does not know the layer ${layer}`;
  if (targetPlace < 0) return `${target} stands on top of ${layer}`;
  return targetPlace <= place && !(targetPlace === place && place > 0) ? undefined : `${target} is not below ${layer}`;
}

/** "lib/pool/task.ts" is of the layer pool, "lib/errors.ts" of errors. */
function layerOf(file: string): string {
  return file.split("/")[1]?.replace(/\.ts$/, "") ?? "";
}

/** As a name in code; a property (`api.Atomics`) or a word in a comment or a string is none. */
function namesAtomics(file: string, text: string): boolean {
  if (!text.includes("Atomics")) return false;
  let found = false;
  const visit = (node: unknown, isName = true): void => {
    if (found || typeof node !== "object" || node === null) return;
    if (Array.isArray(node)) return node.forEach((part) => visit(part));
    const { type, name, computed } = node as { type?: string; name?: unknown; computed?: boolean };
    if (type === "Identifier" && name === "Atomics" && isName) found = true;
    const isPlain = (key: string): boolean => computed !== true && (key === "property" || key === "key");
    for (const [key, part] of Object.entries(node)) visit(part, !isPlain(key));
  };
  visit(parseSync(file, text).program);
  return found;
}

/** Each cycle once, by depth-first search. */
function cycles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): void => {
    const start = path.indexOf(file);
    if (start >= 0) found.push(`import cycle: ${[...path.slice(start), file].join(" → ")}`);
    if (start >= 0 || done.has(file)) return;
    path.push(file);
    for (const next of graph.get(file) ?? []) visit(next);
    path.pop();
    done.add(file);
  };
  for (const file of graph.keys()) visit(file);
  return found;
}

export function readSources(root: string): Source[] {
  const files = globSync(["lib/**/*.ts", "kernel/**/*.ts"], { cwd: root });
  return files
    .sort()
    .map((file) => ({ file: file.replaceAll("\\", "/"), text: readFileSync(join(root, file), "utf8") }));
}

if (import.meta.main) {
  const broken = violations(readSources(dirname(import.meta.dirname)));
  for (const line of broken) console.error(line);
  process.exitCode = broken.length > 0 ? 1 : 0;
}
