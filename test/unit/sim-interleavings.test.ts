// sim.interleavings: all orders and only those, what comes of each, locks that threads wait for, and bad input.

import { describe, expect, test } from "vitest";
import { plot, sim, type ProgramStep } from "../../lib/index.ts";

interface Count {
  count: number;
}
const increment: ProgramStep<Count, { r: number }>[] = [
  { text: (_, { r }) => `load ${r}`, reads: "count", run: (shared, own) => void (own.r = shared.count) },
  { text: "add 1", run: (_, own) => void (own.r += 1) },
  { text: (_, { r }) => `store ${r}`, writes: "count", run: (shared, own) => void (shared.count = own.r) },
];
const lostUpdate = () =>
  sim.interleavings([increment, increment], { shared: { count: 0 }, own: { r: 0 }, right: ({ count }) => count === 2 });

describe("the lost update of two threads", () => {
  test("20 orders: 2 right, 18 wrong, and only the fully serial ones are right", () => {
    const { orders, right, wrong, stuck, outcomes } = lostUpdate();
    expect([orders.length, right, wrong, stuck]).toEqual([20, 2, 18, 0]);
    expect(orders.filter(({ isRight }) => isRight).map(({ order }) => order)).toEqual([
      [0, 0, 0, 1, 1, 1],
      [1, 1, 1, 0, 0, 0],
    ]);
    expect(orders.filter(({ isRight }) => !isRight).every(({ shared }) => shared.count === 1)).toBe(true);
    expect(outcomes).toEqual([
      { outcome: '{"count":1}', count: 18, isRight: false },
      { outcome: '{"count":2}', count: 2, isRight: true },
    ]);
  });

  test("each order is another one, with each thread's steps in their order", () => {
    const orders = lostUpdate().orders.map(({ order }) => order.join(""));
    expect(new Set(orders).size).toBe(20);
    expect(orders).toEqual([...orders].sort());
    for (const order of orders) expect(order.split("").sort().join("")).toBe("000111");
  });

  test("the steps of an order are a sequence diagram", () => {
    const { steps } = lostUpdate().orders.find(({ order }) => order.join("") === "010101")!;
    expect(steps).toEqual([
      { thread: 0, from: "count", to: "thread 0", text: "load 0" },
      { thread: 1, from: "count", to: "thread 1", text: "load 0" },
      { thread: 0, from: "thread 0", text: "add 1" },
      { thread: 1, from: "thread 1", text: "add 1" },
      { thread: 0, from: "thread 0", to: "count", text: "store 1" },
      { thread: 1, from: "thread 1", to: "count", text: "store 1" },
    ]);
    expect(plot.sequence(steps).data.length).toBeGreaterThan(0);
  });

  test("an atomic step leaves nothing to lose: 2 orders, both right", () => {
    const atomic: ProgramStep<Count, object> = { text: "add", run: (shared) => void shared.count++ };
    const { orders, right } = sim.interleavings([[atomic], [atomic]], {
      shared: { count: 0 },
      right: ({ count }) => count === 2,
    });
    expect([orders.length, right]).toEqual([2, 2]);
  });
});

const lock = (name: string): ProgramStep<Record<string, boolean>, object> => ({
  text: `lock ${name}`,
  when: (shared) => shared[name] !== true,
  run: (shared) => void (shared[name] = true),
});
const unlock = (name: string): ProgramStep<Record<string, boolean>, object> => ({
  text: `unlock ${name}`,
  run: (shared) => void (shared[name] = false),
});
const both = (a: string, b: string) => [lock(a), lock(b), unlock(b), unlock(a)];
const free = { shared: {}, right: (shared: object) => Object.values(shared).every((held) => held === false) };

describe("locks", () => {
  test("taken in opposite orders some orders get stuck, in one order none", () => {
    const opposite = sim.interleavings([both("A", "B"), both("B", "A")], free);
    expect(opposite.stuck).toBeGreaterThan(0);
    expect(opposite.orders.filter(({ isStuck }) => isStuck).map(({ order }) => order)).toEqual([[0, 1], [1, 0]]); // prettier-ignore
    expect(opposite.right + opposite.wrong).toBe(opposite.orders.length);
    expect(opposite.outcomes).toContainEqual({ outcome: 'stuck: {"A":true,"B":true}', count: 1, isRight: false });
    expect(sim.interleavings([both("A", "B"), both("A", "B")], free)).toMatchObject({ stuck: 0, wrong: 0 });
  });

  test("around the increment all orders are right", () => {
    const locked = [lock("lock"), ...increment, unlock("lock")] as ProgramStep<any, any>[];
    const { right, wrong } = sim.interleavings([locked, locked], {
      shared: { count: 0 },
      right: ({ count }) => count === 2,
    });
    expect([right, wrong]).toEqual([2, 0]);
  });
});

test.each([
  [[3], 1],
  [[2, 2], 6],
  [[3, 4], 35],
  [[2, 2, 2], 90],
  [[3, 3, 3], 1680],
  [[0, 2], 1],
  [[0], 1],
])("threads of %j steps have %d orders", (lengths, count) => {
  const threads = lengths.map((length) => Array.from({ length }, () => ({ text: "step" })));
  expect(sim.interleavings(threads, { shared: {}, right: () => true })).toMatchObject({ right: count, wrong: 0 });
});

test("what the caller gave is left as it was", () => {
  const shared = { count: 0 };
  const { orders } = sim.interleavings([[]], { shared, right: () => true });
  orders[0]!.shared.count = 7;
  sim.interleavings([increment], { shared, own: { r: 0 }, right: () => true });
  expect(shared).toEqual({ count: 0 });
});

const right = () => true;
const long = (n: number) => Array.from({ length: n }, () => ({ text: "x" }));
test.each<[() => unknown, new () => Error, string]>([
  [() => sim.interleavings(3 as any, {} as any), TypeError, "expects an array of threads first, got number"],
  [() => sim.interleavings([], { shared: {}, right }), RangeError, "at least one thread"],
  [() => sim.interleavings([3] as any, { shared: {}, right }), TypeError, "got number for thread 0"],
  [() => sim.interleavings([[{}]] as any, { shared: {}, right }), TypeError, "step 0 of thread 0"],
  [
    () => sim.interleavings([[{ text: "a", run: 1 }]] as any, { shared: {}, right }),
    TypeError,
    "Expected run of step 0",
  ],
  [() => sim.interleavings([[]], { shared: 1, right } as any), TypeError, "Expected shared to be an object"],
  [() => sim.interleavings([[]], { shared: {} } as any), TypeError, "Expected right to be a function, got undefined"],
  [() => sim.interleavings([[]], { shared: {}, right, seed: 1 } as any), TypeError, 'has no option "seed"'],
  [() => sim.interleavings([long(501)], { shared: {}, right }), RangeError, "at most 500 steps together, got 501"],
  [() => sim.interleavings([long(12), long(12)], { shared: {}, right }), RangeError, "at most 50000 orders"],
])("bad input %#", (f, kind, message) => {
  expect(f).toThrow(kind);
  expect(f).toThrow(message);
});
