import { afterAll, describe, expect, it } from "vitest";
import { CaptureError, par, setThreads, shared } from "../../lib/index.ts";

setThreads(2);
afterAll(() => setThreads(1));
const k = 3;

describe("par", () => {
  it("adds each chunk left to right and the chunks in order", async () => {
    const square = (x: number): number => x * x;
    const squares = (chunks: number): Promise<number> => par.range(0, 1e6, { chunks, simd: false }).map(square).sum();
    expect(await squares(1)).toBe(333332833333127550);
    expect(await squares(2)).toBe(333332833333020900);
    const xs = shared(Float64Array, 1e6).map((_, i) => i);
    expect(await par(xs, { chunks: 2, simd: false }).map(square).sum()).toBe(333332833333020900);
    // Any number of chunks is the same rule.
    const weights = Array.from({ length: 1003 }, (_, i) => 1 / (i + 1));
    let byHand = 0;
    for (let c = 0; c < 7; c++) {
      let part = 0;
      for (let i = Math.floor((1003 * c) / 7); i < Math.floor((1003 * (c + 1)) / 7); i++) part += weights[i]!;
      byHand += part;
    }
    expect(await par(weights, { chunks: 7 }).sum()).toBe(byHand);
  });

  it("adds more exactly on request", async () => {
    const tenths = par.range(0, 1e6, { sum: "compensated", chunks: 3 }).map(() => 0.1);
    expect(await tenths.sum()).toBe(100000);
    const huge = [1e100, 1, -1e100, 1];
    expect(await par(huge, { sum: "compensated", chunks: 2 }).sum()).toBe(2);
    const error = async (sum: "fast" | "pairwise"): Promise<number> =>
      Math.abs(
        (await par
          .range(0, 1e6, { sum, chunks: 3 })
          .map(() => 0.1)
          .sum()) - 100000,
      );
    expect(await error("pairwise")).toBeLessThan((await error("fast")) / 50);
    expect(await par.range(0, 1000, { sum: "pairwise", chunks: 3 }).sum()).toBe(499500);
  });

  it("maps and filters in order, with the place in the first array", async () => {
    const seen = await par(["a", "b", "c", "d"], { chunks: 3 })
      .map((s, i) => s + i + k)
      .filter((s) => s !== "b13")
      .map((s, i) => [s, i] as const)
      .toArray();
    expect(seen).toEqual([
      ["a03", 0],
      ["c23", 2],
      ["d33", 3],
    ]);
    expect(
      await par
        .range(-3, 3)
        .map((x, i) => x * 10 + i)
        .toArray(),
    ).toEqual([-30, -19, -8, 3, 14, 25]);
    expect(
      await par(new Uint8Array([250, 251]))
        .map((x) => x + 10)
        .toArray(),
    ).toEqual([260, 261]);
    const half = par.range(0, 10).filter((x) => x % 2 === 0);
    expect([await half.count(), await half.sum()]).toEqual([5, 20]);
  });

  it("reduces, finds the least and the greatest, NaN and nothing told", async () => {
    expect(await par(["a", "b", "c", "d", "e"], { chunks: 2 }).reduce((a, b) => a + b, "")).toBe("abcde");
    expect(await par([2n, 3n, 4n]).reduce((a, b) => a * b, 1n)).toBe(24n);
    const xs = [5, -2, 9, 3];
    expect([await par(xs).min(), await par(xs).max()]).toEqual([-2, 9]);
    expect([await par([1, NaN, 3]).min(), await par([1, NaN, 3]).max()]).toEqual([NaN, NaN]);
    const none = par([1, 2]).filter(() => false);
    expect([await none.min(), await none.max(), await none.sum(), await none.count(), await none.toArray()]).toEqual([
      undefined,
      undefined,
      0,
      0,
      [],
    ]);
    expect([
      await par([]).min(),
      await par<number>([]).sum(),
      await par<number>([]).reduce((a, b) => a + b, 7),
    ]).toEqual([undefined, 0, 7]);
    expect(
      await par(xs, { chunks: 4 })
        .filter((x) => x > 4)
        .min(),
    ).toBe(5);
  });

  it("writes into shared memory only, and of the right length", async () => {
    const out = shared(Int32Array, 5);
    expect(
      await par
        .range(10, 15)
        .map((x, i) => x * i)
        .into(out),
    ).toBe(out);
    expect([...out]).toEqual([0, 11, 24, 39, 56]);
    await par(out, { chunks: 5 }).forEach((x, i) => {
      out[i] = -x;
    });
    expect([...out]).toEqual([0, -11, -24, -39, -56]);
    const five = par.range(0, 5);
    await expect(five.into(new Int32Array(5))).rejects.toThrow(/shared memory.*shared\(Float64Array, n\)/);
    await expect(five.into(shared(Int32Array, 4))).rejects.toThrow(
      "into() expects an array of length 5, got one of length 4.",
    );
    await expect(five.filter(() => true).into(out)).rejects.toThrow(/after filter/);
  });

  it("runs nothing before its ending and refuses writes to captured variables", async () => {
    let n = 0;
    const lazy = par.range(0, 10).map((x) => (n += x));
    const error = await lazy.sum().catch((e: unknown) => e as CaptureError);
    expect(error).toBeInstanceOf(CaptureError);
    expect((error as CaptureError).variable).toBe("n");
    await expect(
      par.range(0, 10).forEach((x) => {
        if (x === 7) throw new RangeError("seven");
      }),
    ).rejects.toThrow(RangeError);
    await expect(
      par
        .range(0, 1)
        .map(() => Promise.resolve(1))
        .toArray(),
    ).rejects.toThrow(/^toArray\(\) takes values, got a Promise at index 0: the functions of par/);
  });

  it("uses as many threads as it is told", async () => {
    const ids = async (threads: number): Promise<number> => {
      const met = shared(Int32Array, 1);
      const call = `met ${Math.random()}`;
      const numbers = par.range(0, 8, { threads, chunks: 8 }).map((x) => {
        const here = process as unknown as Record<string, number>;
        const me = (here[call] ??= Atomics.add(met, 0, 1));
        // The others may be slow to start.
        while (Atomics.load(met, 0) < threads);
        return x < 0 ? x : me;
      });
      return new Set(await numbers.toArray()).size;
    };
    expect(await ids(1)).toBe(1);
    expect(await ids(2)).toBe(2);
    expect(await ids(3)).toBe(3);
    expect(await ids(1)).toBe(1);
    expect(par.range(0, 1000, { threads: 3 }).explain()).toMatchObject({ backend: "simd", threads: 3, chunks: 128 });
    expect(par.range(0, 2, { simd: false }).explain()).toMatchObject({
      chunks: 2,
      why: expect.stringContaining("simd: false") as string,
    });
  });

  it("adds and compares nothing but numbers, and says which element is none", async () => {
    const any = (xs: unknown[], options = {}): any => par(xs, options);
    await expect(
      any([1, 2, 3])
        .map(async (x: number) => x)
        .sum(),
    ).rejects.toThrow(
      /^sum\(\) takes numbers, got a Promise at index \d: the functions of par\(\) can't be async; pool\.map\(\) takes such\.$/,
    );
    await expect(any(["a"]).sum()).rejects.toThrow(new TypeError("sum() takes numbers, got a string at index 0."));
    for (const sum of ["fast", "pairwise", "compensated"])
      for (const wrong of ["3", null, undefined, true, 4n, {}, [5], new Date(), Symbol.iterator])
        await expect(any([1, 2, wrong], { sum, chunks: 2 }).sum()).rejects.toThrow(
          /^sum\(\) takes numbers, got .+ at index 2\.$/,
        );
    await expect(any([1, {}]).max()).rejects.toThrow(
      "max() takes numbers or bigints, got an object of class Object at index 1.",
    );
    await expect(any(["a", "b"]).min()).rejects.toBeInstanceOf(TypeError);
    await expect(any([1, undefined, 2]).min()).rejects.toThrow("got undefined at index 1");
    // The index is the place in the array of the start.
    await expect(
      any([1, 2, "x", 4])
        .filter((x: unknown) => x !== 1)
        .sum(),
    ).rejects.toThrow("at index 2");
    expect(await par([3n, 2n, 7n]).min()).toBe(2n);
    expect(await par([1, NaN]).sum()).toBe(NaN);
  });

  it("takes no function that gives a promise, wherever it stands", async () => {
    const later = async (): Promise<boolean> => false;
    const three = par([1, 2, 3]) as any;
    const all = await Promise.allSettled([
      three.filter(later).toArray(),
      three.filter(later).count(),
      three.map(later).count(),
      three
        .map(later)
        .filter(() => true)
        .toArray(),
      three
        .map(later)
        .map(() => 1)
        .sum(),
      three.map(later).into(shared(Float64Array, 3)),
      three.reduce(later, 0),
      three.forEach(later),
    ]);
    const expected = /got a Promise at index 0: the functions of par\(\) can't be async/;
    for (const one of all) expect(one).toMatchObject({ reason: { message: expect.stringMatching(expected) } });
  });

  it("reduces from a zero only", async () => {
    const reduce = (xs: number[]): Promise<unknown> => (par(xs) as any).reduce((a: number, b: number) => a + b);
    for (const xs of [[1, 2, 3], []]) {
      const error = await reduce(xs).catch((e: unknown) => e as Error);
      expect(error).toBeInstanceOf(TypeError);
      expect((error as Error).message).toMatch(/^Expected a zero as the second argument of reduce\(\)/);
    }
    expect(await par<undefined>([undefined]).reduce((a) => a, undefined)).toBe(undefined);
  });

  it("refuses bad arguments", () => {
    expect(() => par([1], { thread: 2 } as never)).toThrow(/par\(\) has no option "thread"; its options are threads,/);
    expect(() => par([1], null as never)).toThrow("Expected the options of par() to be an object, got null.");
    expect(() => par(5 as never)).toThrow(/par\(\) expects an array or a typed array, got 5 \(number\): /);
    expect(() => par(null as never)).toThrow("got null: spread");
    expect(() => par(new Set([1]) as never)).toThrow(/\[\.\.\.xs\]/);
    expect(() => par.range(0.5, 2)).toThrow(RangeError);
    expect(() => par([], { chunks: 0 })).toThrow(RangeError);
    expect(() => par.range(0, 2 ** 32, { chunks: 2 ** 32 })).toThrow("no more than 16777216 chunks, got 4294967296");
    expect(par([1], { chunks: 2 ** 32 }).sumSync()).toBe(1);
    expect(() => par([], { threads: 0 })).toThrow(RangeError);
    expect(() => par([], { sum: "exact" as never })).toThrow(/"compensated", got "exact"/);
    expect(() => par([]).map(1 as never)).toThrow(/Expected the argument of map\(\) to be a function/);
  });
});
