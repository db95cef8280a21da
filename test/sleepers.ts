// How many wait on an atomic value just now, threads and promises alike: V8 tells its own tests, and these.

import { setFlagsFromString } from "node:v8";
import { setImmediate as turn } from "node:timers/promises";

type Shipped = Record<symbol, () => { data: { words: Int32Array | BigInt64Array } }>;

setFlagsFromString("--allow-natives-syntax");
const count = new Function("words", "return %AtomicsNumWaitersForTesting(words, 0)") as (words: Int32Array) => number;

/** Until so many wait on it. */
export async function asleep(atomic: object, waits: number): Promise<void> {
  const { words } = (atomic as Shipped)[Symbol.for("braid.ship")]!().data;
  const view = new Int32Array(words.buffer);
  while (count(view) < waits) await turn();
}
