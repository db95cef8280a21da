// A schema: what each message of a channel looks like, so that it is written without names and tags, and read straight
// into an object of that form.

import { types } from "node:util";

type NumberType = "i8" | "u8" | "i16" | "u16" | "i32" | "u32" | "f32" | "f64";
/** A field: of a number, "bool" or "string", a list of one of these ("f64[]"), or a form of its own. */
export type Field = NumberType | "bool" | "string" | `${NumberType | "bool" | "string"}[]` | Form;
export interface Form {
  readonly [name: string]: Field;
}

/** Writes and reads values of one field. Where it throws names the field. */
interface Part {
  /** How many bytes, at most. Checks what it must know for that. */
  size(value: unknown): number;
  /** Gives where it ends. */
  write(value: unknown, view: DataView, at: number): number;
  /** From `cursor.at` on. */
  read(view: DataView, cursor: Cursor): unknown;
}

interface Cursor {
  at: number;
  end: number;
}

export class Schema {
  readonly form: Form;
  readonly #part: Part;
  #view: DataView = new DataView(new ArrayBuffer(0));
  readonly #cursor: Cursor = { at: 0, end: 0 };

  /** Throws TypeError where it is none. */
  constructor(form: unknown) {
    this.#part = formOf(form, "message", []);
    // What the user changes later is not meant.
    this.form = structuredClone(form) as Form;
  }

  sizeOf(value: unknown): number {
    return this.#part.size(value);
  }

  write(value: unknown, bytes: Uint8Array, at: number): number {
    return this.#part.write(value, this.#over(bytes), at);
  }

  read(bytes: Uint8Array, at: number, end: number): unknown {
    this.#cursor.at = at;
    this.#cursor.end = end;
    return this.#part.read(this.#over(bytes), this.#cursor);
  }

  #over({ buffer, length }: Uint8Array): DataView {
    if (this.#view.buffer !== buffer || this.#view.byteLength !== length) this.#view = new DataView(buffer, 0, length);
    return this.#view;
  }
}

const KINDS = ["i8", "u8", "i16", "u16", "i32", "u32", "f32", "f64", "bool", "string"];

function formOf(form: unknown, path: string, above: readonly unknown[]): Part {
  if (typeof form !== "object" || form === null || Array.isArray(form) || types.isProxy(form) || above.includes(form))
    throw new TypeError(
      `Expected the schema of ${path} to be an object of field types such as { id: "i32", name: "string" }, got ${told(form)}.`,
    );
  const names = Object.keys(form);
  const parts = names.map((name) =>
    partOf((form as Record<string, unknown>)[name], `${path}.${name}`, [...above, form]),
  );
  return {
    size(value) {
      if (typeof value !== "object" || value === null)
        throw new TypeError(`Expected ${path} to be an object with ${names.join(", ")}, got ${told(value)}.`);
      let size = 0;
      for (let i = 0; i < parts.length; i++) size += parts[i]!.size((value as Record<string, unknown>)[names[i]!]);
      return size;
    },
    write(value, view, at) {
      for (let i = 0; i < parts.length; i++)
        at = parts[i]!.write((value as Record<string, unknown>)[names[i]!], view, at);
      return at;
    },
    read(view, cursor) {
      const object: Record<string, unknown> = {};
      for (let i = 0; i < parts.length; i++) {
        const value = parts[i]!.read(view, cursor);
        if (names[i] === "__proto__")
          Object.defineProperty(object, "__proto__", { value, writable: true, enumerable: true, configurable: true });
        else object[names[i]!] = value;
      }
      return object;
    },
  };
}

function partOf(field: unknown, path: string, above: readonly unknown[]): Part {
  if (typeof field === "object") return formOf(field, path, above);
  const isList = typeof field === "string" && field.endsWith("[]");
  const kind = isList ? field.slice(0, -2) : field;
  if (typeof kind !== "string" || !KINDS.includes(kind))
    throw new TypeError(
      `Expected the type of ${path} to be one of ${KINDS.join(", ")}, a list of one ("f64[]") or an object, got ${told(field)}.`,
    );
  const one = kind === "string" ? text(path) : kind === "bool" ? bool(path) : numeric(kind as NumberType, path);
  return isList ? listOf(one, kind === "f64", path) : one;
}

const wrong = (path: string, what: string, value: unknown): TypeError =>
  new TypeError(`Expected ${path} to be ${what}, got ${told(value)}.`);

function numeric(kind: NumberType, path: string): Part {
  const size = Number(kind.slice(1)) / 8;
  const isFloat = kind.startsWith("f");
  const from = kind.startsWith("u") ? 0 : -(2 ** (size * 8 - 1));
  const to = from + 2 ** (size * 8) - 1;
  const check = (value: unknown): number => {
    if (typeof value !== "number") throw wrong(path, `a number (${kind})`, value);
    if (!isFloat && !(Number.isInteger(value) && value >= from && value <= to))
      throw new RangeError(`Expected ${path} to be a whole number from ${from} to ${to} (${kind}), got ${value}.`);
    return value;
  };
  const put: Record<NumberType, (view: DataView, at: number, value: number) => void> = {
    i8: (view, at, value) => view.setInt8(at, value),
    u8: (view, at, value) => view.setUint8(at, value),
    i16: (view, at, value) => view.setInt16(at, value, true),
    u16: (view, at, value) => view.setUint16(at, value, true),
    i32: (view, at, value) => view.setInt32(at, value, true),
    u32: (view, at, value) => view.setUint32(at, value, true),
    f32: (view, at, value) => view.setFloat32(at, value, true),
    f64: (view, at, value) => view.setFloat64(at, value, true),
  };
  const get: Record<NumberType, (view: DataView, at: number) => number> = {
    i8: (view, at) => view.getInt8(at),
    u8: (view, at) => view.getUint8(at),
    i16: (view, at) => view.getInt16(at, true),
    u16: (view, at) => view.getUint16(at, true),
    i32: (view, at) => view.getInt32(at, true),
    u32: (view, at) => view.getUint32(at, true),
    f32: (view, at) => view.getFloat32(at, true),
    f64: (view, at) => view.getFloat64(at, true),
  };
  const [set, take] = [put[kind], get[kind]];
  return {
    size: () => size,
    write(value, view, at) {
      set(view, at, check(value));
      return at + size;
    },
    read(view, cursor) {
      const { at } = cursor;
      cursor.at = at + size;
      return take(view, at);
    },
  };
}

function bool(path: string): Part {
  return {
    size: () => 1,
    write(value, view, at) {
      if (typeof value !== "boolean") throw wrong(path, "true or false", value);
      view.setUint8(at, value ? 1 : 0);
      return at + 1;
    },
    read: (view, cursor) => view.getUint8(cursor.at++) === 1,
  };
}

/** The length, doubled where all its units are bytes, then the units. */
function text(path: string): Part {
  return {
    size(value) {
      if (typeof value !== "string") throw wrong(path, "a string", value);
      return 4 + value.length * 2;
    },
    write(value, view, at) {
      const string = value as string;
      const { length } = string;
      const start = at + 4;
      for (let i = 0; i < length; i++) {
        const unit = string.charCodeAt(i);
        if (unit > 255) {
          view.setUint32(at, length * 2 + 1, true);
          for (let j = 0; j < length; j++) view.setUint16(start + j * 2, string.charCodeAt(j), true);
          return start + length * 2;
        }
        view.setUint8(start + i, unit);
      }
      view.setUint32(at, length * 2, true);
      return start + length;
    },
    read(view, cursor) {
      const head = view.getUint32(cursor.at, true);
      const isWide = (head & 1) === 1;
      const length = head >>> 1;
      const start = cursor.at + 4;
      cursor.at = start + (isWide ? length * 2 : length);
      if (cursor.at > cursor.end) throw new RangeError("A string is longer than its message.");
      let string = "";
      if (isWide) for (let i = 0; i < length; i++) string += String.fromCharCode(view.getUint16(start + i * 2, true));
      else for (let i = 0; i < length; i++) string += String.fromCharCode(view.getUint8(start + i));
      return string;
    },
  };
}

function listOf(one: Part, isDouble: boolean, path: string): Part {
  const items = (value: unknown): ArrayLike<unknown> => {
    if (!Array.isArray(value) && !(ArrayBuffer.isView(value) && "length" in value))
      throw wrong(path, "an array", value);
    return value as ArrayLike<unknown>;
  };
  return {
    size(value) {
      const list = items(value);
      if (isDouble) return 4 + list.length * 8;
      let size = 4;
      for (let i = 0; i < list.length; i++) size += one.size(list[i]);
      return size;
    },
    write(value, view, at) {
      const list = value as ArrayLike<unknown>;
      const { length } = list;
      view.setUint32(at, length, true);
      at += 4;
      if (!isDouble) {
        for (let i = 0; i < length; i++) at = one.write(list[i], view, at);
        return at;
      }
      for (let i = 0; i < length; i++, at += 8) {
        const item = list[i];
        if (typeof item !== "number") throw wrong(`${path}[${i}]`, "a number", item);
        view.setFloat64(at, item, true);
      }
      return at;
    },
    read(view, cursor) {
      const length = view.getUint32(cursor.at, true);
      cursor.at += 4;
      if (cursor.at + length > cursor.end) throw new RangeError("A list is longer than its message.");
      const list: unknown[] = new Array(length);
      if (isDouble) {
        let { at } = cursor;
        for (let i = 0; i < length; i++, at += 8) list[i] = view.getFloat64(at, true);
        cursor.at = at;
      } else for (let i = 0; i < length; i++) list[i] = one.read(view, cursor);
      return list;
    },
  };
}

function told(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (value === null || (typeof value !== "object" && typeof value !== "function")) return String(value);
  return Array.isArray(value) ? "an array" : `a value of class ${(value as object).constructor?.name ?? "null"}`;
}
