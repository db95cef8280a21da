// `--record` writes a run's outputs into the notebook that is committed. What would tell whose machine it was (host,
// user, folders) is refused, and what changes with every run although nothing changed is left out.

import { existsSync } from "node:fs";
import { homedir, hostname, tmpdir, userInfo } from "node:os";
import type { Notebook } from "./notebook.ts";

/** What must not be found in a recorded output. */
export interface Machine {
  host: string;
  user: string;
  /** Folders of this machine: home, working directory, temporary files. */
  folders: string[];
  /** Does "/name" exist here? Tells a path from text that only looks like one. */
  hasTopFolder(name: string): boolean;
}

export function thisMachine(root: string): Machine {
  return {
    host: hostname(),
    user: userInfo().username,
    folders: [homedir(), tmpdir(), root].filter((folder) => folder.length > 1),
    hasTopFolder: (name) => existsSync(`/${name}`),
  };
}

/** Account names that say nothing about a person, and that are words of every text about computers. */
const GENERIC = new Set(["root", "user", "admin", "node", "runner", "ubuntu", "jovyan", "guest", "localhost", "host"]);
/** The same on all machines. */
const COMMON = new Set(["dev", "proc", "sys"]);
const BINARY = /^(image\/(?!svg)|audio\/|video\/|application\/(pdf|octet-stream)$)/;

export interface Leak {
  /** The cell's place among all cells, from 1. */
  cell: number;
  /** What was found, in words. */
  what: string;
}

/** The first thing in the outputs that must not be published, if any. */
export function findLeak(notebook: Notebook, machine: Machine): Leak | undefined {
  for (const [index, cell] of notebook.cells.entries()) {
    for (const text of strings(cell.outputs ?? [])) {
      const what = leakIn(text, machine);
      if (what) return { cell: index + 1, what };
    }
  }
  return undefined;
}

export function leakIn(text: string, { host, user, folders, hasTopFolder }: Machine): string | undefined {
  const folder = folders.find((name) => text.includes(name) || text.includes(name.replaceAll("\\", "\\\\")));
  if (folder !== undefined) return `the folder ${folder}`;
  for (const [path, top = ""] of text.matchAll(/(?<![\w.:/~+=<*-])\/([\w.@-]+)\/[\w.@/-]*/g)) {
    if (!COMMON.has(top) && hasTopFolder(top)) return `the path ${path}`;
  }
  const [url] = /\bfile:\/\/\/[\w%.@/:-]+/.exec(text) ?? [];
  if (url) return `the path ${url}`;
  const [drive] = /(?<![\w])[A-Za-z]:\\(?:[\w.@ -]+\\)+[\w.@-]*/.exec(text) ?? [];
  if (drive) return `the path ${drive}`;
  if (isNamed(text, host)) return `the host name ${host}`;
  if (isNamed(text, user)) return `the user name ${user}`;
  return undefined;
}

function isNamed(text: string, name: string): boolean {
  if (name.length < 2) return false;
  const plain = RegExp.escape(name);
  const pattern = GENERIC.has(name) ? `(?<![\\w-])${plain}@\\w|[/~]${plain}/` : `(?<![\\w-])${plain}(?![\\w-])`;
  return new RegExp(pattern, "i").test(text);
}

/** Every string in a value, keys included; data that is encoded in base64 is passed over. */
function* strings(value: unknown): Generator<string> {
  if (typeof value === "string") yield value;
  if (Array.isArray(value)) for (const part of value) yield* strings(part);
  else if (typeof value === "object" && value !== null) {
    for (const [key, part] of Object.entries(value)) {
      yield key;
      if (!BINARY.test(key)) yield* strings(part);
    }
  }
}

/** Takes out what differs from run to run. */
export function normalise(notebook: Notebook): void {
  for (const cell of notebook.cells) {
    for (const key of ["execution", "ExecuteTime", "scrolled", "collapsed"]) delete cell.metadata[key];
    if (cell.outputs?.length === 0) delete cell.metadata["jupyter"];
  }
  delete notebook.metadata["signature"];
}
