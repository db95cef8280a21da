// What the memory does over time: the heap and the collector of this thread, the process as a whole.

import { constants, PerformanceObserver, type PerformanceEntry } from "node:perf_hooks";
import { setImmediate as turn } from "node:timers/promises";
import { getHeapStatistics } from "node:v8";
import { threadId } from "node:worker_threads";
import { checkInteger, checkKnown } from "../checks.ts";
import { inLibrary } from "../library.ts";

export interface MemorySample {
  /** Since the meter was started. */
  atMs: number;
  /** Of the process. */
  rss: number;
  /** Of this thread, as the next three. */
  heapUsed: number;
  heapTotal: number;
  external: number;
  arrayBuffers: number;
}

export type GcKind = "minor" | "major" | "incremental" | "weak callbacks";

export interface GcPause {
  kind: GcKind;
  atMs: number;
  pauseMs: number;
}

export interface MemoryReport {
  lastedMs: number;
  samples: MemorySample[];
  /** The pauses of this thread's collector, in order of time. */
  pauses: GcPause[];
  /** The same by kind; only the kinds that occurred. */
  gc: Partial<Record<GcKind, { count: number; totalMs: number; maxMs: number }>>;
  /** Of all threads of the process: how often one gave up its core to wait, and how often it was taken from it. */
  contextSwitches: { voluntary: number; involuntary: number };
}

export interface MemoryMeter extends Disposable {
  /** So far. */
  readonly samples: readonly MemorySample[];
  stop(): Promise<MemoryReport>;
}

const KINDS: Record<number, GcKind> = {
  [constants.NODE_PERFORMANCE_GC_MINOR]: "minor",
  // Another way to collect the young generation, off by default.
  2: "minor",
  [constants.NODE_PERFORMANCE_GC_MAJOR]: "major",
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: "incremental",
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: "weak callbacks",
};

type GcEntry = PerformanceEntry & { detail: { kind: number } };

/**
 * Starts to watch memory: `process.memoryUsage()` now, every `intervalMs` while the event loop turns, and at the end;
 * each pause of this thread's garbage collector; the context switches of the process.
 *
 * Waits: `stop` is async. Units: bytes, ms; `intervalMs` is a whole number from 1, by default 20.
 * Gotcha: heap figures are of this thread alone: each thread has a heap of its own, see `threadMemory`. While this
 * thread computes there are no samples, but all pauses.
 * Throws TypeError or RangeError for a bad option. It doesn't keep the program alive.
 * @example
 * const meter = memoryMeter();
 * for (let i = 0; i < 1e5; i++) use(new Float64Array(1000));
 * const { gc, pauses } = await meter.stop();
 * console.log(gc.minor?.count, gc.major?.totalMs);
 */
export function memoryMeter(options: { intervalMs?: number } = {}): MemoryMeter {
  checkKnown("memoryMeter()", options, ["intervalMs"]);
  const intervalMs = checkInteger("intervalMs", options.intervalMs ?? 20, 1, 60_000);
  const startMs = performance.now();
  const before = process.resourceUsage();
  const samples: MemorySample[] = [];
  const sample = (): void => void samples.push({ atMs: performance.now() - startMs, ...process.memoryUsage() });
  const pauses: GcPause[] = [];
  const keep = (entries: PerformanceEntry[]): void => {
    for (const { startTime, duration, detail } of entries as GcEntry[]) {
      const kind = KINDS[detail.kind];
      // One may have begun before this did.
      if (kind && startTime >= startMs) pauses.push({ kind, atMs: startTime - startMs, pauseMs: duration });
    }
  };
  const observer = new PerformanceObserver((list) => keep(list.getEntries()));
  observer.observe({ entryTypes: ["gc"] });
  const timer = setInterval(sample, intervalMs);
  timer.unref();
  sample();
  const end = (): void => {
    clearInterval(timer);
    observer.disconnect();
  };
  let report: Promise<MemoryReport> | undefined;
  const finish = async (): Promise<MemoryReport> => {
    sample();
    const after = process.resourceUsage();
    const lastedMs = performance.now() - startMs;
    // Node tells of a pause in the next turn of the loop.
    for (let i = 0; i < 2; i++) {
      await turn();
      keep(observer.takeRecords());
    }
    end();
    const own = pauses.filter(({ atMs }) => atMs <= lastedMs).sort((a, b) => a.atMs - b.atMs);
    return {
      lastedMs,
      samples,
      pauses: own,
      gc: summary(own),
      contextSwitches: {
        voluntary: after.voluntaryContextSwitches - before.voluntaryContextSwitches,
        involuntary: after.involuntaryContextSwitches - before.involuntaryContextSwitches,
      },
    };
  };
  return { samples, stop: () => (report ??= finish()), [Symbol.dispose]: end };
}

function summary(pauses: readonly GcPause[]): MemoryReport["gc"] {
  const gc: MemoryReport["gc"] = {};
  for (const { kind, pauseMs } of pauses) {
    const of = (gc[kind] ??= { count: 0, totalMs: 0, maxMs: 0 });
    of.count++;
    of.totalMs += pauseMs;
    of.maxMs = Math.max(of.maxMs, pauseMs);
  }
  return gc;
}

export interface ThreadMemory {
  thread: number;
  heapUsed: number;
  heapTotal: number;
  /** More, and the thread dies: `maxHeapMb` of a pool. */
  heapLimit: number;
  external: number;
}

/**
 * The heap of the thread that calls it, in bytes: of a pool's when a task calls it. Waits: never. Cost: under 1 us.
 * @example
 * console.log(threadMemory().heapUsed, await pool.run(threadMemory));
 */
export function threadMemory(): ThreadMemory {
  const { used_heap_size, total_heap_size, heap_size_limit, external_memory } = getHeapStatistics();
  return {
    thread: threadId,
    heapUsed: used_heap_size,
    heapTotal: total_heap_size,
    heapLimit: heap_size_limit,
    external: external_memory,
  };
}

inLibrary(import.meta.url, { memoryMeter, threadMemory });
