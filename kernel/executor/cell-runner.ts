// Runs one cell after the other in V8's REPL mode and reports each outcome.

import { inspect } from "node:util";
import type { MimeBundle } from "../../lib/host.ts";
import type { CellError, ExecuteCommand, Outcome, Shown } from "../link/messages.ts";
import { cleanStack, describeError, describeValue } from "./describe.ts";
import { disposeHeld } from "./disposal.ts";
import { bindNames, forgetHalfLoaded } from "./imports.ts";
import { runAs } from "./origin.ts";
import { report } from "./output.ts";
import { type Evaluated, EvaluationSession, type Guarded } from "./session.ts";
import { stopThreadsOf } from "./threads.ts";
import { stopTimersOf } from "./timers.ts";

type Interrupted = { kind: "interrupted" };

const INTERRUPTED: Interrupted = { kind: "interrupted" };

/** An interrupted cell whose own continuation was terminated, too, is given up after this. */
const GIVE_UP_MS = 500;

interface Job {
  cell: ExecuteCommand;
  /** Ends the wait for user code: the promise of an interrupted cell never settles. */
  abandon: () => void;
}

/** What an interrupted cell has left running. */
function stopWorkOf({ cell }: Job): void {
  stopTimersOf(cell.run);
  stopThreadsOf(cell.run);
}

export class CellRunner {
  readonly #takePlace: () => string;
  readonly #session = new EvaluationSession();
  readonly #queue: ExecuteCommand[] = [];
  #current: Job | undefined;

  /** @param takePlace tells once where the main thread stood when it was terminated */
  constructor(takePlace: () => string) {
    this.#takePlace = takePlace;
  }

  enqueue(cell: ExecuteCommand): void {
    this.#queue.push(cell);
    if (!this.#current) this.#next();
  }

  /** Called while the main thread is idle or awaits: what the cell awaits is abandoned, its threads and timers stop. */
  interrupt(): void {
    forgetHalfLoaded();
    const job = this.#current;
    if (!job) return;
    // First of all: what is stopped may fail the cell in its own way.
    job.abandon();
    stopWorkOf(job);
    setTimeout(() => this.#finish(job, this.#interruptError("while it ended")), GIVE_UP_MS);
  }

  /** Calls user code outside any cell; what it throws, and an interrupt, is told by `failed`. */
  guarded(f: () => void, failed: (error: CellError) => void = () => {}): void {
    const ended = this.#session.guard(f);
    if (ended.kind === "thrown") failed(this.#failed(ended.error));
    if (ended.kind === "terminated") failed(this.#interruptError("in a callback"));
  }

  #next(): void {
    const cell = this.#queue.shift();
    if (!cell) return;
    const job: Job = { cell, abandon: () => {} };
    this.#current = job;
    const finish = (outcome: Outcome) => this.#finish(job, outcome);
    void this.#run(job).then(finish, (error) => finish(this.#failed(error)));
  }

  // A termination may fall between any two of these lines: a second report of the same run is ignored by the front.
  #finish(job: Job, outcome: Outcome): void {
    if (this.#current !== job) return;
    const { run } = job.cell;
    try {
      report({ type: "result", run, outcome }, run);
    } catch (error) {
      // What the cell shows is no JSON (a bigint, a cycle, a toJSON that throws).
      report({ type: "result", run, outcome: this.#failed(error) }, run);
    }
    this.#current = undefined;
    this.#session.forgetConsole();
    this.#next();
  }

  async #run(job: Job): Promise<Outcome> {
    const outcome = await this.#runCell(job);
    const { expressions } = job.cell;
    if (outcome.status === "error" || !expressions) return outcome;
    const answers: [string, Shown | CellError][] = [];
    for (const [key, code] of Object.entries(expressions)) {
      const ended = await untilInterrupted(job, () => this.#session.evaluate(code, "user-expression.ts"));
      answers.push([key, ended.kind === "value" ? await this.#show(job, ended) : this.#notEnded(ended)]);
    }
    return { ...outcome, expressions: Object.fromEntries(answers) };
  }

  async #runCell(job: Job): Promise<Shown | CellError> {
    const { cell } = job;
    const ended = await untilInterrupted(job, () => this.#evaluate(cell));
    // It has been ended in the midst of its code, without being asked: who hears of interrupts hears of this one, too.
    if (ended.kind === "terminated") stopThreadsOf(cell.run);
    const disposed = await this.#dispose(job);
    if (ended.kind === "value" && cell.showsValue && !disposed) return this.#show(job, ended);
    if (ended.kind === "value") {
      this.#session.release(ended.object);
      return disposed ?? { status: "ok" };
    }
    // The interrupt itself may come when the cell is over.
    if (ended.kind === "terminated") stopWorkOf(job);
    return this.#notEnded(ended);
  }

  #notEnded(ended: Exclude<Evaluated, { kind: "value" }> | Interrupted): CellError {
    if (ended.kind === "thrown") return this.#failed(ended.error);
    return this.#interruptError(ended.kind === "interrupted" ? "while it awaited" : "while it ran");
  }

  async #evaluate({ declarations, body, file, names }: ExecuteCommand): Promise<Evaluated> {
    bindNames(names);
    let ended: Evaluated = { kind: "value", object: { type: "undefined" } };
    for (const code of [declarations, body]) {
      if (code === undefined) continue;
      ended = await this.#session.evaluate(code, file);
      if (ended.kind !== "value") break;
    }
    return ended;
  }

  async #dispose(job: Job): Promise<CellError | undefined> {
    const ended = await untilInterrupted(job, () => this.#guardedAsync(disposeHeld));
    if (ended.kind === "value") return undefined;
    if (ended.kind === "thrown") return this.#failed(ended.error);
    return this.#interruptError("while it disposed of its resources");
  }

  /** Calls user code that may return a promise; its synchronous part runs under a guard. */
  async #guardedAsync<R>(f: () => R): Promise<Guarded<Awaited<R>>> {
    const called = this.#session.guard(f);
    if (called.kind !== "value") return called;
    try {
      return { kind: "value", value: await called.value };
    } catch (error) {
      return { kind: "thrown", error };
    }
  }

  async #show(job: Job, { object }: Extract<Evaluated, { kind: "value" }>): Promise<Shown | CellError> {
    if (object.type === "undefined") return { status: "ok" };
    const value = this.#session.value(object);
    const shown = await untilInterrupted(job, () => this.#guardedAsync(() => describeValue(value)));
    if (shown.kind === "value") return { status: "ok", ...checkedBundle(shown.value) };
    if (shown.kind === "thrown") return this.#failed(shown.error);
    return this.#interruptError("while its value was shown");
  }

  #failed(error: unknown): CellError {
    const described = this.#session.guard(() => describeError(error));
    if (described.kind === "value") return described.value;
    if (described.kind === "terminated") return this.#interruptError("while its error was shown");
    return {
      status: "error",
      ename: "Error",
      evalue: "an error that can't be shown",
      traceback: ["an error that can't be shown"],
    };
  }

  #interruptError(when: string): CellError {
    const place = this.#takePlace();
    return {
      status: "error",
      ename: "KeyboardInterrupt",
      evalue: `the cell was interrupted ${when}`,
      traceback: [
        `KeyboardInterrupt: the cell was interrupted ${when}; its variables are kept`,
        ...(place === "" ? [] : cleanStack(place).split("\n")),
      ],
    };
  }
}

function untilInterrupted<R>(job: Job, work: () => Promise<R>): Promise<R | Interrupted> {
  const { promise, resolve } = Promise.withResolvers<Interrupted>();
  job.abandon = () => resolve(INTERRUPTED);
  return Promise.race([runAs(job.cell.run, work), promise]);
}

/** An empty bundle shows nothing. */
function checkedBundle(value: unknown): { data?: MimeBundle } {
  const keys = typeof value === "object" && value !== null ? Object.keys(value) : undefined;
  if (keys?.length === 0) return {};
  if (keys?.every((key) => key.includes("/"))) return { data: value as MimeBundle };
  return {
    data: { "text/plain": `<expected a MIME bundle from the display hook, got ${inspect(value, { depth: 0 })}>` },
  };
}
