// Atomic numbers and truth values: what they hold, what they refuse, how they wait and wake.

import { afterAll, describe, expect, it } from "vitest";
import { AtomicBool, AtomicI32, AtomicI64, AtomicU32, CancelledError, Pool } from "../../lib/index.ts";
import { asleep } from "../sleepers.ts";
import { withCells } from "./interrupts.ts";

const pool = new Pool({ threads: 2 });
afterAll(() => pool.close());

it("holds a value, and tells what was there", () => {
  const n = new AtomicI32();
  expect([
    n.load(),
    n.add(5),
    n.sub(2),
    n.exchange(9),
    n.compareExchange(8, 1),
    n.compareExchange(9, 2),
    n.load(),
  ]).toEqual([0, 0, 5, 3, 9, 9, 2]);
  n.store(-7);
  expect(n.load()).toBe(-7);
  const flag = new AtomicBool();
  expect([
    flag.load(),
    flag.exchange(true),
    flag.compareExchange(false, true),
    flag.compareExchange(true, false),
  ]).toEqual([false, false, true, true]);
  expect(flag.load()).toBe(false);
  expect(new AtomicBool(true).load()).toBe(true);
});

it.each([
  [new AtomicI32(), -(2 ** 31), 2 ** 31 - 1, 1],
  [new AtomicU32(), 0, 2 ** 32 - 1, 1],
  [new AtomicI64(), -(2n ** 63n), 2n ** 63n - 1n, 1n],
] as [AtomicI32, number, number, number][])("wraps round at both ends: %#", (n, least, most, one) => {
  n.store(most);
  expect(n.add(one)).toBe(most);
  expect(n.load()).toBe(least);
  expect(n.sub(one)).toBe(least);
  expect(n.load()).toBe(most);
  n.store(least);
  if (least < 0) n.sub(least);
  if (least < 0) expect(n.load()).toBe(least === -(2 ** 31) ? 0 : 0n);
});

it("is the same in all threads", async () => {
  const [small, positive, large, flag] = [new AtomicI32(-3), new AtomicU32(3e9), new AtomicI64(7n), new AtomicBool()];
  const seen = await pool.run(() => {
    flag.store(true);
    return [small.add(1), positive.add(1), large.add(1n)];
  });
  expect(seen).toEqual([-3, 3e9, 7n]);
  expect([small.load(), positive.load(), large.load(), flag.load()]).toEqual([-2, 3e9 + 1, 8n, true]);
  expect(await pool.run((n: AtomicI64) => n, large)).toBe(large);
  expect(await pool.run(() => new AtomicU32(5).add(1))).toBe(5);
});

describe("waiting", () => {
  it("blocks a thread until it is notified", async () => {
    const n = new AtomicI32(1);
    const waits = [pool.run(() => n.wait(1)), pool.run(() => n.wait(1, { timeoutMs: 1e6 }))];
    await asleep(n, 2);
    n.store(2);
    expect([n.notify(1), n.notify(5), n.notify()]).toEqual([1, 1, 0]);
    expect(await Promise.all(waits)).toEqual(["ok", "ok"]);
    expect(n.wait(1)).toBe("not-equal");
    expect(n.wait(2, { timeoutMs: 1 })).toBe("timed-out");
    expect(n.wait(2, { timeoutMs: 0 })).toBe("timed-out");
  });

  it.each([
    [new AtomicI32(-1), -1, 5],
    [new AtomicU32(4e9), 4e9, 5],
    [new AtomicI64(-(2n ** 63n)), -(2n ** 63n), 5n],
    [new AtomicBool(true), true, false],
  ] as [AtomicI32, number, number][])("gives a promise that ends likewise: %#", async (n, value, other) => {
    expect(await n.waitAsync(other)).toBe("not-equal");
    expect(await n.waitAsync(value, { timeoutMs: 1 })).toBe("timed-out");
    const waiting = n.waitAsync(value);
    const elsewhere = pool.run(() => n.waitAsync(value));
    await asleep(n, 2);
    expect(n.notify(1)).toBe(1);
    expect(await waiting).toBe("ok");
    expect(n.notify()).toBe(1);
    expect(await elsewhere).toBe("ok");
  });

  it("can be given up; the wake-up goes to the next then", async () => {
    const n = new AtomicI32();
    const abort = new AbortController();
    const first = n.waitAsync(0, { signal: abort.signal });
    const second = n.waitAsync(0);
    abort.abort("enough");
    await expect(first).rejects.toMatchObject({ code: "ERR_BRAID_CANCELLED", cause: "enough" });
    n.notify(1);
    expect(await second).toBe("ok");
    await expect(n.waitAsync(0, { signal: AbortSignal.abort() })).rejects.toThrow(CancelledError);
    expect(n.notify()).toBe(0);
  });

  it("ends with the cell that waits", () =>
    withCells(async (cells) => {
      const n = new AtomicI32();
      cells.work(1);
      const stopped = n.waitAsync(0);
      cells.work(2);
      const other = n.waitAsync(0);
      cells.interrupt(1);
      await expect(stopped).rejects.toThrow("the cell that started it was interrupted");
      n.notify(1);
      expect(await other).toBe("ok");
      expect(cells.listeners).toBe(0);
    }));

  it("a thread that dies asleep is in nobody's way", async () => {
    const n = new AtomicI32();
    const dying = new Pool({ threads: 1 });
    const killed = dying.submit(() => n.wait(0));
    await asleep(n, 1);
    const waiting = pool.run(() => n.wait(0));
    await asleep(n, 2);
    await Promise.all([dying.terminate(), killed.then(undefined, () => {})]);
    expect(n.notify(1)).toBe(1);
    expect(await waiting).toBe("ok");
  });
});

it.each([
  [
    () => new AtomicI32(2 ** 31),
    RangeError,
    "Expected value to be a whole number from -2147483648 to 2147483647, got 2147",
  ],
  [() => new AtomicI32(0.5), RangeError, "got 0.5"],
  [() => new AtomicI32("1" as never), TypeError, 'got "1"'],
  [() => new AtomicI32(null as never), TypeError, "got null"],
  [() => new AtomicI32({ id: 1 } as never), TypeError, "got an object of class Object"],
  [() => new AtomicU32(-1), RangeError, "Expected value to be a whole number from 0 to 4294967295, got -1."],
  [() => new AtomicU32().add(-1), RangeError, "Expected n to be"],
  [() => new AtomicI64(1 as never), TypeError, "Expected value to be a bigint from -9223372036854775808n to 922"],
  [() => new AtomicI64(2n ** 63n), RangeError, "got 9223372036854775808n."],
  [() => new AtomicBool(1 as never), TypeError, "Expected value to be true or false, got 1 (number)."],
  [() => new AtomicI32().compareExchange(0, NaN), RangeError, "Expected value to be"],
  [() => new AtomicI32().compareExchange(undefined as never, 0), TypeError, "Expected expected to be"],
  [() => new AtomicI32().notify(-1), RangeError, "Expected n to be a whole number from 0, got -1."],
  [() => new AtomicI32().wait(0, { timeoutMs: -1 }), RangeError, "Expected timeoutMs to be 0 or more"],
  [() => new AtomicI32().wait(0, { signal: 1 } as never), TypeError, 'wait() has no option "signal"'],
])("refuses what it can't hold: %s", (act, type, message) => {
  expect(act).toThrow(type);
  expect(act).toThrow(message);
});
