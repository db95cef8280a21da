// Shared arrays, made, sent, received, given back and forgotten in any order, against plain arrays: no two of them
// overlap, a new one is zeroed, and what a thread writes is what the others read.

import fc from "fast-check";
import { afterAll, expect, it } from "vitest";
import { Pool, scratch, shared } from "../../lib/index.ts";
import { placeOf } from "../../lib/memory/place.ts";

const pool = new Pool({ threads: 2 });
afterAll(() => pool.close());

const TYPES = [Float64Array, Float32Array, Int32Array, Uint8Array] as const;

const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ make: fc.nat({ max: 3 }), length: fc.nat({ max: 90_000 }), again: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ send: fc.nat(), from: fc.double({ min: 0, max: 1, noNaN: true }) }) },
  { weight: 2, arbitrary: fc.record({ drop: fc.nat() }) },
);

it("shared arrays are pieces of memory of their own", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      let live: { array: (typeof TYPES)[number]["prototype"] & Partial<Disposable>; model: number[] }[] = [];
      let mark = 0;
      for (const one of steps) {
        if ("make" in one) {
          const type = TYPES[one.make]! as typeof Float64Array;
          const array = one.again ? scratch(type, one.length) : shared(type, one.length);
          expect(array.every((x) => x === 0)).toBe(true);
          expect(array.byteOffset).toBe(0);
          expect(placeOf(array) !== undefined).toBe(array.byteLength >= 32768);
          mark = (mark % 100) + 1;
          live.push({ array: array.fill(mark), model: new Array<number>(one.length).fill(mark) });
        } else if (live.length === 0) continue;
        else if ("send" in one) {
          const { array, model } = live[one.send % live.length]!;
          const start = Math.floor(one.from * array.length);
          mark = (mark % 100) + 1;
          const part = array.subarray(start);
          const came = await pool.run((it, x) => it.fill(x), part as Float64Array, mark);
          model.fill(mark, start);
          expect(came.byteOffset).toBe(part.byteOffset);
          expect(placeOf(came) !== undefined).toBe(placeOf(array) !== undefined);
        } else {
          const [gone] = live.splice(one.drop % live.length, 1);
          gone!.array[Symbol.dispose]?.();
        }
      }
      for (const { array, model } of live) {
        expect(array.length).toBe(model.length);
        expect((array as Float64Array).every((x, i) => x === model[i])).toBe(true);
      }
      live = [];
    }),
    { numRuns: 60 },
  );
}, 60_000);
