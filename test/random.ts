// Numbers from 0 up to 1 that are the same in every run: a linear congruential generator.

export function random(seed: number): () => number {
  return () => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32;
}
