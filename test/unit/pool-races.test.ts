// What comes between two lines of a thread: here the test itself is the thread, and does its steps on the board one by one.

import { EventEmitter } from "node:events";
import { syncBuiltinESMExports } from "node:module";
import workerThreads, { type MessagePort } from "node:worker_threads";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Board } from "../../lib/engine/board.ts";
import { State } from "../../lib/engine/slots.ts";
import { CancelledError, Pool, ThreadCrashedError } from "../../lib/index.ts";
import type { FromThread, WorkerData } from "../../lib/pool/messages.ts";
import { Runner } from "../../lib/pool/runner.ts";
import { SCHEDULES } from "../../lib/pool/schedule.ts";

const turn = (): Promise<void> => new Promise((go) => setImmediate(go));

/** Stands where a worker stands. */
class Played extends EventEmitter {
  static all: Played[] = [];
  readonly threadId = 1000 + Played.all.length;
  readonly board: Board;
  readonly seat: number;
  readonly lane: number;
  readonly steals: boolean;
  readonly #port: MessagePort;
  isTerminated = false;

  constructor(_: URL, { workerData: { board, seat, lane, steals, port } }: { workerData: WorkerData }) {
    super();
    this.board = new Board(board);
    this.seat = seat;
    this.lane = lane;
    this.steals = steals;
    this.#port = port;
    Played.all.push(this);
  }

  ref(): void {}
  unref(): void {}

  async terminate(): Promise<void> {
    this.isTerminated = true;
    await turn();
    this.exit(1);
  }

  exit(code: number): void {
    this.emit("exit", code);
    this.removeAllListeners("exit");
  }

  say(message: FromThread): void {
    this.#port.postMessage(message);
  }

  /** What it would take next, or -1. */
  take(): number {
    this.board.seats.wake(this.seat);
    const own = this.board.take(this.lane, this.seat);
    const other = own < 0 && this.steals ? 1 - this.lane : -1;
    return other >= 0 ? this.board.take(other, this.seat) : own;
  }

  claim(): number {
    for (let slot = this.take(); slot >= 0; slot = this.take())
      if (this.board.slots.claim(slot, this.seat)) return slot;
    return -1;
  }

  start(slot: number): void {
    this.board.seats.putDown(this.seat);
    this.board.slots.setStarted(slot, 1);
  }

  write(slot: number, value: unknown): void {
    this.board.slots.write(slot, value);
    this.board.slots.setEnded(slot, 2);
    this.board.slots.setState(slot, State.done, this.seat);
  }

  finish(slot: number): void {
    const [value] = this.board.slots.read(slot) as number[];
    this.start(slot);
    this.write(slot, `done ${value}`);
    this.board.done.push(slot);
  }

  get isStopped(): boolean {
    return this.board.seats.isStopped(this.seat);
  }
}

const identity = (n: number): unknown => n;

describe.each(SCHEDULES)("under %s", (schedule) => {
  const real = workerThreads.Worker;
  beforeEach(() => {
    Played.all = [];
    workerThreads.Worker = Played as unknown as typeof real;
    syncBuiltinESMExports();
  });
  afterEach(() => {
    workerThreads.Worker = real;
    syncBuiltinESMExports();
  });
  const outcome = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => error);

  /** Does all that waits, with whatever thread may. */
  async function doAll(): Promise<void> {
    for (let round = 0; round < 5; round++) {
      for (const thread of Played.all.filter(({ isTerminated }) => !isTerminated))
        for (let slot = thread.claim(); slot >= 0; slot = thread.claim()) thread.finish(slot);
      await turn();
    }
  }

  it("a task that is cancelled when a thread has just claimed it is run by none", async () => {
    const pool = new Pool({ threads: 1, schedule });
    const task = pool.submit(identity, 1);
    const ended = outcome(task.result);
    const [thread] = Played.all as [Played];
    const slot = thread.claim();
    expect(slot).toBeGreaterThanOrEqual(0);
    task.cancel();
    // It sees that before it starts anything.
    expect([thread.isTerminated, thread.isStopped]).toEqual([true, true]);
    expect(await ended).toBeInstanceOf(CancelledError);
    await turn();
    expect(Played.all.length).toBe(2);
    for (const other of Played.all) expect(other.claim()).toBe(-1);
    expect(pool.stats()).toMatchObject({ running: 0, queued: 0, done: 0, failed: 1 });
    await pool.close();
  });

  it("a thread that has claimed a task when it has to go leaves it to another", async () => {
    const pool = new Pool({ threads: 2, schedule });
    const tasks = [1, 2, 3, 4].map((n) => pool.submit(identity, n));
    const ended = Promise.all(tasks.map((task) => task.result));
    const goes = Played.all.map((thread) => ({ thread, slot: thread.claim() }));
    pool.resize(1);
    const { thread, slot } = goes.find(({ thread }) => thread.isStopped)!;
    expect(thread.isTerminated).toBe(false);
    const stays = goes.find((other) => other.thread !== thread)!;
    expect(stays.thread.isStopped).toBe(false);
    thread.say({ braid: "stopped", slot });
    while (!thread.isTerminated) await turn();
    expect(thread.board.slots.state(slot)).toBe(State.queued);
    await turn();
    stays.thread.finish(stays.slot);
    await doAll();
    expect(await ended).toEqual(["done 1", "done 2", "done 3", "done 4"]);
    expect(pool.stats()).toMatchObject({ running: 0, queued: 0, done: 4, failed: 0 });
    await pool.close();
  });

  it("what waits for a thread that goes does not wait until it is gone", async () => {
    const pool = new Pool({ threads: 2, schedule });
    const tasks = [1, 2, 3, 4, 5, 6].map((n) => pool.submit(identity, n));
    const ended = Promise.all(tasks.map((task) => task.result));
    const slots = Played.all.map((thread) => thread.claim());
    for (const [i, thread] of Played.all.entries()) thread.start(slots[i]!);
    pool.resize(1);
    const gone = Played.all.findIndex((thread) => thread.isStopped);
    const stays = Played.all[1 - gone]!;
    stays.finish(slots[1 - gone]!);
    for (let slot = stays.claim(); slot >= 0; slot = stays.claim()) stays.finish(slot);
    await turn();
    expect(pool.stats()).toMatchObject({ running: 1, queued: 0, done: 5 });
    expect(Played.all[gone]!.isTerminated).toBe(false);
    Played.all[gone]!.finish(slots[gone]!);
    expect(await ended).toEqual([1, 2, 3, 4, 5, 6].map((n) => `done ${n}`));
    expect(Played.all[gone]!.isTerminated).toBe(true);
    await pool.close();
  });

  it("a thread that slept while there was no room for a hint is woken when there is", async () => {
    const pool = new Pool({ threads: 1, schedule });
    const [thread] = Played.all as [Played];
    // What cancelled tasks have left.
    while (thread.board.push(thread.lane, 9));
    const task = pool.submit(identity, 1);
    await turn();
    thread.board.seats.wake(thread.seat);
    while (thread.board.take(thread.lane, thread.seat) >= 0);
    thread.board.seats.sleep(thread.seat);
    await turn();
    await turn();
    expect(thread.board.seats.isAsleep(thread.seat)).toBe(false);
    thread.finish(thread.claim());
    expect(await task).toBe("done 1");
    await pool.close();
  });

  it("a thread whose task was done in time is not ended by its cancellation, and goes on", async () => {
    const pool = new Pool({ threads: 1, schedule });
    const [first, second] = [pool.submit(identity, 1), pool.submit(identity, 2)];
    const ended = outcome(first.result);
    const [thread] = Played.all as [Played];
    thread.finish(thread.claim());
    const next = thread.claim();
    first.cancel();
    expect([thread.isTerminated, thread.isStopped]).toEqual([false, false]);
    thread.finish(next);
    expect(await ended).toBe("done 1");
    expect(await second).toBe("done 2");
    await pool.close();
  });

  it("a thread that is ended for one task gives back the next, which it has claimed meanwhile", async () => {
    const pool = new Pool({ threads: 1, schedule });
    const [first, second] = [pool.submit(identity, 1), pool.submit(identity, 2)];
    const ended = outcome(first.result);
    const [thread] = Played.all as [Played];
    const slot = thread.claim();
    thread.start(slot);
    first.cancel();
    expect(thread.isTerminated).toBe(true);
    // It ends a little later.
    thread.write(slot, "too late");
    thread.board.done.push(slot);
    expect(thread.claim()).toBeGreaterThanOrEqual(0);
    await turn();
    await doAll();
    expect(await ended).toBeInstanceOf(CancelledError);
    expect(await second).toBe("done 2");
    expect(pool.stats()).toMatchObject({ running: 0, queued: 0, done: 1, failed: 1 });
    await pool.close();
  });

  it("a thread that dies between two steps leaves nothing behind", async () => {
    const pool = new Pool({ threads: 1, schedule });
    const steps: [string, (thread: Played) => void, unknown][] = [
      ["with the hint taken", (thread) => void thread.take(), "done 0"],
      ["with the task claimed", (thread) => void thread.claim(), ThreadCrashedError],
      ["while it runs", (thread) => thread.start(thread.claim()), ThreadCrashedError],
      ["with the result written", (thread) => thread.write(thread.claim(), "written"), "written"],
      ["with all done", (thread) => thread.finish(thread.claim()), "done 4"],
    ];
    for (const [n, [when, step, expected]] of steps.entries()) {
      const ended = outcome(pool.run(identity, n));
      const thread = Played.all.at(-1)!;
      step(thread);
      thread.isTerminated = true;
      thread.exit(3);
      await doAll();
      const result = await ended;
      if (typeof expected === "string") expect([when, result]).toEqual([when, expected]);
      else expect([when, result]).toEqual([when, expect.any(ThreadCrashedError)]);
    }
    expect(pool.stats()).toMatchObject({ running: 0, queued: 0, done: 3, failed: 2 });
    await pool.close();
  });

  it("what a thread does that is being stopped ends with it, also when no other can be started", async () => {
    const pool = new Pool({ threads: 1, schedule });
    const [first, second] = [pool.submit(identity, 1), pool.submit(identity, 2)];
    const ended = outcome(first.result);
    const [thread] = Played.all as [Played];
    const slots = [thread.claim(), thread.claim()];
    for (const slot of slots) thread.start(slot);
    const gone = Promise.withResolvers<void>();
    const stopped = new Promise<void>((resolve) => {
      thread.terminate = () => {
        resolve();
        return gone.promise;
      };
    });
    // The thread does not let go of it, and is stopped.
    first.cancel();
    expect(await ended).toBeInstanceOf(CancelledError);
    await stopped;
    workerThreads.Worker = function () {
      throw new Error("no more threads");
    } as unknown as typeof real;
    syncBuiltinESMExports();
    const third = outcome(pool.run(identity, 3));
    expect(await third).toMatchObject({ message: expect.stringContaining("No thread could be started") as string });
    expect(second.state).toBe("running");
    thread.finish(slots[1]!);
    await turn();
    thread.exit(1);
    gone.resolve();
    expect(await second).toBe("done 2");
    await pool.close();
  });
});

describe("a thread", () => {
  // Where a real thread prints what nobody catches.
  const errorEvents = ["uncaughtException", "unhandledRejection"] as "uncaughtException"[];
  const before = errorEvents.map((event) => process.listeners(event));
  const { wait } = Atomics;
  afterAll(() => {
    for (const [i, event] of errorEvents.entries())
      for (const listener of process.listeners(event)) if (!before[i]!.includes(listener)) process.off(event, listener);
  });
  afterEach(() => void Object.assign(Atomics, { wait }));

  let board: Board;
  let runner: Runner;
  const said: FromThread[] = [];
  const LANE = 0;
  const SEAT = 0;
  beforeAll(() => {
    board = Board.make(2);
    board.lanesUsed = 2;
    board.running.limit = 1;
    board.seats.sleep(SEAT);
    const port = { postMessage: (message: FromThread) => said.push(message) } as unknown as MessagePort;
    runner = new Runner(
      {
        owner: "",
        pool: { owner: "", id: 1, threads: 1, begin: 0, between: "threads" },
        board,
        seat: SEAT,
        lane: LANE,
        steals: true,
        trace: false,
      },
      port,
    );
    runner.start();
  });
  beforeEach(() => void (said.length = 0));
  const offer = (slot: number, lane: number): void => {
    board.slots.prepare(slot, 0, -1);
    board.slots.setState(slot, State.queued);
    expect(board.push(lane, slot)).toBe(true);
  };
  const nothing = { nodes: [], root: undefined } as never;
  const task = (slot: number, unasked: boolean): void =>
    runner.heard({ braid: "task", slot, unasked, wire: nothing, group: undefined, shared: undefined });

  it("that blocks in a callback while it has no task keeps no place", async () => {
    expect(board.running.mayEnter(1)).toBe(true);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    await turn();
    await turn();
    expect(board.seats.isAsleep(SEAT)).toBe(true);
    expect(board.running.mayEnter(1)).toBe(true);
  });

  it("that sleeps takes nothing, also when it is told late that it was woken", async () => {
    expect(said).toEqual([]);
    expect(board.seats.wake(SEAT, true)).toBe(true);
    board.slots.setState(5, State.running, SEAT);
    board.seats.pickUp(SEAT, 5);
    // The message is faster than the word that it is awake.
    task(5, true);
    while (!board.seats.isAsleep(SEAT)) await Promise.resolve();
    expect(said).toMatchObject([{ braid: "done", slot: 5 }]);
    // For another thread, which is woken.
    offer(6, 1);
    for (let i = 0; i < 20; i++) await turn();
    expect([board.slots.state(6), board.seats.isAsleep(SEAT), board.seats.sleepers]).toEqual([State.queued, true, 1]);
    expect(board.seats.wake(SEAT)).toBe(true);
    while (board.slots.state(6) === State.queued) await turn();
    expect(board.slots.stolenFrom(6)).toBe(1);
    expect(said.at(-1)).toEqual({ braid: "want", slot: 6 });
    task(6, false);
    while (!board.seats.isAsleep(SEAT)) await turn();
  });

  it("that is stopped keeps what it has claimed, and leaves it to the owner", async () => {
    offer(7, LANE);
    const { compareExchange } = Atomics;
    // The stop comes between the claim and the look at it.
    Object.assign(Atomics, {
      compareExchange: (words: Int32Array, at: number, expected: number, value: number) => {
        if (expected === State.queued && value === State.running) board.seats.setStop(SEAT, true);
        return compareExchange(words, at, expected, value);
      },
    });
    board.seats.wake(SEAT);
    while (!said.some(({ braid }) => braid === "stopped")) await turn();
    Object.assign(Atomics, { compareExchange });
    expect(said).toEqual([{ braid: "stopped", slot: 7 }]);
    expect([board.slots.state(7), board.slots.seat(7), board.seats.inHand(SEAT)]).toEqual([State.running, SEAT, 7]);
    offer(8, LANE);
    for (let i = 0; i < 10; i++) await turn();
    expect(board.slots.state(8)).toBe(State.queued);
    board.seats.setStop(SEAT, false);
    board.seats.wake(SEAT);
    while (board.slots.state(8) === State.queued) await turn();
  });
});
