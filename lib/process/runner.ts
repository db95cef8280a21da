// What runs in a process of a pool: takes a task, runs it, answers. Whatever happens to a task, there is an answer or the
// process is gone; either settles it.

import { NotSendableError } from "../errors.ts";
import { host } from "../host.ts";
import { callable, receive, type TaskFunction } from "../pool/callable.ts";
import { encodeError } from "../pool/failures.ts";
import { watchLateErrors } from "../pool/late-errors.ts";
import type { NestedResult } from "../pool/messages.ts";
import { isThenable, ItemFailure, type Entry } from "../pool/parts.ts";
import { heardResult, openTask, setOwnerLink, type OpenTask } from "../pool/remote-engine.ts";
import { encode, isPrimitive, whyNotCloned, type Wire } from "../ship/index.ts";
import { fromBytes, toBytes } from "./bytes.ts";
import type { FromProcess, Primitive, ToProcess } from "./messages.ts";

type RunPart = (part: unknown) => unknown;

interface ProcessTask extends OpenTask {
  readonly id: number;
}

/** How long the last words may take. */
const LAST_WORDS_MS = 1000;

export class ProcessRunner {
  readonly #owner: string;
  readonly #send: (message: FromProcess, done?: () => void) => void;
  /** By number. Where one could not be made, each call tells so. */
  readonly #functions = new Map<number, TaskFunction | Promise<TaskFunction>>();
  readonly #groups = new Map<number, Promise<RunPart>>();
  /** Those that have begun and not ended. */
  readonly #tasks = new Map<number, ProcessTask>();

  constructor(owner: string, send: (message: FromProcess, done?: () => void) => void) {
    this.#owner = owner;
    this.#send = send;
    setOwnerLink({
      owner,
      between: "processes",
      pool: undefined,
      post: (message) => {
        const task = openTask.getStore() as ProcessTask | undefined;
        this.#send({ braid: "nested", task: task?.id, bytes: toBytes(message) });
      },
      // The owner counts them.
      called: () => {},
    });
    watchLateErrors(
      () => this.#isOpen(openTask.getStore() as ProcessTask | undefined),
      (error) => this.#escaped(error),
    );
  }

  start(): void {
    this.#send({ braid: "ready" });
  }

  heard(message: ToProcess): void {
    switch (message.braid) {
      case "run":
        return this.#run(message);
      case "task":
        return void this.#runWire(message);
      case "function":
        return this.#define(message.id, message.bytes);
      case "forget":
        return void this.#functions.delete(message.id);
      case "open":
        return this.#open(message.group, message.bytes);
      case "close":
        return void this.#groups.delete(message.group);
      case "abandon":
        this.#tasks.delete(message.id);
        return this.#send({ braid: "abandoned", id: message.id });
      case "result":
        return void heardResult(fromBytes(message.bytes) as NestedResult);
    }
  }

  #run({ id, fn, args, rest, origin }: ToProcess & { braid: "run" }): void {
    const task = this.#begin(id);
    const known = this.#functions.get(fn)!;
    if (known instanceof Promise || rest) void this.#runLater(task, known, args, rest, origin);
    else this.#start(task, origin, () => known(...args));
  }

  async #runLater(
    task: ProcessTask,
    known: TaskFunction | Promise<TaskFunction>,
    args: readonly Primitive[],
    rest: Uint8Array | undefined,
    origin: number | undefined,
  ): Promise<void> {
    try {
      const fn = await known;
      const others = rest ? ((await receive(fromBytes(rest) as Wire)) as unknown[]) : [];
      this.#start(task, origin, () => fn(...args, ...others));
    } catch (error) {
      this.#fail(task, error);
    }
  }

  async #runWire({ id, bytes, group, origin }: ToProcess & { braid: "task" }): Promise<void> {
    const task = this.#begin(id);
    try {
      const part = group === undefined ? undefined : await this.#groups.get(group)!;
      const input = await receive(fromBytes(bytes) as Wire);
      this.#start(task, origin, () => {
        if (part) return part(input);
        const { fn, args } = input as { fn: TaskFunction; args: unknown[] };
        return fn(...args);
      });
    } catch (error) {
      this.#fail(task, error);
    }
  }

  #define(id: number, bytes: Uint8Array): void {
    const make = async (): Promise<TaskFunction> => callable(fromBytes(bytes) as Wire);
    const made = make();
    this.#functions.set(id, made);
    made.then(
      (fn) => this.#functions.get(id) === made && this.#functions.set(id, fn),
      // Whoever calls it hears of it.
      () => {},
    );
  }

  #open(group: number, bytes: Uint8Array): void {
    const open = async (): Promise<RunPart> => {
      const { entry, context } = (await receive(fromBytes(bytes) as Wire)) as {
        entry: Entry<unknown, unknown, unknown>;
        context: unknown;
      };
      return entry(context);
    };
    const opened = open();
    opened.catch(() => {});
    this.#groups.set(group, opened);
  }

  #begin(id: number): ProcessTask {
    const task = { id, calls: 0 };
    this.#tasks.set(id, task);
    return task;
  }

  #start(task: ProcessTask, origin: number | undefined, fn: () => unknown): void {
    // Abandoned while what it needs was loaded.
    if (!this.#isOpen(task)) return;
    try {
      const here = host();
      const value = openTask.run(task, () => (here ? here.runAs(origin, fn) : fn()));
      if (isThenable(value)) void this.#await(task, value);
      else this.#answer(task, value);
    } catch (error) {
      this.#fail(task, error);
    }
  }

  async #await(task: ProcessTask, value: PromiseLike<unknown>): Promise<void> {
    try {
      this.#answer(task, await value);
    } catch (error) {
      this.#fail(task, error);
    }
  }

  /** Throws where the value can't cross; then nothing has been said. */
  #answer(task: ProcessTask, value: unknown): void {
    if (!this.#isOpen(task)) return;
    const { id } = task;
    if (isPrimitive(value)) this.#send({ braid: "value", id, value: value as Primitive });
    else {
      const wire = encode(value, { to: this.#owner, path: "result", between: "processes" });
      this.#send({ braid: "done", id, ok: true, bytes: writeResult(wire), index: undefined });
    }
    this.#tasks.delete(id);
  }

  #fail(task: ProcessTask, thrown: unknown): void {
    if (!this.#isOpen(task)) return;
    const { id } = task;
    this.#tasks.delete(id);
    const isItem = thrown instanceof ItemFailure;
    const bytes = this.#errorBytes(isItem ? thrown.error : thrown);
    this.#send({ braid: "done", id, ok: false, bytes, index: isItem ? thrown.index : undefined });
  }

  #errorBytes(thrown: unknown): Uint8Array {
    const options = { to: this.#owner, between: "processes" } as const;
    try {
      return toBytes(encodeError(thrown, options));
    } catch (cause) {
      const text = `What the task threw can't be sent: ${whyNotCloned(cause as Error)}.`;
      return toBytes(encode(new NotSendableError("error", text), options));
    }
  }

  /** Of code that no task is known for, any that goes on may be waiting for it. */
  #isOpen(task: ProcessTask | undefined): boolean {
    return task ? this.#tasks.get(task.id) === task : this.#tasks.size > 0;
  }

  #escaped(error: unknown): void {
    const exit = (): never => process.exit(1);
    setTimeout(exit, LAST_WORDS_MS);
    this.#send({ braid: "escaped", bytes: this.#errorBytes(error) }, exit);
  }
}

function writeResult(wire: Wire): Uint8Array {
  try {
    return toBytes(wire);
  } catch (cause) {
    throw new NotSendableError("result", `The result can't be sent: ${whyNotCloned(cause as Error)}.`, { cause });
  }
}
