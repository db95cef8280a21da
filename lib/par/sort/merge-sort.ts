// The sort by a comparator: a stable merge sort, of which runs and merges run on all threads.
//
// Runs are sorted from the bottom up, groups of eight by insertion. A merge is cut into pieces that give equally much: where
// is found by a binary search over both inputs (S. Odeh, O. Green, Z. Mwassi, O. Shmueli, Y. Birk, "Merge Path", 2012).
// The calling thread finds all cuts, and each begins where the one before it ends. So what a comparator says that is
// inconsistent, or random, changes the order, and never loses an element or takes one twice; and no loop depends on it.
//
// It works on a copy. If the comparator throws or a thread dies, the array is as it was.

import { inLibrary } from "../../library.ts";
import type { Numbers } from "../../memory/shared.ts";
import type { Phase } from "./sample-sort.ts";

// oxlint-disable-next-line typescript/no-explicit-any
export type Compare = (a: any, b: any) => number;

/** The order. */
export interface Order {
  /** Without one the numbers are in the order of TypedArray.prototype.sort. */
  readonly compare: Compare | undefined;
  /** What is compared, where the numbers that are sorted are its indices. */
  readonly items?: readonly unknown[] | undefined;
}

/** Where: the numbers, room for as many, and from where to where each piece of a merge goes. */
export type MergeGround = readonly [a: Numbers, b: Numbers, pieces: Int32Array];

const [RUN, MERGE] = [0, 1] as const;
const PIECE = 5;
type Piece = readonly [i: number, iEnd: number, j: number, jEnd: number, k: number];

type Loops = { readonly sortRun: typeof sortRun; readonly merge: typeof merge };
/** What is read and written: V8 compiles the loops for the one kind that they meet. */
type Cells = Record<number, never>;

/** Merges from[i … iEnd) and from[j … jEnd) to `to`, from k on. Of equal ones those of i come first. */
function merge(
  from: Cells,
  to: Cells,
  i: number,
  iEnd: number,
  j: number,
  jEnd: number,
  k: number,
  compare: Compare,
): void {
  if (i < iEnd && j < jEnd && compare(from[j], from[iEnd - 1]) < 0) {
    let x = from[i]!;
    let y = from[j]!;
    for (;;) {
      if (compare(y, x) < 0) {
        to[k++] = y;
        if (++j === jEnd) break;
        y = from[j]!;
      } else {
        to[k++] = x;
        if (++i === iEnd) break;
        x = from[i]!;
      }
    }
  }
  while (i < iEnd) to[k++] = from[i++]!;
  while (j < jEnd) to[k++] = from[j++]!;
}

/** Sorts a[first … last), with room in b. */
function sortRun(a: Cells, b: Cells, first: number, last: number, compare: Compare): void {
  let ordered = first + 1;
  while (ordered < last && !(compare(a[ordered], a[ordered - 1]) < 0)) ordered++;
  if (ordered >= last) return;
  if (ordered === first + 1) {
    while (ordered < last && compare(a[ordered], a[ordered - 1]) < 0) ordered++;
    for (let i = first, j = ordered - 1; i < j; i++, j--) [a[i], a[j]] = [a[j]!, a[i]!];
    if (ordered >= last) return;
  }
  for (let start = first; start < last; start += 8) {
    const stop = Math.min(start + 8, last);
    for (let i = start + 1; i < stop; i++) {
      const x = a[i]!;
      let j = i;
      for (; j > start && compare(x, a[j - 1]) < 0; j--) a[j] = a[j - 1]!;
      a[j] = x;
    }
  }
  let [from, to] = [a, b];
  for (let width = 8; width < last - first; width *= 2) {
    for (let start = first; start < last; start += width * 2) {
      const middle = Math.min(start + width, last);
      merge(from, to, start, middle, middle, Math.min(middle + width, last), start, compare);
    }
    [from, to] = [to, from];
  }
  if (from !== a) for (let i = first; i < last; i++) a[i] = from[i]!;
}

/**
 * How many of the first k that a merge of from[i …iEnd) and from[j … jEnd) gives are of the first of them; at least
 * `atLeast`, at most `atMost`.
 */
function cut(
  from: Cells,
  [i, j]: readonly [number, number],
  k: number,
  [atLeast, atMost]: readonly [number, number],
  compare: Compare,
): number {
  while (atLeast < atMost) {
    const middle = (atLeast + atMost) >>> 1;
    if (compare(from[j + k - middle - 1], from[i + middle]) < 0) atMost = middle;
    else atLeast = middle + 1;
  }
  return atLeast;
}

const loops = new WeakMap<Compare, Loops>();
let loopCount = 0;

/** The loops for this comparator, not those of another: V8 would no longer inline the calls. */
function loopsFor(compare: Compare): Loops {
  let own = loops.get(compare);
  if (!own) {
    // V8 compiles equal texts once, and what it learned of one would hold for its twin.
    own = new Function(`${merge}\n${sortRun}\nreturn { merge, sortRun } // ${++loopCount}`)() as Loops;
    loops.set(compare, own);
  }
  return own;
}

/** The order of TypedArray.prototype.sort: -0 before 0, NaN last. */
function inOrder(a: number, b: number): number {
  if (a < b) return -1;
  if (a > b) return 1;
  if (a !== a) return b !== b ? 0 : 1;
  if (b !== b) return -1;
  return a === 0 ? Number(Object.is(b, -0)) - Number(Object.is(a, -0)) : 0;
}

export function comparatorOf({ compare = inOrder, items }: Order): Compare {
  return items ? (i: number, j: number) => compare(items[i], items[j]) : compare;
}

/** What each thread does of a phase. Made once for each thread. */
export function makeMerger(
  order: Order,
): (part: number, args: readonly number[], operands: readonly unknown[]) => void {
  const compare = comparatorOf(order);
  const own = loopsFor(compare);
  return (part, [phase, n, runs], operands) => {
    const [a, b, pieces] = operands as unknown as MergeGround;
    if (phase === RUN) {
      const first = Math.floor((n! * part) / runs!);
      const last = Math.floor((n! * (part + 1)) / runs!);
      if (order.compare) own.sortRun(a as never, b as never, first, last, compare);
      else a.subarray(first, last).sort();
    } else {
      const [from, to] = n === 0 ? [a, b] : [b, a];
      const [i, iEnd, j, jEnd, k] = pieces.subarray(part * PIECE, (part + 1) * PIECE) as unknown as Piece;
      own.merge(from as never, to as never, i, iEnd, j, jEnd, k, compare);
    }
  };
}

/** Runs, a power of two. */
function runsOf(threads: number): number {
  return threads === 1 ? 1 : 2 ** Math.ceil(Math.log2(threads * 4));
}

/** The length of `pieces` for so many threads. */
export function piecesLength(threads: number): number {
  return runsOf(threads) * PIECE;
}

/** What the threads have to do so that the elements of `a` are sorted. Gives the array that they are in at the end. */
export function* mergeSort(order: Order, [a, b, pieces]: MergeGround, threads: number): Generator<Phase, Numbers> {
  const compare = comparatorOf(order);
  const n = a.length;
  const most = runsOf(threads);
  const bound = (run: number): number => Math.floor((n * run) / most);
  yield { parts: most, args: [RUN, n, most] };
  let [from, to] = [a, b];
  for (let width = 1; width < most; width *= 2) {
    const each = width * 2; // pieces of a merge: as many as it has runs
    let at = 0;
    for (let run = 0; run < most; run += each) {
      const [start, middle, end] = [bound(run), bound(run + width), bound(run + each)];
      let [done, ofFirst] = [0, 0];
      for (let piece = 1; piece <= each; piece++) {
        const k = Math.floor(((end - start) * piece) / each);
        const atLeast = Math.max(ofFirst, k - (end - middle));
        const atMost = Math.min(ofFirst + k - done, middle - start);
        const next = cut(from as never, [start, middle], k, [atLeast, atMost], compare);
        pieces.set(
          [start + ofFirst, start + next, middle + done - ofFirst, middle + k - next, start + done],
          at++ * PIECE,
        );
        [done, ofFirst] = [k, next];
      }
    }
    yield { parts: most, args: [MERGE, from === a ? 0 : 1] };
    [from, to] = [to, from];
  }
  return from;
}

inLibrary(import.meta.url, { makeMerger });
