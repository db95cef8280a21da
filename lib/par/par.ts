// par(): arrays whose map, filter and reduce run on all cores.

import { checkFunction, checkInteger, checkKnown, checkThreads } from "../checks.ts";
import { defaultPool, defaultThreads, engineOf, runParts } from "../pool/index.ts";
import { isShared, type Numbers } from "../memory/shared.ts";
import { inLibrary } from "../ship/index.ts";
import { choose, makers } from "./choose.ts";
import type { Ending, Operands, Plan, Stage } from "./plan.ts";

export interface ParOptions {
  /** How many threads work on it. Default: as many as the default pool has. */
  threads?: number;
  /** Into how many pieces the elements are cut. Default: two for each thread. */
  chunks?: number;
  /** False: the loop as it is written. True is a wish; `explain()` says what comes of it. */
  simd?: boolean;
  /** How `sum` adds: left to right within a chunk ("fast"), in pairs, or with the lost bits kept. */
  sum?: "fast" | "pairwise" | "compensated";
}

export interface Par<T> {
  /** Each element becomes what f gives. Lazy: nothing runs before an ending is called. */
  map<U>(f: (x: T, i: number) => U): Par<U>;
  /** Only elements for which f holds go on. `i` is the place in the array of the start, here and after. */
  filter(f: (x: T, i: number) => boolean): Par<T>;
  /** Each chunk is added left to right, and the sums of the chunks in the order of the chunks. TypeError for what is no number. */
  sum(this: Par<number>): Promise<number>;
  /** f must be associative, and `zero` change nothing: each chunk starts from it. */
  reduce(f: (a: T, b: T) => T, zero: T): Promise<T>;
  /** The smallest of numbers or bigints, as Math.min has it; undefined of nothing; NaN if there is one. TypeError for anything else. */
  min(this: Par<number | bigint>): Promise<T | undefined>;
  max(this: Par<number | bigint>): Promise<T | undefined>;
  count(): Promise<number>;
  forEach(f: (x: T, i: number) => void): Promise<void>;
  /** Writes the elements to a shared array of the same length, and gives that array. Not after a filter. */
  into<A extends Numbers>(out: A): Promise<A>;
  toArray(): Promise<T[]>;
  /** How an ending would run, and why so. */
  explain(): { backend: "simd" | "js"; why: string; chunks: number; threads: number };
}

/** Where the elements come from: an array, or the numbers from `from` on. */
interface Source {
  readonly length: number;
  readonly array?: ArrayLike<unknown>;
  readonly from: number;
}

class Pipeline<T> implements Par<T> {
  readonly #source: Source;
  readonly #options: ParOptions;
  readonly #stages: readonly Stage[];

  constructor(source: Source, options: ParOptions, stages: readonly Stage[] = []) {
    this.#source = source;
    this.#options = options;
    this.#stages = stages;
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
    const { sum = "fast" } = this.#options;
    if (sum === "fast") return (await this.#run<number>("sum")).reduce((a, b) => a + b, 0);
    if (sum === "pairwise") return pairwise(await this.#run<number>("sum-pairwise"));
    let [total, lost] = [0, 0];
    for (const [part, partLost] of await this.#run<[number, number]>("sum-compensated")) {
      const next = total + part;
      lost += partLost + (Math.abs(total) >= Math.abs(part) ? total - next + part : part - next + total);
      total = next;
    }
    return total + lost;
  }

  async reduce(f: (a: T, b: T) => T, zero: T): Promise<T> {
    checkFunction("the first argument of reduce()", f);
    if (arguments.length < 2)
      throw new TypeError(
        "Expected a zero as the second argument of reduce(), from which each chunk starts: 0 to add, 1 to multiply.",
      );
    const parts = await this.#run<T>("reduce", { last: f, zero });
    return parts.length === 0 ? zero : parts.reduce((a, b) => f(a, b));
  }

  async min(): Promise<T | undefined> {
    return best(await this.#run<T | undefined>("min"), (a, b) => a < b || isZero(a, b, -0));
  }

  async max(): Promise<T | undefined> {
    return best(await this.#run<T | undefined>("max"), (a, b) => a > b || isZero(a, b, 0));
  }

  async count(): Promise<number> {
    return (await this.#run<number>("count")).reduce((a, b) => a + b, 0);
  }

  async forEach(f: (x: T, i: number) => void): Promise<void> {
    checkFunction("the argument of forEach()", f);
    await this.#run("forEach", { last: f });
  }

  async into<A extends Numbers>(out: A): Promise<A> {
    if (!isShared(out))
      throw new TypeError(
        "into() expects an array in shared memory, which all threads can write to: make it with shared(Float64Array, n).",
      );
    if (this.#stages.some(([kind]) => kind === "filter"))
      throw new TypeError("into() can't tell the places of elements after filter(): use toArray().");
    if (out.length !== this.#source.length)
      throw new RangeError(
        `into() expects an array of length ${this.#source.length}, got one of length ${out.length}.`,
      );
    await this.#run("into", { out });
    return out;
  }

  async toArray(): Promise<T[]> {
    return (await this.#run<T[]>("toArray")).flat(1) as T[];
  }

  explain(): { backend: "simd" | "js"; why: string; chunks: number; threads: number } {
    const { backend, why } = choose({ stages: this.#stages, ending: "sum" }, this.#operands(), this.#options.simd);
    return { backend, why, chunks: this.#chunkCount(), threads: this.#threads() };
  }

  #operands(out?: Operands["out"]): Operands {
    const { array, from } = this.#source;
    return { kind: array ? "array" : "range", source: array, offset: from, cols: 0, out };
  }

  #threads(): number {
    return this.#options.threads ?? defaultThreads();
  }

  #chunkCount(): number {
    return Math.min(this.#source.length, this.#options.chunks ?? this.#threads() * 2);
  }

  async #run<R>(ending: Ending, more: Pick<Plan, "last" | "zero"> & { out?: Operands["out"] } = {}): Promise<R[]> {
    const { length } = this.#source;
    const operands = this.#operands(more.out);
    const { last, zero } = more;
    const unchosen = { stages: this.#stages, ending, last, zero };
    const { backend, kernel } = choose(unchosen, operands, this.#options.simd);
    const plan: Plan = { ...unchosen, backend, kernel };
    const count = this.#chunkCount();
    const chunks: [number, number][] = [];
    for (let k = 0; k < count; k++)
      chunks.push([Math.floor((length * k) / count), Math.floor((length * (k + 1)) / count)]);
    const threads = this.#threads();
    const engine = engineOf(defaultPool(Math.min(threads, Math.max(1, count))));
    return (await runParts(engine, {
      label: `par.${ending}`,
      entry: runChunk as never,
      context: { plan, operands },
      parts: chunks,
      limit: threads,
      failed: (error) => error,
    })) as R[];
  }
}

const runChunk = ({ plan, operands }: { plan: Plan; operands: Operands }) => {
  const loop = makers[plan.backend](plan, operands);
  return ([first, end]: [number, number]): unknown => loop(first, end);
};

function pairwise(sums: readonly number[]): number {
  if (sums.length <= 2) return (sums[0] ?? 0) + (sums[1] ?? 0);
  const half = sums.length >> 1;
  return pairwise(sums.slice(0, half)) + pairwise(sums.slice(half));
}

/** Of two zeros, is the first one this and the other one not? */
function isZero(a: unknown, b: unknown, zero: number): boolean {
  return b === 0 && Object.is(a, zero) && !Object.is(b, zero);
}

function best<T>(parts: readonly (T | undefined)[], better: (a: T, b: T) => boolean): T | undefined {
  let found: T | undefined;
  for (const part of parts)
    // NaN, which is not itself, wins; a chunk of which nothing was left has none.
    if (part !== undefined && (found === undefined || better(part, found) || part !== part)) found = part;
  return found;
}

function checkOptions(options: ParOptions): ParOptions {
  checkKnown("par()", options, ["threads", "chunks", "simd", "sum"]);
  const { threads, chunks, simd, sum } = options;
  if (threads !== undefined) checkThreads(threads);
  if (chunks !== undefined) checkInteger("chunks", chunks, 1, Infinity);
  if (simd !== undefined && typeof simd !== "boolean")
    throw new TypeError(`Expected simd to be true or false, got ${String(simd)}.`);
  if (sum !== undefined && !["fast", "pairwise", "compensated"].includes(sum))
    throw new RangeError(`Expected sum to be "fast", "pairwise" or "compensated", got ${JSON.stringify(sum)}.`);
  return { ...options };
}

/**
 * Elements of an array that stages and an ending work on with all cores: `par(xs).map(f).filter(g).sum()`.
 *
 * Nothing runs before the ending; then all stages run as one loop over each chunk, and no array between them is made.
 * The functions are shipped with what they capture, once a call. A shared array is read where it is; of any other each
 * thread gets copies of its chunks, so large data belongs into `shared()`.
 * Waits: async; the caller's thread takes no part. Order: results are those of the sequential loop, but for sums of
 * floating-point numbers, which depend on where the chunks end: n elements in k chunks are cut at floor(n*i/k).
 * Throws what a function threw, class kept; CaptureError and NotSendableError before anything runs.
 * Cost: about 0.3 ms a call. Worth it from some milliseconds of work on.
 */
export const par: {
  <T>(xs: ArrayLike<T>, options?: ParOptions): Par<T>;
  /** The whole numbers from `from` up to and without `to`; no array is made. */
  range(from: number, to: number, options?: ParOptions): Par<number>;
} = Object.assign(
  <T>(xs: ArrayLike<T>, options: ParOptions = {}): Par<T> => {
    const length: unknown = (xs as ArrayLike<T> | null | undefined)?.length;
    if (typeof xs === "function" || !Number.isInteger(length) || (length as number) < 0)
      throw new TypeError(
        `par() expects an array or a typed array, got ${typeof xs}: spread an iterable first, [...xs].`,
      );
    return new Pipeline<T>({ length: length as number, array: xs, from: 0 }, checkOptions(options));
  },
  {
    range(from: number, to: number, options: ParOptions = {}): Par<number> {
      checkInteger("the start of the range", from, -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
      checkInteger("the end of the range", to, -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
      return new Pipeline<number>({ length: Math.max(0, to - from), from }, checkOptions(options));
    },
  },
);

inLibrary(import.meta.url, { par, runChunk });
