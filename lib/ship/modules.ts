// Modules seen from a function: what its file imports and exports, and which built-in module a value comes from.

import module from "node:module";
import { types } from "node:util";
import { fileURLToPath } from "node:url";

import type { ImportOrigin } from "../host.ts";
import { sourceOf, urlOf, type Location } from "./inspector.ts";
import { parse } from "./parse.ts";

interface ModuleFacts {
  /** Local name of an import to where it comes from. */
  readonly imports: ReadonlyMap<string, ImportOrigin>;
  /** "line:column" of an exported class's location to the name it is exported by. */
  readonly classes: ReadonlyMap<string, string>;
}

const cache = new Map<string, ModuleFacts>();
const NOTHING: ModuleFacts = { imports: new Map(), classes: new Map() };

const SCHEME = "braid-import:";

/** A specifier that means on another thread what it means in the module `parent`. */
function absolute(specifier: string, parent: string): string {
  if (module.isBuiltin(specifier)) return specifier.startsWith("node:") ? specifier : `node:${specifier}`;
  return SCHEME + encodeURIComponent(JSON.stringify([specifier, parent]));
}

let hooked = false;

function hook(): void {
  if (hooked) return;
  hooked = true;
  module.registerHooks({
    resolve(wanted, context, next) {
      if (!wanted.startsWith(SCHEME)) return next(wanted, context);
      const [specifier, parentURL] = JSON.parse(decodeURIComponent(wanted.slice(SCHEME.length))) as [string, string];
      return next(specifier, { ...context, parentURL });
    },
  });
}

/** Imports by a specifier of `absolute` or of the host. The module's state is that of this thread. */
export async function importAgain(specifier: string): Promise<Record<string, unknown>> {
  if (specifier.startsWith(SCHEME)) hook();
  return (await import(/* @vite-ignore */ specifier)) as Record<string, unknown>;
}

const require = module.createRequire(import.meta.url);

/** The same at once, where it is a module that needs no waiting: a built-in one, or a file without top-level await. */
export function loadAgain(specifier: string): Record<string, unknown> | undefined {
  const builtin = module.isBuiltin(specifier) ? process.getBuiltinModule(specifier) : undefined;
  if (builtin) return { default: builtin, ...builtin };
  if (!specifier.startsWith("file:")) return undefined;
  try {
    const loaded: unknown = require(fileURLToPath(specifier));
    return types.isModuleNamespaceObject(loaded) ? (loaded as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function factsOf(scriptId: string): ModuleFacts {
  const url = urlOf(scriptId);
  if (!/^(file|data|https?):/.test(url)) return NOTHING;
  let facts = cache.get(scriptId);
  if (!facts) cache.set(scriptId, (facts = analyse(sourceOf(scriptId), url)));
  return facts;
}

function analyse(source: string, url: string): ModuleFacts {
  let program;
  try {
    program = parse(source, { ecmaVersion: "latest", sourceType: "module", locations: true, allowHashBang: true });
  } catch {
    return NOTHING;
  }
  const imports = new Map<string, ImportOrigin>();
  const classes = new Map<string, string>();
  const declared = new Map<string, string>();
  const place = (node: (typeof program.body)[number]): string | undefined => {
    if (node.type !== "ClassDeclaration") return undefined;
    const first = node.body.body.find((member) => member.type === "MethodDefinition" && member.kind === "constructor");
    const { line, column } = (first?.type === "MethodDefinition" ? first.value : node).loc!.start;
    return `${line - 1}:${column}`;
  };
  for (const node of program.body) {
    if (node.type === "ImportDeclaration") {
      const specifier = absolute(String(node.source.value), url);
      for (const one of node.specifiers) {
        let name = "*";
        if (one.type === "ImportDefaultSpecifier") name = "default";
        else if (one.type === "ImportSpecifier")
          name = one.imported.type === "Identifier" ? one.imported.name : String(one.imported.value);
        imports.set(one.local.name, { specifier, name });
      }
    } else if (node.type === "ClassDeclaration") {
      declared.set(node.id.name, place(node)!);
    } else if (node.type === "ExportDefaultDeclaration" && node.declaration.type === "ClassDeclaration") {
      classes.set(place(node.declaration as never)!, "default");
    } else if (node.type === "ExportNamedDeclaration" && node.declaration?.type === "ClassDeclaration") {
      classes.set(place(node.declaration)!, node.declaration.id.name);
    }
  }
  for (const node of program.body)
    if (node.type === "ExportNamedDeclaration" && !node.source)
      for (const one of node.specifiers) {
        const at = one.local.type === "Identifier" && declared.get(one.local.name);
        if (at && one.exported.type === "Identifier") classes.set(at, one.exported.name);
      }
  return { imports, classes };
}

/** Where the module that defined a function imports this name from, if it does. */
export function importBinding(location: Location, name: string): ImportOrigin | undefined {
  return factsOf(location.scriptId).imports.get(name);
}

/** The export that a class at this place is, if a module exports it at its top level. */
export function exportedClass(location: Location): ImportOrigin | undefined {
  const name = factsOf(location.scriptId).classes.get(`${location.line}:${location.column}`);
  return name === undefined ? undefined : { specifier: urlOf(location.scriptId), name };
}

// Loading these warns or starts something.
const NEVER_LOADED = /^(_|punycode|sys|trace_events|wasi|sqlite|node:|inspector|repl|domain|cluster)/;

let builtins: Map<object, ImportOrigin> | undefined;

/**
 * The built-in module and export that a value is. Only to be asked about a value that is known to be Node's: the first
 * call loads the built-in modules, about 20 ms.
 */
export function builtinOrigin(value: object): ImportOrigin | undefined {
  if (!builtins) {
    builtins = new Map();
    const add = (value: unknown, specifier: string, name: string): void => {
      const isObject = (typeof value === "object" && value !== null) || typeof value === "function";
      if (isObject && !builtins!.has(value)) builtins!.set(value, { specifier, name });
    };
    for (const id of module.builtinModules) {
      if (NEVER_LOADED.test(id)) continue;
      const exports = process.getBuiltinModule(id) as unknown as Record<string, unknown>;
      add(exports, `node:${id}`, "default");
      for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(exports)))
        if (name !== "default") add(value, `node:${id}`, name);
    }
  }
  return builtins.get(value);
}
