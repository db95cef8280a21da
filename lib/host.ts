// What the program around the library may offer it: a notebook kernel registers a host in every thread, plain Node has
// none. The library never imports the kernel; it asks here.

import type { Worker } from "node:worker_threads";

/** Where a value was imported from: enough to import it again on another thread. */
export interface ImportOrigin {
  /** A specifier that the other thread can import as it stands: "node:fs", "file:///…", or the host's own scheme. */
  specifier: string;
  /** The export's name; "*" is the module namespace. */
  name: string;
}

/** A MIME bundle, as Jupyter shows it. */
export type MimeBundle = Record<string, unknown>;

/** A function literal that the host has marked where it is written: see Host.literal. */
export interface Literal {
  /** The same for all functions that are made at this place of the program. */
  readonly place: number;
  /** The values of the local variables that it captures, now. Throws where one is not declared yet. */
  captures(): Record<string, unknown>;
}

/** What a child process is given, so that it is a part of this program as a thread is. */
export interface ForChild {
  readonly env: Record<string, string>;
  /** File descriptors that it has under the same numbers. */
  readonly descriptors: readonly number[];
  /** Folders of code that it loads. */
  readonly folders: readonly string[];
}

export interface Host {
  /** Who started the work that runs now (a cell); opaque to the library, travels with every task. */
  origin(): number | undefined;
  /** Runs f as work of that origin: its output and its late errors belong there. */
  runAs<R>(origin: number | undefined, f: () => R): R;
  /** Runs f as work of nobody: what it starts goes on when the cell that runs now is interrupted. */
  aside?<R>(f: () => R): R;
  /** Tells a listener that the user interrupted the work of an origin. Returns the way to stop listening. */
  onInterrupt(listener: (origin: number) => void): () => void;
  /** The library looks after this thread itself: an interrupt must not end it behind the library's back. */
  adopt(thread: Worker): void;
  /** Asked for each child process that runs tasks. It is started with the flags of this one. */
  forChild?(): ForChild;
  /** Where a cell imported this value from, if it did. */
  importedFrom(value: object): ImportOrigin | undefined;
  /** Where a top-level name of the cells was imported from: a captured number may be a module's export. */
  importedName?(name: string): ImportOrigin | undefined;
  /** What was noted of a function literal when the code around it was compiled. Spares the library asking V8. */
  literal?(fn: Function): Literal | undefined;
  /** Shows a MIME bundle under the cell that runs now. `metadata` goes into the saved output. */
  display(bundle: MimeBundle, metadata?: Record<string, unknown>): void;
}

const KEY = Symbol.for("braid.host");

/** The host of this thread, or undefined in plain Node. */
export function host(): Host | undefined {
  return (globalThis as { [KEY]?: Host })[KEY];
}

/** Called once a thread, by the kernel. */
export function registerHost(value: Host): void {
  Object.defineProperty(globalThis, KEY, { value, configurable: true, enumerable: false });
}

/** Calls `stop` when the user interrupts the work that runs now. Returns the way to stop listening. */
export function onOwnInterrupt(stop: () => void): () => void {
  const here = host();
  const origin = here?.origin();
  if (!here || origin === undefined) return () => {};
  return here.onInterrupt((interrupted) => {
    if (interrupted === origin) stop();
  });
}
