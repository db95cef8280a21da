// parSort(): arrays sorted in place on all cores. Which algorithm takes which array; how the steps of one are run.

import { checkBoolean, checkFunction, show } from "../../checks.ts";
import { placeOf } from "../../memory/place.ts";
import { shared, type Numbers } from "../../memory/shared.ts";
import { defaultThreads, loopKernel, parallelFor, parallelForSync, type LoopKernel } from "../../pool/index.ts";
import { inLibrary } from "../../ship/index.ts";
import { checkOptions, type ParOptions } from "../par.ts";
import { areOrderedByDifference, byText, directionOf } from "./comparators.ts";
import { countingSort, type SmallNumbers } from "./counting-sort.ts";
import type { Elements } from "./kernel-module.ts";
import {
  comparatorOf,
  makeMerger,
  mergeSort,
  piecesLength,
  type Compare,
  type MergeGround,
  type Order,
} from "./merge-sort.ts";
import {
  kindOf,
  makeSorter,
  MOST_HERE,
  sampleSort,
  scratchBytes,
  sortHere,
  type Kind,
  type Phase,
} from "./sample-sort.ts";
import { giveScratchBack, takeScratch } from "./scratch.ts";

/** As of `par`; `chunks` and `sum` make no difference here. */
export interface SortOptions extends ParOptions {
  /** Asks for a stable sort. Every one is: with a comparator, and without one equal numbers can't be told apart. */
  stable?: boolean;
}

/** What threads do together, as lib/pool takes it. */
interface Step extends Phase {
  readonly kernel: LoopKernel;
  readonly threads: number;
  readonly operands: readonly object[];
}
/** What has to be done, in order. It goes on when a step is done. */
type Steps<R = void> = Generator<Step, R>;

/** Fewer are not worth telling other threads, nor compiling anything: V8 sorts them. */
const LEAST_COMPARED = 2048;
/** Fewer numbers V8 sorts as quickly. */
const LEAST_NUMBERS = 256;
/** The kernels compare addresses of scratch memory as words with a sign. */
const MOST_SCRATCH = 2 ** 31 - 65536;

const ELEMENTS: Record<string, Elements | "small"> = {
  Float64Array: "f64",
  Float32Array: "f32",
  Int32Array: "i32",
  Uint32Array: "u32",
  Int16Array: "small",
  Uint16Array: "small",
  Int8Array: "small",
  Uint8Array: "small",
};
const classNameOf = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype) as object,
  Symbol.toStringTag,
)!.get!;

// ---- numbers

interface Sorter {
  readonly kind: Kind;
  readonly kernel: LoopKernel;
}
const sorters = new Map<string, Sorter>();

function sorterFor(elements: Elements, descending: boolean): Sorter {
  const name = `${elements} ${descending}`;
  let sorter = sorters.get(name);
  if (!sorter) {
    const kind = kindOf(elements, descending);
    sorter = { kind, kernel: loopKernel("parSort", makeSorter, kind) };
    sorters.set(name, sorter);
  }
  return sorter;
}

/** By the order of TypedArray.prototype.sort, or the reverse. */
function* sortNumbers(xs: Numbers, descending: boolean, threads: number, simd: boolean): Steps {
  const elements = ELEMENTS[classNameOf.call(xs) as string]!;
  if (elements === "small") return countingSort(xs as SmallNumbers, descending);
  if (xs.length < LEAST_NUMBERS) {
    xs.sort();
    if (descending) xs.reverse();
    return;
  }
  const place = placeOf(xs);
  const needed = Math.ceil(scratchBytes(xs.length, threads, elements) / 64) * 64;
  const bytes = needed + (place ? 0 : xs.byteLength);
  const scratch = simd && bytes <= MOST_SCRATCH ? takeScratch(bytes) : undefined;
  if (!scratch) return yield* sortCompared(xs, descending ? (a: number, b: number) => b - a : undefined, threads);

  // Elements that are not where WebAssembly reaches them are copied to where it does.
  const home = place ? xs : new (xs.constructor as Float64ArrayConstructor)(scratch.buffer, needed, xs.length);
  if (!place) home.set(xs);
  const { kind, kernel } = sorterFor(elements, descending);
  const ground = [place ? xs : scratch, scratch] as const;
  const range = { x: home.byteOffset, n: home.length };
  if (home.length <= MOST_HERE) sortHere(kind, ground, range);
  else
    for (const phase of sampleSort(kind, ground, range, threads)) yield { ...phase, kernel, threads, operands: ground };
  if (!place) giveBack(xs, home);
  giveScratchBack(scratch);
}

// ---- by comparator

/** Numbers in the order of `order`: in a copy, which it gives. */
function* compared(numbers: Numbers, order: Order, threads: number): Steps<Numbers> {
  const Class = numbers.constructor as Int32ArrayConstructor;
  if (numbers.length < LEAST_COMPARED) return numbers.slice().sort(comparatorOf(order));
  const ground: MergeGround = [
    shared(Class, numbers),
    shared(Class, numbers.length),
    shared(Int32Array, piecesLength(threads)),
  ];
  const kernel = loopKernel("parSort", makeMerger, order);
  try {
    const phases = mergeSort(order, ground, threads);
    for (let step = phases.next(); ; step = phases.next()) {
      if (step.done) return step.value;
      yield { ...step.value, kernel, threads, operands: ground };
    }
  } finally {
    kernel.release();
  }
}

function* sortCompared(xs: Numbers, compare: Compare | undefined, threads: number): Steps {
  giveBack(xs, yield* compared(xs, { compare }, threads));
}

/** The places of items, in the order of what `compare` says of the items. */
function placesInOrder(items: readonly unknown[], compare: Compare, threads: number): Steps<Numbers> {
  return compared(
    Int32Array.from(items, (_, i) => i),
    { compare, items },
    threads,
  );
}

/** Of an array that was copied. */
function giveBack(xs: Numbers, sorted: ArrayLike<number>): void {
  if (xs.length !== sorted.length)
    throw new TypeError(
      `The array had ${sorted.length} elements when parSort() began, and has ${xs.length} now: it was detached or resized, and is left as it is.`,
    );
  xs.set(sorted);
}

// ---- arrays

function* sortTyped(xs: Numbers, compare: Compare | undefined, { threads, simd }: Settings): Steps {
  const elements = ELEMENTS[classNameOf.call(xs) as string];
  if (!elements) {
    // Classes that shared() doesn't know.
    if (!compare) return void xs.sort();
    const items = [...xs];
    const places = yield* placesInOrder(items, compare, threads);
    return giveBack(
      xs,
      Array.from(places, (place) => items[place]!),
    );
  }
  if (!compare) return yield* sortNumbers(xs, false, threads, simd);
  const direction = directionOf(compare);
  if (direction !== 0 && (!elements.startsWith("f") || areOrderedByDifference(xs)))
    return yield* sortNumbers(xs, direction < 0, threads, simd);
  yield* sortCompared(xs, compare, threads);
}

/** As Array.prototype.sort: what is undefined comes last, and then what is missing. */
function* sortPlain(xs: unknown[], compare: Compare | undefined, settings: Settings): Steps {
  const { length } = xs;
  const items: unknown[] = [];
  let there = 0;
  for (let i = 0; i < length; i++) {
    if (!(i in xs)) continue;
    const item = xs[i];
    there++;
    if (item !== undefined) items.push(item);
  }
  const sorted = yield* sortDefined(items, compare, settings);
  if (xs.length !== length)
    throw new TypeError(
      `The array had ${length} elements when parSort() began, and has ${xs.length} now: it is left as it is.`,
    );
  for (let i = 0; i < there; i++) xs[i] = i < sorted.length ? sorted[i] : undefined;
  for (let i = there; i < length; i++) Reflect.deleteProperty(xs, i);
}

function* sortDefined(items: unknown[], compare: Compare | undefined, settings: Settings): Steps<ArrayLike<unknown>> {
  const { threads } = settings;
  if (compare && items.every((item) => typeof item === "number")) {
    const numbers = Float64Array.from(items);
    yield* sortTyped(numbers, compare, settings);
    return numbers;
  }
  const texts = compare ? items : items.map((item) => `${item as string}`);
  const places = yield* placesInOrder(texts, compare ?? byText, threads);
  return Array.from(places, (place) => items[place]);
}

// ---- what is called

interface Settings {
  readonly threads: number;
  readonly simd: boolean;
}

function stepsFor(xs: unknown, compare: Compare | undefined, options: SortOptions): Steps {
  if (!Array.isArray(xs) && (!ArrayBuffer.isView(xs) || xs instanceof DataView))
    throw new TypeError(
      `parSort() expects an array or a typed array, got ${show(xs)}: spread an iterable first, [...xs].`,
    );
  if (compare !== undefined) checkFunction("the comparator of parSort()", compare);
  if (Object.prototype.toString.call(compare) === "[object AsyncFunction]")
    throw new TypeError(
      "Expected the comparator of parSort() to give a number, got an async function, which gives a promise.",
    );
  const { threads = defaultThreads(), simd = true, stable = true } = checkOptions("parSort()", options, ["stable"]);
  checkBoolean("stable", stable);
  if (Array.isArray(xs)) return sortPlain(xs as unknown[], compare, { threads, simd });
  if (xs.buffer instanceof ArrayBuffer && xs.buffer.detached)
    throw new TypeError(
      "parSort() can't sort an array that has no memory any more: its buffer was moved to another thread.",
    );
  return sortTyped(xs as Numbers, compare, { threads, simd });
}

/**
 * Sorts an array in place on all threads, and gives that array.
 *
 * Without a comparator: numbers upwards, -0 before 0 and NaN last, as TypedArray.prototype.sort; a plain array by its
 * elements' texts, as Array.prototype.sort. With one: stably, as both do, whether or not `stable` says so; undefined comes
 * last, and holes after it. The comparator is shipped with what it captures; `(a, b) => a - b` and `(a, b) => b - a` are
 * known, and as quick as none. A comparator that contradicts itself gives some order of the same elements.
 * Waits: async; the calling thread plans, and does all of it below 32769 numbers, or 2048 compared elements.
 * Order: what was written before the call is sorted, and the result is seen by who awaits it.
 * Throws what the comparator threw, class kept; CaptureError and NotSendableError before anything runs;
 * ThreadCrashedError; TypeError for bad arguments and for an array that was detached or resized meanwhile. The array is
 * then as it was; only where a thread dies while numbers are sorted may they be in another order, none lost.
 * Cost: 10 bytes more for each number of 8, or twice the array with a comparator; numbers that are not in a large
 * `shared()` array are copied there and back; of a plain array each thread gets a copy. 10 to 30 ms once for each type.
 * When to use: from some ten thousand numbers on. Gotcha: [10, 9] without a comparator stays as it is, by its texts.
 * @example
 * const xs = shared(Float64Array, [3, 1, 2]);
 * console.log([...(await parSort(xs))]); // [1, 2, 3]
 * await parSort(people, (a, b) => a.age - b.age);
 */
export async function parSort<A extends Numbers | unknown[]>(
  xs: A,
  compare?: Compare,
  options: SortOptions = {},
): Promise<A> {
  const steps = stepsFor(xs, compare, options);
  for (let step = steps.next(); !step.done;) {
    const { kernel, ...call } = step.value;
    let failure: { error: unknown } | undefined;
    await parallelFor(kernel, call).catch((error: unknown) => (failure = { error }));
    step = failure ? steps.throw(failure.error) : steps.next();
  }
  return xs;
}

/**
 * As `parSort`, but blocks: the calling thread takes part.
 *
 * Waits: blocks until all is sorted; that a thread dies is noticed. Everything else as `parSort`.
 * @example
 * const xs = shared(Int32Array, [3, 1, 2]);
 * console.log([...parSortSync(xs, (a, b) => b - a)]); // [3, 2, 1]
 */
export function parSortSync<A extends Numbers | unknown[]>(xs: A, compare?: Compare, options: SortOptions = {}): A {
  const steps = stepsFor(xs, compare, options);
  for (let step = steps.next(); !step.done;) {
    const { kernel, ...call } = step.value;
    let failure: { error: unknown } | undefined;
    try {
      parallelForSync(kernel, call);
    } catch (error) {
      failure = { error };
    }
    step = failure ? steps.throw(failure.error) : steps.next();
  }
  return xs;
}

inLibrary(import.meta.url, { parSort, parSortSync });
