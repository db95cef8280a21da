// A cell's top-level `using x = …` became `let x = await __using(…)`: the resources are held here and disposed of, last
// first, when the cell ends.

import { defineGlobal } from "./imports.ts";

let held = new AsyncDisposableStack();

export function installUsing(): void {
  defineGlobal("__using", (resource: Disposable | AsyncDisposable | null | undefined) => {
    held.use(resource);
    return resource;
  });
}

export function disposeHeld(): Promise<void> {
  const stack = held;
  held = new AsyncDisposableStack();
  return stack.disposeAsync();
}
