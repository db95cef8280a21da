// The blocking endings of par(), and where they can be used; errors, deaths and bad input of both forms.

import { isMainThread } from "node:worker_threads";
import { afterAll, describe, expect, it } from "vitest";
import { par, Pool, setThreads, shared, spawn, ThreadCrashedError } from "../../lib/index.ts";

setThreads(2);
afterAll(() => setThreads(1));

describe("blocking endings", () => {
  it("give what the others give", async () => {
    const xs = shared(Float64Array, [5, -2, 9, 3, -2]);
    const p = par(xs).map((x, i) => x * 10 + i);
    expect([p.sumSync(), p.minSync(), p.maxSync(), p.countSync()]).toEqual([140, -19, 92, 5]);
    expect([p.argminSync(), p.argmaxSync()]).toEqual([1, 2]);
    expect([await p.argmin(), await p.argmax()]).toEqual([1, 2]);
    expect(p.reduceSync((a, b) => a + b, 0)).toBe(140);
    expect(p.toArraySync()).toEqual([50, -19, 92, 33, -16]);
    const out = shared(Int32Array, 5);
    expect(p.intoSync(out)).toBe(out);
    expect([...out]).toEqual([50, -19, 92, 33, -16]);
    par(out).forEachSync((x, i) => {
      out[i] = -x;
    });
    expect([...out]).toEqual([-50, 19, -92, -33, 16]);
    expect(p.filter((x) => x > 0).toArraySync()).toEqual([50, 92, 33]);
    expect(
      p
        .filter(() => false)
        .map((x) => x)
        .argminSync(),
    ).toBe(undefined);
  });

  it("add each chunk left to right, whatever the threads", async () => {
    const square = (x: number): number => x * x;
    for (const threads of [1, 2, 3]) {
      const squares = (chunks: number) => par.range(0, 1e6, { threads, chunks, simd: false }).map(square);
      expect(squares(1).sumSync()).toBe(333332833333127550);
      expect(squares(2).sumSync()).toBe(333332833333020900);
      expect(await squares(2).sum()).toBe(333332833333020900);
    }
    const tenths = (threads: number) => par.range(1, 1e5, { threads, simd: false }).map((x) => 1 / x);
    const first = tenths(1).sumSync();
    for (let i = 0; i < 20; i++) expect([tenths(2).sumSync(), await tenths(3).sum()]).toEqual([first, first]);
  });

  it("take objects and give objects, copied for every thread that runs them", async () => {
    const points = Array.from({ length: 40 }, (_, x) => ({ x, tags: ["p"] }));
    const move = (p: { x: number; tags: string[] }): object => {
      p.tags.push("moved");
      return p;
    };
    const moved = points.map(({ x }) => ({ x, tags: ["p", "moved"] }));
    for (let i = 0; i < 10; i++) expect(par(points).map(move).toArraySync()).toEqual(moved);
    expect(await par(points).map(move).toArray()).toEqual(moved);
    expect(points[0]!.tags).toEqual(["p"]);
    const seen: number[] = [];
    par.range(0, 40).forEachSync((x) => void seen.push(x));
    expect(seen).toEqual([]);
  });

  it("run on the caller's thread, too, and on no more than they may", () => {
    const met = shared(Int32Array, 1);
    const ids = (threads: number): number => {
      const call = `met ${Math.random()}`;
      met[0] = 0;
      const numbers = par.range(0, 8, { threads, chunks: 8 }).map(() => {
        const here = process as unknown as Record<string, number>;
        return (here[call] ??= Atomics.add(met, 0, 1));
      });
      return new Set(numbers.toArraySync()).size;
    };
    expect(ids(1)).toBe(1);
    expect(ids(2)).toBeLessThanOrEqual(2);
    expect(
      par
        .range(0, 4, { threads: 1 })
        .map(() => process.getBuiltinModule("node:worker_threads").isMainThread)
        .toArraySync(),
    ).toEqual(Array.from({ length: 4 }, () => isMainThread));
  });

  it("work in tasks, in tasks of one thread, in threads, and inside of each other", async () => {
    await using pool = new Pool({ threads: 2 });
    await using one = new Pool({ threads: 1 });
    for (const some of [pool, one]) {
      expect(await some.run(() => par.range(0, 1000).sumSync())).toBe(499500);
      expect(await some.run(async () => (await par.range(0, 1000).sum()) + par.range(0, 3).sumSync())).toBe(499503);
      expect(
        await some.map(
          [10, 20, 30],
          (n) =>
            par
              .range(0, n)
              .map((x) => ({ x }))
              .toArraySync().length,
        ),
      ).toEqual([10, 20, 30]);
      expect(
        await some.map(
          [10, 20, 30],
          async (n) =>
            (
              await par
                .range(0, n)
                .map((x) => ({ x }))
                .toArray()
            ).length,
        ),
      ).toEqual([10, 20, 30]);
    }
    expect(spawn(() => par.range(0, 1000).sumSync()).join()).toBe(499500);
    expect(await spawn(async () => par.range(0, 1000).sum()).joinAsync()).toBe(499500);
    const triangle = (x: number): number => par.range(0, x).sumSync();
    expect(par.range(0, 20).map(triangle).sumSync()).toBe(1140);
    expect(await par.range(0, 20).map(triangle).sum()).toBe(1140);
  });

  it("do everything themselves where all threads are busy", async () => {
    await using pool = new Pool({ threads: 1 });
    const gate = shared(Int32Array, 2);
    const busy = pool.run(() => {
      // While this waits, without saying so, nobody else is there.
      while (Atomics.load(gate, 0) === 0);
      return par.range(0, 100).sumSync();
    });
    const other = pool.run(() => par.range(0, 10).sumSync());
    Atomics.store(gate, 0, 1);
    expect([await busy, await other]).toEqual([4950, 45]);
  });
});

describe("rows", () => {
  it("are parts of the matrix", async () => {
    const matrix = shared(Float64Array, 1e6);
    for (let i = 0; i < 1e6; i++) matrix[i] = i % 1000;
    const rows = par.rows(matrix, { rows: 1000, cols: 1000 });
    const squares = (row: Float64Array): number => {
      let sum = 0;
      for (let i = 0; i < row.length; i++) sum += row[i]! * row[i]!;
      return sum;
    };
    expect(rows.map(squares).toArraySync()).toEqual(Array.from({ length: 1000 }, () => 332833500));
    expect(await rows.map(squares).sum()).toBe(332833500000);
    await rows.forEach((row, i) => void row.fill(i));
    expect([matrix[0], matrix[1000], matrix[999999]]).toEqual([0, 1, 999]);
    // Of one that isn't shared each is a part of a copy.
    const own = new Int16Array([1, 2, 3, 4, 5, 6]);
    par.rows(own, { rows: 3, cols: 2 }).forEachSync((row) => void row.fill(0));
    expect([...own]).toEqual([1, 2, 3, 4, 5, 6]);
    expect(
      par
        .rows(own, { rows: 3, cols: 2 })
        .map((row) => [...row])
        .toArraySync(),
    ).toEqual([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    expect(par.rows(own, { rows: 2, cols: 3 }).toArraySync()).toEqual([
      new Int16Array([1, 2, 3]),
      new Int16Array([4, 5, 6]),
    ]);
    expect(
      par
        .rows(new Float64Array(0), { rows: 5, cols: 0 })
        .map((row) => row.length)
        .sumSync(),
    ).toBe(0);
  });

  it("must fit", () => {
    const six = new Float64Array(6);
    expect(() => par.rows(six, { rows: 2, cols: 2 })).toThrow(
      new RangeError("par.rows() expects 2 rows of 2 numbers, 4 in all, got an array of length 6."),
    );
    expect(() => par.rows(six, { rows: 2.5, cols: 2 })).toThrow(/Expected rows to be a whole number/);
    expect(() => par.rows(six, { rows: 2, columns: 3 } as never)).toThrow(/no option "columns"/);
    expect(() => par.rows([1, 2] as never, { rows: 1, cols: 2 })).toThrow(TypeError);
  });
});

describe("errors", () => {
  it("are that of the first element that fails, with its place", async () => {
    const fails = (x: number): number => {
      if (x % 100 === 57) throw new RangeError(`at ${x}`);
      return x;
    };
    for (let i = 0; i < 20; i++) {
      let error: any;
      try {
        par.range(0, 1000).map(fails).sumSync();
      } catch (e) {
        error = e;
      }
      expect(error).toBeInstanceOf(RangeError);
      expect([error.message, error.index]).toEqual(["at 57", 57]);
      expect(error.stack).toMatch(/par-sync\.test\.ts.*:\d+:\d+[^]*at element 57 of par\(\)/);
      const late = await par
        .range(0, 1000)
        .map(fails)
        .sum()
        .catch((e: unknown) => e as any);
      expect([late.constructor, late.message, late.index]).toEqual([RangeError, "at 57", 57]);
      expect(late.stack).toMatch(/at thread \d+$/);
    }
    class Odd extends Error {
      readonly code = 7;
    }
    const odd = (): never => {
      throw new Odd("odd");
    };
    expect(() => par.range(0, 10).forEachSync(odd)).toThrow(Odd);
    await expect(par.range(0, 10).forEach(odd)).rejects.toMatchObject({ code: 7, index: 0 });
    await expect(par.range(0, 10).forEach(() => Promise.resolve() as never)).rejects.toThrow(
      "forEach() takes values, got a Promise at index 0: the functions of par() can't be async; pool.map() takes such.",
    );
    // What isn't an error stays what it is.
    const word = (): never => {
      throw "word";
    };
    await expect(par.range(0, 10).forEach(word)).rejects.toBe("word");
    expect(() => par.range(0, 10).forEachSync(word)).toThrow("word");
  });

  it("tell of a thread that died, and the next call works", async () => {
    const die = (x: number): void => {
      if (!process.getBuiltinModule("node:worker_threads").isMainThread) process.exit(3);
      const start = performance.now();
      while (x % 8 === 0 && performance.now() < start + 1);
    };
    await par.range(0, 10).sum();
    const died = await par
      .range(0, 100)
      .forEach(die)
      .catch((e: unknown) => e as Error);
    expect(died).toBeInstanceOf(ThreadCrashedError);
    expect(died!.message).toMatch(/^A thread died while it ran part \d of a parallel loop: it exited with code 3\.$/);
    expect(await par.range(0, 10).sum()).toBe(45);
    for (let i = 0; i < 5; i++) {
      try {
        // No thread may have come by the time that all is done.
        par.range(0, 1000).forEachSync(die);
      } catch (error) {
        expect(error).toBeInstanceOf(ThreadCrashedError);
        expect((error as Error).message).toMatch(
          /^A thread died while it ran part \d+ of a parallel loop(: it exited with code 3)?\.$/,
        );
      }
      expect(par.range(0, 10).sumSync()).toBe(45);
      expect(await par.range(0, 10).sum()).toBe(45);
    }
  });

  it("of arrays that become shorter say so", async () => {
    const xs = [1, 2, 3];
    const p = par(xs);
    xs.length = 2;
    expect(() => p.sumSync()).toThrow(
      new RangeError("The array has become shorter after par() was called: it had 3 elements and has 2 now."),
    );
    const typed = new Float64Array(4);
    const q = par(typed);
    structuredClone(typed, { transfer: [typed.buffer] });
    await expect(q.sum()).rejects.toThrow(/^The array was detached or has become shorter/);
    const growing = new Float64Array(new ArrayBuffer(16, { maxByteLength: 64 }));
    growing.set([1, 2]);
    const r = par(growing);
    growing.buffer.resize(64);
    expect([r.sumSync(), r.countSync()]).toEqual([3, 2]);
    // What is copied is copied at once.
    const ys = [1, 2, 3];
    const sum = par(ys).sum();
    ys.fill(0);
    expect(await sum).toBe(6);
  });

  it("don't come of holes, which are undefined, nor of nothing", () => {
    // oxlint-disable-next-line no-sparse-arrays
    expect(par([1, , 3]).toArraySync()).toEqual([1, undefined, 3]);
    // oxlint-disable-next-line no-sparse-arrays
    expect(() => par([1, , 3] as number[]).sumSync()).toThrow("sum() takes numbers, got undefined at index 1.");
    expect([par<number>([]).sumSync(), par([]).countSync(), par([]).toArraySync(), par([]).minSync()]).toEqual([
      0,
      0,
      [],
      undefined,
    ]);
    expect([par([7]).sumSync(), par([7]).minSync(), par([7]).argmaxSync()]).toEqual([7, 7, 0]);
    expect(par({ length: 2, 0: "a", 1: "b" }).toArraySync()).toEqual(["a", "b"]);
    expect(() => par("abc")).toThrow(TypeError);
    expect(() => par([], { chunks: 0 })).toThrow(/Expected chunks to be a whole number from 1/);
  });
});
