// What is computed, in the words of each contender: a plain loop, par(), gpu.js as its manual has it, and Braid's gpu().
// Results are flat and compared.

import { createRequire } from "node:module";
import { gpu, type BackendName, type GpuKernel, type Kept, par, shared } from "braid";

/** Computes once more what it computed the last time. */
export type Again = () => Promise<ArrayLike<number>>;

export interface Workload {
  /** As much as 32-bit floats may differ: this share of the elements by more than 1e-5 of the largest. */
  readonly differing: number;
  plain(): Again;
  par(): Again;
  gpuJs(mode: string): Again;
  braid(backend: BackendName): Again;
}

type Rows = Float32Array[];

/** Rows that lie behind each other in one memory. */
const rowsOf = (flat: Float32Array, width: number): Rows =>
  Array.from({ length: flat.length / width }, (_, y) => flat.subarray(y * width, (y + 1) * width));

/** What a kernel with two dimensions gives, as one array. */
function flatten(rows: Rows): Float32Array {
  const width = rows[0]!.length;
  const flat = new Float32Array(rows.length * width);
  rows.forEach((row, y) => flat.set(row, y * width));
  return flat;
}

const numbers = (length: number, f: (i: number) => number): Float32Array =>
  Float32Array.from({ length }, (_, i) => f(i));

const inShared = (from: Float32Array): Float32Array => shared(Float32Array, from);
/** par() takes elements: here each is the number of a row. */
const rowNumbers = (length: number): Int32Array =>
  shared(
    Int32Array,
    numbers(length, (y) => y),
  );

interface GpuJs {
  createKernel(source: Function, settings: object): (...args: unknown[]) => Promise<any>;
}

/** gpu.js as its manual says it, with what keeps its loops from ending early. */
function gpuJs(mode: string): GpuJs {
  const require = createRequire(import.meta.url);
  if (mode === "webgpu" && !("gpu" in navigator)) {
    const { create, globals } = require("webgpu") as { create(options: string[]): object; globals: object };
    Object.assign(globalThis, globals);
    Object.defineProperty(navigator, "gpu", { value: create([]), configurable: true });
  }
  const { GPU } = require("gpu.js") as { GPU: new (settings: object) => GpuJs };
  return new GPU({ mode });
}

const settings = (output: number[], more: object = {}) => ({
  output,
  precision: "single",
  asyncMode: true,
  loopMaxIterations: 2 ** 31 - 1,
  ...more,
});

/** What gpu.js passes to a kernel; its functions are translated, never called. */
interface This {
  thread: { x: number; y: number };
  constants: { n: number; w: number; h: number; limit: number; parts: number };
}

// ---- matrix product

/** In the order in which all three are read along their rows: the fastest of the plain ones. */
function multiplyRow(a: Float32Array, b: Float32Array, c: Float32Array, n: number, i: number): void {
  c.fill(0, i * n, (i + 1) * n);
  for (let k = 0; k < n; k++) {
    const left = a[i * n + k]!;
    for (let j = 0; j < n; j++) c[i * n + j]! += left * b[k * n + j]!;
  }
}

function matmul(n: number): Workload {
  const a = numbers(n * n, (i) => ((i * 7) % 13) / 13 - 0.5);
  const b = numbers(n * n, (i) => ((i * 5) % 11) / 11 - 0.5);
  const [rowsA, rowsB] = [rowsOf(a, n), rowsOf(b, n)];
  return {
    differing: 0,
    plain() {
      const c = new Float32Array(n * n);
      return async () => {
        for (let i = 0; i < n; i++) multiplyRow(a, b, c, n, i);
        return c;
      };
    },
    par() {
      const [left, right, c] = [inShared(a), inShared(b), shared(Float32Array, n * n)];
      const rows = rowNumbers(n);
      return async () => {
        await par(rows).forEach((i) => multiplyRow(left, right, c, n, i));
        return c;
      };
    },
    gpuJs(mode) {
      const product = gpuJs(mode).createKernel(
        function (this: This, a: Rows, b: Rows) {
          let sum = 0;
          for (let k = 0; k < this.constants.n; k++) sum += a[this.thread.y]![k]! * b[k]![this.thread.x]!;
          return sum;
        },
        settings([n, n], { constants: { n } }),
      );
      return async () => flatten(await product(rowsA, rowsB));
    },
    braid(backend) {
      const product = gpu(
        ({ x, y }, a, b) => {
          let sum = 0;
          for (let k = 0; k < n; k++) sum += a[y][k] * b[k][x];
          return sum;
        },
        { output: [n, n], backend },
      );
      return async () => flatten((await product.run(rowsA, rowsB)).value);
    },
  };
}

// ---- element map

function mapAll(xs: Float32Array, out: Float32Array): Float32Array {
  for (let i = 0; i < xs.length; i++) out[i] = Math.sqrt(xs[i]!) * 3 + xs[i]! / 7;
  return out;
}

function map(n: number): Workload {
  const xs = numbers(n, (i) => i / n);
  return {
    differing: 0,
    plain() {
      const out = new Float32Array(n);
      return async () => mapAll(xs, out);
    },
    par() {
      const [source, out] = [inShared(xs), shared(Float32Array, n)];
      return async () =>
        par(source)
          .map((x) => Math.sqrt(x) * 3 + x / 7)
          .into(out);
    },
    gpuJs(mode) {
      const kernel = gpuJs(mode).createKernel(
        function (this: This, xs: Float32Array) {
          return Math.sqrt(xs[this.thread.x]!) * 3 + xs[this.thread.x]! / 7;
        },
        settings([n]),
      );
      return () => kernel(xs) as Promise<Float32Array>;
    },
    braid(backend) {
      const kernel = gpu(({ x }, xs) => Math.sqrt(xs[x]) * 3 + xs[x] / 7, { output: [n], backend });
      return async () => (await kernel.run(xs)).value as Float32Array;
    },
  };
}

// ---- reduction

function sumAll(xs: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < xs.length; i++) sum += xs[i]!;
  return sum;
}

function reduce(n: number): Workload {
  const parts = 4096;
  const xs = numbers(n, (i) => (i % 1000) / 1000);
  const total = (partial: Float32Array): number[] => [partial.reduce((a, b) => a + b, 0)];
  return {
    differing: 0,
    plain: () => async () => [sumAll(xs)],
    par() {
      const source = inShared(xs);
      return async () => [await par(source).sum()];
    },
    gpuJs(mode) {
      const sum = gpuJs(mode).createKernel(
        function (this: This, xs: Float32Array) {
          let s = 0;
          for (let i = 0; i < this.constants.n / this.constants.parts; i++)
            s += xs[this.thread.x + i * this.constants.parts]!;
          return s;
        },
        settings([parts], { constants: { n, parts } }),
      );
      return async () => total(await sum(xs));
    },
    braid(backend) {
      const sum = gpu(
        ({ x }, xs) => {
          let s = 0;
          for (let i = 0; i < n / parts; i++) s += xs[x + i * parts];
          return s;
        },
        { output: [parts], backend },
      );
      return async () => total((await sum.run(xs)).value);
    },
  };
}

// ---- Mandelbrot set

function escapeRow(out: Float32Array, w: number, h: number, limit: number, y: number): void {
  const ci = (2 * y) / h - 1;
  for (let x = 0; x < w; x++) {
    const cr = (3 * x) / w - 2;
    let a = 0;
    let b = 0;
    let n = 0;
    while (n < limit && a * a + b * b < 4) {
      const t = a * a - b * b + cr;
      b = 2 * a * b + ci;
      a = t;
      n++;
    }
    out[y * w + x] = n;
  }
}

function mandelbrot(w: number, limit: number): Workload {
  const h = w;
  return {
    differing: 0.02,
    plain() {
      const out = new Float32Array(w * h);
      return async () => {
        for (let y = 0; y < h; y++) escapeRow(out, w, h, limit, y);
        return out;
      };
    },
    par() {
      const [rows, out] = [rowNumbers(h), shared(Float32Array, w * h)];
      return async () => {
        await par(rows).forEach((y) => escapeRow(out, w, h, limit, y));
        return out;
      };
    },
    gpuJs(mode) {
      const steps = gpuJs(mode).createKernel(
        function (this: This) {
          const cr = (3 * this.thread.x) / this.constants.w - 2;
          const ci = (2 * this.thread.y) / this.constants.h - 1;
          let a = 0;
          let b = 0;
          let n = 0;
          while (n < this.constants.limit && a * a + b * b < 4) {
            const t = a * a - b * b + cr;
            b = 2 * a * b + ci;
            a = t;
            n++;
          }
          return n;
        },
        settings([w, h], { constants: { w, h, limit } }),
      );
      return async () => flatten(await steps());
    },
    braid(backend) {
      const steps = gpu(
        ({ x, y }) => {
          const cr = (3 * x) / w - 2;
          const ci = (2 * y) / h - 1;
          let a = 0;
          let b = 0;
          let n = 0;
          while (n < limit && a * a + b * b < 4) {
            const t = a * a - b * b + cr;
            b = 2 * a * b + ci;
            a = t;
            n++;
          }
          return n;
        },
        { output: [w, h], backend },
      );
      return async () => flatten((await steps.run()).value);
    },
  };
}

// ---- heat equation

function stepRow(from: Float32Array, to: Float32Array, n: number, y: number): void {
  for (let x = 0; x < n; x++) {
    const i = y * n + x;
    const one = from[i]!;
    to[i] =
      x < 1 || y < 1 || x > n - 2 || y > n - 2
        ? one
        : one + 0.2 * (from[i - n]! + from[i + n]! + from[i - 1]! + from[i + 1]! - 4 * one);
  }
}

function heat(n: number, steps: number): Workload {
  const start = numbers(n * n, (i) => Math.sin(i) + 1);
  return {
    differing: 0,
    plain() {
      return async () => {
        let [from, to] = [Float32Array.from(start), new Float32Array(n * n)];
        for (let i = 0; i < steps; i++) {
          for (let y = 0; y < n; y++) stepRow(from, to, n, y);
          [from, to] = [to, from];
        }
        return from;
      };
    },
    par() {
      const [one, other, rows] = [inShared(start), shared(Float32Array, n * n), rowNumbers(n)];
      return async () => {
        one.set(start);
        let [from, to]: [Float32Array, Float32Array] = [one, other];
        for (let i = 0; i < steps; i++) {
          const [a, b] = [from, to];
          await par(rows).forEach((y) => stepRow(a, b, n, y));
          [from, to] = [to, from];
        }
        return from.slice();
      };
    },
    gpuJs(mode) {
      const step = gpuJs(mode).createKernel(
        function (this: This, u: Rows) {
          const x = this.thread.x;
          const y = this.thread.y;
          const one = u[y]![x]!;
          if (x < 1 || y < 1 || x > this.constants.n - 2 || y > this.constants.n - 2) return one;
          return one + 0.2 * (u[y - 1]![x]! + u[y + 1]![x]! + u[y]![x - 1]! + u[y]![x + 1]! - 4 * one);
        },
        settings([n, n], { constants: { n }, pipeline: true, immutable: true }),
      );
      const rows = rowsOf(start, n);
      return async () => {
        let now = await step(rows);
        for (let i = 1; i < steps; i++) {
          const before = now;
          now = await step(before);
          before.delete?.();
        }
        const value = await (now.toArray?.() ?? now);
        now.delete?.();
        return flatten(value);
      };
    },
    braid(backend) {
      const step: GpuKernel<any> = gpu(
        ({ x, y }, u) => {
          const one = u[y][x];
          if (x < 1 || y < 1 || x > n - 2 || y > n - 2) return one;
          return one + 0.2 * (u[y - 1][x] + u[y + 1][x] + u[y][x - 1] + u[y][x + 1] - 4 * one);
        },
        { output: [n, n], backend },
      );
      const rows = rowsOf(start, n);
      return async () => {
        let now: Kept = await step.keep(rows);
        for (let i = 1; i < steps; i++) {
          using before = now;
          now = await step.keep(before);
        }
        using last = now;
        return flatten((await last.read()).value);
      };
    },
  };
}

export const WORKLOADS: Record<string, () => Workload> = {
  "matmul 512": () => matmul(512),
  "matmul 1024": () => matmul(1024),
  "map 1M": () => map(2 ** 20),
  "sum 4M": () => reduce(2 ** 22),
  "Mandelbrot 1024, 256 steps": () => mandelbrot(1024, 256),
  "heat 512, 100 steps": () => heat(512, 100),
};
