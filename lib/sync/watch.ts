// Finds out that nothing will ever go on, also where nobody holds what is waited for. Circles of locks are found without it
// (wait-graph.ts). Here it is looked at three times: all threads are blocked without a limit in time or have nothing to do, none has
// been woken or started meanwhile, and so nobody is left who could wake one. What can't be seen so (a timer, a socket, a
// task that awaits something) may still do it: then the limit in time decides, and the error says so.

import { AsyncLocalStorage } from "node:async_hooks";
import { threadId } from "node:worker_threads";
import { LOOK_AGAIN_MS } from "../atomics.ts";
import { checkFunction, checkWait } from "../checks.ts";
import { DeadlockError, type Blocked } from "../errors.ts";
import { onOwnInterrupt } from "../host.ts";
import { inLibrary } from "../library.ts";
import type { Wait } from "../waiting.ts";
import { isAnyStarting, live, lookAfterChildren, nodeIdOf } from "./threads.ts";
import { blockedThreads, isAnyWoken, tellWhere, whereNow, type Asleep } from "./wait-graph.ts";

/** Who gives work to threads. */
export interface Staff {
  /** Node's ids of the threads. */
  staff(): number[];
  /** Is there work that is not in a thread that is blocked? */
  mayGoOn(isBlocked: (thread: number) => boolean): boolean;
}

/** They are not kept alive. */
const staffs = new Set<WeakRef<Staff>>();
const gone = new FinalizationRegistry<WeakRef<Staff>>((ref) => staffs.delete(ref));

export function addStaff(staff: Staff): void {
  const ref = new WeakRef(staff);
  staffs.add(ref);
  gone.register(staff, ref);
}

/** Timers of this thread that keep the program alive while something in shared memory is waited for. */
let ownTimers = 0;

/** Keeps the program alive until what it returns is called; `f` is called now and then. */
export function keepAlive(f: () => void, everyMs: number): () => void {
  const timer = setInterval(f, everyMs);
  ownTimers++;
  let isOver = false;
  return () => {
    if (!isOver) ownTimers--;
    isOver = true;
    clearInterval(timer);
  };
}

/** So often in a row: a thread that is to run may wait for a processor. */
const LOOKS = 3;

const watched = new AsyncLocalStorage<Watched>();

/** A blocked thread calls this now and then. Throws where the wait is watched, and won't end. */
export function lookWatched(): false {
  tellWhere();
  lookAfterChildren();
  watched.getStore()?.look(true);
  return false;
}

/** Is the code that runs now watched? */
export const isWatched = (): boolean => watched.getStore() !== undefined;

/** A wait without blocking begins. Returns the way to say that it has ended. */
export function noteWait(what: string): () => void {
  return watched.getStore()?.note(what) ?? (() => {});
}

class Watched {
  readonly #timeoutMs: number;
  readonly #endMs: number;
  /** What its code waits for without blocking. */
  readonly #waits = new Set<Blocked>();
  #before: string | undefined;
  #looks = 0;
  /** How often each blocked thread had looked round at the last of them. */
  #looked: ReadonlyMap<number, number> = new Map();

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
    this.#endMs = performance.now() + timeoutMs;
  }

  note(what: string): () => void {
    const wait = { thread: threadId, holds: "", waitsFor: what.replace(/^the wait for /, ""), where: whereNow() };
    this.#waits.add(wait);
    return () => this.#waits.delete(wait);
  }

  /** Throws where nothing goes on. `isBlocked`: neither does this thread. */
  look(isBlocked: boolean): void {
    const threads = blockedThreads();
    const all = [...[...threads.values()].map(({ blocked }) => blocked), ...this.#waits];
    if (this.#isStill(threads, isBlocked))
      throw new DeadlockError(all, `Deadlock: nobody is left to go on: ${told(all)}.`);
    if (performance.now() < this.#endMs) return;
    const text = `Out of time: what was watched took longer than ${this.#timeoutMs} ms, which may be a deadlock`;
    throw new DeadlockError(all, `${text}: ${told(all)}.`, { timedOut: true });
  }

  /** Several times the same, and nobody who may change it. */
  #isStill(blocked: ReadonlyMap<number, Asleep>, isBlocked: boolean): boolean {
    const now = JSON.stringify([...blocked].map(([thread, { stamp }]) => [thread, stamp]));
    const looks = now === this.#before ? this.#looks : 0;
    this.#looks = 0;
    if (blocked.size + this.#waits.size === 0 || isAnyStarting()) return false;
    const isIn = (thread: number): boolean => blocked.has(thread);
    const idle = new Set(isBlocked ? [] : [threadId]);
    for (const ref of staffs) {
      const staff = ref.deref();
      if (staff?.mayGoOn(isIn)) return false;
      for (const thread of staff?.staff() ?? []) idle.add(thread);
    }
    if (live().some((number) => !isIn(nodeIdOf(number)) && !idle.has(nodeIdOf(number)))) return false;
    if (!isBlocked && !isQuiet()) return false;
    this.#before = now;
    this.#looks = looks;
    // The count of those that were woken may include one that died of it. But who was woken, and has not run since, has not
    // looked round either.
    const hasLooked = ([thread, { looked }]: [number, Asleep]): boolean => looked !== this.#looked.get(thread);
    if (looks > 0 && isAnyWoken() && ![...blocked].every(hasLooked)) return false;
    this.#looked = new Map([...blocked].map(([thread, { looked }]) => [thread, looked]));
    return ++this.#looks === LOOKS;
  }
}

/** Is there nothing that this thread's event loop waits for, but other threads, and the program's own input and output? */
function isQuiet(): boolean {
  const others = process
    .getActiveResourcesInfo()
    .filter((type) => !["MessagePort", "PipeWrap", "TTYWrap"].includes(type));
  return others.length <= ownTimers && others.every((type) => type === "Timeout");
}

function told(rows: readonly Blocked[]): string {
  if (rows.length === 0) return "who waits for what is not known";
  return rows
    .map(({ thread, holds, waitsFor, where }) => {
      const has = holds === "" ? "" : `holds ${holds} and `;
      return `thread ${thread} ${has}waits for ${waitsFor}${where && ` (${where})`}`;
    })
    .join("; ");
}

/**
 * Runs a function, and fails where it would never end.
 *
 * Waits: async; the function itself may block, and is then woken by the error. Gives what it gives, or throws what it throws.
 * Deadlocks of locks, which throw DeadlockError by themselves, are not all that can happen: permits that nobody releases, a condvar
 * that nobody notifies, tasks that all wait. As soon as all threads are blocked or have nothing to do, and this thread has nothing
 * left to wait for (no timer, no socket, no file), it throws DeadlockError: `cycle` has who waits for what, and where.
 * Where that can't be seen, because something may still come, `timeoutMs` is the limit, and the error's `timedOut` is true.
 * What is blocked stays so: a pool's `terminate()` ends its tasks.
 * Throws DeadlockError; TypeError or RangeError for bad arguments.
 * Cost: ten looks a second. When to use: in tests, in a notebook, for what "hangs sometimes".
 * Gotcha: timers that a task has left behind in a pool's thread are not seen.
 * @example
 * const none = new Semaphore(0);
 * await watch({ timeoutMs: 5000 }, () => pool.run(() => void none.acquire())); // DeadlockError, after 0.3 s
 */
export async function watch<R>(options: Wait, f: () => R | Promise<R>): Promise<R> {
  checkWait("watch()", options, ["timeoutMs"]);
  checkFunction("the second argument of watch()", f);
  const { timeoutMs = Infinity } = options;
  const watch = new Watched(timeoutMs);
  const over = Promise.withResolvers<never>();
  const stop = keepAlive(() => {
    try {
      watch.look(false);
    } catch (error) {
      over.reject(error as Error);
    }
  }, LOOK_AGAIN_MS);
  const unlisten = onOwnInterrupt(stop);
  try {
    const result = watched.run(watch, f);
    return await Promise.race([result, over.promise]);
  } finally {
    unlisten();
    stop();
  }
}

inLibrary(import.meta.url, { watch });
