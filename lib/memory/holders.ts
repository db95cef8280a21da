// Who holds the shared memory: an account of one thread's large arrays, by which it knows when there is no more.

import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { SharedMemoryFullError, type SharedMemoryHolder } from "../errors.ts";

const TOLD = 5;

/** What is said of an array. Two that are equal in all of it are told as one, with their count. */
export type Holder = Omit<SharedMemoryHolder, "count">;

export class Holders {
  readonly #limit: number;
  readonly #live = new Map<number, Holder>();
  readonly #gone: FinalizationRegistry<number>;
  #held = 0;
  #last = 0;

  /** @param limitBytes more than so much can't be held */
  constructor(limitBytes: number) {
    this.#limit = limitBytes;
    this.#gone = new FinalizationRegistry((key) => {
      this.#held -= this.#live.get(key)!.byteLength;
      this.#live.delete(key);
    });
  }

  /** Are there so many? Those that were collected without this thread being told count by their part of the bytes. */
  isMoreThan(count: number): boolean {
    const { size } = this.#live;
    return size > count && size * (this.#reallyHeld() / this.#held) > count;
  }

  add(buffer: SharedArrayBuffer, holder: Holder): void {
    this.#live.set(++this.#last, holder);
    this.#held += holder.byteLength;
    this.#gone.register(buffer, this.#last);
  }

  /** Throws where there is no room for so many bytes more, even after `letGo` and a garbage collection. */
  checkRoom(byteLength: number, letGo: () => void): void {
    if (byteLength > this.#limit)
      throw new RangeError(`An array can't get ${byteLength} bytes of shared memory: there are ${this.#limit}.`);
    if (this.#held + byteLength <= this.#limit || this.#reallyHeld() + byteLength <= this.#limit) return;
    letGo();
    collectGarbage();
    if (this.#reallyHeld() + byteLength > this.#limit) throw this.full(byteLength);
  }

  /** A program that does not return to its event loop is not told what was collected; V8's own sum is always right. */
  #reallyHeld(): number {
    return Math.min(this.#held, getHeapStatistics().external_memory);
  }

  full(asked: number, options?: ErrorOptions): SharedMemoryFullError {
    const byText = new Map<string, SharedMemoryHolder>();
    for (const one of this.#live.values()) {
      const key = `${one.type} ${one.length} ${one.where}`;
      byText.set(key, { ...one, count: (byText.get(key)?.count ?? 0) + 1 });
    }
    const holders = [...byText.values()].sort((a, b) => b.count * b.byteLength - a.count * a.byteLength);
    return new SharedMemoryFullError({ asked, held: this.#reallyHeld(), holders: holders.slice(0, TOLD) }, options);
  }
}

/** All of it, and at once: a usual collection leaves the last of what it found to be counted later. */
function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as (how: { flavor: "last-resort" }) => void;
  collect({ flavor: "last-resort" });
}
