// Built-in objects that structured clone can't copy but whose whole state is their constructor's arguments,
// and a RegExp in the middle of a search.

import { types } from "node:util";
import { classNameOf } from "./refusals.ts";

const kinds = new Map<object, { kind: string; args(value: never): unknown[] }>();

function add<T>(kind: string, type: { prototype: T }, args: (value: T) => unknown[]): void {
  kinds.set(type.prototype as object, { kind, args });
}

add("URL", URL, ({ href }) => [href]);
add("URLSearchParams", URLSearchParams, (params) => [params.toString()]);
add("RegExp", RegExp, ({ source, flags, lastIndex }) => [source, flags, lastIndex]);
add("TextEncoder", TextEncoder, () => []);
add("TextDecoder", TextDecoder, ({ encoding, fatal, ignoreBOM }) => [encoding, { fatal, ignoreBOM }]);
for (const [name, type] of Object.entries(Object.getOwnPropertyDescriptors(Intl)))
  if (typeof type.value?.prototype?.resolvedOptions === "function" && name !== "DurationFormat")
    add(`Intl.${name}`, type.value as { prototype: Intl.Collator }, (value) => {
      const { locale, ...options } = value.resolvedOptions();
      return [locale, options];
    });

/** How to make this object again, or undefined where it is of no such kind. */
export function rebuiltBy(value: object): { kind: string; args: unknown[] } | undefined {
  if (Buffer.isBuffer(value)) {
    // A copy, unless the memory is shared: a small Buffer has its memory in common with strangers.
    const bytes = new Uint8Array(value.buffer, value.byteOffset, value.length);
    return { kind: "Buffer", args: [types.isSharedArrayBuffer(value.buffer) ? bytes : bytes.slice()] };
  }
  // Structured clone makes it again, the serializer for other processes doesn't.
  if (classNameOf(value) === "DOMException" && value instanceof DOMException)
    return { kind: "DOMException", args: [value.message, value.name] };
  const found = kinds.get(Object.getPrototypeOf(value) as object);
  return found && { kind: found.kind, args: found.args(value as never) };
}

export function rebuild(kind: string, args: unknown[]): unknown {
  if (kind === "Buffer") {
    const bytes = args[0] as Uint8Array;
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  const type = kind.split(".").reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], globalThis);
  const value: unknown = Reflect.construct(type as Function, args);
  if (value instanceof RegExp) value.lastIndex = args[2] as number;
  return value;
}
