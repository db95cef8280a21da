// Primitives that threads share.

export { AtomicBool, AtomicI32, AtomicI64, AtomicU32 } from "./atomic.ts";
export { Barrier } from "./barrier.ts";
export { Condvar } from "./condvar.ts";
export type { Guard } from "./guard.ts";
export { Guarded } from "./guarded.ts";
export { Latch } from "./latch.ts";
export { Mutex, type LockOptions } from "./mutex.ts";
export { Once } from "./once.ts";
export { RwLock } from "./rw-lock.ts";
export { Semaphore } from "./semaphore.ts";
export { SpinLock } from "./spin-lock.ts";
export { WaitGroup } from "./wait-group.ts";
export { watch } from "./watch.ts";
