// The median and its 95 % interval. The interval is read off the sorted timings themselves: the k-th smallest and the
// k-th largest enclose the median unless fewer than k of n fair coins show heads (the binomial sign test; Hollander and
// Wolfe, Nonparametric Statistical Methods, 3.6). It supposes nothing about how timings are distributed.

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** With fewer than 6 values no 95 % interval exists: then it is smallest to largest, which holds the median less often. */
export function medianInterval(values: readonly number[]): { low: number; high: number } {
  const sorted = [...values].sort((a, b) => a - b);
  const k = intervalRank(sorted.length);
  return { low: sorted[k - 1]!, high: sorted[sorted.length - k]! };
}

/** The largest k with P(fewer than k heads of n) ≤ 2.5 %, at least 1. */
export function intervalRank(n: number): number {
  let probability = 2 ** -n;
  let below = probability;
  let k = 0;
  while (k < n / 2 && below <= 0.025) {
    k++;
    probability *= (n - k + 1) / k;
    below += probability;
  }
  return Math.max(1, k);
}

/**
 * Amdahl's serial part by least squares: speedup S(p) = 1 / (s + (1 − s)/p), so 1/S − 1/p = s · (1 − 1/p), a line through
 * the origin. Kept within 0 to 1. NaN when every row has one thread.
 */
export function serialPart(rows: readonly { threads: number; speedup: number }[]): number {
  let [xy, xx] = [0, 0];
  for (const { threads, speedup } of rows) {
    const x = 1 - 1 / threads;
    xy += x * (1 / speedup - 1 / threads);
    xx += x * x;
  }
  return xx === 0 ? NaN : Math.min(1, Math.max(0, xy / xx));
}
