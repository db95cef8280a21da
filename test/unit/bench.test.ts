import { hostname, userInfo } from "node:os";
import { describe, expect, test } from "vitest";
import { bench, compare, machine, speedup } from "../../lib/bench/index.ts";
import { intervalRank, median, medianInterval, serialPart } from "../../lib/bench/statistics.ts";

const shown = (value: object) => (value as any)[Symbol.for("Jupyter.display")]() as Record<string, any>;
const busy = (ms: number) => {
  const end = performance.now() + ms;
  while (performance.now() < end);
  return ms;
};

describe("statistics", () => {
  test("median", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([10, 2, 1, 3])).toBe(2.5);
  });

  // The table of the sign test: n, and the rank that encloses the median in at least 95 of 100 cases.
  test.each([
    [1, 1],
    [5, 1],
    [6, 1],
    [8, 1],
    [9, 2],
    [11, 2],
    [12, 3],
    [15, 4],
    [20, 6],
    [100, 40],
  ])("of %d values rank %d is the interval's", (n, k) => expect(intervalRank(n)).toBe(k));

  test("the interval holds the median in at least 95 of 100 draws", () => {
    let seed = 42;
    const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
    let held = 0;
    for (let draw = 0; draw < 4000; draw++) {
      const { low, high } = medianInterval(Array.from({ length: 11 }, () => random() ** 3));
      if (low <= 0.125 && 0.125 <= high) held++;
    }
    expect(held / 4000).toBeGreaterThan(0.94);
  });

  test("Amdahl's serial part is found again", () => {
    const rows = [1, 2, 4, 8].map((threads) => ({ threads, speedup: 1 / (0.2 + 0.8 / threads) }));
    expect(serialPart(rows)).toBeCloseTo(0.2);
    expect(serialPart([{ threads: 2, speedup: 3 }])).toBe(0);
    expect(serialPart(rows.slice(0, 1))).toBeNaN();
  });
});

describe("bench", () => {
  test("gives the median within its interval, and what f returned", async () => {
    const sample = await bench("busy", () => busy(2), { runs: 7 });
    expect(sample).toMatchObject({ name: "busy", runs: 7, value: 2 });
    expect(sample.values).toEqual(Array(7).fill(2));
    expect(sample.medianMs).toBeGreaterThanOrEqual(2);
    expect(sample.lowMs).toBeLessThanOrEqual(sample.medianMs);
    expect(sample.highMs).toBeGreaterThanOrEqual(sample.medianMs);
    expect(JSON.stringify(sample)).not.toContain("values");
    expect(shown(sample)["text/plain"]).toMatch(/name +median +95 % interval +runs\nbusy +\d/);
  });

  test("repeats what is short, so that the clock's grain doesn't matter", async () => {
    let calls = 0;
    const { medianMs } = await bench("tiny", () => ++calls, { runs: 5, warmup: 0 });
    expect(calls).toBeGreaterThan(1000);
    expect(medianMs).toBeGreaterThan(0);
  });

  test("awaits a promise before the next call", async () => {
    let running = 0;
    const f = async () => {
      expect(++running).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, 2));
      return --running;
    };
    expect((await bench("async", f, { runs: 3 })).value).toBe(0);
  });

  test("lets errors through and refuses bad input", async () => {
    const boom = new Error("boom");
    await expect(bench("x", () => Promise.reject(boom))).rejects.toBe(boom);
    await expect(bench("x", 3 as any)).rejects.toThrow("bench needs a function to measure; got number.");
    await expect(bench((() => 1) as any, 1 as any)).rejects.toThrow("bench needs a name before the function");
    await expect(bench("x", () => 1, { runs: 0 })).rejects.toThrow(
      "`runs` needs to be an integer of at least 1; got 0.",
    );
  });
});

describe("compare", () => {
  test("measures in turns and gives ratios to the baseline", async () => {
    const order: string[] = [];
    const step = (name: string, ms: number) => () => {
      order.push(name);
      return busy(ms);
    };
    const result = await compare({ a: step("a", 2), b: step("b", 6) }, { runs: 4, warmup: 0, baseline: "b" });
    expect(order.slice(-8).join("")).toBe("abbaabba");
    expect(result.rows.map(({ name }) => name)).toEqual(["a", "b"]);
    expect(result.rows[1]!.ratio).toBe(1);
    const [a, b] = result.rows.map(({ medianMs }) => medianMs);
    expect(result.rows[0]!.ratio).toBeCloseTo(b! / a!);
    expect(result.plot({ title: "T" }).layout.title.text).toBe("T");
    expect(Object.keys(shown(result))).toContain("application/vnd.plotly.v1+json");
    expect(shown(result)["text/plain"]).toMatch(/times as fast\na +\d/);
  });

  test("refuses bad input", async () => {
    await expect(compare({})).rejects.toThrow("compare needs at least one function; got an empty object.");
    await expect(compare({ a: 1 as any })).rejects.toThrow('compare: "a" needs a function to measure; got number.');
    await expect(compare({ a: () => 1 }, { baseline: "z" })).rejects.toThrow(
      'no function named "z" for a baseline, only "a"',
    );
  });
});

describe("speedup", () => {
  test("calls f with each thread count and compares with the fewest", async () => {
    const seen = new Set<number>();
    const f = async (threads: number) => {
      seen.add(threads);
      await new Promise((resolve) => setTimeout(resolve, 24 / threads));
      return 42;
    };
    const result = await speedup(f, { threads: [2, 1, 2], runs: 3 });
    expect([...seen].sort((a, b) => a - b)).toEqual([1, 2]);
    expect(result.rows.map(({ threads }) => threads)).toEqual([1, 2]);
    expect(result.rows[0]!.speedup).toBe(1);
    expect(result.rows[1]!.speedup).toBeGreaterThan(1);
    expect(result.rows.flatMap(({ values }) => values)).toEqual(Array(6).fill(42));
    expect(result.plot().data.map(({ name }) => name)).toContain("measured");
    expect(shown(result)["text/plain"]).toContain("2 threads");
  });

  test("refuses bad input", async () => {
    await expect(speedup(() => 1, { threads: [] })).rejects.toThrow("at least one thread count");
    await expect(speedup(() => 1, { threads: [0] })).rejects.toThrow(
      "thread counts of at least 1 in `threads`; got 0.",
    );
    await expect(speedup("f" as any)).rejects.toThrow("speedup needs a function to measure; got string.");
  });
});

describe("machine", () => {
  test("tells what a measurement needs, and not whose machine it is", () => {
    const facts = machine();
    expect(facts).toMatchObject({ node: process.versions.node, typescript: expect.stringMatching(/^7\./) });
    expect(facts.braid).toMatch(/^\d+\.\d+\.\d+/);
    expect(facts.cores).toBeGreaterThan(0);
    const everything = JSON.stringify([facts, shown(facts)]);
    const { username, homedir } = userInfo();
    for (const secret of [hostname(), homedir, process.cwd()]) expect(everything).not.toContain(secret);
    if (username.length > 4) expect(everything).not.toContain(username);
    expect(shown(facts)["text/markdown"]).toContain("| cores |");
  });
});
