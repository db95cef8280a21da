// Where selects of all threads sleep. A blocked thread sleeps on one word, a select waits for several channels: so there
// is one word for all of them, which a channel raises when it sees that a select waits for it.

import { getEnvironmentData, setEnvironmentData } from "node:worker_threads";
import type { Words } from "../atomics.ts";

const KEY = "braid.channel.hall";
const HERE = Symbol.for(KEY);

/**
 * Threads inherit it from the one that starts them. Where that one has not loaded the library they have a hall of their
 * own; then a select that waits for others' channels goes on when it looks again.
 */
export const hall: Words = ((globalThis as { [HERE]?: Words })[HERE] ??= open());

function open(): Words {
  const inherited = getEnvironmentData(KEY) as unknown as SharedArrayBuffer | undefined;
  const buffer = inherited ?? new SharedArrayBuffer(4);
  if (!inherited) setEnvironmentData(KEY, buffer as never);
  return new Int32Array(buffer);
}
