// Messages that look like those before them: a thread that sends plain objects of the same fields again and again writes
// down once, in the channel's memory, what they look like, as a schema would say it, and from then on each message says
// only where that is. Nothing else changes: what is not of the shape goes as it went before, and what can't be said by
// a schema is not learned.

import { types } from "node:util";
import { ChannelFullError } from "../errors.ts";
import { LINE, type ChannelMemory, type View } from "./memory.ts";
import { isOrdinaryList } from "./ordinary-list.ts";
import type { Ring } from "./ring.ts";
import { Schema, type Field, type Form } from "./schema.ts";

/** To make the functions for a shape takes as long as some hundred messages. */
const LEARN_AFTER = 16;
/** So often a thread learns on one channel, at most. */
const MOST_LESSONS = 64;
/** So many shapes are looked for. */
const MOST_SHAPES = 8;
const MOST_FIELDS = 64;
const MOST_ITEMS = 4096;
const LINE_BYTES = LINE * 4;

/** In a message: the line in which its shape is written down, and then its fields. */
const SHAPE_AT = 4;
const FIELDS_AT = 8;

interface Shape {
  readonly schema: Schema;
  /** Where it is written down. */
  readonly line: number;
}

/** What this thread has learned of what it sends. */
export class ShapeWriter {
  readonly #memory: ChannelMemory;
  /** The last that was used is first. */
  #shapes: Shape[] = [];
  #lessons = MOST_LESSONS;
  #names: readonly string[] = [];
  #alike = 0;

  constructor(memory: ChannelMemory) {
    this.#memory = memory;
  }

  get isEmpty(): boolean {
    return this.#shapes.length === 0;
  }

  /** Gives where it ends; -1: it is of no shape that is known, or needs more room. */
  write(value: object, view: View, at: number, end: number): number {
    const shapes = this.#shapes;
    for (let i = 0; i < shapes.length; i++) {
      const shape = shapes[i]!;
      const found = shape.schema.writeQuickly(value, view, at + FIELDS_AT, end);
      if (found < 0) continue;
      view.data.setUint32(at + SHAPE_AT, shape.line, true);
      if (i > 0) this.#shapes = [shape, ...shapes.slice(0, i), ...shapes.slice(i + 1)];
      return found;
    }
    return -1;
  }

  /** One that was of no shape. True: it is, but needs more room. */
  miss(value: object): boolean {
    if (this.#lessons === 0 || types.isProxy(value) || Object.getPrototypeOf(value) !== Object.prototype) return false;
    const names = Object.getOwnPropertyNames(value);
    const isAlike = isSame(names, this.#names);
    this.#names = names;
    this.#alike = isAlike ? this.#alike + 1 : 0;
    if (this.#alike < LEARN_AFTER && !this.#shapes.some(({ schema }) => isSame(Object.keys(schema.form), names)))
      return false;
    const form = fieldOf(value, { fields: 0, above: [] });
    if (typeof form === "object") return this.#learn(form);
    this.#lessons--;
    return false;
  }

  #learn(form: Form): boolean {
    let others = this.#shapes;
    for (const shape of this.#shapes) {
      const both = merged(shape.schema.form, form);
      if (typeof both !== "object") continue;
      if (JSON.stringify(both) === JSON.stringify(shape.schema.form)) return true;
      form = both;
      others = others.filter((one) => one !== shape);
      break;
    }
    this.#lessons--;
    const line = this.#writeDown(form);
    if (line > 0) this.#shapes = [{ schema: new Schema(form, true), line }, ...others].slice(0, MOST_SHAPES);
    return false;
  }

  /** 0: there is no room. */
  #writeDown(form: Form): number {
    const text = Buffer.from(JSON.stringify(entriesOf(form)));
    try {
      const at = this.#memory.allocate(4 + text.length);
      this.#memory.reach(at + 4 + text.length);
      const { bytes, data } = this.#memory.view;
      data.setUint32(at, text.length, true);
      bytes.set(text, at + 4);
      return at / LINE_BYTES;
    } catch (error) {
      if (!(error instanceof ChannelFullError)) throw error;
      this.#lessons = 0;
      return 0;
    }
  }
}

/** What this thread has read of the shapes of others. */
export class ShapeReader {
  readonly #memory: ChannelMemory;
  readonly #schemas = new Map<number, Schema>();
  #line = 0;
  #schema: Schema | undefined;

  constructor(memory: ChannelMemory) {
    this.#memory = memory;
  }

  read(at: number, end: number, ring: Ring): unknown {
    const { view } = this.#memory;
    const line = view.data.getUint32(at + SHAPE_AT, true);
    if (line !== this.#line) {
      this.#schema = this.#schemas.get(line) ?? this.#find(line, ring);
      this.#line = line;
    }
    return this.#schema!.read(view, at + FIELDS_AT, end);
  }

  #find(line: number, ring: Ring): Schema {
    const at = line * LINE_BYTES;
    this.#memory.reach(at + LINE_BYTES);
    const end = at + 4 + this.#memory.view.data.getUint32(at, true);
    this.#memory.reach(end);
    const text = this.#memory.view.bytes.toString("utf8", at + 4, end);
    // Where another has taken the message, the line may have been anything.
    if (!ring.isStill()) throw new Error("A message was taken while it was read.");
    const schema = new Schema(formFrom(JSON.parse(text) as Entries), true);
    this.#schemas.set(line, schema);
    return schema;
  }
}

/** A form as it is written down. Not as an object: V8's JSON.parse() takes the key `"` for `\` where it knows that one. */
type Entries = (readonly [string, Exclude<Field, Form> | Entries])[];

const entriesOf = (form: Form): Entries =>
  Object.entries(form).map(([name, field]) => [name, typeof field === "object" ? entriesOf(field) : field]);

const formFrom = (entries: Entries): Form =>
  Object.fromEntries(entries.map(([name, field]) => [name, typeof field === "object" ? formFrom(field) : field]));

interface Looking {
  fields: number;
  readonly above: object[];
}

/** The form of a value; undefined where there is none. */
function fieldOf(value: unknown, looking: Looking): Field | undefined {
  const kind = kindOf(value);
  if (kind) return kind;
  if (typeof value !== "object" || value === null || types.isProxy(value) || looking.above.includes(value))
    return undefined;
  if (Array.isArray(value)) return isOrdinaryList(value) ? listOf(value) : undefined;
  if (Object.getPrototypeOf(value) !== Object.prototype) return undefined;
  looking.above.push(value);
  const fields: [string, Field][] = [];
  for (const key of Reflect.ownKeys(value)) {
    const property = Object.getOwnPropertyDescriptor(value, key)!;
    if (typeof key === "symbol" || !property.enumerable || !("value" in property)) return undefined;
    const field = ++looking.fields <= MOST_FIELDS ? fieldOf(property.value, looking) : undefined;
    if (field === undefined) return undefined;
    fields.push([key, field]);
  }
  return Object.fromEntries(fields);
}

function kindOf(value: unknown): "f64" | "string" | "bool" | "any" | undefined {
  if (typeof value === "number") return "f64";
  if (typeof value === "string") return "string";
  if (typeof value === "boolean") return "bool";
  return value === undefined || value === null ? "any" : undefined;
}

function listOf(list: readonly unknown[]): Field | undefined {
  if (list.length > MOST_ITEMS) return undefined;
  const kinds = new Set(list.map(kindOf));
  if (kinds.has(undefined)) return undefined;
  // Of an empty one nothing is known; most are of numbers.
  return kinds.size > 1 ? "any[]" : `${kinds.values().next().value ?? "f64"}[]`;
}

/** What both are of. */
function merged(one: Field, other: Field): Field | undefined {
  if (typeof one === "object" || typeof other === "object") {
    if (typeof one === "string" || typeof other === "string") return undefined;
    const names = Object.keys(one);
    if (!isSame(names, Object.keys(other))) return undefined;
    const fields = names.map((name) => [name, merged(one[name]!, other[name]!)] as const);
    return fields.some(([, field]) => field === undefined) ? undefined : (Object.fromEntries(fields) as Form);
  }
  if (one === other) return one;
  if (one.endsWith("[]") !== other.endsWith("[]")) return undefined;
  return one.endsWith("[]") ? "any[]" : "any";
}

const isSame = (some: readonly string[], others: readonly string[]): boolean =>
  some.length === others.length && some.every((one, i) => one === others[i]);
