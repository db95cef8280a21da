// The inside of a pool: threads, board, and the promise that every job is settled exactly once. A job ends by the answer
// of its thread, by the end of that thread, or by someone who ends it; whichever comes first counts.

import { availableParallelism } from "node:os";
import { types } from "node:util";
import { MessageChannel, threadId } from "node:worker_threads";
import { Board, MAX_LANES, MAX_SEATS, SLOTS, State, VALUE_BYTES } from "../engine/board.ts";
import { SmallValueWriter } from "../engine/small-values.ts";
import { CancelledError, NotSendableError, PoolClosedError, ThreadCrashedError } from "../errors.ts";
import { host } from "../host.ts";
import { decode, encode, prepare, realm, smallClosure, snapshot, whyNotCloned, type Wire } from "../ship/index.ts";
import { called, Job, unsendable, type Group, type Outcome, type Work } from "./job.ts";
import { now, type FromThread } from "./messages.ts";
import { isForAll, placeOf, steals, type Schedule } from "./schedule.ts";
import type { OwnEngine } from "./inside.ts";
import { nextEngineId, registerEngine } from "./nested-calls.ts";
import { JobList } from "./job-list.ts";
import type { PoolStats } from "./pool.ts";
import { Queue } from "./queue.ts";
import { SharedFunctions } from "./shared-functions.ts";
import { crash, PoolThread, type ThreadEvents } from "./thread.ts";
import { poolData } from "./remote-engine.ts";
import { Trace, type TraceEvent } from "./trace.ts";

export interface EngineOptions {
  readonly threads: number;
  readonly stackSizeMb?: number | undefined;
  readonly maxHeapMb?: number | undefined;
  readonly trace: boolean;
  readonly schedule: Schedule;
}

const MAX_FAILED_STARTS = 3;
/** How long a thread gets to let go of one task among several. */
const ABANDON_MS = 100;
/** At most so many threads are started in the place of blocked ones. */
const MAX_SPARES = 256;

let groups = 0;

export class Engine implements OwnEngine {
  readonly id: number = nextEngineId();
  readonly between = "threads";
  readonly owner: string = realm;
  readonly begin: number = now();
  target: number;
  readonly #trace: Trace;
  #done = 0;
  #failed = 0;
  #steals = 0;
  readonly #options: EngineOptions;
  readonly #board: Board;
  readonly #functions = new SharedFunctions((id) => {
    this.#sentTo.delete(id);
    for (const thread of this.#threads) thread.forgetFunction(id);
  });
  /** All that have not ended. */
  readonly #jobs = new JobList();
  /** By slot: also a job that has ended, as long as its thread may write there. */
  readonly #bySlot: (Job | undefined)[] = [];
  readonly #freeSlots: number[] = [];
  #slotsUsed = 0;
  /** Jobs that no slot was free for. */
  readonly #waiting = new Queue<Job>();
  #turn = 0;
  readonly #threads = new Set<PoolThread>();
  readonly #seats: (PoolThread | undefined)[] = [];
  readonly #stopping = new Set<Promise<void>>();
  readonly #events: ThreadEvents;
  readonly #unlisten: (() => void) | undefined;
  readonly #closed = Promise.withResolvers<void>();
  /** Keeps the program alive while there is work. */
  readonly #life = new MessageChannel();
  /** It has been told that there are fewer threads than were asked for. */
  #hasWarned = false;
  /** A thread has run its first line. */
  #hasStarted = false;
  /** Threads in a row that ended before they ran. */
  #failedStarts = 0;
  #isListening = false;
  /** By function: the threads, by their version, that know it. */
  readonly #sentTo = new Map<number, number>();
  /** Counts the changes of who the threads are. */
  #threadsVersion = 0;
  #state: "open" | "closed" | "terminated" = "open";
  #count = 0;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.target = options.threads;
    this.#trace = new Trace(options.trace, this.begin);
    const lanes = Math.min(MAX_LANES, Math.max(options.threads, availableParallelism(), 8));
    this.#board = Board.make(options.schedule === "central" ? 1 : lanes);
    this.#board.limit = this.target;
    this.#events = {
      heard: (thread, message) => this.#heard(thread, message),
      heardNothing: (thread, error) => this.#heardNothing(thread, error),
      gone: (thread, exitCode) => this.#gone(thread, exitCode),
    };
    this.#life.port1.on("message", () => {});
    this.#life.port1.unref();
    try {
      this.#grow();
    } catch (error) {
      for (const thread of this.#threads) this.#stop(thread);
      this.#life.port1.close();
      throw error;
    }
    registerEngine(this);
    this.#unlisten = host()?.onInterrupt((origin) => this.#interrupt(origin));
  }

  checkOpen(): void {
    if (this.#state === "open") return;
    throw new PoolClosedError(`The pool was ${this.#state} and takes no more work: make a new Pool.`);
  }

  stats(): PoolStats {
    let running = 0;
    for (const job of this.#jobs.all()) if (this.isRunning(job)) running++;
    const queued = this.#jobs.size - running;
    const [done, failed, stolen] = [this.#done, this.#failed, this.#steals];
    return { threads: this.target, running, queued, blocked: this.#board.blocked, done, failed, steals: stolen };
  }

  events(): TraceEvent[] {
    return this.#trace.events();
  }

  /** A thread has it, and all that it needs. */
  isRunning({ slot, isOver, parcel }: Job): boolean {
    return !isOver && !parcel && slot >= 0 && this.#board.state(slot) !== State.queued;
  }

  /** Of a job that has not ended. */
  threadOf(job: Job): number | undefined {
    return this.isRunning(job) ? this.#seats[this.#board.seat(job.slot)]?.id : undefined;
  }

  startedMs({ slot, startMs }: Job): number | undefined {
    return startMs ?? ((slot >= 0 && this.#board.started(slot)) || undefined);
  }

  /** Starts or queues a call. What it sends is taken as it is now. */
  call(work: Work, fn: Function, args: readonly unknown[]): Job {
    this.checkOpen();
    const marked = this.#functions.marked(fn);
    const quick = marked && this.#callSmall(work, marked.id, [...marked.values, ...args]);
    if (quick) return quick;
    const id = this.#functions.numberOf(fn);
    if (id !== 0) return this.#callSmall(work, id, args) ?? this.add(work, encode({ fn, args }, { path: "" }));
    const wire = encode({ fn, args }, { path: "" });
    const closure = smallClosure(wire);
    const shared = closure ? this.#functions.numberOfClosure(fn, closure) : 0;
    const job = shared === 0 ? undefined : this.#callSmall(work, shared, [...closure!.values, ...args]);
    return job ?? this.add(work, wire);
  }

  /** A call of a function that threads know by number, if its arguments are small. */
  #callSmall(work: Work, fn: number, args: readonly unknown[]): Job | undefined {
    const slot = this.#waiting.length === 0 ? this.#takeSlot() : -1;
    if (slot >= 0) {
      if (this.#board.writeList(slot, args)) return this.#place(this.#job(work, { fn, args: undefined }), slot);
      this.#freeSlots.push(slot);
      return undefined;
    }
    if (!scratch.writeList(args, 0, VALUE_BYTES)) return undefined;
    const job = this.#job(work, { fn, args: scratchBytes.slice() });
    this.#waiting.push(job);
    return job;
  }

  /** The same for what is encoded already. */
  add(work: Work, wire: Wire): Job {
    this.checkOpen();
    return this.#add(work, wire, host()?.origin());
  }

  /** A task that runs has made a call: one that a closed pool still finishes, too. */
  addNested(work: Work, wire: Wire, origin: number | undefined): Job {
    if (this.#state === "terminated" || this.#jobs.size === 0) this.checkOpen();
    return this.#add(work, wire, origin);
  }

  #add(work: Work, wire: Wire, origin: number | undefined): Job {
    const job = this.#job(work, { wire }, origin);
    const { group } = work;
    const isHeld = group !== undefined && group.placed >= group.limit;
    const slot = isHeld || this.#waiting.length > 0 ? -1 : this.#takeSlot();
    if (slot >= 0) return this.#place(job, slot);
    if (this.#keep(job)) (isHeld ? group.waiting : this.#waiting).push(job);
    return job;
  }

  /** Ends a job that has not ended: takes it back, or stops its thread. */
  end(job: Job, error: unknown): void {
    if (!job.isOver) this.#end([job], () => error);
  }

  /** Ends the parts of a group that wait, and with `all` those that run. */
  endGroup(group: Group, error: unknown, all: boolean): void {
    const ends = (job: Job): boolean => job.work.group === group && (all || !this.isRunning(job));
    this.#end(this.#jobs.all().filter(ends), () => error);
  }

  /** What the group shares is kept as it is now, for threads that get it later. */
  openGroup(wire: Wire, limit: number): Group {
    try {
      return { id: ++groups, wire: snapshot(wire), limit, placed: 0, waiting: new Queue() };
    } catch (cause) {
      throw unsendable(cause);
    }
  }

  /** No more parts of the group will come. */
  closeGroup(group: Group): void {
    for (const thread of this.#threads) thread.closeGroup(group.id);
  }

  resize(threads: number): void {
    this.checkOpen();
    this.#setTarget(threads);
    const live = this.#live();
    const busy = this.#busySeats();
    const idleFirst = live.toSorted((a, b) => Number(busy.has(a.seat)) - Number(busy.has(b.seat)));
    for (const thread of idleFirst.slice(0, Math.max(0, live.length - threads))) this.#retire(thread);
    this.#grow();
  }

  close(): Promise<void> {
    if (this.#state === "open") this.#state = "closed";
    this.#finish();
    return this.#closed.promise;
  }

  terminate(): Promise<void> {
    this.#state = "terminated";
    this.#end(
      this.#jobs.all(),
      ({ work }) => new PoolClosedError(`The pool was terminated before ${called(work)} was done.`),
    );
    this.#finish();
    return this.#closed.promise;
  }

  #setTarget(threads: number): void {
    this.target = threads;
    this.#board.limit = threads;
  }

  // ---- jobs to threads

  #job(work: Work, parcel: Job["parcel"], origin = host()?.origin()): Job {
    const job = new Job(++this.#count, work, origin, parcel);
    if (this.#jobs.size === 0) this.#life.port1.ref();
    this.#jobs.add(job);
    if (this.#trace.isOn)
      this.#trace.add({ kind: "enqueue", thread: threadId, task: job.id, atMs: now(), label: work.label });
    return job;
  }

  /** Takes a copy of what has to wait. False: that failed, and the job with it. */
  #keep(job: Job): boolean {
    if (!job.parcel || !("wire" in job.parcel)) return true;
    try {
      job.parcel = { wire: snapshot(job.parcel.wire) };
      return true;
    } catch (cause) {
      this.#settle(job, { ok: false, error: unsendable(cause) });
      return false;
    }
  }

  /** -1: none is free. */
  #takeSlot(): number {
    if (this.#freeSlots.length === 0 && this.#slotsUsed === SLOTS) this.#gather();
    return this.#freeSlots.pop() ?? (this.#slotsUsed < SLOTS ? this.#slotsUsed++ : -1);
  }

  /** Puts a job on the board, or gives it to a thread that sleeps. Its arguments may be there already. */
  #place(job: Job, slot: number, wanted?: PoolThread): Job {
    const board = this.#board;
    const { parcel, work } = job;
    job.slot = slot;
    this.#bySlot[slot] = job;
    if (work.group && !job.isPlaced) {
      work.group.placed++;
      job.isPlaced = true;
    }
    this.#listen();
    this.#makeUp();
    // Nobody could be started: it has ended.
    if (job.isOver) return job;
    const thread = wanted ?? this.#choose(work.share);
    const sleeper = this.#sleeper(thread, wanted !== undefined);
    if (parcel && "fn" in parcel) {
      board.prepare(slot, parcel.fn, job.origin ?? -1);
      if (parcel.args) board.writeBytes(slot, parcel.args);
      this.#sendFunction(parcel.fn);
      job.parcel = undefined;
    } else {
      board.prepare(slot, 0, job.origin ?? -1);
      if (sleeper && board.wake(sleeper.seat, true)) {
        board.setState(slot, State.running, sleeper.seat);
        this.#send(job, sleeper, true);
        return job;
      }
      if (!this.#keep(job)) {
        this.#release(slot);
        return job;
      }
    }
    job.onlySeat = wanted?.seat;
    // Before a stale hint can lead anyone to it.
    board.setMeant(slot, this.#laneFor(thread, wanted !== undefined));
    board.setState(slot, State.queued);
    this.#offer(slot, thread, wanted !== undefined);
    return job;
  }

  #choose(share: number | undefined): PoolThread | undefined {
    const live = this.#live();
    return live[placeOf(this.#options.schedule, Math.max(1, live.length), this.#turn++, share)];
  }

  #laneFor(meant: PoolThread | undefined, only: boolean): number {
    return only && meant ? this.#board.ownLane(meant.seat) : (meant?.lane ?? 0);
  }

  /** A thread has claimed it, but was to start nothing more. */
  #takeBack(slot: number, thread: PoolThread): void {
    const board = this.#board;
    const job = this.#bySlot[slot];
    if (!job || board.state(slot) !== State.running || board.seat(slot) !== thread.seat) return;
    if (job.isOver) return this.#release(slot);
    board.setStolen(slot, -1);
    board.setState(slot, State.queued);
    this.#offerAgain(slot);
    if (thread.retiring && this.#onSeat(thread.seat).length === 0) this.#stop(thread);
  }

  /** A thread had it, and did not claim it. */
  #offerAgain(slot: number): void {
    const job = this.#bySlot[slot];
    if (job && this.#board.state(slot) === State.queued) this.#offer(slot, this.#choose(job.work.share));
  }

  /** What waits for a thread that is gone, or on its way out, goes to others. */
  #offerFrom(seat: number): void {
    for (const job of this.#jobs.all()) {
      if (job.onlySeat !== seat || job.slot < 0) continue;
      job.onlySeat = undefined;
      this.#offerAgain(job.slot);
    }
  }

  /** A queued slot becomes known. */
  #offer(slot: number, meant: PoolThread | undefined, only = false): void {
    const lane = this.#laneFor(meant, only);
    this.#board.setMeant(slot, lane);
    if (!this.#board.push(lane, slot)) return this.#offerLater(slot, meant, only);
    const sleeper = this.#sleeper(meant, only);
    if (sleeper) this.#board.wake(sleeper.seat);
  }

  /** A thread that sleeps and may take what is meant for this one; `only` this one itself. */
  #sleeper(meant: PoolThread | undefined, only: boolean): PoolThread | undefined {
    const board = this.#board;
    if (board.sleepers === 0) return undefined;
    if (meant && board.isAsleep(meant.seat)) return meant;
    if (only || !isForAll(this.#options.schedule)) return undefined;
    for (const thread of this.#threads) if (!thread.retiring && board.isAsleep(thread.seat)) return thread;
    return undefined;
  }

  /** There are more places for hints than slots; where stale ones fill them, each thread that looks makes room. */
  #offerLater(slot: number, meant: PoolThread | undefined, only: boolean): void {
    const job = this.#bySlot[slot]!;
    setImmediate(() => {
      if (job.slot !== slot || this.#board.state(slot) !== State.queued) return;
      const isLive = meant !== undefined && this.#live().includes(meant);
      this.#offer(slot, isLive ? meant : this.#choose(job.work.share), only);
    });
  }

  #send(job: Job, thread: PoolThread, unasked: boolean): void {
    const { wire } = job.parcel as { wire: Wire };
    job.parcel = undefined;
    if (unasked) this.#board.pickUp(thread.seat, job.slot);
    try {
      thread.sendTask(job.slot, unasked, wire, job.work.group);
    } catch (cause) {
      const { slot } = job;
      this.#settle(job, { ok: false, error: unsendable(cause) });
      // The thread waits for a task: it gets one that does nothing.
      thread.sendTask(slot, unasked, nothing());
    }
  }

  /** Gives slots that have become free to jobs that wait. */
  #next(): void {
    while (this.#waiting.length > 0) {
      const slot = this.#takeSlot();
      if (slot < 0) return;
      let job = this.#waiting.shift();
      while (job?.isOver) job = this.#waiting.shift();
      if (job) this.#place(job, slot);
      else this.#freeSlots.push(slot);
    }
  }

  // ---- threads to jobs

  /** While anything is on the board, someone waits for it. */
  #listen(): void {
    if (this.#isListening) return;
    this.#isListening = true;
    for (;;) {
      const done = this.#board.untilDone();
      if (!done) {
        this.#collect();
        if (this.#jobs.size === 0) break;
        continue;
      }
      void done.then(() => {
        this.#isListening = false;
        this.#collect();
        if (this.#jobs.size > 0) this.#listen();
      });
      return;
    }
    this.#isListening = false;
  }

  #collect(): void {
    this.#gather();
    this.#next();
  }

  /** Settles what is done. */
  #gather(): void {
    for (const slot of this.#board.takeDone()) {
      const job = this.#bySlot[slot]!;
      if (!job.isOver) this.#settle(job, { ok: true, value: this.#board.read(slot) });
      this.#release(slot);
    }
  }

  #heard(thread: PoolThread, message: FromThread): void {
    if (message.braid === "ready") {
      thread.ready = true;
      this.#failedStarts = 0;
      this.#hasStarted = true;
      return this.#refill();
    }
    if (message.braid === "blocked") return this.#makeUp();
    if (message.braid === "stopped") return this.#takeBack(message.slot, thread);
    if (message.braid === "waited") return this.#waited(thread, message);
    if (message.braid !== "want" && message.braid !== "done") return thread.nested.heard(message);
    const job = this.#bySlot[message.slot];
    if (!job) return;
    if (message.braid === "done") return void this.#answer(job, thread, message);
    if (job.isOver) thread.sendTask(message.slot, false, nothing());
    else this.#send(job, thread, false);
  }

  async #answer(
    job: Job,
    thread: PoolThread,
    { ok, wire, index, slot }: FromThread & { braid: "done" },
  ): Promise<void> {
    this.#readTimes(job);
    this.#release(slot);
    let outcome: Outcome;
    try {
      const wait = prepare(wire);
      if (wait) await wait;
      const value = decode(wire);
      if (!ok && types.isNativeError(value)) value.stack += `\n    at thread ${thread.id}`;
      outcome = ok ? { ok, value } : { ok, error: value, index };
    } catch (error) {
      outcome = { ok: false, error, index };
    }
    this.#settle(job, outcome);
    this.#next();
  }

  #heardNothing(thread: PoolThread, error: Error): void {
    const job = this.#onSeat(thread.seat, State.posted)[0];
    if (!job) return;
    const { slot } = job;
    const text = `The result can't be read by this thread: ${whyNotCloned(error)}.`;
    this.#settle(job, { ok: false, error: new NotSendableError("result", text) });
    this.#release(slot);
    this.#next();
  }

  /** Nothing is left to do. */
  #rest(): void {
    this.#life.port1.unref();
    const live = this.#live();
    if (live.length > this.target) for (const spare of live.slice(this.target)) this.#retire(spare);
  }

  #waited({ id }: PoolThread, { slot, fromMs, toMs }: FromThread & { braid: "waited" }): void {
    const job = this.#bySlot[slot];
    if (!job) return;
    const of = { thread: id, task: job.id, label: job.work.label };
    this.#trace.add({ kind: "wait", ...of, atMs: fromMs });
    this.#trace.add({ kind: "wake", ...of, atMs: toMs });
  }

  #readTimes(job: Job): void {
    if (job.slot < 0 || job.startMs !== undefined) return;
    job.startMs = this.#board.started(job.slot) || undefined;
    const state = this.#board.state(job.slot);
    job.endMs = state === State.done || state === State.posted ? this.#board.ended(job.slot) : now();
    if (state === State.free || state === State.queued) return;
    const thread = this.#seats[this.#board.seat(job.slot)];
    job.thread = thread?.id;
    const lane = this.#board.stolenFrom(job.slot);
    if (lane === undefined || job.thread === undefined) return;
    this.#steals++;
    if (!this.#trace.isOn) return;
    const from = this.#seats[lane]?.id;
    const atMs = job.startMs ?? job.endMs;
    const event = { kind: "steal", thread: job.thread, task: job.id, atMs, label: job.work.label } as const;
    this.#trace.add(from === undefined ? event : { ...event, from });
  }

  #settle(job: Job, outcome: Outcome): void {
    if (job.isOver) return;
    this.#readTimes(job);
    job.isOver = true;
    job.parcel = undefined;
    job.endMs ??= now();
    this.#jobs.delete(job);
    if (outcome.ok) this.#done++;
    else this.#failed++;
    const { thread, startMs, endMs, work } = job;
    if (thread !== undefined && this.#trace.isOn) {
      const of = { thread, task: job.id, label: work.label };
      this.#trace.add({ kind: "start", ...of, atMs: startMs ?? endMs });
      this.#trace.add({ kind: "end", ...of, atMs: endMs });
    }
    this.#leaveGroup(job);
    if (this.#jobs.size === 0) this.#rest();
    work.settled(outcome, job);
    this.#finish();
  }

  /** The next part goes to the same thread. */
  #leaveGroup(job: Job): void {
    const { group } = job.work;
    if (!group || !job.isPlaced) return;
    const thread = this.#live().find(({ id }) => id === job.thread);
    job.isPlaced = false;
    group.placed--;
    while (group.placed < group.limit && group.waiting.length > 0) {
      const next = group.waiting.shift()!;
      if (next.isOver) continue;
      const free = this.#takeSlot();
      if (free >= 0) this.#place(next, free, thread);
      else {
        group.placed++;
        next.isPlaced = true;
        this.#waiting.push(next);
      }
    }
  }

  /** Nobody writes to the slot any more. */
  #release(slot: number): void {
    const job = this.#bySlot[slot];
    if (!job) return;
    this.#bySlot[slot] = undefined;
    const seat = this.#board.seat(slot);
    this.#board.setState(slot, State.free);
    this.#freeSlots.push(slot);
    job.slot = -1;
    const thread = this.#seats[seat];
    if (thread?.retiring && this.#onSeat(seat).length === 0) this.#stop(thread);
  }

  /** Ends jobs that have not ended: all their threads are stopped before anyone is told or a new thread started. */
  #end(jobs: readonly Job[], error: (job: Job) => unknown): void {
    // What is done already has ended well.
    this.#gather();
    const ending = new Set(jobs);
    for (const { slot, parcel } of jobs) {
      // A thread that has claimed it, but has to ask for it, is told then.
      if (slot < 0 || this.#board.revoke(slot) || parcel) continue;
      const seat = this.#board.seat(slot);
      const thread = this.#seats[seat];
      if (!thread) continue;
      if (this.#onSeat(seat).some((job) => !job.isOver && !ending.has(job))) {
        this.#abandon(slot, thread);
        continue;
      }
      // It may be done just now, and the thread at work for someone else: then that one must not be stopped.
      this.#board.setStop(seat, true);
      if (this.#board.state(slot) === State.running && this.#board.seat(slot) === seat) this.#stop(thread);
      else if (this.#threads.has(thread) && !thread.retiring) {
        this.#board.setStop(seat, false);
        this.#board.wake(seat);
      }
    }
    for (const job of jobs) {
      const { slot } = job;
      if (job.isOver) continue;
      this.#settle(job, { ok: false, error: error(job), stopped: true });
      if (slot >= 0 && this.#board.state(slot) === State.free) this.#release(slot);
    }
    this.#refill();
    this.#next();
  }

  /** The thread has begun other tasks, too, and goes on with them; but if it spins it has to be stopped. */
  #abandon(slot: number, thread: PoolThread): void {
    const job = this.#bySlot[slot];
    thread.abandon(slot);
    setTimeout(() => {
      if (this.#bySlot[slot] === job && this.#board.state(slot) === State.running) this.#stop(thread);
    }, ABANDON_MS).unref();
  }

  #interrupt(origin: number): void {
    this.#end(
      this.#jobs.all().filter((job) => job.origin === origin),
      ({ work }) => new CancelledError(`Stopped ${called(work)}: the cell that started it was interrupted.`),
    );
  }

  // ---- threads

  #threadsChanged(): void {
    this.#liveThreads = [];
    this.#threadsVersion++;
  }

  /** In the order of their seats. */
  #live(): readonly PoolThread[] {
    if (this.#liveThreads.length === 0)
      this.#liveThreads = [...this.#threads].filter((thread) => !thread.retiring).sort((a, b) => a.seat - b.seat);
    return this.#liveThreads;
  }
  /** Empty: to be looked up anew. */
  #liveThreads: readonly PoolThread[] = [];

  /**
   * As many threads as were asked for, and a spare one for each that is blocked in a task while others wait. At first
   * only those that have something to do: threads that start at the same time make each other slow.
   */
  #wanted(): number {
    if (!this.#hasStarted && isForAll(this.#options.schedule))
      return Math.min(this.target, Math.max(1, this.#jobs.size));
    const blocked = this.#board.blocked;
    if (blocked === 0 || this.#jobs.size <= blocked || !isForAll(this.#options.schedule)) return this.target;
    return Math.min(this.target + blocked, this.target + MAX_SPARES);
  }

  #grow(): void {
    const { stackSizeMb, maxHeapMb, schedule, trace } = this.#options;
    for (let missing = this.#wanted() - this.#live().length; missing > 0 && this.#state !== "terminated"; missing--) {
      let seat = 0;
      while (this.#seats[seat]) seat++;
      if (seat >= MAX_SEATS) throw new RangeError(`A pool has ${MAX_SEATS} seats for threads, and all are taken.`);
      const board = this.#board;
      const lane = seat % board.lanes;
      board.clearSeat(seat);
      const thread = new PoolThread(
        { stackSizeMb, maxHeapMb, board, seat, lane, steals: steals(schedule), trace, pool: poolData(this) },
        this.#events,
      );
      // A task can be given to it before it runs.
      board.sleep(seat);
      board.lanesUsed = Math.max(board.lanesUsed, lane + 1);
      board.seatsUsed = Math.max(board.seatsUsed, seat + 1);
      this.#seats[seat] = thread;
      this.#threads.add(thread);
      this.#threadsChanged();
      // What its lane holds already.
      if (this.#jobs.size === 0) continue;
      board.wake(seat);
      for (const { slot } of this.#jobs.all()) if (slot >= 0) this.#sendFunction(board.functionOf(slot));
    }
  }

  /** Before a task that names it can be claimed. */
  #sendFunction(id: number): void {
    const wire = id === 0 ? undefined : this.#functions.wireOf(id);
    const live = this.#live();
    if (!wire || this.#sentTo.get(id) === this.#threadsVersion) return;
    for (const thread of live) thread.sendFunction(id, wire);
    this.#sentTo.set(id, this.#threadsVersion);
  }

  /** Makes up for threads that died. */
  #makeUp(): void {
    if (this.#live().length >= this.#wanted()) return;
    try {
      this.#grow();
    } catch (cause) {
      if (this.#threads.size === 0) this.#giveUp(cause as Error);
      else this.#warnOfFew(cause as Error);
    }
  }

  #warnOfFew({ message }: Error): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    const text = `Only ${this.#live().length} of a pool's ${this.target} threads could be started: ${message}`;
    process.emitWarning(text, "BraidWarning");
  }

  /** Replaces threads that ended, so that the next job finds one started. */
  #refill(): void {
    if (this.#jobs.size > 0) return this.#makeUp();
    if (this.#state !== "open") return;
    try {
      this.#grow();
    } catch (cause) {
      // The next job tries again; where there is no thread, it fails with the reason.
      if (this.#threads.size > 0) this.#warnOfFew(cause as Error);
    }
  }

  /** No thread is left and none can be started. The next job tries again. */
  #giveUp(cause: Error): void {
    this.#failedStarts = 0;
    for (const job of this.#jobs.all()) {
      const { slot } = job;
      const text = `No thread could be started for ${called(job.work)}: ${cause.message}`;
      this.#settle(job, { ok: false, error: new ThreadCrashedError(text, { cause }) });
      if (slot >= 0) this.#release(slot);
    }
  }

  /** It ends when it has done what it does. What waits for it goes to others. */
  #retire(thread: PoolThread): void {
    thread.retiring = true;
    this.#threadsChanged();
    this.#board.setStop(thread.seat, true);
    if (this.#onSeat(thread.seat).length === 0) this.#stop(thread);
    this.#rehome(thread.lane);
    this.#offerFrom(thread.seat);
  }

  /** Moves what waits in a lane that no thread has any more. */
  #rehome(lane: number): void {
    if (this.#live().some((thread) => thread.lane === lane) || steals(this.#options.schedule)) return;
    for (const job of this.#jobs.all()) {
      if (job.slot < 0 || this.#board.state(job.slot) !== State.queued || this.#board.meantFor(job.slot) !== lane)
        continue;
      // A hint too many does no harm.
      this.#offer(job.slot, this.#choose(job.work.share));
    }
  }

  #stop(thread: PoolThread): void {
    if (!this.#threads.delete(thread)) return;
    this.#threadsChanged();
    this.#board.setStop(thread.seat, true);
    const stopping = thread.stop().finally(() => this.#stopping.delete(stopping));
    this.#stopping.add(stopping);
  }

  #gone(thread: PoolThread, exitCode: number): void {
    const board = this.#board;
    const { seat } = thread;
    const wasStopped = !this.#threads.delete(thread);
    thread.nested.endAll();
    this.#threadsChanged();
    this.#collect();
    board.forgetSeat(seat);
    const found = this.#onSeat(seat);
    const inHand = board.inHand(seat);
    const given = inHand === undefined ? undefined : this.#bySlot[inHand];
    for (const job of found) {
      const { slot } = job;
      // It was stopped before it started what it had claimed: as if it had not.
      if (job === given && wasStopped && !job.isOver && (job.parcel || board.functionOf(slot) !== 0)) {
        board.setStolen(slot, -1);
        board.setState(slot, State.queued);
        continue;
      }
      // It died with the result written, but not announced.
      if (board.state(slot) === State.done) this.#settle(job, { ok: true, value: board.read(slot) });
      else this.#settle(job, { ok: false, error: crash(thread, called(job.work), exitCode, wasStopped) });
      this.#release(slot);
    }
    this.#seats[seat] = undefined;
    if (found.length === 0 && thread.ready && thread.error && !wasStopped && !thread.retiring)
      warnOfDeath(thread, thread.error);
    // One that never ran is not replaced before there is work, nor again and again: perhaps none can run.
    if (!thread.ready && !wasStopped) this.#failedStarts++;
    if (this.#failedStarts >= MAX_FAILED_STARTS) {
      if (this.#threads.size === 0) this.#giveUp(thread.error ?? new Error(`it exited with code ${exitCode}`));
    } else if (thread.ready || this.#jobs.size > 0) this.#refill();
    this.#rehome(thread.lane);
    // It had taken the hint.
    if (inHand !== undefined) this.#offerAgain(inHand);
    this.#offerFrom(seat);
    this.#next();
    this.#finish();
  }

  /** The jobs that a seat's thread has claimed and not given back; those that have ended, too. */
  #onSeat(seat: number, only?: number): Job[] {
    return this.#bySlot.filter((job): job is Job => {
      if (!job || this.#board.seat(job.slot) !== seat) return false;
      const state = this.#board.state(job.slot);
      return only === undefined ? state >= State.running : state === only;
    });
  }

  #busySeats(): Set<number> {
    const seats = new Set<number>();
    for (const job of this.#jobs.all()) if (this.isRunning(job)) seats.add(this.#board.seat(job.slot));
    return seats;
  }

  /** When a pool that takes no more work has none left, its threads end. */
  #finish(): void {
    if (this.#state === "open" || this.#jobs.size > 0) return;
    for (const thread of this.#threads) this.#stop(thread);
    this.#unlisten?.();
    this.#board.stopWaiting();
    this.#life.port1.close();
    void Promise.all(this.#stopping).then(() => this.#closed.resolve());
  }
}

const scratchBytes = new Uint8Array(VALUE_BYTES);
const scratch = new SmallValueWriter(scratchBytes.buffer);

/** What a thread is given that has asked for a task that is over. */
const nothing = (): Wire => encode({ fn: Function.prototype, args: [] });

function warnOfDeath({ id }: PoolThread, error: Error): void {
  process.emitWarning(
    `Thread ${id} of a pool died between tasks, of something that an earlier task left behind: ${error.message}.`,
    { type: "BraidWarning", detail: error.stack ?? "" },
  );
}
