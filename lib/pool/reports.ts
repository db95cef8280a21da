// What the threads of a pool tell their owner by message.

import { types } from "node:util";
import { NotSendableError } from "../errors.ts";
import { outcomeOf } from "./answers.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { History } from "./history.ts";
import type { Job, Outcome } from "./job.ts";
import type { FromThread, ToThread, Unread } from "./messages.ts";
import type { Team } from "./team.ts";
import type { PoolThread } from "./thread.ts";
import type { Trace } from "./trace.ts";
import { afterWait, isInWait } from "./while-blocked.ts";

/** What follows from it. */
export interface Consequences {
  settle(job: Job, outcome: Outcome): void;
  /** It counts in its group no more: the next part can begin. */
  leave(job: Job): void;
  /** There are free slots. */
  next(): void;
  /** Threads may be missing; the second, also where no job asks for them. */
  makeUp(): void;
  refill(): void;
}

export class Reports {
  readonly #team: Team;
  readonly #dispatcher: Dispatcher;
  readonly #history: History;
  readonly #trace: Trace;
  readonly #then: Consequences;

  constructor(team: Team, dispatcher: Dispatcher, history: History, trace: Trace, then: Consequences) {
    this.#team = team;
    this.#dispatcher = dispatcher;
    this.#history = history;
    this.#trace = trace;
    this.#then = then;
  }

  heard(thread: PoolThread, message: Exclude<FromThread, Unread>): void {
    switch (message.braid) {
      case "ready":
        this.#team.started(thread);
        return this.#then.refill();
      case "blocked":
        return this.#then.makeUp();
      case "stopped":
        return this.#dispatcher.takeBack(message.slot, thread);
      case "waited": {
        const job = this.#dispatcher.jobIn(message.slot);
        return job && this.#trace.waited(job, thread.id, message.fromMs, message.toMs);
      }
      case "want":
        return this.#sendWanted(message.slot, thread);
      case "done":
        return this.#answered(thread, message);
      default:
        thread.nested.heard(message);
    }
  }

  #sendWanted(slot: number, thread: PoolThread): void {
    const job = this.#dispatcher.jobIn(slot);
    if (!job) return;
    try {
      if (job.isOver) this.#dispatcher.sendNothing(slot, thread, false);
      else this.#dispatcher.send(job, thread, false);
    } catch (error) {
      this.#then.settle(job, { ok: false, error });
    }
  }

  #answered(thread: PoolThread, message: FromThread & { braid: "done" }): void {
    const job = this.#dispatcher.jobIn(message.slot);
    if (!job) return;
    this.#history.read(job);
    this.#dispatcher.release(message.slot);
    const settle = (outcome: Outcome): void => {
      if (!outcome.ok && !message.ok && types.isNativeError(outcome.error))
        outcome.error.stack += `\n    at thread ${thread.id}`;
      this.#then.settle(job, outcome);
      this.#then.next();
    };
    const read = (): void => {
      const outcome = outcomeOf(message, isInWait());
      if (outcome instanceof Promise) void outcome.then(settle);
      else settle(outcome);
    };
    if (!isInWait() || job.work.isNested) return read();
    // To read it may call code of the program.
    afterWait(read);
    this.#then.leave(job);
    this.#then.next();
  }

  /** The thread can't read what it was sent. */
  unread(thread: PoolThread, message: ToThread, why: string): void {
    if (message.braid === "result") return thread.nested.unread(message.call, why);
    // A function: tasks would wait for it for ever.
    if (message.braid !== "task") return this.#team.stop(thread);
    const job = this.#dispatcher.jobIn(message.slot);
    if (!job) return;
    if (message.group !== undefined) thread.forgetGroup(message.group);
    this.#dispatcher.sendNothing(message.slot, thread, message.unasked);
    const text = `The task can't be read by its thread: ${why}.`;
    this.#then.settle(job, { ok: false, error: new NotSendableError("args", text) });
  }
}
