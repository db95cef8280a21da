// Who is woken, and who isn't because somebody looks for work already: no task is left lying while a thread could run it,
// whatever the pace at which tasks come.

import { expect, it } from "vitest";
import { Pool, shared } from "../../lib/index.ts";
import { random } from "../random.ts";

/** Tasks that run at the same time, or never end: at most so long. */
const LIMIT_MS = 10_000;
const TRIES = 1000;

/** Says that it is there, and waits in a loop until all are. False: they don't come. */
function meet(place: Int32Array, all: number, limitMs: number): boolean {
  Atomics.add(place, 0, 1);
  const endMs = performance.now() + limitMs;
  while (Atomics.load(place, 0) < all) if (performance.now() > endMs) return false;
  return true;
}

for (const threads of [2, 3])
  it(`${threads} tasks that need each other meet, at any pace`, async () => {
    await using pool = new Pool({ threads });
    const next = random(threads);
    const short = (x: number): number => x + 1;
    for (let i = 0; i < TRIES; i++) {
      // Threads that look for work, that doze and that sleep: by what came before.
      for (let left = Math.floor(next() * 4); left > 0; left--) expect(await pool.run(short, i)).toBe(i + 1);
      const endMs = performance.now() + (i % 100 === 0 ? 8 : next() * 0.2);
      while (performance.now() < endMs);
      const place = shared(Int32Array, 1);
      const met = Array.from({ length: threads }, () => pool.run(meet, place, threads, LIMIT_MS));
      expect(await Promise.all(met)).not.toContain(false);
    }
  });

it("tasks that come one by one are each answered, at any pace", async () => {
  await using pool = new Pool({ threads: 2 });
  const next = random(7);
  for (let i = 0; i < TRIES; i++) {
    const what = next();
    if (what < 0.02) await new Promise((go) => setTimeout(go, what * 400));
    else if (what < 0.3) for (const endMs = performance.now() + what; performance.now() < endMs;);
    // By the board, by message, and a task that is awaited.
    if (what < 0.9) expect(await pool.run((x: number) => x * 2, i)).toBe(i * 2);
    else if (what < 0.95) expect(await pool.run((x: number) => [x], i)).toEqual([i]);
    else expect(await pool.run(async (x: number) => (await Promise.resolve(x)) * 2, i)).toBe(i * 2);
  }
});

it("what a task leaves behind goes on while tasks keep coming", async () => {
  await using pool = new Pool({ threads: 1 });
  const count = shared(Int32Array, 1);
  await pool.run((cell: Int32Array) => {
    const again = (): void => {
      if (Atomics.add(cell, 0, 1) < 20) setTimeout(again, 1);
    };
    again();
  }, count);
  while (Atomics.load(count, 0) < 20) await pool.run((x: number) => x, 1);
});
