// The threads of a pool: who they are, in which seats of the board, and what they have been told. They are started,
// stopped and made up for here; of the jobs a team knows only how many there are.

import { availableParallelism } from "node:os";
import { Board, MAX_LANES } from "../engine/board.ts";
import { MAX_SEATS } from "../engine/seats.ts";
import type { EngineOptions } from "./engine.ts";
import type { PoolData } from "./remote-engine.ts";
import { isForAll, steals } from "./schedule.ts";
import { SharedFunctions } from "./shared-functions.ts";
import { PoolThread, whyItDied, type ThreadEvents } from "./thread.ts";

const MAX_FAILED_STARTS = 3;
/** At most so many threads are started in the place of blocked ones. */
const MAX_SPARES = 256;
/** How long a thread gets to come to the end of a part that nobody waits for any more. */
const LET_GO_MS = 100;

export class Team {
  readonly board: Board;
  /** Where this thread has run parallel loops. */
  crew: { refresh(): void; close(): void } | undefined;
  /** Why a thread died in a parallel region, the last time that one did and it was heard. */
  lastLoss: string | undefined;
  readonly functions = new SharedFunctions((id) => this.#forget(id));
  readonly #options: EngineOptions;
  readonly #pool: Omit<PoolData, "threads">;
  readonly #jobs: { readonly size: number };
  readonly #events: ThreadEvents;
  #target = 0;
  readonly #threads = new Set<PoolThread>();
  readonly #seats: (PoolThread | undefined)[] = [];
  readonly #stopping = new Set<Promise<void>>();
  /** Those that take tasks, in the order of their seats. Empty: to be looked up anew. */
  #live: readonly PoolThread[] = [];
  /** Counts the changes of who the threads are. */
  #version = 0;
  /** By function: the threads, by their version, that know it. */
  readonly #taught = new Map<number, number>();
  /** A thread has run its first line. */
  #hasStarted = false;
  /** So many are wanted for parallel loops. */
  #demand = 1;
  /** Threads in a row that ended before they ran. */
  #failedStarts = 0;
  /** It has been told that there are fewer threads than were asked for. */
  #hasWarned = false;

  constructor(
    options: EngineOptions,
    pool: Omit<PoolData, "threads">,
    jobs: { readonly size: number },
    events: ThreadEvents,
  ) {
    this.#options = options;
    const { owner, id, begin, between } = pool;
    this.#pool = { owner, id, begin, between };
    this.#jobs = jobs;
    this.#events = events;
    const lanes = Math.min(MAX_LANES, Math.max(options.threads, availableParallelism(), 8));
    this.board = Board.make(options.schedule === "central" ? 1 : lanes);
    this.target = options.threads;
  }

  /** How many were asked for: so many run at a time. */
  get target(): number {
    return this.#target;
  }

  set target(threads: number) {
    this.#target = threads;
    this.board.running.limit = threads;
  }

  // ---- who they are

  /** All that have not been stopped. */
  get threads(): ReadonlySet<PoolThread> {
    return this.#threads;
  }

  /** Those that take tasks, in the order of their seats. */
  live(): readonly PoolThread[] {
    if (this.#live.length === 0)
      this.#live = [...this.#threads].filter((thread) => !thread.retiring).sort((a, b) => a.seat - b.seat);
    return this.#live;
  }

  /** Also one that has been stopped and is not gone. */
  inSeat(seat: number): PoolThread | undefined {
    return this.#seats[seat];
  }

  /** All that are not gone. */
  seated(): PoolThread[] {
    return this.#seats.filter((thread) => thread !== undefined);
  }

  #changed(): void {
    this.#live = [];
    this.#version++;
  }

  // ---- what they know

  /** Makes a function known to all, before a task that names it can be claimed. */
  teach(id: number): void {
    const wire = id === 0 ? undefined : this.functions.wireOf(id);
    if (!wire || this.#taught.get(id) === this.#version) return;
    for (const thread of this.live()) thread.sendFunction(id, wire);
    this.#taught.set(id, this.#version);
  }

  #forget(id: number): void {
    this.#taught.delete(id);
    for (const thread of this.#threads) thread.forgetFunction(id);
  }

  /** No more parts of the group will come. */
  closeGroup(id: number): void {
    for (const thread of this.#threads) thread.closeGroup(id);
  }

  // ---- they come

  /** Starts the threads that are missing, or throws why one can't be. */
  grow(): void {
    const { stackSizeMb, maxHeapMb, schedule, trace } = this.#options;
    const { board } = this;
    for (let missing = this.#wanted() - this.live().length; missing > 0; missing--) {
      let seat = 0;
      while (this.#seats[seat]) seat++;
      if (seat >= MAX_SEATS) throw new RangeError(`A pool has ${MAX_SEATS} seats for threads, and all are taken.`);
      const lane = seat % board.lanes;
      board.seats.clear(seat);
      board.seats.used = Math.max(board.seats.used, seat + 1);
      const thread = new PoolThread(
        {
          stackSizeMb,
          maxHeapMb,
          board,
          seat,
          lane,
          steals: steals(schedule),
          trace,
          pool: { ...this.#pool, threads: this.#target },
        },
        this.#events,
      );
      // A task can be given to it before it runs.
      board.seats.sleep(seat);
      board.lanesUsed = Math.max(board.lanesUsed, lane + 1);
      this.#seats[seat] = thread;
      this.#threads.add(thread);
      this.#changed();
    }
  }

  /**
   * As many threads as were asked for, and spare ones where some are blocked in a task and the others are too few for the
   * jobs that are left. At first only those that have something to do: threads that start at the same time make each other
   * slow.
   */
  #wanted(): number {
    const isFree = isForAll(this.#options.schedule);
    if (!this.#hasStarted && isFree) return Math.min(this.#target, Math.max(this.#demand, this.#jobs.size));
    const { blocked } = this.board.running;
    const { size } = this.#jobs;
    if (blocked === 0 || size === 0 || !isFree) return this.#target;
    // One at least: what blocks a thread may be left behind by a task, or part of a loop, and none of the jobs.
    const toRun = Math.max(1, Math.min(this.#target, size - blocked));
    return Math.max(this.#target, Math.min(blocked + toRun, this.#target + MAX_SPARES));
  }

  get #isWorkLeft(): boolean {
    return this.#jobs.size > 0 || this.board.regions.isAnyOpen;
  }

  /** Starts those that are missing, as far as it can. True: there are new ones. Throws if nobody is left for the jobs. */
  makeUp(): boolean {
    if (this.live().length >= this.#wanted()) return false;
    const before = this.#version;
    try {
      this.grow();
    } catch (cause) {
      if (this.#threads.size > 0) this.#warnOfFew(cause as Error);
      else if (this.#isWorkLeft) this.#giveUp(cause as Error);
    }
    return this.#version !== before;
  }

  /** So many threads are wanted before there are jobs for them. Starts them, as far as that can be done. */
  want(threads: number): void {
    this.#demand = Math.max(this.#demand, threads);
    this.makeUp();
  }

  /** Without the event loop: takes those that are gone out of what they were in. */
  lookForDead(): void {
    for (const thread of this.#seats) if (thread && !thread.isThere()) this.board.regions.forget(thread.seat);
  }

  #warnOfFew({ message }: Error): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    const text = `Only ${this.live().length} of a pool's ${this.#target} threads could be started: ${message}`;
    process.emitWarning(text, "BraidWarning");
  }

  /** The next job tries again. */
  #giveUp(cause: Error): never {
    this.#failedStarts = 0;
    throw cause;
  }

  /** A thread has run its first line. */
  started(thread: PoolThread): void {
    thread.ready = true;
    this.crew?.refresh();
    // A region that was opened before it came.
    if (this.board.regions.isAnyOpen) this.board.seats.wake(thread.seat);
    this.#failedStarts = 0;
    this.#hasStarted = true;
  }

  // ---- they go

  /** It is to be stopped when it has done what it does, and takes nothing more. */
  retire(thread: PoolThread): void {
    thread.retiring = true;
    this.#changed();
    this.board.seats.setStop(thread.seat, true);
  }

  /** Ends the parallel loops of an origin: no more parts, and whoever is not out of one soon is stopped. */
  endRegions(origin: number): void {
    const { regions, seats } = this.board;
    for (const region of regions.used()) {
      if (regions.field(region, "origin") !== origin) continue;
      const number = regions.field(region, "number");
      regions.stop(region);
      setTimeout(() => {
        if (regions.field(region, "number") !== number) return;
        for (const seat of regions.inside(region, seats.used)) {
          const thread = this.#seats[seat];
          if (thread) this.stop(thread);
        }
      }, LET_GO_MS).unref();
    }
  }

  stop(thread: PoolThread): void {
    if (!this.#threads.delete(thread)) return;
    this.#changed();
    this.board.seats.setStop(thread.seat, true);
    const stopping = thread.stop().finally(() => this.#stopping.delete(stopping));
    this.#stopping.add(stopping);
  }

  /** Resolves when all are gone. */
  async stopAll(): Promise<void> {
    this.crew?.close();
    for (const thread of this.#threads) this.stop(thread);
    await Promise.all(this.#stopping);
  }

  /** It is gone, and perhaps not heard why: had it been stopped, and was it in a parallel region? */
  left(thread: PoolThread, exitCode: number | undefined): { wasStopped: boolean; wasInRegion: boolean } {
    this.#changed();
    const wasInRegion = this.board.regions.forget(thread.seat);
    if (wasInRegion && exitCode !== undefined)
      this.lastLoss = whyItDied(thread.error, exitCode, " (the pool's maxHeapMb raises the limit)");
    return { wasStopped: !this.#threads.delete(thread), wasInRegion };
  }

  /** Frees the seat of one that is gone. True: it should be made up for. Throws if it seems that no thread can run. */
  vacate(thread: PoolThread, wasStopped: boolean, exitCode: number | undefined): boolean {
    this.#seats[thread.seat] = undefined;
    // One that never ran is not replaced before there is work, nor again and again.
    if (!thread.ready && !wasStopped) this.#failedStarts++;
    if (this.#failedStarts < MAX_FAILED_STARTS) return thread.ready || this.#isWorkLeft;
    if (this.#threads.size === 0) this.#giveUp(thread.error ?? new Error(whyItDied(undefined, exitCode)));
    return false;
  }
}
