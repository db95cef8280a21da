// A supervisor: processes that are kept running, by Erlang's rules and in Erlang's words (strategy one_for_one).

import { CancelledError, ProcessCrashedError, RestartLimitError } from "../errors.ts";
import { host } from "../host.ts";
import { checkChoice, checkFunction, checkInteger, checkIterable, checkKnown, checkMilliseconds } from "../checks.ts";
import { messageOf } from "../pool/job.ts";
import type { Task } from "../pool/task.ts";
import { inLibrary } from "../ship/index.ts";
import { backoffMs } from "./backoff.ts";
import { checkOptions, ProcessPool, type ProcessPoolOptions } from "./process-pool.ts";

export interface ChildSpec<R> {
  readonly id: string;
  /** Runs in a process of its own, with the number of the attempt: 1 at first. */
  readonly start: (attempt: number) => R | Promise<R>;
  /**
   * "permanent": started again however it ends. "transient": only if it crashes or throws. "temporary": never.
   * Default: "permanent".
   */
  readonly restart?: "permanent" | "transient" | "temporary";
}

export interface SuperviseOptions extends Pick<ProcessPoolOptions, "stackSizeMb" | "maxHeapMb" | "permission"> {
  /** More restarts than this, of all children together, within `periodMs` end the supervisor. Default: 3. */
  intensity?: number;
  /** Default: 5000. */
  periodMs?: number;
  /** The pause before a child's second restart in a row; each further one is twice as long. Default: 100. */
  backoffMs?: number;
  /** The longest pause. Default: 5000. */
  maxBackoffMs?: number;
  onRestart?: (event: RestartEvent) => void;
}

export interface RestartEvent {
  readonly id: string;
  /** The one that follows. */
  readonly attempt: number;
  /** How the last one ended: what it threw, or ProcessCrashedError; undefined where it ended well. */
  readonly reason: unknown;
  readonly afterMs: number;
}

export interface ChildState {
  readonly id: string;
  readonly state: "running" | "restarting" | "ended";
  readonly pid: number | undefined;
  readonly restarts: number;
}

interface Child<R> {
  readonly spec: ChildSpec<R>;
  state: ChildState["state"];
  attempt: number;
  /** Restarts in a row, each within a period of the start before it. */
  failures: number;
  task: Task<R> | undefined;
  pool: ProcessPool | undefined;
}

/**
 * Runs each child in a process of its own, and starts it again when it ends, as its `restart` says; the others go on
 * meanwhile. What a child captures is copied for it at each start.
 *
 * Waits: nothing here blocks. `done` gives the results of those that ended well and for good, by id, once all have ended
 * for good; a permanent child never does. It rejects with RestartLimitError when children end more often than
 * `intensity` in `periodMs`, and with what `start` is refused for; all children are stopped before.
 * `stop()`, or `await using`, kills the children (SIGKILL); `done` then gives the results so far.
 * Order: children start in their order, and run at the same time.
 * Throws TypeError or RangeError for a wrong option, or an id that comes twice.
 * Cost: a process for each child, about 100 ms for each start.
 * When to use: for servers and workers that must be there; for jobs that may crash, with "transient". It has to be safe
 * to run a child's function again: what it did before it crashed stays done.
 * @example
 * const jobs = [1, 2, 3].map((n) => ({ id: `job ${n}`, restart: "transient" as const, start: () => n * n }));
 * await using supervisor = supervise(jobs);
 * const results = await supervisor.done; // Map { "job 1" => 1, … }
 */
export function supervise<R>(children: Iterable<ChildSpec<R>>, options: SuperviseOptions = {}): Supervisor<R> {
  return new Supervisor(children, options);
}

const OPTIONS = ["intensity", "periodMs", "backoffMs", "maxBackoffMs", "onRestart"];
const FOR_PROCESSES = ["stackSizeMb", "maxHeapMb", "permission"];

/** Made by `supervise()`. */
export class Supervisor<R> implements AsyncDisposable {
  readonly done: Promise<Map<string, R>>;
  readonly #children: Child<R>[];
  readonly #options: Required<Pick<SuperviseOptions, "intensity" | "periodMs" | "backoffMs" | "maxBackoffMs">>;
  readonly #onRestart: SuperviseOptions["onRestart"];
  readonly #poolOptions: ProcessPoolOptions;
  readonly #results = new Map<string, R>();
  readonly #settled = Promise.withResolvers<Map<string, R>>();
  /** When there was a restart, within the period. */
  #restarts: number[] = [];
  readonly #stopped = new AbortController();
  readonly #ended: Promise<unknown>;
  readonly #unlisten: (() => void) | undefined;

  constructor(children: Iterable<ChildSpec<R>>, options: SuperviseOptions) {
    checkKnown("supervise()", options, [...OPTIONS, ...FOR_PROCESSES]);
    const { intensity = 3, periodMs = 5000, backoffMs: first = 100, maxBackoffMs = 5000, onRestart, ...rest } = options;
    checkInteger("intensity", intensity, 0, Infinity);
    for (const [name, value] of Object.entries({ periodMs, backoffMs: first, maxBackoffMs }))
      checkMilliseconds(name, value);
    if (onRestart !== undefined) checkFunction("onRestart", onRestart);
    this.#options = { intensity, periodMs, backoffMs: first, maxBackoffMs };
    this.#onRestart = onRestart;
    this.#poolOptions = { ...rest, processes: 1 };
    checkOptions(this.#poolOptions);
    this.#children = [...checkIterable("children", children)].map((spec, at, all) => {
      checkSpec(spec, all.slice(0, at));
      return { spec, state: "running", attempt: 0, failures: 0, task: undefined, pool: undefined };
    });
    this.done = this.#settled.promise;
    const origin = host()?.origin();
    this.#unlisten = host()?.onInterrupt((interrupted) => {
      if (interrupted === origin)
        this.#fail(new CancelledError("Stopped the supervisor: the cell that started it was interrupted."));
    });
    this.#ended = Promise.all(this.#children.map((child) => this.#keep(child))).then(() => {
      this.#unlisten?.();
      this.#settled.resolve(this.#results);
    });
  }

  /** What the children do, in their order. */
  whichChildren(): ChildState[] {
    return this.#children.map(({ spec: { id }, state, attempt, task }) => ({
      id,
      state,
      pid: state === "running" ? task?.thread : undefined,
      restarts: Math.max(0, attempt - 1),
    }));
  }

  /** Stops all children. Resolves when their processes are gone. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    for (const { pool } of this.#children.toReversed()) void pool?.terminate();
    await this.#ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** Starts a child again and again, until it has ended for good. */
  async #keep(child: Child<R>): Promise<void> {
    const { spec } = child;
    while (!this.#stopped.signal.aborted) {
      const startedMs = performance.now();
      const outcome = await this.#attempt(child);
      child.state = "ended";
      if (this.#stopped.signal.aborted) return;
      if (outcome.ok) this.#results.set(spec.id, outcome.value);
      else if (outcome.isRefused) return this.#fail(outcome.error);
      const { restart = "permanent" } = spec;
      if (restart === "temporary" || (restart === "transient" && outcome.ok)) return;
      const reason = outcome.ok ? undefined : outcome.error;
      if (!this.#mayRestart()) return this.#fail(this.#tooOften(spec.id, reason));
      child.state = "restarting";
      const { periodMs, backoffMs: firstMs, maxBackoffMs: maxMs } = this.#options;
      if (performance.now() - startedMs > periodMs) child.failures = 0;
      const afterMs = backoffMs(child.failures++, { firstMs, maxMs });
      try {
        this.#onRestart?.({ id: spec.id, attempt: child.attempt + 1, reason, afterMs });
      } catch (error) {
        return this.#fail(error);
      }
      await this.#pause(afterMs);
    }
  }

  /** In a fresh process, which is gone when this resolves. */
  async #attempt(child: Child<R>): Promise<Outcome<R>> {
    child.state = "running";
    child.attempt++;
    const pool = new ProcessPool(this.#poolOptions);
    const { start } = child.spec;
    const task = pool.submit(start as (attempt: number) => unknown, child.attempt) as unknown as Task<R>;
    Object.assign(child, { pool, task });
    try {
      return { ok: true, value: await task.result };
    } catch (error) {
      // It never ran, and never will.
      const isRefused = task.startedMs === undefined && !(error instanceof ProcessCrashedError);
      return { ok: false, error, isRefused };
    } finally {
      await pool.terminate();
    }
  }

  #mayRestart(): boolean {
    const { intensity, periodMs } = this.#options;
    const now = performance.now();
    this.#restarts = [...this.#restarts.filter((ms) => now - ms <= periodMs), now];
    return this.#restarts.length <= intensity;
  }

  #tooOften(id: string, cause: unknown): RestartLimitError {
    const { intensity, periodMs } = this.#options;
    const why = cause === undefined ? "it ended" : messageOf(cause);
    const text = `"${id}" would be restart ${intensity + 1} within ${periodMs} ms, and ${intensity} are allowed; last: ${why}`;
    return new RestartLimitError(id, text, { cause });
  }

  #fail(error: unknown): void {
    this.#settled.reject(error);
    void this.stop();
  }

  #pause(ms: number): Promise<void> {
    const { signal } = this.#stopped;
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      signal.addEventListener("abort", end);
    });
  }
}

type Outcome<R> =
  | { readonly ok: true; readonly value: R }
  | { readonly ok: false; readonly error: unknown; readonly isRefused: boolean };

function checkSpec(spec: ChildSpec<unknown>, before: readonly ChildSpec<unknown>[]): void {
  checkKnown("a child", spec, ["id", "start", "restart"]);
  const { id, start, restart = "permanent" } = spec;
  if (typeof id !== "string" || id === "") throw new TypeError("Expected the id of a child to be a name.");
  if (before.some((one) => one.id === id))
    throw new RangeError(`Expected each child to have an id of its own, got "${id}" twice.`);
  checkFunction(`start of "${id}"`, start);
  checkChoice(`restart of "${id}"`, restart, ["permanent", "transient", "temporary"]);
}

inLibrary(import.meta.url, { supervise });
