// Runs a pipeline over a part of the elements: all stages and the ending in one generated loop, so that V8 compiles it
// for exactly these functions and no intermediate array exists.

import { isThenable } from "../pool/parts.ts";
import { inLibrary } from "../ship/index.ts";

export type Stage = readonly [kind: "map" | "filter", fn: (value: never, index: number) => unknown];
export type Ending =
  "sum" | "sum-pairwise" | "sum-compensated" | "reduce" | "min" | "max" | "count" | "forEach" | "into" | "toArray";

/** What all chunks share. */
export interface Plan {
  readonly stages: readonly Stage[];
  readonly ending: Ending;
  /** The function of `reduce` or `forEach`. */
  readonly last?: Function | undefined;
  readonly zero?: unknown;
  /** Where `into` writes. */
  readonly out?: ArrayLike<unknown> | undefined;
  /** The elements, where all threads see them; "range" where the index is the element. */
  readonly source?: ArrayLike<unknown> | "range" | undefined;
}

export interface Chunk {
  /** First index, in the array of the caller, and how many. */
  readonly first: number;
  readonly length: number;
  /** What a range adds to the index. */
  readonly offset: number;
  /** The elements of this chunk, where they are copied. */
  readonly elements?: ArrayLike<unknown> | undefined;
}

/** A partial sum and its error so far. */
export type PartialSum = readonly [sum: number, lost: number];

type Loop = (
  stages: readonly Function[],
  last: Function | undefined,
  zero: unknown,
  source: ArrayLike<unknown> | undefined,
  from: number,
  to: number,
  shift: number,
  out: ArrayLike<unknown> | undefined,
  wrong: (x: unknown, i: number) => never,
) => unknown;

const BLOCK = 128;

// What these check of each element V8 knows anyway where it adds or compares numbers: the check is compiled to nothing.
const IF_NO_NUMBER = `if(typeof x!=="number")wrong(x,i);`;
const IF_NOT_ORDERED = `if(typeof x!=="number"&&typeof x!=="bigint")wrong(x,i);`;

const ENDINGS: Record<Ending, { before: string; each: string; after: string }> = {
  sum: { before: "let s=0", each: `${IF_NO_NUMBER}s+=x`, after: "return s" },
  // Neumaier: the low bits that each addition loses are kept in a second number.
  "sum-compensated": {
    before: "let s=0,c=0",
    each: IF_NO_NUMBER + "const t=s+x;c+=Math.abs(s)>=Math.abs(x)?(s-t)+x:(x-t)+s;s=t",
    after: "return[s,c]",
  },
  // Blocks are added like the bits of a counter, so that each number takes part in log2(n) additions.
  "sum-pairwise": {
    before: `let s=0,k=0,blocks=0;const sums=[]`,
    each: `${IF_NO_NUMBER}s+=x;if(++k===${BLOCK}){let b=s;for(let m=++blocks;(m&1)===0;m>>=1)b=sums.pop()+b;sums.push(b);s=0;k=0}`,
    after: "while(sums.length>0)s=sums.pop()+s;return s",
  },
  reduce: { before: "let a=zero", each: "a=last(a,x)", after: "return a" },
  // NaN wins, as in Math.min.
  min: { before: "let m", each: `${IF_NOT_ORDERED}if(m===undefined||x<m||x!==x)m=x`, after: "return m" },
  max: { before: "let m", each: `${IF_NOT_ORDERED}if(m===undefined||x>m||x!==x)m=x`, after: "return m" },
  count: { before: "let n=0", each: "n++", after: "return n" },
  forEach: { before: "", each: "last(x,i)", after: "" },
  into: { before: "", each: "out[i]=x", after: "" },
  toArray: { before: "const r=[]", each: "r.push(x)", after: "return r" },
};

interface KnownLoop {
  readonly loop: Loop;
  readonly functions: readonly unknown[];
}

/** By the first function of the pipeline, then by its shape. */
const loops = new WeakMap<object, Map<string, KnownLoop>>();
const NO_FUNCTION = {};
let loopCount = 0;

/**
 * The loop for these functions, already compiled by V8 if it has run with them. Never one that has run with others: V8
 * would no longer inline the calls.
 */
function loopFor({ stages, ending, last, source }: Plan): Loop {
  const isRange = source === "range";
  const functions = [...stages.map(([, fn]) => fn as Function), ...(last ? [last] : [])];
  const first = functions[0] ?? NO_FUNCTION;
  const shapes = loops.get(first) ?? new Map<string, KnownLoop>();
  loops.set(first, shapes);
  const key = `${ending} ${isRange} ${stages.map(([kind]) => kind).join()}`;
  const known = shapes.get(key);
  let loop = known?.functions.every((fn, index) => fn === functions[index]) ? known.loop : undefined;
  if (!loop) {
    const { before, each, after } = ENDINGS[ending];
    const names = stages.map((_, n) => `const f${n}=stages[${n}];`).join("");
    const call = ([, fn]: Stage, n: number): string => `f${n}(x${takesOnlyTheElement(fn) ? "" : ",i"})`;
    const steps = stages
      .map((stage, n) => (stage[0] === "map" ? `x=${call(stage, n)};` : `if(!${call(stage, n)})continue;`))
      .join("");
    const element = isRange ? "j+shift" : "source[j]";
    const index = isRange ? "j" : "j+shift";
    loop = new Function(
      ...["stages", "last", "zero", "source", "from", "to", "shift", "out", "wrong"],
      `"use strict";${names}${before};for(let j=from;j<to;j++){const i=${index};let x=${element};${steps}${each}}${after}` +
        // V8 compiles equal texts once, and what it learned of one loop would hold for its twin.
        `//${++loopCount}`,
    ) as Loop;
    shapes.set(key, { loop, functions });
  }
  return loop;
}

/** V8 inlines a call with more arguments than parameters, too, but the loop around it then takes twice the time. */
function takesOnlyTheElement(fn: Function): boolean {
  const source = String(fn);
  return /^(function\b[^(]*)?\(?\s*[\w$]+\s*\)?\s*(=>|\{)/.test(source) && !source.includes("arguments");
}

export const chunkLoop = (plan: Plan): ((chunk: Chunk) => unknown) => {
  const loop = loopFor(plan);
  const stages = plan.stages.map(([, fn]) => fn as Function);
  const { last, zero, out, source } = plan;
  const wrong = (x: unknown, i: number): never => {
    throw wrongElement(plan.ending, x, i);
  };
  return ({ first, length, offset, elements }) => {
    // `shift` takes a position to the element of a range, or to the index of a copied one.
    if (source === "range") return loop(stages, last, zero, undefined, first, first + length, offset, out, wrong);
    if (elements) return loop(stages, last, zero, elements, 0, length, first, out, wrong);
    return loop(stages, last, zero, source, first, first + length, 0, out, wrong);
  };
};

function wrongElement(ending: Ending, x: unknown, i: number): TypeError {
  const [verb, wanted] = ending.startsWith("sum") ? ["sum", "numbers"] : [ending, "numbers or bigints"];
  const remedy = isThenable(x) ? ": the functions of par() can't be async; pool.map() takes such" : "";
  return new TypeError(`${verb}() takes ${wanted}, got ${kindOf(x)} at index ${i}${remedy}.`);
}

function kindOf(x: unknown): string {
  if (x === undefined || x === null) return String(x);
  if (typeof x !== "object") return `a ${typeof x}`;
  if (Array.isArray(x)) return "an array";
  return isThenable(x) ? "a Promise" : `an object of class ${x.constructor?.name ?? "null"}`;
}

inLibrary(import.meta.url, { chunkLoop });
