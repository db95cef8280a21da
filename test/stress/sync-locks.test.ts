// Locks under threads that ask in every way, give up at any moment, and die: no count is lost, nobody waits for a lock that is
// free, and no deadlock is told where there is none.

import { setImmediate as turn } from "node:timers/promises";
import { expect, it } from "vitest";
import {
  CancelledError,
  Condvar,
  DeadlockError,
  Guarded,
  Mutex,
  PoisonedError,
  Pool,
  RwLock,
  shared,
  TimeoutError,
  type Guard,
} from "../../lib/index.ts";

const THREADS = 10;
const EACH = 100_000;
const all = Array.from({ length: THREADS }, (_, n) => n);

it(`${THREADS} threads count to ${THREADS * EACH} under a mutex`, async () => {
  const mutex = new Mutex();
  const count = shared(Float64Array, 1);
  await using pool = new Pool({ threads: THREADS });
  const add = (): void => {
    for (let i = 0; i < EACH; i++) {
      using guard = mutex.lock();
      if (guard) count[0]! += 1;
    }
  };
  await Promise.all(all.map(() => pool.run(add)));
  expect(count[0]).toBe(THREADS * EACH);
});

it(`${THREADS} threads count to ${THREADS * EACH} in a guarded value`, async () => {
  const guarded = new Guarded(0);
  await using pool = new Pool({ threads: THREADS });
  const add = (): void => {
    for (let i = 0; i < EACH; i++) {
      using guard = guarded.lock();
      guard.value++;
    }
  };
  await Promise.all(all.map(() => pool.run(add)));
  using guard = guarded.lock();
  expect(guard.value).toBe(THREADS * EACH);
});

it(`${THREADS} threads count to ${THREADS * EACH} as writers, and read between`, async () => {
  const lock = new RwLock();
  const counts = shared(Float64Array, 2);
  await using pool = new Pool({ threads: THREADS });
  const add = (n: number): number => {
    let torn = 0;
    for (let i = 0; i < EACH; i++) {
      if (i % 10 === n) {
        using reader = lock.read();
        if (reader && counts[0] !== counts[1]) torn++;
      }
      using writer = lock.write();
      if (!writer) continue;
      counts[0]! += 1;
      counts[1]! += 1;
    }
    return torn;
  };
  expect(await Promise.all(all.map((n) => pool.run(add, n)))).toEqual(all.map(() => 0));
  expect([...counts]).toEqual([THREADS * EACH, THREADS * EACH]);
});

it("in every form, with waits that end at any moment", async () => {
  const [mutex, lock] = [new Mutex(), new RwLock()];
  const counts = shared(Int32Array, 4);
  const ask = async (seed: number): Promise<number[]> => {
    const chance = (): number => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32;
    const taken = [0, 0];
    const linger = (): void => {
      for (let n = chance() * 2000; n > 0; n--);
    };
    const inMutex = (guard: Guard | undefined): void => {
      if (!guard) return;
      counts[0]! += 1;
      taken[0]!++;
      linger();
    };
    const inWriter = (guard: Guard | undefined): void => {
      if (!guard) return;
      counts[1]! += 1;
      linger();
      counts[2]! += 1;
      taken[1]!++;
    };
    const inReader = (guard: Guard | undefined): void => {
      if (guard && counts[1] !== counts[2]) Atomics.add(counts, 3, 1);
    };
    const one = async (form: number): Promise<void> => {
      const timeoutMs = chance() * 0.5;
      try {
        if (form < 1) {
          using guard = mutex.tryLock();
          inMutex(guard);
        } else if (form < 2) {
          using guard = mutex.lock({ timeoutMs });
          inMutex(guard);
        } else if (form < 3) {
          using guard = mutex.lock();
          inMutex(guard);
        } else if (form < 4) {
          using guard = lock.tryWrite();
          inWriter(guard);
        } else if (form < 5) {
          using guard = lock.write({ timeoutMs });
          inWriter(guard);
        } else if (form < 6) {
          using guard = lock.write();
          inWriter(guard);
        } else if (form < 7) {
          using guard = lock.read({ timeoutMs });
          inReader(guard);
        } else if (form < 8) {
          using guard = lock.read();
          inReader(guard);
        } else {
          const abort = new AbortController();
          if (chance() < 0.5) void turn().then(() => abort.abort());
          const options = { timeoutMs: 3 * chance(), ...(chance() < 0.5 && { signal: abort.signal }) };
          const limits = chance() < 0.3 ? {} : options;
          if (form < 9) {
            using guard = await mutex.lockAsync(limits);
            inMutex(guard);
          } else if (form < 10) {
            using guard = await lock.writeAsync(limits);
            inWriter(guard);
          } else {
            using guard = await lock.readAsync(limits);
            inReader(guard);
          }
        }
      } catch (error) {
        if (!(error instanceof TimeoutError) && !(error instanceof CancelledError)) throw error;
      }
    };
    // Who blocks while it has a lock coming may wait for itself: so only when it waits for nothing.
    for (let round = 0; round < 400; round++)
      if (chance() < 0.5) await one(chance() * 8);
      else await Promise.all([0, 1, 2].map(() => one(8 + chance() * 3)));
    return taken;
  };
  await using pool = new Pool({ threads: 4 });
  const results = await Promise.all([...[1, 2, 3, 4].map((seed) => pool.run(ask, seed)), ask(5)]);
  const sum = (n: number): number => results.reduce((total, taken) => total + taken[n]!, 0);
  expect([...counts]).toEqual([sum(0), sum(1), sum(1), 0]);
  for (const guard of [mutex.tryLock(), lock.tryWrite()]) expect(guard).toBeDefined();
});

it("of two threads that close a circle at once one is told, and the other goes on", async () => {
  await using pool = new Pool({ threads: 2 });
  const both = (first: Mutex, second: Mutex, met: Int32Array): string => {
    using one = first.lock();
    Atomics.add(met, 0, 1);
    while (Atomics.load(met, 0) < 2);
    using two = second.lock();
    return one !== two ? "went on" : "";
  };
  for (let round = 0; round < 20; round++) {
    const [a, b, met] = [new Mutex(), new Mutex(), shared(Int32Array, 1)];
    const results = await Promise.allSettled([pool.run(both, a, b, met), pool.run(both, b, a, met)]);
    expect(results.sort((x, y) => x.status.localeCompare(y.status))).toEqual([
      { status: "fulfilled", value: "went on" },
      { status: "rejected", reason: expect.any(DeadlockError) },
    ]);
  }
});

it("a condvar wakes exactly those that it should, among threads and event loops", async () => {
  const [mutex, filled, emptied] = [new Mutex(), new Condvar(), new Condvar()];
  /** How many are in the box, and the sums of what went in and came out. */
  const box = shared(Float64Array, 3);
  const [ITEMS, ROOM] = [2000, 3];
  const produce = (from: number): void => {
    for (let i = 0; i < ITEMS; i++) {
      using guard = mutex.lock();
      while (box[0]! >= ROOM) emptied.wait(guard);
      box[0]!++;
      box[1]! += from + i;
      filled.notifyOne();
    }
  };
  const consume = (): void => {
    for (let i = 0; i < ITEMS; i++) {
      using guard = mutex.lock();
      while (box[0] === 0) filled.wait(guard);
      box[0]!--;
      box[2]!++;
      emptied.notifyOne();
    }
  };
  const consumeAsync = async (): Promise<void> => {
    for (let i = 0; i < ITEMS; i++) {
      using guard = await mutex.lockAsync();
      while (box[0] === 0) await filled.waitAsync(guard);
      box[0]!--;
      box[2]!++;
      emptied.notifyOne();
    }
  };
  await using pool = new Pool({ threads: 5 });
  await Promise.all([
    pool.run(produce, 0),
    pool.run(produce, 0),
    pool.run(produce, 0),
    pool.run(consume),
    pool.run(consumeAsync),
    consumeAsync(),
  ]);
  expect([...box]).toEqual([0, (3 * ITEMS * (ITEMS - 1)) / 2, 3 * ITEMS]);
});

it("threads that die while they hold it, or wait for it, leave it to the others, poisoned or not", async () => {
  await using survivors = new Pool({ threads: 2 });
  for (let round = 0; round < 8; round++) {
    const mutex = new Mutex();
    const stop = shared(Int32Array, 1);
    const counts = shared(Int32Array, 2);
    const work = (): number => {
      let recovered = 0;
      while (Atomics.load(stop, 0) === 0) {
        try {
          using guard = mutex.lock();
          if (!guard) continue;
          counts[0]! += 1;
          for (let n = 0; n < 1000; n++);
          counts[1]! += 1;
        } catch (error) {
          if (!(error instanceof PoisonedError)) throw error;
          mutex.recover(() => {
            counts[1] = counts[0]!;
            recovered++;
          });
        }
      }
      return recovered;
    };
    const victims = new Pool({ threads: 2 });
    const dead = [victims.run(work), victims.run(work)].map((task) => task.catch(() => {}));
    const others = [survivors.run(work), survivors.run(work)];
    while (counts[0]! < 100 * (round + 1)) await turn();
    await victims.terminate();
    await Promise.all(dead);
    const before = counts[0]!;
    while (counts[0]! < before + 100) await turn();
    Atomics.store(stop, 0, 1);
    await Promise.all(others);
    if (mutex.isPoisoned) mutex.recover();
    using guard = mutex.lock();
    expect(guard).toBeDefined();
    expect(counts[0]! - counts[1]!).toBeLessThanOrEqual(1);
  }
});
