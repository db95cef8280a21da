// The front's side of the executor: starts the process, reads its pipes, interrupts it, and replaces it when it dies.

import { type ChildProcess, spawn } from "node:child_process";
import type { Socket } from "node:net";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { FrameKind, FrameReader } from "../link/frames.ts";
import {
  type Answer,
  type Command,
  COMMAND_FD,
  type CommCommand,
  type ExecuteCommand,
  type Outcome,
  type Report,
  REPORT_FD,
} from "../link/messages.ts";
import { descendants, signal } from "./process-tree.ts";
import type { StreamName } from "./outbox.ts";

/** How long the executor gets to stop by itself before its child processes, then it, are stopped from outside. */
const ESCALATION_MS = { interruptChildren: 50, killChildren: 550, replace: 3000 };

/** How long the last words of an ended executor are waited for: a child of it that lives on may hold its pipes open. */
const LAST_WORDS_MS = 500;

const extension = path.extname(import.meta.url);
const entry = (name: string) => fileURLToPath(new URL(`../executor/${name}${extension}`, import.meta.url));

// Without --no-force-async-hooks-checks Node aborts when a timer's callback is terminated.
const FLAGS = ["--no-force-async-hooks-checks", "--no-warnings", "--require", entry("boot")];

const MAX_FAILED_STARTS = 3;

const DEBUGGER_NOISE =
  /^(Debugger attached\.|Waiting for the debugger to disconnect\.\.\.|Debugger ending on .*|Debugger listening on .*)\n/gm;

export interface ExecutorEvents {
  /** Text that a thread of the executor, or a child process of it, printed. `run` 0: by nobody knows which cell. */
  output(name: StreamName, text: string, run: number): void;
  /** Something to show: the content of that message as JSON. */
  display(type: "display_data" | "update_display_data", content: Buffer, run: number): void;
  report(report: ExecutorReport, run: number, buffers: Buffer[]): void;
  /** The process ended without being told to; a new one is on its way. `told` says so in a sentence. */
  died(told: string, running: boolean): void;
}

/** What the executor says that is not about the host itself. */
export type ExecutorReport = Exclude<Report, { type: "ready" | "result" | "comm_done" }>;

export class ExecutorHost {
  readonly #events: ExecutorEvents;
  #process: ExecutorProcess;
  #running: { run: number; settle: (outcome: Outcome) => void } | undefined;
  #isHeld = false;
  readonly #commsUnderWay = new Map<number, () => void>();
  #stopped = false;
  /** Processes in a row that ended before they could run anything. */
  #failedStarts = 0;

  constructor(events: ExecutorEvents) {
    this.#events = events;
    this.#process = this.#start();
  }

  /** Resolves when no interrupt is under way any more: it was meant for what ran before. */
  get interruptsDone(): Promise<void> {
    return this.#process.interruptsDone;
  }

  /** Resolves when the cell has ended, and always: also when the process dies under it. */
  async run(cell: Omit<ExecuteCommand, "type">): Promise<Outcome> {
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    await this.interruptsDone;
    if (this.#failedStarts >= MAX_FAILED_STARTS) {
      this.#failedStarts = 0;
      this.#process = this.#start();
    }
    this.#running = { run: cell.run, settle: resolve };
    this.#settleComms();
    this.#process.send({ type: "execute", ...cell });
    const outcome = await promise;
    this.#running = undefined;
    return outcome;
  }

  /** Stops what runs, its state kept if V8 can. A cell that won't stop costs the process. */
  interrupt(): void {
    const target = this.#running;
    const executor = this.#process;
    const { child } = executor;
    let isAnswered = false;
    void executor.interrupt().then(() => {
      isAnswered = true;
      this.#process.holdOutput(this.#isHeld);
    });
    // Without a cell, it may be a callback that spins.
    const isStuck = () => (target ? this.#running === target : !isAnswered) && this.#process === executor;
    const unlessStopped = (afterMs: number, act: () => void) =>
      setTimeout(() => {
        if (isStuck()) act();
      }, afterMs).unref();
    unlessStopped(ESCALATION_MS.interruptChildren, () => signal(descendants(child.pid), "SIGINT"));
    unlessStopped(ESCALATION_MS.killChildren, () => signal(descendants(child.pid), "SIGKILL"));
    unlessStopped(ESCALATION_MS.replace, () => child.kill("SIGKILL"));
  }

  /** Hands a line of input to the waiting thread; null: there is nobody to ask. */
  input(value: string | null): void {
    this.#process.send({ type: "input", value });
  }

  /** While it is held, every thread that prints more than its pipe takes blocks. */
  holdOutput(hold: boolean): void {
    this.#isHeld = hold;
    this.#process.holdOutput(hold);
  }

  /** Resolves when the listeners have run; at once while a cell runs, which they have to wait for. */
  async comm(command: Omit<CommCommand, "type">): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#commsUnderWay.set(command.run, resolve);
    this.#process.send({ type: "comm", ...command });
    if (!this.#running) await promise;
    this.#commsUnderWay.delete(command.run);
  }

  /** Ends the process and what it started; does not come back. */
  stop(): void {
    this.#stopped = true;
    const { child } = this.#process;
    signal([...descendants(child.pid), child.pid], "SIGKILL");
  }

  #start(): ExecutorProcess {
    const started: ExecutorProcess = new ExecutorProcess({
      output: this.#events.output,
      display: this.#events.display,
      report: (report, run, buffers) => {
        if (report.type === "result") this.#settle(report.run, report.outcome);
        else if (report.type === "ready") this.#failedStarts = 0;
        else if (report.type === "comm_done") this.#commsUnderWay.get(report.run)?.();
        else this.#events.report(report, run, buffers);
      },
      ended: (why) => {
        if (this.#stopped || this.#process !== started) return;
        const running = this.#running;
        // A machine out of memory or processes must not be kept busy with attempts: the next cell tries again.
        const next = ++this.#failedStarts < MAX_FAILED_STARTS ? "a new one was started" : "none could be started";
        if (this.#failedStarts < MAX_FAILED_STARTS) this.#process = this.#start();
        const text = `the process that ran your cells ended (${why}); ${next}, all variables are gone`;
        this.#settleComms();
        this.#events.died(text, running !== undefined);
        if (running)
          running.settle({ status: "error", ename: "ExecutorDied", evalue: why, traceback: [`ExecutorDied: ${text}`] });
      },
    });
    started.holdOutput(this.#isHeld);
    return started;
  }

  #settleComms(): void {
    for (const resolve of this.#commsUnderWay.values()) resolve();
  }

  #settle(run: number, outcome: Outcome): void {
    if (this.#running?.run === run) this.#running.settle(outcome);
  }
}

interface ProcessEvents {
  output: ExecutorEvents["output"];
  display: ExecutorEvents["display"];
  report(report: Report, run: number, buffers: Buffer[]): void;
  ended(why: string): void;
}

class ExecutorProcess {
  readonly child: ChildProcess;
  /** Resolves when the control thread has answered every interrupt, or the process is gone. */
  interruptsDone: Promise<void> = Promise.resolve();
  readonly #commands: Socket;
  #unanswered: (() => void)[] = [];
  #isOver = false;
  #isHeld = false;
  /** Of a process that ended while its output was held: there is more to read. */
  #afterRelease: (() => void) | undefined;

  constructor(events: ProcessEvents) {
    this.child = spawn(process.execPath, [...FLAGS, entry("main")], {
      stdio: ["ignore", "pipe", "pipe", "pipe", "pipe"],
    });
    const decoder = new StreamDecoders();
    const { stdout, stderr, stdio } = this.child;
    // A process that is killed resets its pipes; "close" tells of its end.
    for (const stream of stdio) stream?.on("error", () => {});
    // Descriptors 1 and 2 carry only what child processes and native code print.
    stdout!.on("data", (chunk: Buffer) => events.output("stdout", decoder.decode("raw stdout", chunk), 0));
    stderr!.on("data", (chunk: Buffer) =>
      events.output("stderr", decoder.decode("raw stderr", chunk).replace(DEBUGGER_NOISE, ""), 0),
    );
    this.#commands = stdio[COMMAND_FD] as Socket;
    const answers = createInterface({ input: this.#commands });
    answers.on("error", () => {});
    answers.on("line", (line) => this.#answered(JSON.parse(line) as Answer));
    const frames = new FrameReader();
    const buffers = new Map<number, Buffer[]>();
    (stdio[REPORT_FD] as Socket).on("data", (chunk: Buffer) => {
      for (const { kind, thread, cell, body } of frames.read(chunk)) {
        if (kind === FrameKind.buffer) buffers.set(thread, [...(buffers.get(thread) ?? []), Buffer.from(body)]);
        else if (kind === FrameKind.display) events.display("display_data", body, cell);
        else if (kind === FrameKind.update) events.display("update_display_data", body, cell);
        else if (kind === FrameKind.message) {
          const report = JSON.parse(body.toString()) as Report;
          // More than it says are left over from a message that an interrupt cut off.
          const count = "buffers" in report ? report.buffers : 0;
          events.report(report, cell, count > 0 ? buffers.get(thread)!.slice(-count) : []);
          buffers.delete(thread);
        } else {
          const name = kind === FrameKind.stdout ? "stdout" : "stderr";
          events.output(name, decoder.decode(`${thread} ${name}`, body), cell);
        }
      }
    });
    const ended = (why: string) => {
      if (this.#isOver) return;
      this.#isOver = true;
      for (const answered of this.#unanswered) answered();
      events.ended(why);
    };
    // "close" comes when every pipe has been read to its end: so the last words are not lost.
    this.child.on("close", (code, signalName) => ended(howItEnded(code, signalName)));
    this.child.on("exit", (code, signalName) => {
      this.#afterRelease = () => setTimeout(() => ended(howItEnded(code, signalName)), LAST_WORDS_MS).unref();
      if (!this.#isHeld) this.#afterRelease();
    });
    this.child.on("error", (error) => ended(error.message));
  }

  send(command: Command): void {
    if (this.#commands.writable) this.#commands.write(JSON.stringify(command) + "\n");
  }

  /** Not while an interrupt is under way: a thread that blocks because its output is held can't be terminated. */
  holdOutput(wanted: boolean): void {
    const hold = wanted && this.#unanswered.length === 0;
    this.#isHeld = hold;
    if (!hold) this.#afterRelease?.();
    for (const stream of [this.child.stdout, this.child.stderr, this.child.stdio[REPORT_FD]] as (Socket | null)[]) {
      if (hold) stream?.pause();
      else stream?.resume();
    }
  }

  /** Resolves when the interrupt is over, or the process is gone. */
  interrupt(): Promise<void> {
    if (this.#isOver) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#unanswered.push(resolve);
    this.holdOutput(false);
    this.interruptsDone = Promise.all([this.interruptsDone, promise]).then(() => {});
    this.send({ type: "interrupt" });
    return promise;
  }

  #answered(answer: Answer): void {
    if (answer.type === "stuck") this.child.kill("SIGKILL");
    this.#unanswered.shift()?.();
  }
}

/** UTF-8 decoders, one a source: a character may come in two writes. */
class StreamDecoders {
  readonly #decoders = new Map<string, InstanceType<typeof TextDecoder>>();

  decode(source: string, bytes: Buffer): string {
    let decoder = this.#decoders.get(source);
    if (!decoder) this.#decoders.set(source, (decoder = new TextDecoder()));
    return decoder.decode(bytes, { stream: true });
  }
}

function howItEnded(code: number | null, signalName: NodeJS.Signals | null): string {
  if (signalName === "SIGABRT") return "signal SIGABRT: abort, or out of memory";
  return signalName ? `signal ${signalName}` : `exit code ${code}`;
}
