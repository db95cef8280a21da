// A channel that closes with its last sender. Each thread that has senders says so in a table in the channel's memory, and
// each sender that is on its way to a thread has an entry of its own, until it arrives. Who waits for messages looks
// now and then whether the threads of the table are still there.

import { add, load, replace, store } from "../atomics.ts";
import { BraidError } from "../errors.ts";
import { isAlive, lookAfterChildren, me } from "../sync/threads.ts";
import { Core, HOLDERS, newMemory } from "./core.ts";
import { LINE } from "./memory.ts";
import { NOTHING } from "./ring.ts";
import type { Schema } from "./schema.ts";

/** Threads with senders, and senders on their way. */
const MAX_HOLDERS = 1024;
// Of an entry: what it is, and of which thread. The first word of the table counts senders that were sent.
const STATE = 0;
const THREAD = 1;
const FREE = 0;
const HELD = 1;
const ENTRIES = LINE;

const LOOK_MS = 100;

/** Zeroed, with one line for the count. */
export const HOLDERS_BYTES = (ENTRIES + MAX_HOLDERS * 2) * 4;

export const newCountedMemory = (capacity: number): SharedArrayBuffer => newMemory(capacity, undefined, HOLDERS_BYTES);

/** Those of this thread, let go where it ends by itself. */
const here = new Set<CountedCore>();

export class CountedCore extends Core {
  readonly #table: Int32Array<SharedArrayBuffer>;
  /** The senders of this thread, and their entry. */
  #senders = 0;
  #entry = 0;
  #lookedMs = 0;

  constructor(buffer: SharedArrayBuffer, capacity: number, schema: Schema | undefined) {
    super(buffer, capacity, schema);
    const at = load(this.memory.words, HOLDERS) * LINE * 4;
    this.#table = new Int32Array(buffer, at, HOLDERS_BYTES / 4);
  }

  /** One sender more in this thread. */
  hold(): void {
    if (this.#senders++ > 0) return;
    this.#entry = this.#claim(HELD);
    if (here.size === 0) process.once("exit", () => here.forEach((core) => core.#leave()));
    here.add(this);
  }

  letGo(): void {
    if (--this.#senders === 0) this.#leave();
  }

  #leave(): void {
    here.delete(this);
    store(this.#table, this.#entry + STATE, FREE);
    if (!this.#isHeld()) this.close();
  }

  /** A sender sets out: by the number that is given it has arrived. */
  depart(): number {
    const ticket = -1 - (add(this.#table, 0, 1) & 0x3fffffff);
    this.#claim(ticket);
    return ticket;
  }

  /** The first to arrive with the ticket takes its place, others have one of their own. */
  arrive(ticket: number): void {
    this.hold();
    this.#tear(ticket);
  }

  /** Nobody arrives with it. */
  stay(ticket: number): void {
    if (this.#tear(ticket) && !this.isClosed && !this.#isHeld()) this.close();
  }

  #tear(ticket: number): boolean {
    for (let at = ENTRIES; at < this.#table.length; at += 2)
      if (load(this.#table, at + STATE) === ticket && replace(this.#table, at + STATE, ticket, FREE)) return true;
    return false;
  }

  #claim(state: number): number {
    for (let at = ENTRIES; at < this.#table.length; at += 2)
      if (replace(this.#table, at + STATE, FREE, state)) {
        store(this.#table, at + THREAD, me);
        return at;
      }
    throw new BraidError(
      "ERR_BRAID_CHANNEL_SENDERS",
      `At most ${MAX_HOLDERS} threads can have senders of one channel, senders on their way counted.`,
    );
  }

  /** Frees the entries of threads that have ended. */
  #isHeld(): boolean {
    let isHeld = false;
    for (let at = ENTRIES; at < this.#table.length; at += 2) {
      const state = load(this.#table, at + STATE);
      if (state === FREE) continue;
      const thread = load(this.#table, at + THREAD);
      if (thread === 0 || isAlive(thread)) isHeld = true;
      else replace(this.#table, at + STATE, state, FREE);
    }
    return isHeld;
  }

  override take(): number {
    const found = super.take();
    if (found !== NOTHING || performance.now() - this.#lookedMs < LOOK_MS) return found;
    this.#lookedMs = performance.now();
    lookAfterChildren();
    if (this.isClosed || this.#isHeld()) return found;
    this.close();
    return super.take();
  }

  override dueMs(): number {
    return performance.now() + LOOK_MS;
  }
}
