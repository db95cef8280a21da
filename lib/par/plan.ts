// What the threads need to know of a pipeline, and what each of them makes of it: a loop over a part of the elements.
//
// A plan holds the functions and the ending; it is shipped once to each thread and remembered. What changes from call to
// call, the arrays and where a range starts, are its operands. From both a thread makes a Loop, by the maker that `choose`
// (choose.ts) has named for the call: the generated JavaScript loop (chunk-loop.ts), or another one that gives the same.

export type Stage = readonly [kind: "map" | "filter", fn: (value: never, index: number) => unknown];

export type Ending =
  | "sum"
  | "sum-pairwise"
  | "sum-compensated"
  | "reduce"
  | "min"
  | "max"
  | "argmin"
  | "argmax"
  | "count"
  | "forEach"
  | "into"
  | "toArray";

export type Backend = "simd" | "js";

/** What all calls of a pipeline share. */
export interface Plan {
  readonly backend: Backend;
  readonly stages: readonly Stage[];
  readonly ending: Ending;
  /** The function of `reduce` or `forEach`. */
  readonly last?: Function | undefined;
  readonly zero?: unknown;
  /** What the maker of this backend needs besides: made by `choose`, shipped along. */
  readonly kernel?: unknown;
}

/** What one call works on. */
export interface Operands {
  /** "range": element i is offset + i. "rows": element i is the subarray of `cols` elements from i * cols on. */
  readonly kind: "array" | "range" | "rows";
  /** The elements, or the matrix. Typed arrays are in shared memory. */
  readonly source: ArrayLike<unknown> | undefined;
  readonly offset: number;
  readonly cols: number;
  /** Where `into` writes, in shared memory. */
  readonly out: ArrayLike<unknown> | undefined;
}

/** A partial sum and the bits that it has lost; or a place and what is there. */
export type Pair = readonly [number, unknown];

/**
 * Works on the elements from `first` up to and without `end`, one chunk of the grid, and gives its partial result:
 * a number for the sums and `count`, a Pair for "sum-compensated" (sum, lost), "argmin" and "argmax" (index, value; undefined
 * of nothing), the value for "min" and "max" (undefined of nothing), what has been reduced so far, an array for "toArray",
 * undefined for "forEach" and "into". The caller joins the partial results in the order of the chunks.
 */
export type Loop = (first: number, end: number) => unknown;

export type LoopMaker = (plan: Plan, operands: Operands) => Loop;
