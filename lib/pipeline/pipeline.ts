// pipeline(): items go through stages, each on threads of its own, with a channel before each.

import { Channel } from "../channel/index.ts";
import { checkFunction, checkInteger, checkKnown, checkThreads } from "../checks.ts";
import { ChannelClosedError, StageError } from "../errors.ts";
import { inLibrary } from "../library.ts";
import { spawn, type Thread } from "../pool/index.ts";
import { Mutex } from "../sync/index.ts";
import { workAt, WORKING, type Item } from "./worker.ts";

export interface StageOptions {
  /** How many threads work on it. Default: 1. */
  threads?: number;
  /** How many items may wait before it. Default: 16. */
  capacity?: number;
  /** Give the items on in the order in which they came. Default: false, as they are ready. */
  ordered?: boolean;
  /** In `queues()` and in errors. Default: the function's name, or "stage 1", … */
  name?: string;
}

interface Stage {
  readonly f: (value: never) => unknown;
  readonly threads: number;
  readonly capacity: number;
  readonly ordered: boolean;
  readonly name: string;
}

/** See `pipeline`. */
export interface Pipeline<T> extends AsyncIterable<T> {
  /** A pipeline with one stage more: what `f` returns, awaited, goes on. */
  stage<U>(f: (item: T) => U | Promise<U>, options?: StageOptions): Pipeline<U>;
  /** All results. */
  toArray(): Promise<T[]>;
  /** How many items wait before each stage now, and before who reads the results ("results"). */
  queues(): { name: string; length: number }[];
}

type Source = Iterable<unknown> | AsyncIterable<unknown>;

/**
 * Items go through stages that work at the same time, each on threads of its own; a bounded queue before each stage holds
 * back whoever is too fast, down to the source.
 *
 * Waits: async. Nothing starts, and no item is taken from the source, before the results are read; they are read once.
 * Order: with one thread in each stage, or with `ordered`, the items' own; otherwise as they are ready.
 * What a stage's function captures travels as with `spawn`, and so do the items.
 * If a stage fails, the results end with StageError (`stage`, `index`, `cause`); if the source does, with its error. Then,
 * and when the reader stops early, all threads are stopped, also in the midst of an item, and the source is closed.
 * Throws RangeError or TypeError for bad arguments.
 * Cost: a thread of its own for each (30 to 50 ms); 10 to 100 us an item and stage. For small items send several as one.
 * When to use: steps of different kinds, one after the other, on a stream. For one step `pool.map` is simpler.
 * @example
 * const sizes = pipeline(files)
 *   .stage((file) => readFileSync(file), { name: "read" })
 *   .stage((bytes) => gzipSync(bytes).length, { name: "zip", threads: 3, ordered: true });
 * for await (const size of sizes) console.log(size, sizes.queues());
 */
export function pipeline<T>(source: Iterable<T> | AsyncIterable<T>): Pipeline<T> {
  const { [Symbol.iterator]: now, [Symbol.asyncIterator]: later } = (source ?? {}) as Iterable<T> & AsyncIterable<T>;
  if (typeof now !== "function" && typeof later !== "function")
    throw new TypeError(
      `Expected the source of a pipeline to be iterable (an array, a channel, …), got ${typeof source}.`,
    );
  return new Stages<T>(source, []);
}

class Stages<T> implements Pipeline<T> {
  readonly #source: Source;
  readonly #stages: readonly Stage[];
  #run: Run | undefined;

  constructor(source: Source, stages: readonly Stage[]) {
    this.#source = source;
    this.#stages = stages;
  }

  stage<U>(f: (item: T) => U | Promise<U>, options: StageOptions = {}): Pipeline<U> {
    checkFunction("f", f);
    checkKnown("stage()", options, ["threads", "capacity", "ordered", "name"]);
    const {
      threads = 1,
      capacity = 16,
      ordered = false,
      name = f.name || `stage ${this.#stages.length + 1}`,
    } = options;
    checkThreads(threads);
    if (capacity !== Infinity) checkInteger("capacity", capacity, 0, 2 ** 22);
    if (typeof ordered !== "boolean")
      throw new TypeError(`Expected ordered to be true or false, got ${typeof ordered}.`);
    if (typeof name !== "string") throw new TypeError(`Expected name to be a string, got ${typeof name}.`);
    return new Stages<U>(this.#source, [...this.#stages, { f, threads, capacity, ordered, name }]);
  }

  async toArray(): Promise<T[]> {
    const results: T[] = [];
    for await (const result of this) results.push(result);
    return results;
  }

  queues(): { name: string; length: number }[] {
    const names = [...this.#stages.map(({ name }) => name), "results"];
    return names.map((name, i) => ({ name, length: this.#run?.queues[i]?.length ?? 0 }));
  }

  [Symbol.asyncIterator](): AsyncIterator<T, void> {
    if (this.#run)
      throw new TypeError("The results of a pipeline are read once, and these have been: make another one.");
    this.#run = new Run(this.#source, this.#stages);
    return this.#run.results() as AsyncGenerator<T, void>;
  }
}

/** A pipeline at work. */
class Run {
  readonly #source: Source;
  readonly #stages: readonly Stage[];
  /** Before each stage, and behind the last. */
  readonly queues: Channel<Item>[];
  #threads: Thread<void>[] = [];
  #failure: { error: unknown } | undefined;

  constructor(source: Source, stages: readonly Stage[]) {
    this.#source = source;
    this.#stages = stages;
    const last = stages.at(-1)?.capacity ?? 1;
    this.queues = [...stages, { capacity: last }].map(({ capacity }) => new Channel<Item>(capacity));
  }

  async *results(): AsyncGenerator<unknown, void> {
    let feeding: Promise<void> | undefined;
    try {
      for (const [i, stage] of this.#stages.entries()) this.#start(stage, i);
      feeding = this.#feed();
      for await (const [, value] of this.queues.at(-1)!) yield value;
      if (this.#failure) throw this.#failure.error;
    } finally {
      this.#close();
      await Promise.all(this.#threads.map((thread) => thread.terminate()));
      await feeding;
    }
  }

  #start({ f, threads, ordered, name }: Stage, i: number): void {
    const counts = new Int32Array(new SharedArrayBuffer(12));
    counts[WORKING] = threads;
    // With one thread they are in order.
    const turnstile = ordered && threads > 1 ? new Mutex() : undefined;
    const work = { name, f, input: this.queues[i]!, output: this.queues[i + 1]!, counts, turnstile };
    for (let n = 0; n < threads; n++) {
      const thread = spawn(workAt, work);
      this.#threads.push(thread);
      thread.joinAsync().catch((cause: unknown) => {
        const text = `A thread of the stage "${name}" has ended: ${(cause as Error).message}`;
        this.#fail(cause instanceof StageError ? cause : new StageError(name, text, { cause }));
      });
    }
  }

  /** From the source to the first queue. */
  async #feed(): Promise<void> {
    const first = this.queues[0]!;
    let index = 0;
    try {
      for await (const value of this.#source) await first.sendAsync([index++, value]);
    } catch (error) {
      // The pipeline has been stopped.
      if (error instanceof ChannelClosedError && first.isClosed) return;
      this.#fail(error);
    }
    if (!first.isClosed) first.close();
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#close();
  }

  #close(): void {
    for (const queue of this.queues)
      try {
        queue.close();
      } catch (error) {
        if (!(error instanceof ChannelClosedError)) throw error;
      }
  }
}

inLibrary(import.meta.url, { pipeline });
