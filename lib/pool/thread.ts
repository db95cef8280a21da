// One thread of a pool, seen from its owner. It runs one job at a time and always tells how that ended: by its answer,
// or by its own end.

import { Worker } from "node:worker_threads";
import { types } from "node:util";
import { NotSendableError, ThreadCrashedError } from "../errors.ts";
import { host } from "../host.ts";
import { decode, prepare, realm, transferList, whyNotCloned, type Wire } from "../ship/index.ts";
import { sibling } from "../sibling.ts";
import { called, messageOf, unsendable, type Job, type Outcome, type Times } from "./job.ts";
import { now, type FromThread, type ThreadData, type ToThread } from "./messages.ts";

export interface ThreadLimits {
  readonly stackSizeMb?: number | undefined;
  readonly maxHeapMb?: number | undefined;
}

export interface ThreadEvents {
  started(job: Job, thread: number, atMs: number): void;
  settled(job: Job, outcome: Outcome, times: Times): void;
  /** It can take a job: the one it had is settled. */
  free(thread: PoolThread): void;
  /** It is gone, its job settled. */
  gone(thread: PoolThread): void;
}

export class PoolThread {
  readonly id: number;
  /** The job that it runs. */
  job: Job | undefined;
  /** It has run its first line. */
  ready = false;
  /** It takes no more jobs and is ended when its own is done. */
  retiring = false;
  readonly #worker: Worker;
  readonly #events: ThreadEvents;
  readonly #opened = new Set<number>();
  #error: Error | undefined;
  #ended = false;

  constructor({ stackSizeMb, maxHeapMb }: ThreadLimits, events: ThreadEvents) {
    this.#events = events;
    const resourceLimits = {
      ...(stackSizeMb !== undefined && { stackSizeMb }),
      ...(maxHeapMb !== undefined && { maxOldGenerationSizeMb: maxHeapMb }),
    };
    const workerData: ThreadData = { owner: realm };
    const worker = new Worker(sibling(import.meta.url, "worker"), { workerData, resourceLimits });
    this.#worker = worker;
    this.id = worker.threadId;
    worker.on("message", (message: FromThread) => this.#heard(message));
    worker.on("messageerror", (error: Error) => {
      const why = new NotSendableError("result", `The result can't be read by this thread: ${whyNotCloned(error)}.`);
      this.#settle({ ok: false, error: why });
    });
    worker.on("error", (error: Error) => (this.#error = error));
    worker.on("exit", (exitCode) => this.#exited(exitCode));
    worker.unref();
    host()?.adopt(worker);
  }

  /** Sends a job. It is this thread's until `free` or `gone`, also where sending fails. */
  run(job: Job): void {
    this.job = job;
    const { origin } = job;
    const { group } = job.work;
    const wire = job.wire!;
    job.wire = undefined;
    if (group) group.running++;
    this.#worker.ref();
    this.#events.started(job, this.id, now());
    try {
      const shared = group && !this.#opened.has(group.id) ? group.wire : undefined;
      this.#post({ braid: "task", wire, group: group?.id, shared, origin }, wire);
      if (group) this.#opened.add(group.id);
    } catch (cause) {
      this.#settle({ ok: false, error: unsendable(cause) });
    }
  }

  closeGroup(id: number): void {
    if (this.#opened.delete(id) && !this.#ended) this.#post({ braid: "close", group: id });
  }

  /** Ends the thread. The job that it runs is let go of: whoever calls this has settled it. */
  async stop(): Promise<void> {
    this.#drop();
    this.retiring = true;
    await this.#worker.terminate();
  }

  #post(message: ToThread, wire?: Wire): void {
    this.#worker.postMessage(message, wire ? transferList(wire) : []);
  }

  #heard(message: FromThread): void {
    // Anything else is a message of the user's own, by parentPort.
    if (message?.braid === "ready") this.ready = true;
    else if (message?.braid === "done") {
      const job = this.#drop();
      if (job) void this.#answer(job, message);
      this.#events.free(this);
    }
  }

  #drop(): Job | undefined {
    const { job } = this;
    this.job = undefined;
    if (job?.work.group) job.work.group.running--;
    if (job && !this.#ended) this.#worker.unref();
    return job;
  }

  #settle(outcome: Outcome): void {
    const job = this.#drop();
    if (job) this.#events.settled(job, outcome, { endMs: now() });
    // Later: the caller of run() goes through the threads just now.
    queueMicrotask(() => this.#events.free(this));
  }

  async #answer(job: Job, { ok, wire, index, startMs, endMs }: FromThread & { braid: "done" }): Promise<void> {
    let outcome: Outcome;
    try {
      const wait = prepare(wire);
      if (wait) await wait;
      const value = decode(wire);
      if (!ok && types.isNativeError(value)) value.stack += `\n    at thread ${this.id}`;
      outcome = ok ? { ok, value } : { ok, error: value, index };
    } catch (error) {
      outcome = { ok: false, error, index };
    }
    this.#events.settled(job, outcome, { startMs, endMs });
  }

  #exited(exitCode: number): void {
    this.#ended = true;
    const job = this.#drop();
    const error = this.#error;
    if (job) {
      const died = crash(this.id, called(job.work), exitCode, error);
      this.#events.settled(job, { ok: false, error: died }, { endMs: now() });
    }
    if (!job && error && !this.retiring)
      process.emitWarning(
        `Thread ${this.id} of a pool died between tasks, of something that an earlier task left behind: ${messageOf(error)}.`,
        { type: "BraidWarning", detail: error.stack ?? "" },
      );
    this.#events.gone(this);
  }
}

function crash(id: number, task: string, exitCode: number, cause: Error | undefined): ThreadCrashedError {
  const code = (cause as { code?: string } | undefined)?.code;
  let why = `it exited with code ${exitCode}`;
  if (code === "ERR_WORKER_OUT_OF_MEMORY") why = "it ran out of memory (the pool's maxHeapMb raises the limit)";
  else if (cause) why = `an error escaped: ${messageOf(cause)}`;
  return new ThreadCrashedError(`Thread ${id} died while it ran ${task}: ${why}.`, { cause, exitCode });
}
