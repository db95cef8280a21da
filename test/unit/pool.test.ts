import { afterAll, describe, expect, it } from "vitest";
import {
  Latch,
  asCompleted,
  CancelledError,
  Pool,
  PoolClosedError,
  setThreads,
  shared,
  TaskError,
  ThreadCrashedError,
  TimeoutError,
} from "../../lib/index.ts";

const pool = new Pool({ threads: 2 });
afterAll(() => pool.close());

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
/** Waits until a cell of shared memory holds a number: what a running task says. */
async function until(cell: () => boolean): Promise<void> {
  while (!cell()) await sleep(2);
}

describe("map", () => {
  it("gives results in the order of the items, whatever ends first, and the index", async () => {
    const results = await pool.map(
      new Set([40, 0, 20, 5]),
      async (ms, i) => (await new Promise((go) => setTimeout(go, ms)), `${ms}@${i}`),
      { chunk: 1 },
    );
    expect(results).toEqual(["40@0", "0@1", "20@2", "5@3"]);
    expect(await pool.map([], (x) => x)).toEqual([]);
    expect(await pool.map([[1], [[2]]], (x) => x)).toEqual([[1], [[2]]]);
  });

  it("tells progress after each chunk", async () => {
    const told: number[][] = [];
    await pool.map([1, 2, 3, 4, 5], (x) => x, { chunk: 2, onProgress: (done, total) => told.push([done, total]) });
    expect(told.length).toBe(3);
    expect(told.at(-1)).toEqual([5, 5]);
    await expect(
      pool.map([1, 2], (x) => x, {
        onProgress: () => {
          throw new Error("bar");
        },
      }),
    ).rejects.toThrow("bar");
  });

  it("fails with the index of the first failure and starts no more chunks", async () => {
    const started = shared(Int32Array, 100);
    await using one = new Pool({ threads: 1 });
    const error = await one
      .map(
        started.keys(),
        (i) => {
          started[i] = 1;
          if (i === 3) throw new RangeError("three");
          return i;
        },
        { chunk: 2 },
      )
      .catch((e: unknown) => e as TaskError);
    expect(error).toBeInstanceOf(TaskError);
    expect(error).toMatchObject({ index: 3, code: "ERR_BRAID_TASK", message: "Item 3 failed: three" });
    expect((error as TaskError).cause).toBeInstanceOf(RangeError);
    await one.run(() => 1);
    expect([...started].reduce((a, b) => a + b)).toBe(4);
  });

  it("can be aborted and can run out of time while it runs; the pool goes on", async () => {
    const flag = shared(Int32Array, 1);
    const control = new AbortController();
    const running = pool.map(
      [1, 2, 3, 4],
      () => {
        flag[0] = 1;
        for (;;);
      },
      { chunk: 1, signal: control.signal },
    );
    await until(() => flag[0] === 1);
    control.abort("enough");
    const cancelled = await running.catch((e: unknown) => e as CancelledError);
    expect(cancelled).toBeInstanceOf(CancelledError);
    expect((cancelled as CancelledError).cause).toBe("enough");
    await expect(
      pool.map(
        [1],
        () => {
          for (;;);
        },
        { timeoutMs: 20 },
      ),
    ).rejects.toMatchObject({ constructor: TimeoutError, timeoutMs: 20 });
    await expect(pool.map([1], (x) => x, { signal: AbortSignal.abort("before") })).rejects.toMatchObject({
      cause: "before",
    });
    expect(await pool.run(() => 5)).toBe(5);
    expect(pool.stats()).toMatchObject({ running: 0, queued: 0 });
  });

  it("takes items and captures as they are when it is called", async () => {
    await using one = new Pool({ threads: 1 });
    const items = [{ n: 1 }, { n: 2 }, { n: 3 }];
    const factor = { by: 10 };
    const mapped = one.map(items, ({ n }) => n * factor.by, { chunk: 1 });
    const queued = one.run((item: { n: number }) => item.n, items[0]!);
    items.forEach((item) => (item.n = 99));
    factor.by = 0;
    // This thread gets the function only now.
    one.resize(2);
    expect(await mapped).toEqual([10, 20, 30]);
    expect(await queued).toBe(1);
  });
});

describe("tasks", () => {
  it("know their state, thread and times", async () => {
    const go = new Latch(1);
    const task = pool.submit((x: number) => (go.wait(), x + 1), 1);
    expect(["queued", "running"]).toContain(task.state);
    go.countDown();
    expect(await task).toBe(2);
    expect(task.state).toBe("done");
    expect(task.thread).toBeGreaterThan(0);
    expect(task.endedMs!).toBeGreaterThanOrEqual(task.startedMs!);
    const failing = pool.submit(() => {
      throw new Error("x");
    });
    await expect(failing).rejects.toThrow("x");
    expect(failing.state).toBe("failed");
  });

  it("can be cancelled while they wait and while they run", async () => {
    await using one = new Pool({ threads: 1 });
    const flag = shared(Int32Array, 2);
    const running = one.submit(() => {
      flag[0] = 1;
      for (;;);
    });
    const waiting = one.submit(() => {
      flag[1] = 1;
    });
    const after = one.submit(() => "after");
    await until(() => flag[0] === 1);
    waiting.cancel("not needed");
    running.cancel();
    await expect(running).rejects.toBeInstanceOf(CancelledError);
    await expect(waiting).rejects.toMatchObject({ cause: "not needed" });
    expect([running.state, waiting.state]).toEqual(["cancelled", "cancelled"]);
    expect(await after).toBe("after");
    expect(flag[1]).toBe(0);
    after.cancel();
    expect(after.state).toBe("done");
  });

  it("come by asCompleted in the order they end, failed ones too", async () => {
    await using three = new Pool({ threads: 3 });
    const gates = shared(Int32Array, 3);
    const wait = async (n: number): Promise<number> => {
      while (gates[n] === 0) await new Promise((go) => setTimeout(go, 2));
      if (n === 2) throw new Error("two");
      return n;
    };
    const tasks = [0, 1, 2].map((n) => three.submit(wait, n));
    const order: string[] = [];
    const release = [1, 2, 0];
    gates[release.shift()!] = 1;
    for await (const task of asCompleted(tasks)) {
      order.push(tasks.indexOf(task as never) + task.state);
      gates[release.shift() ?? 0] = 1;
    }
    expect(order).toEqual(["1done", "2failed", "0done"]);
    await expect(tasks[2]!.result).rejects.toThrow("two");
    for await (const _ of asCompleted([])) expect.fail();
  });

  it("run in parallel on different threads", async () => {
    const cells = shared(Int32Array, 2);
    // Each waits for the other: on one thread this would hang.
    const meet = (me: number): boolean => {
      Atomics.store(cells, me, 1);
      Atomics.notify(cells, me);
      return Atomics.wait(cells, 1 - me, 0, 5000) !== "timed-out";
    };
    expect(await Promise.all([pool.run(meet, 0), pool.run(meet, 1)])).toEqual([true, true]);
  });
});

describe("a thread that dies", () => {
  it.each<[string, () => unknown, RegExp]>([
    ["by exit", () => process.exit(3), /it exited with code 3/],
    [
      "by an escaped error",
      () => (
        setTimeout(() => {
          throw new Error("escaped");
        }),
        new Promise(() => setInterval(() => {}, 1000))
      ),
      /an error escaped: escaped/,
    ],
    [
      "by an unhandled rejection",
      () => (void Promise.reject(new Error("unhandled")), new Promise(() => setInterval(() => {}, 1000))),
      /unhandled/,
    ],
  ])("%s fails its own task only and is replaced", async (_, f, text) => {
    const before = pool.submit(() => 1);
    const dying = pool.run(f as () => never);
    const others = Array.from({ length: 6 }, (_, i) => pool.run((n: number) => n, i));
    const error = await dying.catch((e: unknown) => e as ThreadCrashedError);
    expect(error).toBeInstanceOf(ThreadCrashedError);
    expect((error as Error).message).toMatch(text);
    expect(error).toMatchObject({ retryable: true, code: "ERR_BRAID_THREAD_CRASHED" });
    expect(await Promise.all(others)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(await before).toBe(1);
  });

  it("of too little memory says so", async () => {
    await using small = new Pool({ threads: 1, maxHeapMb: 16 });
    const dying = small.run(() => {
      const all: number[][] = [];
      for (;;) all.push(Array.from({ length: 1e4 }, (_, i) => i));
    });
    const next = small.run(() => "alive");
    await expect(dying).rejects.toThrow(/ran out of memory.*maxHeapMb/);
    expect(await next).toBe("alive");
  });

  it("between tasks warns", async () => {
    await using small = new Pool({ threads: 1, maxHeapMb: 16 });
    const warned = new Promise<Error>((resolve) => process.once("warning", resolve));
    await small.run(
      () =>
        void setTimeout(() => {
          const all: number[][] = [];
          for (;;) all.push(Array.from({ length: 1e4 }, (_, i) => i));
        }, 10),
    );
    expect((await warned).message).toMatch(/^Thread \d+ of a pool died between tasks, .* left behind: .*memory/);
    expect(await small.run(() => 1)).toBe(1);
  });

  it("in a map names the items", async () => {
    await expect(pool.map([1, 2, 3, 4], (x) => (x === 3 ? process.exit(1) : x), { chunk: 2 })).rejects.toMatchObject({
      constructor: TaskError,
      message: expect.stringMatching(/^One of the items 2 to 3 failed: Thread \d+ died/) as string,
    });
  });

  it("cannot confuse its pool by messages of its own", async () => {
    const value = await pool.run(async () => {
      const { parentPort } = await import("node:worker_threads");
      parentPort!.postMessage("hello");
      parentPort!.postMessage(null);
      return 1;
    });
    expect(value).toBe(1);
  });
});

describe("a pool", () => {
  it("closes when its work is done, and then takes no more", async () => {
    const closing = new Pool({ threads: 1 });
    const work = [1, 2, 3].map((n) => closing.run(async (x: number) => (await Promise.resolve(), x), n));
    const closed = closing.close();
    await expect(closing.run(() => 1)).rejects.toBeInstanceOf(PoolClosedError);
    await expect(closing.map([1], (x) => x)).rejects.toThrow(/was closed.*make a new Pool/);
    expect(() => closing.resize(2)).toThrow(PoolClosedError);
    expect(await Promise.all(work)).toEqual([1, 2, 3]);
    await closed;
    await closing.close();
    await closing.terminate();
  });

  it("terminates: what ran and what waited rejects", async () => {
    const ending = new Pool({ threads: 1 });
    const all = [
      ending.run(() => {
        for (;;);
      }),
      ending.run(() => 1),
      ending.map([1, 2], (x) => x),
    ];
    const settled = Promise.allSettled(all);
    await ending.terminate();
    for (const result of await settled)
      expect(result).toMatchObject({ status: "rejected", reason: { constructor: PoolClosedError } });
  });

  it("changes its size while it works", async () => {
    await using growing = new Pool({ threads: 1 });
    const cells = shared(Int32Array, 3);
    const meet = (me: number): string => {
      Atomics.add(cells, 0, 1);
      Atomics.notify(cells, 0);
      for (let n; (n = Atomics.load(cells, 0)) < 3;) if (Atomics.wait(cells, 0, n, 5000) === "timed-out") return "late";
      return "met" + me;
    };
    const met = [0, 1, 2].map((n) => growing.run(meet, n));
    growing.resize(3);
    expect(await Promise.all(met)).toEqual(["met0", "met1", "met2"]);
    growing.resize(1);
    expect(growing.threads).toBe(1);
    const ids = await growing.map([1, 2, 3, 4, 5, 6], async () => (await import("node:worker_threads")).threadId, {
      chunk: 1,
    });
    expect(new Set(ids).size).toBe(1);
  });

  it("traces what ran where, on one clock", async () => {
    await using traced = new Pool({ threads: 2, trace: true });
    const work = function work(n: number): number {
      for (const end = performance.now() + 5; performance.now() < end;);
      return n;
    };
    const tasks = [1, 2, 3, 4].map((n) => traced.submit(work, n));
    await Promise.all(tasks);
    const all = traced.trace();
    const events = all.filter(({ kind }) => kind !== "steal");
    expect(events.length).toBe(12);
    expect(all.length - 12).toBe(traced.stats().steals);
    const times = events.map(({ atMs }) => atMs);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    for (const task of new Set(events.map((event) => event.task))) {
      const mine = events.filter((event) => event.task === task);
      expect(mine.map(({ kind }) => kind)).toEqual(["enqueue", "start", "end"]);
      expect(mine[2]!.atMs - mine[1]!.atMs).toBeGreaterThan(4.5);
      expect(tasks.map(({ thread }) => thread)).toContain(mine[1]!.thread);
      expect(mine[1]!.label).toBe("work");
    }
    expect(pool.trace()).toEqual([]);
  });

  it("refuses bad options in one sentence", async () => {
    for (const threads of [0, -1, NaN, 1e6, 1.5])
      expect(() => new Pool({ threads })).toThrow(
        new RangeError(`Expected threads to be a whole number from 1 to 1024, got ${threads}.`),
      );
    expect(() => new Pool({ threads: "2" as never })).toThrow(
      new TypeError('Expected threads to be a whole number from 1 to 1024, got "2".'),
    );
    expect(() => new Pool({ maxHeapMb: 1 })).toThrow(RangeError);
    expect(() => new Pool(null as never)).toThrow(
      new TypeError("Expected the options of Pool to be an object, got null."),
    );
    expect(() => new Pool(3 as never)).toThrow(
      new TypeError("Expected the options of Pool to be an object, got 3 (number)."),
    );
    expect(() => new Pool({ threds: 1 } as never)).toThrow(
      new TypeError('Pool has no option "threds"; its options are threads, stackSizeMb, maxHeapMb, trace, schedule.'),
    );
    expect(() => new Pool({ trace: 1 as never })).toThrow("Expected trace to be true or false, got 1.");
    await expect(pool.map([1], (x) => x, null as never)).rejects.toThrow(
      /options of map\(\) to be an object, got null/,
    );
    await expect(pool.map([1], (x) => x, { chunks: 2 } as never)).rejects.toThrow(/map\(\) has no option "chunks"/);
    expect(() => setThreads(0)).toThrow(RangeError);
    await expect(pool.run(5 as never)).rejects.toThrow("Expected the first argument to be a function, got 5 (number).");
    await expect(pool.map(5 as never, (x) => x)).rejects.toThrow(/Expected items to be iterable/);
    await expect(pool.map([1], (x) => x, { chunk: 0 })).rejects.toThrow(/Expected chunk/);
    await expect(pool.map([1], (x) => x, { timeoutMs: -1 })).rejects.toThrow(/Expected timeoutMs/);
    await expect(pool.map([1], (x) => x, { signal: {} as never })).rejects.toThrow(/Expected signal/);
  });
});
