// Where a job goes: which slot of the board it has, which thread gets it or the hint that it waits, and who gets it next
// when that thread is on its way out.

import type { Board } from "../engine/board.ts";
import { SLOTS, State } from "../engine/slots.ts";
import { encode, unsent, type Wire } from "../ship/index.ts";
import { unsendable, type Job } from "./job.ts";
import type { JobList } from "./job-list.ts";
import { isForAll, placeOf, steals, type Schedule } from "./schedule.ts";
import type { Team } from "./team.ts";
import type { PoolThread } from "./thread.ts";

/** How long a thread gets to let go of one task among several. */
const ABANDON_MS = 100;

export class Dispatcher {
  readonly #team: Team;
  readonly #board: Board;
  readonly #jobs: JobList;
  readonly #schedule: Schedule;
  /** By slot: also a job that has ended, as long as its thread may write there. */
  readonly #bySlot: (Job | undefined)[] = [];
  readonly #freeSlots: number[] = [];
  #slotsUsed = 0;
  /** Whose task has ended last. */
  #warm: PoolThread | undefined;
  /** Who is being given a task. */
  #given: PoolThread | undefined;
  #turn = 0;

  /** @param jobs all that have not ended */
  constructor(team: Team, jobs: JobList, schedule: Schedule) {
    this.#team = team;
    this.#board = team.board;
    this.#jobs = jobs;
    this.#schedule = schedule;
  }

  // ---- slots

  /** A free slot; -1: there is none. */
  takeSlot(): number {
    return this.#freeSlots.pop() ?? (this.#slotsUsed < SLOTS ? this.#slotsUsed++ : -1);
  }

  /** One that was taken and not assigned. */
  returnSlot(slot: number): void {
    this.#freeSlots.push(slot);
  }

  assign(slot: number, job: Job): void {
    job.slot = slot;
    this.#bySlot[slot] = job;
  }

  jobIn(slot: number): Job | undefined {
    return this.#bySlot[slot];
  }

  /** Nobody writes to the slot any more. */
  release(slot: number): void {
    const job = this.#bySlot[slot];
    if (!job) return;
    const { slots } = this.#board;
    this.#bySlot[slot] = undefined;
    const seat = slots.seat(slot);
    slots.setState(slot, State.free);
    this.#freeSlots.push(slot);
    job.slot = -1;
    const thread = this.#team.inSeat(seat);
    this.#warm = thread;
    if (thread?.retiring) this.#stopIfIdle(thread);
  }

  /** The jobs that a seat's thread has claimed and not given back; those that have ended, too. */
  onSeat(seat: number): Job[] {
    const { slots } = this.#board;
    return this.#bySlot.filter((job): job is Job => {
      return job !== undefined && slots.seat(job.slot) === seat && slots.state(job.slot) >= State.running;
    });
  }

  // ---- a job to a thread

  /**
   * Puts a job that has a slot on the board, or gives it to a thread that sleeps. Its arguments may be there already.
   * True: a thread that is awake looks for it. Throws what can't be sent.
   */
  place(job: Job, wanted: PoolThread | undefined): boolean {
    const board = this.#board;
    const { slot, parcel, work } = job;
    const thread = wanted ?? this.#choose(work.share);
    const sleeper = this.#sleeper(thread, wanted !== undefined);
    if (parcel && "fn" in parcel) {
      board.slots.prepare(slot, parcel.fn, job.origin ?? -1);
      if (parcel.args) board.slots.writeBytes(slot, parcel.args);
      this.#team.teach(parcel.fn);
      job.parcel = undefined;
    } else {
      board.slots.prepare(slot, 0, job.origin ?? -1);
      if (sleeper && board.running.mayEnter(sleeper.seat) && this.#give(job, sleeper)) return false;
      job.keep();
    }
    job.onlySeat = wanted?.seat;
    // Before a stale hint can lead anyone to it.
    board.slots.setMeant(slot, this.#laneFor(thread, wanted !== undefined));
    board.slots.setState(slot, State.queued);
    return this.#offer(slot, thread, wanted !== undefined);
  }

  /** False: it has been woken by another. */
  #give(job: Job, sleeper: PoolThread): boolean {
    const { running, seats, slots } = this.#board;
    const { seat } = sleeper;
    this.#given = sleeper;
    try {
      if (!seats.wake(seat, true)) return false;
      running.enter(seat);
      slots.setState(job.slot, State.running, seat);
      seats.pickUp(seat, job.slot);
      this.send(job, sleeper, true);
      return true;
    } finally {
      this.#given = undefined;
    }
  }

  /** An interrupt has ended the code of this thread: a thread that was being given a task may wait for it. */
  interrupted(): void {
    if (this.#given) this.#team.stop(this.#given);
    this.#given = undefined;
  }

  /** Throws what can't be sent. */
  send(job: Job, thread: PoolThread, unasked: boolean): void {
    const { wire } = job.parcel as { wire: Wire };
    job.parcel = undefined;
    try {
      thread.sendTask(job.slot, unasked, wire, job.work.group);
    } catch (cause) {
      unsent(wire);
      this.sendNothing(job.slot, thread, unasked);
      throw unsendable(cause);
    }
  }

  /** The thread waits for a task: it gets one that does nothing. */
  sendNothing(slot: number, thread: PoolThread, unasked: boolean): void {
    thread.sendTask(slot, unasked, encode({ fn: Function.prototype, args: [] }));
  }

  #choose(share: number | undefined): PoolThread | undefined {
    // Where any thread will do, one that sleeps since a moment ago.
    const warm = this.#warm;
    const live = this.#team.live();
    if (warm && steals(this.#schedule) && this.#board.canBeWoken(warm.seat) && live.includes(warm)) return warm;
    return live[placeOf(this.#schedule, Math.max(1, live.length), this.#turn++, share)];
  }

  #laneFor(meant: PoolThread | undefined, only: boolean): number {
    return only && meant ? this.#board.ownLane(meant.seat) : (meant?.lane ?? 0);
  }

  /** A thread that sleeps and may take what is meant for this one; `only` this one itself. */
  #sleeper(meant: PoolThread | undefined, only: boolean): PoolThread | undefined {
    const board = this.#board;
    if (board.seats.sleepers === 0) return undefined;
    if (only || !isForAll(this.#schedule)) return meant && board.seats.isAsleep(meant.seat) ? meant : undefined;
    if (meant && board.canBeWoken(meant.seat)) return meant;
    for (const thread of this.#team.threads) if (!thread.retiring && board.canBeWoken(thread.seat)) return thread;
    return undefined;
  }

  /** A queued slot becomes known. True: a thread that is awake looks for it. */
  #offer(slot: number, meant: PoolThread | undefined, only = false): boolean {
    const board = this.#board;
    const lane = this.#laneFor(meant, only);
    board.slots.setMeant(slot, lane);
    if (!board.push(lane, slot)) {
      this.#offerLater(slot, meant, only);
      return false;
    }
    if (!only && steals(this.#schedule) && board.isSeen) return true;
    const sleeper = this.#sleeper(meant, only);
    if (sleeper) board.seats.wake(sleeper.seat);
    return false;
  }

  /** There are more places for hints than slots; where stale ones fill them, each thread that looks makes room. */
  #offerLater(slot: number, meant: PoolThread | undefined, only: boolean): void {
    const job = this.#bySlot[slot]!;
    setImmediate(() => {
      if (job.slot !== slot || !this.#isQueued(slot)) return;
      const isLive = meant !== undefined && this.#team.live().includes(meant);
      this.#offer(slot, isLive ? meant : this.#choose(job.work.share), only);
    });
  }

  #isQueued(slot: number): boolean {
    return this.#board.slots.state(slot) === State.queued;
  }

  // ---- a job that is to be run by no one

  /** Takes back what no thread has claimed, and stops the threads of the rest. */
  recall(jobs: readonly Job[]): void {
    const { slots, seats } = this.#board;
    const all = new Set(jobs);
    for (const { slot, parcel } of jobs) {
      // A thread that has claimed it, but has to ask for it, is told then.
      if (slot < 0 || slots.revoke(slot) || parcel) continue;
      const seat = slots.seat(slot);
      const thread = this.#team.inSeat(seat);
      if (!thread) continue;
      if (this.onSeat(seat).some((job) => !job.isOver && !all.has(job))) {
        this.#abandon(slot, thread);
        continue;
      }
      // It may be done just now, and the thread at work for someone else: then that one must not be stopped.
      seats.setStop(seat, true);
      if (slots.state(slot) === State.running && slots.seat(slot) === seat) this.#team.stop(thread);
      else if (this.#team.threads.has(thread) && !thread.retiring) {
        seats.setStop(seat, false);
        seats.wake(seat);
      }
    }
  }

  /** The thread has begun other tasks, too, and goes on with them; but if it spins it has to be stopped. */
  #abandon(slot: number, thread: PoolThread): void {
    const job = this.#bySlot[slot];
    thread.abandon(slot);
    setTimeout(() => {
      if (this.#bySlot[slot] === job && this.#board.slots.state(slot) === State.running) this.#team.stop(thread);
    }, ABANDON_MS).unref();
  }

  // ---- a job that another thread was to run

  /** There are new threads. While nothing waits they sleep on, and can be given a task by message, unasked. */
  welcome(): void {
    const { slots, seats } = this.#board;
    let isAnyQueued = false;
    for (const { slot } of this.#jobs.all()) {
      if (slot < 0) continue;
      this.#team.teach(slots.functionOf(slot));
      isAnyQueued ||= slots.state(slot) === State.queued;
    }
    if (isAnyQueued) for (const { seat } of this.#team.live()) seats.wake(seat);
  }

  /** It is as if no thread had claimed it. */
  requeue(slot: number): void {
    const { slots } = this.#board;
    slots.setStolen(slot, -1);
    slots.setState(slot, State.queued);
  }

  /** A thread had it, and did not claim it. */
  offerAgain(slot: number): void {
    const job = this.#bySlot[slot];
    if (job && this.#isQueued(slot)) this.#offer(slot, this.#choose(job.work.share));
  }

  /** A thread has claimed it, but was to start nothing more. */
  takeBack(slot: number, thread: PoolThread): void {
    const { slots } = this.#board;
    const job = this.#bySlot[slot];
    if (!job || slots.state(slot) !== State.running || slots.seat(slot) !== thread.seat) return;
    if (job.isOver) return this.release(slot);
    this.requeue(slot);
    this.offerAgain(slot);
    if (thread.retiring) this.#stopIfIdle(thread);
  }

  /**
   * Leaves at most so many threads. The others, those that have nothing to do first, end when they have done what they
   * do. What waits for them goes to who stays.
   */
  shrink(threads: number): void {
    const live = this.#team.live();
    if (live.length <= threads) return;
    const busy = new Set<number>();
    for (const job of this.#bySlot)
      if (job && this.#board.slots.state(job.slot) >= State.running) busy.add(this.#board.slots.seat(job.slot));
    const idleFirst = live.toSorted((a, b) => Number(busy.has(a.seat)) - Number(busy.has(b.seat)));
    for (const thread of idleFirst.slice(0, live.length - threads)) {
      this.#team.retire(thread);
      this.#stopIfIdle(thread);
      this.offerFrom(thread);
    }
  }

  /** What waits for a thread that is gone, or on its way out, goes to others. */
  offerFrom({ seat, lane }: PoolThread): void {
    this.#rehome(lane);
    for (const job of this.#jobs.all()) {
      if (job.onlySeat !== seat || job.slot < 0) continue;
      job.onlySeat = undefined;
      this.offerAgain(job.slot);
    }
  }

  /** Moves what waits in a lane that no thread has any more. */
  #rehome(lane: number): void {
    if (steals(this.#schedule) || this.#team.live().some((thread) => thread.lane === lane)) return;
    const { slots } = this.#board;
    for (const { slot } of this.#jobs.all())
      // A hint too many does no harm.
      if (slot >= 0 && this.#isQueued(slot) && slots.meantFor(slot) === lane) this.offerAgain(slot);
  }

  #stopIfIdle(thread: PoolThread): void {
    if (this.onSeat(thread.seat).length === 0) this.#team.stop(thread);
  }
}
