// The library: import { … } from "braid".

export * from "./errors.ts";
export { shared, type Numbers } from "./memory/shared.ts";
export { move, ship, unship, type NotSendable, type Send } from "./ship/index.ts";
export {
  asCompleted,
  Pool,
  setThreads,
  Task,
  type MapOptions,
  type PoolOptions,
  type PoolStats,
  type TaskState,
  type TraceEvent,
} from "./pool/index.ts";
export { par, type Par, type ParOptions } from "./par/index.ts";
