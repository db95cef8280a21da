// Barrier: rounds and leaders, who breaks it and who is told.

import { setImmediate as turn } from "node:timers/promises";
import { runInNewContext } from "node:vm";
import { afterAll, expect, it } from "vitest";
import { Barrier, BrokenBarrierError, CancelledError, Pool, shared, TimeoutError } from "../../lib/index.ts";
import { withCells } from "./interrupts.ts";

const pool = new Pool({ threads: 3 });
afterAll(() => pool.close());

it("lets nobody on before all have arrived, round after round, with one leader each", async () => {
  const [THREADS, ROUNDS] = [3, 40];
  const barrier = new Barrier(THREADS);
  const arrived = shared(Int32Array, ROUNDS);
  const results = await pool.map(
    Array.from({ length: THREADS }, (_, n) => n),
    async (n) => {
      let [leads, early] = [0, 0];
      for (let round = 0; round < ROUNDS; round++) {
        Atomics.add(arrived, round, 1);
        const { leader } = (n + round) % 2 === 0 ? barrier.wait() : await barrier.waitAsync();
        if (leader) leads++;
        if (Atomics.load(arrived, round) !== THREADS) early++;
      }
      return { leads, early };
    },
    { chunk: 1 },
  );
  expect(results.reduce((sum, { leads }) => sum + leads, 0)).toBe(ROUNDS);
  expect(results.every(({ early }) => early === 0)).toBe(true);
  expect(await pool.run(() => barrier)).toBe(barrier);
});

it("of one is passed at once, with the lead; promises of one thread meet at it, too", async () => {
  const alone = new Barrier(1);
  for (let i = 0; i < 3; i++)
    expect([alone.wait(), await alone.waitAsync()]).toEqual([{ leader: true }, { leader: true }]);
  const barrier = new Barrier(3);
  for (let i = 0; i < 3; i++) {
    const all = await Promise.all([1, 2, 3].map(() => barrier.waitAsync()));
    expect(all.map(({ leader }) => leader)).toEqual([false, false, true]);
  }
});

const waiting = async (count: number): Promise<void> => {
  while (pool.stats().blocked < count) await turn();
};

it("is broken for all when one runs out of time, and stays so", async () => {
  const barrier = new Barrier(4);
  const others = [pool.run(() => barrier.wait()), barrier.waitAsync()];
  const outcomes = Promise.allSettled(others);
  await waiting(1);
  expect(barrier.isBroken).toBe(false);
  expect(() => barrier.wait({ timeoutMs: 2 })).toThrow(TimeoutError);
  for (const outcome of await outcomes)
    expect(outcome).toMatchObject({ status: "rejected", reason: { code: "ERR_BRAID_BROKEN_BARRIER" } });
  expect(barrier.isBroken).toBe(true);
  expect(() => barrier.wait()).toThrow(BrokenBarrierError);
  await expect(barrier.waitAsync({ timeoutMs: 0 })).rejects.toThrow("someone who waited at it has left");
  await expect(pool.run(() => barrier.wait())).rejects.toThrow(BrokenBarrierError);
});

it("is broken by a time of 0, a signal, an interrupt", async () => {
  const inNoTime = new Barrier(2);
  await expect(inNoTime.waitAsync({ timeoutMs: 0 })).rejects.toThrow(TimeoutError);
  expect(inNoTime.isBroken).toBe(true);

  const aborted = new Barrier(3);
  const abort = new AbortController();
  const left = aborted.waitAsync({ signal: abort.signal });
  const other = aborted.waitAsync();
  abort.abort("enough");
  await expect(left).rejects.toMatchObject({ code: "ERR_BRAID_CANCELLED", cause: "enough" });
  await expect(other).rejects.toThrow(BrokenBarrierError);

  await withCells(async (cells) => {
    const interrupted = new Barrier(3);
    cells.work(1);
    const stopped = interrupted.waitAsync();
    cells.work(2);
    const second = interrupted.waitAsync();
    cells.interrupt(1);
    await expect(stopped).rejects.toThrow("the cell that started it was interrupted");
    await expect(second).rejects.toThrow(BrokenBarrierError);
    expect(cells.listeners).toBe(0);
  });
});

it("is broken by a cell that is interrupted where it blocks: its code just ends", () =>
  withCells(async (cells) => {
    const barrier = new Barrier(3);
    cells.work(1);
    const other = barrier.waitAsync();
    cells.work(2);
    const inTime = { timeout: 20 };
    expect(() => runInNewContext("wait()", { wait: () => barrier.wait() }, inTime)).toThrow("timed out after 20ms");
    expect(barrier.isBroken).toBe(false);
    cells.interrupt(2);
    expect(barrier.isBroken).toBe(true);
    await expect(other).rejects.toThrow(BrokenBarrierError);
    expect(cells.listeners).toBe(0);
  }));

it("is not broken by who never arrived: bad options, a signal that is aborted already", async () => {
  const barrier = new Barrier(2);
  expect(() => barrier.wait({ timeoutMs: -1 })).toThrow(RangeError);
  await expect(barrier.waitAsync({ signal: 1 } as never)).rejects.toThrow("Expected signal to be an AbortSignal");
  await expect(barrier.waitAsync({ signal: AbortSignal.abort() })).rejects.toThrow(CancelledError);
  const first = barrier.waitAsync();
  expect(barrier.wait()).toEqual({ leader: true });
  expect(await first).toEqual({ leader: false });
});

it("a thread that dies when it has arrived counts; where one dies before, the rest is told in time", async () => {
  const barrier = new Barrier(3);
  const dying = new Pool({ threads: 1 });
  const dead = dying.submit(() => barrier.wait());
  while (dying.stats().blocked === 0) await turn();
  await Promise.all([dying.terminate(), dead.then(undefined, () => {})]);
  const second = pool.run(() => barrier.wait());
  await waiting(1);
  expect(barrier.wait()).toEqual({ leader: true });
  expect(await second).toEqual({ leader: false });
  // The next round: the third is no more.
  const outcomes = Promise.allSettled([barrier.waitAsync({ timeoutMs: 5 }), pool.run(() => barrier.wait())]);
  const codes = (await outcomes).map((one) => (one as PromiseRejectedResult).reason.code as string);
  expect(codes).toEqual(["ERR_BRAID_TIMEOUT", "ERR_BRAID_BROKEN_BARRIER"]);
});

it.each([
  [() => new Barrier(0), RangeError, "Expected n to be a whole number from 1 to 2147483647, got 0."],
  [() => new Barrier(-2), RangeError, "got -2"],
  [() => new Barrier(undefined as never), TypeError, "got undefined"],
  [() => new Barrier({ words: 1 } as never), TypeError, "got an object of class Object"],
  [() => new Barrier(2).wait({ signal: 1 } as never), TypeError, 'wait() has no option "signal"'],
])("refuses what it can't take: %s", (act, type, message) => {
  expect(act).toThrow(type);
  expect(act).toThrow(message);
});
