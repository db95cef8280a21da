// Semaphore: its three forms, what ends a wait, and what becomes of threads that die.

import { afterAll, expect, it } from "vitest";
import { CancelledError, NotSendableError, Pool, Semaphore, shared, spawn, TimeoutError } from "../../lib/index.ts";
import { registerHost, type Host } from "../../lib/host.ts";

const pool = new Pool({ threads: 2 });
afterAll(() => pool.close());

it("hands out as many permits as it has, and takes them back once each", async () => {
  const semaphore = new Semaphore(2);
  const first = semaphore.acquire();
  {
    using second = await semaphore.acquireAsync();
    expect(second).toBeDefined();
    expect(semaphore.available).toBe(0);
    expect(semaphore.tryAcquire()).toBeUndefined();
  }
  expect(semaphore.available).toBe(1);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  expect(semaphore.available).toBe(2);
  semaphore.release(3);
  expect(semaphore.available).toBe(5);
});

it("serves those that wait in a thread in their order", async () => {
  const semaphore = new Semaphore(0);
  const order: number[] = [];
  const waits = [0, 1, 2, 3].map((n) => semaphore.acquireAsync().then(() => order.push(n)));
  semaphore.release(1);
  await waits[0];
  semaphore.release(3);
  await Promise.all(waits);
  expect(order).toEqual([0, 1, 2, 3]);
  expect(semaphore.available).toBe(0);
});

it("gives up in time, at once with 0, and leaves nothing behind", async () => {
  const semaphore = new Semaphore(0);
  expect(() => semaphore.acquire({ timeoutMs: 0 })).toThrow(TimeoutError);
  expect(() => semaphore.acquire({ timeoutMs: 5 })).toThrow("the wait for a permit took longer than 5 ms");
  await expect(semaphore.acquireAsync({ timeoutMs: 0 })).rejects.toThrow(TimeoutError);
  await expect(semaphore.acquireAsync({ timeoutMs: 5 })).rejects.toThrow(TimeoutError);
  const abort = new AbortController();
  const waiting = semaphore.acquireAsync({ signal: abort.signal, timeoutMs: 1e9 });
  abort.abort("enough");
  await expect(waiting).rejects.toMatchObject({ code: "ERR_BRAID_CANCELLED", cause: "enough" });
  await expect(semaphore.acquireAsync({ signal: AbortSignal.abort("before") })).rejects.toThrow(CancelledError);
  // None of those who left takes a permit.
  semaphore.release(1);
  using next = await semaphore.acquireAsync();
  expect(next).toBeDefined();
});

it("passes a permit by who left to the one behind", async () => {
  const semaphore = new Semaphore(0);
  const abort = new AbortController();
  const first = semaphore.acquireAsync({ signal: abort.signal });
  const second = semaphore.acquireAsync();
  semaphore.release(1);
  abort.abort();
  await expect(first).rejects.toThrow(CancelledError);
  await second;
  expect(semaphore.available).toBe(0);
});

it("is the same in all threads, and lets so many in", async () => {
  const semaphore = new Semaphore(3);
  const counts = shared(Int32Array, 2);
  const threads = new Pool({ threads: 10 });
  const isSame = await threads.map(
    Array.from({ length: 10 }, (_, n) => n),
    (_, n) => {
      for (let round = 0; round < 20; round++) {
        using permit = semaphore.acquire();
        const inside = Atomics.add(counts, 0, 1) + 1;
        let most = Atomics.load(counts, 1);
        while (inside > most)
          most = Atomics.compareExchange(counts, 1, most, inside) === most ? inside : Atomics.load(counts, 1);
        Atomics.wait(counts, 0, -1, n % 2);
        Atomics.sub(counts, 0, 1);
        if (permit === undefined) return false;
      }
      return semaphore.available <= 3;
    },
    { chunk: 1 },
  );
  await threads.close();
  expect(isSame.every(Boolean)).toBe(true);
  expect(semaphore.available).toBe(3);
  expect(counts[0]).toBe(0);
  expect(counts[1]).toBeGreaterThanOrEqual(1);
  expect(counts[1]).toBeLessThanOrEqual(3);
  expect(await pool.run(() => semaphore)).toBe(semaphore);
  expect(await pool.run((sent: Semaphore) => sent === semaphore, semaphore)).toBe(true);
  expect(await pool.run(() => new Semaphore(4).available)).toBe(4);
});

it("wakes a thread that blocks, and an event loop that waits, from another thread", async () => {
  const [here, there] = [new Semaphore(0), new Semaphore(0)];
  const echo = pool.run(() => {
    for (let i = 0; i < 50; i++) {
      there.acquire();
      here.release();
    }
  });
  for (let i = 0; i < 50; i++) {
    there.release();
    await here.acquireAsync();
  }
  await echo;
  expect([here.available, there.available]).toEqual([0, 0]);
});

it("a blocked thread does not wait in vain for an event loop that was woken and is busy", async () => {
  const semaphore = new Semaphore(0);
  const inTurn = semaphore.acquireAsync();
  // Not by the pool, whose owner blocks: a thread of its own has all that it needs.
  const release = spawn(() => semaphore.release());
  // The wake-up for the event loop can't be taken meanwhile: this thread blocks.
  using permit = semaphore.acquire();
  expect(permit).toBeDefined();
  release.join();
  semaphore.release();
  await inTurn;
});

it("a guard stays in its thread", async () => {
  const semaphore = new Semaphore(1);
  const guard: object = semaphore.acquire();
  await expect(pool.run((x: object) => typeof x, guard)).rejects.toThrow(NotSendableError);
});

it("a thread that dies keeps its permits until someone releases them; one that dies waiting is in nobody's way", async () => {
  const semaphore = new Semaphore(1);
  const dying = new Pool({ threads: 2 });
  await expect(
    dying.run(() => {
      semaphore.acquire();
      process.exit(7);
    }),
  ).rejects.toMatchObject({ exitCode: 7 });
  expect(semaphore.available).toBe(0);
  const blocked = dying.submit(() => void semaphore.acquire());
  const waiting = dying.submit(async () => void (await semaphore.acquireAsync()));
  while (dying.stats().running < 2) await new Promise((go) => setImmediate(go));
  blocked.cancel();
  waiting.cancel();
  await Promise.allSettled([blocked, waiting]);
  // Until both are gone.
  await dying.terminate();
  semaphore.release();
  await semaphore.acquireAsync();
  expect(semaphore.available).toBe(0);
});

it("a sleeper whose wake-up died with another thread looks again by itself", async () => {
  const semaphore = new Semaphore(0);
  const words = (semaphore as unknown as { [key: symbol]: () => { data: { words: Int32Array } } })[
    Symbol.for("braid.ship")
  ]!().data.words;
  const blocked = pool.run(() => void semaphore.acquire());
  while (Atomics.load(words, 1) === 0) await new Promise((go) => setImmediate(go));
  await new Promise((go) => setTimeout(go, 20));
  // As release() does, but the notify has gone to one that is no more.
  Atomics.add(words, 0, 1);
  Atomics.add(words, 2, 1);
  await blocked;
  expect(semaphore.available).toBe(0);
});

it("a wait of an interrupted cell is over, and takes no permit", async () => {
  const listeners = new Set<(origin: number) => void>();
  let origin: number | undefined = 1;
  const before = (globalThis as { [key: symbol]: Host })[Symbol.for("braid.host")];
  registerHost({
    origin: () => origin,
    onInterrupt: (listener: (origin: number) => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    importedFrom: () => undefined,
  } as unknown as Host);
  try {
    const semaphore = new Semaphore(0);
    const stopped = semaphore.acquireAsync();
    origin = 2;
    const other = semaphore.acquireAsync();
    for (const listener of listeners) listener(1);
    await expect(stopped).rejects.toThrow("the cell that started it was interrupted");
    semaphore.release();
    await other;
    expect(listeners.size).toBe(0);
  } finally {
    registerHost(before as Host);
  }
});

it.each([
  [() => new Semaphore(-1), RangeError, "Expected permits to be a whole number from 0 to 2147483647, got -1."],
  [
    () => new Semaphore("3" as never),
    TypeError,
    'Expected permits to be a whole number from 0 to 2147483647, got "3".',
  ],
  [() => new Semaphore(null as never), TypeError, "got null"],
  [() => new Semaphore(1).release(0), RangeError, "Expected n to be a whole number from 1"],
  [() => new Semaphore(2 ** 31 - 1).release(1), RangeError, "2147483647 permits; 1 more than the 2147483647"],
  [() => new Semaphore(1).acquire({ timeoutMs: -1 }), RangeError, "Expected timeoutMs to be 0 or more"],
  [() => new Semaphore(1).acquire({ signal: 1 } as never), TypeError, 'acquire() has no option "signal"'],
])("refuses what it can't take: %s", (act, type, message) => {
  expect(act).toThrow(type);
  expect(act).toThrow(message);
});

it("refuses bad options of acquireAsync() by its promise", async () => {
  await expect(new Semaphore(1).acquireAsync({ signal: 1 } as never)).rejects.toThrow(
    "Expected signal to be an AbortSignal, got 1 (number).",
  );
});
