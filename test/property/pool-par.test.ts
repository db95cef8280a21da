import fc from "fast-check";
import { afterAll, expect, it } from "vitest";
import { par, Pool, setThreads, shared } from "../../lib/index.ts";

const pool = new Pool({ threads: 2 });
setThreads(2);
afterAll(() => pool.close());

it("pool.map is Array.map", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.jsonValue(), { maxLength: 40 }),
      fc.option(fc.integer({ min: 1, max: 50 }), { nil: undefined }),
      fc.jsonValue(),
      async (items, chunk, captured) => {
        const f = (item: unknown, i: number): unknown => [item, i, captured];
        expect(await pool.map(items, f, chunk === undefined ? {} : { chunk })).toEqual(items.map(f));
      },
    ),
    { numRuns: 150 },
  );
});

it("values come back as they went", async () => {
  const value = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withTypedArray: true,
    withSparseArray: true,
    withNullPrototype: true,
  });
  await fc.assert(
    fc.asyncProperty(value, async (sent) => {
      // With a function beside it the value is taken apart by the encoder instead of going as plain data.
      const holder = { sent, f: (): number => 1 };
      expect(await pool.run((v: unknown) => v, sent)).toEqual(sent);
      expect((await pool.run((h: typeof holder) => h, holder)).sent).toEqual(sent);
    }),
    { numRuns: 300 },
  );
});

it("sums, counts and selections of integers are those of a loop, for any cut", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: -1e6, max: 1e6 }), { maxLength: 300 }),
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1, max: 5 }),
      fc.boolean(),
      async (numbers, chunks, modulus, isShared) => {
        const xs = isShared ? shared(Float64Array, numbers) : numbers;
        const stages = par<number>(xs, { chunks })
          .map((x, i) => x * 2 + i)
          .filter((x) => x % modulus === 0);
        const expected = numbers.map((x, i) => x * 2 + i).filter((x) => x % modulus === 0);
        expect(await stages.toArray()).toEqual(expected);
        expect(await stages.sum()).toBe(expected.reduce((a, b) => a + b, 0));
        expect(await stages.min()).toBe(expected.length === 0 ? undefined : Math.min(...expected));
        expect(await stages.reduce((a, b) => Math.max(a, b), -Infinity)).toBe(Math.max(...expected));
      },
    ),
    { numRuns: 60 },
  );
});
