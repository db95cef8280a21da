// Large data that is copied is pointed out, once for each place, and shared data is not.

import { afterAll, afterEach, beforeEach, expect, it } from "vitest";
import { par, Pool, shared } from "../../lib/index.ts";

const pool = new Pool({ threads: 1 });
afterAll(() => pool.close());

const warnings: string[] = [];
const { emitWarning } = process;
beforeEach(() => {
  warnings.length = 0;
  process.emitWarning = (warning: string | Error) => void warnings.push(String(warning));
});
afterEach(() => void (process.emitWarning = emitWarning));

it("tells what is large, where it is captured, and the remedy; once", async () => {
  const table = new Float64Array(1e6);
  for (let i = 0; i < 3; i++) expect(await pool.run((n: number) => table[n]!, i)).toBe(0);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toMatch(
    /^"table", which the closure at .*\.ts:\d+:\d+ captures, is a Float64Array of about 8 MB, .* shared\(\), .* move\(\)\.$/,
  );
});

it("tells arguments, too", async () => {
  expect(await pool.run((list: number[]) => list.length, new Array<number>(3e5).fill(1))).toBe(3e5);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toMatch(/ is an array of about 2 MB, /);
});

it("says nothing of what is shared or small", async () => {
  const xs = shared(Float64Array, 1e6);
  const small = new Float64Array(1000);
  expect(await pool.run(() => xs.length + small.length)).toBe(1e6 + 1000);
  expect(await par(xs).count()).toBe(1e6);
  expect(warnings).toEqual([]);
});
