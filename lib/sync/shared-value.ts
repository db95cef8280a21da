// A value in shared memory, copied in and out: what Guarded guards. It is written to one of two places by turns, and only
// then said to be there, so that a thread that dies while it writes leaves the value of before.

import { Deserializer, Serializer } from "node:v8";
import { load, store, type Words } from "../atomics.ts";
import { NotSendableError } from "../errors.ts";

/** Where the value is: in place 0 or 1. Then for each: how many bytes, or that it is the number beside. */
const PLACE = 0;
const LENGTH = 1;
const A_NUMBER = -1;
/** In doubles. */
const NUMBERS = 2;
const WORDS = 8;

const FIRST_BYTES = 4096;
/** Reserved, not used: memory that grows in place needs a limit. */
const MAX_BYTES = 2 ** 28;

/** Shared memory in a value is not copied; which there is stands fast when the value is first written. */
export interface ValueState {
  readonly words: Words;
  readonly places: readonly [SharedArrayBuffer, SharedArrayBuffer];
  readonly memory: readonly SharedArrayBuffer[];
}

export class SharedValue<T> {
  readonly state: ValueState;
  readonly #numbers: Float64Array;

  constructor(state: ValueState) {
    this.state = state;
    this.#numbers = new Float64Array(state.words.buffer);
  }

  static make<T>(value: T): SharedValue<T> {
    const memory: SharedArrayBuffer[] = [];
    const place = (): SharedArrayBuffer => new SharedArrayBuffer(FIRST_BYTES, { maxByteLength: MAX_BYTES });
    const words = new Int32Array(new SharedArrayBuffer(WORDS * 4));
    const made = new SharedValue<T>({ words, places: [place(), place()], memory });
    made.#write(value, (buffer) => memory.push(buffer) - 1);
    return made;
  }

  read(): T {
    const { words, places, memory } = this.state;
    const place = load(words, PLACE);
    const length = words[LENGTH + place]!;
    if (length === A_NUMBER) return this.#numbers[NUMBERS + place] as T;
    const reader = new Deserializer(new Uint8Array(places[place]!, 0, length).slice()) as Deserializer & HostReader;
    reader._readHostObject = () => readView(reader, memory);
    reader.readHeader();
    return reader.readValue() as T;
  }

  write(value: T): void {
    this.#write(value, (buffer) => {
      const known = this.state.memory.indexOf(buffer);
      if (known >= 0) return known;
      throw refused("shared memory that it did not hold when it was made is not known to other threads.");
    });
  }

  #write(value: T, share: (buffer: SharedArrayBuffer) => number): void {
    const { words, places } = this.state;
    const place = 1 - load(words, PLACE);
    if (typeof value === "number") {
      this.#numbers[NUMBERS + place] = value;
      words[LENGTH + place] = A_NUMBER;
    } else {
      const bytes = serialized(value, share);
      const to = places[place]!;
      if (bytes.length > MAX_BYTES)
        throw new RangeError(
          `The value of a Guarded takes up to ${MAX_BYTES} bytes, and this one takes ${bytes.length}.`,
        );
      if (bytes.length > to.byteLength) to.grow(Math.min(MAX_BYTES, Math.max(bytes.length, 2 * to.byteLength)));
      new Uint8Array(to).set(bytes);
      words[LENGTH + place] = bytes.length;
    }
    store(words, PLACE, place);
  }
}

interface HostReader {
  _readHostObject(): ArrayBufferView;
}

interface HostWriter {
  _writeHostObject(view: ArrayBufferView): void;
  _getSharedArrayBufferId(buffer: SharedArrayBuffer): number;
  _setTreatArrayBufferViewsAsHostObjects(on: boolean): void;
  _getDataCloneError: ErrorConstructor;
}

type View = new (buffer: ArrayBufferLike, at: number, length: number) => ArrayBufferView;

const VIEWS: readonly (View & { BYTES_PER_ELEMENT?: number })[] = [
  DataView,
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
];
const NOT_SHARED = 2 ** 32 - 1;

/** Its class, then its bytes, or where they are in which shared memory. Node's own way knows shared memory only when it writes. */
function writeView(writer: Serializer, view: ArrayBufferView, share: (buffer: SharedArrayBuffer) => number): void {
  const { buffer, byteOffset, byteLength } = view;
  const isShared = buffer instanceof SharedArrayBuffer;
  writer.writeUint32(VIEWS.findIndex((type) => view instanceof type));
  writer.writeUint32(isShared ? share(buffer) : NOT_SHARED);
  writer.writeUint32(byteLength);
  if (isShared) writer.writeDouble(byteOffset);
  else writer.writeRawBytes(new Uint8Array(buffer, byteOffset, byteLength));
}

function readView(reader: Deserializer, memory: readonly SharedArrayBuffer[]): ArrayBufferView {
  const type = VIEWS[reader.readUint32()]!;
  const shared = reader.readUint32();
  const byteLength = reader.readUint32();
  const length = byteLength / (type.BYTES_PER_ELEMENT ?? 1);
  if (shared !== NOT_SHARED) return new type(memory[shared]!, reader.readDouble(), length);
  return new type(new Uint8Array(reader.readRawBytes(byteLength)).buffer, 0, length);
}

function serialized(value: unknown, share: (buffer: SharedArrayBuffer) => number): Uint8Array {
  const writer = new Serializer() as Serializer & HostWriter;
  writer._setTreatArrayBufferViewsAsHostObjects(true);
  writer._writeHostObject = (view) => writeView(writer, view, share);
  writer._getSharedArrayBufferId = () => {
    throw refused("a bare SharedArrayBuffer is not taken: a typed array over it is");
  };
  writer._getDataCloneError = Error;
  writer.writeHeader();
  try {
    writer.writeValue(value);
  } catch (cause) {
    if (cause instanceof NotSendableError) throw cause;
    throw refused(`it takes what structuredClone takes: ${(cause as Error).message}`, cause);
  }
  return writer.releaseBuffer();
}

function refused(why: string, cause?: unknown): NotSendableError {
  return new NotSendableError("value", `The value of a Guarded is copied into shared memory, and ${why}`, { cause });
}
