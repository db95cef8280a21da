// What a message looks like in shared memory. Numbers are themselves; undefined, null, true and false are one word; small
// plain values are written as such (lib/ship/small-values.ts), or by the channel's schema; everything else is encoded as
// a task's arguments are (lib/ship), and serialized.

import { Deserializer, Serializer } from "node:v8";
import { NotSendableError } from "../errors.ts";
import { decode, encode, hasToBeSent, prepare, prepareNow, transferList, unsent, type Wire } from "../ship/index.ts";
import { SmallValueReader, SmallValueWriter } from "../ship/small-values.ts";
import { whyNotCloned } from "../ship/stack.ts";
import { View, type ChannelMemory } from "./memory.ts";
import { Kind, type Ring } from "./ring.ts";
import type { Schema } from "./schema.ts";
import { ShapeReader, ShapeWriter } from "./shapes.ts";

/** The first byte of a message: how the rest is written. */
const Format = { small: 0, wire: 1, schema: 2, batch: 3, numbers: 4, shaped: 5 } as const;

const CONSTANTS = [undefined, null, true, false] as const;
/** What is longer is serialized. */
const SMALL_BYTES = 2 ** 16;

/** A message that is ready to be put. */
export interface Parcel {
  readonly kind: number;
  readonly number: number;
  /** Of kind `bytes`. */
  readonly bytes: Uint8Array | undefined;
  /** To be emptied when it is sent. */
  readonly moved: readonly ArrayBuffer[] | undefined;
  /** To be called where it is not sent. */
  readonly unsent?: (() => void) | undefined;
}

/** A message that can be read only after modules have been imported. */
export class NeedsImports {
  readonly wire: Wire;
  constructor(wire: Wire) {
    this.wire = wire;
  }
}

let scratch = new View(new SharedArrayBuffer(SMALL_BYTES));
let small = new SmallValueWriter(scratch.buffer);

/** The message of a value. Its bytes are overwritten by the next: keep `kept(parcel)`. */
export function parcelOf(value: unknown, schema?: Schema): Parcel {
  if (schema) return { kind: Kind.bytes, number: 0, bytes: bySchema(value, schema), moved: undefined };
  if (typeof value === "number") return { kind: Kind.number, number: value, bytes: undefined, moved: undefined };
  const constant = CONSTANTS.indexOf(value as undefined);
  if (constant >= 0) return { kind: Kind.word, number: constant, bytes: undefined, moved: undefined };
  const end = small.write(value, 1, SMALL_BYTES) ? small.end : 0;
  if (end > 0) {
    return { kind: Kind.bytes, number: 0, bytes: written(Format.small, end), moved: undefined };
  }
  const wire = encode(value, { path: "message", between: "bytes" });
  const undo = hasToBeSent(wire) ? () => unsent(wire) : undefined;
  return orUndo(undo, () => {
    const moved = movedBuffers(wire);
    return { kind: Kind.bytes, number: 0, bytes: serialized(wire), moved, unsent: undo };
  });
}

/** Does it, or undoes what was done before. */
function orUndo<R>(undo: (() => void) | undefined, f: () => R): R {
  if (!undo) return f();
  let isDone = false;
  try {
    const result = f();
    isDone = result !== false;
    return result;
  } finally {
    if (!isDone) undo();
  }
}

/** Sends it by `send`, which throws, or gives false, where that can't be. */
export const sent = <R>(parcel: Parcel, send: () => R): R => orUndo(parcel.unsent, send);

/** Several messages that came as one. A list of numbers is written over by the next. */
export class Batch {
  items: ArrayLike<unknown>;
  length: number;
  constructor(items: ArrayLike<unknown>, length: number) {
    this.items = items;
    this.length = length;
  }
}

/** In a batch: kind, length in bytes, the number of what has no bytes; then the bytes. */
const HEAD_BYTES = 16;
/** A batch of numbers alone is those, after so much. */
const NUMBERS_AT = 8;
const MOST_NUMBERS = 2 ** 16;

/** Where numbers are gathered for a message of them. */
export class NumberBatch {
  readonly numbers: Float64Array;
  readonly #bytes: Uint8Array;
  readonly #whole: Parcel;

  constructor(size: number) {
    const buffer = new ArrayBuffer(NUMBERS_AT + size * 8);
    this.numbers = new Float64Array(buffer, NUMBERS_AT);
    this.#bytes = new Uint8Array(buffer);
    this.#bytes[0] = Format.numbers;
    this.#whole = { kind: Kind.bytes, number: 0, bytes: this.#bytes, moved: undefined };
  }

  /** The first of them. What is gathered next is written over it. */
  parcel(count: number): Parcel {
    if (count === this.numbers.length) return this.#whole;
    return { ...this.#whole, bytes: this.#bytes.subarray(0, NUMBERS_AT + count * 8) };
  }
}

export function packed(parcels: readonly Parcel[]): Parcel {
  let length = 8;
  for (const { bytes } of parcels) length += HEAD_BYTES + (bytes ? Math.ceil(bytes.length / 8) * 8 : 0);
  const bytes = new Uint8Array(length);
  const numbers = new Float64Array(bytes.buffer);
  const words = new Uint32Array(bytes.buffer);
  bytes[0] = Format.batch;
  const unsent = parcels.some((parcel) => parcel.unsent)
    ? () => parcels.forEach((parcel) => parcel.unsent?.())
    : undefined;
  let at = 1;
  for (const parcel of parcels) {
    words[at * 2] = parcel.kind;
    words[at * 2 + 1] = parcel.bytes?.length ?? 0;
    numbers[at + 1] = parcel.number;
    at += 2;
    if (parcel.bytes) bytes.set(parcel.bytes, at * 8);
    if (parcel.bytes) at += Math.ceil(parcel.bytes.length / 8);
  }
  return { kind: Kind.bytes, number: 0, bytes, moved: undefined, unsent };
}

export function kept(parcel: Parcel): Parcel {
  return parcel.bytes ? { ...parcel, bytes: parcel.bytes.slice() } : parcel;
}

/** Its sender has nothing of them any more. */
export function empty(buffers: readonly ArrayBuffer[]): void {
  for (const buffer of buffers) structuredClone(buffer, { transfer: [buffer] });
}

function bySchema(value: unknown, schema: Schema): Uint8Array {
  const quickly = schema.writeQuickly(value, scratch, 1, scratch.bytes.length);
  if (quickly >= 0) return written(Format.schema, quickly);
  const length = schema.sizeOf(value) + 1;
  if (length > scratch.bytes.length) {
    scratch = new View(new SharedArrayBuffer(2 ** Math.ceil(Math.log2(length))));
    small = new SmallValueWriter(scratch.buffer);
  }
  return written(Format.schema, schema.write(value, scratch, 1));
}

/** So many bytes of the scratch memory, of which the first says how they are written. */
function written(format: number, length: number): Uint8Array {
  scratch.bytes[0] = format;
  return new Uint8Array(scratch.buffer, 0, length);
}

/** Until it is known better an object is written where there is so much room; longer ones than the most are copied. */
const FIRST_ROOM = 256;

/** Writes objects where they are read from. */
export class MessageWriter {
  readonly #schema: Schema | undefined;
  readonly #shapes: ShapeWriter;
  /** So much room one is given. */
  room = FIRST_ROOM;

  constructor(memory: ChannelMemory, schema: Schema | undefined) {
    this.#schema = schema;
    this.#shapes = new ShapeWriter(memory);
  }

  /** Can it write anything? */
  get isReady(): boolean {
    return this.#schema !== undefined || !this.#shapes.isEmpty;
  }

  /** Gives where it ends; -1 where it has to go by a parcel. */
  write(value: object, view: View, at: number): number {
    const schema = this.#schema;
    view.bytes[at] = schema ? Format.schema : Format.shaped;
    const end = at + this.room;
    return schema ? schema.writeQuickly(value, view, at + 1, end) : this.#shapes.write(value, view, at, end);
  }

  /** One that it could not write. */
  miss(value: object): void {
    if (this.#schema || this.#shapes.miss(value)) this.room = Math.min(SMALL_BYTES, this.room * 2);
  }
}

function movedBuffers(wire: Wire): ArrayBuffer[] | undefined {
  const moved = transferList(wire);
  for (const one of moved)
    if (!(one instanceof ArrayBuffer))
      throw new NotSendableError(
        "message",
        `A ${(one as object).constructor.name} can't go through a channel, which any thread may read: hand it over with an argument of a task.`,
      );
  return moved.length > 0 ? (moved as ArrayBuffer[]) : undefined;
}

function serialized(wire: Wire): Uint8Array {
  const serializer = new Serializer();
  try {
    serializer.writeHeader();
    serializer.writeValue(wire);
  } catch (cause) {
    const why = whyNotCloned(cause as Error);
    throw new NotSendableError("message", `The message can't be sent: ${why}.`, { cause });
  }
  const body = serializer.releaseBuffer();
  const bytes = new Uint8Array(1 + body.length);
  bytes[0] = Format.wire;
  bytes.set(body, 1);
  return bytes;
}

/** Reads messages of one channel in this thread. */
export class MessageReader {
  readonly #memory: ChannelMemory;
  readonly #schema: Schema | undefined;
  readonly #shapes: ShapeReader;
  #small: SmallValueReader;
  #length: number;
  readonly #batch = new Batch([], 0);
  #numbers = new Float64Array(0);

  constructor(memory: ChannelMemory, schema: Schema | undefined) {
    this.#memory = memory;
    this.#schema = schema;
    this.#shapes = new ShapeReader(memory);
    this.#length = memory.bytes.length;
    this.#small = new SmallValueReader(memory.bytes.buffer, this.#length);
  }

  /** The value that the ring has peeked at. May throw anything if another thread has taken it meanwhile. */
  read(kind: number, ring: Ring): unknown {
    if (kind === Kind.number) return ring.number;
    if (kind === Kind.word) return CONSTANTS[ring.first];
    return this.#read(ring.first * 8, ring.second, ring);
  }

  #read(at: number, length: number, ring: Ring): unknown {
    const memory = this.#memory;
    memory.reach(at + length);
    const { view } = memory;
    const { bytes } = view;
    switch (bytes[at]) {
      case Format.schema:
        return this.#schema!.read(view, at + 1, at + length);
      case Format.shaped:
        return this.#shapes.read(at, at + length, ring);
      case Format.small:
        if (bytes.length !== this.#length) {
          this.#length = bytes.length;
          this.#small = new SmallValueReader(bytes.buffer, this.#length);
        }
        return this.#small.read(at + 1);
      case Format.numbers:
        return this.#numbersOf(view, at + NUMBERS_AT, (length - NUMBERS_AT) / 8);
      case Format.batch:
        return this.#unpacked(at, length, ring);
      default: {
        const copy = new Uint8Array(bytes.subarray(at + 1, at + length));
        // What another thread has overwritten must not be decoded, which may run code.
        if (!ring.isStill()) throw new Error("A message was taken while it was read.");
        const deserializer = new Deserializer(copy);
        deserializer.readHeader();
        const wire = deserializer.readValue() as Wire;
        return prepareNow(wire) ? decode(wire) : new NeedsImports(wire);
      }
    }
  }

  #numbersOf({ data }: View, at: number, count: number): Batch {
    if (count > MOST_NUMBERS) throw new RangeError("A batch is longer than any.");
    if (count > this.#numbers.length) this.#numbers = new Float64Array(count);
    const numbers = this.#numbers;
    for (let i = 0; i < count; i++, at += 8) numbers[i] = data.getFloat64(at, true);
    this.#batch.items = numbers;
    this.#batch.length = count;
    return this.#batch;
  }

  #unpacked(start: number, length: number, ring: Ring): unknown {
    const view = new DataView(this.#memory.bytes.buffer, start, length);
    const items: unknown[] = [];
    for (let at = 8; at < length;) {
      const kind = view.getUint32(at, true);
      const size = view.getUint32(at + 4, true);
      const number = view.getFloat64(at + 8, true);
      at += HEAD_BYTES;
      let value: unknown = kind === Kind.number ? number : CONSTANTS[number];
      if (kind === Kind.bytes) value = this.#read(start + at, size, ring);
      if (value instanceof NeedsImports) return value;
      items.push(value);
      at += Math.ceil(size / 8) * 8;
    }
    return new Batch(items, items.length);
  }
}

export function imported(message: NeedsImports): Promise<void> {
  return prepare(message.wire) ?? Promise.resolve();
}
