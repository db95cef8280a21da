// The inside of a pool: threads, queue, and the promise that every job is settled exactly once. A job ends by the answer
// of its thread, by the end of that thread, or by someone who ends it; whichever comes first counts.

import { threadId } from "node:worker_threads";
import { CancelledError, PoolClosedError, ThreadCrashedError } from "../errors.ts";
import { host } from "../host.ts";
import { snapshot, type Wire } from "../ship/index.ts";
import { CentralQueue } from "./central-queue.ts";
import { called, unsendable, type Group, type Job, type Outcome, type Times, type Work } from "./job.ts";
import { now } from "./messages.ts";
import { PoolThread, type ThreadLimits } from "./thread.ts";
import { Trace } from "./trace.ts";

let groups = 0;

export class Engine {
  readonly begin: number = now();
  readonly trace: Trace;
  target: number;
  done = 0;
  failed = 0;
  readonly #limits: ThreadLimits;
  readonly #queue = new CentralQueue();
  /** All that have not ended. */
  readonly #jobs = new Set<Job>();
  readonly #threads = new Set<PoolThread>();
  /** Threads on their way out. */
  readonly #stopping = new Set<Promise<void>>();
  readonly #unlisten: (() => void) | undefined;
  readonly #closed = Promise.withResolvers<void>();
  #state: "open" | "closed" | "terminated" = "open";
  #count = 0;

  constructor(threads: number, limits: ThreadLimits, trace: boolean) {
    this.target = threads;
    this.#limits = limits;
    this.trace = new Trace(trace, this.begin);
    try {
      this.#grow();
    } catch (error) {
      for (const thread of this.#threads) this.#stop(thread);
      throw error;
    }
    this.#unlisten = host()?.onInterrupt((origin) => this.#interrupt(origin));
  }

  get running(): number {
    return this.#jobs.size - this.#queue.length;
  }

  get queued(): number {
    return this.#queue.length;
  }

  checkOpen(): void {
    if (this.#state === "open") return;
    throw new PoolClosedError(`The pool was ${this.#state} and takes no more work: make a new Pool.`);
  }

  /** Starts or queues a piece of work. What it sends is taken as it is now. */
  add(work: Work, wire: Wire): Job {
    this.checkOpen();
    const origin = host()?.origin();
    const id = ++this.#count;
    const job: Job = { id, work, wire, origin, state: "queued", thread: undefined, givenMs: undefined };
    this.#jobs.add(job);
    this.#queue.push(job);
    this.trace.add("enqueue", threadId, job.id, now(), work.label);
    this.#dispatch();
    if (job.state === "queued") {
      try {
        job.wire = snapshot(wire);
      } catch (cause) {
        this.end(job, unsendable(cause));
      }
    }
    return job;
  }

  /** Ends a job that has not ended: takes it out of the queue, or stops its thread. */
  end(job: Job, error: unknown): void {
    if (job.state !== "ended") this.#end([job], () => error);
  }

  /** Ends the parts of a group that wait, and with `all` those that run. */
  endGroup(group: Group, error: unknown, all: boolean): void {
    const ends = ({ work, state }: Job): boolean => work.group === group && (all || state === "queued");
    this.#end([...this.#jobs].filter(ends), () => error);
  }

  /** What the group shares is kept as it is now, for threads that get it later. */
  openGroup(wire: Wire, limit: number): Group {
    try {
      return { id: ++groups, wire: snapshot(wire), limit, running: 0 };
    } catch (cause) {
      throw unsendable(cause);
    }
  }

  /** No more parts of the group will come. */
  closeGroup(group: Group): void {
    for (const thread of this.#threads) thread.closeGroup(group.id);
  }

  resize(threads: number): void {
    this.checkOpen();
    this.target = threads;
    const live = this.#live();
    const idleFirst = live.sort((a, b) => Number(a.job !== undefined) - Number(b.job !== undefined));
    for (const thread of idleFirst.slice(0, Math.max(0, live.length - threads))) {
      thread.retiring = true;
      if (!thread.job) this.#stop(thread);
    }
    this.#grow();
    this.#dispatch();
  }

  close(): Promise<void> {
    if (this.#state === "open") this.#state = "closed";
    this.#finish();
    return this.#closed.promise;
  }

  terminate(): Promise<void> {
    this.#state = "terminated";
    this.#end(
      [...this.#jobs],
      ({ work }) => new PoolClosedError(`The pool was terminated before ${called(work)} was done.`),
    );
    this.#finish();
    return this.#closed.promise;
  }

  #live(): PoolThread[] {
    return [...this.#threads].filter((thread) => !thread.retiring);
  }

  #grow(): void {
    for (let missing = this.target - this.#live().length; missing > 0 && this.#state !== "terminated"; missing--)
      this.#threads.add(
        new PoolThread(this.#limits, {
          started: (job, thread, atMs) => {
            job.thread = thread;
            job.givenMs = atMs;
            job.work.started?.(thread, atMs);
          },
          settled: (job, outcome, times) => this.#settle(job, outcome, times),
          free: (thread) => this.#free(thread),
          gone: (thread) => this.#gone(thread),
        }),
      );
  }

  /** Replaces threads that ended, so that the next job finds one started. */
  #refill(): void {
    if (this.#state !== "open") return;
    try {
      this.#grow();
    } catch {
      // The next job tries again, and fails with the reason.
    }
  }

  /** Gives waiting jobs to free threads, and makes up for threads that died. */
  #dispatch(): void {
    if (this.#queue.length === 0) return;
    try {
      this.#grow();
    } catch (cause) {
      if (this.#threads.size === 0) this.#giveUp(cause as Error);
    }
    for (const thread of this.#threads) {
      if (thread.job || thread.retiring) continue;
      const job = this.#queue.take();
      if (!job) return;
      job.state = "running";
      thread.run(job);
    }
  }

  /** No thread is left and none can be started. */
  #giveUp(cause: Error): void {
    for (const job of this.#queue.remove(() => true)) {
      const error = new ThreadCrashedError(`No thread could be started for ${called(job.work)}: ${cause.message}`, {
        cause,
      });
      this.#settle(job, { ok: false, error }, { endMs: now() });
    }
  }

  /** Ends jobs that have not ended: all their threads are stopped before anyone is told or a new thread started. */
  #end(jobs: readonly Job[], error: (job: Job) => unknown): void {
    const ending = new Set(jobs);
    this.#queue.remove((job) => ending.has(job));
    for (const thread of this.#threads) if (thread.job && ending.has(thread.job)) this.#stop(thread);
    for (const job of ending) this.#settle(job, { ok: false, error: error(job), stopped: true }, { endMs: now() });
    this.#refill();
    this.#dispatch();
  }

  #settle(job: Job, outcome: Outcome, times: Times): void {
    if (job.state === "ended") return;
    job.state = "ended";
    this.#jobs.delete(job);
    if (outcome.ok) this.done++;
    else this.failed++;
    if (job.thread !== undefined) {
      this.trace.add("start", job.thread, job.id, times.startMs ?? job.givenMs!, job.work.label);
      this.trace.add("end", job.thread, job.id, times.endMs, job.work.label);
    }
    job.work.settled(outcome, times);
    this.#finish();
  }

  #free(thread: PoolThread): void {
    if (!this.#threads.has(thread)) return;
    if (thread.retiring && !thread.job) this.#stop(thread);
    this.#dispatch();
  }

  #gone(thread: PoolThread): void {
    if (!this.#threads.delete(thread)) return;
    // One that never ran is not replaced before there is work, or a pool whose threads can't start would try for ever.
    if (thread.ready) this.#refill();
    this.#dispatch();
  }

  #stop(thread: PoolThread): void {
    this.#threads.delete(thread);
    const stopping = thread.stop().finally(() => this.#stopping.delete(stopping));
    this.#stopping.add(stopping);
  }

  #interrupt(origin: number): void {
    this.#end(
      [...this.#jobs].filter((job) => job.origin === origin),
      ({ work }) => new CancelledError(`Stopped ${called(work)}: the cell that started it was interrupted.`),
    );
  }

  /** When a pool that takes no more work has none left, its threads end. */
  #finish(): void {
    if (this.#state === "open" || this.#jobs.size > 0) return;
    for (const thread of this.#threads) this.#stop(thread);
    this.#unlisten?.();
    void Promise.all(this.#stopping).then(() => this.#closed.resolve());
  }
}
