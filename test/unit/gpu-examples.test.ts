// What kernels are for, a line each: every example computes what plain TypeScript does, on every backend there is.

import { describe, expect, it } from "vitest";
import { gpu, gpuBackends, Pool, type BackendName, type Kept } from "../../lib/index.ts";

const able = (await gpuBackends()).filter(({ available }) => available).map(({ backend }) => backend);

const matrix = (n: number, seed: number): Float32Array[] =>
  Array.from({ length: n }, (_, y) => Float32Array.from({ length: n }, (_, x) => Math.sin(x * seed + y) + 1));

describe.each(able)("on %s", (backend: BackendName) => {
  it("multiplies matrices", async () => {
    const n = 70;
    // prettier-ignore
    const product = gpu(({ x, y }, a, b) => { let sum = 0; for (let k = 0; k < n; k++) sum += a[y][k] * b[k][x]; return sum; }, { output: [n, n], backend });
    const { differing, largest } = await product.verify(matrix(n, 3), matrix(n, 5));
    expect([differing, largest > 1]).toEqual([0, true]);
    product.destroy();
  });

  it("maps every element", async () => {
    const xs = Float32Array.from({ length: 5000 }, (_, i) => i / 100);
    const scale = 3;
    const map = gpu(({ x }, xs) => Math.sqrt(xs[x]) * scale, { output: [xs.length], backend });
    expect(await map.verify(xs)).toMatchObject({ differing: 0 });
    map.destroy();
  });

  it("reduces, to as many parts as the output has elements", async () => {
    const xs = Float32Array.from({ length: 100_003 }, (_, i) => i % 7);
    // prettier-ignore
    const sum = gpu(({ x, output }, xs) => { let s = 0; for (let i = x; i < xs.length; i += output.x) s += xs[i]; return s; }, { output: [64], backend });
    const { value } = await sum.run(xs);
    expect((value as Float32Array).reduce((a, b) => a + b)).toBe(xs.reduce((a, b) => a + b));
    sum.destroy();
  });

  it("draws the Mandelbrot set, but for what 32 bits tell apart less well", async () => {
    const [w, h] = [90, 60];
    // prettier-ignore
    const steps = gpu(({ x, y }) => { let a = 0, b = 0, n = 0; while (n < 50 && a * a + b * b < 4) { const t = a * a - b * b + 3 * x / w - 2; b = 2 * a * b + 2 * y / h - 1; a = t; n++; } return n; }, { output: [w, h], backend });
    const { differing, largest } = await steps.verify();
    expect([differing <= (w * h) / 100, largest]).toEqual([true, 50]);
    steps.destroy();
  });

  it("steps the heat equation, leaving the field where it is", async () => {
    const n = 66;
    const field = matrix(n, 1);
    // prettier-ignore
    const step = gpu(({ x, y }, u) => x < 1 || y < 1 || x > n - 2 || y > n - 2 ? u[y][x] : u[y][x] + 0.2 * (u[y - 1][x] + u[y + 1][x] + u[y][x - 1] + u[y][x + 1] - 4 * u[y][x]), { output: [n, n], backend });
    let now: Kept = await step.keep(field);
    for (let i = 1; i < 20; i++) {
      using before = now;
      now = await step.keep(before);
    }
    let wanted = field;
    for (let i = 0; i < 20; i++) {
      const u = wanted;
      const at = (x: number, y: number): number => (u[y] as Float32Array)[x]!;
      wanted = u.map((row, y) =>
        row.map((one, x) =>
          x < 1 || y < 1 || x > n - 2 || y > n - 2
            ? one
            : one + 0.2 * (at(x, y - 1) + at(x, y + 1) + at(x - 1, y) + at(x + 1, y) - 4 * one),
        ),
      );
    }
    const { value } = await now.read();
    let error = 0;
    for (const [y, row] of wanted.entries())
      for (const [x, one] of row.entries()) error = Math.max(error, Math.abs(one - value[y][x]));
    expect(error).toBeLessThan(1e-5);
    now.free();
    await expect(now.read()).rejects.toThrow("The kept result was freed");
    await expect(step.run(now)).rejects.toThrow("The kept result was freed");
    step.destroy();
  });

  it("runs on a thread of a pool", async () => {
    await using pool = new Pool({ threads: 1 });
    const sum = await pool.run(async (backend: BackendName) => {
      const offset = 2;
      const kernel = gpu(({ x }, n) => x * n + offset, { output: [5000], backend });
      const { value } = await kernel.run(3);
      kernel.destroy();
      return (value as Float32Array).reduce((a, b) => a + b, 0);
    }, backend);
    expect(sum).toBe(((4999 * 5000) / 2) * 3 + 10_000);
  });
});

it("passes a result on between backends", async () => {
  const twice = (backend: BackendName) => gpu(({ x }, xs) => xs[x] * 2, { output: [4], backend });
  const kernels = able.map(twice);
  let now: Float32Array | Kept = Float32Array.of(1, 2, 3, 4);
  for (const kernel of [...kernels, ...kernels.toReversed()]) now = await kernel.keep(now);
  const { value } = await (now as Kept).read();
  expect([...value]).toEqual([1, 2, 3, 4].map((one) => one * 4 ** able.length));
  kernels.forEach((kernel) => kernel.destroy());
});
