// A value that each thread has for itself: a buffer, a parser, a connection, made once a thread and kept between tasks.

import { inLibrary, realm, ship, unship } from "../ship/index.ts";
import { checkFunction } from "../checks.ts";

interface Shipped<T> {
  readonly id: string;
  readonly init: () => T;
}

let count = 0;
/** Held as long as the thread: between two tasks nobody else does. */
const arrived = new Set<unknown>();
const known = new Map<string, WeakRef<ThreadLocal<unknown>>>();
const gone = new FinalizationRegistry<string>((id) => known.delete(id));

/**
 * One value for each thread. Captured by a task, or sent to one, it is the same ThreadLocal there, with the value of
 * that thread, which `init` makes when it is first asked for. A value lives as long as its thread. Waits: never. Order: no thread sees what another sets.
 * @example
 * const scratch = new ThreadLocal(() => new Float64Array(1000));
 * await pool.map(rows, (row) => { const buffer = scratch.get(); … });
 */
export class ThreadLocal<T> {
  readonly #id: string;
  readonly #init: () => T;
  #value: T | undefined;
  #isMade = false;

  /** @param init must be able to travel: it is run in each thread that asks */
  constructor(init: () => T);
  constructor(init: () => T, id = `${realm}/${++count}`) {
    checkFunction("init", init);
    this.#init = init;
    this.#id = id;
    known.set(id, new WeakRef<ThreadLocal<unknown>>(this));
    gone.register(this, id);
  }

  /** This thread's value. What `init` throws is thrown, and it is run again the next time. */
  get(): T {
    if (!this.#isMade) this.set(this.#init());
    return this.#value as T;
  }

  /** Changes it for this thread only. */
  set(value: T): void {
    this.#value = value;
    this.#isMade = true;
  }

  /** The one that was shipped here. */
  static [unship]<T>({ id, init }: Shipped<T>): ThreadLocal<T> {
    const here = known.get(id)?.deref() as ThreadLocal<T> | undefined;
    if (here) return here;
    const local = new (ThreadLocal as unknown as new (init: () => T, id: string) => ThreadLocal<T>)(init, id);
    arrived.add(local);
    return local;
  }

  [ship](): { module: string; export: string; data: Shipped<T> } {
    return { module: import.meta.url, export: "ThreadLocal", data: { id: this.#id, init: this.#init } };
  }
}

inLibrary(import.meta.url, { ThreadLocal });
