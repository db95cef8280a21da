import { afterAll, describe, expect, it } from "vitest";
import { par, setThreads, shared, type Numbers } from "../../lib/index.ts";
import type { Ending, Operands, Stage } from "../../lib/par/plan.ts";
import { chunkLoop } from "../../lib/par/chunk-loop.ts";
import { type Kernel, kernelLoop } from "../../lib/par/simd/kernel.ts";
import { prepare } from "../../lib/par/simd/prepare.ts";

setThreads(2);
afterAll(() => setThreads(1));

// From 32 KiB on an array has a memory of its own.
const N = 8197;
const numbers = (f: (i: number) => number, n = N): number[] => Array.from({ length: n }, (_, i) => f(i));
const doubles = shared(
  Float64Array,
  numbers((i) => (i - 4000) * 0.37),
);
const floats = shared(Float32Array, doubles);
const ints = shared(
  Int32Array,
  numbers((i) => Math.imul(i, 0x9e3779b1)),
);
const matrix = shared(
  Float64Array,
  numbers((i) => Math.sin(i) * 10, 100 * 50),
);

type Fn = (x: never, i: number) => unknown;
interface Case {
  readonly source?: Numbers | "range";
  readonly out?: Numbers;
  readonly offset?: number;
  readonly ending?: Ending;
  readonly last?: Function;
  readonly zero?: unknown;
  readonly first?: number;
  readonly end?: number;
}

function operandsOf({ source = doubles, out, offset = 0 }: Case): Operands {
  const isRange = source === "range";
  return { kind: isRange ? "range" : "array", source: isRange ? undefined : source, offset, cols: 0, out };
}

function planOf(stages: readonly Stage[], { ending = "into", last, zero }: Case) {
  return { stages, ending, last, zero };
}

const whyNot = (fn: Fn, of: Case = {}): Kernel | string =>
  prepare(planOf([["map", fn]], of), operandsOf({ out: shared(Float64Array, N), ...of }));

/** Both loops write, and what they write is the same. */
function same(fn: Fn, of: Case = {}): Kernel {
  const like = of.out ?? doubles;
  const { first = 3, end = N - 2 } = of;
  const [one, two] = [0, 1].map(() => shared(like.constructor as Float64ArrayConstructor, N).fill(-1));
  const stages: Stage[] = [["map", fn]];
  const plan = planOf(stages, of);
  const kernel = prepare(plan, operandsOf({ ...of, out: one! }));
  if (typeof kernel === "string") throw new Error(`No kernel of ${fn}: ${kernel}`);
  kernelLoop({ ...plan, backend: "simd", kernel }, operandsOf({ ...of, out: one! }))(first, end);
  chunkLoop({ ...plan, backend: "js" }, operandsOf({ ...of, out: two! }))(first, end);
  for (let i = 0; i < N; i++)
    if (!Object.is(one![i], two![i])) throw new Error(`${fn} at ${i}: ${one![i]} instead of ${two![i]}`);
  return kernel;
}

const [k, half, settings, table] = [3, 0.5, { a: 4, b: true }, shared(Float64Array, N).fill(0.1)];
const product = (a: number, b: number): number => a * b + k;
const { sqrt } = Math;

describe("SIMD kernels", () => {
  it("compute what JavaScript computes: arithmetic, comparisons, Math", () => {
    for (const fn of [
      (x: number) => x * 2 + 1,
      (x: number) => Math.sqrt(x) * 3 + 1,
      (x: number) => (x > 250 ? x * 2 : x - 1),
      (x: number) => -x / 3 - +x,
      (x: number) => x % 2,
      (x: number) => x % 3,
      (x: number) => x ** 2 + x ** 3,
      (_: number, i: number) => (i % 7) + Math.floor(i / 400),
      (x: number) => Math.round(x) + Math.sign(x) + Math.trunc(x) + Math.ceil(x) + Math.abs(x),
      (x: number) => Math.min(x, 3, -x) + Math.max(x, 100) + Math.min(),
      (x: number) => Math.sin(x) * Math.exp(x / 1000) + Math.hypot(x, 3) + Math.atan2(x, 2) + Math.PI,
      (x: number) => ((x > 3 && x < 100) || !(x > -50) ? 1 : 0),
      (x: number) => (x > 3 === x > 5 ? x || 7 : x && 8),
      (x: number) => (Number.isInteger(x) ? 1 : 2) + (isNaN(Math.sqrt(x)) ? 4 : 8) + (Number.isFinite(1 / x) ? 16 : 32),
      (x: number) => (x * 1e9) | 0,
      (x: number) => ((x * 1e12) >>> 0) + ((x * 1e9) >> 3) + (~x ^ (x & 255)) + (x << 4),
      (x: number) => Math.clz32(x) + Math.fround(x),
      (x: number) => sqrt(x) + Number.EPSILON,
      Math.sqrt,
      Math.cbrt,
      Math.hypot,
      Math.max,
    ])
      same(fn);
  });

  it("take variables, branches, loops, jumps and helpers", () => {
    const absolute = (x: number): number => {
      if (x < 0) return -x;
      return x;
    };
    const many = (x: number): number => {
      if (x < -100) return 1;
      for (let j = 0; j < 10; j++) {
        if (x * j > 500) return j;
        if (j > 7 && x > 3) break;
      }
      if (x > 1000) return 7;
      else if (x > 500) return 8;
      return x;
    };
    same((x: number) => absolute(x) + many(x));
    same((x: number, i: number) => x * k + half * i + table[i]! + product(x, i) + settings.a + (settings.b ? 1 : 2));
    const apart = (i: number): number => {
      const [cx, cy] = [0, 0];
      return cx + cy + i;
    };
    expect(whyNot(apart as Fn, { source: "range" })).toMatch(
      /`\[cx, cy\]` \(.*par-simd\.test\.ts:\d+:\d+\) takes something apart/,
    );
    for (const fn of [
      (i: number) => {
        const cx = ((i % 100) / 100) * 3 - 2;
        const cy = (Math.floor(i / 100) / 82) * 2 - 1;
        let x = 0;
        let y = 0;
        let n = 0;
        while (n < 100 && x * x + y * y <= 4) {
          const t = x * x - y * y + cx;
          y = 2 * x * y + cy;
          x = t;
          n++;
        }
        return n;
      },
      (i: number) => {
        let s = 0;
        const rounds = i % 7;
        for (let a = 0; a < rounds; a++) {
          if (a === 3) continue;
          for (let b = a; b < 5; b++) {
            if (b * a > 6) break;
            s += a * b;
          }
        }
        return s;
      },
      (i: number) => {
        let n = i + 1;
        let steps = 0;
        while (n !== 1) {
          if (n % 2 === 0) n /= 2;
          else n = 3 * n + 1;
          steps++;
        }
        return steps;
      },
      (i: number) => {
        let n = i;
        let digits = 0;
        do {
          n = Math.floor(n / 10);
          digits++;
        } while (n > 0);
        return digits;
      },
      (i: number) => {
        let isOdd = false;
        for (let j = 0; j < (i & 7); j++) isOdd = !isOdd;
        return isOdd ? 1 : 0;
      },
    ])
      same(fn, { source: "range", offset: 0 });
    same((i: number) => (i * 7) % 13, { source: "range", offset: -5000 });
  });

  it("keep for the next round what is assigned in a loop within a loop that some have left", () => {
    same((x: number) => {
      let rounds = 0;
      let sum = x & 7;
      while (sum < 20) {
        rounds++;
        let times = 0;
        do {
          times++;
          sum += times;
        } while (times < (x & 3));
      }
      return rounds;
    });
  });

  it("take variables that hold truth values, also where those come from a helper", () => {
    const isOdd = (n: number): boolean => {
      if (n < 0) return false;
      return (n & 1) === 1;
    };
    same((x: number) => {
      let isFound = false;
      for (let j = 0; j < 5; j++) isFound = isFound || (x > j && x < j + 0.5);
      return isFound && x !== 3 ? 1 : 2;
    });
    same((x: number, i: number) => (isOdd(x) && i > 5 ? x : -x));
  });

  it("keep to 32 bits only where that gives the same", () => {
    expect(same((x: number) => Math.fround(Math.fround(x * 2) + 1), { source: floats, out: floats }).group).toBe(16);
    expect(same((x: number) => x * 2.5, { source: floats, out: floats }).group).toBe(16);
    // Rounded once, at the end.
    expect(same((x: number) => x * 0.1 + 1, { source: floats, out: floats }).group).toBe(8);
    same((x: number) => x / 3 + Math.sqrt(x), { source: floats });
    const hash = (x: number): number => {
      let h = x;
      h ^= h >>> 16;
      h = Math.imul(h, 0x85ebca6b);
      h ^= h >>> 13;
      return (h ^ (h << 5)) | 0;
    };
    expect(same(hash, { source: ints, out: ints }).group).toBe(16);
    expect(same((x: number) => x * 3 + 7, { source: ints, out: ints }).group).toBe(16);
    same((x: number) => x * 3 + 7, { source: ints });
    same((x: number) => x * x * x, { source: ints, out: ints });
    same((x: number) => x * 1e9, { out: ints });
    same((x: number) => -x * 4294967297, { source: ints, out: shared(Uint32Array, 8) });
  });

  it("run for other numbers without being made anew", async () => {
    const idOf = (factor: number): string => (whyNot((x: number) => x * factor) as Kernel).id;
    const here = [5, 9, -3, 1000].map(idOf);
    expect(new Set(here).size).toBe(1);
    // One for each kind of number.
    expect(new Set([5, 3.3, 8, 1e12, NaN].map(idOf)).size).toBe(5);
    for (const factor of [3, 5, 6, 7]) {
      const out = shared(Float64Array, N);
      await par(doubles)
        .map((x) => x * factor)
        .into(out);
      expect(out[17]).toBe(doubles[17]! * factor);
    }
  });

  it("take what is captured with each call, several at once", async () => {
    const outs = await Promise.all(
      [1, 2, 3, 4].map((factor) => {
        const added = shared(Float64Array, N).fill(factor / 10);
        const out = shared(Float64Array, N);
        return par(doubles)
          .map((x, i) => x * factor + added[i]! * half)
          .into(out);
      }),
    );
    outs.forEach((out, n) => expect([...out]).toEqual(numbers((i) => doubles[i]! * (n + 1) + ((n + 1) / 10) * half)));
    const sums = [1, 2.5, -0, NaN].map((factor) =>
      par
        .range(-50, 150)
        .map((x) => x * factor)
        .sumSync(),
    );
    expect(sums).toEqual([9900, 24750, 0, NaN]);
    const many = { a: 1, b: 2, c: 3, d: 4, e: 5, f: 6, g: 7 };
    expect(
      par
        .range(0, 100)
        .map((x) => x + many.a + many.b + many.c + many.d + many.e + many.f + many.g)
        .sumSync(),
    ).toBe(4950 + 2800);
  });

  it("leave what they read as it was for a chunk that is done again", async () => {
    const xs = shared(Float64Array, numbers(Math.sqrt));
    const wanted = numbers((i) => (i < N - 1 ? xs[i]! + xs[i + 1]! : 0));
    const out = shared(Float64Array, N);
    await par(xs, { chunks: 1 })
      .map((x, i) => (i < N - 1 ? x + xs[i + 1]! : 0))
      .into(out);
    expect([...out]).toEqual(wanted);
    await par(xs, { chunks: 1 })
      .map((x, i) => (i < N - 1 ? x + xs[i + 1]! : 0))
      .into(xs);
    expect([...xs]).toEqual(wanted);
  });

  it("read arrays at other places, and leave to JavaScript what is not there", () => {
    const places = shared(
      Int32Array,
      numbers((i) => (i * 7919) % N),
    );
    const last = N - 1;
    const weights = shared(
      Float32Array,
      numbers((i) => i / 3),
    );
    for (const [first, end] of [
      [3, N - 2],
      [0, N],
    ] as const)
      for (const fn of [
        (_: number, i: number) =>
          i > 0 && i < last ? (doubles[i - 1]! + doubles[i]! + doubles[i + 1]!) / 3 : doubles[i]!,
        (_: number, i: number) => doubles[last - i]! + doubles[places[i]!]! + weights[(i * 3) & 1023]! + weights[k]!,
        (_: number, i: number) => {
          let s = 0;
          for (let j = 0; j < 5; j++) s += weights[i - j + 2]! * weights[j]!;
          return s;
        },
        (x: number) => (table[Math.floor(x)]! > 0 ? 1 : 2) + (weights[0.5]! || 3),
        (_: number, i: number) => ints[i - 1]! & places[i]!,
      ])
        same(fn, { first, end });
  });

  it("tell what they can't take, and where it stands", () => {
    const names = ["a", "b"];
    let written = 0;
    const refused: [Fn, RegExp, Case?][] = [
      [(x: number) => names[x]!, /`names\[x\]` \(par-simd.test.ts:\d+:\d+\) is no number that a kernel can reach/],
      [(x: number) => (written += x), /writes "written", which is outside of it/],
      [(x: number) => [x], /`\[x\]` .* is nothing that a kernel computes/],
      [(x: number) => `${x}`, /is nothing that a kernel computes/],
      [(x: number) => Math.random() + x, /is no function of numbers that gives the same each time/],
      [async (x: number) => x, /is asynchronous/],
      [
        (x: number) => {
          switch (x) {
            case 1:
              return 2;
            default:
              return 3;
          }
        },
        /`switch \(x\) .* is no statement of a kernel/,
      ],
      [(x: number) => (x > 3 ? true : 1), /gives a truth value or a number/],
      [(x: number) => ((x > 3) as never) === 1, /compares a truth value with a number/],
      [
        (x: number) => {
          for (let d = 2; d * d <= x; d++) if (x % d === 0) return 0;
          return 1;
        },
        /`x % d` .* stands in a loop that elements leave at different times, where JavaScript is faster/,
      ],
      [(x: number) => 2 << x, /shifts by another count for each element/],
      [(x: number) => x, /class Uint8Array, and kernels take/, { source: shared(Uint8Array, N) }],
      [
        (x: number) => x,
        /not in the memory of a shared\(\) array of 32 KiB or more/,
        { source: shared(Float64Array, 8) },
      ],
      [(x: number) => x > 3, /gets truth values, which are no numbers/, { ending: "sum" }],
      [(x: number) => x, /makes an array of JavaScript/, { ending: "toArray" }],
      [
        (x: number) => x,
        /reduce\(\) takes a \+ b/,
        { ending: "reduce", last: (a: number, b: number) => a - b, zero: 0 },
      ],
      [
        (x: number) => x,
        /starts from 5, not from 0/,
        { ending: "reduce", last: (a: number, b: number) => a + b, zero: 5 },
      ],
    ];
    for (const [fn, why, of] of refused) expect(whyNot(fn, of)).toMatch(why);
    expect(whyNot((x: number) => x + 1, { source: table, out: table.subarray(1) })).toMatch(/other arrays|overlaps/);
    expect(par(Array(1000).fill("a")).explain()).toMatchObject({
      backend: "js",
      why: expect.stringContaining("of class Array") as string,
    });
    expect(par(doubles, { chunks: 4000 }).explain().why).toContain("fewer than 4 elements in each of 4000 chunks");
    expect(par(numbers((i) => i)).explain()).toMatchObject({ backend: "simd" });
    expect(par(doubles, { simd: false }).explain()).toMatchObject({ backend: "js" });
    expect(
      par(doubles)
        .map((x) => Math.sin(x) % 2.5)
        .explain(),
    ).toMatchObject({
      backend: "simd",
      why: "a WebAssembly kernel takes 8 elements at a time; Math.sin, % is JavaScript's, called for each element",
    });
  });

  it("give what the JavaScript loop gives where they can't take it", async () => {
    const small = shared(Float64Array, [1, 2, 3]);
    expect(
      await par(small)
        .map((x) => x * 2)
        .sum(),
    ).toBe(12);
    // Overlapping: element by element within a chunk.
    const run = shared(Float64Array, N).fill(1);
    await par(run.subarray(0, N - 1), { chunks: 1 })
      .map((x) => x + 1)
      .into(run.subarray(1));
    expect(run[N - 1]).toBe(N);
    const short = table.subarray(0, 5000);
    const sums = shared(Float64Array, N);
    await par(doubles)
      .map((x, i) => x + short[i]!)
      .into(sums);
    expect([sums[4999], sums[5000]]).toEqual([doubles[4999]! + 0.1, NaN]);
    await expect(
      par(doubles)
        .map((_, i) => short[i]!)
        .sum(),
    ).rejects.toThrow(TypeError);
  });

  it("sum, count, compare and reduce", async () => {
    const squares = doubles.reduce((s, x) => s + x * x, 0);
    const sum = (): Promise<number> =>
      par(doubles)
        .map((x) => x * x)
        .sum();
    expect(await sum()).toBeCloseTo(squares, 3);
    expect(await sum()).toBe(await sum());
    expect(await par(ints).sum()).toBe(ints.reduce((s, x) => s + x, 0));
    expect(
      await par(floats)
        .filter((x) => x > 5)
        .count(),
    ).toBe(floats.filter((x) => x > 5).length);
    expect(
      await par(doubles)
        .filter((x) => x > 5)
        .map((x) => x * 2)
        .filter((x) => x < 100)
        .count(),
    ).toBe(doubles.filter((x) => x > 5 && x * 2 < 100).length);
    expect(
      await par(doubles)
        .filter((x) => x > 1e9)
        .min(),
    ).toBe(undefined);
    expect(
      await par(doubles)
        .filter((x) => x > 100)
        .min(),
    ).toBe(Math.min(...doubles.filter((x) => x > 100)));
    expect([await par(ints).min(), await par(ints).max(), await par(floats).max()]).toEqual([
      Math.min(...ints),
      Math.max(...ints),
      Math.max(...floats),
    ]);
    expect(
      await par(doubles)
        .map((x) => (x === 0 ? NaN : x))
        .max(),
    ).toBe(NaN);
    expect(
      await par(doubles)
        .map((x) => 1 + x * 1e-9)
        .reduce((a, b) => a * b, 1),
    ).toBeCloseTo(
      doubles.reduce((p, x) => p * (1 + x * 1e-9), 1),
      9,
    );
    expect(
      await par(doubles)
        .filter((x) => x > 1e9)
        .reduce((a, b) => Math.max(a, b), -Infinity),
    ).toBe(-Infinity);
    expect(
      await par
        .range(0, 1e6)
        .map((i) => i)
        .sum(),
    ).toBe(499999500000);
  });

  it("tell how far they reach", () => {
    const few = doubles.subarray(1, 4);
    const half = doubles.subarray(0, N / 2);
    expect(
      par(doubles)
        .map((x, i) => x + few[i]!)
        .explain(),
    ).toMatchObject({
      backend: "js",
      why: "the JavaScript loop runs: an array of length 3 is read for the elements of a chunk, which are more",
    });
    expect(
      par(doubles)
        .map((x, i) => x + half[i]!)
        .explain(),
    ).toMatchObject({
      backend: "simd",
      why: `a WebAssembly kernel takes 8 elements at a time; chunks with elements from ${half.length} on are done in JavaScript`,
    });
    expect(par.range(-5, 2 ** 32).explain().why).toContain("from 2147483579 on");
    expect(par(doubles.subarray(0, 3), { chunks: 1 }).explain().why).toContain("there are fewer than 4 elements, and");
  });

  it("reduce from the zero that is given, whatever it is", () => {
    const zeros = par(shared(Float64Array, N).fill(-0));
    const add = (a: number, b: number): number => a + b;
    expect(zeros.reduceSync(add, 0)).toBe(0);
    expect(zeros.reduceSync(add, -0)).toBe(-0);
    expect(zeros.reduceSync(add, 0)).toBe(0);
    const keep = (a: unknown): unknown => a;
    for (const zero of [Symbol.iterator, { __proto__: null }, 1n])
      expect((zeros as any).map((x: number) => x + 1).reduceSync(keep, zero)).toEqual(zero);
  });

  it("tell the zeros apart as Math.min does, with and without SIMD", async () => {
    for (const simd of [true, false])
      for (const place of [0, 5, 4000, N - 1]) {
        const zeros = shared(Float64Array, N);
        zeros[place] = -0;
        expect(await par(zeros, { simd }).min()).toBe(-0);
        expect(await par(zeros, { simd }).max()).toBe(0);
        expect(
          await par(
            zeros.map((x) => -x),
            { simd },
          ).max(),
        ).toBe(0);
      }
  });

  it("leave nothing out around the ends of vectors and chunks", async () => {
    for (let n = 4096; n < 4096 + 20; n++) {
      const xs = shared(Float64Array, n).fill(1);
      for (const chunks of [1, 2, 3, 700])
        expect([
          n,
          await par(xs, { chunks })
            .map((x, i) => x + i)
            .sum(),
        ]).toEqual([n, n + (n * (n - 1)) / 2]);
    }
    for (let n = 0; n < 20; n++)
      expect(
        await par
          .range(5, 5 + n)
          .map((x) => x * 2)
          .sum(),
      ).toBe(n * 10 + n * (n - 1));
  });

  it("work on the rows of a matrix", () => {
    const weights = shared(Float64Array, 5000).fill(0.3);
    const run = (fn: (row: Float64Array, i: number) => number, simd: boolean): Float64Array => {
      const out = shared(Float64Array, 4096).fill(-1);
      const operands: Operands = { kind: "rows", source: matrix, offset: 0, cols: 50, out };
      const plan = planOf([["map", fn as never]], {});
      const kernel = prepare(plan, operands);
      if (typeof kernel === "string") throw new Error(kernel);
      (simd
        ? kernelLoop({ ...plan, backend: "simd", kernel }, operands)
        : chunkLoop({ ...plan, backend: "js" }, operands))(1, 99);
      return out;
    };
    for (const fn of [
      (row: Float64Array) => {
        let s = 0;
        for (let j = 0; j < row.length; j++) s += row[j]! * row[j]!;
        return s;
      },
      (row: Float64Array, i: number) => {
        let s = i;
        for (const x of row) if (x > 0) s += x;
        return s;
      },
      (row: Float64Array) => {
        let s = 0;
        for (let j = 0; j < row.length; j++) s += row[j]! * weights[j]!;
        return s;
      },
      (row: Float64Array) => {
        let best = row[0]!;
        for (let j = 1; j < row.length; j++) if (row[j]! > best) best = row[j]!;
        return best + row[49]!;
      },
      // What is not there is undefined, which a kernel leaves to JavaScript.
      (row: Float64Array, i: number) => (i > 50 ? row[50]! : row[1.5]!),
    ])
      expect(run(fn, true)).toEqual(run(fn, false));
  });

  it("writes to small arrays, too", () => {
    const rows = { kind: "rows", source: matrix, offset: 0, cols: 50 } as const;
    const sum = (row: Float64Array): number => {
      let all = 0;
      for (let i = 0; i < row.length; i++) all += row[i]!;
      return all;
    };
    for (const Out of [Float64Array, Float32Array, Int32Array, Uint32Array] as const) {
      const [one, two] = [0, 1].map(() => shared(Out as Float64ArrayConstructor, 100).fill(7)) as [Numbers, Numbers];
      const plan = planOf([["map", sum as never]], {});
      const kernel = prepare(plan, { ...rows, out: one });
      if (typeof kernel === "string") throw new Error(kernel);
      const inKernel = kernelLoop({ ...plan, backend: "simd", kernel }, { ...rows, out: one });
      const inJavaScript = chunkLoop({ ...plan, backend: "js" }, { ...rows, out: two });
      for (const loop of [inKernel, inJavaScript])
        for (const [first, end] of [
          [3, 21],
          [21, 22],
          [30, 97],
        ] as const)
          loop(first, end);
      expect(one).toEqual(two);
      expect(one[22]).toBe(7);
    }
    const small = shared(Float64Array, 100);
    par.rows(matrix, { rows: 100, cols: 50 }).map(sum).intoSync(small);
    expect([...small]).toEqual(Array.from({ length: 100 }, (_, r) => sum(matrix.subarray(r * 50, r * 50 + 50))));
  });

  it("has no result of the chunk before where nothing is left", () => {
    const stages: Stage[] = [["filter", (x: number) => x > 0]];
    const plan = planOf(stages, { ending: "min" });
    const kernel = prepare(plan, operandsOf({}));
    const loop = kernelLoop({ ...plan, backend: "simd", kernel }, operandsOf({}));
    expect(loop(5000, 5003)).toBe(doubles[5000]);
    expect(loop(0, 100)).toBeUndefined();
    expect(loop(0, 3)).toBeUndefined();
    expect(loop(5000, 5100)).toBe(doubles[5000]);
  });
});
