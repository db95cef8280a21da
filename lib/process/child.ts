// One process of a pool, seen from its owner.

import type { ChildProcess } from "node:child_process";
import { ProcessCrashedError, type ProcessEnd } from "../errors.ts";
import type { NestedMessage } from "../pool/messages.ts";
import { receive } from "../pool/callable.ts";
import { messageOf } from "../pool/job.ts";
import { NestedCalls } from "../pool/nested-calls.ts";
import type { Wire } from "../ship/index.ts";
import { fromBytes, toBytes } from "./bytes.ts";
import { launch, type LaunchOptions } from "./launch.ts";
import type { FromProcess, ToProcess } from "./messages.ts";
import { unwatchChild, watchChild } from "./reaper.ts";

/** How long a process that is told to end may take before it is killed. */
const END_MS = 1000;
/** How long what it has said last is waited for: a process of its own may hold its channel open. */
const LAST_WORDS_MS = 1000;

export interface ProcessEvents {
  heard(child: PoolProcess, message: FromProcess): void;
  /** It may be free now, or never. */
  changed(): void;
  /** It is gone, and all that it has said was heard. */
  gone(child: PoolProcess): void;
}

interface OpenTask {
  /** Its own calls that go on. */
  calls: number;
}

export class PoolProcess {
  /** 0: the system would not start it. */
  readonly pid: number;
  /** It has run its first line. */
  isReady = false;
  /** It has answered a task. */
  hasWorked = false;
  /** It takes no more tasks and is ended when its own are done. */
  isRetiring = false;
  /** To end a task of its own. */
  wasKilled = false;
  /** An error escaped from a task, or the system would not start it. */
  error: Error | undefined;
  end: ProcessEnd = {};
  readonly gone: Promise<void>;
  /** By number: the tasks that it was given and has not answered. */
  readonly #open = new Map<number, OpenTask>();
  /** By number: which task has made a call. */
  readonly #callers = new Map<number, number | undefined>();
  readonly #known = new Set<number>();
  readonly #groups = new Set<number>();
  readonly #child: ChildProcess;
  readonly #nested: NestedCalls = new NestedCalls((result) => {
    const task = this.#openTask(this.#callers.get(result.call));
    this.#callers.delete(result.call);
    if (task) task.calls--;
    this.#post({ braid: "result", bytes: toBytes(result) });
  }, "processes");

  constructor(options: LaunchOptions, events: ProcessEvents) {
    const child = launch(options);
    this.#child = child;
    this.pid = child.pid ?? 0;
    child.on("message", (message: FromProcess) => {
      // Anything else is a message of the user's own, by process.send.
      if (typeof message?.braid === "string") this.#heard(message, events);
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    this.gone = promise.then(() => events.gone(this));
    child.on("error", (error) => {
      // Else it is about a message to one that is gone.
      if (this.pid !== 0) return;
      this.error ??= error;
      resolve();
    });
    if (this.pid === 0) return;
    watchChild(this.pid);
    child.on("exit", (exitCode, signal) => {
      unwatchChild(this.pid);
      this.end = { exitCode: exitCode ?? undefined, signal: signal ?? undefined };
      // Its channel is closed already: all was heard.
      if (!child.connected) return resolve(this.#lastWords);
      const timer = setTimeout(resolve, LAST_WORDS_MS);
      child.on("close", () => clearTimeout(timer));
    });
    child.on("close", () => resolve(this.#lastWords));
    child.unref();
    child.channel?.unref();
  }

  /** It can be given a task: it has none, or all of its own wait for others. */
  get isFree(): boolean {
    if (!this.isReady || this.isRetiring || this.error) return false;
    for (const { calls } of this.#open.values()) if (calls === 0) return false;
    return true;
  }

  get isIdle(): boolean {
    return this.#open.size === 0;
  }

  get tasks(): Iterable<number> {
    return this.#open.keys();
  }

  begin(id: number, message: ToProcess): void {
    this.#open.set(id, { calls: 0 });
    this.#post(message);
  }

  /** It has answered, or let go. */
  ended(id: number): void {
    this.#open.delete(id);
  }

  /** Makes a function known, once. */
  define(id: number, bytes: () => Uint8Array): void {
    if (this.#known.has(id)) return;
    this.#known.add(id);
    this.#post({ braid: "function", id, bytes: bytes() });
  }

  forget(id: number): void {
    if (this.#known.delete(id)) this.#post({ braid: "forget", id });
  }

  openGroup(group: number, bytes: Uint8Array): void {
    if (this.#groups.has(group)) return;
    this.#groups.add(group);
    this.#post({ braid: "open", group, bytes });
  }

  closeGroup(group: number): void {
    if (this.#groups.delete(group)) this.#post({ braid: "close", group });
  }

  abandon(id: number): void {
    this.#post({ braid: "abandon", id });
  }

  /** Ends it, wherever it is. */
  kill(): Promise<void> {
    this.wasKilled = true;
    this.#hold();
    this.#child.kill("SIGKILL");
    return this.gone;
  }

  /** Lets it end by itself: what it has printed gets out. */
  leave(): Promise<void> {
    this.#hold();
    if (this.#child.connected) this.#child.disconnect();
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), END_MS);
    return this.gone.finally(() => clearTimeout(timer));
  }

  /** The program waits for its end. */
  #hold(): void {
    this.#child.ref();
    this.#child.channel?.ref();
  }

  /** Nobody waits for what its tasks have called. */
  endCalls(): void {
    this.#nested.endAll();
  }

  #lastWords: Promise<void> | undefined;

  #heard(message: FromProcess, events: ProcessEvents): void {
    if (message.braid === "escaped") this.#lastWords = this.#escaped(message.bytes);
    else if (message.braid !== "nested") return events.heard(this, message);
    else {
      const nested = fromBytes(message.bytes) as NestedMessage;
      if (nested.braid === "call") {
        this.#callers.set(nested.call, message.task);
        const task = this.#openTask(message.task);
        if (task) task.calls++;
      }
      this.#nested.heard(nested);
    }
    events.changed();
  }

  async #escaped(bytes: Uint8Array): Promise<void> {
    this.error = new Error("An error escaped.");
    try {
      this.error = (await receive(fromBytes(bytes) as Wire)) as Error;
    } catch (error) {
      this.error = error as Error;
    }
  }

  #openTask(id: number | undefined): OpenTask | undefined {
    return id === undefined ? undefined : this.#open.get(id);
  }

  #post(message: ToProcess): void {
    // One that is on its way out hears nothing more; its end is told by itself.
    if (this.#child.connected) this.#child.send(message, () => {});
  }
}

/** "it exited with code 3" */
export function howItEnded({ error, end: { exitCode, signal }, pid }: PoolProcess): string {
  if (pid === 0) return `the system refused (${messageOf(error)})`;
  if (error) return `an error escaped: ${messageOf(error)}`;
  if (signal === "SIGABRT")
    return "it was aborted (SIGABRT), perhaps out of memory: the pool's maxHeapMb raises the limit";
  if (signal === "SIGKILL") return "it was killed (SIGKILL), by someone or by a system out of memory";
  return signal ? `it was ended by the signal ${signal}` : `it exited with code ${exitCode}`;
}

/** Why a process died under a task. */
export function crashUnder(child: PoolProcess, task: string): ProcessCrashedError {
  const why = child.wasKilled ? "it was stopped, to end another task that it had begun" : howItEnded(child);
  return new ProcessCrashedError(`Process ${child.pid} died while it ran ${task}: ${why}.`, {
    cause: child.error,
    ...child.end,
  });
}
