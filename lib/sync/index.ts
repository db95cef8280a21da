// Primitives that threads share.

export { AtomicBool, AtomicI32, AtomicI64, AtomicU32 } from "./atomic.ts";
export { Barrier } from "./barrier.ts";
export type { Guard } from "./guard.ts";
export { Latch } from "./latch.ts";
export { Semaphore } from "./semaphore.ts";
export { WaitGroup } from "./wait-group.ts";
