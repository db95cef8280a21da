// The inside of a pool of processes, and the promise that every job is settled exactly once. A job is given to one process
// only, once, and only when that is free: so a process that dies takes with it what it ran and nothing else, and nothing
// is ever run a second time. Its answer, its process's end, or someone who ends it settles a job; the first counts.

import { types } from "node:util";
import { CancelledError, PoolClosedError, ProcessCrashedError, type ProcessEnd } from "../errors.ts";
import { host } from "../host.ts";
import { receive } from "../pool/callable.ts";
import { Group } from "../pool/group.ts";
import type { OwnEngine } from "../pool/inside.ts";
import { JobList } from "../pool/job-list.ts";
import { called, Job, unsendable, type Outcome, type Work } from "../pool/job.ts";
import { now } from "../pool/messages.ts";
import { nextEngineId, registerEngine } from "../pool/nested-calls.ts";
import type { PoolStats } from "../pool/pool.ts";
import { Queue } from "../pool/queue.ts";
import { isForAll, placeOf, type Schedule } from "../pool/schedule.ts";
import { SharedFunctions } from "../pool/shared-functions.ts";
import { Trace, type TraceEvent } from "../pool/trace.ts";
import { encode, isPrimitive, realm, smallClosure, type Wire } from "../ship/index.ts";
import { fromBytes, toBytes } from "./bytes.ts";
import { crashUnder, type PoolProcess } from "./child.ts";
import type { LaunchOptions } from "./launch.ts";
import type { FromProcess, Primitive, ToProcess } from "./messages.ts";
import { MAX_FAILED_STARTS, ProcessTeam } from "./team.ts";

export interface ProcessEngineOptions extends LaunchOptions {
  readonly processes: number;
  readonly trace: boolean;
  readonly schedule: Schedule;
}

/** How long a process gets to let go of one task among several. */
const ABANDON_MS = 100;

class ProcessJob extends Job {
  /** Gone once it is sent. */
  message: ToProcess | undefined;
  /** Where it runs. */
  process: PoolProcess | undefined;
  /** In which lane it waits, or did. */
  lane = 0;
}

class ProcessGroup extends Group {
  readonly bytes: Uint8Array = written(this.wire);
}

let groups = 0;

export class ProcessEngine implements OwnEngine {
  readonly id: number = nextEngineId();
  readonly owner: string = realm;
  readonly between = "processes";
  readonly begin: number = now();
  target: number;
  readonly #options: ProcessEngineOptions;
  readonly #trace: Trace;
  readonly #team: ProcessTeam;
  readonly #functions = new SharedFunctions((id) => {
    this.#functionBytes.delete(id);
    for (const process of this.#team.processes) process?.forget(id);
  });
  readonly #functionBytes = new Map<number, Uint8Array>();
  /** All that have not ended. */
  readonly #jobs = new JobList();
  readonly #byId = new Map<number, ProcessJob>();
  /** Those that wait: one lane for all processes, or one for each seat. */
  #lanes: Queue<ProcessJob>[] = [];
  readonly #unlisten: (() => void) | undefined;
  readonly #closed = Promise.withResolvers<void>();
  #state: "open" | "closed" | "terminated" = "open";
  #count = 0;
  #turn = 0;
  #done = 0;
  #failed = 0;

  constructor(options: ProcessEngineOptions) {
    this.#options = options;
    this.target = options.processes;
    this.#trace = new Trace(options.trace, this.begin);
    this.#team = new ProcessTeam(options, isForAll(options.schedule), {
      heard: (child, message) => this.#heard(child, message),
      changed: () => this.#next(),
      gone: (child) => this.#gone(child),
      givenUp: (seat, why, details) => this.#givenUp(seat, why, details),
    });
    this.#setLanes();
    registerEngine(this);
    this.#unlisten = host()?.onInterrupt((origin) => this.#interrupt(origin));
  }

  checkOpen(): void {
    if (this.#state === "open") return;
    throw new PoolClosedError(`The pool was ${this.#state} and takes no more work: make a new ProcessPool.`);
  }

  stats(): PoolStats {
    let running = 0;
    for (const job of this.#jobs.all()) if (this.isRunning(job)) running++;
    const queued = this.#jobs.size - running;
    return { threads: this.target, running, queued, blocked: 0, done: this.#done, failed: this.#failed, steals: 0 };
  }

  events(): TraceEvent[] {
    return this.#trace.events();
  }

  isRunning(job: Job): boolean {
    return !job.isOver && (job as ProcessJob).process !== undefined;
  }

  threadOf(job: Job): number | undefined {
    return (job as ProcessJob).process?.pid;
  }

  startedMs({ startMs }: Job): number | undefined {
    return startMs;
  }

  /** Starts or queues a call. What it sends is taken as it is now. */
  call(work: Work, fn: Function, args: readonly unknown[]): Job {
    this.checkOpen();
    const origin = host()?.origin();
    const marked = this.#functions.marked(fn);
    if (marked) return this.#run(work, marked.id, marked.values, args, origin);
    const known = this.#functions.numberOf(fn);
    if (known !== 0) return this.#run(work, known, [], args, origin);
    const wire = encode({ fn, args }, { path: "", between: this.between });
    const closure = smallClosure(wire);
    const shared = closure ? this.#functions.numberOfClosure(fn, closure) : 0;
    return shared === 0 ? this.#addWire(work, wire, origin) : this.#run(work, shared, closure!.values, args, origin);
  }

  /** A call of a function that processes know by number. */
  #run(work: Work, fn: number, captured: unknown[], args: readonly unknown[], origin: number | undefined): Job {
    const id = ++this.#count;
    const isSmall = args.every(isPrimitive);
    const first = (isSmall ? [...captured, ...args] : captured) as Primitive[];
    const rest = isSmall ? undefined : written(encode(args, { path: "args", between: this.between }));
    const message = {
      braid: "run",
      id,
      fn,
      args: first,
      ...(rest && { rest }),
      ...(origin !== undefined && { origin }),
    };
    return this.#add(work, message as ToProcess, id, origin);
  }

  add(work: Work, wire: Wire): Job {
    this.checkOpen();
    return this.#addWire(work, wire, host()?.origin());
  }

  addNested(work: Work, wire: Wire, origin: number | undefined): Job {
    if (this.#state === "terminated" || this.#jobs.size === 0) this.checkOpen();
    return this.#addWire(work, wire, origin);
  }

  #addWire(work: Work, wire: Wire, origin: number | undefined): Job {
    const bytes = written(wire);
    const id = ++this.#count;
    const message = {
      braid: "task",
      id,
      bytes,
      group: work.group?.id,
      ...(origin !== undefined && { origin }),
    } as const;
    return this.#add(work, message, id, origin);
  }

  #add(work: Work, message: ToProcess, id: number, origin: number | undefined): Job {
    const job = new ProcessJob(id, work, origin, undefined);
    job.message = message;
    this.#jobs.add(job);
    this.#byId.set(id, job);
    this.#trace.enqueued(job);
    const { group } = work;
    if (group?.isFull) group.wait(job);
    else this.#place(job);
    this.#next();
    return job;
  }

  end(job: Job, error: unknown): void {
    if (!job.isOver) this.#end([job as ProcessJob], () => error);
  }

  openGroup(wire: Wire, limit: number): ProcessGroup {
    return new ProcessGroup(++groups, wire, limit);
  }

  endGroup(group: Group, error: unknown, all: boolean): void {
    const ends = (job: Job): boolean => job.work.group === group && (all || !this.isRunning(job));
    this.#end(this.#all().filter(ends), () => error);
  }

  closeGroup(group: Group): void {
    for (const process of this.#team.processes) process?.closeGroup(group.id);
  }

  resize(processes: number): void {
    this.checkOpen();
    this.target = processes;
    this.#setLanes();
    this.#next();
  }

  close(): Promise<void> {
    if (this.#state === "open") this.#state = "closed";
    this.#finish();
    return this.#closed.promise;
  }

  terminate(): Promise<void> {
    this.#state = "terminated";
    this.#end(this.#all(), ({ work }) => {
      return new PoolClosedError(`The pool was terminated before ${called(work)} was done.`);
    });
    this.#finish();
    return this.#closed.promise;
  }

  // ---- jobs to processes

  #all(): ProcessJob[] {
    return this.#jobs.all() as ProcessJob[];
  }

  #place(job: ProcessJob): void {
    const { group, share } = job.work;
    if (!job.isInGroup) group?.enter(job);
    job.lane = placeOf(this.#options.schedule, this.#lanes.length, this.#turn++, share);
    this.#lanes[job.lane]!.push(job);
  }

  /** Gives jobs that wait to processes that are free, and starts processes for the others. */
  #next(): void {
    for (const [seat, process] of this.#team.processes.entries()) {
      while (process?.isFree) {
        const job = this.#take(seat);
        if (!job) break;
        this.#send(job, process);
      }
    }
    if (this.#state !== "terminated") this.#team.grow(this.#jobs.size);
  }

  #take(seat: number): ProcessJob | undefined {
    const lane = this.#lanes[this.#lanes.length === 1 ? 0 : seat]!;
    let job = lane.shift();
    while (job?.isOver) job = lane.shift();
    return job;
  }

  #send(job: ProcessJob, process: PoolProcess): void {
    const { message, work } = job;
    job.message = undefined;
    job.process = process;
    job.thread = process.pid;
    job.startMs = now();
    if (message!.braid === "run") process.define(message!.fn, () => this.#bytesOf(message!.fn));
    const { group } = work as { group?: ProcessGroup };
    if (group) process.openGroup(group.id, group.bytes);
    process.begin(job.id, message!);
  }

  #bytesOf(fn: number): Uint8Array {
    let bytes = this.#functionBytes.get(fn);
    if (!bytes) this.#functionBytes.set(fn, (bytes = toBytes(this.#functions.wireOf(fn))));
    return bytes;
  }

  // ---- processes to jobs

  #heard(child: PoolProcess, message: FromProcess): void {
    if (message.braid === "ready") child.isReady = true;
    else if (message.braid === "value" || message.braid === "done" || message.braid === "abandoned") {
      const job = this.#byId.get(message.id);
      child.ended(message.id);
      child.hasWorked = true;
      if (job && message.braid === "value") this.#settle(job, { ok: true, value: message.value });
      else if (job && message.braid === "done") void this.#read(job, child, message);
      if (child.isRetiring && child.isIdle) this.#team.leave(child);
    }
    this.#next();
  }

  async #read(
    job: ProcessJob,
    { pid }: PoolProcess,
    { ok, bytes, index }: FromProcess & { braid: "done" },
  ): Promise<void> {
    job.endMs = now();
    // It no longer needs its process.
    job.process = undefined;
    let outcome: Outcome;
    try {
      const value = await receive(fromBytes(bytes) as Wire);
      if (!ok && types.isNativeError(value)) value.stack += `\n    at process ${pid}`;
      outcome = ok ? { ok, value } : { ok, error: value, index };
    } catch (error) {
      outcome = { ok: false, error, index };
    }
    this.#settle(job, outcome);
    this.#next();
  }

  #settle(job: ProcessJob, outcome: Outcome): void {
    if (job.isOver) return;
    job.isOver = true;
    job.message = undefined;
    job.process = undefined;
    job.endMs ??= now();
    this.#jobs.delete(job);
    this.#byId.delete(job.id);
    if (outcome.ok) this.#done++;
    else this.#failed++;
    this.#trace.ended(job);
    this.#leaveGroup(job);
    job.work.settled(outcome, job);
    this.#finish();
  }

  #leaveGroup(job: ProcessJob): void {
    const { group } = job.work;
    if (!group?.leave(job)) return;
    for (let next = group.next(); next; next = group.next()) this.#place(next as ProcessJob);
  }

  /** Ends jobs that have not ended: all their processes are stopped before anyone is told or a new one started. */
  #end(jobs: readonly ProcessJob[], error: (job: ProcessJob) => unknown): void {
    const ending = new Set(jobs.map(({ id }) => id));
    for (const { id, process } of jobs) {
      if (!process) continue;
      if ([...process.tasks].every((task) => ending.has(task) || !this.#byId.has(task))) this.#team.kill(process);
      else this.#abandon(id, process);
    }
    for (const job of jobs) this.#settle(job, { ok: false, error: error(job), stopped: true });
    this.#next();
  }

  /** The process has begun other tasks, too, and goes on with them; but if it spins it has to be stopped. */
  #abandon(id: number, process: PoolProcess): void {
    process.abandon(id);
    setTimeout(() => {
      if ([...process.tasks].includes(id)) this.#team.kill(process);
    }, ABANDON_MS).unref();
  }

  #interrupt(origin: number): void {
    this.#end(
      this.#all().filter((job) => job.origin === origin),
      ({ work }) => new CancelledError(`Stopped ${called(work)}: the cell that started it was interrupted.`),
    );
  }

  // ---- processes

  /** As many lanes as processes are asked for, or one for all; what waits finds its place in them. */
  #setLanes(): void {
    this.#team.resize(this.target);
    const before = this.#lanes;
    this.#lanes = Array.from({ length: isForAll(this.#options.schedule) ? 1 : this.target }, () => new Queue());
    const waiting = before.flatMap((lane) => Array.from({ length: lane.length }, () => lane.shift()!));
    for (const job of waiting.sort((a, b) => a.id - b.id)) if (!job.isOver) this.#place(job);
  }

  #gone(process: PoolProcess): void {
    process.endCalls();
    for (const id of process.tasks) {
      const job = this.#byId.get(id);
      if (job) this.#settle(job, { ok: false, error: crashUnder(process, called(job.work)) });
    }
    this.#team.gone(process);
    this.#next();
    this.#finish();
  }

  #givenUp(seat: number, why: string, details: ErrorOptions & ProcessEnd): void {
    for (const job of this.#all()) {
      if (job.process || !job.message || (this.#lanes.length > 1 && job.lane !== seat)) continue;
      const text = `No process could be started for ${called(job.work)}, ${MAX_FAILED_STARTS} times in a row: ${why}.`;
      this.#settle(job, { ok: false, error: new ProcessCrashedError(text, details) });
    }
  }

  /** When a pool that takes no more work has none left, its processes end. */
  #finish(): void {
    if (this.#state === "open" || this.#jobs.size > 0) return;
    this.#unlisten?.();
    this.#jobs.close();
    void this.#team.dismiss(this.#state === "terminated").then(() => this.#closed.resolve());
  }
}

function written(wire: Wire): Uint8Array {
  try {
    return toBytes(wire);
  } catch (cause) {
    throw unsendable(cause, "process");
  }
}
