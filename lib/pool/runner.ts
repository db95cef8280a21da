// What runs in a thread of a pool: the tasks that have begun, each until it has ended. Whatever happens to a task, there
// is an answer or the thread is gone; either settles it.

import type { MessagePort } from "node:worker_threads";
import { Board } from "../engine/board.ts";
import { watchWaits } from "../atomics.ts";
import { NotSendableError } from "../errors.ts";
import { host } from "../host.ts";
import { decode, prepare, whyNotCloned, type Wire } from "../ship/index.ts";
import { Answers } from "./answers.ts";
import { Crew, crewName, setCrew } from "./crew.ts";
import { callable, receive, type TaskFunction } from "./callable.ts";
import { Definitions } from "./definitions.ts";
import { Helper } from "./helper.ts";
import { throwOn, watchLateErrors } from "./late-errors.ts";
import { Link } from "./link.ts";
import { now, type FromThread, type ThreadData, type ToThread } from "./messages.ts";
import { isThenable, type Entry } from "./parts.ts";
import { callUnread, heardResult, openTask, setOwnerLink, type OpenTask } from "./remote-engine.ts";
import { WorkLoop } from "./work-loop.ts";

type RunPart = (part: unknown) => unknown;

/** The `calls` of a task that has ended. */
const OVER = -1;

export class Runner {
  readonly #board: Board;
  readonly #seat: number;
  readonly #trace: boolean;
  readonly #loop: WorkLoop;
  readonly #answers: Answers;
  readonly #helper: Helper;
  readonly #link: Link<FromThread>;
  /** The task that the running code belongs to, where that is known. */
  #current = -1;
  #blockedMs = 0;
  /** By number: functions of tasks on the board. One that could not be made throws. */
  readonly #functions = new Map<number, TaskFunction>();
  /** By group: what runs its parts here. Where opening it failed, each part tells so. */
  readonly #groups = new Map<number, Promise<RunPart>>();
  /** Tasks that have begun and not ended, and how many of those wait for calls of their own. */
  #open = 0;
  #waiting = 0;
  /** What failed is the runner itself. */
  #isBroken = false;
  /** By slot: tasks that are awaited. */
  readonly #tasks = new Map<number, OpenTask>();
  /** The claimed task whose function is on its way. */
  #held: number | undefined;

  constructor(data: ThreadData, port: MessagePort) {
    const { owner, pool, seat, trace } = data;
    this.#link = new Link(port);
    const say = (message: FromThread, wire?: Wire): void => this.#link.post(message, wire);
    setOwnerLink({ owner, between: "threads", pool, post: say, called: (task, change) => this.#called(task, change) });
    this.#board = new Board(data.board);
    this.#seat = seat;
    this.#trace = trace;
    const name = crewName(pool);
    const definitions = new Definitions(name, this.#board.regions, () => this.#loop.work());
    const helper = new Helper(this.#board, seat, name, definitions, (by, f) => this.#runHelp(by, f));
    this.#helper = helper;
    setCrew(new Crew(this.#board, seat, name, definitions));
    const tasks = {
      mayBegin: () => this.#open <= this.#waiting,
      isIdle: () => this.#open === 0,
      run: this.#runOrDie,
      help: this.#helpOrDie,
      get isHelpWanted() {
        return helper.isWanted;
      },
    };
    this.#loop = new WorkLoop(this.#board, data, tasks, say);
    this.#answers = new Answers(this.#board, seat, owner, say);
    watchLateErrors(() => this.#isBroken || this.#isOpen(openTask.getStore()), throwOn);
    watchWaits(
      () => this.#blocked(),
      () => this.#unblocked(),
    );
  }

  /** The owner has made the seat asleep: perhaps a task is on its way already. */
  start(): void {
    this.#board.regions.arrive();
    this.#link.post({ braid: "ready" });
    this.#loop.untilWoken();
  }

  heard(message: ToThread): void {
    this.#link.heard(message);
    switch (message.braid) {
      case "task":
        if (message.unasked) {
          this.#board.seats.gotMessage(this.#seat);
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
      case "unread":
        return this.#unread(message.number, message.why);
    }
  }

  /** Nobody waits for this task any more, and others that have begun here must not end with it. */
  #abandon(slot: number): void {
    const task = this.#tasks.get(slot);
    if (!task) return;
    this.#answers.failed(slot, undefined);
    this.#end(slot, task);
  }

  /** A message that can't be read: the owner knows what it was. */
  heardNothing(error: Error): void {
    this.#link.post({ braid: "unread", number: this.#link.missed(), why: whyNotCloned(error) });
  }

  /** The owner can't read what it was sent. */
  #unread(number: number, why: string): void {
    const message = this.#link.about(number);
    if (message?.braid === "call") callUnread(message.call, why);
    if (message?.braid !== "done") return;
    const text = `The result can't be read by the thread that waits for it: ${why}.`;
    this.#answers.failed(message.slot, new NotSendableError("result", text));
  }

  #blocked(): void {
    this.#blockedMs = now();
    this.#loop.block();
  }

  #unblocked(): void {
    this.#loop.unblock();
    if (!this.#trace || this.#current < 0) return;
    this.#answers.byMessage = true;
    this.#link.post({ braid: "waited", slot: this.#current, fromMs: this.#blockedMs, toMs: now() });
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
    this.#loop.work();
  }

  #called(task: OpenTask | undefined, change: 1 | -1): void {
    if (!task || task.calls === OVER) return;
    const before = task.calls;
    task.calls += change;
    if (before === 0) {
      this.#waiting++;
      setImmediate(this.#loop.work);
    } else if (task.calls === 0) this.#waiting--;
  }

  /** What escapes from a task would leave the thread with a task that never ends: it ends the thread. */
  readonly #runOrDie = (slot: number, startMs: number): boolean => {
    try {
      return this.#run(slot, startMs);
    } catch (error) {
      this.#isBroken = true;
      throw error;
    }
  };

  readonly #helpOrDie = (): boolean => {
    try {
      return this.#helper.help();
    } catch (error) {
      this.#isBroken = true;
      throw error;
    }
  };

  /** A region is a task as far as calls and late errors of its parts go. */
  #runHelp(origin: number, help: () => void): void {
    this.#loop.stopLooking();
    const task: OpenTask = { calls: 0 };
    const here = host();
    this.#open++;
    this.#current = -1;
    openTask.run(task, () => (here ? here.runAs(origin < 0 ? undefined : origin, help) : help()));
    if (task.calls > 0) this.#waiting--;
    task.calls = OVER;
    this.#open--;
  }

  /** False: the task goes on, and calls `#end` when it has ended. */
  #run(slot: number, startMs: number): boolean {
    const board = this.#board;
    const id = board.slots.functionOf(slot);
    if (id === 0) {
      this.#begin();
      this.#link.post({ braid: "want", slot });
      return false;
    }
    const fn = this.#functions.get(id);
    if (!fn) {
      this.#begin();
      this.#held = slot;
      return false;
    }
    board.seats.putDown(this.#seat);
    board.slots.setStarted(slot, startMs);
    let value: unknown;
    let goesOn = false;
    const task: OpenTask = { calls: 0 };
    this.#current = slot;
    try {
      const args = board.slots.read(slot) as unknown[];
      const here = host();
      if (here) value = here.runAs(originOf(board, slot), () => openTask.run(task, fn, ...args));
      else value = openTask.run(task, fn, ...args);
      goesOn = isThenable(value);
      if (!goesOn) this.#answers.done(slot, value);
    } catch (error) {
      this.#answers.failed(slot, error);
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
      if (task.calls !== OVER) this.#answers.done(slot, result);
    } catch (error) {
      if (task.calls !== OVER) this.#answers.failed(slot, error);
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
    if (slot === undefined || this.#board.slots.functionOf(slot) !== id) return;
    this.#held = undefined;
    this.#runOrDie(slot, now());
    this.#end();
  }

  async #runPosted({ slot, group, wire, shared }: ToThread & { braid: "task" }): Promise<void> {
    this.#board.seats.putDown(this.#seat);
    this.#board.slots.setStarted(slot, now());
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
      if (task.calls !== OVER) this.#answers.done(slot, result);
    } catch (error) {
      if (task.calls !== OVER) this.#answers.failed(slot, error);
    }
    if (task.calls !== OVER) this.#end(slot, task);
  }

  async #openGroup(wire: Wire): Promise<RunPart> {
    const { entry, context } = (await receive(wire)) as { entry: Entry<unknown, unknown, unknown>; context: unknown };
    return entry(context);
  }
}

function originOf(board: Board, slot: number): number | undefined {
  const origin = board.slots.originOf(slot);
  return origin < 0 ? undefined : origin;
}
