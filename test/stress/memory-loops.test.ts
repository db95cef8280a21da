// Parallel loops let go of the arrays that they ran over.

import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { par, shared } from "../../lib/index.ts";

const MEGABYTE = 2 ** 20;

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc") as (how: { flavor: "last-resort" }) => void;

it("also where nothing is awaited between them", () => {
  const kept = shared(Float64Array, 2 * MEGABYTE);
  for (let round = 0; round < 60; round++) {
    const xs = shared(Float64Array, 2 * MEGABYTE);
    expect(
      par(xs, { threads: 2 })
        .map((x) => x + 1)
        .countSync(),
    ).toBe(xs.length);
    expect(
      par(kept, { threads: 2 })
        .filter((x) => x > 0)
        .countSync(),
    ).toBe(0);
  }
  gc({ flavor: "last-resort" });
  // Of 960: what stays told to the threads, so that the next loop over it begins at once.
  expect(getHeapStatistics().external_memory / MEGABYTE).toBeLessThan(600);
  expect(par(kept).sumSync()).toBe(0);
}, 60_000);
