// Other languages beside ours.

export {
  peers,
  type PeerOptions,
  type PeerResult,
  type Peers,
  type PythonOptions,
  type RustOptions,
  type PeerWorkerOptions,
} from "./peers.ts";
export {
  keyValueStore,
  KeyValueStore,
  type StoreKind,
  type StoreOptions,
  type StoreWait,
} from "./store/key-value-store.ts";
export type { NotInstalled, PythonVersion } from "./toolchain.ts";
export { peerVersions, type PeerName, type PeerVersion } from "./versions.ts";
export type { PeerAskOptions, PeerWorker } from "./worker-process.ts";
