// What "braid/notebook" asks of the kernel. In a worker thread there is no input: only the main thread has a front.

import type { MimeBundle } from "../../lib/host.ts";
import { openComm, registerCommTarget } from "./comms.ts";
import { type ControlData, INPUT, waitForInput } from "./control-flags.ts";
import { defineGlobal } from "./imports.ts";
import { type DisplayOptions, report, reportDisplay } from "./output.ts";

const KEY = Symbol.for("braid.kernel");

export interface KernelApi {
  display(data: MimeBundle, options: DisplayOptions): void;
  clear(wait: boolean): void;
  /** Blocks until the user has answered. */
  input(prompt: string, password: boolean): string;
  typeCheck(check: "error" | "warn" | "off"): void;
  openComm: typeof openComm;
  registerCommTarget: typeof registerCommTarget;
}

/** The kernel around this thread, or undefined outside a notebook. */
export function kernelApi(): KernelApi | undefined {
  return (globalThis as { [KEY]?: KernelApi })[KEY];
}

export function installKernelApi(control: ControlData): void {
  const api: KernelApi = {
    display: reportDisplay,
    clear: (wait) => report({ type: "clear", wait }),
    input(prompt, password) {
      Atomics.store(control.flags, INPUT, 0);
      report({ type: "input", prompt, password });
      return waitForInput(control);
    },
    typeCheck: (check) => report({ type: "type_check", check }),
    openComm,
    registerCommTarget,
  };
  Object.defineProperty(globalThis, KEY, { value: api, enumerable: false });
  defineGlobal("prompt", (text: unknown = "", password = false) => api.input(String(text), password));
}
