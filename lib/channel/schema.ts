// A schema: what each message of a channel looks like, so that it is written without names and tags, and read straight
// into an object of that form. Most often by functions made for it (codec.ts); what is here says what is wrong with a
// message, and does the same where no source may be compiled.

import { types } from "node:util";
import { codecOf, type Codec } from "./codec.ts";
import type { View } from "./memory.ts";
import { endOfPrimitive, PRIMITIVE_BYTES, readPrimitive, writePrimitive } from "./primitive.ts";
import { endOfText, readText, TEXT_HEAD_BYTES, writeText } from "./text.ts";

export type NumberType = "i8" | "u8" | "i16" | "u16" | "i32" | "u32" | "f32" | "f64";
type Kind = NumberType | "bool" | "string";
/**
 * A field: of a number, "bool" or "string", a list of one of these ("f64[]"), or a form of its own. In forms that were learned
 * from messages (shapes.ts) also "any", of a primitive.
 */
export type Field = Kind | "any" | `${Kind | "any"}[]` | Form;
export interface Form {
  readonly [name: string]: Field;
}

/** Writes and reads values of one field. Where it throws names the field. */
interface Part {
  /** How many bytes, at most. Checks what it must know for that. */
  size(value: unknown): number;
  /** Gives where it ends. */
  write(value: unknown, view: View, at: number): number;
  /** From `cursor.at` on. */
  read(view: View, cursor: Cursor): unknown;
}

interface Cursor {
  at: number;
  readonly end: number;
}

export class Schema {
  readonly form: Form;
  readonly #part: Part;
  readonly #isLearned: boolean;
  /** `null`: there can't be one. */
  #codec: Codec | null | undefined;

  /** Throws TypeError where it is none. */
  constructor(form: unknown, isLearned = false) {
    this.#part = formOf(form, "message", { above: [], kinds: isLearned ? [...KINDS, "any"] : KINDS });
    // What the user changes later is not meant.
    this.form = structuredClone(form) as Form;
    this.#isLearned = isLearned;
  }

  /** Throws where the value is not of the form. */
  sizeOf(value: unknown): number {
    return this.#part.size(value);
  }

  /** Gives where it ends. There is as much room as it takes. */
  write(value: unknown, view: View, at: number): number {
    return this.#part.write(value, view, at);
  }

  /** The same, quickly; -1 where that can't be done. */
  writeQuickly(value: unknown, view: View, at: number, end: number): number {
    const codec = this.#codec ?? this.#made();
    return codec ? codec.write(value, view, at, end) : -1;
  }

  read(view: View, at: number, end: number): unknown {
    const codec = this.#codec ?? this.#made();
    return codec ? codec.read(view, at, end) : this.#part.read(view, { at, end });
  }

  #made(): Codec | null {
    if (this.#codec === undefined) this.#codec = codecOf(this.form, this.#isLearned) ?? null;
    return this.#codec;
  }
}

const KINDS = ["i8", "u8", "i16", "u16", "i32", "u32", "f32", "f64", "bool", "string"];

interface Within {
  readonly above: readonly unknown[];
  readonly kinds: readonly string[];
}

function formOf(form: unknown, path: string, { above, kinds }: Within): Part {
  if (typeof form !== "object" || form === null || Array.isArray(form) || types.isProxy(form) || above.includes(form))
    throw new TypeError(
      `Expected the schema of ${path} to be an object of field types such as { id: "i32", name: "string" }, got ${told(form)}.`,
    );
  const names = Object.keys(form);
  const within = { above: [...above, form], kinds };
  const parts = names.map((name) => partOf((form as Record<string, unknown>)[name], `${path}.${name}`, within));
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

function partOf(field: unknown, path: string, within: Within): Part {
  if (typeof field === "object") return formOf(field, path, within);
  const isList = typeof field === "string" && field.endsWith("[]");
  const kind = isList ? field.slice(0, -2) : field;
  if (typeof kind !== "string" || !within.kinds.includes(kind))
    throw new TypeError(
      `Expected the type of ${path} to be one of ${KINDS.join(", ")}, a list of one ("f64[]") or an object, got ${told(field)}.`,
    );
  return isList ? listOf(oneOf(kind, `${path}[]`), path) : oneOf(kind, path);
}

function oneOf(kind: string, path: string): Part {
  if (kind === "any") return primitive();
  if (kind === "bool") return bool(path);
  return kind === "string" ? text(path) : numeric(kind as NumberType, path);
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
  const put: Record<NumberType, (data: DataView, at: number, value: number) => void> = {
    i8: (data, at, value) => data.setInt8(at, value),
    u8: (data, at, value) => data.setUint8(at, value),
    i16: (data, at, value) => data.setInt16(at, value, true),
    u16: (data, at, value) => data.setUint16(at, value, true),
    i32: (data, at, value) => data.setInt32(at, value, true),
    u32: (data, at, value) => data.setUint32(at, value, true),
    f32: (data, at, value) => data.setFloat32(at, value, true),
    f64: (data, at, value) => data.setFloat64(at, value, true),
  };
  const get: Record<NumberType, (data: DataView, at: number) => number> = {
    i8: (data, at) => data.getInt8(at),
    u8: (data, at) => data.getUint8(at),
    i16: (data, at) => data.getInt16(at, true),
    u16: (data, at) => data.getUint16(at, true),
    i32: (data, at) => data.getInt32(at, true),
    u32: (data, at) => data.getUint32(at, true),
    f32: (data, at) => data.getFloat32(at, true),
    f64: (data, at) => data.getFloat64(at, true),
  };
  const [set, take] = [put[kind], get[kind]];
  return {
    size: () => size,
    write(value, view, at) {
      set(view.data, at, check(value));
      return at + size;
    },
    read(view, cursor) {
      const { at } = cursor;
      cursor.at = at + size;
      return take(view.data, at);
    },
  };
}

function bool(path: string): Part {
  return {
    size: () => 1,
    write(value, view, at) {
      if (typeof value !== "boolean") throw wrong(path, "true or false", value);
      view.bytes[at] = value ? 1 : 0;
      return at + 1;
    },
    read: (view, cursor) => view.bytes[cursor.at++] === 1,
  };
}

function text(path: string): Part {
  return {
    size(value) {
      if (typeof value !== "string") throw wrong(path, "a string", value);
      return TEXT_HEAD_BYTES + value.length * 2;
    },
    write(value, view, at) {
      // A getter may give something else than before.
      if (typeof value !== "string") throw wrong(path, "a string", value);
      return writeText(value, view, at);
    },
    read(view, cursor) {
      const { at, end } = cursor;
      cursor.at = endOfText(view.data.getUint32(at, true), at);
      return readText(view, at, end);
    },
  };
}

/** Only read here: nothing is learned where no source may be compiled, but another thread may have done so. */
function primitive(): Part {
  return {
    size: (value) => PRIMITIVE_BYTES + (typeof value === "string" ? value.length * 2 : 0),
    write: writePrimitive,
    read(view, cursor) {
      const { at, end } = cursor;
      cursor.at = endOfPrimitive(view, at);
      return readPrimitive(view, at, end);
    },
  };
}

/** @param one which calls itself `path[]` */
function listOf(one: Part, path: string): Part {
  const each = (length: number, f: (i: number) => void): void => {
    let i = 0;
    try {
      for (; i < length; i++) f(i);
    } catch (error) {
      if (error instanceof Error) error.message = error.message.replace(`${path}[]`, `${path}[${i}]`);
      throw error;
    }
  };
  return {
    size(list) {
      if (!Array.isArray(list) && !(ArrayBuffer.isView(list) && "length" in list)) throw wrong(path, "an array", list);
      const { length } = list as ArrayLike<unknown>;
      let size = 4;
      each(length, (i) => (size += one.size((list as ArrayLike<unknown>)[i])));
      return size;
    },
    write(list, view, at) {
      const { length } = list as ArrayLike<unknown>;
      view.data.setUint32(at, length, true);
      at += 4;
      each(length, (i) => (at = one.write((list as ArrayLike<unknown>)[i], view, at)));
      return at;
    },
    read(view, cursor) {
      const length = view.data.getUint32(cursor.at, true);
      cursor.at += 4;
      if (cursor.at + length > cursor.end) throw new RangeError("A list is longer than its message.");
      const list: unknown[] = new Array(length);
      for (let i = 0; i < length; i++) list[i] = one.read(view, cursor);
      return list;
    },
  };
}

function told(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (value === null || (typeof value !== "object" && typeof value !== "function")) return String(value);
  return Array.isArray(value) ? "an array" : `a value of class ${(value as object).constructor?.name ?? "null"}`;
}
