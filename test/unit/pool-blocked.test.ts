// Tasks that block their thread in Atomics.wait: others run meanwhile, and never more than the pool has threads.

import { describe, expect, it } from "vitest";
import { Pool, shared } from "../../lib/index.ts";

const untilTrue = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 2));
};
const waitAt = (gate: Int32Array, i: number): number => {
  Atomics.wait(gate, 0, 0);
  return i;
};

describe.each(["steal", "central"] as const)("with schedule %s", (schedule) => {
  it("blocked tasks starve no one", async () => {
    await using pool = new Pool({ threads: 2, schedule });
    const gate = shared(Int32Array, 1);
    const blocked = [0, 1, 2, 3, 4].map((i) => pool.submit(waitAt, gate, i));
    expect(await pool.map([1, 2, 3], (x) => x * x, { chunk: 1 })).toEqual([1, 4, 9]);
    await untilTrue(() => pool.stats().blocked === 5);
    expect(await pool.run(() => "still here")).toBe("still here");
    Atomics.store(gate, 0, 1);
    Atomics.notify(gate, 0);
    expect(await Promise.all(blocked)).toEqual([0, 1, 2, 3, 4]);
    await untilTrue(() => pool.stats().blocked === 0);
  });

  it("no more run at a time than there are threads", async () => {
    await using pool = new Pool({ threads: 2, schedule });
    const running = shared(Int32Array, 2);
    const work = (counts: Int32Array, i: number): number => {
      const run = (): void => {
        const n = Atomics.add(counts, 0, 1) + 1;
        for (let most = Atomics.load(counts, 1); n > most; most = Atomics.load(counts, 1))
          Atomics.compareExchange(counts, 1, most, n);
        for (const end = performance.now() + 1; performance.now() < end;);
        Atomics.sub(counts, 0, 1);
      };
      run();
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2 + (i % 5));
      run();
      return i;
    };
    const results = await Promise.all(Array.from({ length: 60 }, (_, i) => pool.run(work, running, i)));
    expect(results).toEqual(Array.from({ length: 60 }, (_, i) => i));
    expect(running[1]).toBeLessThanOrEqual(2);
  });
});

it("a thread that stood in for a blocked one takes no task while that one runs again, also by message", async () => {
  await using pool = new Pool({ threads: 1 });
  const [gate, standIn, ends] = [0, 1, 2];
  const cells = shared(Int32Array, 3);
  const first = pool.run(() => {
    Atomics.wait(cells, gate, 0);
    Atomics.store(cells, gate, 2);
    while (Atomics.load(cells, ends) === 0);
    Atomics.store(cells, ends, 2);
    return "first";
  });
  await untilTrue(() => pool.stats().blocked === 1);
  expect(await pool.run(() => Atomics.add(cells, standIn, 1))).toBe(0);
  // So that it sleeps again.
  await new Promise((resolve) => setTimeout(resolve, 20));
  Atomics.store(cells, gate, 1);
  Atomics.notify(cells, gate);
  await untilTrue(() => Atomics.load(cells, gate) === 2);
  const second = pool.run(() => Atomics.load(cells, ends));
  await new Promise((resolve) => setTimeout(resolve, 20));
  Atomics.store(cells, ends, 1);
  expect(await first).toBe("first");
  expect(await second).toBe(2);
});

it("no thread is started for a blocked one where the others are enough for what is left", async () => {
  let started = 0;
  const count = (): void => void started++;
  process.on("worker", count);
  try {
    await using pool = new Pool({ threads: 3 });
    const gate = shared(Int32Array, 1);
    const blocked = [0, 1].map((i) => pool.run(waitAt, gate, i));
    await untilTrue(() => pool.stats().blocked === 2);
    expect(await pool.run(() => "the third")).toBe("the third");
    expect(started).toBe(3);
    blocked.push(pool.run(waitAt, gate, 2));
    await untilTrue(() => pool.stats().blocked === 3);
    expect(await pool.run(() => "a fourth")).toBe("a fourth");
    expect(started).toBe(4);
    Atomics.store(gate, 0, 1);
    Atomics.notify(gate, 0);
    expect(await Promise.all(blocked)).toEqual([0, 1, 2]);
  } finally {
    process.off("worker", count);
  }
});

it("a thread that is blocked by what a task has left behind is stood in for", async () => {
  await using pool = new Pool({ threads: 1 });
  const gate = shared(Int32Array, 1);
  await pool.run(() => void setImmediate(() => Atomics.wait(gate, 0, 0)));
  await untilTrue(() => pool.stats().blocked === 1);
  expect(await pool.run(() => Atomics.add(gate, 0, 1))).toBe(0);
  Atomics.notify(gate, 0);
  await untilTrue(() => pool.stats().blocked === 0);
});

it("a blocked task can be cancelled, and a blocked thread may die", async () => {
  await using pool = new Pool({ threads: 1 });
  const gate = shared(Int32Array, 1);
  const task = pool.submit(waitAt, gate, 1);
  await untilTrue(() => pool.stats().blocked === 1);
  task.cancel();
  expect(await task.result.catch((error: Error) => error.name)).toBe("CancelledError");
  await untilTrue(() => pool.stats().blocked === 0);
  expect(await Promise.all([1, 2, 3].map((i) => pool.run((x: number) => x, i)))).toEqual([1, 2, 3]);
});

it("one that is waited for in a loop goes on all the same", async () => {
  await using pool = new Pool({ threads: 1 });
  const words = shared(Int32Array, 2);
  const first = pool.run((w: Int32Array) => {
    Atomics.wait(w, 0, 0, 20);
    Atomics.store(w, 1, 1);
    return "first";
  }, words);
  const second = pool.run((w: Int32Array) => {
    while (Atomics.load(w, 1) === 0);
    return "second";
  }, words);
  expect(await Promise.all([first, second])).toEqual(["first", "second"]);
});

it("the trace says what waited", async () => {
  await using pool = new Pool({ threads: 1, trace: true });
  await pool.run(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10));
  expect(pool.trace().map(({ kind }) => kind)).toEqual(["enqueue", "start", "wait", "wake", "end"]);
});
