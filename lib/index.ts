// The library: import { … } from "braid".

export * from "./errors.ts";
export { shared, type Numbers } from "./memory/shared.ts";
export { move, ship, unship, type NotSendable, type Send } from "./ship/index.ts";
export {
  asCompleted,
  Pool,
  setThreads,
  Task,
  ThreadLocal,
  type CompletedTask,
  type MapOptions,
  type PoolOptions,
  type PoolStats,
  type TaskState,
  type TraceEvent,
} from "./pool/index.ts";
export { par, type Par, type ParOptions } from "./par/index.ts";
export {
  Figure,
  plot,
  type BarInput,
  type BarOptions,
  type FigureInit,
  type FigureOptions,
  type FigurePatch,
  type GanttEvent,
  type GanttOptions,
  type Layout,
  type LineOptions,
  type LinePoint,
  type LineSeries,
  type SequenceOptions,
  type SequenceStep,
  type SpeedupOptions as SpeedupPlotOptions,
  type SpeedupRow,
  type TimedRow,
  type Trace,
  type ValueRow,
} from "./plot/index.ts";
export {
  bench,
  compare,
  machine,
  speedup,
  type BenchOptions,
  type CompareOptions,
  type CompareRow,
  type Comparison,
  type Machine,
  type Sample,
  type SpeedupOptions,
  type SpeedupResult,
  type SpeedupSample,
} from "./bench/index.ts";
export {
  gpu,
  type GpuKernel,
  type GpuOptions,
  type GpuRun,
  type KernelArguments,
  type KernelFunction,
  type KernelPlace,
  type KernelThis,
  type Verified,
} from "./gpu/gpu.ts";
export type { Kept } from "./gpu/kept.ts";
export { gpuBackends, type BackendFacts, type BackendName } from "./gpu/backends.ts";
export { peerVersions, type PeerName, type PeerVersion } from "./peers/versions.ts";
export { sim, type Policy, type Schedule, type SchedulerEvent, type SchedulerOptions } from "./sim/index.ts";
export { claim } from "./teach/claim.ts";
export { exercise, type Exercise, type ExerciseInit } from "./teach/exercise.ts";
export { optimalPoolSize } from "./teach/pool-size.ts";
