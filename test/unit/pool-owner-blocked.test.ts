// The thread that made a pool is blocked in a wait of the library: the pool's tasks go on, also where they need something of
// that thread by message. No code of the program runs in the midst of the wait.

import { afterAll, describe, expect, it } from "vitest";
import {
  Barrier,
  channel,
  Condvar,
  Latch,
  Mutex,
  par,
  Pool,
  Semaphore,
  spawn,
  ThreadCrashedError,
} from "../../lib/index.ts";

/** Where one of these runs out, something has hung. */
const limit = { timeoutMs: 15_000 };

/** Captured, it makes a task come by message. */
const twice = (n: number): number => n * 2;
const large = (n: number): Float64Array => new Float64Array(5000).fill(n);

const warm = new Pool({ threads: 2 });
afterAll(() => warm.close());

/** A pool whose threads have not begun, and one whose threads are awake. */
const pools = {
  "that has just been made": () => ({ pool: new Pool({ threads: 2 }), end: (pool: Pool) => pool.close() }),
  "that has just worked": async () => {
    await warm.map([1, 2, 3, 4], twice, { chunk: 1 });
    return { pool: warm, end: () => undefined };
  },
};

describe.each(Object.entries(pools))("a pool %s goes on while its owner waits", (_, make) => {
  it.each(["steal", "central", "round-robin"] as const)("for a latch, with schedule %s", async (schedule) => {
    const { pool, end } =
      schedule === "steal" ? await make() : { pool: new Pool({ threads: 2, schedule }), end: close };
    const latch = new Latch(20);
    const all = Array.from({ length: 20 }, (_, i) => pool.run(() => (latch.countDown(), twice(i))));
    latch.wait(limit);
    expect(await Promise.all(all)).toEqual(Array.from({ length: 20 }, (_, i) => 2 * i));
    await end(pool);
  });

  it("for messages of a channel, and the arguments are large", async () => {
    const { pool, end } = await make();
    const [send, recv] = channel<number>(1);
    const all = Array.from({ length: 12 }, (_, i) => pool.run((data) => send.send(data[4999]!), large(i)));
    const sums = all.map(() => recv.recv(limit));
    expect(sums.toSorted((a, b) => a - b)).toEqual(all.map((_, i) => i));
    await Promise.all(all);
    await end(pool);
  });

  it("for permits, a barrier, a condvar, and the lock of a task", async () => {
    const { pool, end } = await make();
    const [none, step, mutex, condvar] = [new Semaphore(0), new Barrier(3), new Mutex(), new Condvar()];
    const all = [1, 2, 3, 4].map((n) => pool.run(() => (none.release(), large(twice(n)))));
    for (const _ of all) none.acquire(limit);
    const met = [1, 2].map((n) => pool.run(() => (step.wait(), twice(n))));
    step.wait(limit);
    // It can't notify before this thread waits.
    const guard = mutex.lock(limit);
    const told = pool.run(() => {
      using _guard = mutex.lock();
      condvar.notifyAll();
      return twice(1);
    });
    condvar.wait(guard, limit);
    guard[Symbol.dispose]();
    const held = pool.run(async () => {
      using _guard = mutex.lock();
      none.release();
      return twice(await pool.run(twice, 2));
    });
    none.acquire(limit);
    mutex.lock(limit)[Symbol.dispose]();
    expect(await Promise.all([...met, told, held])).toEqual([2, 4, 2, 8]);
    await Promise.all(all);
    await end(pool);
  });

  it("for a thread that waits for tasks", async () => {
    const { pool, end } = await make();
    const latch = new Latch(8);
    const thread = spawn(() => (latch.wait(limit), "joined"));
    const all = Array.from({ length: 8 }, (_, i) => pool.run(() => (latch.countDown(), large(twice(i)))));
    expect(thread.join(limit)).toBe("joined");
    await Promise.all(all);
    await end(pool);
  });

  it("for tasks that wait for tasks", async () => {
    const { pool, end } = await make();
    const latch = new Latch(6);
    const deep = async (n: number): Promise<number> => (n === 0 ? 0 : twice(1) + (await pool.run(() => deep(n - 1))));
    const all = [1, 2, 3, 4].map((n) =>
      pool.run(async () => {
        const sum = await deep(n);
        const arrays = await pool.map([1, 2, 3], (x) => large(twice(x)), { chunk: 1 });
        latch.countDown();
        return sum + arrays[2]![0]!;
      }),
    );
    const failed = pool.run(async () => {
      const error = await pool
        .run((): number => {
          throw new RangeError(`no ${twice(1)}`);
        })
        .catch((error: unknown) => error as Error);
      latch.countDown();
      return (error as Error).message;
    });
    const shipped = pool.run(async () => {
      const inner = await pool.run(() => new Latch(twice(1)));
      latch.countDown();
      return inner.count;
    });
    latch.wait(limit);
    expect(await Promise.all(all)).toEqual([8, 10, 12, 14]);
    expect(await failed).toBe("no 2");
    expect(await shipped).toBe(2);
    await end(pool);
  });

  it("for tasks that block, and need others in their place", async () => {
    const { pool, end } = await make();
    const [gate, latch] = [new Latch(1), new Latch(5)];
    const all = [1, 2, 3, 4].map((n) => pool.run(() => (gate.wait(), latch.countDown(), twice(n))));
    const opens = pool.run(() => (gate.countDown(), latch.countDown(), twice(5)));
    latch.wait(limit);
    expect(await Promise.all([...all, opens])).toEqual([2, 4, 6, 8, 10]);
    await end(pool);
  });

  it("for the parts of a map that wait for each other, a few at a time", async () => {
    const { pool, end } = await make();
    const latch = new Latch(16);
    const sum = par(
      Array.from({ length: 10 }, (_, i) => i),
      { threads: 1, chunks: 10 },
    )
      .map((i) => (latch.countDown(), twice(i)))
      .sum();
    const mapped = pool.map([1, 2, 3, 4, 5, 6], (x) => (latch.countDown(), large(twice(x))), { chunk: 1 });
    latch.wait(limit);
    expect(await sum).toBe(90);
    expect((await mapped).map(([x]) => x)).toEqual([2, 4, 6, 8, 10, 12]);
    await end(pool);
  });
});

const close = (pool: Pool): Promise<void> => pool.close();

describe("while the owner of a pool waits", () => {
  it("no code of the program runs in its thread", async () => {
    const latch = new Latch(8);
    let isInWait = false;
    let ran = 0;
    const told: number[] = [];
    const note = (): void => void (isInWait && ran++);
    const single = warm.run(() => (latch.countDown(), large(1))).then(note);
    const lost = warm
      .run(() => {
        latch.countDown();
        throw new RangeError("thrown");
      })
      .catch(note);
    const small = warm.run((n) => n, 1).then(note);
    const mapped = warm.map([1, 2, 3, 4, 5, 6], (x) => (latch.countDown(), twice(x)), {
      chunk: 1,
      onProgress: (done) => (note(), told.push(done)),
    });
    isInWait = true;
    latch.wait(limit);
    // What has come is heard in one of these.
    const never = new Semaphore(0);
    expect(() => never.acquire({ timeoutMs: 50 })).toThrow("Out of time");
    isInWait = false;
    expect(await mapped).toEqual([2, 4, 6, 8, 10, 12]);
    await Promise.all([single, lost, small]);
    expect(told).toEqual([1, 2, 3, 4, 5, 6]);
    expect(ran).toBe(0);
  });

  it("threads that die are replaced, and who waited for their tasks is told", async () => {
    await using pool = new Pool({ threads: 1 });
    await using other = new Pool({ threads: 1 });
    const latch = new Latch(2);
    const dies = pool.run(() => process.exit(twice(3)));
    const tells = other.run(async () => {
      const error = await pool.run((): void => process.exit(twice(3))).catch((error: unknown) => error);
      latch.countDown();
      return (error as Error).message;
    });
    const next = pool.run(() => (latch.countDown(), twice(4)));
    const failed = expect(dies).rejects.toMatchObject({
      constructor: ThreadCrashedError,
      exitCode: 6,
      message: expect.stringMatching(/it exited with code 6\.$/) as string,
    });
    latch.wait(limit);
    await failed;
    expect(await next).toBe(8);
    expect(await tells).toMatch(/^Thread \d+ died while it ran the task: /);
  });

  it("what a thread can't read fails, and keeps nobody waiting", async () => {
    await using outer = new Pool({ threads: 1, stackSizeMb: 32 });
    const all = await outer.run(async (limit) => {
      const inner = new Pool({ threads: 1, stackSizeMb: 1 });
      const latch = new Latch(1);
      let deep: unknown[] = [];
      for (let i = 0; i < 30_000; i++) deep = [deep];
      const fails = inner.run((data) => data as never, deep as never).catch((error: Error) => error.message);
      const next = inner.run(() => (latch.countDown(), twice(1)));
      latch.wait(limit);
      const results = [await fails, await next];
      await inner.close();
      return results;
    }, limit);
    expect(all).toEqual([expect.stringMatching("^The task can't be read by its thread"), 2]);
  });

  it("a pool that was made in another thread goes on, and one that is closed ends", async () => {
    const thread = spawn(async (limit) => {
      const pool = new Pool({ threads: 2 });
      const latch = new Latch(6);
      const all = [1, 2, 3, 4, 5, 6].map((n) => pool.run(() => (latch.countDown(), large(twice(n)))));
      const closed = pool.close();
      latch.wait(limit);
      await closed;
      return (await Promise.all(all)).map(([x]) => x!);
    }, limit);
    expect(await thread.joinAsync()).toEqual([2, 4, 6, 8, 10, 12]);
  });

  it("a blocking loop does the same", async () => {
    await using pool = new Pool({ threads: 1 });
    const latch = new Latch(1);
    // The helper, or this thread, waits in the loop for a task of another pool.
    const task = pool.run(() => (latch.countDown(), twice(1)));
    par.range(0, 2, { threads: 2, chunks: 2 }).forEachSync(() => latch.wait({ timeoutMs: 15_000 }));
    expect(await task).toBe(2);
  });
});
