// Of a form of messages the two functions that write and read them, as source: each field by its name, in its place, which
// V8 compiles as if it had been written by hand. Written and read is what schema.ts says; what the functions meet that is
// not of the form, or has no room, they leave to others.

import { types } from "node:util";
import type { View } from "./memory.ts";
import { isOrdinaryList } from "./ordinary-list.ts";
import { endOfPrimitive, PRIMITIVE_BYTES, readPrimitive, writePrimitive } from "./primitive.ts";
import { hasClass, isOfSameClass } from "./same-class.ts";
import type { Field, Form, NumberType } from "./schema.ts";
import { endOfText, readText, TEXT_HEAD_BYTES, writeText } from "./text.ts";

export interface Codec {
  /** Gives where it ends; -1 where the value is not of the form, or needs more than there is. */
  write(value: unknown, view: View, at: number, end: number): number;
  /** Throws where what is there can't be of a message. */
  read(view: View, at: number, end: number): unknown;
}

/** So often a function notes what class the objects of its form are of. */
const MOST_CLASSES = 16;

/** How many bytes, what DataView calls it, and what is true of a number that is none of it. */
const NUMBERS: Record<NumberType, readonly [size: number, name: string, isNot: string]> = {
  i8: [1, "Int8", "(x << 24 >> 24) !== x"],
  u8: [1, "Uint8", "(x & 255) !== x"],
  i16: [2, "Int16", "(x << 16 >> 16) !== x"],
  u16: [2, "Uint16", "(x & 65535) !== x"],
  i32: [4, "Int32", "(x | 0) !== x"],
  u32: [4, "Uint32", "(x >>> 0) !== x"],
  f32: [4, "Float32", ""],
  f64: [8, "Float64", ""],
};

const TOOLS = {
  writeText,
  readText,
  endOfText,
  writePrimitive,
  readPrimitive,
  endOfPrimitive,
  isOrdinaryList,
  isProxy: types.isProxy,
  prototypeOf: Object.getPrototypeOf,
  namesOf: Object.getOwnPropertyNames,
  symbolsOf: Object.getOwnPropertySymbols,
  describe: Object.getOwnPropertyDescriptor,
  isOrdinaryProperty: ({ writable, enumerable }: PropertyDescriptor): boolean => writable !== undefined && enumerable!,
  isOfSameClass,
  hasClass,
  // Of a class that nothing else is of.
  nothing: new (class {})(),
  plain: Object.prototype,
  isList: (value: unknown): boolean =>
    (Array.isArray(value) && !types.isProxy(value)) || (ArrayBuffer.isView(value) && "length" in value),
};

/** Those of this thread. */
const known = new Map<string, Codec>();
const MOST_KNOWN = 256;

/**
 * Undefined where source may not be compiled.
 * @param isStrict what is not plain data, and of just these fields in this order, is not of the form
 */
export function codecOf(form: Form, isStrict: boolean): Codec | undefined {
  const name = `${isStrict ? "=" : ""}${JSON.stringify(form)}`;
  const codec = known.get(name) ?? compiled(form, isStrict);
  if (known.size === MOST_KNOWN) known.clear();
  if (codec) known.set(name, codec);
  return codec;
}

function compiled(form: Form, isStrict: boolean): Codec | undefined {
  const source = new Source(isStrict);
  const result = source.object(form, "value");
  const text = `"use strict";
const { ${Object.keys(TOOLS).join(", ")} } = tools;
${source.before.join("\n")}
return {
  write(value, view, at, end) {
    const { bytes, data } = view;
    ${source.checks.join("\n    ")}
    let need = at + ${[source.fixedBytes, ...source.moreBytes].join(" + ")};
    if (!(need <= end)) return -1;
    ${source.writes.join("\n    ")}
    return at;
  },
  read(view, at, end) {
    const { bytes, data } = view;
    ${source.reads.join("\n    ")}
    return ${result};
  },
};`;
  try {
    return (new Function("tools", text) as (tools: unknown) => Codec)(TOOLS);
  } catch (error) {
    if (error instanceof EvalError) return undefined;
    throw error;
  }
}

/** The lines of the two functions. */
class Source {
  readonly #isStrict: boolean;
  readonly before: string[] = [];
  readonly checks: string[] = [];
  readonly writes: string[] = [];
  readonly reads: string[] = [];
  /** What every message needs, and what else, as sums. */
  fixedBytes = 0;
  readonly moreBytes: string[] = [];
  readonly #containers: string[] = [];
  #names = 0;

  constructor(isStrict: boolean) {
    this.#isStrict = isStrict;
  }

  /** Gives what makes the object when it has been read. */
  object(form: Form, from: string): string {
    this.checks.push(`if (typeof ${from} !== "object" || ${from} === null) return -1;`);
    const fields = Object.keys(form).map((name) => ({
      key: JSON.stringify(name),
      at: `v${this.#names++}`,
      of: form[name]!,
    }));
    // In quotes it would be the prototype.
    const inLiteral = (key: string): string => (key === '"__proto__"' ? `[${key}]` : key);
    if (this.#isStrict) {
      const like = fields.map(({ key, at, of }) => {
        const value = typeof of === "object" ? "{}" : of.endsWith("[]") ? "[]" : at;
        return `${inLiteral(key)}: ${value}`;
      });
      this.#ownFields(
        fields.map(({ key }) => key),
        `{ ${like.join(", ")} }`,
        from,
      );
    }
    for (const { key, at } of fields) this.checks.push(`const ${at} = ${from}[${key}];`);
    return `{ ${fields.map(({ key, at, of }) => `${inLiteral(key)}: ${this.#field(of, at)}`).join(", ")} }`;
  }

  /** Has it just these? One of the class of the last that had needs no more than that it has no elements. */
  #ownFields(keys: readonly string[], like: string, from: string): void {
    this.#isOnce(from);
    const [known, left] = [`known_${from}`, `left_${from}`];
    this.before.push(`let ${known} = nothing, ${left} = ${keys.some((key) => /^"\d/.test(key)) ? 0 : MOST_CLASSES};`);
    const names = `names_${from}`;
    this.checks.push(
      `const is_${from} = isOfSameClass(${from}, ${known}) && namesOf(${from}).length === ${keys.length};`,
      `if (!is_${from}) {`,
      `  if (isProxy(${from}) || prototypeOf(${from}) !== plain) return -1;`,
      `  const ${names} = namesOf(${from});`,
      `  if (${[`${names}.length !== ${keys.length}`, ...keys.map((key, i) => `${names}[${i}] !== ${key}`)].join(" || ")}) return -1;`,
      `  if (symbolsOf(${from}).length !== 0) return -1;`,
      ...keys.map((key) => `  if (!isOrdinaryProperty(describe(${from}, ${key}))) return -1;`),
      `}`,
    );
    this.writes.push(
      `if (!is_${from} && ${left} > 0) { ${left}--; const like = ${like}; if (hasClass(like)) ${known} = like; }`,
    );
  }

  /** What a message holds twice is no tree. */
  #isOnce(from: string): void {
    for (const other of this.#containers) this.checks.push(`if (${from} === ${other}) return -1;`);
    this.#containers.push(from);
  }

  #field(field: Field, at: string): string {
    if (typeof field === "object") return this.object(field, at);
    if (field.endsWith("[]")) this.#list(field.slice(0, -2), at);
    else this.#one(field, at);
    return `r${at}`;
  }

  #one(kind: string, at: string): void {
    if (kind === "string") {
      this.checks.push(`if (typeof ${at} !== "string") return -1;`);
      this.fixedBytes += TEXT_HEAD_BYTES;
      this.moreBytes.push(`${at}.length * 2`);
      this.writes.push(`at = writeText(${at}, view, at);`);
      this.reads.push(`const r${at} = readText(view, at, end);`, `at = endOfText(data.getUint32(at, true), at);`);
    } else if (kind === "any") {
      this.fixedBytes += PRIMITIVE_BYTES;
      this.moreBytes.push(`(typeof ${at} === "string" ? ${at}.length * 2 : 0)`);
      this.writes.push(`if ((at = writePrimitive(${at}, view, at)) < 0) return -1;`);
      this.reads.push(`const r${at} = readPrimitive(view, at, end);`, `at = endOfPrimitive(view, at);`);
    } else {
      const { size, isNot, write, read } = wordOf(kind);
      this.checks.push(`if (${isNot(at)}) return -1;`);
      this.fixedBytes += size;
      this.writes.push(`${write(at)}; at += ${size};`);
      this.reads.push(`const r${at} = ${read}; at += ${size};`);
    }
  }

  #list(kind: string, at: string): void {
    if (this.#isStrict) this.#isOnce(at);
    const test = this.#isStrict ? "isOrdinaryList" : "isList";
    this.checks.push(`if (!${test}(${at})) return -1;`, `const l${at} = ${at}.length;`);
    this.fixedBytes += 4;
    this.writes.push(`data.setUint32(at, l${at}, true); at += 4;`);
    this.reads.push(`const l${at} = data.getUint32(at, true); at += 4;`);
    const { least, most, write, read } = itemOf(kind, at);
    this.moreBytes.push(`l${at} * ${most}`);
    this.writes.push(`for (let i = 0; i < l${at}; i++) { const x = ${at}[i]; ${write} }`);
    this.reads.push(
      `if (at + l${at} * ${least} > end) throw new RangeError("A list is longer than its message.");`,
      `const r${at} = new Array(l${at});`,
      `for (let i = 0; i < l${at}; i++) { ${read} }`,
    );
  }
}

interface Item {
  /** How many bytes it takes, without the units of a string. */
  readonly least: number;
  readonly most: number;
  readonly write: string;
  readonly read: string;
}

/** Of a list: what is done with each `x`. */
function itemOf(kind: string, list: string): Item {
  // How long strings are is seen as they come.
  if (kind === "string")
    return {
      least: TEXT_HEAD_BYTES,
      most: TEXT_HEAD_BYTES,
      write: `if (typeof x !== "string" || (need += x.length * 2) > end) return -1; at = writeText(x, view, at);`,
      read: `r${list}[i] = readText(view, at, end); at = endOfText(data.getUint32(at, true), at);`,
    };
  if (kind === "any")
    return {
      least: 1,
      most: PRIMITIVE_BYTES,
      write:
        `if (x === undefined && !(i in ${list})) return -1; ` +
        `if (typeof x === "string" && (need += x.length * 2) > end) return -1; ` +
        `if ((at = writePrimitive(x, view, at)) < 0) return -1;`,
      read: `r${list}[i] = readPrimitive(view, at, end); at = endOfPrimitive(view, at);`,
    };
  const { size, isNot, write, read } = wordOf(kind);
  return {
    least: size,
    most: size,
    write: `if (${isNot("x")}) return -1; ${write("x")}; at += ${size};`,
    read: `r${list}[i] = ${read}; at += ${size};`,
  };
}

interface Word {
  readonly size: number;
  isNot(name: string): string;
  write(name: string): string;
  readonly read: string;
}

function wordOf(kind: string): Word {
  if (kind === "bool")
    return {
      size: 1,
      isNot: (x) => `typeof ${x} !== "boolean"`,
      write: (x) => `bytes[at] = ${x} ? 1 : 0`,
      read: "bytes[at] === 1",
    };
  const [size, name, isNot] = NUMBERS[kind as NumberType];
  const order = size === 1 ? "" : ", true";
  return {
    size,
    isNot: (x) => `typeof ${x} !== "number"${isNot && ` || ${isNot.replaceAll("x", x)}`}`,
    write: (x) => `data.set${name}(at, ${x}${order})`,
    read: `data.get${name}(at${order})`,
  };
}
