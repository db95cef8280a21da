// What test262 (test/built-ins/Atomics, Ecma International) asks of Atomics, asked of the classes that wrap it, by behaviour: each test
// is named for the files there. What it asks about views, indices and conversions of arguments has nothing to answer it
// here: a value of the wrong kind is refused, see test/unit/sync-atomic.test.ts.

import { afterAll, describe, expect, it } from "vitest";
import { AtomicBool, AtomicI32, AtomicI64, AtomicU32, Pool } from "../../lib/index.ts";
import { asleep } from "../sleepers.ts";

const AGENTS = 3;
const pool = new Pool({ threads: AGENTS });
afterAll(() => pool.close());

/** All in the words of AtomicI32; `number` makes a value of its kind. */
const KINDS = [
  { kind: "AtomicI32", make: () => new AtomicI32(), number: (n: number) => n },
  { kind: "AtomicU32", make: () => new AtomicU32(), number: (n: number) => n },
  { kind: "AtomicI64", make: () => new AtomicI64() as unknown as AtomicI32, number: (n: number) => BigInt(n) as never },
] as { kind: string; make: () => AtomicI32; number: (n: number) => number }[];

describe.each(KINDS)("$kind", ({ make, number }) => {
  const [zero, one, two, answer] = [0, 1, 2, 42].map(number) as [number, number, number, number];

  it("add, sub, exchange, compareExchange: good-views: they give the old value and leave the new one", () => {
    const n = make();
    expect([n.add(answer), n.load(), n.sub(two), n.load()]).toEqual([zero, answer, answer, number(40)]);
    expect([n.exchange(one), n.load()]).toEqual([number(40), one]);
    expect([n.compareExchange(zero, two), n.load()]).toEqual([one, one]);
    expect([n.compareExchange(one, two), n.load()]).toEqual([one, two]);
    expect([n.add(zero), n.sub(zero), n.load()]).toEqual([two, two, two]);
  });

  it("load, store: expected-return-value: what was stored is loaded", () => {
    const n = make();
    for (const value of [zero, one, answer]) {
      n.store(value);
      expect(n.load()).toBe(value);
    }
  });

  it("wait, waitAsync: value-not-equal: no wait", async () => {
    const n = make();
    expect([n.wait(answer), await n.waitAsync(answer)]).toEqual(["not-equal", "not-equal"]);
    expect(await pool.run((value: number) => n.wait(value, { timeoutMs: 1e6 }), answer)).toBe("not-equal");
  });

  it("wait, waitAsync: false-for-timeout, null-for-timeout: a time of 0 is over at once", async () => {
    const n = make();
    expect([n.wait(zero, { timeoutMs: 0 }), await n.waitAsync(zero, { timeoutMs: 0 })]).toEqual([
      "timed-out",
      "timed-out",
    ]);
    expect(n.notify()).toBe(0);
  });

  it("wait, waitAsync: did-timeout, no-spurious-wakeup-no-operation: nobody wakes it", async () => {
    const n = make();
    const inPool = pool.run((value: number) => n.wait(value, { timeoutMs: 20 }), zero);
    expect([await n.waitAsync(zero, { timeoutMs: 20 }), await inPool]).toEqual(["timed-out", "timed-out"]);
  });

  it.each(["add", "sub", "exchange", "compareExchange", "store"])(
    "wait, waitAsync: no-spurious-wakeup-on-%s: a change wakes nobody",
    async (change) => {
      const n = make();
      const inPool = pool.run((value: number) => n.wait(value), zero);
      await asleep(n, 1);
      const here = n.waitAsync(zero, { timeoutMs: 50 });
      if (change === "add") n.add(one);
      else if (change === "sub") n.sub(one);
      else if (change === "exchange") n.exchange(one);
      else if (change === "compareExchange") n.compareExchange(zero, one);
      else n.store(one);
      expect(await here).toBe("timed-out");
      expect(n.notify()).toBe(1);
      expect(await inPool).toBe("ok");
    },
  );

  it("wait, waitAsync: was-woken-before-timeout, undefined-for-timeout, nan-for-timeout", async () => {
    const n = make();
    const waits = [
      pool.run((value: number) => n.wait(value, { timeoutMs: 1e6 }), zero),
      pool.run((value: number) => n.wait(value), zero),
      n.waitAsync(zero, { timeoutMs: 1e6 }),
      n.waitAsync(zero),
    ];
    await asleep(n, 4);
    expect(n.notify()).toBe(4);
    expect(await Promise.all(waits)).toEqual(["ok", "ok", "ok", "ok"]);
  });

  it.each([0, 1, 2])("notify: notify-zero, notify-one, notify-two: of three, %i are woken", async (count) => {
    const n = make();
    const outcomes = Promise.all(
      Array.from({ length: AGENTS }, () => pool.run((value: number) => n.wait(value), zero)),
    );
    await asleep(n, AGENTS);
    expect(n.notify(count)).toBe(count);
    expect(n.notify()).toBe(AGENTS - count);
    expect(await outcomes).toEqual(["ok", "ok", "ok"]);
  });

  it("notify: count-defaults-to-infinity-missing, -undefined, notify-all: without a number it wakes all", async () => {
    for (const args of [[], [undefined]] as [number?][]) {
      const n = make();
      const outcomes = Promise.all(
        Array.from({ length: AGENTS }, () => pool.run((value: number) => n.wait(value), zero)),
      );
      await asleep(n, AGENTS);
      expect(n.notify(...args)).toBe(AGENTS);
      expect(await outcomes).toEqual(["ok", "ok", "ok"]);
    }
  });

  it("notify: notify-all-on-loc, notify-with-no-matching-agents-waiting: others than those of this value sleep on", async () => {
    const [n, other] = [make(), make()];
    const waiting = pool.run((value: number) => other.wait(value), zero);
    await asleep(other, 1);
    expect(n.notify()).toBe(0);
    expect(other.notify()).toBe(1);
    expect(await waiting).toBe("ok");
  });

  it("notify: notify-with-no-agents-waiting, notify-renotify-noop: nobody is there", async () => {
    const n = make();
    expect(n.notify(1)).toBe(0);
    const waiting = pool.run((value: number) => n.wait(value), zero);
    await asleep(n, 1);
    expect([n.notify(1), n.notify(1), n.notify()]).toEqual([1, 0, 0]);
    expect(await waiting).toBe("ok");
  });

  it("notify: negative-count, count-boundary-cases: a number of waits is from 0 up", () => {
    const n = make();
    expect(() => n.notify(-1)).toThrow(RangeError);
    expect([n.notify(0), n.notify(2 ** 31), n.notify(2 ** 53)]).toEqual([0, 0, 0]);
  });

  it("wait, notify: waiterlist-order-of-operations-is-fifo, notify-in-order: who waits longest is woken first", async () => {
    const n = make();
    const order: number[] = [];
    const waits: Promise<unknown>[] = [];
    for (let agent = 0; agent < AGENTS; agent++) {
      waits.push(pool.run((value: number) => n.wait(value), zero).then(() => order.push(agent)));
      await asleep(n, agent + 1);
    }
    for (let agent = 0; agent < AGENTS; agent++) {
      expect(n.notify(1)).toBe(1);
      await waits[agent];
    }
    expect(order).toEqual([0, 1, 2]);
  });

  it("waitAsync: waiterlist-order-of-operations-is-fifo: threads and promises stand in one queue", async () => {
    const n = make();
    const order: string[] = [];
    const first = n.waitAsync(zero).then(() => order.push("promise"));
    const second = pool.run((value: number) => n.wait(value), zero).then(() => order.push("thread"));
    await asleep(n, 2);
    const third = n.waitAsync(zero).then(() => order.push("promise"));
    for (const wait of [first, second, third]) {
      expect(n.notify(1)).toBe(1);
      await wait;
    }
    expect(order).toEqual(["promise", "thread", "promise"]);
  });

  it("wait: waiterlist-block-indexedposition-wake: a thread that was woken goes on", async () => {
    const n = make();
    const woken = pool.run(
      (value: number, next: number) => {
        const outcome = n.wait(value);
        n.store(next);
        return outcome;
      },
      zero,
      answer,
    );
    await asleep(n, 1);
    expect(n.load()).toBe(zero);
    expect(n.notify()).toBe(1);
    expect(await woken).toBe("ok");
    expect(n.load()).toBe(answer);
  });
});

it("AtomicBool: waits and wakes as the numbers do", async () => {
  const flag = new AtomicBool();
  const waiting = pool.run(() => flag.wait(false));
  await asleep(flag, 1);
  expect([flag.exchange(true), flag.notify()]).toEqual([false, 1]);
  expect([await waiting, flag.wait(false)]).toEqual(["ok", "not-equal"]);
});
