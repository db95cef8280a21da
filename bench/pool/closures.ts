// The tasks of tasks/tasks.mjs for the pools that take closures.

import type { TaskName } from "./pools.ts";

type Task = (...args: never[]) => number;

export const CLOSURES: Record<TaskName, Task> = {
  add: (a: number, b: number) => a + b,
  weigh: ({ id, name, values }: { id: number; name: string; values: number[] }) => {
    let sum = id + name.length;
    for (const value of values) sum += value;
    return sum;
  },
  sum: (seed: number, n: number) => {
    let x = seed;
    let total = 0;
    for (let i = 0; i < n; i++) {
      x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
      total += x % 7;
    }
    return total;
  },
  spin: (ms: number) => {
    const end = performance.now() + ms;
    while (performance.now() < end);
    return ms;
  },
};
