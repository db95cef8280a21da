// Runs a pipeline over a part of the elements: all stages and the ending in one generated loop, so that V8 compiles it
// for exactly these functions and no intermediate array exists. The maker of loops for the backend "js" (plan.ts).

import { isThenable } from "../pool/parts.ts";
import type { Ending, Loop, Operands, Plan, Stage } from "./plan.ts";

type Generated = (
  stages: readonly Function[],
  last: Function | undefined,
  zero: unknown,
  source: ArrayLike<unknown> | undefined,
  offset: number,
  cols: number,
  out: ArrayLike<unknown> | undefined,
  wrong: (x: unknown, i: number) => never,
  placed: (error: unknown, index: number) => unknown,
  first: number,
  end: number,
) => unknown;

const BLOCK = 128;

// What these check of each element V8 knows anyway where it adds or compares numbers: the check is compiled to nothing.
const IF_NO_NUMBER = `if(typeof x!=="number")wrong(x,i);`;
const IF_NOT_ORDERED = `if(typeof x!=="number"&&typeof x!=="bigint")wrong(x,i);`;

const ifPromise = (x: string): string =>
  `if(typeof ${x}==="object"&&${x}!==null&&typeof ${x}.then==="function")wrong(${x},i);`;

/** How the next element is reached, by the kind of the operands. */
const ELEMENTS: Record<Operands["kind"], string> = {
  array: "source[i]",
  range: "i+offset",
  rows: "source.subarray(i*cols,(i+1)*cols)",
};

const best = (than: "<" | ">"): string =>
  `${IF_NOT_ORDERED}if(m===undefined||x${than}m||x!==x||(x===0&&m===0&&1/x${than}1/m))m=x`;

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
  reduce: { before: "let a=zero", each: `a=last(a,x);${ifPromise("a")}`, after: "return a" },
  // NaN wins, and -0 is less than 0, as in Math.min.
  min: { before: "let m", each: best("<"), after: "return m" },
  max: { before: "let m", each: best(">"), after: "return m" },
  // The first of several; the first NaN, if there is one.
  argmin: {
    before: "let m,at=-1",
    each: `${IF_NOT_ORDERED}if(at<0||(m===m&&(x<m||x!==x))){m=x;at=i}`,
    after: "return at<0?undefined:[at,m]",
  },
  argmax: {
    before: "let m,at=-1",
    each: `${IF_NOT_ORDERED}if(at<0||(m===m&&(x>m||x!==x))){m=x;at=i}`,
    after: "return at<0?undefined:[at,m]",
  },
  count: { before: "let n=0", each: "n++", after: "return n" },
  forEach: { before: "", each: `x=last(x,i);${ifPromise("x")}`, after: "" },
  into: { before: "", each: "out[i]=x", after: "" },
  toArray: { before: "const r=[]", each: "r.push(x)", after: "return r" },
};

interface KnownLoop {
  readonly loop: Generated;
  readonly functions: readonly unknown[];
}

/** By the first function of the pipeline, then by its shape. */
const loops = new WeakMap<object, Map<string, KnownLoop>>();
const NO_FUNCTION = {};
let loopCount = 0;

/**
 * The loop for these functions, already compiled by V8 if it has run with them. Never one that has run with others, or
 * over another class of arrays: V8 would no longer inline the calls and the reads.
 */
function loopFor({ stages, ending, last }: Plan, { kind, source, out }: Operands): Generated {
  const functions = [...stages.map(([, fn]) => fn as Function), ...(last ? [last] : [])];
  const first = functions[0] ?? NO_FUNCTION;
  const shapes = loops.get(first) ?? new Map<string, KnownLoop>();
  loops.set(first, shapes);
  const classes = `${source?.constructor?.name} ${out?.constructor?.name}`;
  const key = `${ending} ${kind} ${classes} ${stages.map(([step]) => step).join()}`;
  const known = shapes.get(key);
  if (known?.functions.every((fn, index) => fn === functions[index])) return known.loop;
  const { before, each, after } = ENDINGS[ending];
  const names = stages.map((_, n) => `const f${n}=stages[${n}];`).join("");
  const call = ([, fn]: Stage, n: number): string => `f${n}(x${takesOnlyTheElement(fn) ? "" : ",i"})`;
  const steps = stages
    .map((stage, n) =>
      stage[0] === "map"
        ? `x=${call(stage, n)};${ifPromise("x")}`
        : `const t${n}=${call(stage, n)};${ifPromise(`t${n}`)}if(!t${n})continue;`,
    )
    .join("");
  const loop = new Function(
    ...["stages", "last", "zero", "source", "offset", "cols", "out", "wrong", "placed", "first", "end"],
    `"use strict";${names}${before};let i=first;try{for(;i<end;i++){let x=${ELEMENTS[kind]};${steps}${each}}}` +
      `catch(e){throw placed(e,i)}${after}` +
      // V8 compiles equal texts once, and what it learned of one loop would hold for its twin.
      `//${++loopCount}`,
  ) as Generated;
  shapes.set(key, { loop, functions });
  return loop;
}

/** V8 inlines a call with more arguments than parameters, too, but the loop around it then takes twice the time. */
function takesOnlyTheElement(fn: Function): boolean {
  const source = String(fn);
  return /^(function\b[^(]*)?\(?\s*[\w$]+\s*\)?\s*(=>|\{)/.test(source) && !source.includes("arguments");
}

export const chunkLoop = (plan: Plan, operands: Operands): Loop => {
  const loop = loopFor(plan, operands);
  const stages = plan.stages.map(([, fn]) => fn as Function);
  const { last, zero } = plan;
  const { source, offset, cols, out } = operands;
  const wrong = (x: unknown, i: number): never => {
    throw wrongElement(plan.ending, x, i);
  };
  return (first, end) => loop(stages, last, zero, source, offset, cols, out, wrong, placed, first, end);
};

/** An error says at which element it was thrown; that of a loop inside of another has said so already. */
function placed(error: unknown, index: number): unknown {
  if (error instanceof Error && !("index" in error) && Object.isExtensible(error)) {
    Object.defineProperty(error, "index", { value: index, writable: true, configurable: true });
    error.stack += `\n    at element ${index} of par()`;
  }
  return error;
}

function wrongElement(ending: Ending, x: unknown, i: number): TypeError {
  const [verb, wanted] = ending.startsWith("sum")
    ? ["sum", "numbers"]
    : [ending, isOrdering(ending) ? "numbers or bigints" : "values"];
  const remedy = isThenable(x) ? ": the functions of par() can't be async; pool.map() takes such" : "";
  return new TypeError(`${verb}() takes ${wanted}, got ${kindOf(x)} at index ${i}${remedy}.`);
}

const isOrdering = (ending: Ending): boolean => /^(arg)?(min|max)$/.test(ending);

function kindOf(x: unknown): string {
  if (x === undefined || x === null) return String(x);
  if (typeof x !== "object") return `a ${typeof x}`;
  if (Array.isArray(x)) return "an array";
  return isThenable(x) ? "a Promise" : `an object of class ${x.constructor?.name ?? "null"}`;
}
