// Threads that wait for each other: the one that closes the circle is told, with who holds and who waits for what.

import { expect, it } from "vitest";
import { DeadlockError, Mutex, Pool, RwLock, Semaphore, shared, TimeoutError } from "../../lib/index.ts";

it("two mutexes in two orders: one task gets the error, the other goes on", async () => {
  const [a, b] = [new Mutex({ name: "a" }), new Mutex({ name: "b" })];
  const met = shared(Int32Array, 1);
  await using pool = new Pool({ threads: 2 });
  const both = (first: Mutex, second: Mutex): string => {
    using one = first.lock();
    Atomics.add(met, 0, 1);
    while (Atomics.load(met, 0) < 2);
    using two = second.lock();
    return one !== two ? "done" : "";
  };
  const results = await Promise.allSettled([pool.run(both, a, b), pool.run(both, b, a)]);
  expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  const error = (results.find(({ status }) => status === "rejected") as PromiseRejectedResult).reason as DeadlockError;
  expect(error).toBeInstanceOf(DeadlockError);
  expect(error).toMatchObject({ code: "ERR_BRAID_DEADLOCK", timedOut: false });
  const { cycle } = error;
  expect(cycle.map(({ holds, waitsFor }) => holds + waitsFor).sort()).toEqual(["ab", "ba"]);
  expect(new Set(cycle.map(({ thread }) => thread)).size).toBe(2);
  expect(cycle.every(({ thread }) => thread > 0)).toBe(true);
  for (const { where } of cycle) expect(where).toMatch(/sync-deadlock\.test\.ts.*:14:/);
  expect(error.message).toMatch(/^Deadlock: thread \d+ holds [ab] and waits for [ab] \(.*\); thread \d+ holds/);
  // Both are free again.
  for (const mutex of [a, b]) mutex.lock()[Symbol.dispose]();
});

it.each([3, 5])("%i philosophers who all take the left fork first: one is told, the others eat", async (n) => {
  const forks = Array.from({ length: n }, () => new Mutex());
  const seated = shared(Int32Array, 1);
  await using pool = new Pool({ threads: n });
  const results = await Promise.allSettled(
    forks.map((left, i) =>
      pool.run(
        (left, right) => {
          using one = left.lock();
          Atomics.add(seated, 0, 1);
          while (Atomics.load(seated, 0) < n);
          using two = right.lock();
          return one !== two;
        },
        left,
        forks[(i + 1) % n]!,
      ),
    ),
  );
  const failed = results.filter(({ status }) => status === "rejected") as PromiseRejectedResult[];
  expect(failed.map(({ reason }) => (reason as DeadlockError).cycle?.length)).toEqual([n]);
});

it("the main thread is told when it closes the circle", async () => {
  const [a, b] = [new Mutex(), new Mutex()];
  await using pool = new Pool({ threads: 1 });
  const ready = new Semaphore(0);
  const using1 = a.lock();
  const other = pool.run(() => {
    using one = b.lock();
    ready.release();
    using two = a.lock();
    return one !== two;
  });
  ready.acquire();
  // The other one waits, or is about to: either of the two is told.
  let told: unknown;
  try {
    b.lock()[Symbol.dispose]();
  } catch (error) {
    told = error;
  }
  using1[Symbol.dispose]();
  const theirs = await other.catch((error: unknown) => error);
  const errors = [told, theirs].filter((one) => one instanceof DeadlockError);
  expect(errors.length).toBe(1);
  expect(errors[0]!.cycle.map(({ thread }) => thread)).toContain(0);
});

it("a reader and a writer who want to be the other", async () => {
  const [lock, mutex] = [new RwLock({ name: "lock" }), new Mutex({ name: "mutex" })];
  const met = shared(Int32Array, 1);
  await using pool = new Pool({ threads: 2 });
  const results = await Promise.allSettled([
    pool.run(() => {
      using reader = lock.read();
      Atomics.add(met, 0, 1);
      while (Atomics.load(met, 0) < 2);
      using guard = mutex.lock();
      return guard !== reader;
    }),
    pool.run(() => {
      using guard = mutex.lock();
      Atomics.add(met, 0, 1);
      while (Atomics.load(met, 0) < 2);
      using writer = lock.write();
      return guard !== writer;
    }),
  ]);
  const failed = results.filter(({ status }) => status === "rejected") as PromiseRejectedResult[];
  expect(failed.length).toBe(1);
  expect((failed[0]!.reason as DeadlockError).cycle.map(({ holds }) => holds).sort()).toEqual(["lock", "mutex"]);
});

it("a wait with a limit in time is in no deadlock: it just ends", async () => {
  const [a, b] = [new Mutex(), new Mutex()];
  const met = shared(Int32Array, 1);
  await using pool = new Pool({ threads: 2 });
  const both = (first: Mutex, second: Mutex, timeoutMs: number): boolean => {
    using one = first.lock();
    Atomics.add(met, 0, 1);
    while (Atomics.load(met, 0) < 2);
    using two = second.lock({ timeoutMs });
    return one !== two;
  };
  const [limited, patient] = await Promise.allSettled([pool.run(both, a, b, 50), pool.run(both, b, a, Infinity)]);
  expect(limited).toMatchObject({ status: "rejected", reason: expect.any(TimeoutError) });
  expect(patient).toMatchObject({ status: "fulfilled", value: true });
});

it("long chains without a circle are no deadlock", async () => {
  const locks = Array.from({ length: 6 }, () => new Mutex());
  await using pool = new Pool({ threads: 5 });
  const last = locks[5]!.lock();
  const order = shared(Int32Array, 5);
  const chain = Promise.all(
    [0, 1, 2, 3, 4].map((n) =>
      pool.run(
        (mine, next, n) => {
          using one = mine.lock();
          Atomics.store(order, n, 1);
          using two = next.lock();
          return one !== two;
        },
        locks[n]!,
        locks[n + 1]!,
        n,
      ),
    ),
  );
  while (order.some((is) => is === 0)) await new Promise((go) => setImmediate(go));
  last[Symbol.dispose]();
  expect(await chain).toEqual([true, true, true, true, true]);
});
