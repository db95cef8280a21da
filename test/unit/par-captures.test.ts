import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, describe, expect, it } from "vitest";
import { par, setThreads, shared } from "../../lib/index.ts";

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc") as () => void;

setThreads(3);
afterAll(() => setThreads(1));

const N = 8192;
const xs = shared(
  Float64Array,
  Array.from({ length: N }, (_, i) => i),
);
const sumTo = (n: number): number => (n * (n - 1)) / 2;

describe("what the functions of par() capture", () => {
  for (const simd of [true, false]) {
    const how = { simd };

    it(`is as it is when the ending is called, each time: ${simd ? "SIMD" : "JavaScript"}`, async () => {
      let [k, isOn, word] = [1, true, "a"];
      let ys = shared(Float64Array, N).fill(1);
      const all = par(xs, how)
        .filter(() => isOn)
        .map((x, i) => k * x + ys[i]! + word.length);
      for (const blocks of [true, false, true]) {
        const sum = async (): Promise<number> => (blocks ? all.sumSync() : all.sum());
        [k, isOn, word] = [1, true, "a"];
        ys = shared(Float64Array, N).fill(1);
        expect(await sum()).toBe(sumTo(N) + 2 * N);
        k = 3;
        expect(await sum()).toBe(3 * sumTo(N) + 2 * N);
        ys = shared(Float64Array, N).fill(5);
        expect(await sum()).toBe(3 * sumTo(N) + 6 * N);
        ys.fill(7);
        expect(await sum()).toBe(3 * sumTo(N) + 8 * N);
        word = "abc";
        expect(await sum()).toBe(3 * sumTo(N) + 10 * N);
        k = -0;
        expect(await sum()).toBe(10 * N);
        isOn = false;
        expect(await sum()).toBe(0);
      }
    });

    it(`may be many numbers and arrays: ${simd ? "SIMD" : "JavaScript"}`, () => {
      for (const step of [1, 2]) {
        const [a, b, c, d, e, f] = [1, 2, 3, 4, 5, 6].map((one) => one * step) as [
          ...[number, number, number, number, number, number],
        ];
        const [p, q, r] = [1, 2, 3].map((one) => shared(Float64Array, N).fill(one * step)) as [
          ...[Float64Array, Float64Array, Float64Array],
        ];
        const out = shared(Float64Array, N);
        par(xs, how)
          .map((x) => x + a + b + c)
          .map((x, i) => x + p[i]! + q[i]! + d + e + f)
          .map((x, i) => x + r[N - 1 - i]!)
          .intoSync(out);
        expect(out.every((x, i) => x === i + 27 * step)).toBe(true);
        const [many, more] = [[a, b, c, d, e, f], { p, q }];
        const sum = par(xs, how)
          .map((x, i) => x + many[i % 6]! + more.p[i]!)
          .sumSync();
        expect(sum).toBe(xs.reduce((all, x, i) => all + x + many[i % 6]! + step, 0));
      }
    });
  }

  it("belongs to the function that runs, also where that starts the same one for other values", () => {
    const here = shared(Float64Array, 16).fill(1);
    const name = Symbol.for("depthOf");
    const global = globalThis as unknown as Record<symbol, (depth: number) => number>;
    global[name] = (depth) =>
      par(here, { simd: false, threads: 1, chunks: 2 })
        .map((x) =>
          depth > 0
            ? x * depth + (globalThis as unknown as typeof global)[Symbol.for("depthOf")]!(depth - 1) * depth
            : x,
        )
        .sumSync();
    const plain = (depth: number): number => (depth > 0 ? 16 * (depth + plain(depth - 1) * depth) : 16);
    expect(global[name](2)).toBe(plain(2));
    delete global[name];
  });

  it("is not changed where a function of the same text stands elsewhere", () => {
    const times = [2, 3].map((k) => (x: number) => k * x);
    for (let round = 0; round < 4; round++)
      for (const [n, fn] of times.entries())
        expect(par(xs, { simd: false }).map(fn).sumSync()).toBe((n + 2) * sumTo(N));
    const both = par(xs, { simd: false }).map(times[0]!).map(times[1]!);
    expect(both.sumSync()).toBe(6 * sumTo(N));
  });

  it("is told by its name where it can't be had, also after it could", () => {
    let step: unknown = 2;
    const all = par(xs, { simd: false }).map((x) => x * (step as number));
    expect(all.sumSync()).toBe(2 * sumTo(N));
    step = new WeakMap();
    expect(() => all.sumSync()).toThrow(/step/);
    step = 3;
    expect(all.sumSync()).toBe(3 * sumTo(N));
  });

  it("does not live on because of the last call", { timeout: 60_000 }, async () => {
    const call = (simd: boolean): WeakRef<object>[] => {
      const ys = shared(Float64Array, N).fill(1);
      const out = shared(Float64Array, N);
      const all = par(xs, { simd }).map((x, i) => x + ys[i]!);
      all.intoSync(out);
      expect(all.sumSync()).toBe(sumTo(N) + N);
      return [new WeakRef(ys), new WeakRef(out)];
    };
    const arrays = [...call(true), ...call(false)];
    const endMs = Date.now() + 50_000;
    while (arrays.some((one) => one.deref()) && Date.now() < endMs) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      gc();
    }
    expect(arrays.map((one) => one.deref())).toEqual(arrays.map(() => undefined));
    expect(
      par(xs)
        .map((x) => x + 1)
        .sumSync(),
    ).toBe(sumTo(N) + N);
  });
});
