// The built-in globals: which names every thread has from the start, and the way from a built-in value to its path
// (Math.max, Array.prototype.map), so that it is named on the other thread instead of sent.

/** Node's own globals that are enumerable, unlike everything else that a bare thread has. */
const ENUMERABLE = new Set(
  "global clearImmediate setImmediate clearInterval clearTimeout setInterval setTimeout queueMicrotask structuredClone atob btoa performance fetch navigator crypto localStorage sessionStorage".split(
    " ",
  ),
);

/** Node loads parts of itself when one of these is looked at: its HTTP client (40 ms), streams, cryptography. */
const LOADED_ON_DEMAND = new Set(
  (
    "FormData Headers Request Response MessageEvent WebSocket EventSource CloseEvent File Navigator " +
    "ReadableStream ReadableStreamDefaultReader ReadableStreamBYOBReader ReadableStreamBYOBRequest " +
    "ReadableByteStreamController ReadableStreamDefaultController TransformStream TransformStreamDefaultController " +
    "WritableStream WritableStreamDefaultController WritableStreamDefaultWriter ByteLengthQueuingStrategy " +
    "CountQueuingStrategy TextEncoderStream TextDecoderStream CompressionStream DecompressionStream Crypto CryptoKey " +
    "SubtleCrypto Performance PerformanceEntry PerformanceMark PerformanceMeasure PerformanceObserver " +
    "PerformanceObserverEntryList PerformanceResourceTiming"
  ).split(" "),
);

// Taken when the library is loaded. What a program has put there by assignment is enumerable, and so told apart.
const bare = new Map<string, PropertyDescriptor>();
const later = new Set<string>();
for (const name of Object.getOwnPropertyNames(globalThis)) {
  if (LOADED_ON_DEMAND.has(name)) later.add(name);
  else take(name);
}

function take(name: string): void {
  const descriptor = Object.getOwnPropertyDescriptor(globalThis, name)!;
  if (!descriptor.enumerable || ENUMERABLE.has(name)) bare.set(name, descriptor);
}

/** Is `value`, read by this name, what every thread has under it anyway? */
export function isBareGlobal(name: string, value: unknown): boolean {
  if (later.delete(name)) take(name);
  const before = bare.get(name);
  const now = before && Object.getOwnPropertyDescriptor(globalThis, name);
  if (!before || !now) return false;
  if (before.get) return before.get === now.get && Object.is(value, (globalThis as Record<string, unknown>)[name]);
  return Object.is(before.value, value);
}

/** A name of the language itself, which programs don't replace. */
export function isStandardGlobal(name: string): boolean {
  return bare.get(name)?.enumerable === false;
}

/** Is under this name what was there when the library was loaded? */
export function isStillStandard(name: string): boolean {
  return isBareGlobal(name, (globalThis as Record<string, unknown>)[name]);
}

let paths: Map<unknown, string[]> | undefined;

/** The way to a built-in value from globalThis, or undefined. Built on the first call, about 2 ms. */
export function globalPath(value: object): string[] | undefined {
  if (typeof value === "function" && later.has(ownName(value))) {
    later.delete(ownName(value));
    take(ownName(value));
    paths = undefined;
  }
  return (paths ??= collect()).get(value);
}

function ownName(of: object): string {
  return String(Object.getOwnPropertyDescriptor(of, "name")?.value);
}

export function followPath(path: readonly string[]): unknown {
  return path.reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], globalThis);
}

function collect(): Map<unknown, string[]> {
  const found = new Map<unknown, string[]>([[globalThis, []]]);
  const visit = (holder: object, path: string[], deep: number): void => {
    const descriptors = path.length === 0 ? bare : Object.entries(Object.getOwnPropertyDescriptors(holder));
    for (const [key, { value }] of descriptors) {
      if (value === null || (typeof value !== "object" && typeof value !== "function") || found.has(value)) continue;
      const at = [...path, key];
      found.set(value, at);
      // Deeper than one step only into what a namespace or a class is made of.
      const descend = deep > 0 && (typeof value === "function" || key === "prototype" || path.length === 0);
      if (descend && !(path.length === 0 && key === "process")) visit(value, at, deep - 1);
    }
  };
  visit(globalThis, [], 3);
  for (const [key, { value }] of Object.entries(Object.getOwnPropertyDescriptors(process)))
    if (typeof value === "function" && !found.has(value)) found.set(value, ["process", key]);
  // Iterators, generators and typed arrays have no name of their own; what is theirs is not reachable by path, nor
  // does anyone capture it.
  return found;
}
