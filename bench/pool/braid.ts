// Braid, with the tasks as closures: that is how it is used.

import { Pool } from "braid";
import { CLOSURES } from "./closures.ts";
import type { Open, OpenPool } from "./pools.ts";

export const openBraid: Open = (threads, task): OpenPool => {
  const pool = new Pool({ threads });
  const fn = CLOSURES[task] as (...args: unknown[]) => number;
  return { run: (...args) => pool.run(fn, ...args), close: () => pool.close() };
};

/** The function is another one in each call. */
export const openAnew: Open = (threads): OpenPool => {
  const pool = new Pool({ threads });
  return {
    run: (...args) => pool.run((a: number, b: number) => a + b, ...(args as [number, number])),
    close: () => pool.close(),
  };
};
