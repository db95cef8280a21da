// How a pipeline ends: what each chunk gives, and how the partial results become one, always in the order of the chunks.

import { checkFunction } from "../checks.ts";
import { isShared, type Numbers } from "../memory/shared.ts";
import type { Ending, Pair } from "./plan.ts";

export interface EndingCall<R> {
  readonly ending: Ending;
  readonly last?: Function;
  readonly zero?: unknown;
  readonly out?: ArrayLike<unknown>;
  join(parts: readonly unknown[]): R;
}

const added = (parts: readonly unknown[]): number => (parts as readonly number[]).reduce((a, b) => a + b, 0);

const SUMS: Record<"fast" | "pairwise" | "compensated", EndingCall<number>> = {
  fast: { ending: "sum", join: added },
  pairwise: { ending: "sum-pairwise", join: (parts) => pairwise(parts as readonly number[]) },
  compensated: {
    ending: "sum-compensated",
    join(parts) {
      let [total, lost] = [0, 0];
      for (const [part, partLost] of parts as readonly (readonly [number, number])[]) {
        const next = total + part;
        lost += partLost + (Math.abs(total) >= Math.abs(part) ? total - next + part : part - next + total);
        total = next;
      }
      return total + lost;
    },
  },
};

function pairwise(sums: readonly number[]): number {
  if (sums.length <= 2) return (sums[0] ?? 0) + (sums[1] ?? 0);
  const half = sums.length >> 1;
  return pairwise(sums.slice(0, half)) + pairwise(sums.slice(half));
}

export const sumBy = (way: keyof typeof SUMS): EndingCall<number> => SUMS[way];

export const COUNT: EndingCall<number> = { ending: "count", join: added };

type Ordered = number | bigint;

/** NaN, which is not itself, wins. */
const isLess = (a: Ordered, b: Ordered): boolean => a < b || a !== a;
const isMore = (a: Ordered, b: Ordered): boolean => a > b || a !== a;

/** Of two zeros, is the first one this and the other one not? -0 is less than 0, as in Math.min. */
const isZero = (a: Ordered, b: Ordered, zero: number): boolean => b === 0 && Object.is(a, zero) && !Object.is(b, zero);

function best(parts: readonly unknown[], wins: (a: Ordered, b: Ordered) => boolean): unknown {
  let found: Ordered | undefined;
  // A chunk of which nothing was left has none.
  for (const part of parts as readonly (Ordered | undefined)[])
    if (part !== undefined && (found === undefined || wins(part, found))) found = part;
  return found;
}

function placeOfBest(parts: readonly unknown[], wins: (a: Ordered, b: Ordered) => boolean): number | undefined {
  let found: Pair | undefined;
  for (const part of parts as readonly (Pair | undefined)[]) {
    const isFirst = found === undefined || (found[1] === found[1] && wins(part?.[1] as Ordered, found[1] as Ordered));
    if (part !== undefined && isFirst) found = part;
  }
  return found?.[0];
}

export const MIN: EndingCall<unknown> = {
  ending: "min",
  join: (parts) => best(parts, (a, b) => isLess(a, b) || isZero(a, b, -0)),
};
export const MAX: EndingCall<unknown> = {
  ending: "max",
  join: (parts) => best(parts, (a, b) => isMore(a, b) || isZero(a, b, 0)),
};
export const ARGMIN: EndingCall<number | undefined> = {
  ending: "argmin",
  join: (parts) => placeOfBest(parts, isLess),
};
export const ARGMAX: EndingCall<number | undefined> = {
  ending: "argmax",
  join: (parts) => placeOfBest(parts, isMore),
};

export const TO_ARRAY: EndingCall<unknown[]> = {
  ending: "toArray",
  join(parts) {
    const all: unknown[] = [];
    for (const part of parts as readonly ArrayLike<unknown>[]) for (let i = 0; i < part.length; i++) all.push(part[i]);
    return all;
  },
};

export function forEach(f: Function): EndingCall<void> {
  checkFunction("the argument of forEach()", f);
  return { ending: "forEach", last: f, join: () => {} };
}

/** @param given the arguments of reduce() */
export function reduceBy(given: readonly unknown[]): EndingCall<unknown> {
  const [f, zero] = given as [(a: unknown, b: unknown) => unknown, unknown];
  checkFunction("the first argument of reduce()", f);
  if (given.length < 2)
    throw new TypeError(
      "Expected a zero as the second argument of reduce(), from which each chunk starts: 0 to add, 1 to multiply.",
    );
  return {
    ...{ ending: "reduce", last: f, zero },
    join: (parts) => (parts.length === 0 ? zero : parts.reduce((a, b) => f(a, b))),
  };
}

/** @param hasFilter elements have no place of their own any more */
export function into<A extends Numbers>(out: A, length: number, hasFilter: boolean): EndingCall<A> {
  if (!isShared(out))
    throw new TypeError(
      "into() expects an array in shared memory, which all threads can write to: make it with shared(Float64Array, n).",
    );
  if (hasFilter) throw new TypeError("into() can't tell the places of elements after filter(): use toArray().");
  if (out.length !== length)
    throw new RangeError(`into() expects an array of length ${length}, got one of length ${out.length}.`);
  return { ending: "into", out, join: () => out };
}
