// How late the event loop of this thread is.
//
// Node's monitorEventLoopDelay measures the same, but gives no times for a plot, and nothing of what blocks the loop before
// its first tick: a cell that starts it and computes at once would read 0. So the ticks are counted here.

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
 * it was late.
 *
 * Waits: `stop` is async and lasts a resolution or two. Units: ms, exact to about one, as Node's timers are;
 * `resolutionMs` is a whole number from 1, by default 10.
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
  const resolutionMs = checkInteger("resolutionMs", options.resolutionMs ?? 10, 1, 1000);
  const samples: LagSample[] = [];
  const startMs = performance.now();
  let lastMs = startMs;
  const timer = setInterval(() => {
    const now = performance.now();
    samples.push({ atMs: now - startMs, lagMs: Math.max(0, now - lastMs - resolutionMs) });
    lastMs = now;
  }, resolutionMs);
  timer.unref();
  const end = (): void => clearInterval(timer);
  let report: Promise<LagReport> | undefined;
  const finish = async (): Promise<LagReport> => {
    // It has come round after what was last.
    await sleep(2 * resolutionMs);
    end();
    return { ...summary(samples.map(({ lagMs }) => lagMs)), samples };
  };
  return { samples, stop: () => (report ??= finish()), [Symbol.dispose]: end };
}

function summary(lags: readonly number[]): Omit<LagReport, "samples"> {
  const sorted = lags.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
  const sum = sorted.reduce((all, lag) => all + lag, 0);
  return {
    medianMs: at(0.5),
    p95Ms: at(0.95),
    p99Ms: at(0.99),
    maxMs: at(1),
    meanMs: sum / Math.max(1, sorted.length),
  };
}

inLibrary(import.meta.url, { lagMeter });
