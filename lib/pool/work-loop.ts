// How a thread finds its next task: from its own lanes first, then from others', and when there is nothing it sleeps in
// its event loop. It runs only while it has one of the places to run, of which there are as many as the pool has threads.
//
// Before it sleeps it looks on, or dozes in Atomics.wait, from which it is woken faster than from its event loop: each only
// where the next task is likely to come by then, going by how long it took the last time.

import { pause } from "../atomics.ts";
import type { Board } from "../engine/board.ts";
import { now, type FromThread, type ThreadData } from "./messages.ts";

/** The event loop gets its turn at least so often. */
const TURN_MS = 5;
/**
 * How long a thread looks for work before it sleeps, where that came so soon the last time, or where it has helped in a
 * region: waking takes longer.
 */
const SPIN_MS = 0.1;
/** Where it has looked in vain it looks no more for so many times at most: whoever brings work may need the same core. */
const MAX_SKIPS = 64;
/** How long it dozes before it sleeps in its event loop, where work came in that time the last time. */
const DOZE_MS = 5;
/** So often it looks for a region before it looks for tasks, and at the clock, again. */
const LOOKS = 16;
/** How long a thread that is no longer blocked lets those run that came in its place. */
const PATIENCE_MS = 500;

export interface LoopTasks {
  /** None has begun that doesn't wait for others. */
  mayBegin(): boolean;
  /** None has begun: nothing that the event loop would bring is awaited. */
  isIdle(): boolean;
  /** Runs a claimed task. False: it goes on, and `work` is called when it has ended. */
  run(slot: number, startMs: number): boolean;
  /** Helps in a parallel region; false: there is none. */
  help(): boolean;
  /** Is there a region to help in? */
  readonly isHelpWanted: boolean;
}

export class WorkLoop {
  readonly #board: Board;
  readonly #seat: number;
  readonly #lane: number;
  readonly #ownLane: number;
  readonly #steals: boolean;
  readonly #tasks: LoopTasks;
  readonly #say: (message: FromThread) => void;
  #isAsleep = true;
  /** It spins, and has said so. */
  #isLooking = false;
  /** Since when it has had nothing to do; 0: it has. */
  #idleMs = 0;
  /** How long that was the last time; -1: it has helped in a region since. */
  #pauseMs = Infinity;
  /** Looks no more for so many times. And so many it was after the last time that it has looked in vain. */
  #skips = 0;
  #patience = 1;

  constructor(board: Board, { seat, lane, steals }: ThreadData, tasks: LoopTasks, say: (message: FromThread) => void) {
    this.#board = board;
    this.#seat = seat;
    this.#lane = lane;
    this.#ownLane = board.ownLane(seat);
    this.#steals = steals;
    this.#tasks = tasks;
    this.#say = say;
  }

  /** Runs what waits, until there is nothing or a task has to be awaited. */
  readonly work = (): void => {
    const { seats, running, regions } = this.#board;
    const seat = this.#seat;
    if (!this.#tasks.mayBegin() || seats.isForMessage(seat)) return;
    if (this.#isAsleep && !seats.wake(seat) && seats.isForMessage(seat)) return;
    this.#isAsleep = false;
    let startMs = now();
    const turnEnds = startMs + TURN_MS;
    let hasHelped = false;
    let spinEnds = 0;
    for (;;) {
      // One that was blocked wants to run on: it goes first.
      if (running.isAwaited) running.leave(seat);
      const mayRun = !running.isAwaited && running.enter(seat);
      // Regions and tasks take turns where there are both.
      hasHelped = mayRun && !hasHelped && this.#tasks.help();
      const slot = mayRun && !hasHelped ? this.#claim() : -1;
      if (slot >= 0 || hasHelped) {
        this.stopLooking();
        this.#found(startMs);
        if (slot >= 0 && !this.#tasks.run(slot, startMs)) return;
        if (hasHelped) this.#pauseMs = -1;
        startMs = now();
        if (startMs > turnEnds) return void setImmediate(this.work);
        continue;
      }
      startMs = now();
      if (this.#idleMs === 0) {
        this.#idleMs = startMs;
        spinEnds = this.#spins() ? startMs + SPIN_MS : 0;
      }
      if (mayRun && startMs < spinEnds) {
        if (!this.#isLooking) regions.spinning.add(seat);
        this.#isLooking = true;
        for (let look = 0; look < LOOKS && !regions.isAnyOpen; look++) pause();
        continue;
      }
      if (this.#isLooking) this.#lookedInVain();
      // In this order: who finds no room to run has to be followed by one who looks for work.
      running.leave(seat);
      if (!mayRun) running.starve(seat);
      this.#isAsleep = true;
      seats.sleep(seat);
      // Whoever wakes it, here or elsewhere, decides what comes next.
      const hasWork = this.#hasWork();
      // Another may have taken the place meanwhile: then this one is woken when that leaves it.
      if (hasWork && !running.mayEnter(seat)) running.starve(seat);
      // It was taken for one that would find the work.
      if (hasWork && seats.isStopped(seat)) this.#wakeAnother();
      const isWanted = hasWork && running.mayEnter(seat);
      if (!isWanted || seats.isStopped(seat) || !seats.wake(seat)) return this.#rest();
      this.#isAsleep = false;
    }
  };

  /** Has it nothing to do for the first time, will it look for a while? */
  #spins(): boolean {
    if (this.#pauseMs < 0) return true;
    return this.#pauseMs < SPIN_MS && --this.#skips < 0;
  }

  #lookedInVain(): void {
    this.#isLooking = false;
    this.#board.regions.spinning.delete(this.#seat);
    this.#skips = this.#patience;
    this.#patience = Math.min(this.#patience * 2, MAX_SKIPS);
  }

  /** It has something to do. */
  #found(nowMs: number): void {
    if (this.#idleMs === 0) return;
    this.#pauseMs = nowMs - this.#idleMs;
    this.#idleMs = 0;
  }

  /** It has found work, and is about to do it. Who pushed more, meanwhile, has woken nobody: another has to see to that. */
  stopLooking(): void {
    if (!this.#isLooking) return;
    this.#isLooking = false;
    this.#board.regions.spinning.delete(this.#seat);
    this.#patience = 1;
    if (this.#isAnyQueued()) this.#wakeAnother();
  }

  /** It sleeps: works when it is woken. */
  #rest(): void {
    // The event loop has a turn first.
    if (this.#pauseMs < DOZE_MS) setImmediate(this.#doze);
    else this.untilWoken();
  }

  readonly #doze = (): void => {
    const { seats } = this.#board;
    if (this.#tasks.isIdle()) seats.doze(this.#seat, DOZE_MS);
    if (seats.isAsleep(this.#seat)) this.untilWoken();
    else this.work();
  };

  /** It sleeps in its event loop: works when it is woken. */
  untilWoken(): void {
    const woken = this.#board.seats.slept(this.#seat);
    if (woken) void woken.then(this.#woken);
    else setImmediate(this.work);
  }

  /** This may come late: a message was faster, its task is done, and the thread sleeps again. */
  readonly #woken = (): void => {
    if (!this.#board.seats.isAsleep(this.#seat)) this.work();
  };

  #hasWork(): boolean {
    const board = this.#board;
    if (this.#tasks.isHelpWanted) return true;
    return !board.isEmpty(this.#lane) || !board.isEmpty(this.#ownLane) || this.#isAnyQueued();
  }

  /** For any thread. */
  #isAnyQueued(): boolean {
    return this.#steals && this.#board.queued > 0;
  }

  /** A task that is this thread's from now on, or -1. */
  #claim(): number {
    const board = this.#board;
    const { slots, seats } = board;
    const seat = this.#seat;
    if (seats.isStopped(seat)) return -1;
    const used = this.#steals ? board.lanesUsed : 1;
    for (let i = -1; i < used; i++) {
      const lane = i < 0 ? this.#ownLane : i === 0 ? this.#lane : (this.#lane + i) % used;
      for (let slot = board.take(lane, seat); slot >= 0; slot = board.take(lane, seat)) {
        if ((!this.#steals && slots.meantFor(slot) !== lane) || !slots.claim(slot, seat)) continue;
        if (seats.isStopped(seat)) {
          // The owner knows what becomes of it.
          this.#say({ braid: "stopped", slot });
          return -1;
        }
        if (i > 0) slots.setStolen(slot, lane);
        return slot;
      }
    }
    seats.putDown(seat);
    return -1;
  }

  // ---- a task that blocks the thread

  /** It is about to wait: whoever sleeps takes the place, or the owner starts one more. */
  block(): void {
    this.#board.running.block(this.#seat);
    if (this.#hasWork() && !this.#wakeAnother()) this.#say({ braid: "blocked" });
  }

  unblock(): void {
    const { seats, running } = this.#board;
    running.unblock(this.#seat, PATIENCE_MS);
    if (seats.isAsleep(this.#seat)) setImmediate(this.#afterLeftover);
  }

  /** A callback that a task has left behind: it needed the place until it ended, and the loop sleeps. */
  readonly #afterLeftover = (): void => {
    const { seats, running } = this.#board;
    if (!seats.isAsleep(this.#seat)) return;
    running.leave(this.#seat);
    // While it was blocked nobody would have woken it for that.
    if (this.#hasWork()) seats.wake(this.#seat);
  };

  #wakeAnother(): boolean {
    const board = this.#board;
    const { seats } = board;
    for (let seat = 0; seat < seats.used; seat++)
      if (!seats.isStopped(seat) && board.canBeWoken(seat) && seats.wake(seat)) return true;
    return false;
  }
}
