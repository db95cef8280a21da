// par(): arrays whose map, filter and reduce run on all cores.

import { checkBoolean, checkFunction, checkInteger, checkKnown, checkThreads } from "../checks.ts";
import type { Numbers } from "../memory/shared.ts";
import { defaultThreads, parallelFor, parallelForSync } from "../pool/index.ts";
import { inLibrary } from "../ship/index.ts";
import { choose } from "./choose.ts";
import {
  ARGMAX,
  ARGMIN,
  COUNT,
  forEach,
  into,
  MAX,
  MIN,
  reduceBy,
  sumBy,
  TO_ARRAY,
  type EndingCall,
} from "./endings.ts";
import type { Grid } from "./grid.ts";
import { arraysOf, argsOf } from "./kernel.ts";
import { kernelFor } from "./kernels.ts";
import type { Stage } from "./plan.ts";
import { arraySource, rangeSource, rowsSource, share, type Source } from "./source.ts";

export interface ParOptions {
  /** How many threads work on it. Default: as many as the default pool has. */
  threads?: number;
  /** Into how many pieces the elements are cut, and how `sum` adds with them. Default: 128, or one for each element. */
  chunks?: number;
  /** False: the loop as it is written. True is a wish; `explain()` says what comes of it. */
  simd?: boolean;
  /** How `sum` adds: left to right within a chunk ("fast"), in pairs, or with the lost bits kept. */
  sum?: "fast" | "pairwise" | "compensated";
}

export interface Par<T> {
  /** Each element becomes what f gives. Lazy: nothing runs before an ending is called. */
  map<U>(f: (x: T, i: number) => U): Par<U>;
  /** Only elements for which f holds go on, in their order. `i` is the place in the array of the start, here and after. */
  filter(f: (x: T, i: number) => boolean): Par<T>;
  /** Each chunk is added left to right, and the sums of the chunks in the order of the chunks. TypeError for what is no number. */
  sum(this: Par<number>): Promise<number>;
  sumSync(this: Par<number>): number;
  /** f must be associative, and `zero` change nothing: each chunk starts from it. */
  reduce(f: (a: T, b: T) => T, zero: T): Promise<T>;
  reduceSync(f: (a: T, b: T) => T, zero: T): T;
  /** The smallest of numbers or bigints, as Math.min has it; undefined of nothing; NaN if there is one. TypeError for anything else. */
  min(this: Par<number | bigint>): Promise<T | undefined>;
  minSync(this: Par<number | bigint>): T | undefined;
  max(this: Par<number | bigint>): Promise<T | undefined>;
  maxSync(this: Par<number | bigint>): T | undefined;
  /** The place of the smallest in the array of the start, the first of several; of the first NaN if there is one. */
  argmin(this: Par<number | bigint>): Promise<number | undefined>;
  argminSync(this: Par<number | bigint>): number | undefined;
  argmax(this: Par<number | bigint>): Promise<number | undefined>;
  argmaxSync(this: Par<number | bigint>): number | undefined;
  count(): Promise<number>;
  countSync(): number;
  forEach(f: (x: T, i: number) => void): Promise<void>;
  forEachSync(f: (x: T, i: number) => void): void;
  /** Writes the elements to a shared array of the same length, and gives that array. Not after a filter. */
  into<A extends Numbers>(out: A): Promise<A>;
  intoSync<A extends Numbers>(out: A): A;
  toArray(): Promise<T[]>;
  toArraySync(): T[];
  /** How `sum` would run, and why so; alike `into`, `min`, `max`, `count` and `reduce`. The others are always "js". */
  explain(): { backend: "simd" | "js"; why: string; chunks: number; threads: number };
}

/** Into so many chunks the elements are cut: a number that depends on nothing else, and serves 32 threads. */
const CHUNKS = 128;
/** Each takes some bytes, and a moment. */
const MOST_CHUNKS = 2 ** 24;

class Pipeline<T> implements Par<T> {
  readonly #source: Source;
  readonly #options: ParOptions;
  readonly #stages: readonly Stage[];

  constructor(source: Source, options: ParOptions, stages: readonly Stage[] = []) {
    this.#source = source;
    this.#options = options;
    this.#stages = stages;
    if (this.#chunks() > MOST_CHUNKS)
      throw new RangeError(`Expected no more than ${MOST_CHUNKS} chunks, got ${this.#chunks()}.`);
  }

  map<U>(f: (x: T, i: number) => U): Par<U> {
    checkFunction("the argument of map()", f);
    return new Pipeline<U>(this.#source, this.#options, [...this.#stages, ["map", f]]);
  }

  filter(f: (x: T, i: number) => boolean): Par<T> {
    checkFunction("the argument of filter()", f);
    return new Pipeline<T>(this.#source, this.#options, [...this.#stages, ["filter", f]]);
  }

  async sum(): Promise<number> {
    return this.#run(this.#sum());
  }
  sumSync(): number {
    return this.#runSync(this.#sum());
  }

  async reduce(..._: [f: (a: T, b: T) => T, zero: T]): Promise<T> {
    return this.#run(reduceBy(_)) as Promise<T>;
  }
  reduceSync(..._: [f: (a: T, b: T) => T, zero: T]): T {
    return this.#runSync(reduceBy(_)) as T;
  }

  async min(): Promise<T | undefined> {
    return this.#run(MIN) as Promise<T | undefined>;
  }
  minSync(): T | undefined {
    return this.#runSync(MIN) as T | undefined;
  }

  async max(): Promise<T | undefined> {
    return this.#run(MAX) as Promise<T | undefined>;
  }
  maxSync(): T | undefined {
    return this.#runSync(MAX) as T | undefined;
  }

  async argmin(): Promise<number | undefined> {
    return this.#run(ARGMIN);
  }
  argminSync(): number | undefined {
    return this.#runSync(ARGMIN);
  }

  async argmax(): Promise<number | undefined> {
    return this.#run(ARGMAX);
  }
  argmaxSync(): number | undefined {
    return this.#runSync(ARGMAX);
  }

  async count(): Promise<number> {
    return this.#run(COUNT);
  }
  countSync(): number {
    return this.#runSync(COUNT);
  }

  async forEach(f: (x: T, i: number) => void): Promise<void> {
    return this.#run(forEach(f));
  }
  forEachSync(f: (x: T, i: number) => void): void {
    this.#runSync(forEach(f));
  }

  async into<A extends Numbers>(out: A): Promise<A> {
    return this.#run(this.#into(out));
  }
  intoSync<A extends Numbers>(out: A): A {
    return this.#runSync(this.#into(out));
  }

  async toArray(): Promise<T[]> {
    return this.#run(TO_ARRAY) as Promise<T[]>;
  }
  toArraySync(): T[] {
    return this.#runSync(TO_ARRAY) as T[];
  }

  explain(): { backend: "simd" | "js"; why: string; chunks: number; threads: number } {
    const plan = { stages: this.#stages, ending: this.#sum().ending };
    const { operands } = share(this.#source, undefined);
    const { backend, why } = choose(plan, operands, this.#options.simd, this.#grid());
    return { backend, why, chunks: this.#chunks(), threads: this.#threads() };
  }

  #sum(): EndingCall<number> {
    return sumBy(this.#options.sum ?? "fast");
  }

  #into<A extends Numbers>(out: A): EndingCall<A> {
    const hasFilter = this.#stages.some(([kind]) => kind === "filter");
    return into(out, this.#source.length, hasFilter);
  }

  #threads(): number {
    return this.#options.threads ?? defaultThreads();
  }

  #chunks(): number {
    return Math.min(this.#source.length, this.#options.chunks ?? CHUNKS);
  }

  #grid(): Grid {
    return { elements: this.#source.length, chunks: this.#chunks() };
  }

  async #run<R>(end: EndingCall<R>): Promise<R> {
    const { kernel, isKept, call } = this.#prepare(end);
    try {
      return end.join(await parallelFor(kernel, call));
    } finally {
      if (!isKept) kernel.release();
    }
  }

  #runSync<R>(end: EndingCall<R>): R {
    const { kernel, isKept, call } = this.#prepare(end);
    try {
      return end.join(parallelForSync(kernel, call));
    } finally {
      if (!isKept) kernel.release();
    }
  }

  #prepare(end: EndingCall<unknown>) {
    const shared = share(this.#source, end.out);
    const parts = this.#chunks();
    const call = {
      ...{ parts, threads: this.#threads(), args: argsOf(shared.operands, this.#source.length, parts) },
      operands: arraysOf(shared.operands),
    };
    const { call: own, ...kernel } = kernelFor(this.#stages, end, shared, this.#options.simd, this.#grid());
    return { ...kernel, call: { ...call, ...own } };
  }
}

/** @param more the options that it has besides */
export function checkOptions<O extends ParOptions>(whose: string, options: O, more: readonly string[] = []): O {
  checkKnown(whose, options, ["threads", "chunks", "simd", "sum", ...more]);
  const { threads, chunks, simd, sum } = options;
  if (threads !== undefined) checkThreads(threads);
  if (chunks !== undefined) checkInteger("chunks", chunks, 1, Infinity);
  if (simd !== undefined) checkBoolean("simd", simd);
  if (sum !== undefined && !["fast", "pairwise", "compensated"].includes(sum))
    throw new RangeError(`Expected sum to be "fast", "pairwise" or "compensated", got ${JSON.stringify(sum)}.`);
  return { ...options };
}

/**
 * Elements of an array that stages and an ending work on with all cores: `par(xs).map(f).filter(g).sum()`.
 *
 * Nothing runs before the ending; then all stages run as one loop over each chunk, and no array between them is made. The
 * functions are shipped with what they capture, as it is when the ending is called. A shared array is read where it is; other
 * numbers are copied into shared memory, and anything else to each thread: large data belongs into `shared()`.
 * Waits: `sum` is async, and the caller's thread takes no part; `sumSync` blocks, and it does. So all endings. A pool's thread
 * that is free helps; it wakes the caller, and where it dies, the pool does.
 * Order: results are those of the sequential loop, but for sums, which depend on where the chunks end: n elements in k chunks
 * are cut at floor(n*i/k), 128 if not said otherwise, whatever the threads. Functions run in no order over the chunks.
 * Throws what the first element has thrown for which a function throws, class kept, with its place as `index`; CaptureError
 * and NotSendableError before anything runs; ThreadCrashedError.
 * Cost: blocking, some microseconds a call where threads still look for work, which they do for 0.1 ms; else, and async, 20 to
 * 100 us. 50 us more where a function captures numbers or shared arrays, 0.1 to 0.3 ms where it captures anything else.
 * When to use: loops over numbers from some 10 us of work on. Gotcha: a function that changes what it captured changes a copy.
 * @example
 * const xs = shared(Float64Array, 1e6);
 * const norm = Math.sqrt(await par(xs).map((x) => x * x).sum());
 */
export const par: {
  // oxlint-disable-next-line typescript/no-explicit-any -- of what is `any` itself
  <T = any>(xs: ArrayLike<T>, options?: ParOptions): Par<T>;
  /** The whole numbers from `from` up to and without `to`; no array is made. */
  range(from: number, to: number, options?: ParOptions): Par<number>;
  /**
   * The rows of a matrix that lies row after row: each element is the part of it with `cols` numbers, in shared memory. What a
   * function writes there is seen if the matrix is shared. RangeError where the shape doesn't fit.
   */
  rows<A extends Numbers>(matrix: A, shape: { rows: number; cols: number }, options?: ParOptions): Par<A>;
} = Object.assign(
  <T>(xs: ArrayLike<T>, options: ParOptions = {}): Par<T> =>
    new Pipeline<T>(arraySource(xs), checkOptions("par()", options)),
  {
    range: (from: number, to: number, options: ParOptions = {}): Par<number> =>
      new Pipeline<number>(rangeSource(from, to), checkOptions("par.range()", options)),
    rows: <A extends Numbers>(matrix: A, shape: { rows: number; cols: number }, options: ParOptions = {}): Par<A> =>
      new Pipeline<A>(rowsSource(matrix, shape), checkOptions("par.rows()", options)),
  },
);

inLibrary(import.meta.url, { par });
