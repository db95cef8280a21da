// The interface of piscina over Pool: the exports of a file are run on the threads of a pool. It holds no more than what
// its tests ask for, and leaves to Pool whatever Pool can do.

import { EventEmitter } from "node:events";
import { pathToFileURL } from "node:url";
import { CancelledError, move, Pool, type Task } from "../../lib/index.ts";

export interface PiscinaOptions {
  filename?: string | null;
  /** The export that runs where none is named. Default: "default". */
  name?: string;
  /** Threads at the start, and when it is idle. Default: `maxThreads`. */
  minThreads?: number;
  maxThreads?: number;
  /** How many tasks may wait. */
  maxQueue?: number;
  /** After so many milliseconds without work the threads above `minThreads` end. */
  idleTimeout?: number;
  /** What close() waits for, in milliseconds, before it destroys the pool. */
  closeTimeout?: number;
  resourceLimits?: { maxOldGenerationSizeMb?: number; stackSizeMb?: number };
}

export interface RunOptions {
  filename?: string;
  name?: string;
  signal?: AbortSignal;
  transferList?: readonly object[];
}

/** Runs in the thread. A module may export the promise of a handler; one of CommonJS has them at its only export. */
async function callExport(url: string, name: string, task: unknown): Promise<unknown> {
  const module = (await import(url)) as Record<string, unknown> & { default?: Record<string, unknown> };
  const handler = (await (module[name] ?? module.default?.[name])) as (task: unknown) => unknown;
  return handler(task);
}

export class Piscina extends EventEmitter {
  readonly options: PiscinaOptions;
  readonly maxThreads: number;
  readonly minThreads: number;
  readonly #pool: Pool;
  readonly #open = new Set<Task<unknown>>();
  readonly #beginMs = performance.now();
  #busyMs = 0;
  #isDestroyed = false;
  /** More tasks than threads since the last "drain". */
  #isFull = false;
  #idle: NodeJS.Timeout | undefined;

  constructor(options: PiscinaOptions = {}) {
    super();
    this.options = options;
    const { maxThreads, minThreads = maxThreads, resourceLimits = {} } = options;
    const { maxOldGenerationSizeMb: maxHeapMb, stackSizeMb } = resourceLimits;
    this.#pool = new Pool({
      ...(minThreads !== undefined && { threads: minThreads }),
      ...(maxHeapMb !== undefined && { maxHeapMb }),
      ...(stackSizeMb !== undefined && { stackSizeMb }),
    });
    this.minThreads = this.#pool.threads;
    this.maxThreads = maxThreads ?? this.#pool.threads;
  }

  async run(input?: unknown, options: RunOptions = {}): Promise<unknown> {
    const { filename = this.options.filename, name = this.options.name ?? "default", signal, transferList } = options;
    if (!filename) throw new TypeError("Neither run() nor the pool was given a filename.");
    if (signal?.aborted) throw new CancelledError("Aborted before it started.", { cause: signal.reason });
    if (this.needsDrain) throw new RangeError("No thread is free and the queue is full.");
    const url = filename.startsWith("file:") ? filename : pathToFileURL(filename).href;
    for (const item of transferList ?? []) move(item);
    const task: Task<unknown> = this.#pool.submit(callExport, url, name, input as never);
    this.#started(task);
    const abort = (): void => task.cancel(signal!.reason);
    signal?.addEventListener("abort", abort, { once: true });
    try {
      return await task;
    } finally {
      signal?.removeEventListener("abort", abort);
      this.#ended(task);
    }
  }

  get queueSize(): number {
    return this.#pool.stats().queued;
  }

  get completed(): number {
    const { done, failed } = this.#pool.stats();
    return done + failed;
  }

  /** How many there are to be. */
  get threads(): number {
    return this.#isDestroyed ? 0 : this.#pool.threads;
  }

  /** Which part of the threads' time went into tasks. */
  get utilization(): number {
    return this.#busyMs / ((performance.now() - this.#beginMs) * this.maxThreads);
  }

  get needsDrain(): boolean {
    return this.#open.size >= this.maxThreads + (this.options.maxQueue ?? Infinity);
  }

  async close({ force = false } = {}): Promise<void> {
    clearTimeout(this.#idle);
    if (force) for (const task of this.#open) if (task.state === "queued") task.cancel("The pool closes.");
    const late = setTimeout(() => void this.destroy(), this.options.closeTimeout ?? 60_000);
    await this.#pool.close();
    clearTimeout(late);
    this.#isDestroyed = true;
    this.emit("close");
  }

  async destroy(): Promise<void> {
    clearTimeout(this.#idle);
    this.#isDestroyed = true;
    await this.#pool.terminate();
  }

  static move<T>(value: T): T {
    return typeof value === "object" && value !== null ? move(value) : value;
  }

  #started(task: Task<unknown>): void {
    clearTimeout(this.#idle);
    this.#open.add(task);
    const { threads } = this.#pool;
    if (this.#open.size > threads && threads < this.maxThreads) this.#pool.resize(threads + 1);
    this.#isFull ||= this.#open.size > this.#pool.threads;
    if (this.needsDrain) this.emit("needsDrain");
  }

  #ended(task: Task<unknown>): void {
    this.#open.delete(task);
    if (task.startedMs !== undefined) this.#busyMs += task.endedMs! - task.startedMs;
    if (this.#isFull && this.queueSize === 0) {
      this.#isFull = false;
      this.emit("drain");
    }
    if (this.#open.size > 0 || this.#isDestroyed || this.#pool.threads === this.minThreads) return;
    const { idleTimeout } = this.options;
    if (idleTimeout !== undefined) this.#idle = setTimeout(() => this.#pool.resize(this.minThreads), idleTimeout);
  }
}
