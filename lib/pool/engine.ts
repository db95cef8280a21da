// A pool where it was made: what its methods come to. Functions become what can be sent, calls become jobs; the life of
// those is in lifecycle.ts.

import { State } from "../engine/slots.ts";
import { CancelledError, PoolClosedError } from "../errors.ts";
import { host } from "../host.ts";
import { encode, realm, smallClosure, snapshot, type Wire } from "../ship/index.ts";
import { Group } from "./group.ts";
import type { OwnEngine } from "./inside.ts";
import { Crew, crewName, OWNER } from "./crew.ts";
import { addStaff, type Staff } from "../sync/watch.ts";
import { called, unsendable, type Job, type Work } from "./job.ts";
import { Lifecycle } from "./lifecycle.ts";
import { now } from "./messages.ts";
import { nextEngineId, registerEngine } from "./nested-calls.ts";
import type { PoolStats } from "./pool.ts";
import type { Schedule } from "./schedule.ts";
import type { TraceEvent } from "./trace.ts";

export interface EngineOptions {
  readonly threads: number;
  readonly stackSizeMb?: number | undefined;
  readonly maxHeapMb?: number | undefined;
  readonly trace: boolean;
  readonly schedule: Schedule;
}

let groups = 0;

export class Engine implements OwnEngine, Staff {
  readonly id: number = nextEngineId();
  readonly between = "threads";
  readonly owner: string = realm;
  readonly begin: number = now();
  readonly #lifecycle: Lifecycle;

  constructor(options: EngineOptions) {
    this.#lifecycle = new Lifecycle(options, this);
    registerEngine(this);
    addStaff(this);
    const unlisten = host()?.onInterrupt((origin) => this.#interrupt(origin));
    if (unlisten) void this.#lifecycle.closed.then(unlisten);
  }

  get target(): number {
    return this.#lifecycle.team.target;
  }

  checkOpen(): void {
    const { state } = this.#lifecycle;
    if (state !== "open") throw new PoolClosedError(`The pool was ${state} and takes no more work: make a new Pool.`);
  }

  stats(): PoolStats {
    const { jobs, board, history } = this.#lifecycle;
    let running = 0;
    for (const job of jobs.all()) if (this.isRunning(job)) running++;
    const { done, failed, steals } = history;
    const { blocked } = board.running;
    return { threads: this.target, running, queued: jobs.size - running, blocked, done, failed, steals };
  }

  events(): TraceEvent[] {
    return this.#lifecycle.trace.events();
  }

  /** A thread has it, and all that it needs. */
  isRunning({ slot, isOver, parcel }: Job): boolean {
    return !isOver && !parcel && slot >= 0 && this.#lifecycle.board.slots.state(slot) !== State.queued;
  }

  /** Of a job that has not ended. */
  threadOf(job: Job): number | undefined {
    const { board, team } = this.#lifecycle;
    return this.isRunning(job) ? team.inSeat(board.slots.seat(job.slot))?.id : undefined;
  }

  staff(): number[] {
    return [...this.#lifecycle.team.threads].map(({ id }) => id);
  }

  mayGoOn(isBlocked: (thread: number) => boolean): boolean {
    const { jobs, team, board } = this.#lifecycle;
    const isStuck = (id: number | undefined): boolean => id !== undefined && isBlocked(id);
    if (jobs.all().some((job) => !isStuck(this.threadOf(job)))) return true;
    return [...team.threads].some(({ id, seat }) => !isBlocked(id) && !board.seats.isAsleep(seat));
  }

  startedMs({ slot, startMs }: Job): number | undefined {
    return startMs ?? ((slot >= 0 && this.#lifecycle.board.slots.started(slot)) || undefined);
  }

  /** Starts or queues a call. What it sends is taken as it is now. */
  call(work: Work, fn: Function, args: readonly unknown[]): Job {
    this.checkOpen();
    const { functions } = this.#lifecycle.team;
    const marked = functions.marked(fn);
    const quick = marked && this.#callSmall(work, marked.id, [...marked.values, ...args]);
    if (quick) return quick;
    const id = functions.numberOf(fn);
    if (id !== 0) return this.#callSmall(work, id, args) ?? this.add(work, encode({ fn, args }, { path: "" }));
    const wire = encode({ fn, args }, { path: "" });
    const closure = smallClosure(wire);
    const shared = closure ? functions.numberOfClosure(fn, closure) : 0;
    const job = shared === 0 ? undefined : this.#callSmall(work, shared, [...closure!.values, ...args]);
    return job ?? this.add(work, wire);
  }

  #callSmall(work: Work, fn: number, args: readonly unknown[]): Job | undefined {
    return this.#lifecycle.startSmall(work, fn, args, host()?.origin());
  }

  /** The same for what is encoded already. */
  add(work: Work, wire: Wire): Job {
    this.checkOpen();
    return this.#lifecycle.start(work, wire, host()?.origin());
  }

  /** A task that runs has made a call: one that a closed pool still finishes, too. */
  addNested(work: Work, wire: Wire, origin: number | undefined): Job {
    const { state, jobs } = this.#lifecycle;
    if (state === "terminated" || jobs.size === 0) this.checkOpen();
    return this.#lifecycle.start(work, wire, origin);
  }

  /** Ends a job that has not ended: takes it back, or stops its thread. */
  end(job: Job, error: unknown): void {
    if (!job.isOver) this.#lifecycle.end([job], () => error);
  }

  /** Ends the parts of a group that wait, and with `all` those that run. */
  endGroup(group: Group, error: unknown, all: boolean): void {
    this.#endAll(
      (job) => job.work.group === group && (all || !this.isRunning(job)),
      () => error,
    );
  }

  /** What the group shares is kept as it is now, for threads that get it later. */
  openGroup(wire: Wire, limit: number): Group {
    try {
      return new Group(++groups, snapshot(wire), limit);
    } catch (cause) {
      throw unsendable(cause);
    }
  }

  /** No more parts of the group will come. */
  closeGroup(group: Group): void {
    this.#lifecycle.team.closeGroup(group.id);
  }

  resize(threads: number): void {
    this.checkOpen();
    this.#lifecycle.resize(threads);
  }

  close(): Promise<void> {
    return this.#lifecycle.close();
  }

  terminate(): Promise<void> {
    const error = ({ work }: Job): Error =>
      new PoolClosedError(`The pool was terminated before ${called(work)} was done.`);
    return this.#lifecycle.terminate(error);
  }

  /** For the parallel loops of this thread. */
  get crew(): Crew {
    const { team, board } = this.#lifecycle;
    return (team.crew ??= new Crew(board, OWNER, crewName(this), undefined, team)) as Crew;
  }

  #interrupt(origin: number): void {
    this.#lifecycle.interrupted();
    (this.#lifecycle.team.crew as Crew | undefined)?.interrupted(origin);
    this.#lifecycle.team.endRegions(origin);
    this.#endAll(
      (job) => job.origin === origin,
      ({ work }) => new CancelledError(`Stopped ${called(work)}: the cell that started it was interrupted.`),
    );
  }

  #endAll(which: (job: Job) => boolean, error: (job: Job) => unknown): void {
    this.#lifecycle.end(this.#lifecycle.jobs.all().filter(which), error);
  }
}
