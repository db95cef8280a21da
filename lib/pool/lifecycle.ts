// The life of a pool's jobs, and the promise that each is settled exactly once. A job gets a slot of the board, or waits
// for one. It ends by the answer of its thread, by the end of that thread, or by someone who ends it; whichever comes
// first counts.

import type { Board } from "../engine/board.ts";
import { listBytes, State } from "../engine/slots.ts";
import { ThreadCrashedError } from "../errors.ts";
import { unsent, type Wire } from "../ship/index.ts";
import { Dispatcher } from "./dispatcher.ts";
import type { EngineOptions } from "./engine.ts";
import { History } from "./history.ts";
import { called, Job, type Outcome, type Parcel, type Work } from "./job.ts";
import { JobList } from "./job-list.ts";
import { Listener } from "./listener.ts";
import { Queue } from "./queue.ts";
import type { PoolData } from "./remote-engine.ts";
import { Reports } from "./reports.ts";
import { Team } from "./team.ts";
import { crash, warnOfDeath, type PoolThread } from "./thread.ts";
import { Trace } from "./trace.ts";
import { afterWait, isInWait, startServing, stopServing, waitWasEnded, type Served } from "./while-blocked.ts";

export class Lifecycle implements Served {
  readonly team: Team;
  readonly trace: Trace;
  readonly history: History;
  /** All that have not ended. */
  readonly jobs = new JobList();
  readonly board: Board;
  readonly #dispatcher: Dispatcher;
  readonly #reports: Reports;
  /** The thread whose messages are dealt with in a wait. */
  #attended: PoolThread | undefined;
  readonly #listener: Listener;
  /** Jobs that no slot was free for. */
  readonly #waiting = new Queue<Job>();
  readonly #closed = Promise.withResolvers<void>();
  /** Resolves when the pool has been closed and nothing of it is left. */
  readonly closed: Promise<void> = this.#closed.promise;
  #state: "open" | "closed" | "terminated" = "open";
  #count = 0;

  constructor(options: EngineOptions, pool: Omit<PoolData, "threads">) {
    this.team = new Team(options, pool, this.jobs, {
      heard: (thread, message) => this.#reports.heard(thread, message),
      unread: (thread, message, why) => this.#reports.unread(thread, message, why),
      gone: (thread, exitCode) => this.#gone(thread, exitCode),
    });
    this.board = this.team.board;
    this.#listener = new Listener(this.board.done, () => {
      this.#collect();
      return this.jobs.size > 0;
    });
    this.trace = new Trace(options.trace, pool.begin);
    this.history = new History(this.trace, this.team);
    this.#dispatcher = new Dispatcher(this.team, this.jobs, options.schedule);
    this.#reports = new Reports(this.team, this.#dispatcher, this.history, this.trace, {
      settle: (job, outcome) => this.#settle(job, outcome),
      leave: (job) => this.#leaveGroup(job),
      next: () => this.#next(),
      makeUp: () => this.#makeUp(),
      refill: () => this.#refill(),
    });
    try {
      this.team.grow();
      startServing(this);
    } catch (error) {
      void this.team.stopAll();
      this.jobs.close();
      throw error;
    }
  }

  get state(): "open" | "closed" | "terminated" {
    return this.#state;
  }

  // ---- a job begins

  start(work: Work, wire: Wire, origin: number | undefined): Job {
    const job = this.#job(work, { wire }, origin);
    const { group } = work;
    if (!group?.isFull) this.#admit(job);
    else if (this.#keep(job)) group.wait(job);
    return job;
  }

  /** The same for a function that threads know by number; undefined where the arguments are not small. */
  startSmall(work: Work, fn: number, args: readonly unknown[], origin: number | undefined): Job | undefined {
    const slot = this.#waiting.length === 0 ? this.#takeSlot() : -1;
    if (slot >= 0) {
      if (this.board.slots.writeList(slot, args))
        return this.#place(this.#job(work, { fn, args: undefined }, origin), slot);
      this.#dispatcher.returnSlot(slot);
      return undefined;
    }
    const bytes = listBytes(args);
    if (!bytes) return undefined;
    const job = this.#job(work, { fn, args: bytes }, origin);
    this.#waiting.push(job);
    return job;
  }

  #job(work: Work, parcel: Parcel, origin: number | undefined): Job {
    const job = new Job(++this.#count, work, origin, parcel);
    this.jobs.add(job);
    this.trace.enqueued(job);
    return job;
  }

  /** It gets a slot, or waits for one. With `wanted`, for this thread only. */
  #admit(job: Job, wanted?: PoolThread): void {
    job.work.group?.enter(job);
    const slot = this.#waiting.length > 0 ? -1 : this.#takeSlot();
    if (slot >= 0) this.#place(job, slot, wanted);
    else if (this.#keep(job)) this.#waiting.push(job);
  }

  /** Takes a copy of what has to wait. False: that failed, and the job with it. */
  #keep(job: Job): boolean {
    try {
      job.keep();
    } catch (error) {
      this.#settle(job, { ok: false, error });
    }
    return !job.isOver;
  }

  /** -1: none is free. */
  #takeSlot(): number {
    const slot = this.#dispatcher.takeSlot();
    if (slot >= 0) return slot;
    this.#gather();
    return this.#dispatcher.takeSlot();
  }

  /** With `wanted`, for this thread only. */
  #place(job: Job, slot: number, wanted?: PoolThread): Job {
    this.#dispatcher.assign(slot, job);
    this.#makeUp();
    // Nobody could be started: it has ended.
    if (job.isOver) return job;
    try {
      this.#listener.listen(this.#dispatcher.place(job, wanted));
    } catch (error) {
      this.#settle(job, { ok: false, error });
      this.#releaseIfFree(slot);
    }
    return job;
  }

  /** Gives slots that have become free to jobs that wait. */
  #next(): void {
    while (this.#waiting.length > 0) {
      const slot = this.#takeSlot();
      if (slot < 0) return;
      let job = this.#waiting.shift();
      while (job?.isOver) job = this.#waiting.shift();
      if (job) this.#place(job, slot);
      else this.#dispatcher.returnSlot(slot);
    }
  }

  // ---- its thread answers

  #collect(): void {
    this.#gather();
    this.#next();
  }

  /** Settles what is done. */
  #gather(): void {
    for (const slot of this.board.done.takeAll()) {
      const job = this.#dispatcher.jobIn(slot)!;
      if (!job.isOver) this.#settle(job, { ok: true, value: this.board.slots.read(slot) });
      this.#dispatcher.release(slot);
    }
  }

  // ---- it ends

  #settle(job: Job, outcome: Outcome): void {
    if (job.isOver) return;
    this.#conclude(job, outcome.ok);
    this.#tell(job, outcome);
  }

  #conclude(job: Job, ok: boolean): void {
    this.history.ended(job, ok);
    job.isOver = true;
    if (job.parcel && "wire" in job.parcel) unsent(job.parcel.wire);
    job.parcel = undefined;
    this.jobs.delete(job);
  }

  #tell(job: Job, outcome: Outcome): void {
    // The stand-ins of those that were blocked.
    if (this.jobs.size === 0) this.#dispatcher.shrink(this.team.target);
    if (isInWait() && !job.work.isNested) afterWait(() => job.work.settled(outcome, job));
    else job.work.settled(outcome, job);
    this.#leaveGroup(job);
    this.#finish();
  }

  /** The next part goes to the same thread. */
  #leaveGroup(job: Job): void {
    const { group } = job.work;
    if (!group?.leave(job)) return;
    const thread = this.team.live().find(({ id }) => id === job.thread);
    for (let next = group.next(); next; next = group.next()) this.#admit(next, thread);
  }

  /** Of what has ended; a thread that has claimed it still writes there. */
  #releaseIfFree(slot: number): void {
    if (slot >= 0 && this.board.slots.state(slot) === State.free) this.#dispatcher.release(slot);
  }

  /**
   * Ends jobs that have not ended: all their threads are stopped, and none of them can begin, before anyone is told or a
   * new thread started.
   */
  end(jobs: readonly Job[], error: (job: Job) => unknown): void {
    // What is done already has ended well.
    this.#gather();
    const ending = jobs.filter((job) => !job.isOver);
    this.#dispatcher.recall(ending);
    for (const job of ending) {
      const { slot } = job;
      this.#conclude(job, false);
      this.#releaseIfFree(slot);
    }
    for (const job of ending) this.#tell(job, { ok: false, error: error(job), stopped: true });
    this.#refill();
    this.#next();
  }

  // ---- its owner is blocked

  get isBusy(): boolean {
    return this.jobs.size > 0 || this.board.regions.isAnyOpen;
  }

  serve(looksForDead: boolean): boolean {
    let wasThere = false;
    for (const thread of this.team.seated()) {
      this.#attended = thread;
      // In this order: what it has sent before it went comes first.
      const isGone = looksForDead && !thread.isThere();
      if (thread.takeMessages()) wasThere = true;
      if (isGone) this.#gone(thread, undefined);
      this.#attended = undefined;
    }
    const { size } = this.jobs;
    this.#collect();
    return wasThere || this.jobs.size !== size;
  }

  /** A cell was interrupted, perhaps in a wait. How far a message was dealt with nobody knows: its thread starts anew. */
  interrupted(): void {
    waitWasEnded();
    this.#dispatcher.interrupted();
    this.#listener.restart();
    if (this.#attended) this.team.stop(this.#attended);
    this.#attended = undefined;
  }

  // ---- the threads

  /** Starts the threads that are missing. */
  #makeUp(): void {
    if (this.#state === "terminated") return;
    try {
      if (this.team.makeUp()) this.#dispatcher.welcome();
    } catch (cause) {
      this.#giveUp(cause as Error);
    }
  }

  /** The same where no job asks for it: so that the next one finds them started. */
  #refill(): void {
    if (this.jobs.size > 0 || this.#state === "open") this.#makeUp();
  }

  /**
   * No thread is left and none can be started. The next job tries again. What a thread has claimed that is being stopped
   * ends with that thread, which may still write.
   */
  #giveUp(cause: Error): void {
    const { slots } = this.board;
    for (const job of this.jobs.all()) {
      const { slot } = job;
      if (slot >= 0 && !slots.revoke(slot) && slots.state(slot) !== State.free) continue;
      const text = `No thread could be started for ${called(job.work)}: ${cause.message}`;
      this.#settle(job, { ok: false, error: new ThreadCrashedError(text, { cause }) });
      this.#releaseIfFree(slot);
    }
    this.team.lastLoss = `no thread could be started: ${cause.message}`;
    this.board.regions.loseAll();
  }

  /** @param exitCode undefined where this thread is blocked: it is heard later */
  #gone(thread: PoolThread, exitCode: number | undefined): void {
    if (thread.lost) {
      const { jobs, wasStopped } = thread.lost;
      return jobs.forEach((job) => this.#crashed(job, thread, exitCode, wasStopped));
    }
    const { slots, seats } = this.board;
    const { seat } = thread;
    const { wasStopped, wasInRegion } = this.team.left(thread, exitCode);
    const lost: Job[] = [];
    thread.nested.endAll();
    this.#collect();
    this.board.running.forget(seat);
    const found = this.#dispatcher.onSeat(seat);
    const inHand = seats.inHand(seat);
    for (const job of found) {
      const { slot } = job;
      // It was stopped before it started what it had claimed.
      if (slot === inHand && wasStopped && !job.isOver && (job.parcel || slots.functionOf(slot) !== 0)) {
        this.#dispatcher.requeue(slot);
        continue;
      }
      // It died with the result written, but not announced.
      if (slots.state(slot) === State.done) this.#settle(job, { ok: true, value: slots.read(slot) });
      else if (exitCode !== undefined || job.work.isNested) this.#crashed(job, thread, exitCode, wasStopped);
      else {
        this.history.read(job);
        lost.push(job);
        this.#leaveGroup(job);
      }
      this.#dispatcher.release(slot);
    }
    if (found.length === 0 && !wasInRegion && thread.ready && !wasStopped && !thread.retiring) warnOfDeath(thread);
    try {
      if (this.team.vacate(thread, wasStopped, exitCode)) this.#refill();
    } catch (cause) {
      this.#giveUp(cause as Error);
    }
    // It had taken the hint.
    if (inHand !== undefined) this.#dispatcher.offerAgain(inHand);
    this.#dispatcher.offerFrom(thread);
    this.#next();
    this.#finish();
    if (exitCode === undefined) thread.lost = { jobs: lost, wasStopped };
  }

  #crashed(job: Job, thread: PoolThread, exitCode: number | undefined, wasStopped: boolean): void {
    this.#settle(job, { ok: false, error: crash(thread, called(job.work), exitCode, wasStopped) });
  }

  // ---- all end

  resize(threads: number): void {
    this.team.target = threads;
    this.#dispatcher.shrink(threads);
    try {
      this.team.grow();
    } finally {
      this.#dispatcher.welcome();
    }
  }

  /** When all jobs have ended, the threads do. */
  close(): Promise<void> {
    if (this.#state === "open") this.#state = "closed";
    this.#finish();
    return this.closed;
  }

  /** The same, and ends them. */
  terminate(error: (job: Job) => unknown): Promise<void> {
    this.#state = "terminated";
    this.end(this.jobs.all(), error);
    return this.close();
  }

  /** When a pool that takes no more work has none left, its threads end. */
  #finish(): void {
    if (this.#state === "open" || this.jobs.size > 0) return;
    const stopped = this.team.stopAll();
    stopServing(this);
    this.board.done.stopWaiting();
    this.jobs.close();
    void stopped.then(() => this.#closed.resolve());
  }
}
