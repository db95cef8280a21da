// The contenders that run in Node: each makes what it needs for a workload, and then runs it as often as it is asked.

import { par, parSort, parSortSync, type ParOptions, setThreads, shared } from "braid";
import { check, COLUMNS, ITERATIONS, toSort, x, y } from "./workloads.ts";

export interface Job {
  run(): unknown;
  /** Before each run, not timed. */
  before?: () => void;
  /** After the last run. */
  check(): number[];
}

/** Undefined: it does not do this one. */
type Contender = (workload: string, n: number, threads: number) => Job | undefined;

type F64 = Float64Array;
type Made = <A extends F64 | Float32Array | Int32Array>(type: new (n: number) => A, n: number) => A;

const onHeap: Made = (type, n) => new type(n);
const inShared: Made = (type, n) => shared(type as never, n) as never;

function filled<A extends F64 | Float32Array>(array: A, of: (i: number) => number): A {
  for (let i = 0; i < array.length; i++) array[i] = of(i);
  return array;
}

/** The arrays of a workload, for what maps `xs` (and `ys`) to `out` or to a number. */
function arrays(make: Made, n: number) {
  return {
    f64: () => ({ xs: filled(make(Float64Array, n), x), ys: filled(make(Float64Array, n), y) }),
    f32: () => ({ xs: filled(make(Float32Array, n), x), ys: filled(make(Float32Array, n), y) }),
    xs: () => filled(make(Float64Array, n), x),
    out: () => make(Float64Array, n),
    rows: () => make(Float64Array, n / COLUMNS),
    steps: () => make(Int32Array, n),
  };
}

function mapping<A extends F64 | Float32Array | Int32Array>(out: A, run: (out: A) => unknown): Job {
  return { run: () => run(out), check: () => check(out) };
}

function summing(sum: () => number | Promise<number>): Job {
  let result = NaN;
  const keep = (value: number): number => (result = value);
  return {
    run() {
      const value = sum();
      return typeof value === "number" ? keep(value) : value.then(keep);
    },
    check: () => [result],
  };
}

/** `ys` grows with each run: for the check it starts again. */
function saxpy<A extends F64 | Float32Array>(ys: A, run: () => unknown): Job {
  let runs = 0;
  return {
    run: () => (runs++, run()),
    check: () => check(ys.map((value, i) => y(i) + (value - y(i)) / runs)),
  };
}

function sorting(workload: string, n: number, make: Made, sort: (array: F64) => unknown): Job {
  const input = new Float64Array(n);
  toSort(workload.replace("sort-", ""), input);
  const array = make(Float64Array, n);
  return { before: () => array.set(input), run: () => sort(array), check: () => check(array) };
}

const isSort = (workload: string): boolean => workload.startsWith("sort-");
const takesComparator = (workload: string): boolean => workload === "comparator" || workload === "stable";
const ascending = (a: number, b: number): number => a - b;

function plainLoop(workload: string, n: number): Job | undefined {
  const of = arrays(onHeap, n);
  switch (workload) {
    case "map-sum": {
      const xs = of.xs();
      return summing(() => {
        let sum = 0;
        for (let i = 0; i < n; i++) sum += xs[i]! * 2 + 1;
        return sum;
      });
    }
    case "squares": {
      const xs = of.xs();
      return summing(() => {
        let sum = 0;
        for (let i = 0; i < n; i++) sum += xs[i]! * xs[i]!;
        return sum;
      });
    }
    case "sqrt": {
      const xs = of.xs();
      return mapping(of.out(), (out) => {
        for (let i = 0; i < n; i++) out[i] = Math.sqrt(xs[i]!) * 3 + 1;
      });
    }
    case "saxpy64":
    case "saxpy32": {
      const isWide = workload === "saxpy64";
      const { xs, ys } = isWide ? of.f64() : of.f32();
      return saxpy(ys, () => {
        if (isWide) for (let i = 0; i < n; i++) ys[i] = 2 * xs[i]! + ys[i]!;
        // As it is computed elsewhere: each operation gives 32 bits.
        else for (let i = 0; i < n; i++) ys[i] = Math.fround(2 * xs[i]!) + ys[i]!;
      });
    }
    case "conditional": {
      const xs = of.xs();
      return mapping(of.out(), (out) => {
        for (let i = 0; i < n; i++) out[i] = xs[i]! > 250 ? xs[i]! * 2 : xs[i]! + 100;
      });
    }
    case "rows": {
      const xs = of.xs();
      return mapping(of.rows(), (out) => {
        for (let r = 0; r < out.length; r++) {
          let sum = 0;
          for (let at = r * COLUMNS; at < (r + 1) * COLUMNS; at++) sum += xs[at]!;
          out[r] = sum;
        }
      });
    }
    case "mandelbrot": {
      const height = n / COLUMNS;
      return mapping(of.steps(), (out) => {
        for (let i = 0; i < n; i++) {
          const row = Math.floor(i / COLUMNS);
          const [cx, cy] = [-2 + (2.5 * (i - row * COLUMNS)) / COLUMNS, -1.25 + (2.5 * row) / height];
          let [zx, zy, k] = [0, 0, 0];
          while (k < ITERATIONS && zx * zx + zy * zy <= 4) {
            const t = zx * zx - zy * zy + cx;
            zy = 2 * zx * zy + cy;
            zx = t;
            k++;
          }
          out[i] = k;
        }
      });
    }
    default:
      return undefined;
  }
}

/** Arrays of the language, as it is written without thinking of speed. */
function mapReduce(workload: string, n: number): Job | undefined {
  const xs = Array.from({ length: n }, (_, i) => x(i));
  const add = (a: number, b: number): number => a + b;
  if (workload === "map-sum") return summing(() => xs.map((one) => one * 2 + 1).reduce(add, 0));
  if (workload === "squares") return summing(() => xs.map((one) => one * one).reduce(add, 0));
  return undefined;
}

function nativeSort(workload: string, n: number): Job | undefined {
  if (isSort(workload)) return sorting(workload, n, onHeap, (array) => array.sort());
  return takesComparator(workload) ? sorting(workload, n, onHeap, (array) => array.sort(ascending)) : undefined;
}

/** By `await`, or blocking. */
function braid(isBlocking: boolean, simd?: false): Contender {
  return (workload, n, threads) => {
    setThreads(threads);
    const of = arrays(inShared, n);
    const options: ParOptions = { threads, ...(simd === false && { simd }) };
    switch (workload) {
      case "map-sum": {
        const all = par(of.xs(), options).map((one) => one * 2 + 1);
        return summing(() => (isBlocking ? all.sumSync() : all.sum()));
      }
      case "squares": {
        const all = par(of.xs(), options).map((one) => one * one);
        return summing(() => (isBlocking ? all.sumSync() : all.sum()));
      }
      case "sqrt": {
        const all = par(of.xs(), options).map((one) => Math.sqrt(one) * 3 + 1);
        return mapping(of.out(), (out) => (isBlocking ? all.intoSync(out) : all.into(out)));
      }
      case "saxpy64":
      case "saxpy32": {
        const isWide = workload === "saxpy64";
        const { xs, ys } = isWide ? of.f64() : of.f32();
        const all = isWide
          ? par(xs, options).map((one, i) => 2 * one + ys[i]!)
          : par(xs, options).map((one, i) => Math.fround(2 * one) + ys[i]!);
        return saxpy(ys, () => (isBlocking ? all.intoSync(ys) : all.into(ys)));
      }
      case "conditional": {
        const all = par(of.xs(), options).map((one) => (one > 250 ? one * 2 : one + 100));
        return mapping(of.out(), (out) => (isBlocking ? all.intoSync(out) : all.into(out)));
      }
      case "rows": {
        const all = par.rows(of.xs(), { rows: n / COLUMNS, cols: COLUMNS }, options).map((row) => {
          let sum = 0;
          for (let i = 0; i < row.length; i++) sum += row[i]!;
          return sum;
        });
        return mapping(of.rows(), (out) => (isBlocking ? all.intoSync(out) : all.into(out)));
      }
      case "mandelbrot": {
        const [width, height, most] = [COLUMNS, n / COLUMNS, ITERATIONS];
        const all = par.range(0, n, options).map((i) => {
          const row = Math.floor(i / width);
          const cx = -2 + (2.5 * (i - row * width)) / width;
          const cy = -1.25 + (2.5 * row) / height;
          let zx = 0;
          let zy = 0;
          let k = 0;
          while (k < most && zx * zx + zy * zy <= 4) {
            const t = zx * zx - zy * zy + cx;
            zy = 2 * zx * zy + cy;
            zx = t;
            k++;
          }
          return k;
        });
        return mapping(of.steps(), (out) => (isBlocking ? all.intoSync(out) : all.into(out)));
      }
      default: {
        if (!isSort(workload) && !takesComparator(workload)) return undefined;
        const how = { threads, stable: workload === "stable" };
        const compare = takesComparator(workload) ? ascending : undefined;
        return sorting(workload, n, inShared, (array) =>
          isBlocking ? parSortSync(array, compare, how) : parSort(array, compare, how),
        );
      }
    }
  };
}

export const CONTENDERS: Record<string, Contender> = {
  Braid: braid(true),
  "Braid, awaited": braid(false),
  "Braid, no SIMD": braid(true, false),
  "plain loop": plainLoop,
  ".map().reduce()": mapReduce,
  "TypedArray.sort": nativeSort,
};

/** What each has to do with: the others are not tried. */
export const ABLE: Record<string, RegExp> = {
  "Braid, no SIMD": /^(?!sort|stable|comparator|copy)/,
  "Braid, awaited": /^(?!copy)/,
  Braid: /^(?!copy)/,
  "plain loop": /^(?!sort|stable|comparator|copy)/,
  ".map().reduce()": /^(map-sum|squares)$/,
  "TypedArray.sort": /^(sort|stable|comparator)/,
};
