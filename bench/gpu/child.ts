// One workload by one contender, in a process of its own: `child.ts workload contender`. The last line of its output is
// a Report.

import { gpuBackends, type BackendName } from "braid";
import { type Again, type Workload, WORKLOADS } from "./workloads.ts";

export interface Report {
  /** ms: of the first time, which compiles, and the median of those after it. */
  figures: Record<string, number>;
  /** Of the result: elements all over it. */
  sample: number[];
}

const TIMES = 9;
const LIMIT_MS = 6000;
const SAMPLE = 4001;

/** What can be asked for, by name; the backend that it needs. */
export const CONTENDERS: Record<string, { start: (workload: Workload) => Again; needs?: BackendName }> = {
  "plain loop": { start: (workload) => workload.plain() },
  "par()": { start: (workload) => workload.par() },
  "gpu.js, CPU": { start: (workload) => workload.gpuJs("cpu") },
  "gpu.js, SIMD threads": { start: (workload) => workload.gpuJs("webasm") },
  "gpu.js, WebGPU": { start: (workload) => workload.gpuJs("webgpu"), needs: "webgpu" },
  "Braid, CPU": { start: (workload) => workload.braid("cpu") },
  "Braid, SIMD threads": { start: (workload) => workload.braid("simd") },
  "Braid, WebGPU": { start: (workload) => workload.braid("webgpu"), needs: "webgpu" },
};

export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? NaN;
}

/** So many elements, all over the result; JSON has no words for what isn't finite. */
export function sampleOf(result: ArrayLike<number>): number[] {
  const step = Math.max(1, result.length / SAMPLE);
  const length = Math.min(SAMPLE, result.length);
  return Array.from({ length }, (_, i) => result[Math.floor(i * step)]!);
}

async function measure(again: Again): Promise<Report> {
  const begin = performance.now();
  let result = await again();
  const first = performance.now() - begin;
  const took: number[] = [];
  while (took.length < 2 || (took.length < TIMES && performance.now() - begin < LIMIT_MS)) {
    globalThis.gc?.();
    const start = performance.now();
    result = await again();
    took.push(performance.now() - start);
  }
  return { figures: { "first, ms": first, "then, ms": quantile(took, 0.5) }, sample: sampleOf(result) };
}

if (import.meta.main) {
  const [workload = "", contender = ""] = process.argv.slice(2);
  // Probes before the clock starts.
  await gpuBackends();
  const report = await measure(CONTENDERS[contender]!.start(WORKLOADS[workload]!()));
  process.stdout.write(`\n${JSON.stringify(report)}\n`, () => process.exit(0));
}
