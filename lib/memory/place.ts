// Where shared arrays lie. A large one has a WebAssembly memory of its own, so that SIMD code can work on it, and V8
// counts who holds it, in all threads, by whatever way it came there; README.md says why not one memory for all.

import { totalmem } from "node:os";
import { Memory, type WasmMemory } from "../wasm.ts";
import { SharedObjects } from "../shared-objects.ts";
import { Holders, type Holder } from "./holders.ts";

const PAGE = 65536;
const MAX_PAGES = 65536;
/** Smaller ones are not worth a memory. */
const LEAST_BYTES = 32768;
/** V8 sets 8 GiB of addresses aside for each memory, and a process has 128 TiB. */
const MOST_MEMORIES = 1000;
/** A WeakRef keeps what it names to the end of the job: so much may be kept by those of one job. */
const JOB_BYTES = 2 ** 28;
/** Of memory that was given back, so much waits to be used again. */
const KEPT_BYTES = 2 ** 29;

export interface Place {
  readonly memory: WasmMemory;
  /** Of the first element, in the memory. */
  readonly byteOffset: number;
}

/** What makes a memory known in another thread. Threads post it as it is. */
export interface SharedPlace {
  readonly id: string;
  readonly memory: WasmMemory;
  readonly holder: Holder;
}

/** The shared memory of one thread. */
export class Places {
  readonly #holders: Holders;
  readonly #mostMemories: number;
  readonly #byBuffer = new WeakMap<ArrayBufferLike, SharedPlace>();
  /** Those that came from other threads, to be known again. What this one makes is not among them. */
  readonly #received = new SharedObjects<WasmMemory>();
  #receivedInJob = 0;
  /** Garbage that is not on V8's own account would not be collected. */
  readonly #weights = new WeakMap<SharedArrayBuffer, ArrayBuffer>();
  /** Given back, the last ones at the end. */
  #kept: SharedArrayBuffer[] = [];

  constructor(limitBytes: number, mostMemories = MOST_MEMORIES) {
    this.#holders = new Holders(limitBytes);
    this.#mostMemories = mostMemories;
  }

  /** Zeroed memory for an array, at its beginning. A large one's is longer by up to 64 KiB. */
  take(holder: Holder): SharedArrayBuffer {
    const { byteLength } = holder;
    if (byteLength < LEAST_BYTES) return this.#plain(byteLength);
    this.#holders.checkRoom(byteLength, () => (this.#kept = []));
    const isTooMany = this.#holders.isMoreThan(this.#mostMemories);
    const memory = isTooMany ? undefined : newMemory(Math.ceil(byteLength / PAGE));
    // Not imported, because most threads never need it.
    if (memory) return this.#keep({ id: process.getBuiltinModule("node:crypto").randomUUID(), memory, holder });
    const buffer = this.#plain(byteLength);
    this.#weigh(buffer, holder);
    return buffer;
  }

  /** The same, where it can be in memory that was given back. */
  takeAgain(holder: Holder): SharedArrayBuffer {
    const byteLength = Math.ceil(holder.byteLength / PAGE) * PAGE;
    const at = this.#kept.findLastIndex((buffer) => buffer.byteLength === byteLength);
    if (at < 0 || holder.byteLength < LEAST_BYTES) return this.take(holder);
    const [buffer] = this.#kept.splice(at, 1);
    new Uint8Array(buffer!).fill(0);
    return buffer!;
  }

  /** Nobody uses this memory any more, in any thread. */
  giveBack(buffer: SharedArrayBuffer): void {
    if (!this.#byBuffer.has(buffer)) return;
    this.#kept.push(buffer);
    let bytes = this.#kept.reduce((sum, { byteLength }) => sum + byteLength, 0);
    while (bytes > KEPT_BYTES) bytes -= this.#kept.shift()!.byteLength;
  }

  of(buffer: ArrayBufferLike): SharedPlace | undefined {
    return this.#byBuffer.get(buffer);
  }

  /** The buffer of a memory that came from another thread: as a rule the same one each time while it is held here. */
  receive(place: SharedPlace): SharedArrayBuffer {
    const known = this.#received.find(place.id);
    if (known) return known.buffer;
    if (this.#receivedInJob < JOB_BYTES) {
      if (this.#receivedInJob === 0) setImmediate(() => (this.#receivedInJob = 0)).unref();
      this.#receivedInJob += place.holder.byteLength;
      this.#received.add(place.memory, place.id);
    }
    return this.#byBuffer.has(place.memory.buffer) ? place.memory.buffer : this.#keep(place);
  }

  #keep(place: SharedPlace): SharedArrayBuffer {
    const { buffer } = place.memory;
    this.#byBuffer.set(buffer, place);
    this.#weigh(buffer, place.holder);
    return buffer;
  }

  #weigh(buffer: SharedArrayBuffer, holder: Holder): void {
    const maxByteLength = holder.byteLength;
    this.#holders.add(buffer, holder);
    try {
      // Resizable: the system gives it addresses, and no memory as long as nobody writes to it.
      this.#weights.set(buffer, new ArrayBuffer(maxByteLength, { maxByteLength }));
    } catch {
      // No addresses left for it: the array is collected when something else makes V8 do so.
    }
  }

  #plain(byteLength: number): SharedArrayBuffer {
    try {
      return new SharedArrayBuffer(byteLength);
    } catch (cause) {
      throw this.#holders.full(byteLength, { cause });
    }
  }
}

/** Undefined where there is none: it would be too large, or the process has no more addresses. */
function newMemory(pages: number): WasmMemory | undefined {
  if (pages > MAX_PAGES) return undefined;
  try {
    return new Memory({ initial: pages, maximum: pages, shared: true });
  } catch {
    return undefined;
  }
}

export const places = new Places(Math.min(totalmem(), process.constrainedMemory() || Infinity));

/** Where a view lies, for code in WebAssembly; undefined for one that is not in a memory of this kind. */
export function placeOf(view: ArrayBufferView): Place | undefined {
  const place = places.of(view.buffer);
  return place && { memory: place.memory, byteOffset: view.byteOffset };
}
