// The parts of the pool's engine against simple models.

import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { expect, it } from "vitest";
import { Deque } from "../../lib/engine/deque.ts";
import { SmallValueReader, SmallValueWriter } from "../../lib/ship/small-values.ts";
import { Queue } from "../../lib/pool/queue.ts";

const ROOM = 600;
const AT = 7;
const memory = new Uint8Array(new SharedArrayBuffer(ROOM + 2 * AT));
const writer = new SmallValueWriter(memory.buffer);
const reader = new SmallValueReader(memory.buffer);

/** What crosses, if it is short: no key is a symbol, nothing is met twice. */
const primitive = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.constantFrom(-0, NaN, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 8 }).map((units) => String.fromCharCode(...units)),
  fc.boolean(),
  fc.constantFrom(null, undefined),
);
const key = fc.oneof(fc.string({ maxLength: 6 }), fc.constantFrom("__proto__", "length", "0", "constructor", "é", "€"));
const { value: plain } = fc.letrec((tie) => ({
  value: fc.oneof({ depthSize: "small" }, primitive, tie("array"), tie("object")),
  array: fc.array(tie("value"), { maxLength: 6 }),
  object: fc.array(fc.tuple(key, tie("value")), { maxLength: 5 }).map((entries) => Object.fromEntries(entries)),
}));

/** As `isDeepStrictEqual`, which takes an own property __proto__ for the prototype. */
function isSame(a: unknown, b: unknown): boolean {
  if (typeof a !== "object" || a === null || typeof b !== "object" || b === null) return Object.is(a, b);
  const keys = Reflect.ownKeys(a);
  return (
    Object.getPrototypeOf(a) === Object.getPrototypeOf(b) &&
    Array.isArray(a) === Array.isArray(b) &&
    isDeepStrictEqual(keys, Reflect.ownKeys(b)) &&
    keys.every((name) => {
      const [one, other] = [a, b].map((of) => Object.getOwnPropertyDescriptor(of, name)!) as [
        PropertyDescriptor,
        PropertyDescriptor,
      ];
      return one.enumerable === other.enumerable && "value" in other && isSame(one.value, other.value);
    })
  );
}

function depthOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

it("small plain values come back as they went; whether they fit is a matter of room alone", () => {
  fc.assert(
    fc.property(plain, fc.integer({ min: 0, max: ROOM }), (value, room) => {
      memory.fill(0xaa);
      const fits = writer.write(value, AT, AT + room);
      if (fits) expect(isSame(reader.read(AT), value)).toBe(true);
      expect(memory.subarray(0, AT).every((byte) => byte === 0xaa)).toBe(true);
      expect(memory.subarray(AT + room).every((byte) => byte === 0xaa)).toBe(true);
      // With more room it fits still.
      if (fits) expect(writer.write(value, AT, AT + ROOM)).toBe(true);
      const more = new Uint8Array(1 << 16);
      expect(new SmallValueWriter(more.buffer).write(value, 0, more.length)).toBe(depthOf(value) <= 8);
    }),
    { numRuns: 2000 },
  );
});

it("values of any kind come back as they went, or are refused", () => {
  let crossed = 0;
  fc.assert(
    fc.property(
      fc.anything({
        withBigInt: true,
        withBoxedValues: true,
        withDate: true,
        withMap: true,
        withNullPrototype: true,
        withObjectString: true,
        withSet: true,
        withSparseArray: true,
        withTypedArray: true,
        withUnicodeString: true,
      }),
      (value) => {
        if (!writer.write(value, AT, AT + ROOM)) return;
        crossed++;
        expect(isSame(reader.read(AT), value)).toBe(true);
      },
    ),
    { numRuns: 2000 },
  );
  expect(crossed).toBeGreaterThan(100);
});

it("a deque is an array of which the oldest goes first, with a limit", () => {
  const step = fc.oneof(
    fc.integer({ min: 1, max: 12 }).map((count) => ({ push: count, take: 0 })),
    fc.integer({ min: 1, max: 12 }).map((count) => ({ push: 0, take: count })),
  );
  const counter = fc.oneof(fc.integer(), fc.integer({ min: 2 ** 31 - 30, max: 2 ** 31 - 1 }), fc.integer({ max: 0 }));
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 5 }), counter, fc.array(step, { maxLength: 60 }), (log, start, steps) => {
      const capacity = 2 ** log;
      const words = new Int32Array(new SharedArrayBuffer(Deque.words(capacity) * 4));
      words[0] = words[16] = start;
      const deque = new Deque(words, 0, capacity);
      const model: number[] = [];
      let next = 0;
      for (const { push, take } of steps) {
        for (let i = 0; i < push; i++, next++) {
          expect(deque.push(next)).toBe(model.length < capacity);
          if (model.length < capacity) model.push(next);
        }
        for (let i = 0; i < take; i++) {
          const announced: number[] = [];
          const expected = model.shift() ?? -1;
          expect(deque.take((item) => announced.push(item))).toBe(expected);
          expect(announced).toEqual(expected === -1 ? [] : [expected]);
        }
        expect(deque.isEmpty).toBe(model.length === 0);
      }
    }),
    { numRuns: 500 },
  );
});

it("a queue is an array of which the oldest goes first", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -20, max: 20 }), { maxLength: 100 }), (steps) => {
      const queue = new Queue<number | undefined>();
      const model: (number | undefined)[] = [];
      let next = 0;
      for (const step of steps) {
        for (let i = 0; i < step; i++, next++) {
          // Also one that looks like nothing.
          const item = next % 5 === 0 ? undefined : next;
          queue.push(item);
          model.push(item);
        }
        for (let i = 0; i > step; i--) {
          expect(queue.length).toBe(model.length);
          expect(queue.shift()).toBe(model.shift());
        }
        expect(queue.length).toBe(model.length);
      }
    }),
    { numRuns: 500 },
  );
});
