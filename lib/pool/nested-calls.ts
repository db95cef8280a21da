// The calls that the tasks of one thread have made: the owner runs them as its own, and sends the results back.

import { CancelledError, NotSendableError, PoolClosedError } from "../errors.ts";
import { encode, type Between, type Wire } from "../ship/index.ts";
import type { Group } from "./group.ts";
import type { OwnEngine } from "./inside.ts";
import { called, type Job, type Outcome } from "./job.ts";
import type { NestedMessage, NestedResult } from "./messages.ts";

/** By number: the pools that were made in this thread. */
const engines = new Map<number, WeakRef<OwnEngine>>();
let count = 0;

export function nextEngineId(): number {
  return ++count;
}

export function registerEngine(engine: OwnEngine): void {
  engines.set(engine.id, new WeakRef(engine));
  gone.register(engine, engine.id);
}

const gone = new FinalizationRegistry<number>((id) => engines.delete(id));

export function engineWithId(id: number): OwnEngine | undefined {
  return engines.get(id)?.deref();
}

interface OpenCall {
  readonly engine: OwnEngine;
  readonly job: Job;
}

export class NestedCalls {
  readonly #send: (result: NestedResult, wire: Wire) => void;
  readonly #jobs = new Map<number, OpenCall>();
  readonly #groups = new Map<number, { readonly engine: OwnEngine; readonly group: Group }>();
  readonly #between: Between;

  /** @param between what the results cross on their way back */
  constructor(send: (result: NestedResult, wire: Wire) => void, between: Between) {
    this.#send = send;
    this.#between = between;
  }

  heard(message: NestedMessage): void {
    const engine = engineWithId(message.pool);
    switch (message.braid) {
      case "call":
        return this.#call(engine, message);
      case "cancel": {
        const open = this.#jobs.get(message.call);
        if (open) open.engine.end(open.job, cancelled(open.job));
        return;
      }
      case "openGroup":
        return this.#openGroup(engine, message);
      case "endGroup": {
        const open = this.#groups.get(message.group);
        open?.engine.endGroup(open.group, new CancelledError("The call that this belongs to has ended."), message.all);
        return;
      }
      case "closeGroup": {
        const open = this.#groups.get(message.group);
        this.#groups.delete(message.group);
        open?.engine.closeGroup(open.group);
      }
    }
  }

  /** The task's thread can't read the result. */
  unread(call: number, why: string): void {
    this.#answer(call, { ok: false, error: new NotSendableError("result", `The result can't be read: ${why}.`) });
  }

  /** The thread is gone: nobody waits for these any more. */
  endAll(): void {
    for (const { engine, job } of this.#jobs.values()) engine.end(job, cancelled(job));
    for (const { engine, group } of this.#groups.values()) engine.closeGroup(group);
  }

  #call(
    engine: OwnEngine | undefined,
    { call, label, share, group, origin, wire }: NestedMessage & { braid: "call" },
  ): void {
    const work = {
      label,
      ...(share !== undefined && { share }),
      group: group === undefined ? undefined : this.#groups.get(group)?.group,
      isNested: true,
      settled: (outcome: Outcome): void => {
        this.#jobs.delete(call);
        this.#answer(call, outcome);
      },
    };
    try {
      if (!engine) throw new PoolClosedError("The pool is no longer there: the thread that made it has dropped it.");
      if (group !== undefined && !this.#groups.has(group))
        throw new NotSendableError(
          "args",
          "The thread that made the pool can't read what the parts of the call share.",
        );
      const job = engine.addNested(work, wire, origin);
      if (!job.isOver) this.#jobs.set(call, { engine, job });
    } catch (error) {
      this.#answer(call, { ok: false, error });
    }
  }

  /** Calls of a group that isn't there fail. */
  #openGroup(engine: OwnEngine | undefined, { group, limit, wire }: NestedMessage & { braid: "openGroup" }): void {
    try {
      if (engine) this.#groups.set(group, { engine, group: engine.openGroup(wire, limit) });
    } catch (error) {
      if (!(error instanceof NotSendableError)) throw error;
    }
  }

  #answer(call: number, outcome: Outcome): void {
    const { ok } = outcome;
    const more = ok ? {} : { index: outcome.index, stopped: outcome.stopped };
    try {
      const wire = encode(ok ? outcome.value : outcome.error, { path: "result", between: this.#between });
      this.#send({ braid: "result", call, ok, ...more, wire }, wire);
    } catch (error) {
      const wire = encode(error);
      this.#send({ braid: "result", call, ok: false, ...more, wire }, wire);
    }
  }
}

function cancelled({ work }: Job): CancelledError {
  return new CancelledError(`Cancelled: ${called(work)}.`);
}
