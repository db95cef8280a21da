import { describe, expect, it } from "vitest";
import { compile } from "../../lib/par/sort/compile.ts";
import { directionOf } from "../../lib/par/sort/comparators.ts";
import { kindOf, makeSorter, sampleSort, scratchBytes, type Phase } from "../../lib/par/sort/sample-sort.ts";
import { giveScratchBack, takeScratch } from "../../lib/par/sort/scratch.ts";
import { shared } from "../../lib/index.ts";
import { Instance, Memory, Module } from "../../lib/wasm.ts";

declare function at(p: number, i: number): bigint;
declare function put(p: number, i: number, key: bigint): void;
declare function half(p: number, i: number): number;
declare function setHalf(p: number, i: number, value: number): void;
declare function element(x: number, i: number): bigint;
declare function setElement(x: number, i: number, bits: bigint): void;
declare function zeros(value: number): number;
declare function shifted(key: bigint, by: bigint): bigint;
declare function low(key: bigint): number;
declare function twice(key: bigint): bigint;
declare const LIMIT: number;

const memory = new Memory({ initial: 1, maximum: 1, shared: true });
const other = new Memory({ initial: 1, maximum: 1, shared: true });

function run<F extends Function>(fn: F, keyBytes: 4 | 8 = 8, more: Function[] = []): F {
  const bytes = compile({
    functions: [fn, ...more],
    keyBytes,
    macros: { twice: (key: bigint) => key + key },
    constants: { LIMIT: 10 },
  });
  const instance = new Instance(new Module(bytes), { env: { scratch: memory, elements: other } });
  return (instance.exports as Record<string, F>)[fn.name]!;
}

describe("the compiler of the kernels", () => {
  it("does arithmetic of words as JavaScript does, wrapping round", () => {
    function mix(a: number, b: number): number {
      let c = a * b + (a ^ b) - ((a << 3) | (b >>> 7));
      c += (a >> 2) & b;
      c -= -a;
      return c + zeros(b) + (a < b ? 1 : 0) * 1000 + (a >= b ? 7 : 9) + (a !== b && !(b > LIMIT) ? 1 : 0);
    }
    const byHand = (a: number, b: number): number =>
      (((Math.imul(a, b) + (a ^ b) - ((a << 3) | (b >>> 7))) | 0) +
        ((a >> 2) & b) +
        a +
        Math.clz32(b) +
        (a < b ? 1 : 0) * 1000 +
        (a >= b ? 7 : 9) +
        (a !== b && !(b > 10) ? 1 : 0)) |
      0;
    const compiled = run(mix);
    for (const a of [0, 1, -1, 5, 1000, 2 ** 31 - 1, -(2 ** 31), 123456789])
      for (const b of [0, 1, -1, 7, -63, 64, -65, 2 ** 30])
        expect([a, b, compiled(a, b)]).toEqual([a, b, byHand(a, b)]);
  });

  it("runs loops, with break, continue and calls, in their order", () => {
    function odd(n: number): number {
      let sum = 0;
      for (let i = 0; i < n; i++) {
        if (i % 2 === 0) continue;
        if (i > 20) break;
        let j = 0;
        do {
          j++;
          if (j === 3) break;
        } while (j < i);
        while (j > 0) {
          sum += j;
          j--;
        }
      }
      return sum + rest(n);
    }
    function rest(n: number): number {
      if (n <= 1 || n === 77) return 1;
      else n -= 1;
      return n * rest(n);
    }
    expect([0, 1, 2, 7].map((n) => run(odd, 8, [rest])(n))).toEqual([1, 1, 2, 13 + 720]);
  });

  it("reads and writes keys of both sizes, and both memories", () => {
    function move(n: number): void {
      for (let i = 0; i < n; i++) {
        put(64, i, twice(element(0, i)));
        setElement(1024, i, at(64, i) ^ -1n);
        setHalf(4096, i, low(shifted(at(64, i), 1n)) + half(4096, i));
      }
    }
    const halves = new Uint16Array(memory.buffer, 4096, 3).fill(1);
    new BigInt64Array(other.buffer, 0, 3).set([5n, -6n, 2n ** 62n]);
    run(move)(3);
    expect([...new BigInt64Array(other.buffer, 1024, 3)]).toEqual([-11n, 11n, 2n ** 63n - 1n]);
    expect([...halves]).toEqual([6, 65531, 1]);
    new Int32Array(other.buffer, 0, 3).set([5, -6, 2 ** 30]);
    run(move, 4)(3);
    expect([...new Int32Array(other.buffer, 1024, 3)]).toEqual([-11, 11, 2 ** 31 - 1]);
  });

  it("refuses what it doesn't know", () => {
    const refused: [Function, RegExp][] = [
      [
        function f(a: number): number {
          return Math.abs(a);
        },
        /no function|can't hold/,
      ],
      [
        function f(a: number): number {
          return a / 2;
        },
        /no operator \//,
      ],
      [
        function f(): number {
          return at(0, 0) as never;
        },
        /can't hold this CallExpression/,
      ],
      [
        function f(a: number): number {
          switch (a) {
          }
          return a;
        },
        /can't hold this SwitchStatement/,
      ],
      [
        function f(): number {
          return nowhere;
        },
        /no variable nowhere/,
      ],
    ];
    for (const [fn, message] of refused) expect(() => run(fn)).toThrow(message);
  });
});
declare const nowhere: number;

it("comparators that are a difference are known by their text, and no others", () => {
  const known: [(a: number, b: number) => number, number][] = [
    [(a, b) => a - b, 1],
    [(a, b) => b - a, -1],
    [
      (x, $y) => {
        return x - $y;
      },
      1,
    ],
    [
      function down(left: number, right: number): number {
        return right - left;
      },
      -1,
    ],
    [(a, b) => a - b || 1, 0],
    [(a, b) => a - b - 1, 0],
    [(a) => a - a, 0],
    [(a, b) => a - b + a, 0],
    [(a, b) => (a < b ? -1 : 1), 0],
    [Math.atan2, 0],
    [((a: number, b: number) => a - b).bind(undefined), 0],
    [new Proxy((a: number, b: number) => a - b, { apply: () => 1 }), 0],
    [Object.assign((a: number, b: number) => a + b, { toString: () => "(a, b) => a - b" }), 0],
  ];
  for (const [compare, direction] of known)
    expect([String(compare), directionOf(compare)]).toEqual([String(compare), direction]);
});

it("scratch memory serves again, and never two at a time", () => {
  const first = takeScratch(5 * 2 ** 20)!;
  const second = takeScratch(100)!;
  expect(second.buffer).not.toBe(first.buffer);
  giveScratchBack(first);
  expect(takeScratch(4 * 2 ** 20)).toBe(first);
  giveScratchBack(first);
  expect(takeScratch(first.byteLength + 4)!.byteLength).toBeGreaterThan(first.byteLength);
});

it("a thread that dies among the buckets leaves the same numbers behind", () => {
  const n = 100_000;
  const kind = kindOf("f64", false);
  const values = Array.from({ length: n }, (_, i) => (i % 3 === 0 ? 7 : (i * 7919) % n));
  const expected = new Float64Array(values).sort();
  for (const stage of ["before", "after some", "within one"]) {
    const xs = shared(Float64Array, values);
    const scratch = shared(Int32Array, scratchBytes(n, 2, "f64") / 4) as never;
    const ground = [xs, scratch] as const;
    const run = makeSorter(kind);
    const phases = sampleSort(kind, ground, { x: 0, n }, 2);
    let step = phases.next();
    const all = (): void => {
      for (let part = 0; part < (step.value as Phase).parts; part++) run(part, (step.value as Phase).args, ground);
    };
    // Classify and scatter: then the buckets are next.
    for (let phase = 0; phase < 2; phase++) {
      all();
      step = phases.next();
    }
    if (stage !== "before") {
      // What has the first buckets in its hand never comes to them.
      (scratch as Int32Array)[0] = 8;
      all();
      expect(firstDifference(xs, expected)).toBeGreaterThanOrEqual(0);
    }
    if (stage === "within one") xs.fill(-1, 0, 5);
    expect(() => phases.throw(new Error("died"))).toThrow("died");
    expect([stage, firstDifference(xs.sort(), expected)]).toEqual([stage, -1]);
  }
});

function firstDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  for (let i = 0; i < b.length; i++) if (!Object.is(a[i], b[i])) return i;
  return -1;
}
