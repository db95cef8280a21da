// How late the event loop of this thread is.

import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { checkInteger, checkKnown } from "../checks.ts";
import { inLibrary } from "../library.ts";

export interface LagSample {
  /** Since the meter was started. */
  atMs: number;
  /** How much later than it should the loop came round. */
  lagMs: number;
}

export interface LagReport {
  medianMs: number;
  p95Ms: number;
  p99Ms: number;
  maxMs: number;
  meanMs: number;
  samples: LagSample[];
}

export interface LagMeter extends Disposable {
  /** So far. */
  readonly samples: readonly LagSample[];
  /** Looks once more, so that what has just blocked the loop counts, and gives what was measured. */
  stop(): Promise<LagReport>;
}

/**
 * Starts to measure how late this thread's event loop is: a timer that should come every `resolutionMs` tells by how much
 * it was late. The percentiles are of Node's own `monitorEventLoopDelay`, less the resolution.
 *
 * Waits: `stop` is async and lasts a resolution or two. Units: ms; `resolutionMs` is a whole number from 1, by default 10.
 * Gotcha: a loop that is blocked once for 300 ms gives one sample of 300, among many of 0: look at the maximum.
 * Throws TypeError or RangeError for a bad option. It doesn't keep the program alive.
 * @example
 * const meter = lagMeter();
 * await spawnBlocking(() => compute());
 * const { maxMs, samples } = await meter.stop();
 * plot.line({ lag: samples.map(({ atMs, lagMs }) => ({ x: atMs, y: lagMs })) });
 */
export function lagMeter(options: { resolutionMs?: number } = {}): LagMeter {
  checkKnown("lagMeter()", options, ["resolutionMs"]);
  const resolution = checkInteger("resolutionMs", options.resolutionMs ?? 10, 1, 1000);
  const samples: LagSample[] = [];
  const histogram = monitorEventLoopDelay({ resolution });
  histogram.enable();
  const startMs = performance.now();
  let lastMs = startMs;
  const timer = setInterval(() => {
    const now = performance.now();
    samples.push({ atMs: now - startMs, lagMs: Math.max(0, now - lastMs - resolution) });
    lastMs = now;
  }, resolution);
  timer.unref();
  const end = (): void => {
    clearInterval(timer);
    histogram.disable();
  };
  let report: Promise<LagReport> | undefined;
  const finish = async (): Promise<LagReport> => {
    // Both have come round after what was last.
    await sleep(2 * resolution);
    end();
    const less = (nanoseconds: number): number =>
      histogram.count === 0 ? 0 : Math.max(0, nanoseconds / 1e6 - resolution);
    return {
      medianMs: less(histogram.percentile(50)),
      p95Ms: less(histogram.percentile(95)),
      p99Ms: less(histogram.percentile(99)),
      maxMs: less(histogram.max),
      meanMs: less(histogram.mean),
      samples,
    };
  };
  return { samples, stop: () => (report ??= finish()), [Symbol.dispose]: end };
}

inLibrary(import.meta.url, { lagMeter });
