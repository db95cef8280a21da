// The library: import { … } from "braid".

export * from "./errors.ts";
export { Arena, type ArenaStats } from "./memory/arena.ts";
export { BufferPool, type BufferPoolOptions, type BufferPoolStats } from "./memory/buffer-pool.ts";
export { shared, type Numbers } from "./memory/shared.ts";
export { move, ship, unship, type NotSendable, type Send } from "./ship/index.ts";
export {
  asCompleted,
  Pool,
  setThreads,
  spawn,
  Task,
  ThreadLocal,
  type CompletedTask,
  type MapOptions,
  type PoolOptions,
  type PoolStats,
  type TaskState,
  type Thread,
  type TraceEvent,
} from "./pool/index.ts";
export type { Wait, WaitAsync } from "./waiting.ts";
export { Semaphore, type Guard } from "./sync/index.ts";
export {
  BoundedQueue,
  debounce,
  latencyServer,
  mapLimit,
  spawnBlocking,
  type Debounced,
  type LatencyServer,
  type LatencyServerOptions,
  type QueueLength,
  type ServedRequest,
} from "./async/index.ts";
export * from "./process/index.ts";
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
  lagMeter,
  machine,
  memoryMeter,
  speedup,
  threadMemory,
  type BenchOptions,
  type CompareOptions,
  type CompareRow,
  type Comparison,
  type GcKind,
  type GcPause,
  type LagMeter,
  type LagReport,
  type LagSample,
  type Machine,
  type MemoryMeter,
  type MemoryReport,
  type MemorySample,
  type ThreadMemory,
  type Sample,
  type SpeedupOptions,
  type SpeedupResult,
  type SpeedupSample,
} from "./bench/index.ts";
export { gpu, type GpuKernel, type GpuOptions, type GpuRun, type KernelFunction, type KernelThis } from "./gpu/gpu.ts";
export { gpuBackends, type BackendFacts, type BackendName } from "./gpu/backends.ts";
export {
  keyValueStore,
  KeyValueStore,
  peers,
  peerVersions,
  type NotInstalled,
  type PeerAskOptions,
  type PeerName,
  type PeerOptions,
  type PeerResult,
  type Peers,
  type PeerVersion,
  type PeerWorker,
  type PeerWorkerOptions,
  type PythonOptions,
  type PythonVersion,
  type StoreKind,
  type StoreOptions,
  type StoreWait,
} from "./peers/index.ts";
export {
  sim,
  type Clock,
  type GilEvent,
  type GilOptions,
  type GilRun,
  type GilSegment,
  type PipelineEvent,
  type PipelineOptions,
  type PipelineQueue,
  type PipelineRun,
  type PipelineStage,
  type Policy,
  type Schedule,
  type SchedulerEvent,
  type SchedulerOptions,
} from "./sim/index.ts";
export { claim } from "./teach/claim.ts";
export { exercise, type Exercise, type ExerciseInit } from "./teach/exercise.ts";
export { optimalPoolSize } from "./teach/pool-size.ts";
