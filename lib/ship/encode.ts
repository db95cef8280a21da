// From a value to nodes that can be posted: plain data as it is, functions and classes as source with their captures,
// instances as class and fields, what every thread has by name. Runs nothing of the user's but the ship hook; refuses
// what can't cross before anything is sent.

import { types } from "node:util";
import { CaptureError, NotSendableError } from "../errors.ts";
import { host, type ImportOrigin } from "../host.ts";
import { encodeFunction, userFacts } from "./encode-function.ts";
import { globalPath } from "./globals.ts";
import { importedHere } from "./identity.ts";
import { libraryPlace, ship } from "../library.ts";
import { builtinOrigin } from "./modules.ts";
import { tellLargeCopy } from "./large-copy.ts";
import { isMoved } from "./move.ts";
import { isPlain, isPrimitive } from "./plain.ts";
import { rebuiltBy } from "./rebuilt.ts";
import { classNameOf, keptByProcess, refusalOf, type Between, type Refusal } from "./refusals.ts";
import { sharedView } from "./shared-view.ts";
import { isStackOverflow, trimStack } from "./stack.ts";
import { idOfBuffer } from "./shared-buffers.ts";
import { undoneBy, type Node, type Prop, type Ref, type Wire } from "./wire.ts";

export interface EncodeOptions {
  /** The realm that will decode it: what came from there goes back as a reference. */
  to?: string;
  /** How errors call the value: "args", "result". */
  path?: string;
  /** What it crosses. Processes have no memory in common and nothing to transfer by. Default: "threads". */
  between?: Between;
}

/** Where in the value the encoder is; the text is made only for an error. */
export interface Place {
  readonly up: Place | undefined;
  readonly key: string;
  /** The key is a variable that this function captures. */
  readonly holder?: () => string;
  /** The object here says itself what is sent of it: of this class. */
  readonly inside?: string;
}

const wellKnown = new Map<symbol, string>();
for (const key of Object.getOwnPropertyNames(Symbol)) {
  const value: unknown = (Symbol as unknown as Record<string, unknown>)[key];
  if (typeof value === "symbol") wellKnown.set(value, key);
}

/**
 * Encodes a value with all that it reaches. Throws CaptureError where a function captures what can't cross, and
 * NotSendableError where the value itself holds it; both name the place and what to do.
 */
export function encode(value: unknown, { to, path = "value", between = "threads" }: EncodeOptions = {}): Wire {
  const encoder = new Encoder(to, between);
  try {
    const root = encoder.ref(value, { up: undefined, key: path });
    encoder.finish();
    const wire = { root, nodes: encoder.nodes };
    undoneBy(wire, encoder.undo);
    return wire;
  } catch (error) {
    for (const undo of encoder.undo) undo();
    if (!isStackOverflow(error)) throw error;
    // The encoder itself goes no deeper for deeper values.
    const text = `${path || "The task"} can't be sent: the calls that led here are nested too deeply, and no stack is left.`;
    throw new NotSendableError(path, text, { cause: error });
  }
}

function namedBuffer(value: object): Node | undefined {
  if (types.isSharedArrayBuffer(value)) return { t: "buffer", id: idOfBuffer(value) };
  if (!ArrayBuffer.isView(value) || !types.isSharedArrayBuffer(value.buffer)) return undefined;
  const length = (value as Partial<Uint8Array>).length ?? value.byteLength;
  const type = Buffer.isBuffer(value) ? "Buffer" : classNameOf(value);
  return { t: "buffer", id: idOfBuffer(value.buffer), view: [type, value.byteOffset, length] };
}

type SetNode = (node: Node) => void;

export class Encoder {
  readonly nodes: Node[] = [];
  /** What ship hooks have done for this, undone where it is not sent. */
  readonly undo: (() => void)[] = [];
  readonly to: string | undefined;
  readonly between: Between;
  readonly #seen = new Map<unknown, number>();
  readonly #plain = new Set<object>();
  /** What is to be filled in: one after the other instead of one inside the other, however deep the value is. */
  readonly #open: (() => void)[] = [];

  constructor(to: string | undefined, between: Between) {
    this.to = to;
    this.between = between;
  }

  later(fill: () => void): void {
    this.#open.push(fill);
  }

  finish(): void {
    for (const fill of this.#open) fill();
  }

  /** `imported` is asked where nothing else names the value: the import by which a module has it. */
  ref(value: unknown, place: Place, imported?: () => ImportOrigin | undefined): Ref {
    if (isPrimitive(value)) return [value];
    const seen = this.#seen.get(value);
    if (seen !== undefined) return seen;
    const index = this.nodes.push(undefined as unknown as Node) - 1;
    this.#seen.set(value, index);
    const set: SetNode = (node) => void (this.nodes[index] = node);
    if (typeof value === "symbol") set(this.#symbol(value, place));
    else if (typeof value === "function") this.#function(value, place, set, imported);
    else this.#object(value as object, place, set, imported);
    return index;
  }

  #symbol(value: symbol, place: Place): Node {
    const known = wellKnown.get(value);
    if (known !== undefined) return { t: "global", path: ["Symbol", known] };
    const key = Symbol.keyFor(value);
    if (key !== undefined) return { t: "symbol", key };
    throw refuse(place, {
      what: `the unique symbol ${String(value)}, which has its identity only in its own thread`,
      remedy: "use Symbol.for()",
    });
  }

  /** What is not sent but named: the library's, what was imported, what every thread has. */
  #named(value: object, imported?: () => ImportOrigin | undefined): Node | undefined {
    const place = libraryPlace(value);
    if (place) return { t: "library", ...place };
    const path = globalPath(value);
    if (path) return { t: "global", path };
    const origin = importedHere(value) ?? host()?.importedFrom(value) ?? imported?.();
    return origin && { t: "import", ...origin };
  }

  #function(fn: Function, place: Place, set: SetNode, imported?: () => ImportOrigin | undefined): void {
    const named = this.#named(fn, imported);
    if (named) set(named);
    else encodeFunction(fn, { encoder: this, place, set, refuse: (refusal) => refuse(place, refusal) });
  }

  #object(value: object, place: Place, set: SetNode, imported?: () => ImportOrigin | undefined): void {
    if (isPlain(value, this.#plain, this.between)) {
      tellLargeCopy(value, () => placeText(place), this.between);
      return set({ t: "raw", value });
    }
    const kept = this.between === "processes" && !types.isProxy(value) && keptByProcess(value);
    if (kept) throw refuse(place, kept);
    const buffer = this.between === "bytes" && !types.isProxy(value) ? namedBuffer(value) : undefined;
    if (buffer) return set(buffer);
    if (isMoved(value)) return set({ t: "moved", value, isBuffer: Buffer.isBuffer(value) });
    const view = types.isProxy(value) ? undefined : sharedView(value);
    if (view) return set(view);
    const named = this.#named(value, imported);
    if (named) return set(named);
    if (types.isProxy(value)) throw refuse(place, refusalOf(value));
    const hook = (value as { [ship]?: unknown })[ship];
    if (typeof hook === "function") return set(this.#hooked(value, hook as () => unknown, place));
    if (types.isModuleNamespaceObject(value)) {
      const origin = builtinOrigin((value as { default?: object }).default ?? value);
      if (origin) return set({ t: "import", specifier: origin.specifier, name: "*" });
      throw refuse(place, refusalOf(value));
    }
    const rebuilt = rebuiltBy(value);
    if (rebuilt) return set({ t: "rebuilt", ...rebuilt });
    if (types.isNativeError(value)) return this.#error(value, place, set);
    const prototype: object | null = Object.getPrototypeOf(value);
    if (prototype === null || prototype === Object.prototype) {
      const origin = builtinOrigin(value);
      if (origin) return set({ t: "import", ...origin });
      if (types.isArgumentsObject(value)) throw refuse(place, refusalOf(value));
      const node = { t: "object", bare: prototype === null, props: [] as Prop[] } as const;
      set(node);
      return this.later(() => this.props(value, node.props, place));
    }
    this.#container(value, prototype, place, set);
  }

  #container(value: object, prototype: object, place: Place, set: SetNode): void {
    if (Array.isArray(value)) {
      const node: Node & { t: "array" } = { t: "array", length: value.length, items: [], props: [] };
      set(node);
      if (prototype !== Array.prototype) node.of = this.#classOf(value, prototype, place);
      this.later(() => {
        for (let i = 0; i < value.length; i++) {
          const item = Object.getOwnPropertyDescriptor(value, i);
          if (item && !item.get && !item.set) node.items[i] = this.ref(item.value, { up: place, key: `[${i}]` });
        }
        // What else it has: no item (a hole), an accessor in the place of one, a property with a name; `length` both have.
        this.props(value, node.props, place, (key) => Object.hasOwn(node.items, key));
      });
    } else if (types.isMap(value)) {
      const node: Node & { t: "map" } = { t: "map", entries: [], props: [] };
      set(node);
      if (prototype !== Map.prototype) node.of = this.#classOf(value, prototype, place);
      this.later(() => {
        for (const [key, item] of value) {
          const at = { up: place, key: `.get(${describe(key)})` };
          node.entries.push([this.ref(key, { up: place, key: ".keys()" }), this.ref(item, at)]);
        }
        this.props(value, node.props, place);
      });
    } else if (types.isSet(value)) {
      const node: Node & { t: "set" } = { t: "set", items: [], props: [] };
      set(node);
      if (prototype !== Set.prototype) node.of = this.#classOf(value, prototype, place);
      this.later(() => {
        for (const item of value) node.items.push(this.ref(item, { up: place, key: ".values()" }));
        this.props(value, node.props, place);
      });
    } else {
      const node: Node & { t: "instance" } = { t: "instance", of: [undefined], props: [] };
      set(node);
      node.of = this.#classOf(value, prototype, place);
      this.later(() => this.props(value, node.props, place));
    }
  }

  /** The user's class that this prototype belongs to; refuses the object where it has none. */
  #classOf(value: object, prototype: object, place: Place): Ref {
    const type: unknown = Object.getOwnPropertyDescriptor(prototype, "constructor")?.value;
    if (typeof type !== "function" || (type.prototype as unknown) !== prototype) throw refuse(place, refusalOf(value));
    for (let at: object | null = type; typeof at === "function" && at !== Function.prototype;) {
      const facts = userFacts(at);
      // A native class keeps its state where no one sees it. Arrays, maps and sets are taken apart by the caller.
      const open = at === Map || at === Set || at === Array || at === Object;
      if (!facts && !open && !(at !== type && builtinOrigin(at)?.specifier === "node:events"))
        throw refuse(place, refusalOf(value));
      if (at === type && (libraryPlace(at) || builtinOrigin(at))) throw refuse(place, refusalOf(value));
      if (facts?.hasPrivate)
        throw refuse(place, {
          what: `an object of the class ${at.name}, whose #private state can't be read`,
          remedy: 'give the class a [Symbol.for("braid.ship")]() method, or send plain data',
        });
      at = Object.getPrototypeOf(at) as object | null;
    }
    return this.ref(type, { up: place, key: ".constructor" });
  }

  #hooked(value: object, hook: () => unknown, place: Place): Node {
    const shipped = hook.call(value) as Record<"module" | "export" | "data" | "unsent", unknown> | undefined;
    if (typeof shipped?.unsent === "function") this.undo.push(shipped.unsent as () => void);
    if (typeof shipped?.module !== "string" || typeof shipped.export !== "string")
      throw refuse(place, {
        what: 'an object whose [Symbol.for("braid.ship")]() did not return { module, export, data }',
        remedy: "return the URL of a module, the name of its export, and the data that the export takes",
      });
    const data = this.ref(shipped.data, { up: place, key: "", inside: classNameOf(value) });
    return { t: "hook", module: shipped.module, name: shipped.export, data };
  }

  #error(error: Error, place: Place, set: SetNode): void {
    const node: Node & { t: "error" } = {
      t: "error",
      of: [undefined],
      message: String(error.message),
      stack: trimStack(String(error.stack)),
      props: [],
    };
    set(node);
    // Node's own error classes are not importable, and #private fields don't cross: the nearest class above such a one
    // stands for it. For one of another context, of node:vm, this one's stands.
    let type: Function | undefined;
    for (let at: unknown = error.constructor; typeof at === "function"; at = Object.getPrototypeOf(at)) {
      const isNamed = globalPath(at) !== undefined || libraryPlace(at) !== undefined;
      const facts = isNamed ? undefined : userFacts(at);
      if (facts?.hasPrivate) type = undefined;
      else type ??= facts || isNamed ? at : standardError(at);
    }
    node.of = this.ref(type ?? Error, { up: place, key: ".constructor" });
    this.later(() => this.props(error, node.props, place, (key) => key === "stack" || key === "message"));
  }

  /** Own properties, accessors as accessors. Unique symbols are left out, as structured clone does. */
  props(value: object, into: Prop[], place: Place, skip?: (key: string | symbol) => boolean): void {
    for (const key of Reflect.ownKeys(value)) {
      if (skip?.(key)) continue;

      if (typeof key === "symbol" && !wellKnown.has(key) && Symbol.keyFor(key) === undefined) continue;
      const { value: data, get, set, enumerable } = Object.getOwnPropertyDescriptor(value, key)!;
      const at = { up: place, key: typeof key === "symbol" ? `[${String(key)}]` : `.${key}` };
      const name = this.ref(key, at);
      if (get || set) into.push([name, !enumerable, this.ref(get, at), this.ref(set, at)]);
      else into.push([name, !enumerable, this.ref(data, at)]);
    }
  }
}

/** The error class of the language that this one is by its name. */
function standardError(type: Function): Function | undefined {
  return standardErrors.get(Object.getOwnPropertyDescriptor(type, "name")?.value);
}

const standardErrors = new Map<unknown, Function>();
for (const type of [Error, AggregateError, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError])
  standardErrors.set(type.name, type);

/** The error that says why what is at this place can't cross. */
function refuse(place: Place, { what, remedy }: Refusal): Error {
  let path = "";
  for (let at: Place | undefined = place; at; at = at.up) {
    path = at.inside ? "" : at.key + path;
    if (at.inside) what = `a ${at.inside}, with ${what}`;
    if (at.holder) return new CaptureError(at.key, `"${path}", which ${at.holder()} captures, is ${what}: ${remedy}.`);
  }
  path = path.replace(/^\./, "");
  return new NotSendableError(path, `${path} is ${what}: ${remedy}.`);
}

/** `"table", which the closure at a.ts:3:9 captures,` or `args[0]`. */
function placeText(place: Place): string {
  let path = "";
  for (let at: Place | undefined = place; at; at = at.up) {
    path = at.key + path;
    if (at.holder) return `"${path}", which ${at.holder()} captures,`;
  }
  return path.replace(/^\./, "");
}

function describe(key: unknown): string {
  return typeof key === "string" ? JSON.stringify(key) : isPrimitive(key) ? String(key) : "…";
}
