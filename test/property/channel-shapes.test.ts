// What a channel learns of the messages before never changes a message: it comes as it does by a channel that has learned
// nothing, whatever came before it.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Channel } from "../../lib/index.ts";

/** What is received for a value, in full: classes, keys in their order, hidden ones, accessors, what is met twice. */
function told(value: unknown, met: unknown[] = []): unknown {
  if (typeof value === "function") return `function ${value.name}`;
  if (typeof value !== "object" || value === null) return Object.is(value, -0) ? "-0" : value;
  if (met.includes(value)) return `the same as ${met.indexOf(value)}`;
  met.push(value);
  const entries = Reflect.ownKeys(value).map((key) => {
    const { value: data, get, enumerable } = Object.getOwnPropertyDescriptor(value, key)!;
    return [String(key), enumerable, told(data, met), told(get, met)];
  });
  const held = value instanceof Map || value instanceof Set ? told([...value], met) : undefined;
  const time = value instanceof Date ? value.getTime() : undefined;
  return [Object.getPrototypeOf(value)?.constructor?.name, entries, held, time];
}

function sent(channel: Channel<unknown>, value: unknown): unknown {
  try {
    expect(channel.trySend(value)).toBe(true);
  } catch (error) {
    return String(error);
  }
  const got = channel.tryRecv();
  return told(got.ok ? got.value : got);
}

const key = fc.oneof(
  fc.constantFrom("id", "name", "__proto__", "constructor", "0", "7", "a b", '"', "\\", "\u2028"),
  fc.string(),
);
const primitive = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.constantFrom(0, -0, NaN, 2 ** 31, -(2 ** 31), 1e300),
  fc.string({ unit: "binary" }),
  fc.string({ unit: "binary", minLength: 60, maxLength: 200 }),
  fc.string({ minLength: 30, maxLength: 200 }),
  fc.constantFrom(undefined, null, true, false),
);
const list = fc.oneof(
  fc.array(fc.double()),
  fc.array(fc.string()),
  fc.array(fc.boolean()),
  fc.array(primitive),
  fc.array(fc.integer(), { minLength: 100, maxLength: 2000 }),
);
const dictionary = (value: fc.Arbitrary<unknown>): fc.Arbitrary<object> =>
  fc
    .uniqueArray(fc.tuple(key, value), { selector: ([name]) => name, maxLength: 5 })
    .map((entries) => Object.fromEntries(entries));
const plain = dictionary(fc.oneof(primitive, list, dictionary(fc.oneof(primitive, dictionary(primitive)))));

class Point {
  x = 1;
}

/** What no schema says, in the place of a field, or done to the whole. */
const ODD: readonly ((value: Record<string, unknown>, name: string) => unknown)[] = [
  (value, name) => ({ ...value, [name]: 5n }),
  (value, name) => ({ ...value, [name]: Object.assign([1], { 2: 3 }) }),
  (value, name) => ({ ...value, [name]: Object.assign([1, 2], { extra: 1 }) }),
  (value, name) => ({ ...value, [name]: Object.defineProperty([1, 2], "extra", { value: 1 }) }),
  (value, name) => ({ ...value, [name]: Object.assign([1, 2], { [Symbol.for("extra")]: 1 }) }),
  (value, name) => ({ ...value, [name]: Object.freeze([1, 2]) }),
  (value, name) => ({ ...value, [name]: Object.setPrototypeOf([1, 2], Object.create(Array.prototype) as object) }),
  (value, name) => ({ ...value, [name]: [{ x: 1 }, [2]] }),
  (value, name) => ({ ...value, [name]: new Float64Array([1, 2]) }),
  (value, name) => ({ ...value, [name]: new Date(5) }),
  (value, name) => ({ ...value, [name]: new Map([[1, 2]]) }),
  (value, name) => ({ ...value, [name]: new Point() }),
  (value, name) => ({ ...value, [name]: Object.create(null) as object }),
  (value, name) => ({ ...value, [name]: value, again: value }),
  (value, name) =>
    Object.defineProperty({ ...value }, name, { get: function get() {}, enumerable: true, configurable: true }),
  (value, name) => Object.defineProperty({ ...value }, name, { value: 1, enumerable: false, configurable: true }),
  (value, name) => Object.defineProperty({ ...value }, name, { value: value[name], writable: false }),
  (value) => Object.assign({ ...value }, { [Symbol.for("more")]: 1 }),
  (value) => Object.assign({ ...value }, { [Symbol("own")]: 1 }),
  (value) => Object.freeze({ ...value }),
  (value) =>
    Object.defineProperty({ ...value }, Object.keys(value)[0] ?? "id", { get: function get() {}, enumerable: true }),
  (value) => Object.assign(Object.create(null) as object, value),
  (value) => Object.assign(new Point(), value),
  (value) => Object.assign(Object.create({ inherited: 1 }) as object, value),
  (value) => new Proxy(value, {}),
  (value) => {
    const around: Record<string, unknown> = { ...value };
    return Object.assign(around, { around });
  },
  (value) => Object.fromEntries(Object.entries(value).reverse()),
  // What is alike in it is one and the same.
  (value) => {
    const first = new Map<boolean, unknown>();
    return Object.fromEntries(
      Object.entries(value).map(([name, one]) => {
        if (typeof one !== "object" || one === null) return [name, one];
        if (!first.has(Array.isArray(one))) first.set(Array.isArray(one), one);
        return [name, first.get(Array.isArray(one))];
      }),
    );
  },
];
const regular = fc.constant({ a: undefined, b: { x: 1 }, c: { x: 2 }, d: [1, 2], e: [3], f: "f" });

describe("what is sent after many like it", () => {
  it("comes as it would alone", () => {
    fc.assert(
      fc.property(fc.array(plain, { minLength: 1, maxLength: 4 }), fc.boolean(), (values, isMixed) => {
        const channel = new Channel<unknown>(1);
        for (let n = 0; n < 60; n++) {
          const value = values[isMixed && n > 40 ? n % values.length : Math.floor((n * values.length) / 60)];
          expect(sent(channel, value)).toEqual(sent(new Channel(1), value));
        }
      }),
      { numRuns: 60 },
    );
  });

  it("comes as it would alone where only its values are of other kinds", () => {
    const field = fc.oneof(primitive, list, dictionary(primitive));
    const alike = fc.array(fc.record({ a: field, b: field, c: fc.record({ d: field }) }), {
      minLength: 40,
      maxLength: 80,
    });
    fc.assert(
      fc.property(alike, (values) => {
        const channel = new Channel<unknown>(1);
        for (const value of values) expect(sent(channel, value)).toEqual(sent(new Channel(1), value));
      }),
      { numRuns: 40 },
    );
  });

  it("comes as it would alone where it is no plain object any more", () => {
    fc.assert(
      fc.property(fc.oneof(regular, plain), fc.constantFrom(...ODD), fc.nat(), (value, change, at) => {
        const channel = new Channel<unknown>(1);
        for (let n = 0; n < 40; n++) sent(channel, value);
        const names = Object.keys(value);
        const odd = change(value as Record<string, unknown>, names[at % names.length] ?? "id");
        for (let n = 0; n < 3; n++) {
          expect(sent(channel, odd)).toEqual(sent(new Channel(1), odd));
          expect(sent(channel, value)).toEqual(told(value));
        }
      }),
      { numRuns: 800 },
    );
  });
});
