// Latch and WaitGroup: what opens them, what ends a wait, and what becomes of threads that die.

import { setImmediate as turn } from "node:timers/promises";
import { afterAll, describe, expect, it } from "vitest";
import { CancelledError, Latch, Pool, spawn, TimeoutError, WaitGroup } from "../../lib/index.ts";
import { withCells } from "./interrupts.ts";

const pool = new Pool({ threads: 2 });
afterAll(() => pool.close());

/** Both in the same words: three steps are missing. */
const KINDS = [
  {
    kind: "Latch",
    make: () => new Latch(3),
    down: (gate: Latch | WaitGroup) => (gate as Latch).countDown(),
    tooMany: "A latch that 0 is missing to can't be counted down by 1.",
  },
  {
    kind: "WaitGroup",
    make() {
      const group = new WaitGroup();
      group.add(3);
      return group;
    },
    down: (gate: Latch | WaitGroup) => (gate as WaitGroup).done(),
    tooMany: "A wait group counts down to 0: 1 are done where 0 are under way.",
  },
];

describe.each(KINDS)("a $kind", ({ make, down, tooMany }) => {
  it("opens for all when it has been counted down, and not before", async () => {
    const gate = make();
    const waits = [pool.run(() => gate.wait()), pool.run(() => gate.waitAsync()), gate.waitAsync()];
    let open = 0;
    for (const wait of waits) void wait.then(() => open++);
    for (const left of [2, 1]) {
      down(gate);
      await turn();
      expect([gate.count, gate.tryWait(), open]).toEqual([left, false, 0]);
    }
    await pool.run(down, gate);
    await Promise.all(waits);
    expect([gate.count, gate.tryWait()]).toEqual([0, true]);
    gate.wait();
    await gate.waitAsync({ timeoutMs: 0 });
    expect(() => down(gate)).toThrow(RangeError);
    expect(() => down(gate)).toThrow(tooMany);
    expect(gate.count).toBe(0);
  });

  it("wakes a thread that blocks, from another thread", async () => {
    const gate = make();
    const counting = spawn(() => {
      for (let i = 0; i < 3; i++) down(gate);
    });
    gate.wait();
    counting.join();
    expect(await pool.run(() => gate)).toBe(gate);
  });

  it("gives up in time, at once with 0, and leaves nothing behind", async () => {
    const gate = make();
    expect(() => gate.wait({ timeoutMs: 0 })).toThrow(TimeoutError);
    expect(() => gate.wait({ timeoutMs: 3 })).toThrow("took longer than 3 ms");
    await expect(gate.waitAsync({ timeoutMs: 0 })).rejects.toThrow(TimeoutError);
    await expect(gate.waitAsync({ timeoutMs: 3 })).rejects.toThrow(TimeoutError);
    const abort = new AbortController();
    const waiting = gate.waitAsync({ signal: abort.signal, timeoutMs: 1e9 });
    abort.abort("enough");
    await expect(waiting).rejects.toMatchObject({ code: "ERR_BRAID_CANCELLED", cause: "enough" });
    await expect(gate.waitAsync({ signal: AbortSignal.abort() })).rejects.toThrow(CancelledError);
    expect(gate.count).toBe(3);
  });

  it("a wait of an interrupted cell is over", () =>
    withCells(async (cells) => {
      const gate = make();
      cells.work(1);
      const stopped = gate.waitAsync();
      cells.work(2);
      const other = gate.waitAsync();
      cells.interrupt(1);
      await expect(stopped).rejects.toThrow("the cell that started it was interrupted");
      for (let i = 0; i < 3; i++) down(gate);
      await other;
      expect(cells.listeners).toBe(0);
    }));

  it("a thread that dies before its step is waited for, until someone takes it", async () => {
    const gate = make();
    const dying = new Pool({ threads: 1 });
    const dead = dying.run(() => {
      down(gate);
      process.exit(7);
    });
    await expect(dead).rejects.toMatchObject({ exitCode: 7 });
    await dying.terminate();
    down(gate);
    expect(() => gate.wait({ timeoutMs: 1 })).toThrow(TimeoutError);
    down(gate);
    gate.wait();
  });

  it("a thread that dies waiting is in nobody's way", async () => {
    const gate = make();
    const dying = new Pool({ threads: 1 });
    const dead = dying.submit(() => gate.wait());
    while (dying.stats().blocked === 0) await turn();
    const alive = pool.run(() => gate.wait());
    await Promise.all([dying.terminate(), dead.then(undefined, () => {})]);
    for (let i = 0; i < 3; i++) down(gate);
    await alive;
  });
});

it("a latch of 0 is open; several steps may be taken at once, but not more than are missing", () => {
  new Latch(0).wait({ timeoutMs: 0 });
  const latch = new Latch(5);
  latch.countDown(3);
  expect(() => latch.countDown(3)).toThrow("A latch that 2 is missing to can't be counted down by 3.");
  expect(latch.count).toBe(2);
  latch.countDown(2);
  expect(latch.tryWait()).toBe(true);
});

it("a wait group lets those go who waited for a round that is over, though the next has begun", async () => {
  const group = new WaitGroup();
  for (let round = 0; round < 50; round++) {
    group.add(2);
    const here = group.waitAsync();
    const there = pool.run(() => group.wait());
    while (pool.stats().blocked === 0) await turn();
    group.add(-1);
    group.done();
    group.add();
    await Promise.all([here, there]);
    expect(group.count).toBe(1);
    group.done();
  }
});

it.each([
  [() => new Latch(-1), RangeError, "Expected n to be a whole number from 0 to 2147483647, got -1."],
  [() => new Latch("3" as never), TypeError, 'got "3"'],
  [() => new Latch({ words: 1 } as never), TypeError, "got an object of class Object"],
  [() => new Latch(2).countDown(0), RangeError, "Expected n to be a whole number from 1"],
  [() => new Latch(2).wait({ signal: 1 } as never), TypeError, 'wait() has no option "signal"'],
  [() => new WaitGroup().done(), RangeError, "1 are done where 0 are under way"],
  [() => new WaitGroup().add(-3), RangeError, "3 are done where 0 are under way"],
  [
    () => new WaitGroup().add(1.5),
    RangeError,
    "Expected n to be a whole number from -2147483647 to 2147483647, got 1.5.",
  ],
  [
    () => {
      const group = new WaitGroup();
      group.add(2 ** 31 - 1);
      group.add();
    },
    RangeError,
    "A wait group counts up to 2147483647, got 1 more than 2147483647.",
  ],
  [() => new WaitGroup().wait({ timeoutMs: -1 }), RangeError, "Expected timeoutMs to be 0 or more"],
])("refuses what it can't take: %s", (act, type, message) => {
  expect(act).toThrow(type);
  expect(act).toThrow(message);
});

it.each([() => new Latch(1), () => new WaitGroup()])(
  "refuses bad options of waitAsync() by its promise: %#",
  async (make) => {
    await expect(make().waitAsync({ signal: 1 } as never)).rejects.toThrow("Expected signal to be an AbortSignal");
  },
);
