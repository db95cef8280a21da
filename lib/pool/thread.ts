// One thread of a pool, seen from its owner: a worker that sits in a seat of the board.

import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort } from "node:worker_threads";
import type { BoardMemory } from "../engine/board.ts";
import { ThreadCrashedError } from "../errors.ts";
import { host } from "../host.ts";
import { realm, whyNotCloned, type Wire } from "../ship/index.ts";
import { sibling } from "../sibling.ts";
import { starting } from "../sync/threads.ts";
import { Link } from "./link.ts";
import { messageOf, type Job } from "./job.ts";
import type { FromThread, ToThread, Unread, WorkerData } from "./messages.ts";
import { NestedCalls } from "./nested-calls.ts";
import type { PoolData } from "./remote-engine.ts";

export interface ThreadOptions {
  readonly stackSizeMb?: number | undefined;
  readonly maxHeapMb?: number | undefined;
  readonly board: BoardMemory;
  readonly seat: number;
  readonly lane: number;
  readonly steals: boolean;
  readonly trace: boolean;
  readonly pool: PoolData;
}

export interface ThreadEvents {
  heard(thread: PoolThread, message: Exclude<FromThread, Unread>): void;
  /** It can't read what it was sent; the message comes without what it carried. */
  unread(thread: PoolThread, message: ToThread, why: string): void;
  /** It is gone. */
  gone(thread: PoolThread, exitCode: number): void;
}

export class PoolThread {
  readonly id: number;
  readonly seat: number;
  readonly lane: number;
  /** It has run its first line. */
  ready = false;
  /** It takes no more tasks and is ended when its own is done. */
  retiring = false;
  /** What escaped and ends it. */
  error: Error | undefined;
  /** Jobs that it took with it while its owner was blocked, and could not hear why. */
  lost: { readonly jobs: readonly Job[]; readonly wasStopped: boolean } | undefined;
  readonly #worker: Worker;
  readonly #events: ThreadEvents;
  readonly #link: Link<ToThread>;
  /** Its other end is closed when the thread is gone. Of our own: what comes can be read without the event loop. */
  readonly #port: MessagePort;
  readonly #canTell: boolean;
  readonly #opened = new Set<number>();
  readonly #known = new Set<number>();
  /** The calls of its own tasks. */
  readonly nested: NestedCalls = new NestedCalls((result, wire) => this.#link.post(result, wire), "threads");

  constructor(options: ThreadOptions, events: ThreadEvents) {
    const { stackSizeMb, maxHeapMb, board, seat, lane, steals, trace, pool } = options;
    this.seat = seat;
    this.lane = lane;
    const resourceLimits = {
      ...(stackSizeMb !== undefined && { stackSizeMb }),
      ...(maxHeapMb !== undefined && { maxOldGenerationSizeMb: maxHeapMb }),
    };
    const { memory, lanes } = board;
    const { port1, port2: port } = new MessageChannel();
    const workerData: WorkerData = { owner: realm, pool, board: { memory, lanes }, seat, lane, steals, trace, port };
    const transferList = [port];
    const start = { workerData, transferList, resourceLimits, ...execArgv() };
    let worker;
    try {
      worker = new Worker(sibling(import.meta.url, "worker"), start);
    } catch (error) {
      port1.close();
      throw error;
    }
    starting(worker.threadId);
    this.#worker = worker;
    this.#events = events;
    this.#port = port1;
    this.#canTell = this.isThere();
    this.#link = new Link(port1);
    this.id = worker.threadId;
    port1.on("message", (message: FromThread) => this.#heard(message));
    port1.on("messageerror", (error: Error) => this.#heardNothing(error));
    port1.unref();
    worker.on("error", (error: Error) => (this.error = error));
    worker.on("exit", (exitCode) => {
      this.takeMessages();
      events.gone(this, exitCode);
      port1.close();
    });
    worker.unref();
    host()?.adopt(worker);
  }

  /** Without the event loop: hears what has come. True: there was something. */
  takeMessages(): boolean {
    let count = 0;
    for (let message = this.#next(); message; message = this.#next(), count++)
      if (message instanceof Error) this.#heardNothing(message);
      else this.#heard(message);
    return count > 0;
  }

  /** An error: what can't be read. */
  #next(): FromThread | Error | undefined {
    try {
      return (receiveMessageOnPort(this.#port) as { message: FromThread } | undefined)?.message;
    } catch (error) {
      return error as Error;
    }
  }

  #heard(message: FromThread): void {
    this.#link.heard(message);
    if (message.braid !== "unread") return this.#events.heard(this, message);
    const unread = this.#link.about(message.number);
    if (unread) this.#events.unread(this, unread, message.why);
  }

  #heardNothing(error: Error): void {
    this.#link.post({ braid: "unread", number: this.#link.missed(), why: whyNotCloned(error) });
  }

  /** Sends the task in a slot; with the first part of a group, what its parts share. Throws what can't be cloned. */
  sendTask(slot: number, unasked: boolean, wire: Wire, group?: { id: number; wire: Wire }): void {
    const shared = group && !this.#opened.has(group.id) ? group.wire : undefined;
    this.#link.post({ braid: "task", slot, unasked, wire, group: group?.id, shared }, wire);
    if (group) this.#opened.add(group.id);
  }

  /** It could not read what the parts share. */
  forgetGroup(id: number): void {
    this.#opened.delete(id);
  }

  closeGroup(id: number): void {
    if (this.#opened.delete(id)) this.#link.post({ braid: "close", group: id });
  }

  /** Makes a function known, once. */
  sendFunction(id: number, wire: Wire): void {
    if (this.#known.has(id)) return;
    this.#known.add(id);
    this.#link.post({ braid: "function", id, wire }, wire);
  }

  forgetFunction(id: number): void {
    if (this.#known.delete(id)) this.#link.post({ braid: "forget", id });
  }

  abandon(slot: number): void {
    this.#link.post({ braid: "abandon", slot });
  }

  /** Without the event loop, in which its end is heard. A message to a port that is open gives true: see spawn.ts. */
  isThere(): boolean {
    const isOpen = (this.#port as { postMessage(value: unknown): unknown }).postMessage(null) === true;
    return isOpen || this.#canTell === false;
  }

  /** Ends the thread, wherever it is. Resolves when it is gone. */
  async stop(): Promise<void> {
    await this.#worker.terminate();
  }
}

/** A thread takes over the options of the program; but this one is of `node -e` only, and would end it. */
export function execArgv(): { execArgv?: string[] } {
  if (!process.execArgv.some((arg) => arg.startsWith("--input-type"))) return {};
  return { execArgv: process.execArgv.filter((arg) => /^--(conditions|import|require|disable-warning)=/.test(arg)) };
}

/** Why a thread died under a task. */
export function crash(
  { id, error: cause }: PoolThread,
  task: string,
  exitCode: number | undefined,
  wasStopped: boolean,
): ThreadCrashedError {
  const why =
    wasStopped && !isOutOfMemory(cause)
      ? "it was stopped, to end another task that it had begun"
      : whyItDied(cause, exitCode, " (the pool's maxHeapMb raises the limit)");
  return new ThreadCrashedError(`Thread ${id} died while it ran ${task}: ${why}.`, {
    cause,
    ...(exitCode !== undefined && { exitCode }),
  });
}

/** @param exitCode undefined where the owner is blocked, and has not heard it */
export function whyItDied(cause: Error | undefined, exitCode: number | undefined, remedy = ""): string {
  if (isOutOfMemory(cause)) return `it ran out of memory${remedy}`;
  if (!cause && exitCode === undefined) return "why can't be told, as the thread that made the pool is blocked";
  return cause ? `an error escaped: ${messageOf(cause)}` : `it exited with code ${exitCode}`;
}

const isOutOfMemory = (error: Error | undefined): boolean =>
  (error as { code?: string } | undefined)?.code === "ERR_WORKER_OUT_OF_MEMORY";

/** A thread died though it ran nothing. */
export function warnOfDeath({ id, error }: PoolThread): void {
  if (!error) return;
  process.emitWarning(
    `Thread ${id} of a pool died between tasks, of something that an earlier task left behind: ${error.message}.`,
    { type: "BraidWarning", detail: error.stack ?? "" },
  );
}
