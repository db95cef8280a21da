// Functions that come again and again: a thread makes one of them, and its memory doesn't grow with their number.

import { expect, it } from "vitest";
import { Pool } from "../../lib/index.ts";
import { findById, knownId, remember } from "../../lib/ship/identity.ts";

it("a function that stands for one id after the other keeps the last only", () => {
  const fn = (): void => {};
  remember(fn, "elsewhere/1");
  remember(fn, "elsewhere/2");
  expect(knownId(fn)).toBe("elsewhere/2");
  expect(findById("elsewhere/2")).toBe(fn);
  expect(findById("elsewhere/1")).toBeUndefined();
});

/** Functions of which each mentions some of those before, by their numbers; the last one. */
function web(size: number, mentions: (i: number) => number[]): (x: number) => number {
  const text = Array.from({ length: size }, (_, i) => {
    const calls = mentions(i).map((j) => `f${j}(x)`);
    return `const f${i} = (x) => x > 1e9 ? ${[...calls, "x"].join("+")} : x + ${i};`;
  });
  return new Function(`${text.join("\n")} return f${size - 1};`)() as (x: number) => number;
}

it.each<[string, number, (i: number) => number[]]>([
  ["each calls the one before", 300, (i) => (i > 0 ? [i - 1] : [])],
  ["each calls the two before", 60, (i) => (i > 1 ? [i - 1, i - 2] : [])],
  ["each calls all before", 30, (i) => [...Array(i).keys()]],
  ["all call each other", 20, () => [...Array(20).keys()]],
])("functions of which %s cross in no time", async (_, size, mentions) => {
  await using pool = new Pool({ threads: 1, maxHeapMb: 500 });
  const f = web(size, mentions);
  expect(await pool.map([1], f, { timeoutMs: 10_000 })).toEqual([size]);
});

it("functions that differ in a constant or in what they call are told apart", async () => {
  await using pool = new Pool({ threads: 1 });
  const add = (n: unknown) => (x: string) => x + String(n) + typeof n;
  const twice = (f: (x: string) => string, g: (x: string) => string) => (x: string) => f(g(x));
  const [a, b, c] = [add(1), add("1"), add(-0)];
  const fs = [a, b, c, twice(a, a), twice(a, b), twice(b, a), twice(b, b)];
  for (let round = 0; round < 2; round++) for (const f of fs) expect(await pool.run(f, "x")).toBe(f("x"));
});

it("the same closure is the same function in the thread each time", async () => {
  await using pool = new Pool({ threads: 1 });
  const k = 2;
  const make = (): ((x: number) => number) => (x) => helper(x) * k;
  const helper = (x: number): number => x + k;
  const seen = (f: Function): number => {
    const holder = globalThis as { seen?: Set<Function> };
    return (holder.seen ??= new Set()).add(f).size;
  };
  for (let i = 0; i < 3; i++) expect(await pool.run(seen, make())).toBe(1);
});
