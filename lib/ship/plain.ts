// Which values structured clone copies faithfully as they are: the quick way past the encoder for plain data.

import { inspect, types } from "node:util";
import { isMoved } from "./move.ts";
import { classNameOf, keptByProcess, type Between } from "./refusals.ts";
import { sharedView } from "./shared-view.ts";

const arrayPrototype = Array.prototype;
const prototypes = new Map<object, (value: object) => boolean>([
  [Map.prototype, types.isMap],
  [Set.prototype, types.isSet],
  [Date.prototype, types.isDate],
  [RegExp.prototype, (value) => types.isRegExp(value) && (value as RegExp).lastIndex === 0],
  [ArrayBuffer.prototype, types.isArrayBuffer],
  [SharedArrayBuffer.prototype, types.isSharedArrayBuffer],
  [DataView.prototype, types.isDataView],
  [Boolean.prototype, types.isBooleanObject],
  [Number.prototype, types.isNumberObject],
  [String.prototype, types.isStringObject],
]);
for (const kind of [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array])
  prototypes.set(kind.prototype, types.isTypedArray);
for (const kind of [Float16Array, Float32Array, Float64Array, BigInt64Array, BigUint64Array])
  prototypes.set(kind.prototype, types.isTypedArray);
// Not in TypeScript's library without the DOM's.
const { Module, Memory } = (globalThis as unknown as { WebAssembly: Record<string, { prototype: object }> })
  .WebAssembly;
prototypes.set(Module!.prototype, () => true);
prototypes.set(Memory!.prototype, (memory) => types.isSharedArrayBuffer((memory as { buffer: unknown }).buffer));

/** Classes that Node loads when they are asked for: then they are looked up, by the name of an object's class. */
const LATER = new Set(["Blob", "CryptoKey", "DOMException"]);

function testFor(prototype: object | null): ((value: object) => boolean) | undefined {
  const known = prototype && prototypes.get(prototype);
  if (known || !prototype || LATER.size === 0) return known ?? undefined;
  const name: unknown = (Object.getOwnPropertyDescriptor(prototype, "constructor")?.value as Function | undefined)
    ?.name;
  if (typeof name !== "string" || !LATER.delete(name)) return undefined;
  prototypes.set((globalThis as unknown as Record<string, { prototype: object }>)[name]!.prototype, () => true);
  return prototypes.get(prototype);
}

export function isPrimitive(value: unknown): boolean {
  return value === null || (typeof value !== "object" && typeof value !== "function" && typeof value !== "symbol");
}

/**
 * Does structured clone copy all that can be reached from here; between processes, v8.Serializer? `known` holds what was
 * found so before.
 */
export function isPlain(root: unknown, known: Set<object>, between: Between): boolean {
  if (isPrimitive(root)) return true;
  if (typeof root !== "object") return false;
  const seen = new Set<object>();
  const open: object[] = [];
  /** False: not plain. Objects are looked into later. */
  const take = (value: unknown): boolean => {
    if (value === null || (typeof value !== "object" && typeof value !== "function" && typeof value !== "symbol"))
      return true;
    if (typeof value !== "object") return false;
    if (!seen.has(value) && !known.has(value)) {
      seen.add(value);
      open.push(value);
    }
    return true;
  };
  take(root);
  for (let value = open.pop(); value; value = open.pop()) {
    if (types.isProxy(value)) return false;
    const prototype: object | null = Object.getPrototypeOf(value);
    if (Array.isArray(value)) {
      if (prototype !== arrayPrototype || hasMoreThanItems(value)) return false;
      for (let i = 0; i < value.length; i++) if (!take(value[i])) return false;
      continue;
    }
    if (prototype === Object.prototype) {
      if (types.isNativeError(value) || types.isArgumentsObject(value)) return false;
      for (const key of Reflect.ownKeys(value)) {
        const descriptor = Object.getOwnPropertyDescriptor(value, key)!;
        if (typeof key === "symbol" || !descriptor.enumerable || descriptor.get || descriptor.set) return false;
        if (!take(descriptor.value)) return false;
      }
      continue;
    }
    const test = testFor(prototype);
    if (!test || !test(value) || sharedView(value)) return false;
    if (between !== "threads" && (keptByProcess(value) || classNameOf(value) === "DOMException")) return false;
    if ((ArrayBuffer.isView(value) || types.isArrayBuffer(value)) && isMoved(value)) return false;
    if ((types.isMap(value) || types.isSet(value)) && Reflect.ownKeys(value).length > 0) return false;
    if (types.isMap(value)) {
      for (const [key, item] of value) if (!take(key) || !take(item)) return false;
    } else if (types.isSet(value)) {
      for (const item of value) if (!take(item)) return false;
    }
  }
  for (const value of seen) known.add(value);
  return true;
}

/** Has the array properties beside its items? Listing the keys of a long one would take longer than sending it. */
function hasMoreThanItems(array: readonly unknown[]): boolean {
  if (array.length < 50) return Reflect.ownKeys(array).at(-1) !== "length";
  return !/^\[ \.\.\. \d+ more items \]$/.test(inspect(array, { maxArrayLength: 0, depth: 0, customInspect: false }));
}
