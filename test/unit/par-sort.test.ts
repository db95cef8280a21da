import { isMainThread } from "node:worker_threads";
import { afterAll, describe, expect, it } from "vitest";
import { parSort, parSortSync, Pool, setThreads, shared, ThreadCrashedError, type Numbers } from "../../lib/index.ts";

setThreads(2);
afterAll(() => setThreads(1));

/** The same numbers in each run. */
function numbersFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
const random = numbersFrom(7);
const specials = [NaN, 0, -0, Infinity, -Infinity, 5e-324, -5e-324, 1, -1, 2 ** 31, -(2 ** 31)];
const distributions: Record<string, (i: number, n: number) => number> = {
  uniform: () => random() * 2 ** 32 - 2 ** 31,
  skewed: () => Math.log(random() + 1e-9) ** 3 * 1000,
  "100 distinct": () => Math.floor(random() * 100) * 1.37 - 50,
  zipf: () => Math.floor(1 / (random() + 1e-6)),
  sorted: (i) => i - 1000,
  reversed: (i) => 1000 - i,
  equal: () => 3,
  specials: () => specials[Math.floor(random() * specials.length)]!,
  "two scales": (i) => (i % 2 === 0 ? random() * 1e-300 : 1e300 * random()),
  "last bits": () => 1 + Math.floor(random() * 1000) * 2 ** -52,
  outlier: (i) => (i === 5 ? 1e300 : 1 + (i % 1000) * 2 ** -40),
  "sorted but for the end": (i, n) => (i === n - 1 ? -5 : i),
};
const SIZES = [0, 1, 2, 24, 25, 255, 256, 257, 2047, 2048, 4097, 32768, 32769, 70001];
const CLASSES = [
  Float64Array,
  Float32Array,
  Int32Array,
  Uint32Array,
  Int16Array,
  Uint16Array,
  Int8Array,
  Uint8Array,
] as NumbersClass[];
type NumbersClass = new (from: number | Iterable<number>) => Numbers;
const make = (Class: NumbersClass, from: number | Iterable<number>): Numbers => shared(Class as never, from) as Numbers;

/** By Object.is; -1 where all are the same. */
function firstDifference(a: ArrayLike<unknown>, b: ArrayLike<unknown>): number {
  if (a.length !== b.length) return Math.min(a.length, b.length);
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) return i;
  return -1;
}

/** In shared memory. What map() gives is not. */
function filled(Class: NumbersClass, n: number, at: (i: number) => number): Numbers {
  const xs = make(Class, n);
  for (let i = 0; i < n; i++) xs[i] = at(i);
  return xs;
}

const byTenths = (a: number, b: number): number => Math.floor(a / 10) - Math.floor(b / 10);

describe("numbers", () => {
  for (const Class of CLASSES)
    it(`come out as from ${Class.name}.prototype.sort, of all distributions and lengths`, async () => {
      for (const [name, at] of Object.entries(distributions))
        for (const n of SIZES) {
          const values = Array.from({ length: n }, (_, i) => at(i, n));
          const expected = new Class(values).sort();
          const xs = make(Class, values);
          expect(n % 2 === 0 ? await parSort(xs) : parSortSync(xs)).toBe(xs);
          expect([name, n, firstDifference(xs, expected)]).toEqual([name, n, -1]);
        }
    });

  it("come out so where WebAssembly is turned off, and on any number of threads", async () => {
    for (const [name, at] of Object.entries(distributions))
      for (const threads of [1, 3]) {
        const values = Array.from({ length: 40_000 }, (_, i) => at(i, 40_000));
        const expected = new Float64Array(values).sort();
        const plain = await parSort(shared(Float64Array, values), undefined, { simd: false, threads });
        const fast = parSortSync(shared(Float64Array, values), undefined, { threads });
        expect([name, firstDifference(plain, expected), firstDifference(fast, expected)]).toEqual([name, -1, -1]);
      }
  });

  it("are sorted wherever they lie", async () => {
    const values = Float64Array.from({ length: 50_000 }, () => random());
    const expected = values.slice().sort();
    const large = shared(Float64Array, 60_000);
    large.set(values, 7);
    const part = large.subarray(7, 50_007);
    const places = [
      new Float64Array(values),
      new Float64Array(new SharedArrayBuffer(values.byteLength)),
      new Float64Array(new ArrayBuffer(values.byteLength + 16), 8, 50_000),
      part,
    ];
    for (const xs of places) {
      if (xs !== part) xs.set(values);
      expect(firstDifference(await parSort(xs), expected)).toBe(-1);
    }
    expect([large[6], large[50_007], large[0]]).toEqual([0, 0, 0]);
  });

  it("are sorted in buckets that no sample has foretold", async () => {
    // What the sample sees, by its own random numbers, is far from all the rest, which then falls into one bucket.
    const n = 200_000;
    for (const direction of [1, -1]) {
      const xs = filled(Float64Array, n, (i) => 5000 + ((i * 7919) % n));
      let state = 0x1e3779b9;
      for (let i = 0; i < 2 ** 15; i++) {
        state ^= state << 13;
        state ^= state >>> 17;
        state ^= state << 5;
        if (i < 600) xs[(state >>> 0) % n] = i;
      }
      const expected = xs.slice().sort();
      if (direction < 0) expected.reverse();
      await parSort(xs, direction < 0 ? (a: number, b: number) => b - a : undefined);
      expect(firstDifference(xs, expected)).toBe(-1);
    }
  });

  it("of other classes are sorted, too", async () => {
    const big = BigInt64Array.from({ length: 3000 }, () => BigInt(Math.floor(random() * 1e15)));
    const expected = big.slice().sort();
    expect(await parSort(big as never)).toEqual(expected);
    const downwards = (a: bigint, b: bigint): number => (a < b ? 1 : a > b ? -1 : 0);
    expect(await parSort(big as never, downwards)).toEqual(expected.reverse());
    expect(parSortSync(new Uint8ClampedArray([3, 300, 1]) as never)).toEqual(new Uint8ClampedArray([1, 3, 255]));
  });

  it("are sorted in several calls at a time, and in tasks", async () => {
    const all = Array.from({ length: 6 }, (_, k) => filled(Float64Array, 50_000 + k, random));
    const expected = all.map((xs) => xs.slice().sort());
    await Promise.all(all.map((xs) => parSort(xs)));
    expect(all.map((xs, k) => firstDifference(xs, expected[k]!))).toEqual([-1, -1, -1, -1, -1, -1]);
    await using pool = new Pool({ threads: 2 });
    const down = filled(Int32Array, 50_000, (i) => -i);
    await pool.run(async () => void (await parSort(down)));
    expect(firstDifference(down, down.slice().sort())).toBe(-1);
    const again = filled(Int32Array, 50_000, (i) => -i);
    await pool.run(() => void parSortSync(again));
    expect(firstDifference(again, down)).toBe(-1);
  });
});

describe("a comparator", () => {
  it("sorts numbers stably, as TypedArray.prototype.sort does", async () => {
    for (const Class of CLASSES)
      for (const n of [0, 1, 9, 2047, 2048, 20_011])
        for (const sorts of [(i: number) => (i * 7919) % 100, (i: number) => i % 127, (i: number) => 100 - (i % 100)]) {
          const values = Array.from({ length: n }, (_, i) => sorts(i));
          const expected = new Class(values).sort(byTenths);
          expect(firstDifference(await parSort(make(Class, values), byTenths), expected)).toBe(-1);
          expect(firstDifference(parSortSync(make(Class, values), byTenths, { stable: true }), expected)).toBe(-1);
        }
  });

  it("that is a difference sorts numbers of all classes up and down", async () => {
    for (const Class of CLASSES)
      for (const n of [100, 3000, 40_000]) {
        const values = Array.from({ length: n }, () => random() * 2 ** 32 - 2 ** 31);
        for (const compare of [(a: number, b: number) => a - b, (a: number, b: number) => b - a]) {
          const expected = new Class(values).sort(compare);
          const xs = [await parSort(make(Class, values), compare), parSortSync(new Class(values), compare)];
          expect(xs.map((sorted) => firstDifference(sorted, expected))).toEqual([-1, -1]);
        }
      }
  });

  it("brings what it captures", async () => {
    const rank = new Map([[2, 0]]);
    const xs = filled(Int32Array, 10_000, (i) => i % 5);
    const first = (a: number, b: number): number => (rank.get(a) ?? 1) - (rank.get(b) ?? 1);
    const expected = xs.slice().sort(first);
    expect(firstDifference(await parSort(xs, first), expected)).toBe(-1);
  });

  it("that is a difference orders -0, NaN and infinities as it does elsewhere", async () => {
    const zeros = Array.from({ length: 5000 }, (_, i) => [0, -0, 1, Infinity, -Infinity][i % 5]!);
    for (const compare of [(a: number, b: number) => a - b, (a: number, b: number) => b - a]) {
      const expected = new Float64Array(zeros).sort(compare);
      expect(firstDifference(await parSort(shared(Float64Array, zeros), compare), expected)).toBe(-1);
      expect(firstDifference(parSortSync([...zeros], compare), expected)).toBe(-1);
      const withNaN = [...zeros, NaN, NaN];
      const sorted = await parSort(shared(Float64Array, withNaN), compare);
      expect(sorted.slice().sort()).toEqual(new Float64Array(withNaN).sort());
    }
  });

  it("that contradicts itself loses no element and never hangs", async () => {
    const senseless: Record<string, (a: number, b: number) => unknown> = {
      more: () => 1,
      less: () => -1,
      NaN: () => NaN,
      undefined: () => undefined,
      text: () => "-1",
      random: () => Math.random() - 0.5,
      circle: (a, b) => (a % 3) - (b % 3) || Math.random() - 0.5,
    };
    for (const [name, compare] of Object.entries(senseless))
      for (const n of [3, 2000, 5000]) {
        const xs = filled(Float64Array, n, (i) => (i * 7919) % n);
        await parSort(xs, compare as never);
        expect([
          name,
          firstDifference(
            xs.sort(),
            Array.from({ length: n }, (_, i) => i),
          ),
        ]).toEqual([name, -1]);
        const plain = Array.from({ length: n }, (_, i) => ({ i }));
        parSortSync(plain, (a, b) => compare(a.i, b.i) as number);
        expect([name, new Set(plain).size]).toEqual([name, n]);
      }
  });
});

describe("a plain array", () => {
  const tagged = Array.from({ length: 5000 }, (_, id) => ({ id, age: (id * 7919) % 40 }));

  it("keeps its elements and sorts them stably", async () => {
    const byAge = (a: { age: number }, b: { age: number }): number => a.age - b.age;
    const expected = [...tagged].sort(byAge);
    expect(firstDifference(await parSort([...tagged], byAge), expected)).toBe(-1);
    expect(firstDifference(parSortSync([...tagged], byAge), expected)).toBe(-1);
  });

  it("is sorted as by Array.prototype.sort, by texts without a comparator", async () => {
    const items: Record<string, unknown[]> = {
      texts: Array.from({ length: 5000 }, (_, i) => `${(i * 7919) % 5000} ö`),
      numbers: Array.from({ length: 5000 }, (_, i) => ((i * 7919) % 5000) - 2500),
      mixed: Array.from({ length: 5000 }, (_, i) => [undefined, null, i, `${i}`, true, { toString: () => "o" }][i % 6]),
      few: [10, 9, undefined, 1],
      none: [],
    };
    for (const [name, all] of Object.entries(items)) {
      const expected = Array.prototype.sort.call([...all]) as unknown[];
      expect([name, firstDifference(await parSort([...all]), expected)]).toEqual([name, -1]);
      expect([name, firstDifference(parSortSync([...all]), expected)]).toEqual([name, -1]);
    }
    const numbers = items["numbers"] as number[];
    const up = [...numbers].sort((a, b) => a - b);
    expect(firstDifference(await parSort([...numbers], (a, b) => a - b), up)).toBe(-1);
    expect(firstDifference(await parSort([...numbers], (a, b) => (a < b ? -1 : 1)), up)).toBe(-1);
  });

  it("has undefined last and holes after it", async () => {
    for (const n of [10, 5000]) {
      const xs = Array.from({ length: n }, (_, i) => (i % 7 === 0 ? undefined : (i * 7919) % n));
      Reflect.deleteProperty(xs, 1);
      Reflect.deleteProperty(xs, n - 1);
      const expected = xs.slice().sort((a, b) => a! - b!);
      const sorted = await parSort(xs, (a: number, b: number) => a - b);
      expect(firstDifference(sorted, expected)).toBe(-1);
      expect([n - 3, n - 2, n - 1].map((i) => i in sorted)).toEqual([true, false, false]);
      expect(sorted.length).toBe(n);
    }
  });
});

describe("what goes wrong", () => {
  class Odd extends RangeError {}
  const bad = (a: number, b: number): number => {
    if (a === 1234) throw new Odd("no 1234");
    return a - b;
  };

  it("in the comparator leaves the array as it was, and keeps its class", async () => {
    for (const n of [1300, 10_000]) {
      const before = Array.from({ length: n }, (_, i) => (i * 7919) % n);
      const xs = shared(Float64Array, before);
      await expect(parSort(xs, bad)).rejects.toThrow(/^no 1234$/);
      await expect(parSort(xs, bad)).rejects.toBeInstanceOf(RangeError);
      expect(() => parSortSync(xs, bad)).toThrow(/^no 1234$/);
      expect(firstDifference(xs, before)).toBe(-1);
      const plain = before.map((id) => ({ id }));
      const same = [...plain];
      await expect(parSort(plain, (a, b) => bad(a.id, b.id))).rejects.toThrow(/^no 1234$/);
      expect(firstDifference(plain, same)).toBe(-1);
    }
  });

  it("in a thread leaves the array as it was", async () => {
    const xs = filled(Float64Array, 10_000, (i) => -i);
    const deadly = (a: number, b: number): number => {
      if (!isMainThread && a === -7777) process.exit(3);
      return a < b ? -1 : 1;
    };
    await expect(parSort(xs, deadly)).rejects.toBeInstanceOf(ThreadCrashedError);
    expect([xs[0], xs[7777], xs[9999]]).toEqual([-0, -7777, -9999]);
    await parSort(xs, (a: number, b: number) => (a < b ? -1 : 1));
    expect(xs[0]).toBe(-9999);
  });

  it("with what is asked for is said in one sentence", async () => {
    const cases: [() => unknown, RegExp][] = [
      [() => parSortSync(new Set([1]) as never), /expects an array or a typed array, got an object of class Set/],
      [() => parSortSync(new DataView(new ArrayBuffer(8)) as never), /got an object of class DataView/],
      [() => parSortSync(undefined as never), /got undefined/],
      [() => parSortSync([1], null as never), /comparator of parSort\(\) to be a function, got null/],
      [() => parSortSync([1], (async () => 1) as never), /got an async function/],
      [() => parSortSync([1], undefined, { stabel: true } as never), /has no option "stabel"/],
      [() => parSortSync([1], undefined, { threads: 0 }), /threads/],
      [() => parSortSync([1], undefined, { chunks: 0 }), /chunks/],
      [() => parSortSync([1], undefined, { stable: 1 as never }), /stable to be true or false, got 1/],
      [() => parSortSync([1], undefined, { simd: "no" as never }), /simd to be true or false, got "no"/],
      [() => parSortSync([1], undefined, { sum: "exact" as never }), /sum to be "fast"/],
      [() => parSortSync([Symbol("x"), 1] as never), /Symbol/],
    ];
    for (const [f, message] of cases) expect(f).toThrow(message);
    await expect(parSort(7 as never)).rejects.toThrow(/got 7 \(number\)/);
  });

  it("with the memory of the array is noticed", async () => {
    const gone = new Float64Array(1000);
    structuredClone(gone.buffer, { transfer: [gone.buffer] });
    await expect(parSort(gone)).rejects.toThrow(/no memory any more/);

    const moved = new Float64Array(100_000).map(() => random());
    const sorting = parSort(moved);
    structuredClone(moved.buffer, { transfer: [moved.buffer] });
    await expect(sorting).rejects.toThrow(/had 100000 elements .* has 0 now/);

    const grown = Array.from({ length: 5000 }, (_, i) => ({ i: -i }));
    const growing = parSort(grown, (a, b) => a.i - b.i);
    grown.push({ i: 1 });
    await expect(growing).rejects.toThrow(/had 5000 elements .* has 5001 now/);
    expect([grown[0]!.i, grown[4999]!.i, grown.length]).toEqual([-0, -4999, 5001]);
  });
});
