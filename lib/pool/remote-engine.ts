// A pool in the hands of a task: its calls go by message to the thread that made the pool, and from there to any of its
// threads or processes. While a task awaits such calls its own thread takes other tasks, so that tasks may wait for tasks, however
// deep, also where there is one thread only.

import { AsyncLocalStorage } from "node:async_hooks";
import { NotSendableError } from "../errors.ts";
import { host } from "../host.ts";
import { encode, type Between, type Wire } from "../ship/index.ts";
import { outcomeOf } from "./answers.ts";
import { Group } from "./group.ts";
import type { Inside } from "./inside.ts";
import { Job, unsendable, type Outcome, type Work } from "./job.ts";
import type { NestedMessage, NestedResult } from "./messages.ts";
import type { PoolStats } from "./pool.ts";
import type { TraceEvent } from "./trace.ts";

/** A task that has begun in this thread: how many of its own calls it may be waiting for. */
export interface OpenTask {
  calls: number;
}

/** The task that the running code belongs to, also after it has awaited something. */
export const openTask = new AsyncLocalStorage<OpenTask>();

/** The way from a pool's thread or process to the thread that made the pool. */
export interface OwnerLink {
  readonly owner: string;
  readonly between: Between;
  /** The pool of threads that this thread belongs to. */
  readonly pool: PoolData | undefined;
  post(message: NestedMessage, wire?: Wire): void;
  /** A task has made a call, or got the result of one. */
  called(task: OpenTask | undefined, change: 1 | -1): void;
}

/** What a pool is on the way to another thread. */
export interface PoolData {
  readonly owner: string;
  readonly id: number;
  readonly threads: number;
  readonly begin: number;
  readonly between: Between;
}

export function poolData({ owner, id, target, begin, between }: Inside): PoolData {
  return { owner, id, threads: target, begin, between };
}

let link: OwnerLink | undefined;

/** Undefined where no pool runs its tasks. */
export function ownerLink(): OwnerLink | undefined {
  return link;
}

export function setOwnerLink(value: OwnerLink): void {
  link = value;
}

interface OpenCall {
  readonly job: Job;
  readonly task: OpenTask | undefined;
}

const calls = new Map<number, OpenCall>();
let count = 0;

function post(message: NestedMessage, wire: Wire): void {
  try {
    link!.post(message, wire);
  } catch (cause) {
    throw unsendable(cause);
  }
}

/** The owner has the result of a call. */
export async function heardResult(result: NestedResult): Promise<void> {
  if (calls.has(result.call)) settle(result.call, await outcomeOf(result));
}

/** The owner can't read it. */
export function callUnread(call: number, why: string): void {
  const text = `The task can't be read by the thread that made the pool: ${why}.`;
  settle(call, { ok: false, error: new NotSendableError("args", text) });
}

function settle(call: number, outcome: Outcome): void {
  const open = calls.get(call);
  if (!open) return;
  calls.delete(call);
  const { job, task } = open;
  job.isOver = true;
  job.work.settled(outcome, job);
  link!.called(task, -1);
}

export class RemoteEngine implements Inside {
  readonly id: number;
  readonly owner: string;
  readonly begin: number;
  readonly target: number;
  readonly between: Between;

  constructor({ id, owner, begin, threads, between }: PoolData) {
    this.id = id;
    this.owner = owner;
    this.begin = begin;
    this.target = threads;
    this.between = link?.between === "processes" ? "processes" : between;
  }

  checkOpen(): void {
    // The owner knows.
  }

  call(work: Work, fn: Function, args: readonly unknown[]): Job {
    return this.add(work, encode({ fn, args }, { path: "", between: this.between }));
  }

  add(work: Work, wire: Wire): Job {
    const call = ++count;
    const origin = host()?.origin();
    const job = new Job(call, work, origin, undefined);
    const { label, share, group } = work;
    post({ braid: "call", pool: this.id, call, label, share, group: group?.id, origin, wire }, wire);
    const task = openTask.getStore();
    calls.set(call, { job, task });
    link!.called(task, 1);
    return job;
  }

  end(job: Job, error: unknown): void {
    if (job.isOver) return;
    link!.post({ braid: "cancel", pool: this.id, call: job.id });
    settle(job.id, { ok: false, error, stopped: true });
  }

  openGroup(wire: Wire, limit: number): Group {
    const group = new Group(++count, wire, limit);
    post({ braid: "openGroup", pool: this.id, group: group.id, limit, wire }, wire);
    return group;
  }

  endGroup(group: Group, error: unknown, all: boolean): void {
    link!.post({ braid: "endGroup", pool: this.id, group: group.id, all });
    for (const [call, { job }] of calls)
      if (job.work.group === group) settle(call, { ok: false, error, stopped: true });
  }

  closeGroup(group: Group): void {
    link!.post({ braid: "closeGroup", pool: this.id, group: group.id });
  }

  isRunning(): boolean {
    return false;
  }

  threadOf(): undefined {
    return undefined;
  }

  startedMs(): undefined {
    return undefined;
  }

  resize(): never {
    return this.#refuse("resize");
  }

  stats(): PoolStats {
    return this.#refuse("stats");
  }

  events(): TraceEvent[] {
    return this.#refuse("trace");
  }

  close(): never {
    return this.#refuse("close");
  }

  terminate(): never {
    return this.#refuse("terminate");
  }

  #refuse(method: string): never {
    throw new Error(`pool.${method}() works in the thread that made the pool; a task can run(), submit() and map().`);
  }
}
