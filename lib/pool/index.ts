// Pools of threads.

export { defaultPool, defaultThreads, setThreads } from "./default-pool.ts";
export type { MapOptions } from "./map.ts";
export { isThenable } from "./parts.ts";
export { loopKernel, parallelFor, parallelForSync } from "./parallel-for.ts";
export type { LoopKernel } from "./loop-kernel.ts";
export { Pool, type PoolOptions, type PoolStats } from "./pool.ts";
export { SharedFunctions } from "./shared-functions.ts";
export { spawn, type Thread } from "./spawn.ts";
export { asCompleted, Task, type CompletedTask, type TaskState } from "./task.ts";
export { ThreadLocal } from "./thread-local.ts";
export type { TraceEvent } from "./trace.ts";
