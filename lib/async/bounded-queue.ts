// A queue between asynchronous tasks of one thread that holds back who puts too fast.

import { checkInteger, checkKnown, checkWait } from "../checks.ts";
import { BraidError } from "../errors.ts";
import { inLibrary } from "../library.ts";
import { Queue } from "../pool/queue.ts";
import { Attempts, type WaitAsync } from "../waiting.ts";

export interface QueueLength {
  /** Since the queue was made. */
  atMs: number;
  length: number;
}

/** Distinguishes an item from nothing: an item may be undefined. */
interface Taken<T> {
  readonly item: T;
}

/** The item of `put`, or the end. */
const PUT = true;

/**
 * A first-in, first-out queue for at most `capacity` items, between asynchronous tasks of one thread: who puts waits while
 * it is full, who takes while it is empty.
 *
 * Waits: async. Order: items come out as they went in; who waits first is served first.
 * `close` ends it: what is in it can still be taken, then loops end and `take` rejects; a `put`, also one that waits, rejects.
 * Throws TimeoutError, CancelledError (`signal`, or an interrupt), BraidError ERR_BRAID_QUEUE_CLOSED.
 * With `record: true`, `lengths()` tells how full it was when, for a plot.
 * When to use: between a fast producer and slow consumers of this thread.
 * @example
 * const queue = new BoundedQueue<number[]>(10);
 * const load = async () => {
 *   for (let i = 0; i < 100; i++) await queue.put(await read(i));
 *   queue.close();
 * };
 * const infer = async () => {
 *   for await (const batch of queue) await spawnBlocking(() => run(batch));
 * };
 * await Promise.all([load(), infer()]);
 */
export class BoundedQueue<T> implements AsyncIterable<T> {
  readonly capacity: number;
  readonly #items = new Queue<T>();
  readonly #puts = new Attempts();
  readonly #takes = new Attempts();
  readonly #lengths: QueueLength[] | undefined;
  readonly #madeMs = performance.now();
  #isClosed = false;

  constructor(capacity: number, options: { record?: boolean } = {}) {
    this.capacity = checkInteger("capacity", capacity, 1, Infinity);
    checkKnown("BoundedQueue", options, ["record"]);
    if (options.record === true) this.#lengths = [{ atMs: 0, length: 0 }];
  }

  get length(): number {
    return this.#items.length;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Resolves when the item is in the queue. */
  async put(item: T, options: WaitAsync = {}): Promise<void> {
    checkWait("put()", options, ["timeoutMs", "signal"]);
    const attempt = (): typeof PUT | undefined => {
      if (this.#isClosed) throw closed("put()");
      if (this.length >= this.capacity) return undefined;
      this.#items.push(item);
      this.#changed();
      return PUT;
    };
    await this.#puts.wait(attempt, "the wait for room in a queue", options);
    this.#takes.serve();
  }

  /** Resolves with the oldest item. */
  async take(options: WaitAsync = {}): Promise<T> {
    checkWait("take()", options, ["timeoutMs", "signal"]);
    const taken = await this.#take(options);
    if (!taken) throw closed("take()");
    return taken.item;
  }

  close(): void {
    this.#isClosed = true;
    this.#puts.serve();
    this.#takes.serve();
  }

  /** How full it was after each change. */
  lengths(): QueueLength[] {
    return [...(this.#lengths ?? [])];
  }

  async *[Symbol.asyncIterator](): AsyncIterator<T, void> {
    for (let taken = await this.#take({}); taken; taken = await this.#take({})) yield taken.item;
  }

  async #take(limits: WaitAsync): Promise<Taken<T> | null> {
    const attempt = (): Taken<T> | null | undefined => {
      if (this.length === 0) return this.#isClosed ? null : undefined;
      const item = this.#items.shift() as T;
      this.#changed();
      return { item };
    };
    const taken = await this.#takes.wait(attempt, "the wait for an item of a queue", limits);
    this.#puts.serve();
    return taken;
  }

  #changed(): void {
    this.#lengths?.push({ atMs: performance.now() - this.#madeMs, length: this.length });
  }
}

function closed(what: string): BraidError {
  return new BraidError("ERR_BRAID_QUEUE_CLOSED", `${what} found the queue closed.`);
}

inLibrary(import.meta.url, { BoundedQueue });
