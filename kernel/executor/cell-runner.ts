// Runs one cell after the other in V8's REPL mode and reports each outcome.

import type { MimeBundle } from "../../lib/host.ts";
import type { CellError, ExecuteCommand, Outcome } from "../link/messages.ts";
import { describeError, describeValue } from "./describe.ts";
import { disposeHeld } from "./disposal.ts";
import { bindNames } from "./imports.ts";
import { runAs } from "./origin.ts";
import { report } from "./output.ts";
import { type Evaluated, EvaluationSession } from "./session.ts";
import { stopThreadsOf } from "./threads.ts";
import { stopTimersOf } from "./timers.ts";

type Interrupted = { kind: "interrupted" };

const INTERRUPTED: Interrupted = { kind: "interrupted" };

export class CellRunner {
  readonly #session = new EvaluationSession();
  readonly #queue: ExecuteCommand[] = [];
  #busy = false;
  /** The cell that runs and the way to end its wait: the promise of an interrupted cell never settles. */
  #current: { run: number; abandon: () => void } | undefined;

  enqueue(cell: ExecuteCommand): void {
    this.#queue.push(cell);
    if (!this.#busy) void this.#drain();
  }

  /** Called while the main thread is idle or awaits: what the cell awaits is abandoned, its threads and timers stop. */
  interrupt(): void {
    if (!this.#current) return;
    const { run, abandon } = this.#current;
    stopTimersOf(run);
    stopThreadsOf(run);
    abandon();
  }

  guarded(f: () => void): void {
    this.#session.guard(f);
  }

  async #drain(): Promise<void> {
    this.#busy = true;
    for (let cell = this.#queue.shift(); cell; cell = this.#queue.shift()) {
      const outcome = await this.#run(cell);
      report({ type: "result", run: cell.run, outcome }, cell.run);
    }
    this.#busy = false;
  }

  async #run(cell: ExecuteCommand): Promise<Outcome> {
    const ended = await this.#untilInterrupted(cell.run, () => this.#evaluate(cell));
    const disposed = await this.#dispose(cell.run);
    if (disposed && ended.kind === "value") return disposed;
    if (ended.kind === "value") return cell.showsValue ? this.#show(cell.run, ended) : { status: "ok" };
    if (ended.kind === "thrown") return this.#failed(ended.error);
    return interruptError(ended.kind === "interrupted" ? "while it awaited" : "while it ran");
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

  async #dispose(run: number): Promise<CellError | undefined> {
    const ended = await this.#untilInterrupted(run, async () => {
      try {
        await disposeHeld();
        return undefined;
      } catch (error) {
        return this.#failed(error);
      }
    });
    return isInterrupted(ended) ? interruptError("while it disposed of its resources") : ended;
  }

  async #show(run: number, { object }: Extract<Evaluated, { kind: "value" }>): Promise<Outcome> {
    if (object.type === "undefined") return { status: "ok" };
    const value = this.#session.value(object);
    const shown = await this.#untilInterrupted(run, async () => {
      const described = this.#session.guard(() => describeValue(value));
      if (described.kind !== "value") return described;
      try {
        return { kind: "value" as const, value: await described.value };
      } catch (error) {
        return { kind: "thrown" as const, error };
      }
    });
    if (shown.kind === "value" && isBundle(shown.value)) return { status: "ok", data: shown.value };
    if (shown.kind === "value") return { status: "ok", data: { "text/plain": "<the display hook returned no bundle>" } };
    if (shown.kind === "thrown") return this.#failed(shown.error);
    return interruptError("while its value was shown");
  }

  #failed(error: unknown): CellError {
    const described = this.#session.guard(() => describeError(error));
    if (described.kind === "value") return described.value;
    if (described.kind === "terminated") return interruptError("while its error was shown");
    return { status: "error", ename: "Error", evalue: "an error that can't be shown", traceback: ["an error that can't be shown"] };
  }

  #untilInterrupted<R>(run: number, work: () => Promise<R>): Promise<R | Interrupted> {
    const { promise, resolve } = Promise.withResolvers<Interrupted>();
    const current = { run, abandon: () => resolve(INTERRUPTED) };
    this.#current = current;
    return Promise.race([runAs(run, work), promise]).finally(() => {
      if (this.#current === current) this.#current = undefined;
    });
  }
}

function isInterrupted(value: unknown): value is Interrupted {
  return value === INTERRUPTED;
}

function isBundle(value: unknown): value is MimeBundle {
  return typeof value === "object" && value !== null && Object.keys(value).some((key) => key.includes("/"));
}

function interruptError(when: string): CellError {
  return {
    status: "error",
    ename: "KeyboardInterrupt",
    evalue: `the cell was interrupted ${when}`,
    traceback: [`KeyboardInterrupt: the cell was interrupted ${when}; its variables are kept`],
  };
}
