// An arena under threads that allocate and free at the same time, some of which die: no two blocks overlap, the counts
// are exact, and when all is freed it is whole again.

import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { Arena, ArenaFullError, Pool } from "../../lib/index.ts";

const LINES = 256;

/** Fills each block with a number of its own and looks whether it is still there. Keeps `kept` blocks at the end. */
function churn(arena: Arena, seed: number, rounds: number): { wrong: number; refused: number; done: number } {
  const chance = (): number => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  const live: Int32Array[] = [];
  const marks: number[] = [];
  let [wrong, refused, done] = [0, 0, 0];
  const drop = (i: number): void => {
    const [view] = live.splice(i, 1);
    const [mark] = marks.splice(i, 1);
    for (let at = 0; at < view!.length; at++) if (view![at] !== mark) wrong++;
    arena.free(view!);
  };
  for (let round = 0; round < rounds; round++) {
    if (live.length > 12 || (live.length > 0 && chance() < 0.45)) drop(Math.floor(chance() * live.length));
    else {
      try {
        const view = arena.alloc(Int32Array, 1 + Math.floor(chance() * 16 * 2 ** (chance() * 6)));
        for (let at = 0; at < view.length; at++) if (view[at] !== 0) wrong++;
        const mark = Math.floor(chance() * 2 ** 31);
        live.push(view.fill(mark));
        marks.push(mark);
        done++;
      } catch (error) {
        if ((error as { code?: string }).code !== "ERR_BRAID_ARENA_FULL") throw error;
        refused++;
      }
    }
  }
  while (live.length > 0) drop(0);
  return { wrong, refused, done };
}

it("gives no byte to two threads, and is whole again at the end", async () => {
  const arena = new Arena(LINES * 64);
  await using pool = new Pool({ threads: 4 });
  for (let round = 0; round < 3; round++) {
    const results = await Promise.all([
      ...[1, 2, 3, 4].map((n) => pool.run(churn, arena, round * 10 + n, 20_000)),
      Promise.resolve().then(() => churn(arena, round * 10 + 5, 5000)),
    ]);
    expect(results.map(({ wrong }) => wrong)).toEqual([0, 0, 0, 0, 0]);
    expect(results.reduce((sum, { done }) => sum + done, 0)).toBeGreaterThan(10_000);
    expect(arena.stats()).toMatchObject({ liveBytes: 0, reservedBytes: 0, blocks: 0 });
    expect(arena.stats().peakBytes).toBeLessThanOrEqual(LINES * 64);
    // Everything in one piece.
    arena.free(arena.alloc(LINES * 64));
  }
  expect(() => arena.alloc(LINES * 64 + 1)).toThrow(ArenaFullError);
}, 60_000);

it("is of use to the others when threads die in it", async () => {
  const arena = new Arena(LINES * 64);
  const victims = new Pool({ threads: 2 });
  await using pool = new Pool({ threads: 2 });
  const others = [1, 2].map((n) => pool.run(churn, arena, n, 60_000));
  for (let round = 0; round < 10; round++) {
    const victim = victims.submit(churn, arena, 100 + round, 1e9);
    while (victim.state === "queued") await sleep(1);
    await sleep(round);
    victim.cancel();
    await victim.then(
      () => {},
      () => {},
    );
  }
  await victims.terminate();
  for (const { wrong } of await Promise.all(others)) expect(wrong).toBe(0);
}, 60_000);
