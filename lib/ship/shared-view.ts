// Views of shared() arrays: their memory travels with them, so that they lie in it on the other side, too.

import { types } from "node:util";
import { places, type SharedPlace } from "../memory/place.ts";

export interface SharedViewNode {
  readonly t: "shared";
  readonly place: SharedPlace;
  /** "Float64Array", "DataView"; "SharedArrayBuffer" is the memory's buffer itself. */
  readonly type: string;
  readonly byteOffset: number;
  readonly length: number;
}

/** Undefined for all that is not a standard view of such memory, or its buffer. */
export function sharedView(value: object): SharedViewNode | undefined {
  const isView = ArrayBuffer.isView(value);
  if (!isView && !types.isSharedArrayBuffer(value)) return undefined;
  const place = places.of(isView ? value.buffer : value);
  if (!place) return undefined;
  const type = Object.prototype.toString.call(value).slice(8, -1);
  const standard = (globalThis as Record<string, unknown>)[type] as { prototype: unknown } | undefined;
  if (Object.getPrototypeOf(value) !== standard?.prototype) return undefined;
  if (!isView) return { t: "shared", place, type, byteOffset: 0, length: value.byteLength };
  const length = types.isTypedArray(value) ? value.length : value.byteLength;
  return { t: "shared", place, type, byteOffset: value.byteOffset, length };
}

export function fromSharedView({ place, type, byteOffset, length }: SharedViewNode): object {
  const buffer = places.receive(place);
  if (type === "SharedArrayBuffer") return buffer;
  const View = (globalThis as unknown as Record<string, typeof Uint8Array>)[type]!;
  return new View(buffer, byteOffset, length);
}
