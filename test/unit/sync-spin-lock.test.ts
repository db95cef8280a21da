// SpinLock: who holds it, who waits, and what becomes of threads that die.

import { afterAll, expect, it } from "vitest";
import {
  Barrier,
  DeadlockError,
  Latch,
  LockError,
  Mutex,
  NotSendableError,
  PoisonedError,
  Pool,
  shared,
  spawn,
  SpinLock,
  TimeoutError,
  watch,
} from "../../lib/index.ts";
import { withCells } from "./interrupts.ts";

const pool = new Pool({ threads: 2 });
afterAll(() => pool.close());

it("is held by one at a time, and given back once", async () => {
  const lock = new SpinLock();
  {
    using guard = lock.lock();
    expect(guard).toBeDefined();
    expect(lock.tryLock()).toBeUndefined();
    expect(await pool.run(() => lock.tryLock() === undefined)).toBe(true);
    await expect(pool.run(() => void lock.lock({ timeoutMs: 3 }))).rejects.toThrow("took longer than 3 ms");
    await expect(pool.run((x: object) => typeof x, guard)).rejects.toThrow(NotSendableError);
  }
  const second = lock.lock({ timeoutMs: 0 });
  second[Symbol.dispose]();
  const third = lock.tryLock();
  expect(() => second[Symbol.dispose]()).toThrow(LockError);
  expect(third).toBeDefined();
  await expect(pool.run(() => void lock.lock({ timeoutMs: 0 }))).rejects.toThrow(TimeoutError);
  third![Symbol.dispose]();
  expect(await pool.run(() => lock)).toBe(lock);
});

it("lets a thread in that spins, or naps, once it is free", () => {
  const [lock, words] = [new SpinLock(), shared(Int32Array, 1)];
  const guard = lock.lock();
  const other = spawn(() => {
    Atomics.store(words, 0, 1);
    Atomics.notify(words, 0);
    using own = lock.lock();
    return own !== undefined;
  });
  Atomics.wait(words, 0, 0);
  // Long enough for it to nap; where it does not, it spins.
  Atomics.wait(words, 0, 1, 5);
  guard[Symbol.dispose]();
  expect(other.join()).toBe(true);
});

it("in the thread that holds it, it would wait for itself", () => {
  const lock = new SpinLock();
  using guard = lock.lock();
  expect(guard).toBeDefined();
  expect(() => lock.lock()).toThrow(DeadlockError);
  expect(() => lock.lock()).toThrow(/thread 0 holds SpinLock \d+ and waits for it/);
  expect(lock.tryLock()).toBeUndefined();
});

it("is poisoned by a thread that dies with it, until it is recovered", async () => {
  const lock = new SpinLock();
  const dying = new Pool({ threads: 1 });
  const dead = dying.run(() => {
    lock.lock();
    process.exit(7);
  });
  await expect(dead).rejects.toMatchObject({ exitCode: 7 });
  await dying.terminate();
  expect(() => lock.lock()).toThrow(PoisonedError);
  await expect(pool.run(() => void lock.lock())).rejects.toThrow(PoisonedError);
  expect(() => lock.tryLock()).toThrow(PoisonedError);
  expect(lock.isPoisoned).toBe(true);
  lock.recover();
  lock.lock()[Symbol.dispose]();
});

it("one that waits while its holder dies is told", async () => {
  const [lock, held, go] = [new SpinLock(), new Latch(1), new Latch(1)];
  const dying = spawn(() => {
    lock.lock();
    held.countDown();
    go.wait();
    process.exit(7);
  });
  held.wait();
  const waiting = pool.run(() => void lock.lock());
  go.countDown();
  await expect(dying.joinAsync()).rejects.toThrow();
  await expect(waiting).rejects.toThrow(PoisonedError);
});

it("is poisoned by a cell that is interrupted with it", () =>
  withCells(async ({ work, interrupt }) => {
    const lock = new SpinLock();
    work(1);
    const guard = lock.lock();
    work(2);
    interrupt(2);
    expect(lock.isPoisoned).toBe(false);
    interrupt(1);
    expect(() => lock.lock()).toThrow(PoisonedError);
    expect(() => guard[Symbol.dispose]()).toThrow(LockError);
    lock.recover();
    lock.lock()[Symbol.dispose]();
  }));

it("closes a circle with a mutex, which is told; and alone watch sees it", async () => {
  const [spin, mutex, barrier] = [new SpinLock({ name: "spin" }), new Mutex({ name: "m" }), new Barrier(2)];
  const tasks = [
    pool.run(() => {
      using one = spin.lock();
      barrier.wait();
      using two = mutex.lock();
      return [one, two].length;
    }),
    pool.run(() => {
      using one = mutex.lock();
      barrier.wait();
      using two = spin.lock();
      return [one, two].length;
    }),
  ];
  const [failed] = (await Promise.allSettled(tasks)).filter(({ status }) => status === "rejected");
  const { reason } = failed as { reason: DeadlockError };
  expect(reason).toBeInstanceOf(DeadlockError);
  expect(reason.cycle.map(({ holds, waitsFor }) => `${holds}>${waitsFor}`).sort((a, b) => a.localeCompare(b))).toEqual([
    "m>spin",
    "spin>m",
  ]);
  const [ready, never] = [new Latch(1), new Latch(1)];
  const keeping = spawn(() => {
    using guard = spin.lock();
    ready.countDown();
    if (guard) never.wait();
  });
  ready.wait();
  const error = await watch({ timeoutMs: 15_000 }, () => void spin.lock()).catch((thrown: DeadlockError) => thrown);
  expect(error).toMatchObject({ name: "DeadlockError", timedOut: false });
  expect(error!.cycle).toContainEqual(expect.objectContaining({ thread: 0, waitsFor: "spin" }));
  never.countDown();
  await keeping.joinAsync();
});

it.each([
  [{ timeoutMs: -1 }, RangeError, "Expected timeoutMs to be 0 or more"],
  [{ signal: 1 }, TypeError, 'lock() has no option "signal"'],
])("refuses what it can't take: %o", (options, type, message) => {
  expect(() => new SpinLock().lock(options as never)).toThrow(type);
  expect(() => new SpinLock().lock(options as never)).toThrow(message);
});
