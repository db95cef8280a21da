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
import { called, Job, messageOf, unsendable, type Outcome, type Work } from "../pool/job.ts";
import { now } from "../pool/messages.ts";
import { nextEngineId, registerEngine } from "../pool/nested-calls.ts";
import type { PoolStats } from "../pool/pool.ts";
import { Queue } from "../pool/queue.ts";
import { isForAll, placeOf, type Schedule } from "../pool/schedule.ts";
import { SharedFunctions } from "../pool/shared-functions.ts";
import { Trace, type TraceEvent } from "../pool/trace.ts";
import { encode, isPrimitive, realm, smallClosure, type Wire } from "../ship/index.ts";
import { backoffMs } from "./backoff.ts";
import { fromBytes, toBytes } from "./bytes.ts";
import { crashUnder, howItEnded, PoolProcess, type ProcessEvents } from "./child.ts";
import type { LaunchOptions } from "./launch.ts";
import type { FromProcess, Primitive, ToProcess } from "./messages.ts";

export interface ProcessEngineOptions extends LaunchOptions {
  readonly processes: number;
  readonly trace: boolean;
  readonly schedule: Schedule;
}

/** A process that ends before it has run anything is started again after 100, 200, 400, 800 ms; then it is given up. */
const BACKOFF = { firstMs: 100, maxMs: 5000 };
const MAX_FAILED_STARTS = 5;
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

/** A place for a process. */
interface Seat {
  process: PoolProcess | undefined;
  /** Starts in a row that failed. */
  failures: number;
  /** Until it is tried again. */
  timer: NodeJS.Timeout | undefined;
  /** Given up, as long as others run. */
  isDown: boolean;
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
  readonly #events: ProcessEvents;
  readonly #functions = new SharedFunctions((id) => {
    this.#functionBytes.delete(id);
    for (const { process } of this.#seats) process?.forget(id);
  });
  readonly #functionBytes = new Map<number, Uint8Array>();
  /** All that have not ended. */
  readonly #jobs = new JobList();
  readonly #byId = new Map<number, ProcessJob>();
  /** Those that wait: one lane for all processes, or one for each seat. */
  #lanes: Queue<ProcessJob>[] = [];
  #seats: Seat[] = [];
  /** So many processes have had something to do at a time. */
  #wanted = 0;
  /** Processes that were told to end, and are not gone. */
  readonly #leaving = new Map<PoolProcess, Promise<void>>();
  readonly #unlisten: (() => void) | undefined;
  readonly #closed = Promise.withResolvers<void>();
  #hasWarned = false;
  #state: "open" | "closed" | "terminated" = "open";
  #count = 0;
  #turn = 0;
  #done = 0;
  #failed = 0;

  constructor(options: ProcessEngineOptions) {
    this.#options = options;
    this.target = options.processes;
    this.#trace = new Trace(options.trace, this.begin);
    this.#events = {
      heard: (child, message) => this.#heard(child, message),
      changed: () => this.#next(),
      gone: (child) => this.#gone(child),
    };
    this.#setSeats();
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
    for (const { process } of this.#seats) process?.closeGroup(group.id);
  }

  resize(processes: number): void {
    this.checkOpen();
    this.target = processes;
    this.#setSeats();
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
    for (const [seat, { process }] of this.#seats.entries()) {
      while (process?.isFree) {
        const job = this.#take(seat);
        if (!job) break;
        this.#send(job, process);
      }
    }
    this.#grow();
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
      if (child.isRetiring && child.isIdle) this.#leave(child);
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
      if ([...process.tasks].every((task) => ending.has(task) || !this.#byId.has(task))) this.#kill(process);
      else this.#abandon(id, process);
    }
    for (const job of jobs) this.#settle(job, { ok: false, error: error(job), stopped: true });
    this.#next();
  }

  /** The process has begun other tasks, too, and goes on with them; but if it spins it has to be stopped. */
  #abandon(id: number, process: PoolProcess): void {
    process.abandon(id);
    setTimeout(() => {
      if ([...process.tasks].includes(id)) this.#kill(process);
    }, ABANDON_MS).unref();
  }

  #interrupt(origin: number): void {
    this.#end(
      this.#all().filter((job) => job.origin === origin),
      ({ work }) => new CancelledError(`Stopped ${called(work)}: the cell that started it was interrupted.`),
    );
  }

  // ---- processes

  /** As many seats as processes are asked for; who sits elsewhere leaves when its tasks are done. */
  #setSeats(): void {
    const { schedule } = this.#options;
    for (const { process, timer } of this.#seats.splice(this.target)) {
      clearTimeout(timer);
      if (process) this.#retire(process);
    }
    while (this.#seats.length < this.target)
      this.#seats.push({ process: undefined, failures: 0, timer: undefined, isDown: false });
    for (const seat of this.#seats) seat.isDown = false;
    const before = this.#lanes;
    this.#lanes = Array.from({ length: isForAll(schedule) ? 1 : this.target }, () => new Queue());
    const waiting = before.flatMap((lane) => Array.from({ length: lane.length }, () => lane.shift()!));
    for (const job of waiting.sort((a, b) => a.id - b.id)) if (!job.isOver) this.#place(job);
  }

  /** Starts the processes that are missing: as many as have had something to do at a time. */
  #grow(): void {
    if (this.#state === "terminated") return;
    this.#wanted = Math.max(this.#wanted, this.#jobs.size);
    if (this.#lanes.length > 1 && this.#jobs.size > 0) this.#wanted = Infinity;
    for (const seat of this.#seats.slice(0, this.#wanted))
      if (!seat.process && !seat.timer && !seat.isDown && (seat.failures === 0 || this.#jobs.size > 0)) {
        this.#start(seat);
      }
  }

  #start(seat: Seat): void {
    try {
      seat.process = new PoolProcess(this.#options, this.#events);
    } catch (cause) {
      this.#failedStart(seat, messageOf(cause), { cause });
    }
  }

  #retire(process: PoolProcess): void {
    process.isRetiring = true;
    if (process.isIdle) this.#leave(process);
    else this.#leaving.set(process, process.gone);
  }

  /** It has nothing to do any more. */
  #leave(process: PoolProcess): void {
    this.#leaving.set(process, process.leave());
  }

  #kill(process: PoolProcess): void {
    const seat = this.#seats.find((one) => one.process === process);
    if (seat) seat.process = undefined;
    this.#leaving.set(process, process.kill());
  }

  #gone(process: PoolProcess): void {
    this.#leaving.delete(process);
    process.endCalls();
    for (const id of process.tasks) {
      const job = this.#byId.get(id);
      if (job) this.#settle(job, { ok: false, error: crashUnder(process, called(job.work)) });
    }
    const seat = this.#seats.find((one) => one.process === process);
    if (seat) {
      seat.process = undefined;
      // By itself, with nothing done and nothing to do.
      if (process.isIdle && !process.hasWorked)
        this.#failedStart(seat, howItEnded(process), { cause: process.error, ...process.end });
      else seat.failures = 0;
    }
    this.#next();
    this.#finish();
  }

  #failedStart(seat: Seat, why: string, details: ErrorOptions & ProcessEnd): void {
    if (++seat.failures < MAX_FAILED_STARTS) {
      seat.timer = setTimeout(
        () => {
          seat.timer = undefined;
          this.#next();
        },
        backoffMs(seat.failures, BACKOFF),
      ).unref();
      return;
    }
    seat.failures = 0;
    const isShared = this.#lanes.length === 1;
    if (isShared && this.#seats.some(({ process: other, timer }) => other || timer)) {
      seat.isDown = true;
      this.#warnOfFew(why);
      return;
    }
    for (const one of this.#seats) one.isDown = false;
    // The next job tries again.
    this.#wanted = 0;
    const lane = this.#seats.indexOf(seat);
    for (const job of this.#all()) {
      if (job.process || !job.message || (!isShared && job.lane !== lane)) continue;
      const text = `No process could be started for ${called(job.work)}, ${MAX_FAILED_STARTS} times in a row: ${why}.`;
      this.#settle(job, { ok: false, error: new ProcessCrashedError(text, details) });
    }
  }

  #warnOfFew(why: string): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    const few = this.#seats.filter(({ isDown }) => !isDown).length;
    process.emitWarning(`Only ${few} of a pool's ${this.target} processes could be started: ${why}.`, "BraidWarning");
  }

  /** When a pool that takes no more work has none left, its processes end. */
  #finish(): void {
    if (this.#state === "open" || this.#jobs.size > 0) return;
    for (const seat of this.#seats) {
      clearTimeout(seat.timer);
      seat.timer = undefined;
      const { process } = seat;
      seat.process = undefined;
      if (process && this.#state === "terminated") this.#leaving.set(process, process.kill());
      else if (process) this.#leave(process);
    }
    this.#seats = [];
    this.#unlisten?.();
    this.#jobs.close();
    void Promise.all(this.#leaving.values()).then(() => this.#closed.resolve());
  }
}

function written(wire: Wire): Uint8Array {
  try {
    return toBytes(wire);
  } catch (cause) {
    throw unsendable(cause, "process");
  }
}
