// The queue of cells: checks, runs and answers one after the other, and aborts what was queued behind an error.

import { setTimeout as sleep } from "node:timers/promises";
import type { CompiledCell } from "../language/compile.ts";
import type { Checked, Language } from "../language/language.ts";
import type { CellError, Outcome, Shown } from "../link/messages.ts";
import { CellSources } from "./cell-errors.ts";
import type { ExecutorHost } from "./executor-host.ts";
import type { History } from "./history.ts";
import type { Outbox } from "./outbox.ts";
import type { Channel } from "./sockets.ts";
import type { Header, Message, Outgoing } from "./wire.ts";

interface ExecuteRequest {
  code: string;
  silent?: boolean;
  store_history?: boolean;
  user_expressions?: Record<string, string>;
  allow_stdin?: boolean;
  stop_on_error?: boolean;
}

type Reply = (channel: Channel, message: Outgoing) => void;

/** A front end that runs all cells sends them one by one: how long an error waits for those on their way. */
const GATHER_QUEUE_MS = 10;

export class Execution {
  readonly sources = new CellSources();
  readonly #outbox: Outbox;
  readonly #reply: Reply;
  readonly #language: Language;
  readonly #history: History;
  #executor!: ExecutorHost;

  readonly #queue: Message[] = [];
  #busy = false;
  #count = 0;
  #runs = 0;
  #current: Message | undefined;
  #interruptCheck: (() => void) | undefined;
  /** Who asked for each run: late output goes there. */
  readonly #parents = new Map<number, Header>();
  #lastParent: Header | undefined;
  /** What the next cell has to be told. */
  #untoldLoss: string | undefined;

  constructor(parts: { outbox: Outbox; reply: Reply; language: Language; history: History }) {
    this.#outbox = parts.outbox;
    this.#reply = parts.reply;
    this.#language = parts.language;
    this.#history = parts.history;
  }

  attach(executor: ExecutorHost): void {
    this.#executor = executor;
  }

  /** The request that the output of a run belongs to. */
  parentOf(run: number): Header | undefined {
    return this.#parents.get(run) ?? this.#lastParent;
  }

  /** A number for work of this request: what it prints, now or later, goes to whoever asked. */
  newRun(parent: Header): number {
    this.#parents.set(++this.#runs, parent);
    return this.#runs;
  }

  /** All variables are gone: told at once if no cell is there to fail of it, and once more by the next cell. */
  tellLoss(told: string, running: boolean): void {
    if (!running) this.#outbox.stream("stderr", `${told}\n`, this.#lastParent);
    this.#untoldLoss = told;
  }

  /** The request that a waiting prompt belongs to. */
  get current(): Message | undefined {
    return this.#current;
  }

  enqueue(message: Message): void {
    this.#queue.push(message);
    if (!this.#busy) void this.#drain();
  }

  /** Stops the cell that runs and drops those that wait; not those that the same front end sent after the request. */
  interrupt(request?: Header): void {
    const isMeant = ({ header }: Message) =>
      !request || header.session !== request.session || header.date <= request.date;
    this.#abortQueued(isMeant);
    if (this.#current && !isMeant(this.#current)) return;
    this.#interruptCheck?.();
    this.#executor.interrupt();
  }

  async #drain(): Promise<void> {
    this.#busy = true;
    for (let message = this.#queue.shift(); message; message = this.#queue.shift()) {
      this.#current = message;
      await this.#execute(message);
      this.#current = undefined;
    }
    this.#busy = false;
  }

  async #execute(message: Message): Promise<void> {
    const request = message.content as unknown as ExecuteRequest;
    const silent = request.silent === true;
    const stored = !silent && request.store_history !== false;
    const parent = message.header;
    this.#lastParent = parent;
    this.#outbox.status("busy", parent);
    if (stored) this.#count++;
    const count = this.#count;
    const code = String(request.code ?? "");
    if (!silent) this.#outbox.publish({ type: "execute_input", content: { code, execution_count: count }, parent });
    if (stored) this.#history.add(count, code);
    if (this.#untoldLoss !== undefined) this.#outbox.stream("stderr", `Note: ${this.#untoldLoss}\n`, parent);
    this.#untoldLoss = undefined;

    const expressions = compileExpressions(this.#language, request.user_expressions ?? {});
    let outcome: Outcome;
    try {
      outcome = await this.#run(code, count, message, expressions.compiled);
    } catch (error) {
      outcome = internalError(error);
    }
    const failed = outcome.status === "error";
    if (failed && request.stop_on_error !== false) await sleep(GATHER_QUEUE_MS);
    if (!silent) this.#publishOutcome(outcome, count, parent);
    const content =
      outcome.status === "error"
        ? { ...outcome, execution_count: count }
        : {
            status: "ok",
            execution_count: count,
            payload: [],
            user_expressions: { ...expressions.failed, ...answers(outcome.expressions) },
          };
    this.#outbox.flush();
    this.#reply("shell", { type: "execute_reply", content, parent, identities: message.identities });
    this.#outbox.status("idle", parent);
    if (failed && request.stop_on_error !== false) this.#abortQueued();
  }

  async #run(
    code: string,
    count: number,
    { header: parent, metadata }: Message,
    expressions: Record<string, string>,
  ): Promise<Outcome> {
    const file = `cell-${count}.ts`;
    const { cellId, deletedCells } = metadata as { cellId?: string; deletedCells?: string[] };
    if (Array.isArray(deletedCells)) this.#language.forget(deletedCells);
    this.sources.add(file, code, undefined);
    const { promise: interrupted, resolve } = Promise.withResolvers<"interrupted">();
    this.#interruptCheck = () => resolve("interrupted");
    const checked = await Promise.race([this.#check(code), interrupted]);
    this.#interruptCheck = undefined;
    if (checked === "interrupted") return interruptedBeforeRun();
    if (!checked.ok) return this.sources.problems(file, checked.kind, checked.problems);

    const { cell, warnings } = checked;
    this.sources.add(file, code, cell);
    if (warnings.length > 0) {
      const { traceback } = this.sources.problems(file, "Warning", warnings);
      this.#outbox.stream("stderr", `${traceback.join("\n")}\n`, parent);
    }
    // Now, so that the language server takes it in while the cell runs.
    this.#language.declare(cell, cellId);
    const outcome = await this.#runCompiled(cell, this.newRun(parent), file, expressions);
    return outcome.status === "error" ? this.sources.located(outcome) : outcome;
  }

  async #check(code: string): Promise<Checked> {
    const checked = await this.#language.check(code);
    await this.#executor.interruptsDone;
    return checked;
  }

  #runCompiled(
    { declarations, body, showsValue, bindings }: CompiledCell,
    run: number,
    file: string,
    expressions: Record<string, string>,
  ): Promise<Outcome> {
    const hasExpressions = Object.keys(expressions).length > 0;
    if (declarations === undefined && body === undefined && !hasExpressions) return Promise.resolve({ status: "ok" });
    return this.#executor.run({
      run,
      file,
      showsValue,
      names: bindings,
      ...(declarations === undefined ? {} : { declarations }),
      ...(body === undefined ? {} : { body }),
      ...(hasExpressions ? { expressions } : {}),
    });
  }

  #publishOutcome(outcome: Outcome, count: number, parent: Header): void {
    if (outcome.status === "error") {
      const { ename, evalue, traceback } = outcome;
      this.#outbox.publish({ type: "error", content: { ename, evalue, traceback }, parent });
    } else if (outcome.data) {
      const content = { execution_count: count, data: outcome.data, metadata: outcome.metadata ?? {} };
      this.#outbox.publish({ type: "execute_result", content, parent });
    }
  }

  #abortQueued(isMeant: (message: Message) => boolean = () => true): void {
    for (const message of this.#queue.splice(0)) {
      if (!isMeant(message)) {
        this.#queue.push(message);
        continue;
      }
      const { header, identities } = message;
      this.#outbox.status("busy", header);
      const content = { status: "aborted" };
      this.#reply("shell", { type: "execute_reply", content, parent: header, identities });
      this.#outbox.status("idle", header);
    }
  }
}

/** The request's user_expressions as JavaScript, and why some of them are none. */
function compileExpressions(language: Language, sources: Record<string, string>) {
  const compiled: Record<string, string> = {};
  const failed: Record<string, CellError> = {};
  for (const [key, source] of Object.entries(sources)) {
    const result = language.compile(String(source));
    if (result.ok && result.cell.body !== undefined) {
      compiled[key] = result.cell.body;
      continue;
    }
    const evalue = result.ok ? "expected an expression, got nothing" : result.problems[0]!.message;
    failed[key] = { status: "error", ename: "SyntaxError", evalue, traceback: [`SyntaxError: ${evalue}`] };
  }
  return { compiled, failed };
}

/** Each answer as an execute_reply carries it: always with data and metadata. */
function answers(expressions: Record<string, Shown | CellError> = {}): Record<string, object> {
  return Object.fromEntries(
    Object.entries(expressions).map(([key, answer]) => [
      key,
      answer.status === "ok"
        ? { status: "ok", data: answer.data ?? { "text/plain": "undefined" }, metadata: answer.metadata ?? {} }
        : answer,
    ]),
  );
}

function interruptedBeforeRun(): CellError {
  const evalue = "the cell was interrupted before it ran";
  return { status: "error", ename: "KeyboardInterrupt", evalue, traceback: [`KeyboardInterrupt: ${evalue}`] };
}

function internalError(error: unknown): CellError {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return {
    status: "error",
    ename: "KernelError",
    evalue: `the kernel itself failed: ${String(error)}`,
    traceback: text.split("\n"),
  };
}
