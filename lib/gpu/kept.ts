// The result of a kernel that stays where it was computed, to be given to the next kernel without being copied back.

import type { GpuRun } from "./gpu.ts";

/** What a backend left where it computed it. */
export interface Held {
  /** Only where it must be fetched from the device. */
  readonly handle: DeviceHandle | undefined;
  /** As `GpuRun.value`. */
  read(): Promise<unknown>;
}

/** A buffer of gpu.js on the device. */
export interface DeviceHandle {
  toArray(): Promise<unknown>;
  delete(): void;
}

// Memory of a device weighs nothing for the garbage collector: what is dropped is freed when it gets round to it.
const dropped = new FinalizationRegistry<DeviceHandle>((handle) => handle.delete());

/**
 * The result of `kernel.keep(…)`: an argument for any kernel. On a GPU it is a buffer there; on the other backends an
 * array. Dispose of it with `using` or `free()`, or leave it to the garbage collector.
 */
export class Kept implements Disposable {
  /** Outermost first: of output [x, y] it is [y, x]. */
  readonly shape: readonly number[];
  readonly #facts: Omit<GpuRun, "value">;
  #held: Held | undefined;

  constructor(held: Held, shape: readonly number[], facts: Omit<GpuRun, "value">) {
    this.#held = held;
    this.shape = shape;
    this.#facts = facts;
    if (held.handle) dropped.register(this, held.handle, this);
  }

  /** The numbers, as `kernel.run(…)` gives them. Waits: asynchronously, until they are computed and copied back. */
  async read(): Promise<GpuRun> {
    return { value: await this.held().read(), ...this.#facts };
  }

  /** Gives the memory back. Kernels that run with it already still get it. */
  free(): void {
    const { handle } = this.#held ?? {};
    this.#held = undefined;
    dropped.unregister(this);
    handle?.delete();
  }

  [Symbol.dispose](): void {
    this.free();
  }

  /** For the library. */
  held(): Held {
    if (!this.#held) throw new TypeError("The kept result was freed and can't be used any more");
    return this.#held;
  }
}
