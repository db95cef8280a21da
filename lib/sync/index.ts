// Primitives that threads share.

export type { Guard } from "./guard.ts";
export { Semaphore } from "./semaphore.ts";
