// The main thread's own inspector session: V8's REPL mode runs the cells. Replies of Runtime.* on an in-thread session
// come synchronously, except that of an evaluation that awaits.

import { Session, type Runtime } from "node:inspector";
import { defineGlobal } from "./imports.ts";

/** How an evaluation ended: with a value, with an exception, or because execution was terminated. */
export type Evaluated =
  { kind: "value"; object: Runtime.RemoteObject } | { kind: "thrown"; error: unknown } | { kind: "terminated" };

export type Guarded<R> = { kind: "value"; value: R } | Exclude<Evaluated, { kind: "value" }>;

export class EvaluationSession {
  readonly #session = new Session();
  #guarded: (() => unknown) | undefined;
  #box: unknown;

  constructor() {
    this.#session.connect();
    defineGlobal("__braidGuarded", () => this.#guarded!());
    defineGlobal("__braidBox", (value: unknown) => {
      this.#box = value;
    });
  }

  /** Runs a script in REPL mode: top-level await, late binding, and every name may be declared again. */
  evaluate(code: string, file: string): Promise<Evaluated> {
    const expression = `${code}\n//# sourceURL=${file}`;
    return new Promise((resolve) => {
      this.#session.post("Runtime.evaluate", { expression, replMode: true, awaitPromise: true }, (failure, reply) =>
        resolve(failure ? { kind: "terminated" } : this.#evaluated(reply as Runtime.EvaluateReturnType)),
      );
    });
  }

  /**
   * Calls f inside an evaluation. Whatever user code the kernel itself calls (inspect hooks, getters, toString) must
   * run here: a termination then unwinds to the inspector and not through the kernel's own code.
   */
  guard<R>(f: () => R): Guarded<R> {
    let value: R;
    const outcomes: Evaluated[] = [];
    this.#guarded = () => void (value = f());
    this.#session.post("Runtime.evaluate", { expression: "__braidGuarded()" }, (failure, reply) => {
      if (!failure) outcomes.push(this.#evaluated(reply as Runtime.EvaluateReturnType));
    });
    this.#guarded = undefined;
    const [outcome = { kind: "terminated" as const }] = outcomes;
    return outcome.kind === "value" ? { kind: "value", value: value! } : outcome;
  }

  /** The value behind a remote object. */
  value(object: Runtime.RemoteObject): unknown {
    if (!object.objectId) {
      if (object.unserializableValue === undefined) return object.value;
      return object.type === "bigint"
        ? BigInt(object.unserializableValue.slice(0, -1))
        : Number(object.unserializableValue);
    }
    const { objectId } = object;
    this.#session.post("Runtime.callFunctionOn", {
      objectId,
      functionDeclaration: "function () { 'use strict'; __braidBox(this) }",
      silent: true,
    });
    this.release(object);
    const value = this.#box;
    this.#box = undefined;
    return value;
  }

  /** A remote object keeps its value alive until this. */
  release({ objectId }: Runtime.RemoteObject): void {
    if (objectId) this.#session.post("Runtime.releaseObject", { objectId });
  }

  /** V8 keeps what the last 1000 console calls were given, for a debugger that may come. */
  forgetConsole(): void {
    this.#session.post("Runtime.discardConsoleEntries");
  }

  #evaluated({ result, exceptionDetails }: Runtime.EvaluateReturnType): Evaluated {
    if (!exceptionDetails) return { kind: "value", object: result };
    // What was thrown comes twice.
    this.release(result);
    const { exception, text } = exceptionDetails;
    if (!exception) return { kind: "terminated" };
    if (exception.className === undefined && exception.value === undefined && /terminated/.test(text)) {
      return { kind: "terminated" };
    }
    return { kind: "thrown", error: this.value(exception) };
  }
}
