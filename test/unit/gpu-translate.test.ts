// What a kernel can take along and what not, and the traps of gpu.js that the translation takes away.

import vm from "node:vm";
import { describe, expect, it } from "vitest";
import {
  CaptureError,
  gpu,
  gpuBackends,
  type BackendName,
  type GpuOptions,
  type KernelPlace,
} from "../../lib/index.ts";

const able = (await gpuBackends()).filter(({ available }) => available).map(({ backend }) => backend);
declare const document: { width: number };

const one: GpuOptions = { output: [1], backend: "cpu" };

describe("a kernel takes along", () => {
  it("numbers, booleans, arrays and functions, as they are when it is made", async () => {
    let factor = 2;
    const isOn = true;
    const table = [
      [1, 2, 3],
      [4, 5, 6],
    ];
    const weights = Int16Array.of(10, 20, 30);
    const { floor } = Math;
    const square = (v: number) => v * v;
    function bent(v: number): number {
      if (v > 4) return square(v) + weights[0]!;
      return -v;
    }
    const kernel = gpu(
      ({ x, y }, n) => factor * table[y]![x]! + bent(x * n) + weights[x]! + floor(n) + (isOn ? 0.5 : 0),
      { output: [3, 2], backend: "simd" },
    );
    factor = 3;
    weights.fill(0);
    table[0]![0] = 99;
    const { value } = await kernel.run(3.5);
    expect([...value[0]]).toEqual([2 + 10 + 3.5, 4 - 3.5 + 20 + 3.5, 6 + 49 + 10 + 30 + 3.5]);
    expect(value[1][0]).toBe(8 + 10 + 3.5);
    kernel.destroy();
  });

  it("constants, and knows its place in both forms", async () => {
    const constants = { base: 100, list: [5, 6, 7], isOn: true };
    const kernels = [
      gpu(
        function () {
          const here = this.thread.x + 10 * this.thread.y + 20 * this.thread.z * this.output.x;
          return here + this.constants["base"] * this.constants["isOn"] + this.constants["list"][this.thread.y];
        },
        { output: [2, 3, 2], constants },
      ),
      gpu(
        ({ thread: { x, y }, thread, output, constants: { base, list }, constants }) => {
          return x + 10 * y + 20 * thread.z * output.x + base * constants["isOn"] + list[y];
        },
        { output: [2, 3, 2], constants },
      ),
      gpu((at: KernelPlace) => at.x + 10 * at.y + 20 * at.z * at.output.x + 100 + at.constants["list"][at.y], {
        output: [2, 3, 2],
        constants,
      }),
    ];
    for (const kernel of kernels) {
      const { value } = await kernel.run();
      expect(value[1][2][1]).toBe(1 + 20 + 40 + 100 + 7);
      expect(await kernel.verify()).toMatchObject({ maxError: 0 });
      kernel.destroy();
    }
  });
});

describe("a kernel refuses, naming it,", () => {
  const settings = { gain: 2 };
  const name = "a";
  let count = 0;
  const missing = undefined;
  const pair = [[1, 2], [3]];
  const loop = (n: number): number => (n < 1 ? 0 : loop(n - 1));
  const nan = NaN;
  const captures: [string, string, (place: KernelPlace, ...args: any[]) => number, string][] = [
    ["an object", "settings", ({ x }) => x * settings.gain, "an object of class Object"],
    ["a string", "name", ({ x }) => x * name.length, "a string"],
    ["nothing", "missing", ({ x }) => x * missing!, "which is undefined"],
    ["NaN", "nan", ({ x }) => x * nan, "no 32-bit float"],
    ["uneven rows", "pair", ({ x }) => pair[x]![0]!, "whose rows differ in length"],
    ["a written variable", "count", ({ x }) => (count += x), "can only return a number"],
    ["a name of the DOM", "document", ({ x }) => x * document.width, "which isn't there"],
    ["recursion", "loop", ({ x }) => loop(x), "calls itself"],
    ["the console", "console", ({ x }) => x * (console as any).size, "belongs to the program around it"],
  ];
  it.each(captures)("%s", (_, variable, kernel, why) => {
    let error: unknown;
    try {
      gpu(kernel, one);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(CaptureError);
    expect((error as CaptureError).variable).toBe(variable);
    expect((error as CaptureError).message).toContain(`"${variable}"`);
    expect((error as CaptureError).message).toContain(why);
    expect((error as CaptureError).message).toMatch(/^[A-Z][^\n]*\.$/);
  });

  const dialect: [string, Function, string][] = [
    ["writing to an array", ({ x }: any, xs: any) => (xs[x] = 1), "`xs[x] = 1` assigns inside an expression"],
    ["a call of a method", ({ x }: any, xs: any) => xs.map(x), "`xs.map(x)`"],
    ["a string", ({ x }: any) => x + "a", '`"a"` is no number'],
    ["an array of its own", ({ x }: any) => [1, 2][x], "`[1, 2][x]`"],
    ["two depths", ({ x }: any, xs: any) => xs[x] + xs[x][0], "uses the parameter xs"],
    [
      "no return",
      ({ x }: any) => {
        if (x > 1) return 1;
      },
      "may end without a `return`",
    ],
    [
      "a function inside",
      ({ x }: any) => {
        const f = () => x;
        return f();
      },
      "declare it outside",
    ],
    [
      "`this` of an arrow function",
      vm.runInThisContext("() => this.thread.x"),
      "take the place as its first parameter",
    ],
    ["arguments without the place", (xs: any) => xs[0], "takes the place first"],
    ["an unknown part of the place", ({ w }: any) => w, "x, y, z, thread, output and constants"],
    ["a function of Math that a GPU lacks", ({ x }: any) => Math.imul(x, 3), "Math.imul(x, 3)"],
    ["await", async () => 1, "is asynchronous"],
    ["a class", class A {}, "it is a class"],
  ];
  it.each(dialect)("%s", (_, kernel, why) => {
    expect(() => gpu(kernel as never, one)).toThrow(TypeError);
    expect(() => gpu(kernel as never, one)).toThrow(why);
  });
});

it("refuses an output that is none, or too large", () => {
  const kernel = ({ x }: KernelPlace): number => x;
  for (const output of [[], [0], [-1], [1.5], [1, 1, 1, 1], "4"])
    expect(() => gpu(kernel, { output: output as never })).toThrow(/^Expected `output` to be 1 to 3 positive integers/);
  expect(() => gpu(kernel, { output: [1e10] })).toThrow(RangeError);
  expect(() => gpu(kernel, { output: [1e5, 1e5] })).toThrow("at most 536870912 elements (2 GiB), got 10000000000");
  expect(() => gpu(kernel, { output: [1], backend: "gpu" as never })).toThrow("one of webgpu, simd, cpu, headlessgl");
  expect(() => gpu(kernel, { output: [1], precision: "double" as never })).toThrow("`precision`");
  expect(() => gpu(undefined as never, one)).toThrow("Expected a kernel function, got undefined");
});

it("refuses arguments that don't fit", async () => {
  const kernel = gpu(({ x }, xs, n, rows) => xs[x] * n + rows.length * rows[x][0], { ...one, output: [2] });
  const rows = [[1], [2]];
  expect([...(await kernel.run([3, 4], 2, rows)).value]).toEqual([8, 12]);
  for (const [args, why] of [
    [[[1, 2]], "Expected 3 arguments for the kernel (xs, n, rows), got 1"],
    [[[1, 2], [3], rows], "Expected a number as n, which is how the kernel uses it, got an array with 1"],
    [[5, 1, rows], "Expected an array of numbers with 1 index as xs, which is how the kernel uses it, got 5"],
    [[[1, 2], 1, [1, 2]], "Expected an array of numbers with 2 indices as rows"],
    [[["a"], 1, rows], "got an object of class Array"],
    [[[], 1, rows], "got one which holds nothing"],
    [[BigInt64Array.of(1n), 1, rows], "got an object of class BigInt64Array"],
  ] as [unknown[], string][])
    await expect(kernel.run(...(args as [any, any, any]))).rejects.toThrow(why);
  kernel.destroy();
});

describe.each(able)("on %s", (backend: BackendName) => {
  it("products of integers don't wrap round, and loops run to their end", async () => {
    const last = gpu(({ x }) => x * x, { output: [100_000], backend });
    expect((await last.run()).value[99_999]).toBe(Math.fround(99_999 ** 2));
    const sum = gpu(
      (_, n) => {
        let s = 0;
        for (let i = 0; i < n; i++) s += i * i;
        return s;
      },
      { output: [1], backend },
    );
    expect(await sum.verify(100_000)).toMatchObject({ differing: 0 });
    const count = gpu(
      function (n: number) {
        let steps = 0;
        let i = 0;
        while (i < n) {
          i++;
          if (i % 2 === 0) continue;
          steps += 2;
        }
        return steps;
      },
      { output: [1], backend },
    );
    expect((await count.run(200_000)).value[0]).toBe(200_000);
    count.destroy();
    const large = gpu(
      ({ x }, n) => {
        let added = 0;
        let i = 0;
        for (; i < n; i++) added += 1_000_000;
        for (let k = 0; k < n; k += 5000) added = added + 100_000_000;
        const far = x * x > 4_999_999_999 ? 1 : 0;
        return Math.round(added / 1e8) + far + (x * 50_000 === 5_000_000_000 ? 2 : 0);
      },
      { output: [100_001], backend },
    );
    const { value } = await large.run(10_000);
    for (const [x, rest] of [0, 1, 1, 3].entries()) expect(value[[0, 70_711, 99_999, 100_000][x]!]).toBe(102 + rest);
    large.destroy();
    last.destroy();
    sum.destroy();
  });

  it("bits are those of 32-bit integers", async () => {
    const hash = gpu(
      ({ x }) => {
        let h = x ^ 61;
        h ^= h << 13;
        h ^= h >>> 17;
        h ^= h << 5;
        return (h & 0xffff) + (~h >> 20);
      },
      { output: [5000], backend },
    );
    expect(await hash.verify()).toMatchObject({ maxError: 0 });
    hash.destroy();
  });
});
