// What runs in a thread of a pool: takes one task at a time, runs it, answers. Whatever happens to a task, there is an
// answer or the thread is gone; either settles it.

import type { MessagePort } from "node:worker_threads";
import { Board, State } from "../engine/board.ts";
import { watchWaits } from "../atomics.ts";
import { NotSendableError } from "../errors.ts";
import { host } from "../host.ts";
import { decode, encode, prepare, transferList, whyNotCloned, type Wire } from "../ship/index.ts";
import { callable, encodeError, receive, type TaskFunction } from "./carried.ts";
import { throwOn, watchLateErrors } from "./late-errors.ts";
import { now, type FromThread, type ThreadData, type ToThread } from "./messages.ts";
import { isThenable, ItemFailure, type Entry } from "./parts.ts";
import { heardResult, openTask, setOwnerLink, type OpenTask } from "./remote-engine.ts";

type RunPart = (part: unknown) => unknown;

/** The event loop gets its turn at least so often. */
const TURN_MS = 5;
/** How long a thread looks for work before it sleeps: waking takes longer. */
const SPIN_MS = 0.05;
/** How long a thread that is no longer blocked lets those run that came in its place. */
const PATIENCE_MS = 500;
/** The `calls` of a task that has ended. */
const OVER = -1;

export class Runner {
  readonly #board: Board;
  readonly #port: MessagePort;
  readonly #owner: string;
  readonly #seat: number;
  readonly #lane: number;
  readonly #ownLane: number;
  readonly #steals: boolean;
  readonly #trace: boolean;
  /** The task that the running code belongs to, where that is known. */
  #current = -1;
  #blockedMs = 0;
  /** The owner has been told: what comes next must not overtake that. */
  #hasWaited = false;
  /** By number: functions of tasks on the board. One that could not be made throws. */
  readonly #functions = new Map<number, TaskFunction>();
  /** By group: what runs its parts here. Where opening it failed, each part tells so. */
  readonly #groups = new Map<number, Promise<RunPart>>();
  /** Tasks that have begun and not ended, and how many of those wait for calls of their own. */
  #open = 0;
  #waiting = 0;
  #isAsleep = true;
  /** What failed is the runner itself. */
  #isBroken = false;
  /** By slot: tasks that are awaited. */
  readonly #tasks = new Map<number, OpenTask>();
  /** The claimed task whose function is on its way. */
  #held: number | undefined;

  constructor({ board, seat, lane, steals, trace, owner, pool }: ThreadData, port: MessagePort) {
    setOwnerLink({
      owner,
      between: "threads",
      pool,
      post: (message, wire) => this.#say(message, wire),
      called: (task, change) => this.#called(task, change),
    });
    this.#board = new Board(board);
    this.#seat = seat;
    this.#lane = lane;
    this.#ownLane = this.#board.ownLane(seat);
    this.#steals = steals;
    this.#owner = owner;
    this.#port = port;
    this.#trace = trace;
    watchLateErrors(() => this.#isBroken || this.#isOpen(openTask.getStore()), throwOn);
    watchWaits(
      () => this.#blocked(),
      () => this.#unblocked(),
    );
  }

  /** The owner has made the seat asleep: perhaps a task is on its way already. */
  start(): void {
    this.#say({ braid: "ready" });
    this.#untilWoken();
  }

  heard(message: ToThread): void {
    switch (message.braid) {
      case "task":
        if (message.unasked) {
          this.#board.gotMessage(this.#seat);
          this.#begin();
        }
        return void this.#runPosted(message);
      case "result":
        return void heardResult(message);
      case "function":
        return void this.#define(message.id, message.wire);
      case "forget":
        return void this.#functions.delete(message.id);
      case "close":
        return void this.#groups.delete(message.group);
      case "abandon":
        return this.#abandon(message.slot);
    }
  }

  /** Nobody waits for this task any more, and others that have begun here must not end with it. */
  #abandon(slot: number): void {
    const task = this.#tasks.get(slot);
    if (!task) return;
    this.#fail(slot, undefined);
    this.#end(slot, task);
  }

  /** A message that can't be read: it was the task in this thread's hand. */
  heardNothing(error: Error): void {
    const slot = this.#board.inHand(this.#seat);
    if (slot === undefined) throw error;
    const why = new NotSendableError("args", `The task can't be read by its thread: ${whyNotCloned(error)}.`);
    if (this.#board.isForMessage(this.#seat)) {
      this.#board.gotMessage(this.#seat);
      this.#begin();
    }
    this.#board.putDown(this.#seat);
    this.#board.setStarted(slot, now());
    this.#fail(slot, why);
    this.#end();
  }

  /** Runs what waits, until there is nothing or a task has to be awaited. */
  readonly #work = (): void => {
    if (this.#open > this.#waiting || this.#board.isForMessage(this.#seat)) return;
    if (this.#isAsleep && !this.#board.wake(this.#seat) && this.#board.isForMessage(this.#seat)) return;
    this.#isAsleep = false;
    let startMs = now();
    const turnEnds = startMs + TURN_MS;
    let spinEnds = 0;
    for (;;) {
      const board = this.#board;
      // One that was blocked wants to run on: it goes first.
      if (board.isAwaited) board.leave(this.#seat);
      const mayRun = !board.isAwaited && board.enter(this.#seat);
      const slot = mayRun ? this.#claim() : -1;
      if (slot >= 0) {
        if (!this.#runOrDie(slot, startMs)) return;
        spinEnds = 0;
        startMs = now();
        if (startMs > turnEnds) return void setImmediate(this.#work);
        continue;
      }
      startMs = now();
      spinEnds ||= startMs + SPIN_MS;
      if (mayRun && startMs < spinEnds) continue;
      // In this order: who finds no room to run has to be followed by one who looks for work.
      board.leave(this.#seat);
      if (!mayRun) board.starve(this.#seat);
      this.#isAsleep = true;
      board.sleep(this.#seat);
      // Whoever wakes it, here or elsewhere, decides what comes next.
      const hasWork = this.#hasWork();
      // Another may have taken the place meanwhile: then this one is woken when that leaves it.
      if (hasWork && !board.mayEnter(this.#seat)) board.starve(this.#seat);
      const isWanted = hasWork && board.mayEnter(this.#seat) && !board.isAwaited;
      if (!isWanted || board.isStopped(this.#seat) || !board.wake(this.#seat)) return this.#untilWoken();
      this.#isAsleep = false;
    }
  };

  /** The running task is about to wait: whoever sleeps takes the place, or the owner starts one more. */
  #blocked(): void {
    this.#blockedMs = now();
    const board = this.#board;
    board.block(this.#seat);
    if (this.#hasWork() && !this.#wakeAnother()) this.#say({ braid: "blocked" });
  }

  #wakeAnother(): boolean {
    const board = this.#board;
    for (let seat = 0; seat < board.seatsUsed; seat++) if (!board.isStopped(seat) && board.wake(seat)) return true;
    return false;
  }

  #unblocked(): void {
    const board = this.#board;
    board.unblock(this.#seat, PATIENCE_MS);
    if (!this.#trace || this.#current < 0) return;
    this.#hasWaited = true;
    this.#say({ braid: "waited", slot: this.#current, fromMs: this.#blockedMs, toMs: now() });
  }

  #begin(): void {
    this.#open++;
  }

  /** Of code that no task is known for, any that goes on may be waiting for it. */
  #isOpen(task: OpenTask | undefined): boolean {
    return task ? task.calls !== OVER : this.#open > 0;
  }

  #end(slot?: number, task?: OpenTask): void {
    if (slot !== undefined) this.#tasks.delete(slot);
    if (task) {
      // It did not await them all.
      if (task.calls > 0) this.#waiting--;
      task.calls = OVER;
    }
    this.#open--;
    this.#work();
  }

  #called(task: OpenTask | undefined, change: 1 | -1): void {
    if (!task || task.calls === OVER) return;
    const before = task.calls;
    task.calls += change;
    if (before === 0) {
      this.#waiting++;
      setImmediate(this.#work);
    } else if (task.calls === 0) this.#waiting--;
  }

  #untilWoken(): void {
    const woken = this.#board.slept(this.#seat);
    if (woken) void woken.then(this.#woken);
    else setImmediate(this.#work);
  }

  /** This may come late: a message was faster, its task is done, and the thread sleeps again. */
  readonly #woken = (): void => {
    if (!this.#board.isAsleep(this.#seat)) this.#work();
  };

  #hasWork(): boolean {
    if (!this.#board.isEmpty(this.#lane) || !this.#board.isEmpty(this.#ownLane)) return true;
    if (this.#steals)
      for (let lane = 0, used = this.#board.lanesUsed; lane < used; lane++) if (!this.#board.isEmpty(lane)) return true;
    return false;
  }

  /** A task that is this thread's from now on, or -1. */
  #claim(): number {
    const board = this.#board;
    const seat = this.#seat;
    if (board.isStopped(seat)) return -1;
    const used = this.#steals ? board.lanesUsed : 1;
    for (let i = -1; i < used; i++) {
      const lane = i < 0 ? this.#ownLane : i === 0 ? this.#lane : (this.#lane + i) % used;
      for (let slot = board.take(lane, seat); slot >= 0; slot = board.take(lane, seat)) {
        if ((!this.#steals && board.meantFor(slot) !== lane) || !board.claim(slot, seat)) continue;
        if (board.isStopped(seat)) {
          // The owner knows what becomes of it.
          this.#say({ braid: "stopped", slot });
          return -1;
        }
        if (i > 0) board.setStolen(slot, lane);
        return slot;
      }
    }
    board.putDown(seat);
    return -1;
  }

  /** What escapes from a task would leave the thread with a task that never ends: it ends the thread. */
  #runOrDie(slot: number, startMs: number): boolean {
    try {
      return this.#run(slot, startMs);
    } catch (error) {
      this.#isBroken = true;
      throw error;
    }
  }

  /** False: the task goes on, and calls `#end` when it has ended. */
  #run(slot: number, startMs: number): boolean {
    const board = this.#board;
    const id = board.functionOf(slot);
    if (id === 0) {
      this.#begin();
      this.#say({ braid: "want", slot });
      return false;
    }
    const fn = this.#functions.get(id);
    if (!fn) {
      this.#begin();
      this.#held = slot;
      return false;
    }
    board.putDown(this.#seat);
    board.setStarted(slot, startMs);
    let value: unknown;
    let goesOn = false;
    const task: OpenTask = { calls: 0 };
    this.#current = slot;
    try {
      const args = board.read(slot) as unknown[];
      const here = host();
      if (here) value = here.runAs(originOf(board, slot), () => openTask.run(task, fn, ...args));
      else value = openTask.run(task, fn, ...args);
      goesOn = isThenable(value);
      if (!goesOn) this.#answer(slot, value);
    } catch (error) {
      this.#fail(slot, error);
    }
    if (!goesOn && task.calls === 0) {
      task.calls = OVER;
      return true;
    }
    this.#begin();
    if (goesOn) void this.#await(slot, task, value as PromiseLike<unknown>);
    else this.#end(slot, task);
    return false;
  }

  async #await(slot: number, task: OpenTask, value: PromiseLike<unknown>): Promise<void> {
    this.#tasks.set(slot, task);
    try {
      const result = await value;
      if (task.calls !== OVER) this.#answer(slot, result);
    } catch (error) {
      if (task.calls !== OVER) this.#fail(slot, error);
    }
    if (task.calls !== OVER) this.#end(slot, task);
  }

  async #define(id: number, wire: Wire): Promise<void> {
    try {
      const fn = callable(wire);
      this.#functions.set(id, fn instanceof Promise ? await fn : fn);
    } catch (error) {
      this.#functions.set(id, () => {
        throw error;
      });
    }
    const slot = this.#held;
    if (slot === undefined || this.#board.functionOf(slot) !== id) return;
    this.#held = undefined;
    this.#runOrDie(slot, now());
    this.#end();
  }

  async #runPosted({ slot, group, wire, shared }: ToThread & { braid: "task" }): Promise<void> {
    this.#board.putDown(this.#seat);
    this.#board.setStarted(slot, now());
    const task: OpenTask = { calls: 0 };
    this.#tasks.set(slot, task);
    try {
      if (shared) this.#groups.set(group!, this.#openGroup(shared));
      const part = group === undefined ? undefined : await this.#groups.get(group);
      const wait = prepare(wire);
      if (wait) await wait;
      // Abandoned while what it needs was loaded.
      if (task.calls === OVER) return;
      const input = decode(wire);
      const start = (): unknown => {
        if (part) return part(input);
        const { fn, args } = input as { fn: TaskFunction; args: unknown[] };
        return fn(...args);
      };
      const here = host();
      this.#current = slot;
      const started = openTask.run(task, () => (here ? here.runAs(originOf(this.#board, slot), start) : start()));
      const result = isThenable(started) ? await started : started;
      if (task.calls !== OVER) this.#answer(slot, result);
    } catch (error) {
      if (task.calls !== OVER) this.#fail(slot, error);
    }
    if (task.calls !== OVER) this.#end(slot, task);
  }

  async #openGroup(wire: Wire): Promise<RunPart> {
    const { entry, context } = (await receive(wire)) as { entry: Entry<unknown, unknown, unknown>; context: unknown };
    return entry(context);
  }

  /** Throws where the value can't cross; then nothing has been said. */
  #answer(slot: number, value: unknown): void {
    const board = this.#board;
    const byMessage = this.#hasWaited;
    this.#hasWaited = false;
    if (!byMessage && board.write(slot, value)) {
      board.setEnded(slot, now());
      board.setState(slot, State.done, this.#seat);
      board.pushDone(slot);
      return;
    }
    const wire = encode(value, { to: this.#owner, path: "result" });
    board.setEnded(slot, now());
    board.setState(slot, State.posted, this.#seat);
    try {
      this.#say({ braid: "done", slot, ok: true, wire, index: undefined }, wire);
    } catch (cause) {
      throw new NotSendableError("result", `The result can't be sent: ${whyNotCloned(cause as Error)}.`, { cause });
    }
  }

  #fail(slot: number, error: unknown): void {
    this.#board.setEnded(slot, now());
    this.#board.setState(slot, State.posted, this.#seat);
    const index = error instanceof ItemFailure ? error.index : undefined;
    const wire = encodeError(error instanceof ItemFailure ? error.error : error, { to: this.#owner });
    try {
      this.#say({ braid: "done", slot, ok: false, wire, index }, wire);
    } catch (cause) {
      const text = `What the task threw can't be sent: ${whyNotCloned(cause as Error)}.`;
      const why = encodeError(new NotSendableError("error", text, { cause }), { to: this.#owner });
      this.#say({ braid: "done", slot, ok: false, wire: why, index }, why);
    }
  }

  #say(message: FromThread, wire?: Wire): void {
    this.#port.postMessage(message, wire ? transferList(wire) : []);
  }
}

function originOf(board: Board, slot: number): number | undefined {
  const origin = board.originOf(slot);
  return origin < 0 ? undefined : origin;
}
