// How a thread finds its next task: from its own lanes first, then from others', and when there is nothing it sleeps in
// its event loop. It runs only while it has one of the places to run, of which there are as many as the pool has threads.

import { pause } from "../atomics.ts";
import type { Board } from "../engine/board.ts";
import { now, type FromThread, type ThreadData } from "./messages.ts";

/** The event loop gets its turn at least so often. */
const TURN_MS = 5;
/** How long a thread looks for work before it sleeps: waking takes longer. */
const SPIN_MS = 0.05;
/** The same after it has helped in a region: a program that runs one loop often runs the next. */
const SPIN_AFTER_REGION_MS = 0.1;
/** So often it looks for a region before it looks for tasks, and at the clock, again. */
const LOOKS = 16;
/** How long a thread that is no longer blocked lets those run that came in its place. */
const PATIENCE_MS = 500;

export interface LoopTasks {
  /** None has begun that doesn't wait for others. */
  mayBegin(): boolean;
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
    let spinEnds = 0;
    let spinMs = SPIN_MS;
    let hasHelped = false;
    for (;;) {
      // One that was blocked wants to run on: it goes first.
      if (running.isAwaited) running.leave(seat);
      const mayRun = !running.isAwaited && running.enter(seat);
      // Regions and tasks take turns where there are both.
      hasHelped = mayRun && !hasHelped && this.#tasks.help();
      const slot = mayRun && !hasHelped ? this.#claim() : -1;
      if (slot >= 0 || hasHelped) {
        spinMs = hasHelped ? SPIN_AFTER_REGION_MS : SPIN_MS;
        if (spinEnds !== 0) regions.spinning.delete(seat);
        if (slot >= 0 && !this.#tasks.run(slot, startMs)) return;
        spinEnds = 0;
        startMs = now();
        if (startMs > turnEnds) return void setImmediate(this.work);
        continue;
      }
      startMs = now();
      spinEnds ||= startMs + spinMs;
      if (mayRun && startMs < spinEnds) {
        if (!regions.spinning.has(seat)) regions.spinning.add(seat);
        for (let look = 0; look < LOOKS && !regions.isAnyOpen; look++) pause();
        continue;
      }
      regions.spinning.delete(seat);
      // In this order: who finds no room to run has to be followed by one who looks for work.
      running.leave(seat);
      if (!mayRun) running.starve(seat);
      this.#isAsleep = true;
      seats.sleep(seat);
      // Whoever wakes it, here or elsewhere, decides what comes next.
      const hasWork = this.#hasWork();
      // Another may have taken the place meanwhile: then this one is woken when that leaves it.
      if (hasWork && !running.mayEnter(seat)) running.starve(seat);
      const isWanted = hasWork && running.mayEnter(seat);
      if (!isWanted || seats.isStopped(seat) || !seats.wake(seat)) return this.untilWoken();
      this.#isAsleep = false;
    }
  };

  /** It sleeps: works when it is woken. */
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
    if (!board.isEmpty(this.#lane) || !board.isEmpty(this.#ownLane)) return true;
    if (this.#steals)
      for (let lane = 0, used = board.lanesUsed; lane < used; lane++) if (!board.isEmpty(lane)) return true;
    return false;
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
    // A callback that a task has left behind: it needs the place until it ends, and the loop sleeps.
    if (seats.isAsleep(this.#seat)) setImmediate(() => seats.isAsleep(this.#seat) && running.leave(this.#seat));
  }

  #wakeAnother(): boolean {
    const { seats } = this.#board;
    for (let seat = 0; seat < seats.used; seat++) if (!seats.isStopped(seat) && seats.wake(seat)) return true;
    return false;
  }
}
