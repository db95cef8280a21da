// The slots of a board, each with one task that is on its way: what has become of it, and what a thread has to know of it.

import { load, replace, store, type Words } from "../atomics.ts";
import { SmallValueReader, SmallValueWriter } from "../ship/small-values.ts";

export const SLOTS = 1 << 15;

/** The low bits of a slot's state; above them, from `running` on, the seat of the thread that has it. */
export const State = { free: 0, queued: 1, running: 2, done: 3, posted: 4 } as const;
const SEAT_SHIFT = 3;
const STATE_MASK = 7;

// Bytes of a slot: function u32, origin i32, lane it was stolen from + 1 as i32, lane it is meant for as i32, started and
// ended as f64 in ms of the common clock; then the value, arguments first and the result afterwards.
const FUNCTION = 0;
const ORIGIN = 4;
const STOLEN = 8;
const MEANT = 12;
const STARTED = 16;
const ENDED = 24;
const VALUE = 32;
const SLOT_BYTES = 256;
export const VALUE_BYTES = SLOT_BYTES - VALUE;

export class Slots {
  readonly #words: Words;
  readonly #statesAt: number;
  readonly #bytes: DataView;
  readonly #bytesAt: number;
  readonly #writer: SmallValueWriter;
  readonly #reader: SmallValueReader;

  /** @param statesAt where the word of each slot's state lies; @param bytesAt in bytes, where all else */
  constructor(words: Words, statesAt: number, bytesAt: number) {
    this.#words = words;
    this.#statesAt = statesAt;
    this.#bytes = new DataView(words.buffer);
    this.#bytesAt = bytesAt;
    this.#writer = new SmallValueWriter(words.buffer);
    this.#reader = new SmallValueReader(words.buffer);
  }

  static readonly BYTES: number = SLOTS * SLOT_BYTES;

  // ---- what has become of the task

  state(slot: number): number {
    return load(this.#words, this.#statesAt + slot) & STATE_MASK;
  }

  seat(slot: number): number {
    return load(this.#words, this.#statesAt + slot) >> SEAT_SHIFT;
  }

  setState(slot: number, state: number, seat = 0): void {
    store(this.#words, this.#statesAt + slot, state | (seat << SEAT_SHIFT));
  }

  /** The claim: true for exactly one of those who try. */
  claim(slot: number, seat: number): boolean {
    return replace(this.#words, this.#statesAt + slot, State.queued, State.running | (seat << SEAT_SHIFT));
  }

  /** Takes back what no thread has claimed. */
  revoke(slot: number): boolean {
    return replace(this.#words, this.#statesAt + slot, State.queued, State.free);
  }

  // ---- what it is

  /** @param fn number of the function, 0 where the task comes by message */
  prepare(slot: number, fn: number, origin: number): void {
    const at = this.#slotAt(slot);
    this.#bytes.setUint32(at + FUNCTION, fn, true);
    this.#bytes.setInt32(at + ORIGIN, origin, true);
    this.#bytes.setInt32(at + STOLEN, 0, true);
    this.#bytes.setFloat64(at + STARTED, 0, true);
  }

  functionOf(slot: number): number {
    return this.#bytes.getUint32(this.#slotAt(slot) + FUNCTION, true);
  }

  originOf(slot: number): number {
    return this.#bytes.getInt32(this.#slotAt(slot) + ORIGIN, true);
  }

  // ---- its arguments, then its result

  /** False: the value is not small enough, or of another kind. */
  write(slot: number, value: unknown): boolean {
    const at = this.#slotAt(slot);
    return this.#writer.write(value, at + VALUE, at + SLOT_BYTES);
  }

  /** The same for a list of arguments. */
  writeList(slot: number, values: readonly unknown[]): boolean {
    const at = this.#slotAt(slot);
    return this.#writer.writeList(values, at + VALUE, at + SLOT_BYTES);
  }

  /** What `listBytes` has given, or another SmallValueWriter. */
  writeBytes(slot: number, bytes: Uint8Array): void {
    new Uint8Array(this.#words.buffer).set(bytes, this.#slotAt(slot) + VALUE);
  }

  read(slot: number): unknown {
    return this.#reader.read(this.#slotAt(slot) + VALUE);
  }

  // ---- where it was meant to run, and when it ran

  /** The lane whose hint counts, where threads keep to their own: one in another may be left from an earlier task. */
  meantFor(slot: number): number {
    return this.#bytes.getInt32(this.#slotAt(slot) + MEANT, true);
  }

  setMeant(slot: number, lane: number): void {
    this.#bytes.setInt32(this.#slotAt(slot) + MEANT, lane, true);
  }

  /** The lane that it was stolen from, if it was. */
  stolenFrom(slot: number): number | undefined {
    const lane = this.#bytes.getInt32(this.#slotAt(slot) + STOLEN, true);
    return lane === 0 ? undefined : lane - 1;
  }

  setStolen(slot: number, lane: number): void {
    this.#bytes.setInt32(this.#slotAt(slot) + STOLEN, lane + 1, true);
  }

  /** 0: it has not started. */
  started(slot: number): number {
    return this.#bytes.getFloat64(this.#slotAt(slot) + STARTED, true);
  }

  setStarted(slot: number, ms: number): void {
    this.#bytes.setFloat64(this.#slotAt(slot) + STARTED, ms, true);
  }

  ended(slot: number): number {
    return this.#bytes.getFloat64(this.#slotAt(slot) + ENDED, true);
  }

  setEnded(slot: number, ms: number): void {
    this.#bytes.setFloat64(this.#slotAt(slot) + ENDED, ms, true);
  }

  #slotAt(slot: number): number {
    return this.#bytesAt + slot * SLOT_BYTES;
  }
}

const scratch = new Uint8Array(VALUE_BYTES);
const scratchWriter = new SmallValueWriter(scratch.buffer);

/** A list of arguments that has to wait for its slot; undefined where `writeList` would refuse it. */
export function listBytes(values: readonly unknown[]): Uint8Array | undefined {
  return scratchWriter.writeList(values, 0, VALUE_BYTES) ? scratch.slice() : undefined;
}
