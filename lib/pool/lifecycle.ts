// The life of a pool's jobs, and the promise that each is settled exactly once. A job gets a slot of the board, or waits
// for one. It ends by the answer of its thread, by the end of that thread, or by someone who ends it; whichever comes
// first counts.

import { types } from "node:util";
import type { Board } from "../engine/board.ts";
import { listBytes, State } from "../engine/slots.ts";
import { NotSendableError, ThreadCrashedError } from "../errors.ts";
import type { Wire } from "../ship/index.ts";
import { outcomeOf } from "./answers.ts";
import { Dispatcher } from "./dispatcher.ts";
import type { EngineOptions } from "./engine.ts";
import { History } from "./history.ts";
import { called, Job, type Outcome, type Parcel, type Work } from "./job.ts";
import { JobList } from "./job-list.ts";
import type { FromThread, ToThread, Unread } from "./messages.ts";
import { Queue } from "./queue.ts";
import type { PoolData } from "./remote-engine.ts";
import { Team } from "./team.ts";
import { crash, warnOfDeath, type PoolThread } from "./thread.ts";
import { Trace } from "./trace.ts";

export class Lifecycle {
  readonly team: Team;
  readonly trace: Trace;
  readonly history: History;
  /** All that have not ended. */
  readonly jobs = new JobList();
  readonly board: Board;
  readonly #dispatcher: Dispatcher;
  /** Jobs that no slot was free for. */
  readonly #waiting = new Queue<Job>();
  readonly #closed = Promise.withResolvers<void>();
  /** Resolves when the pool has been closed and nothing of it is left. */
  readonly closed: Promise<void> = this.#closed.promise;
  #isListening = false;
  #state: "open" | "closed" | "terminated" = "open";
  #count = 0;

  constructor(options: EngineOptions, pool: Omit<PoolData, "threads">) {
    this.team = new Team(options, pool, this.jobs, {
      heard: (thread, message) => this.#heard(thread, message),
      unread: (thread, message, why) => this.#unread(thread, message, why),
      gone: (thread, exitCode) => this.#gone(thread, exitCode),
    });
    this.board = this.team.board;
    this.trace = new Trace(options.trace, pool.begin);
    this.history = new History(this.trace, this.team);
    this.#dispatcher = new Dispatcher(this.team, this.jobs, options.schedule);
    try {
      this.team.grow();
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
    this.#listen();
    this.#makeUp();
    // Nobody could be started: it has ended.
    if (job.isOver) return job;
    try {
      this.#dispatcher.place(job, wanted);
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

  /** While anything is on the board, someone waits for it. */
  #listen(): void {
    if (this.#isListening) return;
    this.#isListening = true;
    for (;;) {
      const done = this.board.done.untilSome();
      if (!done) {
        this.#collect();
        if (this.jobs.size === 0) break;
        continue;
      }
      void done.then(() => {
        this.#isListening = false;
        this.#collect();
        if (this.jobs.size > 0) this.#listen();
      });
      return;
    }
    this.#isListening = false;
  }

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

  #heard(thread: PoolThread, message: Exclude<FromThread, Unread>): void {
    switch (message.braid) {
      case "ready":
        this.team.started(thread);
        return this.#refill();
      case "blocked":
        return this.#makeUp();
      case "stopped":
        return this.#dispatcher.takeBack(message.slot, thread);
      case "waited": {
        const job = this.#dispatcher.jobIn(message.slot);
        return job && this.trace.waited(job, thread.id, message.fromMs, message.toMs);
      }
      case "want":
        return this.#sendWanted(message.slot, thread);
      case "done":
        return void this.#answer(thread, message);
      default:
        thread.nested.heard(message);
    }
  }

  #sendWanted(slot: number, thread: PoolThread): void {
    const job = this.#dispatcher.jobIn(slot);
    if (!job) return;
    try {
      if (job.isOver) this.#dispatcher.sendNothing(slot, thread, false);
      else this.#dispatcher.send(job, thread, false);
    } catch (error) {
      this.#settle(job, { ok: false, error });
    }
  }

  async #answer(thread: PoolThread, message: FromThread & { braid: "done" }): Promise<void> {
    const job = this.#dispatcher.jobIn(message.slot);
    if (!job) return;
    this.history.read(job);
    this.#dispatcher.release(message.slot);
    const outcome = await outcomeOf(message);
    if (!message.ok && !outcome.ok && types.isNativeError(outcome.error))
      outcome.error.stack += `\n    at thread ${thread.id}`;
    this.#settle(job, outcome);
    this.#next();
  }

  /** The thread can't read what it was sent. */
  #unread(thread: PoolThread, message: ToThread, why: string): void {
    if (message.braid === "result") return thread.nested.unread(message.call, why);
    // A function: tasks would wait for it for ever.
    if (message.braid !== "task") return this.team.stop(thread);
    const job = this.#dispatcher.jobIn(message.slot);
    if (!job) return;
    if (message.group !== undefined) thread.forgetGroup(message.group);
    this.#dispatcher.sendNothing(message.slot, thread, message.unasked);
    const text = `The task can't be read by its thread: ${why}.`;
    this.#settle(job, { ok: false, error: new NotSendableError("args", text) });
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
    job.parcel = undefined;
    this.jobs.delete(job);
  }

  #tell(job: Job, outcome: Outcome): void {
    // The stand-ins of those that were blocked.
    if (this.jobs.size === 0) this.#dispatcher.shrink(this.team.target);
    job.work.settled(outcome, job);
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

  #gone(thread: PoolThread, exitCode: number): void {
    const { slots, seats } = this.board;
    const { seat } = thread;
    const { wasStopped, wasInRegion } = this.team.left(thread, exitCode);
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
      else this.#settle(job, { ok: false, error: crash(thread, called(job.work), exitCode, wasStopped) });
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
    this.board.done.stopWaiting();
    this.jobs.close();
    void stopped.then(() => this.#closed.resolve());
  }
}
