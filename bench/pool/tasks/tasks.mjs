// The work, once for all pools that name a function of a file. closures.ts has the same as
// closures, peers/ in Go and Rust.

/**
 * @param {number} a
 * @param {number} b
 */
export const add = (a, b) => a + b;

/** @param {{ id: number, name: string, values: number[] }} parcel */
export function weigh({ id, name, values }) {
  let sum = id + name.length;
  for (const value of values) sum += value;
  return sum;
}

/**
 * Each step needs the one before it, so that no compiler can fold the loop or do several steps at a time.
 * @param {number} seed
 * @param {number} n
 */
export function sum(seed, n) {
  let x = seed;
  let total = 0;
  for (let i = 0; i < n; i++) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    total += x % 7;
  }
  return total;
}

/** @param {number} ms */
export function spin(ms) {
  const end = performance.now() + ms;
  while (performance.now() < end);
  return ms;
}

export const TASKS = { add, weigh, sum, spin };
