// Who is who across threads: a function or class that has been shipped once has a name that all threads know, so that a
// value that comes home is the original again, and a class that a thread already has is not made twice.

import { threadId } from "node:worker_threads";
import type { ImportOrigin } from "../host.ts";

/** This thread, in shipped values. */
export const realm: string = `${process.pid}-${threadId}-${Math.random().toString(36).slice(2)}`;

let count = 0;
const ids = new WeakMap<Function, { id: string }>();
const byId = new Map<string, WeakRef<Function>>();
const pruned = new FinalizationRegistry(({ id }: { id: string }) => {
  if (!byId.get(id)?.deref()) byId.delete(id);
});

/** The id of a function; made up on first asking. */
export function idOf(fn: Function): string {
  const known = knownId(fn);
  if (known !== undefined) return known;
  const id = `${realm}/${++count}`;
  remember(fn, id);
  return id;
}

/** The id of a function that has one. */
export function knownId(fn: Function): string | undefined {
  return ids.get(fn)?.id;
}

export function isFrom(id: string, home: string | undefined): boolean {
  return home !== undefined && id.startsWith(`${home}/`);
}

/** `fn` stands for this id in this thread, and for no other that it stood for before. */
export function remember(fn: Function, id: string): void {
  const known = ids.get(fn);
  if (known) {
    byId.delete(known.id);
    known.id = id;
  } else {
    const record = { id };
    ids.set(fn, record);
    pruned.register(fn, record);
  }
  byId.set(id, new WeakRef(fn));
}

export function findById(id: string): Function | undefined {
  return byId.get(id)?.deref();
}

const origins = new WeakMap<object, ImportOrigin>();

/** `value` was imported here because a shipped function imports it: shipped on, it is imported there as well. */
export function rememberImport(value: unknown, origin: ImportOrigin): void {
  if ((typeof value === "object" && value !== null) || typeof value === "function") origins.set(value, origin);
}

export function importedHere(value: object): ImportOrigin | undefined {
  return origins.get(value);
}
