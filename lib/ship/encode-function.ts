// From a function or class to a node: its source, where it was written, and the values of what it mentions.

import { isBuiltin } from "node:module";
import * as workerThreads from "node:worker_threads";
import { CaptureError } from "../errors.ts";
import { host } from "../host.ts";
import type { Encoder, Place } from "./encode.ts";
import { factsOf, type SourceFacts } from "./free-names.ts";
import { idOf, isFrom, knownId } from "./identity.ts";
import { knownUrl, look, urlOf, type FunctionView } from "./inspector.ts";
import { builtinOrigin, exportedClass, importBinding } from "./modules.ts";
import type { Between, Refusal } from "./refusals.ts";
import { closureOf, VITE_IMPORT, type Captured } from "./scopes.ts";
import type { FunctionNode, Node, Prop, Ref } from "./wire.ts";

export interface Sink {
  readonly encoder: Encoder;
  readonly place: Place;
  /** Takes the node; the captures and properties are filled in afterwards, so that cycles end. */
  set(node: Node): void;
  refuse(refusal: Refusal): Error;
}

/** Where the source of a function starts, zero-based. */
export interface Start {
  readonly url: string;
  readonly line: number;
  readonly column: number;
}

const starts = new WeakMap<Function, Start>();

/** A function that was decoded here starts where its original does. */
export function rememberStart(fn: Function, start: Start): void {
  starts.set(fn, start);
}

/** Is this the text that V8 gives for a function that has none? */
export function isNative(source: string): boolean {
  return /\{\s*\[native code\]\s*\}\s*$/.test(source);
}

/** The facts of a user's function or class; undefined for what is native or Node's own. */
export function userFacts(fn: Function): SourceFacts | undefined {
  const source = Function.prototype.toString.call(fn);
  if (isNative(source)) return undefined;
  if (knownId(fn) === undefined) {
    if (builtinOrigin(fn)) return undefined;
    const { location } = look(fn);
    if (location && urlOf(location.scriptId).startsWith("node:")) return undefined;
  }
  return factsOf(source);
}

export function encodeFunction(fn: Function, sink: Sink): void {
  const { encoder, set, refuse } = sink;
  const source = Function.prototype.toString.call(fn);
  if (isNative(source)) {
    const origin = builtinOrigin(fn);
    if (origin) return set({ t: "import", ...origin });
    if (fn.name.startsWith("bound "))
      throw refuse({
        what: "a bound function, whose source can't be seen",
        remedy: "send an arrow function that makes the call",
      });
    throw refuse({
      what: `the native function ${fn.name || "without a name"}, which has no source`,
      remedy: "send an arrow function that calls it",
    });
  }
  const known = knownId(fn);
  if (known !== undefined && isFrom(known, encoder.to)) return set({ t: "home", id: known });

  const view = viewOf(fn);
  const { location } = view;
  if (known === undefined && location) {
    if (knownUrl(location.scriptId) === undefined) {
      const origin = builtinOrigin(fn);
      if (origin) return set({ t: "import", ...origin });
    }
    if (urlOf(location.scriptId).startsWith("node:")) {
      const origin = builtinOrigin(fn);
      if (origin) return set({ t: "import", ...origin });
      throw refuse({ what: `the function ${fn.name}, which is Node's own`, remedy: "import it inside the function" });
    }
  }

  let facts: SourceFacts;
  try {
    facts = factsOf(source);
  } catch (cause) {
    throw refuse({
      what: `a function whose source can't be parsed (${(cause as Error).message})`,
      remedy: "write it as a plain function",
    });
  }
  if (known === undefined && location && facts.shape === "class" && workerThreads.threadId !== 0) {
    // A worker got the module by importing it, as the thread has that the class goes to.
    const origin = exportedClass(location);
    if (origin) return set({ t: "import", ...origin });
  }

  const start = starts.get(fn) ?? startOf(source, facts, view);
  const label = (): string => describe(fn, start);
  refuseOuter(facts, label);
  const { captured, source: text } = closureOf(fn, source, facts, view, label);
  for (const { name } of captured) refuseWritten(facts, name, label, encoder.between);

  const node: FunctionNode = {
    t: "fn",
    id: idOf(fn),
    source: text,
    shape: facts.shape,
    strict: facts.strict,
    computedKey: facts.computedKey,
    name: typeof fn.name === "string" ? fn.name : "",
    ...start,
    names: captured.map(({ name }) => name),
    captures: [],
    props: [],
    proto: [],
  };
  set(node);
  encoder.later(() => {
    for (const one of captured) node.captures.push(capture(one, facts, view, label, encoder));
  });
  ownProperties(fn, source, facts, node, sink);
}

/** A function's text and what it captures, as it is now. */
export interface ReadClosure {
  readonly source: string;
  readonly facts: SourceFacts;
  readonly captured: readonly Captured[];
  /** How errors call it: 'the function "inc" (cell-3.ts:2:14)'. */
  readonly label: string;
  readonly start: Start;
}

/** For those who translate a function instead of sending it. Throws SyntaxError where its text can't be parsed. */
export function readClosure(fn: Function): ReadClosure {
  const source = Function.prototype.toString.call(fn);
  const facts = factsOf(source);
  const view = viewOf(fn);
  const start = starts.get(fn) ?? startOf(source, facts, view);
  const label = describe(fn, start);
  return { ...closureOf(fn, source, facts, view, () => label), facts, label, start };
}

/** By place: where the literals stand that the host has marked. */
const literals = new Map<number, FunctionView["location"]>();

/** V8 is asked once for each place, where the host knows the rest. */
function viewOf(fn: Function): FunctionView {
  const literal = host()?.literal?.(fn);
  if (!literal) return look(fn);
  if (literals.has(literal.place)) {
    try {
      const scopes = [{ kind: "Literal", variables: literal.captures() }];
      return { location: literals.get(literal.place), scopes };
    } catch {
      // A variable that is not declared yet: V8 tells which.
    }
  }
  const view = look(fn);
  literals.set(literal.place, view.location);
  return view;
}

/** What Node exports of each thread that is a primitive. */
const ofThread = new Set<unknown>(Object.values(workerThreads).filter((value) => Object(value) !== value));

/** A function expression that can name itself may keep something on itself from call to call. */
export function seesItself(source: string, name: string): boolean {
  return name !== "" && /^(async\s+)?function\b/.test(source) && source.split(name).length > 2;
}

/** Perhaps it is one of those, which must be imported there. */
export function isOfThread(value: unknown): boolean {
  return Object(value) !== value && ofThread.has(value);
}

function capture(
  { name, value, ofModule, ofScript, as }: Captured,
  facts: SourceFacts,
  view: FunctionView,
  label: () => string,
  encoder: Encoder,
): Ref {
  if (name === "__vite_ssr_dynamic_import__")
    throw new CaptureError(
      "import()",
      `${sentence(label())} uses import(), which vite has put a function of its own in place of: import it statically.`,
    );
  const place: Place = { up: undefined, key: as ?? name, holder: label };
  const members = facts.free.get(name)?.members;
  // Of what vite makes of an import only what is used goes along.
  if (members && VITE_IMPORT.test(name) && value !== null && typeof value === "object") {
    const props: Prop[] = [];
    for (const member of members) {
      const at: Place = { up: undefined, key: member, holder: label };
      props.push([[member], false, encoder.ref((value as Record<string, unknown>)[member], at)]);
    }
    return encoder.nodes.push({ t: "object", bare: false, props }) - 1;
  }
  const { location } = view;
  if (isOfThread(value)) {
    // `threadId`, `isMainThread` and their like are imported there, where they are others. Asked for their values only:
    // finding out what a module imports costs the debugger, 50 ms the first time.
    const origin = ofScript
      ? host()?.importedName?.(name)
      : ofModule && location
        ? importBinding(location, name)
        : undefined;
    if (origin && isBuiltin(origin.specifier)) return encoder.nodes.push({ t: "import", ...origin }) - 1;
  }
  if (!ofModule || !location) return encoder.ref(value, place);
  return encoder.ref(value, place, () => {
    if (typeof value === "function" && look(value).location?.scriptId === location.scriptId) return undefined;
    return builtinOrigin(value as object) ?? importBinding(location, name);
  });
}

function refuseOuter({ outer }: SourceFacts, label: () => string): void {
  for (const name of outer) {
    const remedy =
      name === "import.meta"
        ? "read it outside into a const and use that"
        : name === "super"
          ? "send the class or an instance of it instead of the method"
          : "put what it needs of it into a const outside and use that";
    throw new CaptureError(
      name,
      `${sentence(label())} uses ${name === "import.meta" ? "import.meta" : `the "${name}" of the code around it`}, which can't cross threads: ${remedy}.`,
    );
  }
}

function refuseWritten({ free }: SourceFacts, name: string, label: () => string, between: Between): void {
  if (!free.get(name)?.written) return;
  throw new CaptureError(
    name,
    `${sentence(label())} writes the captured variable "${name}", of which every ${between === "threads" ? "thread" : "process"} would change a copy of its own: ` +
      `return the value and combine the results${between === "threads" ? ", or keep it in shared memory (shared()) and use Atomics" : ""}.`,
  );
}

const EVERY_FUNCTION_HAS = new Set<string | symbol>(["length", "name", "prototype", "arguments", "caller"]);

function ownProperties(fn: Function, source: string, facts: SourceFacts, node: FunctionNode, sink: Sink): void {
  const isClass = facts.shape === "class";
  sink.encoder.props(fn, node.props, sink.place, (key) => {
    if (EVERY_FUNCTION_HAS.has(key)) return true;
    if (!isClass) return false;
    // The source makes methods, accessors and the functions in static fields again.
    const { value, enumerable, get, set } = Object.getOwnPropertyDescriptor(fn, key)!;
    if (get || set || (typeof value === "function" && !enumerable)) return true;
    return typeof value === "function" && source.includes(Function.prototype.toString.call(value));
  });
  const prototype: unknown = facts.shape === "function" ? fn.prototype : undefined;
  if (typeof prototype !== "object" || prototype === null) return;
  sink.encoder.props(prototype, node.proto, { up: sink.place, key: ".prototype" }, (key) => key === "constructor");
  const parent: unknown = Object.getPrototypeOf(prototype);
  if (node.proto.length > 0 && parent !== Object.prototype)
    throw sink.refuse({ what: "an old-style constructor that inherits", remedy: "write it as a class" });
}

function startOf(source: string, facts: SourceFacts, { location }: FunctionView): Start {
  if (!location) return { url: "", line: 0, column: 0 };
  const before = source.slice(0, facts.anchor).split("\n");
  const column = before.length === 1 ? location.column - facts.anchor : 0;
  return { url: urlOf(location.scriptId), line: location.line - before.length + 1, column: Math.max(0, column) };
}

export function sentence(text: string): string {
  return text[0]!.toUpperCase() + text.slice(1);
}

/** 'the function "inc" (cell-3.ts:2:14)' or 'the closure at cell-3.ts:2:14'. */
function describe(fn: Function, { url, line, column }: Start): string {
  const file = url.replace(/[?#].*$/, "").replace(/^.*[/\\]/, "");
  const at = file && `${file}:${line + 1}:${column + 1}`;
  const name = typeof fn.name === "string" ? fn.name : "";
  if (name) return `the ${/^class\b/.test(String(fn)) ? "class" : "function"} "${name}"${at && ` (${at})`}`;
  return at ? `the closure at ${at}` : "the closure";
}
