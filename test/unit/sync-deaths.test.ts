// What becomes of a lock whose holder dies, and of those who wait for it.

import { setImmediate as turn } from "node:timers/promises";
import { expect, it } from "vitest";
import {
  Condvar,
  Guarded,
  Mutex,
  Once,
  PoisonedError,
  Pool,
  RwLock,
  Semaphore,
  shared,
  spawn,
} from "../../lib/index.ts";

it("a mutex is poisoned by a thread that exits with it, until it is recovered", async () => {
  const mutex = new Mutex();
  await using pool = new Pool({ threads: 1 });
  await expect(
    pool.run(() => {
      mutex.lock();
      process.exit(3);
    }),
  ).rejects.toMatchObject({ exitCode: 3 });
  expect(mutex.isPoisoned).toBe(true);
  expect(() => mutex.lock()).toThrow(PoisonedError);
  expect(() => mutex.tryLock()).toThrow(PoisonedError);
  await expect(mutex.lockAsync()).rejects.toMatchObject({ code: "ERR_BRAID_POISONED" });
  await expect(pool.run(() => void mutex.lock())).rejects.toThrow(PoisonedError);
  expect(() =>
    mutex.recover(() => {
      throw new Error("not yet");
    }),
  ).toThrow("not yet");
  expect(() => mutex.lock()).toThrow(PoisonedError);
  let isFree = true;
  mutex.recover(() => void (isFree = mutex.tryLock() !== undefined));
  expect(isFree).toBe(false);
  expect(mutex.isPoisoned).toBe(false);
  mutex.recover(() => expect.unreachable());
  mutex.lock()[Symbol.dispose]();
  await pool.run(() => mutex.lock()[Symbol.dispose]());
});

it("an error that leaves the block unlocks, and poisons nothing", async () => {
  const mutex = new Mutex();
  await using pool = new Pool({ threads: 1 });
  const failing = pool.run(() => {
    using guard = mutex.lock();
    throw new RangeError(`with ${typeof guard}`);
  });
  await expect(failing).rejects.toThrow(RangeError);
  mutex.lock()[Symbol.dispose]();
});

it("those who wait in all ways get the error when the holder is stopped", async () => {
  const mutex = new Mutex();
  await using survivors = new Pool({ threads: 2 });
  const dying = new Pool({ threads: 1 });
  const ready = new Semaphore(0);
  const holding = dying.submit(() => {
    mutex.lock();
    ready.release();
    while (true);
  });
  void holding.then(undefined, () => {});
  await ready.acquireAsync();
  const waits = [
    mutex.lockAsync(),
    mutex.lockAsync(),
    survivors.run(() => void mutex.lock()),
    survivors.run(async () => void (await mutex.lockAsync())),
  ].map((wait) => wait.then(undefined, (error: unknown) => error));
  await turn();
  await dying.terminate();
  for (const wait of waits) expect(await wait).toBeInstanceOf(PoisonedError);
});

it("a thread that blocks for the lock of its own child sees that child's death", async () => {
  const mutex = new Mutex();
  const ready = new Semaphore(0);
  const thread = spawn(() => {
    mutex.lock();
    ready.release();
    while (true);
  });
  await ready.acquireAsync();
  void thread.terminate();
  expect(() => mutex.lock()).toThrow(PoisonedError);
  await thread.terminate();
});

it("a thread's death is seen in those that it has started", async () => {
  const mutex = new Mutex();
  const ready = new Semaphore(0);
  const thread = spawn(() => {
    const child = spawn(() => {
      mutex.lock();
      ready.release();
      while (true);
    });
    while (child.id > 0);
  });
  await ready.acquireAsync();
  await thread.terminate();
  await expect(mutex.lockAsync()).rejects.toThrow(PoisonedError);
});

it("a guarded value is the one before when a thread dies with it", async () => {
  const guarded = new Guarded({ balance: 10 });
  await using pool = new Pool({ threads: 1 });
  const dying = pool.run(() => {
    const guard = guarded.lock();
    guard.value.balance = -1;
    process.exit(1);
  });
  await expect(dying).rejects.toMatchObject({ exitCode: 1 });
  expect(() => guarded.lock()).toThrow(PoisonedError);
  guarded.recover(({ balance }) => ({ balance: balance + 1 }));
  using guard = guarded.lock();
  expect(guard.value).toEqual({ balance: 11 });
});

it("a writer that dies poisons a lock, a reader doesn't, and neither does one that waits to write", async () => {
  const lock = new RwLock();
  const die = async (how: () => void): Promise<void> => {
    const pool = new Pool({ threads: 1 });
    await expect(pool.run(how)).rejects.toMatchObject({ exitCode: 9 });
    await pool.close();
  };
  await die(() => {
    lock.read();
    lock.read();
    process.exit(9);
  });
  lock.write()[Symbol.dispose]();
  const reader = lock.read();
  const waiting = new Pool({ threads: 1 });
  const write = waiting.submit(() => void lock.write());
  void write.then(undefined, () => {});
  // Until it waits: then no more readers get in.
  for (let other = lock.tryRead(); other; other = lock.tryRead()) {
    other[Symbol.dispose]();
    await turn();
  }
  await waiting.terminate();
  reader[Symbol.dispose]();
  await lock.readAsync().then(
    (guard) => guard[Symbol.dispose](),
    // It had taken the writer's part, and waited for this reader.
    (error: unknown) => {
      expect(error).toBeInstanceOf(PoisonedError);
      lock.recover();
    },
  );
  await die(() => {
    lock.write();
    process.exit(9);
  });
  expect(() => lock.read()).toThrow(PoisonedError);
  expect(() => lock.tryRead()).toThrow(PoisonedError);
  expect(() => lock.write()).toThrow(PoisonedError);
  expect(() => lock.tryWrite()).toThrow(PoisonedError);
  await expect(lock.readAsync()).rejects.toThrow(PoisonedError);
  await expect(lock.writeAsync()).rejects.toThrow(PoisonedError);
  expect(lock.isPoisoned).toBe(true);
  lock.recover();
  lock.read()[Symbol.dispose]();
  lock.write()[Symbol.dispose]();
});

it("a once whose thread dies is poisoned, and runs after it is recovered", async () => {
  const once = new Once();
  await using pool = new Pool({ threads: 1 });
  await expect(pool.run(() => once.run(() => process.exit(2)))).rejects.toMatchObject({ exitCode: 2 });
  expect(() => once.run(() => {})).toThrow(PoisonedError);
  await expect(once.runAsync(() => {})).rejects.toThrow(PoisonedError);
  once.recover();
  let runs = 0;
  once.run(() => void runs++);
  expect([runs, once.isDone]).toEqual([1, true]);
});

it("a notify is not lost to a thread that died while it waited", async () => {
  const [mutex, condvar] = [new Mutex(), new Condvar()];
  const waiting = shared(Int32Array, 1);
  const wait = (): string => {
    using guard = mutex.lock();
    Atomics.add(waiting, 0, 1);
    condvar.wait(guard);
    return "notified";
  };
  const inLine = async (n: number): Promise<void> => {
    while (Atomics.load(waiting, 0) < n) await turn();
    // From here on the last one has given the lock back, so it is in line.
    (await mutex.lockAsync())[Symbol.dispose]();
  };
  const dying = new Pool({ threads: 1 });
  void dying.run(wait).catch(() => {});
  await inLine(1);
  await using pool = new Pool({ threads: 1 });
  const second = pool.run(wait);
  await inLine(2);
  await dying.terminate();
  condvar.notifyOne();
  expect(await second).toBe("notified");
  // One who dies under the lock, after a wait, poisons it.
  const third = new Pool({ threads: 1 });
  const dead = third.run(() => {
    const guard = mutex.lock();
    Atomics.add(waiting, 0, 1);
    condvar.wait(guard);
    process.exit(4);
  });
  await inLine(3);
  condvar.notifyAll();
  await expect(dead).rejects.toMatchObject({ exitCode: 4 });
  await third.close();
  expect(() => mutex.lock()).toThrow(PoisonedError);
});

it("a thread that runs out of memory poisons what it holds", async () => {
  const mutex = new Mutex();
  const pool = new Pool({ threads: 1, maxHeapMb: 24 });
  const greedy = pool.run(() => {
    mutex.lock();
    const all: number[][] = [];
    while (true) all.push(Array.from({ length: 10_000 }, (_, i) => i + all.length));
  });
  await expect(greedy).rejects.toThrow("ran out of memory");
  await pool.terminate();
  expect(() => mutex.lock()).toThrow(PoisonedError);
});
