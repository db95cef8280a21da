// "braid/notebook": what a cell can show, and ask. Outside a notebook, output goes to the console.

import { inspect } from "node:util";
import { type KernelApi, kernelApi } from "../executor/kernel-api.ts";

export type { MimeBundle } from "../../lib/host.ts";
export { display, type Displayed, html, image, json, md, svg } from "./display.ts";
export { progress, type Progress } from "./progress.ts";
export type { Comm, CommMessage, CommOptions } from "../executor/comms.ts";

/** Removes what the running cell has shown so far; with `wait`, only when something new comes. */
export function clearOutput(options: { wait?: boolean } = {}): void {
  kernelApi()?.clear(options.wait ?? false);
}

/**
 * Asks the reader for a line of text. Waits: blocks the thread until it is answered; an interrupt ends the wait.
 * Throws where there is nobody to ask: in a worker thread, or outside a notebook.
 */
export function input(prompt = "", options: { password?: boolean } = {}): string {
  return kernelOr("input()").input(prompt, options.password ?? false);
}

/**
 * What a type error does from the next cell on: "error" stops the cell before it runs, as without this call, "warn"
 * prints it and runs the cell, "off" doesn't look for any. `// @ts-nocheck` turns it off for one cell.
 */
export function typeCheck(check: "error" | "warn" | "off"): void {
  if (!["error", "warn", "off"].includes(check))
    throw new TypeError(`typeCheck() expected "error", "warn" or "off", got ${inspect(check)}`);
  kernelOr("typeCheck()").typeCheck(check);
}

/**
 * Opens a comm: a channel of JSON and binary messages to whoever registered `target` in the front end (a widget, an
 * extension). Never waits; a front end that doesn't know the target closes it. Throws outside the main thread of a
 * notebook.
 */
export const openComm: KernelApi["openComm"] = (...args) => kernelOr("openComm()").openComm(...args);

/**
 * Lets front ends open comms for `target`; `onOpen` gets each with its first message. Returns the way to end it. A later
 * registration of the same target replaces the earlier one. Throws outside the main thread of a notebook.
 */
export const registerCommTarget: KernelApi["registerCommTarget"] = (...args) =>
  kernelOr("registerCommTarget()").registerCommTarget(...args);

function kernelOr(caller: string): KernelApi {
  const kernel = kernelApi();
  if (!kernel) throw new Error(`${caller} works in the main thread of a notebook only: there is no front end here`);
  return kernel;
}
