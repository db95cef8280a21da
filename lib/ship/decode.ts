// From nodes back to values. Functions are compiled once per source and place, as scripts that keep the file, line and
// column of the original, and get their captures put in afterwards, so that they may refer to each other in circles.

import { ConstantKeys, knownConstant, rememberConstant } from "./constant.ts";
import { rememberStart } from "./encode-function.ts";
import { compile, type Instance } from "./factory.ts";
import { followPath } from "./globals.ts";
import { findById, isFrom, realm, remember, rememberImport } from "./identity.ts";
import { libraryUrl, loadedExport, unship } from "../library.ts";
import { importAgain, loadAgain } from "./modules.ts";
import { rebuild } from "./rebuilt.ts";
import { fromSharedView } from "./shared-view.ts";

import { bufferById } from "./shared-buffers.ts";
import type { FunctionNode, Node, Prop, Ref, Wire } from "./wire.ts";

const modules = new Map<string, Record<string, unknown>>();

function moduleOf(node: Node): string | undefined {
  if (node.t === "import") return node.specifier;
  if (node.t === "hook") return node.module;
  if (node.t === "library" && loadedExport(node) === undefined) return libraryUrl(node.file);
  return undefined;
}

/** Imports what the wire needs. Undefined where nothing is to be waited for; then `decode` can follow at once. */
export function prepare(wire: Wire): Promise<void> | undefined {
  const missing = new Set<string>();
  for (const node of wire.nodes) {
    const specifier = moduleOf(node);
    if (specifier !== undefined && !modules.has(specifier)) missing.add(specifier);
  }
  if (missing.size === 0) return undefined;
  const load = async (specifier: string): Promise<void> => void modules.set(specifier, await importAgain(specifier));
  return Promise.all([...missing].map(load)).then(() => undefined);
}

/** The same without waiting: false where something can't be loaded at once. */
export function prepareNow(wire: Wire): boolean {
  for (const node of wire.nodes) {
    const specifier = moduleOf(node);
    if (specifier === undefined || modules.has(specifier)) continue;
    const loaded = loadAgain(specifier);
    if (!loaded) return false;
    modules.set(specifier, loaded);
  }
  return true;
}

/** The value of a wire whose `prepare` is done. */
export function decode(wire: Wire): unknown {
  const decoder = new Decoder(wire.nodes);
  const value = decoder.value(wire.root);
  decoder.finish();
  return value;
}

/** For a class that this thread has already: the way to give it new captures, by these names. */
const instances = new WeakMap<Function, { readonly instance: Instance; readonly names: string }>();

class Decoder {
  readonly #nodes: readonly Node[];
  readonly #values: unknown[];
  readonly #begun: Uint8Array;
  readonly #captures: (() => void)[] = [];
  readonly #constants: ConstantKeys;
  /** What is to be filled in: one after the other instead of one inside the other, however deep the value is. */
  readonly #open = new Map<number, (() => void)[]>();

  constructor(nodes: readonly Node[]) {
    this.#nodes = nodes;
    this.#constants = new ConstantKeys(nodes);
    this.#values = new Array<unknown>(nodes.length);
    this.#begun = new Uint8Array(nodes.length);
  }

  /** Inside a circle a class may not be there yet when it is first captured: all captures are put in again at the end. */
  finish(): void {
    for (const index of this.#open.keys()) this.#fill(index);
    for (const put of this.#captures) put();
  }

  #later(index: number, fill: () => void): void {
    const fills = this.#open.get(index);
    if (fills) fills.push(fill);
    else this.#open.set(index, [fill]);
  }

  #fill(index: number): void {
    const fills = this.#open.get(index);
    this.#open.delete(index);
    for (const fill of fills ?? []) fill();
  }

  /** Fills in all that can be reached from here, before code of the user's runs that may see it. */
  #complete(refs: readonly Ref[]): void {
    const seen = new Set<number>();
    const open = [...refs];
    for (let ref = open.pop(); ref !== undefined; ref = open.pop()) {
      if (typeof ref !== "number" || seen.has(ref)) continue;
      seen.add(ref);
      this.value(ref);
      this.#fill(ref);
      open.push(...refsOf(this.#nodes[ref]!));
    }
  }

  value(ref: Ref): unknown {
    if (typeof ref !== "number") return ref[0];
    if (!this.#begun[ref]) {
      this.#begun[ref] = 1;
      const node = this.#nodes[ref]!;
      this.#make(node, ref, (value) => (this.#values[ref] = value));
    }
    return this.#values[ref];
  }

  /** `set` is called before what the value holds is made, where circles are possible. */
  #make(node: Node, index: number, set: (value: unknown) => unknown): void {
    switch (node.t) {
      case "raw":
        set(node.value);
        return;
      case "moved":
        set(node.isBuffer ? rebuild("Buffer", [node.value]) : node.value);
        return;
      case "shared":
        set(fromSharedView(node));
        return;
      case "array": {
        const array = (node.of === undefined ? [] : Reflect.construct(Array, [], this.#class(node.of))) as unknown[];
        set(array);
        this.#later(index, () => {
          node.items.forEach((item, i) => (array[i] = this.value(item)));
          array.length = node.length;
        });
        return this.#props(index, array, node.props);
      }
      case "object": {
        const object: object = node.bare ? (Object.create(null) as object) : {};
        set(object);
        return this.#props(index, object, node.props);
      }
      case "map": {
        const map = Reflect.construct(Map, [], node.of === undefined ? Map : this.#class(node.of)) as Map<
          unknown,
          unknown
        >;
        set(map);
        this.#later(index, () => {
          for (const [key, item] of node.entries) Map.prototype.set.call(map, this.value(key), this.value(item));
        });
        return this.#props(index, map, node.props);
      }
      case "set": {
        const items = Reflect.construct(Set, [], node.of === undefined ? Set : this.#class(node.of)) as Set<unknown>;
        set(items);
        this.#later(index, () => {
          for (const item of node.items) Set.prototype.add.call(items, this.value(item));
        });
        return this.#props(index, items, node.props);
      }
      case "instance": {
        const instance = Object.create(this.#class(node.of).prototype as object) as object;
        set(instance);
        return this.#props(index, instance, node.props);
      }
      case "error": {
        const error = Reflect.construct(Error, [node.message], this.#class(node.of)) as Error;
        Object.defineProperty(error, "stack", { value: node.stack, writable: true, configurable: true });
        set(error);
        return this.#props(index, error, node.props);
      }
      case "rebuilt":
        set(rebuild(node.kind, node.args));
        return;
      case "hook": {
        const maker = exportOf(node.module, node.name) as Function & { [unship]?: Function };
        const data = this.value(node.data);
        this.#complete([node.data]);
        set(typeof maker[unship] === "function" ? maker[unship](data) : (maker as (data: unknown) => unknown)(data));
        return;
      }
      case "global":
        set(followPath(node.path));
        return;
      case "buffer":
        set(namedBuffer(node));
        return;
      case "symbol":
        set(Symbol.for(node.key));
        return;
      case "import":
        rememberImport(set(exportOf(node.specifier, node.name)), node);
        return;
      case "library":
        set(loadedExport(node) ?? modules.get(libraryUrl(node.file))?.[node.name]);
        return;
      case "home": {
        const original = findById(node.id);
        if (!original) throw new Error("A function came back to the thread that sent it, but is no longer there.");
        set(original);
        return;
      }
      case "fn":
        return this.#function(node, index, set);
    }
  }

  #class(ref: Ref): Function {
    return this.value(ref) as Function;
  }

  #props(index: number, object: object, props: readonly Prop[]): void {
    if (props.length > 0) this.#later(index, () => this.#define(object, props));
  }

  #define(object: object, props: readonly Prop[]): void {
    for (const prop of props) {
      const key = this.value(prop[0]) as PropertyKey;
      const attributes = { enumerable: !prop[1], configurable: true };
      if (prop.length === 4) {
        const [get, set] = [this.value(prop[2]), this.value(prop[3])] as [(() => unknown) | undefined, undefined];
        Object.defineProperty(object, key, { get, set, ...attributes });
      } else Object.defineProperty(object, key, { value: this.value(prop[2]), writable: true, ...attributes });
    }
  }

  #function(node: FunctionNode, index: number, set: (value: unknown) => unknown): void {
    const isClass = node.shape === "class";
    const isOurs = isFrom(node.id, realm);
    let fn = isClass || isOurs ? findById(node.id) : undefined;
    if (fn && isOurs) return void set(fn);
    const key = this.#constants.of(node);
    const twin = key === undefined ? undefined : knownConstant(key);
    if (twin) {
      // Should it go home, it is the original of this time.
      remember(twin, node.id);
      return void set(twin);
    }
    const names = node.names.join();
    const known = fn && instances.get(fn);
    // With other names it is compiled anew.
    if (known?.names !== names) fn = undefined;
    const instance = fn ? known!.instance : compile(node);
    const put = (): void => instance.put(node.captures.map((ref) => this.value(ref)));
    if (isClass && !fn) {
      // A class evaluates its heritage and its static fields when it is made: its captures must be there before.
      this.#complete(node.captures);
      put();
      fn = instance.make();
    } else fn ??= instance.make();
    set(fn);
    const made = fn;
    this.#captures.push(put);
    this.#later(index, () => {
      put();
      if (key !== undefined) rememberConstant(key, made);
    });
    if (fn.name !== node.name) Object.defineProperty(fn, "name", { value: node.name, configurable: true });
    remember(fn, node.id);
    rememberStart(fn, node);
    instances.set(fn, { instance, names });
    this.#props(index, fn, node.props);
    this.#props(index, fn.prototype as object, node.proto);
  }
}

function namedBuffer({ id, view }: Node & { t: "buffer" }): unknown {
  const buffer = bufferById(id);
  if (!view) return buffer;
  const [type, at, length] = view;
  if (type === "Buffer") return Buffer.from(buffer, at, length);
  return Reflect.construct((globalThis as unknown as Record<string, Function>)[type]!, [buffer, at, length]);
}

function exportOf(specifier: string, name: string): unknown {
  const module = modules.get(specifier)!;
  return name === "*" ? module : module[name];
}

function refsOf(node: Node): Ref[] {
  switch (node.t) {
    case "array":
      // Without its holes.
      return [...Object.values(node.items), ...inProps(node.props)];
    case "map":
      return [...node.entries.flat(), ...inProps(node.props)];
    case "set":
      return [...node.items, ...inProps(node.props)];
    case "object":
    case "instance":
    case "error":
      return inProps(node.props);
    case "fn":
      return [...node.captures, ...inProps(node.props), ...inProps(node.proto)];
    default:
      return [];
  }
}

function inProps(props: readonly Prop[]): Ref[] {
  return props.flatMap(([, , ...values]) => values);
}
