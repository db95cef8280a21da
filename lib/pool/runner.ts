// What runs in a thread of a pool: takes one task at a time, runs it, answers. Whatever happens to a task, there is an
// answer or the thread is gone; either settles it.

import type { MessagePort } from "node:worker_threads";
import { Board, State } from "../engine/board.ts";
import { BraidError, NotSendableError } from "../errors.ts";
import { host } from "../host.ts";
import { decode, encode, prepare, transferList, whyNotCloned, type Wire } from "../ship/index.ts";
import { messageOf } from "./job.ts";
import { watchLateErrors } from "./late-errors.ts";
import { now, type FromThread, type ThreadData, type ToThread } from "./messages.ts";
import { isThenable, ItemFailure, type Entry } from "./parts.ts";

type RunPart = (part: unknown) => unknown;
type TaskFunction = (...args: unknown[]) => unknown;

/** The event loop gets its turn at least so often. */
const TURN_MS = 5;
/** How long a thread looks for work before it sleeps: waking takes longer. */
const SPIN_MS = 0.02;

export class Runner {
  readonly #board: Board;
  readonly #port: MessagePort;
  readonly #owner: string;
  readonly #seat: number;
  readonly #lane: number;
  readonly #steals: boolean;
  /** By number: functions of tasks on the board. One that could not be made throws. */
  readonly #functions = new Map<number, TaskFunction>();
  /** By group: what runs its parts here. Where opening it failed, each part tells so. */
  readonly #groups = new Map<number, Promise<RunPart>>();
  /** Errors that nobody catches: while a task is awaited they are its own, and end the thread. */
  readonly #lateErrors = watchLateErrors();
  #isBusy = false;
  /** The claimed task whose function is on its way. */
  #held: number | undefined;

  constructor({ board, seat, lane, steals, owner }: ThreadData, port: MessagePort) {
    this.#board = new Board(board);
    this.#seat = seat;
    this.#lane = lane;
    this.#steals = steals;
    this.#owner = owner;
    this.#port = port;
  }

  /** The owner has made the seat asleep: perhaps a task is on its way already. */
  start(): void {
    this.#say({ braid: "ready" });
    this.#untilWoken();
  }

  heard(message: ToThread): void {
    switch (message.braid) {
      case "task":
        if (message.unasked) this.#board.gotMessage(this.#seat);
        this.#isBusy = true;
        return void this.#runPosted(message);
      case "function":
        return void this.#define(message.id, message.wire);
      case "forget":
        return void this.#functions.delete(message.id);
      case "close":
        return void this.#groups.delete(message.group);
    }
  }

  /** A message that can't be read: it was the task in this thread's hand. */
  heardNothing(error: Error): void {
    const slot = this.#board.inHand(this.#seat);
    if (slot === undefined) throw error;
    const why = new NotSendableError("args", `The task can't be read by its thread: ${whyNotCloned(error)}.`);
    if (this.#board.isForMessage(this.#seat)) this.#board.gotMessage(this.#seat);
    this.#board.putDown(this.#seat);
    this.#board.setStarted(slot, now());
    this.#fail(slot, why);
    this.#next();
  }

  /** Runs what waits, until there is nothing or a task has to be awaited. */
  readonly #work = (): void => {
    // A call may be late: since it was asked for, a message has come, its task is done, and the thread sleeps again.
    if (this.#isBusy || this.#board.isAsleep(this.#seat) || this.#board.isForMessage(this.#seat)) return;
    let startMs = now();
    const turnEnds = startMs + TURN_MS;
    let spinEnds = 0;
    for (;;) {
      const slot = this.#claim();
      if (slot >= 0) {
        if (!this.#run(slot, startMs)) return;
        spinEnds = 0;
        startMs = now();
        if (startMs > turnEnds) return void setImmediate(this.#work);
        continue;
      }
      startMs = now();
      spinEnds ||= startMs + SPIN_MS;
      if (startMs < spinEnds) continue;
      this.#board.sleep(this.#seat);
      // Whoever wakes it, here or elsewhere, decides what comes next.
      if (!this.#hasWork() || !this.#board.wake(this.#seat)) return this.#untilWoken();
    }
  };

  #untilWoken(): void {
    const woken = this.#board.slept(this.#seat);
    if (woken) void woken.then(this.#work);
    else setImmediate(this.#work);
  }

  #next(): void {
    this.#isBusy = false;
    this.#work();
  }

  #hasWork(): boolean {
    if (!this.#board.isEmpty(this.#lane)) return true;
    if (this.#steals)
      for (let lane = 0, used = this.#board.lanesUsed; lane < used; lane++) if (!this.#board.isEmpty(lane)) return true;
    return false;
  }

  /** A task that is this thread's from now on, or -1. */
  #claim(): number {
    const board = this.#board;
    const seat = this.#seat;
    const used = this.#steals ? board.lanesUsed : 1;
    for (let i = 0; i < used; i++) {
      const lane = i === 0 ? this.#lane : (this.#lane + i) % used;
      for (let slot = board.take(lane, seat); slot >= 0; slot = board.take(lane, seat)) {
        if ((!this.#steals && board.meantFor(slot) !== lane) || !board.claim(slot, seat)) continue;
        if (lane !== this.#lane) board.setStolen(slot, lane);
        // Where that ends the thread, others get what is in its hand.
        board.waitWhileStopped(seat, this.#sayStopped);
        return slot;
      }
    }
    board.putDown(seat);
    return -1;
  }

  /** False: the task goes on, and calls `#next` when it has ended. */
  #run(slot: number, startMs: number): boolean {
    const board = this.#board;
    const id = board.functionOf(slot);
    if (id === 0) {
      this.#isBusy = true;
      this.#say({ braid: "want", slot });
      return false;
    }
    const fn = this.#functions.get(id);
    if (!fn) {
      this.#isBusy = true;
      this.#held = slot;
      return false;
    }
    board.putDown(this.#seat);
    board.setStarted(slot, startMs);
    let value: unknown;
    try {
      const args = board.read(slot) as unknown[];
      const here = host();
      value = here ? here.runAs(originOf(board, slot), () => fn(...args)) : fn(...args);
      if (!isThenable(value)) {
        this.#answer(slot, value);
        return true;
      }
    } catch (error) {
      this.#fail(slot, error);
      return true;
    }
    this.#isBusy = true;
    void this.#await(slot, value);
    return false;
  }

  async #await(slot: number, value: PromiseLike<unknown>): Promise<void> {
    this.#lateErrors.pause();
    try {
      this.#answer(slot, await value);
    } catch (error) {
      this.#fail(slot, error);
    }
    // Not before the answer is on its way: without one, the end of the thread is the answer.
    this.#lateErrors.resume();
    this.#next();
  }

  async #define(id: number, wire: Wire): Promise<void> {
    try {
      this.#functions.set(id, (await receive(wire)) as TaskFunction);
    } catch (error) {
      this.#functions.set(id, () => {
        throw error;
      });
    }
    const slot = this.#held;
    if (slot === undefined || this.#board.functionOf(slot) !== id) return;
    this.#held = undefined;
    this.#isBusy = false;
    if (this.#run(slot, now())) this.#work();
  }

  async #runPosted({ slot, group, wire, shared }: ToThread & { braid: "task" }): Promise<void> {
    this.#board.putDown(this.#seat);
    this.#board.setStarted(slot, now());
    this.#lateErrors.pause();
    try {
      if (shared) this.#groups.set(group!, this.#open(shared));
      const part = group === undefined ? undefined : await this.#groups.get(group);
      const wait = prepare(wire);
      if (wait) await wait;
      const input = decode(wire);
      const start = (): unknown => {
        if (part) return part(input);
        const { fn, args } = input as { fn: TaskFunction; args: unknown[] };
        return fn(...args);
      };
      const here = host();
      const started = here ? here.runAs(originOf(this.#board, slot), start) : start();
      this.#answer(slot, isThenable(started) ? await started : started);
    } catch (error) {
      this.#fail(slot, error);
    }
    this.#lateErrors.resume();
    this.#next();
  }

  async #open(wire: Wire): Promise<RunPart> {
    const { entry, context } = (await receive(wire)) as { entry: Entry<unknown, unknown, unknown>; context: unknown };
    return entry(context);
  }

  /** Throws where the value can't cross; then nothing has been said. */
  #answer(slot: number, value: unknown): void {
    const board = this.#board;
    if (board.write(slot, value)) {
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
    const wire = this.#encodeError(error instanceof ItemFailure ? error.error : error);
    try {
      this.#say({ braid: "done", slot, ok: false, wire, index }, wire);
    } catch (cause) {
      const text = `What the task threw can't be sent: ${whyNotCloned(cause as Error)}.`;
      const why = this.#encodeError(new NotSendableError("error", text, { cause }));
      this.#say({ braid: "done", slot, ok: false, wire: why, index }, why);
    }
  }

  #encodeError(thrown: unknown): Wire {
    try {
      return encode(thrown, { to: this.#owner, path: "what the task threw" });
    } catch (why) {
      // What it threw can't cross: its words can.
      const { name, stack } = thrown instanceof Error ? thrown : { name: "Error", stack: undefined };
      const stand = new Error(`${name}: ${messageOf(thrown)} (${messageOf(why)})`);
      // What a ship hook threw may not cross either.
      if (why instanceof BraidError) stand.cause = why;
      if (stack) stand.stack = stack;
      return encode(stand, { to: this.#owner });
    }
  }

  readonly #sayStopped = (): void => this.#say({ braid: "stopped" });

  #say(message: FromThread, wire?: Wire): void {
    this.#port.postMessage(message, wire ? transferList(wire) : []);
  }
}

async function receive(wire: Wire): Promise<unknown> {
  const wait = prepare(wire);
  if (wait) await wait;
  return decode(wire);
}

function originOf(board: Board, slot: number): number | undefined {
  const origin = board.originOf(slot);
  return origin < 0 ? undefined : origin;
}
