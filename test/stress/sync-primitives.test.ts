// Atomic numbers, latches, wait groups and barriers under threads that hurry, block and die.

import { setImmediate as turn } from "node:timers/promises";
import { expect, it } from "vitest";
import { AtomicI32, AtomicI64, AtomicU32, Barrier, Latch, Pool, shared, SpinLock, WaitGroup } from "../../lib/index.ts";
import { BrokenBarrierError, TimeoutError } from "../../lib/errors.ts";

const THREADS = 10;
const TIMES = 100_000;
const EACH = Array.from({ length: THREADS }, (_, n) => n);

it("10 x 100,000 additions come to a million, in each way to add", async () => {
  const [small, positive, large, swapped] = [new AtomicI32(), new AtomicU32(), new AtomicI64(), new AtomicI32()];
  await using pool = new Pool({ threads: THREADS });
  await pool.map(
    EACH,
    () => {
      for (let i = 0; i < TIMES; i++) {
        small.add(1);
        positive.sub(1);
        large.add(2n);
        for (let seen = swapped.load(), found: number; ; seen = found)
          if ((found = swapped.compareExchange(seen, seen + 1)) === seen) break;
      }
    },
    { chunk: 1 },
  );
  const million = THREADS * TIMES;
  expect([small.load(), positive.load(), large.load(), swapped.load()]).toEqual([
    million,
    2 ** 32 - million,
    2n * BigInt(million),
    million,
  ]);
});

it("10 x 100,000 plain additions under a spin lock come to a million", async () => {
  const [lock, counts] = [new SpinLock(), shared(Int32Array, 1)];
  await using pool = new Pool({ threads: THREADS });
  await pool.map(
    EACH,
    () => {
      for (let i = 0; i < TIMES; i++) {
        using guard = lock.lock();
        if (guard) counts[0]! += 1;
      }
    },
    { chunk: 1 },
  );
  expect(counts[0]).toBe(THREADS * TIMES);
});

it("10 x 100,000 steps open a latch and end a group exactly, and wake all who wait", async () => {
  const latch = new Latch(THREADS * TIMES);
  const group = new WaitGroup();
  group.add(THREADS * TIMES);
  await using pool = new Pool({ threads: THREADS });
  await using watchers = new Pool({ threads: 4 });
  const waits = [0, 1, 2, 3].map((n) =>
    watchers.run(async () => {
      if (n % 2 === 0) latch.wait();
      else await latch.waitAsync();
      if (n % 2 === 0) await group.waitAsync();
      else group.wait();
      return [latch.count, group.count];
    }),
  );
  await pool.map(
    EACH,
    () => {
      for (let i = 0; i < TIMES; i++) {
        latch.countDown();
        group.done();
      }
    },
    { chunk: 1 },
  );
  expect(await Promise.all(waits)).toEqual(waits.map(() => [0, 0]));
});

it("a group of many short rounds lets everybody go each time", async () => {
  const [ROUNDS, WORKERS] = [400, 3];
  const [group, begin, end] = [new WaitGroup(), new Barrier(WORKERS + 1), new Barrier(WORKERS + 1)];
  await using pool = new Pool({ threads: WORKERS });
  const workers = Array.from({ length: WORKERS }, (_, n) =>
    pool.run(async () => {
      for (let round = 0; round < ROUNDS; round++) {
        begin.wait();
        group.done();
        if ((n + round) % 2 === 0) group.wait();
        else await group.waitAsync();
        end.wait();
      }
    }),
  );
  for (let round = 0; round < ROUNDS; round++) {
    group.add(WORKERS);
    await begin.waitAsync();
    await group.waitAsync();
    await end.waitAsync();
  }
  await Promise.all(workers);
  expect(group.count).toBe(0);
});

it("a barrier keeps 10 threads in step, with one leader a round", async () => {
  const ROUNDS = 200;
  const barrier = new Barrier(THREADS);
  const [leaders, arrived] = [shared(Int32Array, ROUNDS), shared(Int32Array, ROUNDS)];
  await using pool = new Pool({ threads: THREADS });
  const early = await pool.map(
    EACH,
    async (n) => {
      let count = 0;
      for (let round = 0; round < ROUNDS; round++) {
        Atomics.add(arrived, round, 1);
        const { leader } = (n * 7 + round) % 3 === 0 ? await barrier.waitAsync() : barrier.wait();
        if (leader) Atomics.add(leaders, round, 1);
        if (Atomics.load(arrived, round) !== THREADS) count++;
      }
      return count;
    },
    { chunk: 1 },
  );
  expect(early).toEqual(EACH.map(() => 0));
  expect(leaders.every((count) => count === 1)).toBe(true);
});

it("each round of a barrier is passed by all or by none, whoever runs out of time at the last moment", async () => {
  await using pool = new Pool({ threads: 3 });
  let [passed, broke] = [0, 0];
  for (let round = 0; round < 150; round++) {
    const barrier = new Barrier(3);
    const outcomes = await pool.map(
      [0, 1, 2],
      (n) => {
        try {
          barrier.wait(n === 0 ? { timeoutMs: (round % 15) / 50 } : {});
          return "passed";
        } catch (error) {
          if (error instanceof TimeoutError) return "late";
          if (error instanceof BrokenBarrierError) return "told";
          throw error;
        }
      },
      { chunk: 1 },
    );
    if (outcomes.includes("late")) expect(outcomes).toEqual(["late", "told", "told"]);
    else expect(outcomes).toEqual(["passed", "passed", "passed"]);
    if (outcomes.includes("late")) broke++;
    else passed++;
    expect(barrier.isBroken).toBe(outcomes.includes("late"));
  }
  expect(passed + broke).toBe(150);
});

it("wakes the others while threads that wait are stopped in that moment", async () => {
  await using survivors = new Pool({ threads: 2 });
  for (let round = 0; round < 8; round++) {
    const [latch, group, barrier] = [new Latch(1), new WaitGroup(), new Barrier(5)];
    group.add();
    const victims = new Pool({ threads: 2 });
    const waits = (pool: Pool): Promise<unknown>[] => [
      pool.run(() => {
        latch.wait();
        group.wait();
        barrier.wait();
      }),
      pool.run(async () => {
        await latch.waitAsync();
        await group.waitAsync();
        await barrier.waitAsync();
      }),
    ];
    const dead = Promise.allSettled(waits(victims));
    const alive = Promise.all(waits(survivors));
    while (victims.stats().blocked + survivors.stats().blocked < 2) await turn();
    for (let i = 0; i < round % 4; i++) await turn();
    latch.countDown();
    group.done();
    const ended = victims.terminate();
    // For those who have died before they arrived: too many open the next round, which nobody waits for.
    const over = alive.then(() => true);
    const soon = async (): Promise<boolean> => {
      await new Promise((go) => setTimeout(go, 2));
      return false;
    };
    while (!(await Promise.race([over, soon()]))) barrier.waitAsync().catch(() => {});
    await Promise.all([ended, dead]);
  }
});
