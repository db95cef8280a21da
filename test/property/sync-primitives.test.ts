// Atomic numbers, latches, wait groups and barriers against plain numbers and lists of those who wait.

import fc from "fast-check";
import { expect, it } from "vitest";
import { AtomicI32, AtomicI64, AtomicU32, Barrier, Latch, WaitGroup } from "../../lib/index.ts";

const KINDS = [
  { kind: "AtomicI32", make: () => new AtomicI32(), bits: 32, isSigned: true, isBig: false },
  { kind: "AtomicU32", make: () => new AtomicU32(), bits: 32, isSigned: false, isBig: false },
  { kind: "AtomicI64", make: () => new AtomicI64(), bits: 64, isSigned: true, isBig: true },
] as const;

it.each(KINDS)("$kind is a number modulo a power of two", ({ make, bits, isSigned, isBig }) => {
  const [min, max] = isSigned
    ? [-(2n ** BigInt(bits - 1)), 2n ** BigInt(bits - 1) - 1n]
    : [0n, 2n ** BigInt(bits) - 1n];
  const value = fc.oneof(fc.bigInt({ min, max }), fc.constantFrom(min, max, 0n, 1n));
  const step = fc.tuple(fc.constantFrom("store", "add", "sub", "exchange", "compareExchange", "hit"), value, value);
  fc.assert(
    fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
      const atomic = make() as AtomicI64;
      const own = (big: bigint): bigint => (isBig ? big : Number(big)) as bigint;
      const wrap = (big: bigint): bigint => (isSigned ? BigInt.asIntN(bits, big) : BigInt.asUintN(bits, big));
      let model = 0n;
      for (const [act, a, b] of steps) {
        const before = own(model);
        if (act === "store") {
          atomic.store(own(a));
          model = a;
        } else if (act === "add") {
          expect(atomic.add(own(a))).toBe(before);
          model = wrap(model + a);
        } else if (act === "sub") {
          expect(atomic.sub(own(a))).toBe(before);
          model = wrap(model - a);
        } else if (act === "exchange") {
          expect(atomic.exchange(own(a))).toBe(before);
          model = a;
        } else {
          const expected = act === "hit" ? model : a;
          expect(atomic.compareExchange(own(expected), own(b))).toBe(before);
          if (model === expected) model = b;
        }
        expect(atomic.load()).toBe(own(model));
      }
    }),
    { numRuns: 200 },
  );
});

interface Waiting {
  abort: AbortController;
  outcome: Promise<string>;
  isOver: boolean;
}

function waitFor(wait: (options: { signal: AbortSignal }) => Promise<unknown>): Waiting {
  const abort = new AbortController();
  const name = (error: Error): string => error.constructor.name;
  const waiting: Waiting = { abort, isOver: false, outcome: wait({ signal: abort.signal }).then(() => "passed", name) };
  void waiting.outcome.then(() => (waiting.isOver = true));
  return waiting;
}

const still = (waits: Waiting[]): void => expect(waits.some(({ isOver }) => isOver)).toBe(false);
const all = (waits: Waiting[]): Promise<string[]> => Promise.all(waits.map(({ outcome }) => outcome));

type Step = { do: "wait" } | { do: "abort"; which: number } | { do: "count"; n: number };
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.constant<Step>({ do: "wait" }),
  fc.nat({ max: 9 }).map((which): Step => ({ do: "abort", which })),
  fc.integer({ min: -3, max: 3 }).map((n): Step => ({ do: "count", n })),
);

it.each(["Latch", "WaitGroup"])("%s is a number and those who wait for 0", async (kind) => {
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: 4 }), fc.array(step, { maxLength: 30 }), async (start, steps) => {
      const gate = kind === "Latch" ? new Latch(start) : new WaitGroup();
      if (gate instanceof WaitGroup) gate.add(start);
      let count = start;
      let waits: Waiting[] = [];
      for (const one of steps) {
        if (one.do === "wait") waits.push(waitFor((options) => gate.waitAsync(options)));
        else if (one.do === "abort" && waits.length > 0) {
          const [left] = waits.splice(one.which % waits.length, 1);
          left!.abort.abort();
          expect(await left!.outcome).toBe("CancelledError");
        } else if (one.do === "count") {
          const by = gate instanceof Latch ? -Math.max(1, Math.abs(one.n)) : one.n;
          const act = (): void => (gate instanceof Latch ? gate.countDown(-by) : gate.add(by));
          if (count + by < 0) expect(act).toThrow(RangeError);
          else act();
          if (count + by >= 0) count += by;
        }
        expect([gate.count, gate.tryWait()]).toEqual([count, count === 0]);
        if (count === 0) {
          expect(await all(waits)).toEqual(waits.map(() => "passed"));
          waits = [];
        }
        still(waits);
      }
      for (const { abort } of waits) abort.abort();
      await all(waits);
    }),
    { numRuns: 200 },
  );
});

it("a barrier is a number of those who are missing, until one leaves", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 30 }), async (n, steps) => {
      const barrier = new Barrier(n);
      let waits: Waiting[] = [];
      let isBroken = false;
      for (const one of steps) {
        if (one.do === "abort" && waits.length > 0) {
          const [left] = waits.splice(one.which % waits.length, 1);
          left!.abort.abort();
          expect(await left!.outcome).toBe("CancelledError");
          expect(await all(waits)).toEqual(waits.map(() => "BrokenBarrierError"));
          waits = [];
          isBroken = true;
        } else if (one.do !== "abort") {
          waits.push(waitFor((options) => barrier.waitAsync(options)));
          if (isBroken) expect(await waits.pop()!.outcome).toBe("BrokenBarrierError");
          if (waits.length === n) {
            expect(await all(waits)).toEqual(waits.map(() => "passed"));
            waits = [];
          }
        }
        expect(barrier.isBroken).toBe(isBroken);
        still(waits);
      }
      for (const { abort } of waits) abort.abort();
      await all(waits);
    }),
    { numRuns: 200 },
  );
});
