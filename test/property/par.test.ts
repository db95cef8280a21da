// Every ending of par(), blocking and not, against the plain array: all element types, adversarial floats, lengths around the
// edges of chunks, any cut and number of threads.

import fc from "fast-check";
import { afterAll, expect, it } from "vitest";
import { par, setThreads, shared, type Par, type ParOptions } from "../../lib/index.ts";

setThreads(2);
afterAll(() => setThreads(1));

const CHUNKS = 128;
const KINDS = [
  ...[Float64Array, Float32Array, Int32Array, Uint32Array, Int16Array, Uint16Array, Int8Array, Uint8Array],
  ...[Uint8ClampedArray, Array],
] as const;

const length = fc.oneof(
  fc.constantFrom(0, 1, 2, 127, 128, 129, 255, 256, 257, 383, 4999),
  fc.integer({ min: 0, max: 600 }),
);
const number = fc.oneof(
  fc.double(),
  fc.integer({ min: -1000, max: 1000 }),
  fc.constantFrom(NaN, 0, -0, Infinity, -Infinity, 5e-324, 2 ** 53, -(2 ** 31), 1e308),
);
/** Some numbers again and again make an array of any length. */
const elements = fc
  .tuple(length, fc.array(number, { minLength: 1, maxLength: 20 }))
  .map(([n, some]) => Array.from({ length: n }, (_, i) => some[(i * 7 + (i >> 5)) % some.length]!));
const options = fc.record(
  {
    threads: fc.integer({ min: 1, max: 3 }),
    chunks: fc.integer({ min: 1, max: 300 }),
    simd: fc.boolean(),
  },
  { requiredKeys: [] },
);

function arrayOf(numbers: number[], kind: (typeof KINDS)[number], isShared: boolean): ArrayLike<number> {
  if (kind === Array) return numbers;
  if (isShared && kind !== Uint8ClampedArray) return shared(kind as typeof Float64Array, numbers);
  return new (kind as Float64ArrayConstructor)(numbers);
}

/** Each chunk left to right, then the chunks in order. */
function sumOf(xs: readonly (number | undefined)[], { chunks = CHUNKS }: ParOptions): number {
  const cut = Math.min(chunks, xs.length);
  let sum = 0;
  for (let c = 0; c < cut; c++) {
    let part = 0;
    const end = Math.floor((xs.length * (c + 1)) / cut);
    for (let i = Math.floor((xs.length * c) / cut); i < end; i++) if (xs[i] !== undefined) part += xs[i]!;
    sum += part;
  }
  return sum;
}

/** As Math.min has it, of any number of elements. */
const least = (xs: readonly number[]): number | undefined =>
  xs.length === 0 ? undefined : xs.reduce((a, b) => Math.min(a, b));
const most = (xs: readonly number[]): number | undefined =>
  xs.length === 0 ? undefined : xs.reduce((a, b) => Math.max(a, b));

function placeOf(xs: readonly (number | undefined)[], isBetter: (a: number, b: number) => boolean): number | undefined {
  let at: number | undefined;
  for (const [i, x] of xs.entries()) {
    if (x === undefined) continue;
    const best = at === undefined ? undefined : xs[at]!;
    if (best === undefined || (!Number.isNaN(best) && (isBetter(x, best) || Number.isNaN(x)))) at = i;
  }
  return at;
}

it("all endings give what a plain array gives", async () => {
  await fc.assert(
    fc.asyncProperty(
      elements,
      fc.constantFrom(...KINDS),
      fc.boolean(),
      options,
      fc.constantFrom("as it is", "mapped", "filtered"),
      async (numbers, kind, isShared, how, stages) => {
        const xs = arrayOf(numbers, kind, isShared);
        let pipeline: Par<number> = par(xs, how);
        // What is left, each at its place.
        let left: (number | undefined)[] = Array.from(xs);
        if (stages !== "as it is") {
          pipeline = pipeline.map((x, i) => x * 2 + (i % 3));
          left = left.map((x, i) => x! * 2 + (i % 3));
        }
        if (stages === "filtered") {
          pipeline = pipeline.filter((x) => x !== 4 && x % 5 !== 1);
          left = left.map((x) => (x !== 4 && x! % 5 !== 1 ? x : undefined));
        }
        const values = left.filter((x) => x !== undefined);
        expect(pipeline.toArraySync()).toEqual(values);
        expect(await pipeline.toArray()).toEqual(values);
        expect([pipeline.countSync(), await pipeline.count()]).toEqual([values.length, values.length]);
        expect([pipeline.minSync(), await pipeline.min()]).toEqual([least(values), least(values)]);
        expect([pipeline.maxSync(), await pipeline.max()]).toEqual([most(values), most(values)]);
        const [first, last] = [placeOf(left, (a, b) => a < b), placeOf(left, (a, b) => a > b)];
        expect([pipeline.argminSync(), await pipeline.argmin()]).toEqual([first, first]);
        expect([pipeline.argmaxSync(), await pipeline.argmax()]).toEqual([last, last]);
        if (how.simd === false) {
          expect(pipeline.sumSync()).toBe(sumOf(left, how));
          expect(await pipeline.sum()).toBe(sumOf(left, how));
        } else expect(pipeline.sumSync()).toBe(await pipeline.sum());
        const longest = (a: number, b: number): number => (Math.abs(b) > Math.abs(a) ? b : a);
        expect(pipeline.reduceSync(longest, 0)).toBe(values.reduce(longest, 0));
        expect(await pipeline.reduce(longest, 0)).toBe(values.reduce(longest, 0));
        if (stages === "filtered") return;
        for (const Out of [Float64Array, Float32Array, Int32Array, Uint32Array, Uint8Array] as const) {
          const expected = new (Out as Float64ArrayConstructor)(values as number[]);
          const out = shared(Out as typeof Float64Array, values.length);
          pipeline.intoSync(out);
          expect([...out]).toEqual([...expected]);
          await pipeline.into(out.fill(0));
          expect([...out]).toEqual([...expected]);
        }
      },
    ),
    { numRuns: 120 },
  );
});

it("elements of any kind come back in order, each met once", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.jsonValue({ maxDepth: 2 }), { maxLength: 300 }),
      fc.integer({ min: 1, max: 300 }),
      async (values, chunks) => {
        const met = shared(Int32Array, values.length);
        const seen = par(values, { chunks }).map((x, i) => {
          Atomics.add(met, i, 1);
          return [i, x] as const;
        });
        expect(seen.toArraySync()).toEqual(values.map((x, i) => [i, x]));
        expect([...met]).toEqual(values.map(() => 1));
        expect(await seen.toArray()).toEqual(values.map((x, i) => [i, x]));
        expect([...met]).toEqual(values.map(() => 2));
        const bigs = BigInt64Array.from(values, (_, i) => BigInt(i * i - 50));
        expect(par(bigs).maxSync()).toBe(
          bigs.reduce<bigint | undefined>((a, b) => (a !== undefined && a > b ? a : b), undefined),
        );
        expect(par(bigs, { chunks }).reduceSync((a, b) => a + b, 0n)).toBe(bigs.reduce((a, b) => a + b, 0n));
      },
    ),
    { numRuns: 60 },
  );
});

it("the first element that throws is the one that is told, for any cut", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 700 }),
      fc.array(fc.integer({ min: 0, max: 699 }), { minLength: 1, maxLength: 5 }),
      options,
      async (n, places, how) => {
        const bad = shared(Uint8Array, 700);
        for (const place of places) bad[place] = 1;
        const first = Math.min(...places);
        const pipeline = par.range(0, n, how).map((x) => {
          if (bad[x] === 1) throw new RangeError(`at ${x}`);
          return x;
        });
        const told = [await pipeline.sum().catch((e: unknown) => e as any)];
        try {
          told.push(pipeline.sumSync());
        } catch (error) {
          told.push(error);
        }
        for (const error of told)
          if (first >= n) expect(error).toBe((n * (n - 1)) / 2);
          else expect([error.constructor, error.message, error.index]).toEqual([RangeError, `at ${first}`, first]);
      },
    ),
    { numRuns: 100 },
  );
});
