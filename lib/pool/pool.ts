// A pool of threads: takes functions with what they capture, and runs them.

import { availableParallelism } from "node:os";
import { inLibrary, realm, ship, type Send, type SendAll, type SendResult } from "../ship/index.ts";
import { Call } from "./call.ts";
import { checkChoice, checkInteger, checkKnown, checkThreads } from "../checks.ts";
import { Engine } from "./engine.ts";
import { mapItems, type MapOptions } from "./map.ts";
import { MadeInside, type Inside } from "./inside.ts";
import { engineWithId } from "./nested-calls.ts";
import { ownerLink, poolData, RemoteEngine, type PoolData } from "./remote-engine.ts";
import { SCHEDULES, type Schedule } from "./schedule.ts";
import { Task } from "./task.ts";
import type { TraceEvent } from "./trace.ts";

export interface PoolOptions {
  /** How many threads, 1 to 1024. Default: as many as the machine runs at a time. */
  threads?: number;
  /** Stack of each thread, in MiB. Default: Node's 4. */
  stackSizeMb?: number;
  /** JavaScript heap of each thread, in MiB: one that needs more dies, and its task fails. Default: Node's. */
  maxHeapMb?: number;
  /** Remember what ran when, for `trace()`. */
  trace?: boolean;
  /**
   * How tasks are spread over the threads. Default: "steal". The others are there to be compared: "central" is one queue
   * for all, "round-robin" and "static" say beforehand which thread runs what.
   */
  schedule?: Schedule;
}

export interface PoolStats {
  threads: number;
  running: number;
  queued: number;
  blocked: number;
  done: number;
  failed: number;
  steals: number;
}

/** What is inside of a pool, for other modules of the library. */
export let engineOf: (pool: Pool) => Inside;

/**
 * A pool of threads that run functions of this thread, with all that they capture.
 *
 * Waits: nothing here blocks; what returns a promise settles when the threads answer. A thread that dies (exit, out of
 * memory, an error that escapes while a task runs) fails its own task with ThreadCrashedError and is replaced; no
 * promise hangs. While this thread blocks in a lock, a channel or another wait of the library the tasks go on; in
 * `Atomics.wait`, and `wait` of an atomic, only those that have begun or are small (lib/pool/README.md). What a task left behind and fails when none runs is printed on stderr, and the thread lives on.
 * Order: one thread starts its tasks in the order they were given; of several, one may be ahead of another, but with the
 * schedule "central". They end in any.
 * What a task is given is copied when it is submitted: later changes are not seen, except in shared memory. Functions
 * and classes go as source with their captures. What was imported is imported again in the thread, so that the state of
 * a module is the thread's own there.
 * Cost: threads start with the pool, about 30 ms and 10 MB each; an idle pool doesn't keep the program alive.
 * Throws RangeError or TypeError for a bad option, TypeError for one that it doesn't know.
 */
export class Pool implements AsyncDisposable {
  readonly #engine: Inside;

  static {
    engineOf = (pool) => pool.#engine;
  }

  constructor(options?: PoolOptions);
  constructor(options: PoolOptions | MadeInside = {}) {
    if (options instanceof MadeInside) {
      this.#engine = options.inside;
      pools.set(this.#engine, this);
      return;
    }
    checkKnown("Pool", options, ["threads", "stackSizeMb", "maxHeapMb", "trace", "schedule"]);
    const { threads = availableParallelism(), stackSizeMb, maxHeapMb, trace = false, schedule = "steal" } = options;
    checkThreads(threads);
    if (stackSizeMb !== undefined) checkInteger("stackSizeMb", stackSizeMb, 1, 1024);
    if (maxHeapMb !== undefined) checkInteger("maxHeapMb", maxHeapMb, 4, 1 << 20);
    if (typeof trace !== "boolean") throw new TypeError(`Expected trace to be true or false, got ${String(trace)}.`);
    checkChoice("schedule", schedule, SCHEDULES);
    this.#engine = new Engine({ threads, stackSizeMb, maxHeapMb, trace, schedule });
    pools.set(this.#engine, this);
  }

  get threads(): number {
    return this.#engine.target;
  }

  /**
   * Runs a function on a thread with these arguments, and gives what it returns, awaited.
   * Throws what the function threw (its class kept, the stack that of the thread); CaptureError or NotSendableError where
   * something can't cross, before anything runs; ThreadCrashedError; PoolClosedError.
   * Cost: 2 to 60 us there and back where the arguments are small and the function captures nothing; 0.1 ms more for each
   * function with captures that goes along, and the copying of the data.
   */
  run<A extends unknown[], R>(
    fn: ((...args: A) => R | Promise<R>) & SendResult<R>,
    ...args: A & SendAll<A>
  ): Promise<R> {
    return new Call<R>(this.#engine, fn, args).promise;
  }

  /** Like `run`, but gives a Task: it can be asked where it is, and cancelled. */
  submit<A extends unknown[], R>(
    fn: ((...args: A) => R | Promise<R>) & SendResult<R>,
    ...args: A & SendAll<A>
  ): Task<R> {
    return new Task(new Call<R>(this.#engine, fn, args));
  }

  /**
   * Calls a function with each item and its index, and gives the results in the order of the items.
   * The items go to the threads in chunks, four for each thread if not said otherwise. The function is sent once to each
   * thread, and what it captures copied once for each. Within a chunk one item follows the other.
   * Throws TaskError for the item that fails first, in time and not in order, with its `index` and the error as `cause`;
   * chunks that have not started then never do. CancelledError (cause: the signal's reason) and TimeoutError stop the
   * threads at work on it.
   */
  map<T, R>(
    items: Iterable<T & Send<T>>,
    fn: ((item: T, index: number) => R | Promise<R>) & SendResult<R>,
    options: MapOptions = {},
  ): Promise<R[]> {
    return mapItems<T, R>(this.#engine, items, fn, options);
  }

  /** Changes the number of threads. Threads that are too many end when they have done what they do. Waits: never. */
  resize(threads: number): void {
    this.#engine.resize(checkThreads(threads));
  }

  stats(): PoolStats {
    return this.#engine.stats();
  }

  /** What ran when on which thread, in order of time; empty unless the pool was made with `trace: true`. */
  trace(): TraceEvent[] {
    return this.#engine.events();
  }

  /** Takes no more work, finishes what it has, and ends the threads. `await using` does this. */
  close(): Promise<void> {
    return this.#engine.close();
  }

  /** Ends the threads now. What waited or ran rejects with PoolClosedError. */
  terminate(): Promise<void> {
    return this.#engine.terminate();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** In a task it is this same pool. */
  [ship](): { module: string; export: string; data: PoolData } {
    return { module: import.meta.url, export: "poolFrom", data: poolData(this.#engine) };
  }
}

const pools = new WeakMap<Inside, Pool>();
const elsewhere = new Map<string, Pool>();

/** The pool that was shipped here. */
export function poolFrom(data: PoolData): Pool {
  if (data.owner === realm) {
    const engine = engineWithId(data.id);
    const pool = engine && pools.get(engine);
    if (!pool) throw new Error("The pool is no longer there: the thread that made it has dropped it.");
    return pool;
  }
  if (ownerLink()?.owner !== data.owner)
    throw new Error(
      "A pool can be used in the thread that made it and in tasks of that thread's pools, not further away.",
    );
  const key = `${data.owner}/${data.id}`;
  const known = elsewhere.get(key) ?? new Pool(new MadeInside(new RemoteEngine(data)) as PoolOptions);
  elsewhere.set(key, known);
  return known;
}

inLibrary(import.meta.url, { Pool });
