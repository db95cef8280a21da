// A cell's top-level `using x = …` became `let x = await __using(…)`: the resources are held here and disposed of, last
// first, when the cell ends. Not by an AsyncDisposableStack: V8's takes a disposer that was terminated for one that ended.

import { inspect } from "node:util";
import { defineGlobal } from "./imports.ts";

interface Held {
  resource: object;
  dispose: () => unknown;
}

let held: Held[] = [];

export function installUsing(): void {
  defineGlobal("__using", (resource: object | null | undefined) => {
    if (resource !== null && resource !== undefined) held.push({ resource, dispose: disposerOf(resource) });
    return resource;
  });
}

/** Every resource is disposed of, whichever fails before it. */
export async function disposeHeld(): Promise<void> {
  const stack = held;
  held = [];
  const errors: unknown[] = [];
  for (let next = stack.pop(); next; next = stack.pop()) {
    try {
      await next.dispose.call(next.resource);
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors.reduce((suppressed, error) => new SuppressedError(error, suppressed));
}

function disposerOf(resource: object): () => unknown {
  const { [Symbol.asyncDispose]: later, [Symbol.dispose]: now } = resource as Partial<AsyncDisposable & Disposable>;
  const dispose = later ?? now;
  if (typeof dispose === "function") return dispose;
  throw new TypeError(
    `using expected something with [Symbol.dispose]() or [Symbol.asyncDispose](), got ${inspect(resource)}`,
  );
}
