// One thread of a pool, seen from its owner: a worker that sits in a seat of the board.

import { Worker } from "node:worker_threads";
import type { BoardMemory } from "../engine/board.ts";
import { ThreadCrashedError } from "../errors.ts";
import { host } from "../host.ts";
import { realm, transferList, type Wire } from "../ship/index.ts";
import { sibling } from "../sibling.ts";
import { messageOf } from "./job.ts";
import type { FromThread, ThreadData, ToThread } from "./messages.ts";
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
  heard(thread: PoolThread, message: FromThread): void;
  /** It has sent a result that can't be read here. */
  heardNothing(thread: PoolThread, error: Error): void;
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
  readonly #worker: Worker;
  readonly #opened = new Set<number>();
  readonly #known = new Set<number>();
  /** The calls of its own tasks. */
  readonly nested: NestedCalls = new NestedCalls((result, wire) => this.#post(result, wire), "threads");

  constructor(options: ThreadOptions, events: ThreadEvents) {
    const { stackSizeMb, maxHeapMb, board, seat, lane, steals, trace, pool } = options;
    this.seat = seat;
    this.lane = lane;
    const resourceLimits = {
      ...(stackSizeMb !== undefined && { stackSizeMb }),
      ...(maxHeapMb !== undefined && { maxOldGenerationSizeMb: maxHeapMb }),
    };
    const { memory, lanes } = board;
    const workerData: ThreadData = { owner: realm, pool, board: { memory, lanes }, seat, lane, steals, trace };
    const worker = new Worker(sibling(import.meta.url, "worker"), { workerData, resourceLimits, ...execArgv() });
    this.#worker = worker;
    this.id = worker.threadId;
    worker.on("message", (message: FromThread) => {
      // Anything else is a message of the user's own, by parentPort.
      if (typeof message?.braid === "string") events.heard(this, message);
    });
    worker.on("messageerror", (error: Error) => events.heardNothing(this, error));
    worker.on("error", (error: Error) => (this.error = error));
    worker.on("exit", (exitCode) => events.gone(this, exitCode));
    worker.unref();
    host()?.adopt(worker);
  }

  /** Sends the task in a slot; with the first part of a group, what its parts share. Throws what can't be cloned. */
  sendTask(slot: number, unasked: boolean, wire: Wire, group?: { id: number; wire: Wire }): void {
    const shared = group && !this.#opened.has(group.id) ? group.wire : undefined;
    this.#post({ braid: "task", slot, unasked, wire, group: group?.id, shared }, wire);
    if (group) this.#opened.add(group.id);
  }

  closeGroup(id: number): void {
    if (this.#opened.delete(id)) this.#post({ braid: "close", group: id });
  }

  /** Makes a function known, once. */
  sendFunction(id: number, wire: Wire): void {
    if (this.#known.has(id)) return;
    this.#known.add(id);
    this.#post({ braid: "function", id, wire });
  }

  forgetFunction(id: number): void {
    if (this.#known.delete(id)) this.#post({ braid: "forget", id });
  }

  abandon(slot: number): void {
    this.#post({ braid: "abandon", slot });
  }

  /** Ends the thread, wherever it is. Resolves when it is gone. */
  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  #post(message: ToThread, wire?: Wire): void {
    this.#worker.postMessage(message, wire ? transferList(wire) : []);
  }
}

/** A thread takes over the options of the program; but this one is of `node -e` only, and would end it. */
function execArgv(): { execArgv?: string[] } {
  if (!process.execArgv.some((arg) => arg.startsWith("--input-type"))) return {};
  return { execArgv: process.execArgv.filter((arg) => /^--(conditions|import|require|disable-warning)=/.test(arg)) };
}

/** Why a thread died under a task. */
export function crash(
  { id, error: cause }: PoolThread,
  task: string,
  exitCode: number,
  wasStopped: boolean,
): ThreadCrashedError {
  const code = (cause as { code?: string } | undefined)?.code;
  let why = `it exited with code ${exitCode}`;
  if (code === "ERR_WORKER_OUT_OF_MEMORY") why = "it ran out of memory (the pool's maxHeapMb raises the limit)";
  else if (wasStopped) why = "it was stopped, to end another task that it had begun";
  else if (cause) why = `an error escaped: ${messageOf(cause)}`;
  return new ThreadCrashedError(`Thread ${id} died while it ran ${task}: ${why}.`, { cause, exitCode });
}
