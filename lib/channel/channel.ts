// Channels: messages between threads, and between asynchronous tasks of one.

import { checkFunction, checkInteger, checkIterable, checkKnown, checkWait } from "../checks.ts";
import { ChannelClosedError, DeadlockError, TimeoutError } from "../errors.ts";
import { inLibrary } from "../library.ts";
import { Arrived, Primitive } from "../sync/primitive.ts";
import type { Wait, WaitAsync } from "../waiting.ts";
import { BatchingCore, inBatches } from "./batching.ts";
import { ReceiveCase, SendCase, type Case } from "./case.ts";
import { Core, LATER, newMemory } from "./core.ts";
import { CountedCore, newCountedMemory } from "./counted.ts";
import { kept, parcelOf, sent, type Parcel } from "./message.ts";
import { closedError, full, needsImport, Offer, RECEIVING, SENDING, tryOffer, tryTake } from "./offer.ts";
import { CLOSED, DONE, NOTHING } from "./ring.ts";
import { Schema, type Form } from "./schema.ts";
import { isClock, TickingCore, type Clock } from "./ticking.ts";
import { listenForBuffers } from "../ship/shared-buffers.ts";

export type Tried<T> = { ok: true; value: T } | { ok: false; closed: boolean };

export interface ChannelOptions {
  /** What every message looks like: `{ id: "i32", name: "string", values: "f64[]" }`. It is then written without names. */
  schema?: object;
  /**
   * So many messages travel as one, which costs a fraction. Each thread gathers what it sends; what is left goes when its
   * code comes to an end, before it blocks, and on `close`. The capacity counts whole batches.
   */
  batch?: number;
  /** The most memory that its messages may take. Default: a quarter of the machine's, at most 2 GiB. */
  byteLength?: number;
}

interface Shared {
  readonly buffer: SharedArrayBuffer;
  readonly capacity: number;
  readonly form: Form | undefined;
  readonly clock: Clock | undefined;
  readonly isCounted: boolean;
  readonly batch: number;
}

/** What a constructor is given for a channel that counts its senders. */
class Counted {
  readonly capacity: number;
  constructor(capacity: number) {
    this.capacity = capacity;
  }
}

let coreOf: <T>(channel: Channel<T>) => Core;
export { coreOf };

const MAX_CAPACITY = 2 ** 22;
const OPTIONS = ["schema", "batch", "byteLength"];
const SEND = ["timeoutMs"];
const SEND_ASYNC = ["timeoutMs", "signal"];
const NO_LIMITS: Wait = {};

/**
 * Messages, first in, first out, between any number of senders and receivers: threads, and asynchronous tasks of one.
 * Captured by a task, or sent to one, or in a message, it is the same channel there.
 *
 * Waits: `send` and `recv` block the thread, `sendAsync` and `recvAsync` never do, `trySend` and `tryRecv` never wait (of a
 * rendezvous, they give who waits at the other end a millisecond to come). Whoever makes room, sends or closes wakes them.
 * Order: messages come out in the order in which they went in; what a thread did before `send` is seen by who receives.
 * Who waits first in a thread is served first; between threads whoever is fastest.
 * Values: numbers in place, plain data and all that a task may be given by copy; shared memory and primitives stay the
 * same; of `move(x)` nothing is left here. With a `schema` messages are written without names.
 * Throws RangeError or TypeError for bad arguments, ChannelClosedError (with the `value` that was not sent),
 * ChannelFullError, NotSendableError, TimeoutError, CancelledError.
 * Cost: 20 to 50 ns for a number, 0.1 to 0.3 us for an object by schema or of the same fields as those before it, 0.5 us and
 * more for others. Memory stays allocated as long as the channel.
 * Gotcha: a thread that blocks runs no promises: who mixes both kinds in one thread may wait for itself.
 * When to use: work or results that flow between threads. For one result a task's promise is enough.
 * @example
 * const numbers = new Channel<number>(100);
 * const sum = pool.run(() => { let sum = 0; for (const n of numbers) sum += n; return sum; });
 * for (let n = 0; n < 1000; n++) await numbers.sendAsync(n);
 * numbers.close();
 * await sum;                          // 499500
 */
export class Channel<T> extends Primitive<Shared> implements AsyncIterable<T>, Iterable<T> {
  /** 0 for a rendezvous, Infinity for as much as its memory takes. */
  readonly capacity: number;
  readonly #core: Core;
  readonly #schema: Schema | undefined;
  readonly #batching: BatchingCore | undefined;
  /** Objects may be put as they are. */
  readonly #isDirect: boolean;
  /** The core where numbers are put as they are. */
  readonly #plain: Core | undefined;
  /** Numbers are gathered as they are. */
  readonly #isGathered: boolean;

  constructor(capacity?: number, options?: ChannelOptions);
  constructor(from: number | Arrived | Clock | Counted = 0, options: ChannelOptions = {}) {
    super(from instanceof Arrived ? from : newState(from, options));
    listenForBuffers();
    const { buffer, capacity, form, clock, isCounted, batch } = this.words;
    this.capacity = capacity;
    this.#schema = form && new Schema(form);
    this.#batching = batch > 1 ? new BatchingCore(buffer, capacity, this.#schema, batch) : undefined;
    this.#isDirect = batch === 1 && capacity > 0;
    this.#isGathered = !form && batch > 1;
    this.#core = clock
      ? new TickingCore(buffer, clock)
      : (this.#batching ?? new (isCounted ? CountedCore : Core)(buffer, capacity, this.#schema));
    this.#plain = this.#isDirect && !form && !clock ? this.#core : undefined;
  }

  static {
    coreOf = (channel) => channel.#core;
  }

  /** How many messages wait now; the next moment it may be another number. */
  get length(): number {
    return this.#core.length;
  }

  get isClosed(): boolean {
    return this.#core.isClosed;
  }

  /** Blocks the thread until there is room, or, without a capacity, until it has been taken. */
  send(value: T, options: Wait = NO_LIMITS): void {
    if (options !== NO_LIMITS) checkWait("send()", options, SEND);
    const core = this.#core;
    if (typeof value === "number") {
      const plain = this.#plain;
      if (plain !== undefined && (plain.putNext(value) || this.#putNumber(value) === DONE)) return;
      if (this.#isGathered && this.#gatherNumber(value)) return;
    } else if (this.#putObject(value)) return;
    const parcel = parcelOf(value, this.#schema);
    sent(parcel, () => {
      if (core.isRendezvous) this.#handOver(parcel, value, options);
      else core.senders.block(() => this.#put(parcel, value), SENDING, options);
    });
  }

  /** Resolves when there is room, or, without a capacity, when it has been taken. */
  async sendAsync(value: T, options: WaitAsync = NO_LIMITS): Promise<void> {
    if (options !== NO_LIMITS) checkWait("sendAsync()", options, SEND_ASYNC);
    const core = this.#core;
    // Those of this thread that wait already are first.
    const isFirst = core.senders.isQuiet && options.signal?.aborted !== true;
    if (isFirst && this.#putObject(value)) return;
    const parcel = parcelOf(value, this.#schema);
    const sending = this.#queue(parcel, value, options, isFirst);
    if (parcel.unsent) sending.catch(parcel.unsent);
    return sending;
  }

  /** False where there is no room, or nobody waits for it. */
  trySend(value: T): boolean {
    const core = this.#core;
    if (this.#putObject(value)) return true;
    const parcel = parcelOf(value, this.#schema);
    return sent(parcel, () => (core.isRendezvous ? tryOffer(core, parcel, value) : this.#put(parcel, value)));
  }

  /** Sends them one after the other, as `send` does. */
  sendMany(values: Iterable<T>): void {
    for (const value of checkIterable("values", values)) this.send(value);
  }

  /** Blocks the thread until there is a message. */
  recv(options: Wait = NO_LIMITS): T {
    if (options !== NO_LIMITS) checkWait("recv()", options, SEND);
    const core = this.#core;
    const plain = this.#plain;
    if (plain !== undefined) {
      const number = plain.takeNumber();
      if (number !== undefined) return number as T;
    } else if (this.#batching?.isStocked === true) return this.#batching.next() as T;
    let found = core.take();
    if (found === NOTHING)
      core.receivers.block(() => (found = core.take()) !== NOTHING, RECEIVING, options, { dueMs: () => core.dueMs() });
    if (found === DONE) return core.taken as T;
    throw found === CLOSED ? endError() : needsImport();
  }

  /** Resolves with the oldest message. */
  async recvAsync(options: WaitAsync = NO_LIMITS): Promise<T> {
    if (options !== NO_LIMITS) checkWait("recvAsync()", options, SEND_ASYNC);
    const taken = await this.#takeAsync(options);
    if (taken) return taken.value;
    throw endError();
  }

  /** Takes the oldest message if there is one. */
  tryRecv(): Tried<T> {
    const core = this.#core;
    const found = tryTake(core);
    if (found === LATER) throw needsImport();
    return found === DONE ? { ok: true, value: core.taken as T } : { ok: false, closed: found === CLOSED };
  }

  /** No more is sent. What is in it can still be received. Throws ChannelClosedError the second time. */
  close(): void {
    if (!this.#core.close()) throw new ChannelClosedError("The channel was closed before.");
  }

  /** For `select`: to receive. `ok` is false where the channel is closed and empty. */
  onRecv<R>(f: (value: T | undefined, ok: boolean) => R): Case<R> {
    checkFunction("f", f);
    return new ReceiveCase(this.#core, f as (value: unknown, ok: boolean) => R);
  }

  /** For `select`: to send this value. */
  onSend<R>(value: T, f: () => R): Case<R> {
    checkFunction("f", f);
    return new SendCase(this.#core, kept(parcelOf(value, this.#schema)), value, f);
  }

  /** Blocks for each message, and ends when the channel is closed and empty. */
  [Symbol.iterator](): Iterator<T, void> {
    return new Messages(this);
  }

  /** The same without blocking. */
  async *[Symbol.asyncIterator](): AsyncIterator<T, void> {
    for (let taken = await this.#takeAsync({}); taken; taken = await this.#takeAsync({})) yield taken.value;
  }

  #putNumber(value: T & number): number {
    try {
      return this.#core.putNumber(value);
    } catch (error) {
      return full(value, () => {
        throw error;
      });
    }
  }

  #putObject(value: T): boolean {
    return this.#isDirect && typeof value === "object" && value !== null && this.#core.putObject(value);
  }

  #gatherNumber(value: T & number): boolean {
    try {
      return this.#batching!.gatherNumber(value);
    } catch (error) {
      return full(value, () => {
        throw error;
      });
    }
  }

  #put(parcel: Parcel, value: T): boolean {
    if (this.#batching) {
      if (this.#batching.isClosed) throw closedError(value);
      return full(value, () => this.#batching!.gather(parcel));
    }
    const found = full(value, () => this.#core.put(parcel));
    if (found === CLOSED) throw closedError(value);
    return found === DONE;
  }

  async #queue(parcel: Parcel, value: T, options: WaitAsync, isFirst: boolean): Promise<void> {
    const { senders, isRendezvous } = this.#core;
    if (isRendezvous) {
      const offer = new Offer(this.#core, kept(parcel), value);
      return senders.queue(() => offer.attempt(), SENDING, options, { withdraw: () => offer.withdraw() });
    }
    if (isFirst && this.#put(parcel, value)) return;
    const waiting = kept(parcel);
    return senders.queue(() => this.#put(waiting, value), SENDING, options);
  }

  async #takeAsync(limits: WaitAsync): Promise<{ value: T } | undefined> {
    const core = this.#core;
    let found = core.receivers.isQuiet && limits.signal?.aborted !== true ? core.take() : NOTHING;
    if (found === DONE) return { value: core.taken as T };
    let value: T;
    const attempt = (): boolean => {
      found = core.take();
      if (found === DONE) value = core.taken as T;
      return found === DONE || found === CLOSED;
    };
    if (found !== CLOSED) await core.receivers.queue(attempt, RECEIVING, limits, { dueMs: () => core.dueMs() });
    return found === DONE ? { value: value! } : undefined;
  }

  /** A rendezvous, blocking. */
  #handOver(parcel: Parcel, value: T, options: Wait): void {
    const offer = new Offer(this.#core, parcel, value);
    try {
      this.#core.senders.block(() => offer.attempt(), SENDING, options, { left: () => void offer.withdraw() });
    } catch (error) {
      // It may have been taken just then.
      if ((error instanceof TimeoutError || error instanceof DeadlockError) && offer.withdraw()) return;
      throw error;
    }
  }
}

/** What a loop goes through. A generator would cost half as much again as receiving a number. */
class Messages<T> extends Iterator<T, void> {
  readonly #channel: Channel<T>;
  #isDone = false;

  constructor(channel: Channel<T>) {
    super();
    this.#channel = channel;
  }

  override next(): IteratorResult<T, void> {
    if (this.#isDone) return { done: true, value: undefined };
    try {
      return { done: false, value: this.#channel.recv() };
    } catch (error) {
      if (!(error instanceof ChannelClosedError)) throw error;
      return this.return();
    }
  }

  /** Where the loop ends early, too. */
  override return(): IteratorResult<T, void> {
    this.#isDone = true;
    return { done: true, value: undefined };
  }
}

/** For channel(). */
export function countedChannel<T>(capacity: number): Channel<T> {
  return new (Channel as unknown as new (from: Counted) => Channel<T>)(new Counted(capacity));
}

function newState(from: number | Clock | Counted, options: ChannelOptions): Shared {
  const isCounted = from instanceof Counted;
  if (isClock(from)) return { buffer: newMemory(1), capacity: 1, form: undefined, clock: from, isCounted, batch: 1 };
  const capacity = isCounted ? from.capacity : from;
  if (capacity !== Infinity) checkInteger("capacity", capacity, 0, MAX_CAPACITY);
  checkKnown("Channel", options, OPTIONS);
  if (options.byteLength !== undefined) checkInteger("byteLength", options.byteLength, 0, 2 ** 31);
  const batch = checkInteger("batch", options.batch ?? 1, 1, 2 ** 16);
  if (batch > 1 && capacity === 0)
    throw new RangeError("Expected a channel with batches to have a capacity: by rendezvous messages go one by one.");
  const schema = options.schema === undefined ? undefined : new Schema(options.schema);
  const buffer = isCounted ? newCountedMemory(capacity) : newMemory(inBatches(capacity, batch), options.byteLength);
  return { buffer, capacity, form: schema?.form, clock: undefined, isCounted, batch };
}

function endError(): ChannelClosedError {
  return new ChannelClosedError("The channel is closed and empty: nothing can be received from it.");
}

inLibrary(import.meta.url, { Channel });
