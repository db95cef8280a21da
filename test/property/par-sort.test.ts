import fc from "fast-check";
import { afterAll, expect, it } from "vitest";
import { parSort, parSortSync, setThreads, shared } from "../../lib/index.ts";

setThreads(2);
afterAll(() => setThreads(1));

const CLASSES = [Float64Array, Float32Array, Int32Array, Uint32Array, Int16Array, Uint8Array] as const;
/** Short ones, and long ones made of a few: of each length and kind of repetition. */
const values = (value: fc.Arbitrary<number>): fc.Arbitrary<number[]> =>
  fc.oneof(
    fc.array(value, { maxLength: 300 }),
    fc
      .tuple(fc.array(value, { minLength: 1, maxLength: 300 }), fc.nat(40_000), fc.nat(7))
      .map(([some, length, stride]) => Array.from({ length }, (_, i) => some[(i * stride + (i >> 5)) % some.length]!)),
  );

it("numbers come out as from TypedArray.prototype.sort, bit for bit", async () => {
  await fc.assert(
    fc.asyncProperty(
      values(fc.double()),
      fc.constantFrom(...CLASSES),
      fc.integer({ min: 1, max: 4 }),
      fc.boolean(),
      async (numbers, Class, threads, simd) => {
        const xs = shared(Class as never, numbers) as Float64Array;
        const expected = new Class(numbers).sort();
        await parSort(xs, undefined, { threads, simd });
        expect(xs.findIndex((x, i) => !Object.is(x, expected[i]))).toBe(-1);
      },
    ),
    { numRuns: 150 },
  );
});

it("elements come out as from Array.prototype.sort, equal ones in their order", async () => {
  await fc.assert(
    fc.asyncProperty(
      values(fc.integer({ min: 0, max: 50 })),
      fc.integer({ min: 1, max: 13 }),
      fc.boolean(),
      async (numbers, modulus, blocks) => {
        const tagged = numbers.map((key, id) => ({ key, id }));
        const compare = (a: { key: number }, b: { key: number }): number => (b.key % modulus) - (a.key % modulus);
        const expected = [...tagged].sort(compare);
        const sorted = blocks ? parSortSync([...tagged], compare) : await parSort([...tagged], compare);
        expect(sorted.findIndex((x, i) => x !== expected[i])).toBe(-1);
      },
    ),
    { numRuns: 60 },
  );
});

it("a comparator that says anything loses nothing", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(6000),
      fc.array(fc.constantFrom(-1, 0, 1, NaN), { minLength: 1, maxLength: 20 }),
      async (n, answers) => {
        const xs = shared(
          Int32Array,
          Array.from({ length: n }, (_, i) => i),
        );
        await parSort(xs, (a: number, b: number) => answers[(a * 31 + b) % answers.length]!);
        xs.sort();
        expect(xs.findIndex((x, i) => x !== i)).toBe(-1);
      },
    ),
    { numRuns: 60 },
  );
});
