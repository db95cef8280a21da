// A channel whose messages travel in batches: each thread gathers what it sends and puts it as one message of the ring; each
// receiver unpacks what it gets. A batch that is not full goes at the end of the current run of code, before the thread
// blocks anywhere, and when the channel is closed.

import { beforeBlocking } from "../atomics.ts";
import { ChannelClosedError, TimeoutError } from "../errors.ts";
import { Core } from "./core.ts";
import { Batch, empty, kept, NumberBatch, packed, parcelOf, type Parcel } from "./message.ts";
import { CLOSED, DONE } from "./ring.ts";
import type { Schema } from "./schema.ts";

const WHAT = "the wait for room in a channel";

/** Of this thread: those that have gathered something. */
const gathering = new Set<BatchingCore>();

let isFlushing = false;

/** Where there is no room it waits, for as long as the caller would. */
function flushAll(timeoutMs: number): void {
  if (isFlushing || gathering.size === 0) return;
  isFlushing = true;
  try {
    for (const core of gathering) core.flushBlocking(timeoutMs);
  } catch (error) {
    // What can't be sent any more is told to who sends next.
    if (!(error instanceof TimeoutError) && !(error instanceof ChannelClosedError)) throw error;
  } finally {
    isFlushing = false;
  }
}

beforeBlocking(flushAll);

/** How many batches there may be, so that there are never more messages than the capacity, but for one batch. */
export const inBatches = (capacity: number, size: number): number => Math.max(1, Math.floor(capacity / size));

export class BatchingCore extends Core {
  readonly #size: number;
  readonly #gathered: Parcel[] = [];
  /** As long as there are numbers alone they are here instead, so many. */
  readonly #batch: NumberBatch;
  readonly #numbers: Float64Array;
  #count = 0;
  /** Packed, and not put yet. */
  readonly #packed: Parcel[] = [];
  #isScheduled = false;
  // The batch that is being taken apart.
  #items: ArrayLike<unknown> = [];
  #length = 0;
  #at = 0;

  constructor(buffer: SharedArrayBuffer, capacity: number, schema: Schema | undefined, size: number) {
    super(buffer, inBatches(capacity, size), schema);
    this.#size = size;
    this.#batch = new NumberBatch(size);
    this.#numbers = this.#batch.numbers;
  }

  /** Takes it into the batch. False: there is no room. */
  gatherNumber(value: number): boolean {
    const count = this.#count;
    // Where some are gathered nothing else is.
    if (count === 0 && (this.#gathered.length > 0 || this.#packed.length > 0)) return this.gather(parcelOf(value));
    if (this.isClosedHere) return this.gather(parcelOf(value));
    this.#numbers[count] = value;
    this.#count = count + 1;
    if (count + 1 === this.#size) this.flush();
    else if (count === 0) this.#schedule();
    return true;
  }

  /** The same for anything. */
  gather(parcel: Parcel): boolean {
    if (this.isClosed || !this.#drain()) return false;
    for (let i = 0; i < this.#count; i++) this.#gathered.push(parcelOf(this.#numbers[i]!));
    this.#count = 0;
    this.#gathered.push(kept(parcel));
    // What is moved is gone here at once.
    if (parcel.moved) empty(parcel.moved);
    if (this.#gathered.length >= this.#size) this.flush();
    else this.#schedule();
    return true;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    gathering.add(this);
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      // What can't be sent any more is told to who sends next.
      this.senders.queue(() => this.flush(), WHAT, {}).catch(() => {});
    });
  }

  /** Puts all that is gathered, where there is room: true. */
  override flush(): boolean {
    if (this.#count > 0) {
      const parcel = this.#batch.parcel(this.#count);
      this.#count = 0;
      if (this.#packed.length > 0 || super.put(parcel) !== DONE) this.#packed.push(kept(parcel));
    }
    if (this.#gathered.length > 0) this.#packed.push(packed(this.#gathered.splice(0)));
    const isDone = this.#drain();
    if (!isDone) gathering.add(this);
    else if (!this.#isScheduled) gathering.delete(this);
    return isDone;
  }

  flushBlocking(timeoutMs = Infinity): void {
    if (!this.flush()) this.senders.block(() => this.flush(), WHAT, { timeoutMs });
  }

  #drain(): boolean {
    while (this.#packed.length > 0) {
      const found = super.put(this.#packed[0]!);
      if (found === CLOSED) {
        const lost = this.#packed.splice(0);
        for (const { unsent } of lost) unsent?.();
        throw new ChannelClosedError(
          `The channel was closed before ${lost.length} of this thread's batches were sent.`,
        );
      }
      if (found !== DONE) return false;
      this.#packed.shift();
    }
    return true;
  }

  /** Is there something left of a batch? */
  get isStocked(): boolean {
    return this.#at < this.#length;
  }

  /** Takes that. */
  next(): unknown {
    return this.#items[this.#at++];
  }

  override take(): number {
    while (!this.isStocked) {
      const found = super.take();
      if (found !== DONE || !(this.taken instanceof Batch)) return found;
      this.#items = this.taken.items;
      this.#length = this.taken.length;
      this.#at = 0;
    }
    this.taken = this.next();
    return DONE;
  }

  /** In batches, and what is left here of one. */
  override get length(): number {
    return super.length + this.#length - this.#at;
  }

  override close(): boolean {
    if (!this.isClosed) this.flushBlocking();
    return super.close();
  }
}
