// Pools of threads.

export { defaultPool, defaultThreads, setThreads } from "./default-pool.ts";
export { runParts, type MapOptions } from "./map.ts";
export type { Entry } from "./parts.ts";
export { engineOf, Pool, type PoolOptions, type PoolStats } from "./pool.ts";
export { spawn, type Thread } from "./spawn.ts";
export { asCompleted, Task, type CompletedTask, type TaskState } from "./task.ts";
export { ThreadLocal } from "./thread-local.ts";
export type { TraceEvent } from "./trace.ts";
