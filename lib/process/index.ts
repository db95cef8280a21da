// Processes: pools of them.

export { ProcessPool, type ProcessPoolOptions } from "./process-pool.ts";
export type { Permission } from "./launch.ts";
