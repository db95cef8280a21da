// Tasks that use pools: the one that they run on, others, and what par() uses by itself.

import { threadId } from "node:worker_threads";
import { afterAll, describe, expect, it } from "vitest";
import { CancelledError, par, Pool, PoolClosedError, shared, TaskError } from "../../lib/index.ts";

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe.each([1, 2])("tasks that use their own pool of %i", (threads) => {
  const pool = new Pool({ threads });
  afterAll(() => pool.close());

  it("wait for tasks, however deep", async () => {
    const fib = async (n: number): Promise<number> => {
      if (n < 2) return n;
      const [a, b] = await Promise.all([pool.run(fib, n - 1), pool.run(fib, n - 2)]);
      return a + b;
    };
    expect(await pool.run(fib, 8)).toBe(21);
    expect(pool.stats()).toMatchObject({ running: 0, queued: 0, failed: 0 });
  });

  it("map in map, with progress and in order", async () => {
    const table = await pool.map([1, 2, 3], async (x) => {
      const seen: number[] = [];
      const row = await pool.map([1, 2, 3], (y) => x * y, { chunk: 1, onProgress: (done) => seen.push(done) });
      return [row, seen] as const;
    });
    expect(table.map(([row]) => row)).toEqual([1, 2, 3].map((x) => [1, 2, 3].map((y) => x * y)));
    for (const [, seen] of table) expect(seen).toEqual([1, 2, 3]);
  });

  it("use it in par(), too", async () => {
    const xs = shared(Float64Array, [1, 2, 3, 4]);
    expect(
      await pool.run(async () =>
        par(xs)
          .map((x) => x * x)
          .sum(),
      ),
    ).toBe(30);
    const ids = await pool.run(async () =>
      par([1, 2, 3, 4], { chunks: 4 })
        .map(() => threadId)
        .toArray(),
    );
    const own = new Set(
      await pool.map(new Array<number>(20).fill(0), async () => (await sleep(1), threadId), { chunk: 1 }),
    );
    for (const id of ids) expect(own).toContain(id);
  });

  it("get errors with class, index and cause", async () => {
    class Mine extends RangeError {}
    const caught = await pool.run(async () => {
      const error = await pool
        .run((): number => {
          throw new Mine("no");
        })
        .catch((thrown: unknown) => thrown);
      return [error instanceof Mine, error] as const;
    });
    expect(caught[0]).toBe(true);
    expect(caught[1]).toBeInstanceOf(Mine);
    const failed = await pool.run(async () =>
      pool
        .map(
          [1, 2, 3],
          (x) => {
            if (x === 2) throw new Error("two");
            return x;
          },
          { chunk: 3 },
        )
        .catch((thrown: unknown) => thrown),
    );
    expect(failed).toBeInstanceOf(TaskError);
    expect((failed as TaskError).index).toBe(1);
  });

  it("may send it on, and back", async () => {
    expect(await pool.run(async (mine: Pool) => mine.run((same: Pool) => same.threads, mine), pool)).toBe(threads);
    expect(await pool.run(() => pool)).toBe(pool);
  });

  it("are told what only the owner can do", async () => {
    const said = await pool.run(() => {
      try {
        return String(pool.stats().done);
      } catch (error) {
        return (error as Error).message;
      }
    });
    expect(said).toBe("pool.stats() works in the thread that made the pool; a task can run(), submit() and map().");
  });

  it("take what they have called with them when they are cancelled", async () => {
    const counter = shared(Int32Array, 2);
    const task = pool.submit(async () => {
      await pool.run((c: Int32Array) => {
        Atomics.store(c, 0, 1);
        for (;;);
      }, counter);
    });
    while (counter[0] === 0) await sleep(2);
    task.cancel();
    await expect(task.result).rejects.toBeInstanceOf(CancelledError);
    for (let i = 0; i < 500 && pool.stats().running + pool.stats().queued > 0; i++) await sleep(2);
    expect(pool.stats()).toMatchObject({ running: 0, queued: 0 });
    expect(await pool.run(() => 1)).toBe(1);
  });

  it("cancel what they have called", async () => {
    const state = await pool.run(async () => {
      const call = pool.submit(async () => {
        await new Promise(() => {});
      });
      await new Promise((resolve) => setTimeout(resolve, 20));
      call.cancel();
      return call.result.then(
        () => "done",
        (error: Error) => error.name,
      );
    });
    expect(state).toBe("CancelledError");
    expect(await pool.run(() => 1)).toBe(1);
  });
});

it("a closed pool finishes what its tasks call", async () => {
  const pool = new Pool({ threads: 2 });
  const task = pool.run(async () => {
    await new Promise((resolve) => setTimeout(resolve, 50));
    return (await pool.run(() => 20)) + 1;
  });
  await pool.close();
  expect(await task).toBe(21);
});

it("a task may use another pool, and is told when that is closed", async () => {
  await using outer = new Pool({ threads: 1 });
  const inner = new Pool({ threads: 1 });
  expect(await outer.run(async () => inner.run((n: number) => n * 2, 4))).toBe(8);
  await inner.close();
  const error = await outer.run(async () => inner.run(() => 1).catch((thrown: unknown) => thrown));
  expect(error).toBeInstanceOf(PoolClosedError);
});

it("a pool that a task makes is its own", async () => {
  await using outer = new Pool({ threads: 1 });
  const twice = await outer.run(async () => {
    await using inner = new Pool({ threads: 1 });
    return await inner.run((n: number) => n * 2, 4);
  });
  expect(twice).toBe(8);
});
