// Many tasks that block: as many threads as they need stand in for each other.

import { expect, it } from "vitest";
import { Pool, shared } from "../../lib/index.ts";

it("more than thirty-two tasks may block, each waiting for all", async () => {
  await using own = new Pool({ threads: 2 });
  const cells = shared(Int32Array, 2);
  const meet = (all: Int32Array, count: number): void => {
    if (Atomics.add(all, 0, 1) + 1 === count) {
      Atomics.store(all, 1, 1);
      Atomics.notify(all, 1);
    }
    while (Atomics.load(all, 1) === 0) Atomics.wait(all, 1, 0);
  };
  await Promise.all(Array.from({ length: 40 }, () => own.run(meet, cells, 40)));
  expect(cells[0]).toBe(40);
});
