// Condvar: who is woken and when, what ends a wait, misuse.

import { setImmediate as turn } from "node:timers/promises";
import { afterAll, expect, it } from "vitest";
import {
  CancelledError,
  Condvar,
  Guarded,
  LockError,
  Mutex,
  Pool,
  RwLock,
  Semaphore,
  shared,
  TimeoutError,
  type Guard,
} from "../../lib/index.ts";

const pool = new Pool({ threads: 2 });
afterAll(() => pool.close());

it("hands numbers from thread to thread, and from event loop to thread", async () => {
  const [mutex, condvar] = [new Mutex(), new Condvar()];
  const cell = shared(Int32Array, 2);
  const consumer = pool.run(() => {
    let sum = 0;
    for (let i = 0; i < 100; i++) {
      using guard = mutex.lock();
      while (cell[0] === 0) condvar.wait(guard);
      sum += cell[0]!;
      cell[0] = 0;
      condvar.notifyAll();
    }
    return sum;
  });
  for (let i = 1; i <= 100; i++) {
    using guard = await mutex.lockAsync();
    while (cell[0] !== 0) await condvar.waitAsync(guard);
    cell[0] = i;
    condvar.notifyAll();
  }
  expect(await consumer).toBe(5050);
});

it("is the same in all threads", async () => {
  const condvar = new Condvar();
  expect(await pool.run(() => condvar)).toBe(condvar);
});

it("wakes one for each notify, in the order of waiting, and none that comes later", async () => {
  const [mutex, condvar] = [new Mutex(), new Condvar()];
  const order: number[] = [];
  const wait = async (n: number): Promise<void> => {
    using guard = await mutex.lockAsync();
    await condvar.waitAsync(guard);
    order.push(n);
  };
  condvar.notifyOne();
  condvar.notifyAll();
  const waits = [0, 1, 2, 3].map(wait);
  // They have the lock one after the other, and behind them comes this.
  (await mutex.lockAsync())[Symbol.dispose]();
  condvar.notifyOne();
  condvar.notifyOne();
  const late = wait(4);
  await Promise.all(waits.slice(0, 2));
  (await mutex.lockAsync())[Symbol.dispose]();
  expect(order).toEqual([0, 1]);
  condvar.notifyAll();
  await Promise.all([...waits, late]);
  expect(order).toEqual([0, 1, 2, 3, 4]);
});

it("a notify is not lost to one that gave up", async () => {
  const [mutex, condvar] = [new Mutex(), new Condvar()];
  const abort = new AbortController();
  const wait = async (signal?: AbortSignal): Promise<string> => {
    using guard = await mutex.lockAsync();
    await condvar.waitAsync(guard, signal ? { signal } : {});
    return "notified";
  };
  const first = wait(abort.signal);
  const second = wait();
  (await mutex.lockAsync())[Symbol.dispose]();
  abort.abort();
  condvar.notifyOne();
  await expect(first).rejects.toThrow(CancelledError);
  expect(await second).toBe("notified");
});

it("gives up in time, with the lock held again", async () => {
  const [mutex, condvar] = [new Mutex(), new Condvar()];
  using guard = mutex.lock();
  expect(() => condvar.wait(guard, { timeoutMs: 0 })).toThrow(TimeoutError);
  expect(() => condvar.wait(guard, { timeoutMs: 3 })).toThrow("the wait for a notify took longer than 3 ms");
  await expect(condvar.waitAsync(guard, { timeoutMs: 3 })).rejects.toThrow(TimeoutError);
  await expect(condvar.waitAsync(guard, { signal: AbortSignal.abort("no") })).rejects.toThrow(CancelledError);
  expect(mutex.tryLock()).toBeUndefined();
  // Many that gave up take no room from those that come.
  for (let i = 0; i < 5000; i++) expect(() => condvar.wait(guard, { timeoutMs: 0 })).toThrow(TimeoutError);
});

it("has room for so many, and says so", async () => {
  const [mutex, condvar] = [new Mutex(), new Condvar()];
  const wait = async (): Promise<void> => {
    using guard = await mutex.lockAsync();
    await condvar.waitAsync(guard);
  };
  const waits = Array.from({ length: 4096 }, wait);
  const guard = await mutex.lockAsync();
  expect(() => condvar.wait(guard)).toThrow("A condvar has room for 4096 that wait");
  await expect(condvar.waitAsync(guard)).rejects.toThrow(RangeError);
  condvar.notifyAll();
  guard[Symbol.dispose]();
  await Promise.all(waits);
}, 60_000);

it("a guarded value is put back while the condvar waits, and fresh afterwards", async () => {
  const [queue, condvar] = [new Guarded<string[]>([]), new Condvar()];
  const taker = pool.run(() => {
    using guard = queue.lock();
    while (guard.value.length === 0) condvar.wait(guard);
    return guard.value.shift();
  });
  {
    using guard = await queue.lockAsync();
    guard.value.push("first");
  }
  condvar.notifyOne();
  expect(await taker).toBe("first");
  using guard = queue.lock();
  expect(guard.value).toEqual([]);
});

it("refuses guards that are none of its lock, and changes nothing", async () => {
  const [mutex, other, condvar] = [new Mutex({ name: "one" }), new Mutex({ name: "other" }), new Condvar()];
  const guard = mutex.lock();
  expect(() => condvar.wait(guard, { timeoutMs: 1 })).toThrow(TimeoutError);
  using foreign = other.lock();
  expect(() => condvar.wait(foreign)).toThrow(LockError);
  expect(() => condvar.wait(foreign)).toThrow("other is another one");
  await expect(condvar.waitAsync(foreign)).rejects.toThrow(LockError);
  expect(other.tryLock()).toBeUndefined();
  using reader = new RwLock().read();
  using permit = new Semaphore(1).acquire();
  for (const bad of [reader, permit, {}, null, undefined, mutex]) {
    expect(() => condvar.wait(bad as Guard)).toThrow(TypeError);
    expect(() => condvar.wait(bad as Guard)).toThrow("Expected guard to be what lock()");
  }
  guard[Symbol.dispose]();
  expect(() => condvar.wait(guard)).toThrow(LockError);
  expect(() => condvar.wait(guard, { timeout: 1 } as never)).toThrow('wait() has no option "timeout"');
});

it("a guard holds nothing while its condvar waits", async () => {
  const [mutex, condvar] = [new Mutex(), new Condvar()];
  const guard = mutex.lock();
  const waiting = condvar.waitAsync(guard);
  expect(() => guard[Symbol.dispose]()).toThrow(LockError);
  expect(() => condvar.wait(guard)).toThrow(LockError);
  mutex.tryLock()![Symbol.dispose]();
  condvar.notifyOne();
  await waiting;
  expect(mutex.tryLock()).toBeUndefined();
  guard[Symbol.dispose]();
  await turn();
});
