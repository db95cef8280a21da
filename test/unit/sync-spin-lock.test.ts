// SpinLock: who holds it, who waits, and what becomes of threads that die.

import { afterAll, expect, it } from "vitest";
import {
  DeadlockError,
  NotSendableError,
  PoisonedError,
  Pool,
  shared,
  spawn,
  SpinLock,
  TimeoutError,
} from "../../lib/index.ts";

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
  second[Symbol.dispose]();
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
  expect(() => lock.lock()).toThrow("thread 0 holds SpinLock and waits for it");
  expect(lock.tryLock()).toBeUndefined();
});

it("is of no use any more when a thread has died with it, and says so", async () => {
  const lock = new SpinLock();
  const dying = new Pool({ threads: 1 });
  const dead = dying.run(() => {
    lock.lock();
    process.exit(7);
  });
  await expect(dead).rejects.toMatchObject({ exitCode: 7 });
  await dying.terminate();
  expect(() => lock.lock()).toThrow(PoisonedError);
  await expect(pool.run(() => void lock.lock())).rejects.toThrow("nobody will unlock it");
  expect(lock.tryLock()).toBeUndefined();
});

it.each([
  [{ timeoutMs: -1 }, RangeError, "Expected timeoutMs to be 0 or more"],
  [{ signal: 1 }, TypeError, 'lock() has no option "signal"'],
])("refuses what it can't take: %o", (options, type, message) => {
  expect(() => new SpinLock().lock(options as never)).toThrow(type);
  expect(() => new SpinLock().lock(options as never)).toThrow(message);
});
