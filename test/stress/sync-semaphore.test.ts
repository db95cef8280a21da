// A semaphore under threads that ask in every way, give up at any moment, and die: no permit is lost or doubled, nobody
// waits for a permit that is free.

import { setImmediate as turn } from "node:timers/promises";
import { expect, it } from "vitest";
import { CancelledError, Pool, Semaphore, shared, TimeoutError } from "../../lib/index.ts";

const PERMITS = 3;
const [INSIDE, MOST, TAKEN] = [0, 1, 2];

it("lets never more in than it has permits, and gives all of them back", async () => {
  const semaphore = new Semaphore(PERMITS);
  const counts = shared(Int32Array, 3);
  const ask = async (seed: number): Promise<{ asked: number; taken: number; left: number }> => {
    const chance = (): number => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32;
    const inside = (): void => {
      const now = Atomics.add(counts, INSIDE, 1) + 1;
      for (let most = Atomics.load(counts, MOST); now > most; most = Atomics.load(counts, MOST))
        Atomics.compareExchange(counts, MOST, most, now);
      Atomics.add(counts, TAKEN, 1);
      for (let n = chance() * 2000; n > 0; n--);
      Atomics.sub(counts, INSIDE, 1);
    };
    let [asked, taken, left] = [0, 0, 0];
    const one = async (form: number): Promise<void> => {
      asked++;
      try {
        if (form < 0.2) {
          using permit = semaphore.tryAcquire();
          if (permit) inside();
          if (permit) taken++;
          else left++;
        } else if (form < 0.4) {
          // With a limit that runs out about when the permit comes.
          using permit = semaphore.acquire({ timeoutMs: chance() * 0.3 });
          if (permit) inside();
          taken++;
        } else if (form < 0.6) {
          using permit = semaphore.acquire();
          if (permit) inside();
          taken++;
        } else if (form < 0.8) {
          using permit = await semaphore.acquireAsync();
          if (permit) inside();
          taken++;
        } else {
          const abort = new AbortController();
          const waiting = semaphore.acquireAsync({ timeoutMs: chance() * 3, signal: abort.signal });
          if (chance() < 0.5) void turn().then(() => abort.abort());
          using permit = await waiting;
          if (permit) inside();
          taken++;
        }
      } catch (error) {
        if (!(error instanceof TimeoutError) && !(error instanceof CancelledError)) throw error;
        left++;
      }
    };
    // Who blocks while it has a permit, or has one coming, may wait for itself: so only when it waits for nothing.
    for (let round = 0; round < 300; round++)
      if (chance() < 0.5) await one(chance() * 0.6);
      else await Promise.all([0, 1, 2].map(() => one(0.6 + chance() * 0.4)));
    return { asked, taken, left };
  };
  await using pool = new Pool({ threads: 4 });
  const results = await Promise.all([...[1, 2, 3, 4].map((seed) => pool.run(ask, seed)), ask(5)]);
  let total = 0;
  for (const { asked, taken, left } of results) {
    expect(taken + left).toBe(asked);
    total += taken;
  }
  expect(counts[TAKEN]).toBe(total);
  expect(counts[INSIDE]).toBe(0);
  expect(counts[MOST]).toBeLessThanOrEqual(PERMITS);
  expect(counts[MOST]).toBeGreaterThan(0);
  expect(semaphore.available).toBe(PERMITS);
});

it("goes on for the others while those that wait are stopped in the moment in which they are woken", async () => {
  const THREADS = 3;
  await using survivors = new Pool({ threads: THREADS });
  for (let round = 0; round < 8; round++) {
    const semaphore = new Semaphore(0);
    const counts = shared(Int32Array, 2);
    const wait = (): void => {
      Atomics.add(counts, 0, 1);
      semaphore.acquire();
      Atomics.add(counts, 1, 1);
    };
    const victims = new Pool({ threads: THREADS });
    // By turns, so that the wake-ups go to both.
    const all = Array.from({ length: 2 * THREADS }, (_, n) => (n % 2 === 0 ? victims : survivors).run(wait));
    const outcomes = Promise.allSettled(all);
    while (counts[0]! < all.length) await turn();
    for (let i = 0; i < round % 3; i++) await turn();
    semaphore.release(THREADS);
    await victims.terminate();
    // What the dead took is given back for them. A permit that is free finds a taker, or this never ends.
    const ended = Promise.all(all.filter((_, n) => n % 2 === 1)).then(() => true);
    const soon = async (): Promise<boolean> => {
      await new Promise((go) => setTimeout(go, 2));
      return false;
    };
    while (!(await Promise.race([ended, soon()]))) if (semaphore.available === 0) semaphore.release();
    await outcomes;
  }
});
