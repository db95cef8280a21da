// Small plain values as bytes, in shared memory: what most short tasks take and give. Numbers, strings, booleans,
// bigints, null and undefined, and arrays and objects of such; everything else says no and goes by structured clone.

import { types } from "node:util";

const Tag = {
  undefined: 0,
  null: 1,
  true: 2,
  false: 3,
  int32: 4,
  number: 5,
  bigint: 6,
  latin1: 7,
  utf16: 8,
  array: 9,
  object: 10,
} as const;

const MAX_DEPTH = 8;

/** Writes values into a window of memory. */
export class SmallValueWriter {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  #end = 0;
  /** The objects on the way from the root, and those beside it: one that is met twice is no tree. */
  readonly #met: object[] = [];

  /** Behind what was written last. */
  get end(): number {
    return this.#at;
  }

  constructor(memory: ArrayBufferLike) {
    this.#bytes = new Uint8Array(memory);
    this.#view = new DataView(memory);
  }

  /** False: it does not fit into the bytes from `at` to `end`, or is of another kind. Runs nothing of the user's. */
  write(value: unknown, at: number, end: number): boolean {
    this.#begin(at, end);
    return this.#done(this.#value(value, 0));
  }

  /** The same for a list that is known to be one: no hole, no property beside its items. */
  writeList(values: readonly unknown[], at: number, end: number): boolean {
    this.#begin(at, end);
    if (end - at < 3 || values.length > 0xffff) return false;
    this.#head(Tag.array, values.length);
    for (let i = 0; i < values.length; i++) if (!this.#value(values[i], 0)) return this.#done(false);
    return this.#done(true);
  }

  #begin(at: number, end: number): void {
    this.#at = at;
    this.#end = end;
  }

  /** What was met is not kept alive. */
  #done(done: boolean): boolean {
    if (this.#met.length > 0) this.#met.length = 0;
    return done;
  }

  #head(tag: number, count: number): void {
    this.#view.setInt8(this.#at, tag);
    this.#view.setUint16(this.#at + 1, count, true);
    this.#at += 3;
  }

  #value(value: unknown, depth: number): boolean {
    const view = this.#view;
    // The longest of what has a fixed length.
    if (this.#at + 9 > this.#end) return false;
    switch (typeof value) {
      case "number":
        if ((value | 0) === value && !Object.is(value, -0)) {
          view.setInt8(this.#at, Tag.int32);
          view.setInt32(this.#at + 1, value, true);
          this.#at += 5;
        } else {
          view.setInt8(this.#at, Tag.number);
          view.setFloat64(this.#at + 1, value, true);
          this.#at += 9;
        }
        return true;
      case "string":
        return this.#string(value);
      case "undefined":
        view.setInt8(this.#at++, Tag.undefined);
        return true;
      case "boolean":
        view.setInt8(this.#at++, value ? Tag.true : Tag.false);
        return true;
      case "bigint":
        if (BigInt.asIntN(64, value) !== value) return false;
        view.setInt8(this.#at, Tag.bigint);
        view.setBigInt64(this.#at + 1, value, true);
        this.#at += 9;
        return true;
      case "object":
        if (value === null) {
          view.setInt8(this.#at++, Tag.null);
          return true;
        }
        return depth < MAX_DEPTH && this.#object(value, depth);
      default:
        return false;
    }
  }

  #string(text: string): boolean {
    const { length } = text;
    const start = this.#at + 3;
    if (start + length > this.#end) return false;
    const bytes = this.#bytes;
    this.#view.setUint16(this.#at + 1, length, true);
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 255) return this.#wideString(text);
      bytes[start + i] = unit;
    }
    bytes[this.#at] = Tag.latin1;
    this.#at = start + length;
    return true;
  }

  #wideString(text: string): boolean {
    const start = this.#at + 3;
    if (start + text.length * 2 > this.#end) return false;
    for (let i = 0; i < text.length; i++) this.#view.setUint16(start + i * 2, text.charCodeAt(i), true);
    this.#bytes[this.#at] = Tag.utf16;
    this.#at = start + text.length * 2;
    return true;
  }

  #object(value: object, depth: number): boolean {
    if (this.#met.includes(value) || types.isProxy(value)) return false;
    this.#met.push(value);
    const prototype: unknown = Object.getPrototypeOf(value);
    if (Array.isArray(value)) return prototype === Array.prototype && this.#array(value, depth);
    if (prototype !== Object.prototype) return false;
    if (this.#hasManyKeys(value)) return false;
    const keys = Reflect.ownKeys(value);
    const count = keys.length;
    this.#head(Tag.object, count);
    for (let i = 0; i < count; i++) {
      const key = keys[i]!;
      if (typeof key === "symbol") return false;
      const property = Object.getOwnPropertyDescriptor(value, key)!;
      if (property.get || property.set || !property.enumerable) return false;
      if (this.#at + 3 > this.#end || !this.#string(key)) return false;
      if (!this.#value(property.value, depth + 1)) return false;
    }
    return true;
  }

  /** More than there is room for: listing them all would take longer than sending them. */
  #hasManyKeys(value: object): boolean {
    let room = Math.min(0xffff, (this.#end - this.#at) / 4);
    for (const _ in value) if (--room < 0) return true;
    return false;
  }

  /** An accessor in the place of an item is called, as structured clone does. */
  #array(array: readonly unknown[], depth: number): boolean {
    const { length } = array;
    // A hole, or a property beside the items.
    if (length > Math.min(0xffff, this.#end - this.#at) || Reflect.ownKeys(array).length !== length + 1) return false;
    this.#head(Tag.array, length);
    for (let i = 0; i < length; i++) {
      const item = array[i];
      if (item === undefined && !(i in array)) return false;
      if (!this.#value(item, depth + 1)) return false;
    }
    return true;
  }
}

/** Reads what a SmallValueWriter has written. */
export class SmallValueReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  /** @param byteLength of memory that grows: as far as it reaches now */
  constructor(memory: ArrayBufferLike, byteLength: number = memory.byteLength) {
    this.#bytes = new Uint8Array(memory, 0, byteLength);
    this.#view = new DataView(memory, 0, byteLength);
  }

  read(at: number): unknown {
    this.#at = at;
    return this.#value();
  }

  #value(): unknown {
    const view = this.#view;
    const tag = this.#bytes[this.#at++];
    switch (tag) {
      case Tag.undefined:
        return undefined;
      case Tag.null:
        return null;
      case Tag.true:
        return true;
      case Tag.false:
        return false;
      case Tag.int32: {
        const value = view.getInt32(this.#at, true);
        this.#at += 4;
        return value;
      }
      case Tag.number: {
        const value = view.getFloat64(this.#at, true);
        this.#at += 8;
        return value;
      }
      case Tag.bigint: {
        const value = view.getBigInt64(this.#at, true);
        this.#at += 8;
        return value;
      }
      case Tag.latin1:
      case Tag.utf16:
        return this.#string(tag);
      case Tag.array: {
        const array = new Array<unknown>(this.#count());
        for (let i = 0; i < array.length; i++) array[i] = this.#value();
        return array;
      }
      case Tag.object: {
        const object: Record<string, unknown> = {};
        for (let left = this.#count(); left > 0; left--) {
          const key = this.#string(this.#bytes[this.#at++]!);
          const value = this.#value();
          if (key === "__proto__")
            Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
          else object[key] = value;
        }
        return object;
      }
      default:
        throw new Error(`No value starts with the byte ${tag}.`);
    }
  }

  #count(): number {
    const count = this.#view.getUint16(this.#at, true);
    this.#at += 2;
    return count;
  }

  #string(tag: number): string {
    const length = this.#count();
    let text = "";
    if (tag === Tag.latin1) {
      for (let i = 0; i < length; i++) text += String.fromCharCode(this.#bytes[this.#at + i]!);
      this.#at += length;
    } else {
      for (let i = 0; i < length; i++) text += String.fromCharCode(this.#view.getUint16(this.#at + i * 2, true));
      this.#at += length * 2;
    }
    return text;
  }
}
