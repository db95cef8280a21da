// A channel whose messages travel in batches: each thread gathers what it sends and puts it as one message of the ring; each
// receiver unpacks what it gets. A batch that is not full goes at the end of the current run of code, before the thread
// blocks anywhere, and when the channel is closed.

import { beforeBlocking } from "../atomics.ts";
import { ChannelClosedError, TimeoutError } from "../errors.ts";
import { Core } from "./core.ts";
import { Batch, empty, kept, packed, packedNumbers, parcelOf, type Parcel } from "./message.ts";
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
  #numbers: Float64Array | undefined;
  #count = 0;
  /** Packed, and not put yet. */
  readonly #packed: Parcel[] = [];
  #isScheduled = false;
  #items: ArrayLike<unknown> = [];
  #at = 0;

  constructor(buffer: SharedArrayBuffer, capacity: number, schema: Schema | undefined, size: number) {
    super(buffer, inBatches(capacity, size), schema);
    this.#size = size;
  }

  /** Takes it into the batch. False: there is no room. */
  gatherNumber(value: number): boolean {
    if (this.#gathered.length > 0 || this.#packed.length > 0 || this.isClosedHere) return this.gather(parcelOf(value));
    this.#numbers ??= new Float64Array(this.#size);
    this.#numbers[this.#count++] = value;
    if (this.#count === this.#size) this.flush();
    else if (this.#count === 1) this.#schedule();
    return true;
  }

  /** The same for anything. */
  gather(parcel: Parcel): boolean {
    if (this.isClosed || !this.#drain()) return false;
    for (let i = 0; i < this.#count; i++) this.#gathered.push(parcelOf(this.#numbers![i]!));
    this.#count = 0;
    this.#gathered.push(kept(parcel));
    // What is moved is gone here at once.
    if (parcel.moved) empty(parcel.moved);
    if (this.#gathered.length >= this.#size) this.flush();
    else this.#schedule();
    return true;
  }

  #schedule(): void {
    gathering.add(this);
    if (this.#isScheduled) return;
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
      this.#packed.push(packedNumbers(this.#numbers!.subarray(0, this.#count)));
      this.#count = 0;
    }
    if (this.#gathered.length > 0) this.#packed.push(packed(this.#gathered.splice(0)));
    const isDone = this.#drain();
    if (isDone) gathering.delete(this);
    else gathering.add(this);
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

  override take(): number {
    for (;;) {
      if (this.#at < this.#items.length) {
        this.taken = this.#items[this.#at++];
        return DONE;
      }
      const found = super.take();
      if (found !== DONE || !(this.taken instanceof Batch)) return found;
      this.#items = this.taken.items;
      this.#at = 0;
    }
  }

  /** In batches, and what is left here of one. */
  override get length(): number {
    return super.length + this.#items.length - this.#at;
  }

  override close(): boolean {
    if (!this.isClosed) this.flushBlocking();
    return super.close();
  }
}
