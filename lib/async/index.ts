// Asynchronous work of one thread.

export { BoundedQueue, type QueueLength } from "./bounded-queue.ts";
export { debounce, type Debounced } from "./debounce.ts";
export { latencyServer, type LatencyServer, type LatencyServerOptions, type ServedRequest } from "./latency-server.ts";
export { mapLimit } from "./map-limit.ts";
export { spawnBlocking } from "./spawn-blocking.ts";
