// The meters of event loop and memory, and the buffer pool that they are there to judge.

import { setTimeout as sleep } from "node:timers/promises";
import { threadId } from "node:worker_threads";
import { expect, it } from "vitest";
import { BufferPool, lagMeter, memoryMeter, Pool, threadMemory } from "../../lib/index.ts";

const spin = (ms: number): void => {
  for (const end = performance.now() + ms; performance.now() < end;);
};

it("the lag meter sees what blocks the loop, also just before it is stopped", async () => {
  const meter = lagMeter({ resolutionMs: 2 });
  await sleep(20);
  const before = Math.max(0, ...meter.samples.map(({ lagMs }) => lagMs));
  spin(before + 60);
  const report = await meter.stop();
  expect(report.samples).toBe(meter.samples);
  const most = Math.max(...report.samples.map(({ lagMs }) => lagMs));
  expect(most).toBeGreaterThan(before + 50);
  expect(report.maxMs).toBeGreaterThan(before + 50);
  const { medianMs, p95Ms, p99Ms, maxMs } = report;
  expect([medianMs, p95Ms, p99Ms, maxMs]).toEqual([medianMs, p95Ms, p99Ms, maxMs].toSorted((a, b) => a - b));
  expect(await meter.stop()).toBe(report);
  const { length } = report.samples;
  await sleep(10);
  expect(report.samples).toHaveLength(length);
  expect(() => lagMeter({ resolutionMs: 0 })).toThrow(RangeError);
  expect(() => lagMeter({ every: 1 } as never)).toThrow('no option "every"');
});

it("the lag meter sees what blocks the loop before its first tick", async () => {
  const meter = lagMeter();
  spin(50);
  const { maxMs, samples, meanMs } = await meter.stop();
  expect(maxMs).toBeGreaterThanOrEqual(40);
  expect(samples[0]!.lagMs).toBeGreaterThanOrEqual(40);
  expect(meanMs).toBeLessThanOrEqual(maxMs);
});

it("the memory meter sees the collector, the heap and the context switches", async () => {
  const meter = memoryMeter({ intervalMs: 1 });
  let kept: object[] = [];
  for (let i = 0; i < 1_000_000; i++) {
    kept.push({ i });
    if (kept.length > 50_000) kept = [];
  }
  await sleep(20);
  const report = await meter.stop();
  expect(report.gc.minor!.count).toBeGreaterThan(0);
  expect(report.pauses.length).toBe(Object.values(report.gc).reduce((sum, { count }) => sum + count, 0));
  expect(report.pauses.every(({ atMs, pauseMs }) => atMs >= 0 && pauseMs >= 0 && atMs <= report.lastedMs)).toBe(true);
  expect(report.gc.minor!.totalMs).toBeGreaterThanOrEqual(report.gc.minor!.maxMs);
  expect(report.samples.length).toBeGreaterThan(2);
  expect(report.samples.every(({ rss, heapUsed }) => rss > heapUsed && heapUsed > 0)).toBe(true);
  expect(report.contextSwitches.voluntary).toBeGreaterThan(0);
  expect(await meter.stop()).toBe(report);
  expect(() => memoryMeter({ intervalMs: 0.5 })).toThrow(RangeError);
});

it("each thread has a heap of its own", async () => {
  await using pool = new Pool({ threads: 1, maxHeapMb: 40 });
  const [here, there] = [threadMemory(), await pool.run(threadMemory)];
  expect(here.thread).toBe(threadId);
  expect(there.thread).not.toBe(threadId);
  expect(there.heapLimit).toBeLessThan(here.heapLimit);
  expect(there.heapUsed).toBeGreaterThan(0);
});

it("a buffer pool hands out again what was given back, and counts", () => {
  const pool = new BufferPool(Float64Array, 100, { keep: 2 });
  const [a, b, c] = [pool.take(), pool.take(), pool.take()];
  expect(a.length).toBe(100);
  expect(pool.stats()).toEqual({ hits: 0, misses: 3, free: 0, out: 3 });
  a[0] = 5;
  for (const buffer of [c, b, a]) pool.give(buffer);
  // One more than it keeps.
  expect(pool.stats()).toEqual({ hits: 0, misses: 3, free: 2, out: 0 });
  expect(pool.take()).toBe(b);
  expect(pool.stats()).toEqual({ hits: 1, misses: 3, free: 1, out: 1 });
  expect(() => pool.give(c)).toThrow("taken from this pool and not given back yet");
  expect(() => pool.give(new Float64Array(100))).toThrow(TypeError);
  const shared = new BufferPool(Int32Array, 4, { shared: true }).take();
  expect([shared.length, shared.buffer instanceof SharedArrayBuffer]).toEqual([4, true]);
  expect(() => new BufferPool(Array as never, 4)).toThrow("a typed array class");
  expect(() => new BufferPool(Int32Array, -1)).toThrow(RangeError);
});
