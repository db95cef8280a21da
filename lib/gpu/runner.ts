// The life of a compiled kernel: made when it is first run, kept while it is used, freed when it is idle.

import { CancelledError } from "../errors.ts";
import { host } from "../host.ts";
import { type Argument, prepare } from "./arguments.ts";
import { type BackendFacts, type BackendName, candidates } from "./backends.ts";
import { compile, type Compiled, type CompileOptions } from "./compile.ts";
import type { GpuRun } from "./gpu.ts";
import { Kept } from "./kept.ts";
import type { Program } from "./translate.ts";

/** So long a kernel holds its threads and its memory when nothing runs it. */
const IDLE_MS = 10_000;

/** A call of the kernel that has not ended. */
interface Call {
  readonly origin: number | undefined;
  readonly reject: (reason: Error) => void;
}

interface Trial {
  readonly over: PromiseWithResolvers<void>;
  compiled: Compiled | undefined;
}

/** Runs a program on the best backend that can. */
export class Runner {
  readonly #program: Program;
  readonly #options: CompileOptions;
  readonly #wanted: BackendName | undefined;
  readonly #calls = new Set<Call>();
  #compiled: Compiled | undefined;
  /** While a first call finds out which backend it is; the others wait for it. */
  #trial: Trial | undefined;
  #idle: NodeJS.Timeout | undefined;
  /** Free what there is as soon as the last call has ended. */
  #isLeaving = false;
  #unlisten: (() => void) | undefined;

  constructor(program: Program, options: CompileOptions, wanted: BackendName | undefined) {
    this.#program = program;
    this.#options = options;
    this.#wanted = wanted;
  }

  run(args: readonly unknown[]): Promise<GpuRun> {
    return this.#call(args, async ({ facts, run }, list) => ({ value: await run(list), ...told(facts) }));
  }

  keep(args: readonly unknown[]): Promise<Kept> {
    const shape = this.#options.output.toReversed();
    return this.#call(args, async ({ facts, keep }, list) => new Kept(await keep(list), shape, told(facts)));
  }

  destroy(): void {
    this.#isLeaving = true;
    if (this.#calls.size === 0) this.#rest();
  }

  /**
   * Every call has a promise of its own that an interrupt can reject: what runs in this thread may be terminated at any
   * point, and then nothing after that point happens.
   */
  #call<R>(args: readonly unknown[], body: Body<R>): Promise<R> {
    const { promise, resolve, reject } = Promise.withResolvers<R>();
    const call: Call = { origin: host()?.origin(), reject };
    const ready = this.#compiled;
    let list: Argument[];
    try {
      list = prepare(this.#program.kernel.parameters, args, !ready || args.some((arg) => arg instanceof Kept));
    } catch (error) {
      reject(error as Error);
      return promise;
    }
    clearTimeout(this.#idle);
    this.#isLeaving = false;
    this.#calls.add(call);
    this.#unlisten ??= host()?.onInterrupt((origin) => this.#interrupt(origin));
    const end = (): void => {
      if (this.#calls.delete(call) && this.#calls.size === 0) this.#rest();
    };
    (ready ? body(ready, list) : this.#first(call, list, body)).then(
      (result) => {
        end();
        resolve(result);
      },
      (error: Error) => {
        // It may have lost its device or its threads: the next call begins anew.
        if (ready && ready === this.#compiled) this.#isLeaving = true;
        end();
        reject(error);
      },
    );
    return promise;
  }

  /** A call before it is known which backend it is: where it may be chosen, the next is tried if one can't. */
  async #first<R>(call: Call, args: Argument[], body: Body<R>): Promise<R> {
    while (!this.#compiled && this.#trial) await this.#trial.over.promise;
    // Its promise is settled then.
    if (!this.#calls.has(call)) throw new Error("The call was stopped");
    if (this.#compiled) return body(this.#compiled, args);
    const trial: Trial = (this.#trial = { over: Promise.withResolvers(), compiled: undefined });
    const failed: string[] = [];
    try {
      const backends = await candidates(this.#wanted);
      for (const facts of backends) {
        try {
          const why = [facts.why, ...failed].join("; ");
          const compiled = await compile(this.#program, { ...facts, why }, this.#options);
          trial.compiled = compiled;
          if (this.#trial !== trial) throw new Error("The call was stopped");
          const result = await body(compiled, args);
          if (this.#trial === trial) this.#compiled = compiled;
          return result;
        } catch (error) {
          trial.compiled?.destroy();
          trial.compiled = undefined;
          if (facts === backends.at(-1) || this.#trial !== trial) throw error;
          failed.push((error as Error).message);
        }
      }
      throw new Error("No backend can run here");
    } finally {
      this.#endTrial(trial);
    }
  }

  #endTrial(trial: Trial | undefined): void {
    if (this.#trial === trial) this.#trial = undefined;
    trial?.over.resolve();
  }

  /** Nothing runs. */
  #rest(): void {
    this.#unlisten?.();
    this.#unlisten = undefined;
    clearTimeout(this.#idle);
    if (this.#isLeaving) this.#free();
    else this.#idle = setTimeout(() => this.#free(), IDLE_MS).unref();
  }

  #free(): void {
    this.#compiled?.destroy();
    this.#compiled = undefined;
  }

  /** Ends the threads too: a kernel can't be stopped otherwise. */
  #interrupt(origin: number): void {
    const stopped = [...this.#calls].filter((call) => call.origin === origin);
    if (stopped.length === 0) return;
    for (const call of stopped) this.#calls.delete(call);
    this.#free();
    this.#trial?.compiled?.destroy();
    this.#endTrial(this.#trial);
    if (this.#calls.size === 0) this.#rest();
    for (const { reject } of stopped)
      reject(new CancelledError("Stopped a kernel: the cell that started it was interrupted."));
  }
}

type Body<R> = (compiled: Compiled, args: Argument[]) => Promise<R>;

function told({ backend, adapter, hardware, why }: BackendFacts): Omit<GpuRun, "value"> {
  return { backend, ...(adapter === undefined ? {} : { adapter }), hardware, why };
}
