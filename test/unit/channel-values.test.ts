// What comes out of a channel is what a task would get as an argument: each kind of value, by each way through.

import { afterAll, describe, expect, it } from "vitest";
import {
  AtomicI64,
  Channel,
  Guarded,
  move,
  Mutex,
  Pool,
  select,
  selectAsync,
  Semaphore,
  shared,
  ThreadLocal,
  type Case,
} from "../../lib/index.ts";

const pool = new Pool({ threads: 1 });
afterAll(() => pool.close());

class Point {
  x: number;
  constructor(x: number) {
    this.x = x;
  }
  twice(): number {
    return this.x * 2;
  }
}
class Tagged extends Array<number> {
  tag = "t";
}
class Oops extends RangeError {
  code = 5;
}
const base = 40;
const loop: { self?: unknown; n: number } = { n: 1 };
loop.self = loop;
const twin = { n: 1 };
const cells = shared(Int32Array, 2);
const words = new Int32Array(new SharedArrayBuffer(16), 4, 2);
const mutex = new Mutex();
const primitives = [new Semaphore(3), new AtomicI64(7n), new Guarded({ n: 1 })];

/** Each time another one: what is moved is gone. */
const VALUES: Record<string, () => unknown> = {
  "a number": () => 1.5,
  "-0": () => -0,
  NaN: () => NaN,
  "a large number": () => 2 ** 60,
  "a bigint": () => -(2n ** 100n),
  "a text": () => "ü\u{1F600}",
  "half a character": () => "\ud83d",
  undefined: () => undefined,
  null: () => null,
  true: () => true,
  "a symbol of all": () => Symbol.for("all"),
  "a well-known symbol": () => Symbol.iterator,
  "an object": () => ({ a: { b: [1, "x", null, undefined] }, "": 0 }),
  "an object without a prototype": () => Object.assign(Object.create(null) as object, { n: 1 }),
  "one with __proto__ as its own": () => JSON.parse('{"__proto__": 1}') as object,
  "one with a getter": () => Object.defineProperty({ n: 1 }, "later", { get: () => 7, enumerable: true }),
  "a circle": () => loop,
  "one twice": () => [twin, twin],
  "an array with holes": () => Object.assign(new Array(4), { 1: "x", more: 1 }),
  "a long array": () => Array.from({ length: 20_000 }, (_, n) => n / 3),
  "a date": () => new Date(5),
  "a regular expression": () => /x/gi,
  "a map": () => new Map<unknown, unknown>([[{ k: 1 }, new Set([1])]]),
  "a boxed number": () => Object(5) as object,
  "an error": () => new TypeError("told", { cause: new Error("why") }),
  "an error of one's own": () => new Oops("no"),
  "errors in one": () => new AggregateError([new Error("a")], "all"),
  "a typed array": () => new Float32Array([1.5, NaN]),
  "a part of one": () => new Uint8Array([1, 2, 3, 4]).subarray(1, 3),
  "a view": () => new DataView(new ArrayBuffer(4), 1, 2),
  "a buffer": () => new Uint8Array([1, 2]).buffer,
  "a Buffer": () => Buffer.from("abc"),
  "a moved array": () => move(new Float64Array([1, 2])),
  "a moved Buffer": () => move(Buffer.from(new ArrayBuffer(4))),
  "a function": () => (n: number) => n + base,
  "a class": () => Point,
  "an instance": () => new Point(4),
  "instances in a map": () => new Map([["p", [new Point(1), new Point(2)]]]),
  "a subclass of Array": () => Tagged.of(1, 2),
  "a function of all": () => Math.max,
  "what node:path is": () => process.getBuiltinModule("node:path"),
  "shared cells": () => cells,
  "shared memory": () => words,
  "a bare SharedArrayBuffer": () => words.buffer,
  "a mutex": () => mutex,
  primitives: () => primitives,
  "a value for each thread": () => new ThreadLocal(() => 5),
  "a URL": () => new URL("http://a.b/c?d=1#e"),
  "a channel": () => new Channel<number>(3),
};

/** What a value is like, as text: kinds, classes, properties, sameness within. */
function likeness(value: unknown): string {
  const seen = new Map<unknown, number>();
  const like = (one: unknown): string => {
    if (Object.is(one, -0)) return "-0";
    if (typeof one === "bigint") return `${one}n`;
    if (typeof one === "string") return JSON.stringify(one);
    if (typeof one === "function")
      return `${String(one)} ${one.length === 1 && one.name === "" ? String((one as (n: number) => number)(2)) : ""}`;
    if (typeof one !== "object" || one === null) return String(one);
    const before = seen.get(one);
    if (before !== undefined) return `#${before}`;
    seen.set(one, seen.size);
    const parts = [(one.constructor as Function | undefined)?.name ?? "null"];
    if (one instanceof Error) parts.push(one.name, one.message);
    if (one instanceof Date || one instanceof Number) parts.push(String(one.valueOf()));
    if (one instanceof RegExp || one instanceof URL) parts.push(String(one));
    if (one instanceof Point) parts.push(String(one.twice()));
    if (one instanceof Semaphore) parts.push(String(one.available));
    if (one instanceof AtomicI64) parts.push(String(one.load()));
    if (one instanceof Channel) parts.push(String(one.capacity));
    if (one instanceof Map || one instanceof Set) parts.push(like([...(one as Set<unknown>)]));
    if (one instanceof ArrayBuffer || one instanceof SharedArrayBuffer) parts.push([...new Uint8Array(one)].join());
    if (one instanceof DataView) parts.push(`${one.byteOffset} ${one.byteLength}`);
    if (one instanceof Array) parts.push(String(one.length));
    const isBytes = ArrayBuffer.isView(one);
    if (isBytes) parts.push([...new Uint8Array(one.buffer, one.byteOffset, one.byteLength)].join());
    for (const key of isBytes ? [] : Object.getOwnPropertyNames(one)) {
      const { get, value: own } = Object.getOwnPropertyDescriptor(one, key)!;
      if (key !== "stack") parts.push(`${key}: ${get ? `get ${String(get)}` : like(own)}`);
    }
    return `{${parts.join(" | ")}}`;
  };
  return like(value);
}

/** Sends, while somebody receives or has room; gives what came. */
const WAYS: Record<string, (value: unknown) => Promise<unknown>> = {
  async "a channel with room"(value) {
    const channel = new Channel<unknown>(1);
    channel.send(value);
    return channel.recv();
  },
  async "a channel without a limit"(value) {
    const channel = new Channel<unknown>(Infinity);
    await channel.sendAsync(value);
    return channel.recvAsync();
  },
  async "a batch"(value) {
    const channel = new Channel<unknown>(8, { batch: 2 });
    channel.sendMany([1, value]);
    return [channel.recv(), channel.recv()][1];
  },
  async "a rendezvous"(value) {
    const channel = new Channel<unknown>();
    const coming = channel.recvAsync();
    channel.send(value);
    return coming;
  },
  async "a select"(value) {
    const channel = new Channel<unknown>(1);
    select([channel.onSend(value, () => 1)]);
    return select([channel.onRecv((one) => one) as Case<unknown>]);
  },
  async "selects that meet"(value) {
    const channel = new Channel<unknown>();
    const coming = selectAsync([channel.onRecv((one) => one) as Case<unknown>]);
    await selectAsync([channel.onSend(value, () => 1)]);
    return coming;
  },
};

describe.each(Object.entries(WAYS))("%s gives as a task's argument", (_, through) => {
  it.each(Object.entries(VALUES))("%s", async (__, make) => {
    const [there, here] = [await pool.run((one) => one, make() as object), await through(make())];
    expect(likeness(here)).toBe(likeness(there));
    const original = make();
    // Not for what is made anew, or moved.
    if (original === make() && (typeof there !== "object" || there === original)) expect(here).toBe(there);
  });
});

it.each([1, 0])("a message of 10 MB, and many of one, with a capacity of %i", async (capacity) => {
  const [channel, back] = [new Channel<Uint8Array | string>(capacity), new Channel<number>(1)];
  const summing = pool.run(() => {
    for (const one of channel) back.send(typeof one === "string" ? one.length : one.reduce((a, b) => a + b, 0));
  });
  await channel.sendAsync(new Uint8Array(10 * 2 ** 20).fill(1));
  expect(await back.recvAsync()).toBe(10 * 2 ** 20);
  await channel.sendAsync("ab".repeat(5 * 2 ** 20));
  expect(await back.recvAsync()).toBe(10 * 2 ** 20);
  // More than its memory holds at a time.
  for (let n = 0; n < 100; n++) {
    await channel.sendAsync(new Uint8Array(2 ** 20).fill(n));
    expect(await back.recvAsync()).toBe(n * 2 ** 20);
  }
  channel.close();
  await summing;
});
