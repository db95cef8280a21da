// Channels that the clock sends on: the time is compared when somebody looks, so no thread has to do anything for it.

import { load, replace } from "../atomics.ts";
import { Core, TICKS } from "./core.ts";
import { DONE, NOTHING } from "./ring.ts";

/** A tick every so many milliseconds, from a moment of the wall clock on. */
export interface Clock {
  readonly everyMs: number;
  readonly startMs: number;
}

export const isClock = (value: unknown): value is Clock =>
  typeof value === "object" && value !== null && "everyMs" in value;

/** The same in every thread, which performance.now() is not. */
export const now = (): number => performance.timeOrigin + performance.now();

export class TickingCore extends Core {
  readonly #clock: Clock;

  constructor(buffer: SharedArrayBuffer, clock: Clock) {
    super(buffer, 1, undefined);
    this.#clock = clock;
  }

  /** How many ticks have been received or left out. */
  get #ticks(): number {
    return load(this.memory.words, TICKS);
  }

  override get length(): number {
    return this.dueMs() <= performance.now() ? 1 : 0;
  }

  override take(): number {
    const { everyMs, startMs } = this.#clock;
    if (this.isClosed) return super.take();
    for (;;) {
      const ticks = this.#ticks;
      const passed = Math.floor((now() - startMs) / everyMs);
      if (!(passed > ticks)) return NOTHING;
      if (!replace(this.memory.words, TICKS, ticks, passed)) continue;
      this.taken = (ticks + 1) * everyMs;
      return DONE;
    }
  }

  override dueMs(): number {
    const { everyMs, startMs } = this.#clock;
    return this.isClosed ? Infinity : startMs + (this.#ticks + 1) * everyMs - performance.timeOrigin;
  }

  override putNumber(): number {
    throw new TypeError("Only the clock sends on this channel.");
  }

  override put(): number {
    return this.putNumber();
  }

  override putObject(): boolean {
    return false;
  }
}
