// spawn: a thread of its own for one function, which can be waited for with and without blocking.
//
// What it returns comes over a port that is read in both ways. A thread that blocks hears no events, not even that the
// other one is gone; but the port of a thread that is gone is closed, and a closed port takes no message. So who blocks
// looks now and then, by sending one that nobody reads.

import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort } from "node:worker_threads";
import { inspect } from "node:util";
import { wait, type Words } from "../atomics.ts";
import { CancelledError, NotSendableError, ThreadCrashedError } from "../errors.ts";
import { host, onOwnInterrupt } from "../host.ts";
import {
  decode,
  encode,
  prepare,
  realm,
  transferList,
  unsent,
  whyNotCloned,
  type SendAll,
  type SendResult,
  type Wire,
} from "../ship/index.ts";
import { sibling } from "../sibling.ts";
import { starting } from "../sync/threads.ts";
import { addStaff, type Staff } from "../sync/watch.ts";
import { timeoutError, watchLimits, type Wait, type WaitAsync } from "../waiting.ts";
import { checkFunction, checkWait } from "../checks.ts";
import { called, labelOf, unsendable } from "./job.ts";
import { execArgv, whyItDied } from "./thread.ts";

/** A blocked thread looks so often whether the other one is still there. */
const LOOK_MS = 50;

/** What the thread is given. */
export interface SpawnData {
  readonly owner: string;
  readonly origin: number | undefined;
  /** `{ fn, args }` */
  readonly wire: Wire;
  readonly port: MessagePort;
  /** One word: 1 when the answer has been sent. */
  readonly answered: Words;
}

/** What it sends, once. */
export interface SpawnAnswer {
  readonly ok: boolean;
  readonly wire: Wire;
}

type Result<R> = { readonly ok: true; readonly value: R } | { readonly ok: false; readonly error: unknown };

/** A thread that runs one function. */
export interface Thread<R> {
  /** Node's id of the thread. */
  readonly id: number;
  /**
   * What the function returned, awaited. Waits: blocks this thread, in which no event is heard meanwhile, until the
   * other one has ended or died.
   * Throws what the function threw; ThreadCrashedError if the thread died; TimeoutError after `timeoutMs`: the thread
   * goes on then, and can be joined again. CancelledError after `terminate()`.
   */
  join(options?: Wait): R;
  /** The same as a promise. Who no longer wants to wait, by `signal`, gets CancelledError; the thread goes on. */
  joinAsync(options?: WaitAsync): Promise<R>;
  /** Ends the thread now, wherever it is. Resolves when it is gone. */
  terminate(): Promise<void>;
}

/**
 * Runs a function on a thread of its own, which ends with it.
 *
 * Waits: never; `join()` and `joinAsync()` do, as often as they are called. The program lives until the thread has ended.
 * What the function captures travels as with `pool.run`; what is captured or given in shared memory stays shared.
 * Cost: 30 to 50 ms and 10 to 20 MB for each thread. When to use: for something that lasts, or blocks: a server, an actor, the
 * other end of a channel. For many tasks a Pool, which keeps its threads, costs a thousandth.
 * Throws CaptureError or NotSendableError where something can't cross, before anything runs.
 * @example
 * const thread = spawn((n: number) => { let sum = 0; for (let i = 0; i < n; i++) sum += i; return sum; }, 1e9);
 * const sum = thread.join();
 */
export function spawn<A extends unknown[], R>(
  fn: ((...args: A) => R | Promise<R>) & SendResult<R>,
  ...args: A & SendAll<A>
): Thread<R> {
  checkFunction("the first argument", fn);
  return new Spawned<R>(fn, args);
}

class Spawned<R> implements Thread<R>, Staff {
  readonly id: number;
  readonly #task: string;
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #answered: Words = new Int32Array(new SharedArrayBuffer(4));
  readonly #canTell: boolean;
  readonly #ended = Promise.withResolvers<Result<R>>();
  #answer: SpawnAnswer | undefined;
  /** Kept, so that each join gives the same. */
  #result: Result<R> | undefined;
  #stopped: string | undefined;
  #isGone = false;
  #error: Error | undefined;
  readonly #failure = watchFor(this);

  constructor(fn: Function, args: readonly unknown[]) {
    this.#task = called({ label: labelOf(fn) });
    const wire = encode({ fn, args }, { path: "" });
    const { port1, port2 } = new MessageChannel();
    const origin = host()?.origin();
    const workerData: SpawnData = { owner: realm, origin, wire, port: port2, answered: this.#answered };
    try {
      const transfer = [port2, ...transferList(wire)];
      this.#worker = new Worker(sibling(import.meta.url, "spawned"), {
        workerData,
        transferList: transfer,
        ...execArgv(),
      });
    } catch (cause) {
      unsent(wire);
      port1.close();
      throw unsendable(cause);
    }
    starting(this.#worker.threadId);
    addStaff(this);
    this.id = this.#worker.threadId;
    this.#port = port1;
    this.#canTell = this.#isThere();
    port1.on("message", (answer: SpawnAnswer) => void this.#heard(answer));
    port1.on("messageerror", (error: Error) => this.#settle({ ok: false, error: unreadable(error) }));
    // The thread itself keeps the program alive.
    port1.unref();
    this.#worker.on("error", (error: Error) => (this.#error = error));
    const unlisten = onOwnInterrupt(() => {
      void this.#stop(`Stopped ${this.#task}: the cell that started it was interrupted.`);
    });
    this.#worker.on("exit", (exitCode) => {
      unlisten();
      this.#gone(exitCode);
    });
    host()?.adopt(this.#worker);
  }

  staff(): number[] {
    return this.#isGone ? [] : [this.id];
  }

  mayGoOn(isBlocked: (thread: number) => boolean): boolean {
    return !this.#isGone && !isBlocked(this.id);
  }

  join(options: Wait = {}): R {
    checkWait("join()", options, ["timeoutMs"]);
    const { timeoutMs } = options;
    const endMs = performance.now() + (timeoutMs ?? Infinity);
    while (!this.#take()) {
      const leftMs = endMs - performance.now();
      if (leftMs <= 0) throw timeoutError(this.#task, timeoutMs!);
      wait(this.#answered, 0, 0, Math.min(leftMs, LOOK_MS));
      if (this.#canTell && !this.#isThere() && !this.#take()) this.#settle({ ok: false, error: this.#death() });
    }
    return this.#joined(this.#result ?? this.#settle(decodedNow(this.#answer!)));
  }

  async joinAsync(options: WaitAsync = {}): Promise<R> {
    checkWait("joinAsync()", options, ["timeoutMs", "signal"]);
    const givenUp = Promise.withResolvers<never>();
    const unwatch = watchLimits(this.#task, options, givenUp.reject);
    try {
      return this.#joined(await Promise.race([this.#ended.promise, givenUp.promise]));
    } finally {
      unwatch();
    }
  }

  async terminate(): Promise<void> {
    await this.#stop(`Stopped ${this.#task}: its thread was terminated.`);
  }

  async #stop(why: string): Promise<void> {
    this.#stopped ??= why;
    await this.#worker.terminate();
  }

  async #heard(answer: SpawnAnswer): Promise<void> {
    this.#answer = answer;
    try {
      const loaded = prepare(answer.wire);
      if (loaded) await loaded;
      this.#settle(decoded(answer));
    } catch (error) {
      this.#settle({ ok: false, error });
    }
  }

  /** Without the event loop: true if there is a result, or an answer to make it from. */
  #take(): boolean {
    if (this.#result || this.#answer) return true;
    try {
      this.#answer = receiveMessageOnPort(this.#port)?.message as SpawnAnswer | undefined;
    } catch (error) {
      this.#settle({ ok: false, error: unreadable(error as Error) });
    }
    return this.#result !== undefined || this.#answer !== undefined;
  }

  /** A message to a port that is open gives true: of Node's own, and nowhere promised. */
  #isThere(): boolean {
    return (this.#port as { postMessage(value: unknown): unknown }).postMessage(null) === true;
  }

  #gone(exitCode: number): void {
    this.#isGone = true;
    const isHeard = this.#answer !== undefined;
    if (!this.#take()) this.#settle({ ok: false, error: this.#death(exitCode) });
    else if (!isHeard && this.#answer) void this.#heard(this.#answer);
    this.#port.close();
  }

  /** Once: what comes later is not heard. */
  #settle(result: Result<R>): Result<R> {
    if (this.#result) return this.#result;
    this.#result = result;
    this.#ended.resolve(result);
    if (!result.ok && this.#stopped === undefined)
      this.#failure.text = `Thread ${this.id} failed, and nobody joined it: ${inspect(result.error)}`;
    return result;
  }

  #joined(result: Result<R>): R {
    this.#failure.text = undefined;
    if (result.ok) return result.value;
    throw result.error;
  }

  #death(exitCode?: number): Error {
    if (this.#stopped !== undefined) return new CancelledError(this.#stopped);
    const why = exitCode === undefined ? "" : `: ${whyItDied(this.#error, exitCode)}`;
    const text = `Thread ${this.id} died while it ran ${this.#task}${why}.`;
    return new ThreadCrashedError(text, { cause: this.#error, ...(exitCode !== undefined && { exitCode }) });
  }
}

function decoded<R>({ ok, wire }: SpawnAnswer): Result<R> {
  const value = decode(wire);
  return ok ? { ok, value: value as R } : { ok, error: value };
}

/** Throws where something has to be imported first. */
function decodedNow<R>(answer: SpawnAnswer): Result<R> {
  const loading = prepare(answer.wire);
  if (!loading) return decoded(answer);
  loading.catch(() => {});
  throw new Error("The result is made of a module that this thread has not imported yet: use joinAsync().");
}

const unreadable = (error: Error): Error =>
  new NotSendableError("result", `The result can't be read by this thread: ${whyNotCloned(error)}.`);

interface Failure {
  text: string | undefined;
}

/** Of threads that have failed, what nobody has been told yet. */
const failures = new Set<Failure>();
const dropped = new FinalizationRegistry<Failure>(tell);

/** Remembers a thread, so that its failure is told at the latest when nobody can join it any more. */
function watchFor(thread: object): Failure {
  const failure: Failure = { text: undefined };
  if (failures.size === 0) process.once("exit", tellAll);
  failures.add(failure);
  dropped.register(thread, failure);
  return failure;
}

function tell(failure: Failure): void {
  failures.delete(failure);
  if (failures.size === 0) process.off("exit", tellAll);
  if (failure.text !== undefined) process.emitWarning(failure.text, "BraidWarning");
}

function tellAll(): void {
  for (const { text } of failures) if (text !== undefined) process.stderr.write(`${text}\n`);
}
