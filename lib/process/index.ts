// Processes: pools of them, supervised ones, and the ways between them.

export {
  ipc,
  type Address,
  type Fifo,
  type Format,
  type FormatOptions,
  type Incoming,
  type Link,
  type MessageOf,
  type OpenOptions,
  type Outgoing,
  type PipeLink,
  type PipeOptions,
  type Server,
  type SharedFile,
} from "./ipc/index.ts";
export type { Permission } from "./launch.ts";
export { ProcessPool, type ProcessPoolOptions } from "./process-pool.ts";
export {
  supervise,
  type ChildSpec,
  type ChildState,
  type RestartEvent,
  type SuperviseOptions,
  type Supervisor,
} from "./supervise.ts";
