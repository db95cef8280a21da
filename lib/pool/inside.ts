// What the methods of a pool stand on: an engine, of threads or of processes, where the pool was made; a link to it
// anywhere else.

import type { Between, Wire } from "../ship/index.ts";
import type { Group } from "./group.ts";
import type { Job, Work } from "./job.ts";
import type { PoolStats } from "./pool.ts";
import type { TraceEvent } from "./trace.ts";

export interface Inside {
  /** Names it in the realm that made it. */
  readonly id: number;
  readonly owner: string;
  /** When it was made, on the common clock. */
  readonly begin: number;
  /** What its tasks cross on their way. */
  readonly between: Between;
  /** How many threads, or processes. */
  readonly target: number;
  checkOpen(): void;
  /** Starts or queues a call. What it sends is taken as it is now. */
  call(work: Work, fn: Function, args: readonly unknown[]): Job;
  /** The same for what is encoded already. */
  add(work: Work, wire: Wire): Job;
  /** Ends a job that has not ended: takes it back, or stops its thread. */
  end(job: Job, error: unknown): void;
  openGroup(wire: Wire, limit: number): Group;
  /** Ends the parts of a group that wait, and with `all` those that run. */
  endGroup(group: Group, error: unknown, all: boolean): void;
  /** No more parts of the group will come. */
  closeGroup(group: Group): void;
  isRunning(job: Job): boolean;
  threadOf(job: Job): number | undefined;
  startedMs(job: Job): number | undefined;
  resize(threads: number): void;
  stats(): PoolStats;
  events(): TraceEvent[];
  close(): Promise<void>;
  terminate(): Promise<void>;
}

/** Where a pool was made: it also takes the calls of its own tasks. */
export interface OwnEngine extends Inside {
  /** A task that runs has made a call: one that a closed pool still finishes, too. */
  addNested(work: Work, wire: Wire, origin: number | undefined): Job;
}

/** In the place of a pool's options: what is inside of it, made elsewhere. */
export class MadeInside {
  readonly inside: Inside;
  constructor(inside: Inside) {
    this.inside = inside;
  }
}
