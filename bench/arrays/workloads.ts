// What is computed, and from what: all contenders, in all languages, do the same (peers/ has it again in theirs).

export const COLUMNS = 1000;
export const ITERATIONS = 100;

/** How a workload's results are compared, and what it moves: bytes of memory for each element. */
export interface Workload {
  readonly title: string;
  /** Relative: sums are added in different orders. */
  readonly tolerance: number;
  readonly bytes: number;
}

export const WORKLOADS: Record<string, Workload> = {
  "map-sum": { title: "map x·2 + 1, sum", tolerance: 1e-9, bytes: 8 },
  squares: { title: "sum of squares", tolerance: 1e-9, bytes: 8 },
  sqrt: { title: "√x·3 + 1", tolerance: 1e-9, bytes: 16 },
  saxpy64: { title: "saxpy, f64", tolerance: 1e-9, bytes: 24 },
  saxpy32: { title: "saxpy, f32", tolerance: 1e-9, bytes: 12 },
  conditional: { title: "x > 250 ? x·2 : x + 100", tolerance: 1e-9, bytes: 16 },
  rows: { title: "sums of rows of 1000", tolerance: 1e-9, bytes: 8 },
  // A point at the edge may take another step where additions are fused with multiplications.
  mandelbrot: { title: "Mandelbrot, 100 steps", tolerance: 1e-4, bytes: 4 },
  copy: { title: "copy", tolerance: 0, bytes: 16 },
};
for (const kind of ["uniform", "skewed", "distinct", "zipf", "sorted", "reversed"])
  WORKLOADS[`sort-${kind}`] = { title: kind === "distinct" ? "100 distinct" : kind, tolerance: 1e-12, bytes: 16 };
WORKLOADS["comparator"] = { title: "by a comparator", tolerance: 1e-12, bytes: 16 };
WORKLOADS["stable"] = { title: "stable, by a comparator", tolerance: 1e-12, bytes: 16 };

export const x = (i: number): number => ((i * 7919) % 1000) / 2;
export const y = (i: number): number => i % 100;

/** Numbers to sort. xorshift32 (G. Marsaglia, Xorshift RNGs, 2003); only operations that are exact in all languages. */
export function toSort(kind: string, into: Float64Array): void {
  const n = into.length;
  let state = 2463534242;
  for (let i = 0; i < n; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const u = (state >>> 0) / 2 ** 32;
    into[i] = value(kind, u, i, n);
  }
}

function value(kind: string, u: number, i: number, n: number): number {
  switch (kind) {
    case "skewed": {
      const square = u * u;
      return square * square * square * square;
    }
    case "distinct":
      return Math.floor(u * 100);
    case "zipf":
      return Math.min(1e6, Math.floor(1 / (u + 2 ** -33)));
    case "sorted":
      return i / 2;
    case "reversed":
      return (n - i) / 2;
    default:
      return u;
  }
}

/** Numbers that depend on every result and on its place. */
export function check(results: ArrayLike<number>): number[] {
  let sum = 0;
  for (let i = 0; i < results.length; i++) sum += results[i]! * ((i % 7) + 1);
  return [sum, results[results.length - 1]!];
}
