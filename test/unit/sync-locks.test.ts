// Mutex, Guarded, RwLock and Once: their forms, what ends a wait, misuse.

import { afterAll, describe, expect, it } from "vitest";
import {
  CancelledError,
  DeadlockError,
  Guarded,
  LockError,
  Mutex,
  NotSendableError,
  Once,
  Pool,
  RwLock,
  shared,
  TimeoutError,
  type Guard,
  type Wait,
  type WaitAsync,
} from "../../lib/index.ts";

const pool = new Pool({ threads: 2 });
afterAll(() => pool.close());

interface Lock {
  lock(options?: Wait): Guard;
  lockAsync(options?: WaitAsync): Promise<Guard>;
  tryLock(): Guard | undefined;
}

const KINDS: Record<string, () => Lock> = {
  Mutex: () => new Mutex(),
  Guarded: () => new Guarded(0),
  "RwLock to write": () => {
    const lock = new RwLock();
    return {
      lock: (options) => lock.write(options),
      lockAsync: (options) => lock.writeAsync(options),
      tryLock: () => lock.tryWrite(),
    };
  },
};

describe.each(Object.entries(KINDS))("%s", (_, make) => {
  it("is held by one at a time, in each form", async () => {
    const lock = make();
    {
      using guard = lock.lock();
      expect(guard).toBeDefined();
      expect(lock.tryLock()).toBeUndefined();
    }
    {
      using guard = await lock.lockAsync();
      expect(guard).toBeDefined();
      expect(lock.tryLock()).toBeUndefined();
    }
    const guard = lock.tryLock()!;
    expect(lock.tryLock()).toBeUndefined();
    guard[Symbol.dispose]();
    lock.tryLock()![Symbol.dispose]();
  });

  it("serves those that wait in a thread in their order", async () => {
    const lock = make();
    const first = lock.lock();
    const order: number[] = [];
    const waits = [0, 1, 2].map(async (n) => {
      using guard = await lock.lockAsync();
      if (guard) order.push(n);
      await Promise.resolve();
    });
    first[Symbol.dispose]();
    await Promise.all(waits);
    expect(order).toEqual([0, 1, 2]);
  });

  it("gives up in time, and leaves nothing behind", async () => {
    const lock = make();
    const guard = lock.lock();
    await expect(lock.lockAsync({ timeoutMs: 0 })).rejects.toThrow(TimeoutError);
    await expect(lock.lockAsync({ timeoutMs: 5 })).rejects.toThrow("took longer than 5 ms");
    const abort = new AbortController();
    const waiting = lock.lockAsync({ signal: abort.signal });
    const behind = lock.lockAsync();
    abort.abort("enough");
    await expect(waiting).rejects.toMatchObject({ code: "ERR_BRAID_CANCELLED", cause: "enough" });
    await expect(lock.lockAsync({ signal: AbortSignal.abort("before") })).rejects.toThrow(CancelledError);
    guard[Symbol.dispose]();
    (await behind)[Symbol.dispose]();
    lock.lock()[Symbol.dispose]();
  });

  it("refuses to unlock twice, and to be locked again by the thread that waits for itself", () => {
    const lock = make();
    const guard = lock.lock();
    expect(() => lock.lock()).toThrow(DeadlockError);
    expect(() => lock.lock({ timeoutMs: 1e9 })).toThrow(DeadlockError);
    guard[Symbol.dispose]();
    expect(() => guard[Symbol.dispose]()).toThrow(LockError);
    // Nobody else's lock is lost by that.
    const next = lock.lock();
    expect(() => guard[Symbol.dispose]()).toThrow("unlocked already");
    expect(lock.tryLock()).toBeUndefined();
    next[Symbol.dispose]();
  });

  it("keeps its guard in its thread", async () => {
    const lock = make();
    const guard: object = lock.lock();
    await expect(pool.run((x: object) => typeof x, guard)).rejects.toThrow(NotSendableError);
  });
});

it("the same mutex, guarded value, lock and once arrive in other threads", async () => {
  const all = { mutex: new Mutex(), guarded: new Guarded(1), lock: new RwLock(), once: new Once() };
  expect(await pool.run(() => all.mutex)).toBe(all.mutex);
  expect(await pool.run(() => all.guarded)).toBe(all.guarded);
  expect(await pool.run(() => all.lock)).toBe(all.lock);
  expect(await pool.run(() => all.once)).toBe(all.once);
  const guards = [all.mutex.lock(), all.guarded.lock(), all.lock.read()];
  const free = await pool.run(() => [
    all.mutex.tryLock() !== undefined,
    all.guarded.tryLock() !== undefined,
    all.lock.tryWrite() !== undefined,
  ]);
  expect(free).toEqual([false, false, false]);
  for (const guard of guards) guard[Symbol.dispose]();
});

it("a thread that blocks for a lock gets it from an event loop, and the other way round", async () => {
  const [mutex, counts] = [new Mutex(), shared(Int32Array, 2)];
  const other = pool.run(() => {
    for (let i = 0; i < 200; i++) {
      using guard = mutex.lock();
      if (guard) counts[0]! += 1;
    }
  });
  for (let i = 0; i < 200; i++) {
    using guard = await mutex.lockAsync();
    if (guard) counts[0]! += 1;
  }
  await other;
  expect(counts[0]).toBe(400);
});

it("a mutex held by an async task of the thread is waited for by another, and blocking for it is an error", async () => {
  const mutex = new Mutex();
  const order: string[] = [];
  const first = (async () => {
    using guard = await mutex.lockAsync();
    if (guard) order.push("first in");
    await new Promise((go) => setImmediate(go));
    order.push("first out");
  })();
  const second = (async () => {
    using guard = await mutex.lockAsync();
    if (guard) order.push("second in");
  })();
  await Promise.resolve();
  expect(() => mutex.lock()).toThrow(DeadlockError);
  await Promise.all([first, second]);
  expect(order).toEqual(["first in", "first out", "second in"]);
});

describe("Guarded", () => {
  it("has its value changed in place, or assigned, and only while it is held", () => {
    const guarded = new Guarded<{ n: number; names: Map<string, number> }>({ n: 1, names: new Map() });
    const guard = guarded.lock();
    guard.value.n++;
    guard.value.names.set("a", 2);
    guard[Symbol.dispose]();
    expect(() => guard.value).toThrow(LockError);
    expect(() => (guard.value = { n: 0, names: new Map() })).toThrow(LockError);
    {
      using again = guarded.lock();
      expect(again.value).toEqual({ n: 2, names: new Map([["a", 2]]) });
      again.value = { n: 7, names: new Map() };
    }
    {
      using again = guarded.tryLock()!;
      expect(again.value.n).toBe(7);
    }
  });

  it.each([
    [0],
    [-0],
    [NaN],
    ["é😀"],
    [undefined],
    [null],
    [5n],
    [new Set([1])],
    [new Date(5)],
    [new Uint16Array([1, 2])],
    ["x".repeat(1e5)],
  ])("takes %o", async (value) => {
    const guarded = new Guarded<unknown>(value);
    using guard = guarded.lock();
    expect(guard.value).toEqual(value);
  });

  it("is changed by all threads, and shares shared memory", async () => {
    const guarded = new Guarded({ list: [] as number[], cells: shared(Int32Array, 4) });
    await pool.map([1, 2, 3, 4], (n) => {
      using guard = guarded.lock();
      guard.value.list.push(n);
      guard.value.cells[n - 1] = n;
    });
    using guard = guarded.lock();
    expect(guard.value.list.sort((a, b) => a - b)).toEqual([1, 2, 3, 4]);
    expect([...guard.value.cells]).toEqual([1, 2, 3, 4]);
    expect(guard.value.cells.buffer).toBeInstanceOf(SharedArrayBuffer);
  });

  it("refuses what can't be copied, and keeps the value of before", () => {
    expect(() => new Guarded(() => 1)).toThrow(NotSendableError);
    expect(() => new Guarded({ bare: new SharedArrayBuffer(4) })).toThrow("a typed array over it is");
    const guarded = new Guarded<unknown>(1);
    const guard = guarded.lock();
    guard.value = Symbol("no");
    expect(() => guard[Symbol.dispose]()).toThrow(NotSendableError);
    const other = guarded.lock();
    expect(other.value).toBe(1);
    other.value = shared(Int32Array, 1);
    expect(() => other[Symbol.dispose]()).toThrow("not known to other threads");
    using last = guarded.lock();
    expect(last.value).toBe(1);
  });
});

describe("RwLock", () => {
  it("has many readers or one writer", async () => {
    const lock = new RwLock();
    const readers = [lock.read(), await lock.readAsync(), lock.tryRead()!];
    expect(lock.tryWrite()).toBeUndefined();
    const inThread = await pool.run(() => {
      using reader = lock.tryRead();
      return [reader !== undefined, lock.tryWrite() !== undefined];
    });
    expect(inThread).toEqual([true, false]);
    const writing = lock.writeAsync();
    for (const reader of readers) reader[Symbol.dispose]();
    expect(() => readers[0]![Symbol.dispose]()).toThrow(LockError);
    using writer = await writing;
    expect(await pool.run(() => [lock.tryRead() !== undefined, lock.tryWrite() !== undefined])).toEqual([false, false]);
    expect(writer).toBeDefined();
  });

  it("lets writers go first", async () => {
    const lock = new RwLock();
    const reader = lock.read();
    const order: string[] = [];
    const writer = lock.writeAsync().then((guard) => {
      order.push("write");
      guard[Symbol.dispose]();
    });
    expect(lock.tryRead()).toBeUndefined();
    const late = lock.readAsync().then((guard) => {
      order.push("read");
      guard[Symbol.dispose]();
    });
    expect(() => lock.read({ timeoutMs: 5 })).toThrow(DeadlockError);
    reader[Symbol.dispose]();
    await Promise.all([writer, late]);
    expect(order).toEqual(["write", "read"]);
  });

  it("a writer that gives up lets the readers behind it in", async () => {
    const lock = new RwLock();
    using reader = lock.read();
    const abort = new AbortController();
    const writer = lock.writeAsync({ signal: abort.signal });
    const behind = lock.readAsync();
    abort.abort();
    await expect(writer).rejects.toThrow(CancelledError);
    using second = await behind;
    expect(reader !== second).toBe(true);
    await expect(lock.writeAsync({ timeoutMs: 3 })).rejects.toThrow(TimeoutError);
    lock.tryRead()![Symbol.dispose]();
  });

  it("is not to be upgraded, nor entered twice by its writer", () => {
    const lock = new RwLock();
    const reader = lock.read();
    expect(() => lock.write()).toThrow(DeadlockError);
    reader[Symbol.dispose]();
    using writer = lock.write();
    expect(writer).toBeDefined();
    expect(() => lock.read()).toThrow(DeadlockError);
    expect(() => lock.write()).toThrow(DeadlockError);
    expect(lock.tryRead()).toBeUndefined();
  });
});

describe("Once", () => {
  it("runs once for all threads", async () => {
    const [once, counts] = [new Once(), shared(Int32Array, 1)];
    const seen = await pool.map([1, 2, 3, 4, 5, 6], () => {
      once.run(() => void Atomics.add(counts, 0, 1));
      return [once.isDone, counts[0]];
    });
    expect(seen).toEqual(Array(6).fill([true, 1]));
    await once.runAsync(() => expect.unreachable());
  });

  it("is not done by a function that throws, or gives a promise to run()", async () => {
    const once = new Once();
    expect(() =>
      once.run(() => {
        throw new RangeError("no");
      }),
    ).toThrow(RangeError);
    expect(once.isDone).toBe(false);
    expect(() => once.run((() => Promise.resolve()) as () => void)).toThrow("use runAsync()");
    await expect(once.runAsync(() => Promise.reject(new Error("later")))).rejects.toThrow("later");
    expect(once.isDone).toBe(false);
    await once.runAsync(async () => {});
    expect(once.isDone).toBe(true);
  });

  it("can't wait for itself", () => {
    const once = new Once();
    expect(() => once.run(() => once.run(() => {}))).toThrow(DeadlockError);
    expect(once.isDone).toBe(false);
  });
});

it.each([
  [() => new Mutex({ name: "" }), TypeError, 'Expected name to be a string that is not empty, got "".'],
  [() => new Mutex({ fair: true } as never), TypeError, 'Mutex has no option "fair"'],
  [() => new Mutex(null as never), TypeError, "Expected the options of Mutex to be an object, got null."],
  [() => new Mutex().lock({ timeoutMs: -1 }), RangeError, "Expected timeoutMs to be 0 or more"],
  [() => new Mutex().lock({ signal: 1 } as never), TypeError, 'lock() has no option "signal"'],
  [() => new RwLock().read({ timeoutMs: "1" } as never), TypeError, "Expected timeoutMs to be a number"],
  [() => new RwLock().write({ timeoutMs: NaN }), RangeError, "Expected timeoutMs to be 0 or more"],
  [() => new Guarded(1).lock({ timeout: 1 } as never), TypeError, 'lock() has no option "timeout"'],
  [() => new Once().run(1 as never), TypeError, "Expected the argument of run() to be a function, got 1 (number)."],
])("refuses what it can't take: %s", (act, type, message) => {
  expect(act).toThrow(type);
  expect(act).toThrow(message);
});
