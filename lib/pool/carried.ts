// What the runners of threads and of processes share: what came is made callable, what was thrown is made fit to travel.

import { BraidError } from "../errors.ts";
import {
  closureMaker,
  decode,
  encode,
  prepare,
  type EncodeOptions,
  type FunctionNode,
  type Wire,
} from "../ship/index.ts";
import { messageOf } from "./job.ts";

export type TaskFunction = (...args: unknown[]) => unknown;

/** The function of a wire that was sent once, to be named afterwards: a closure takes its captures as first arguments. */
export function callable(wire: Wire): TaskFunction | Promise<TaskFunction> {
  const [node] = wire.nodes;
  const isClosure = node?.t === "fn" && node.names.length > 0;
  return isClosure ? callClosure(node) : (receive(wire) as Promise<TaskFunction>);
}

export async function receive(wire: Wire): Promise<unknown> {
  const wait = prepare(wire);
  if (wait) await wait;
  return decode(wire);
}

export function encodeError(thrown: unknown, options: EncodeOptions): Wire {
  try {
    return encode(thrown, { ...options, path: "what the task threw" });
  } catch (why) {
    return encode(standIn(thrown, why), options);
  }
}

/** What a task threw can't cross: its words can, as far as they can be read. */
function standIn(thrown: unknown, why: unknown): Error {
  try {
    const { name, stack } = thrown instanceof Error ? thrown : { name: "Error", stack: undefined };
    const stand = new Error(`${name}: ${messageOf(thrown)} (${messageOf(why)})`);
    // What a ship hook threw may not cross either.
    if (why instanceof BraidError) stand.cause = why;
    if (stack) stand.stack = stack;
    return stand;
  } catch {
    return new Error("The task threw something that can't be shown.");
  }
}

/** Takes the values of the captures before the arguments. */
function callClosure(node: FunctionNode): TaskFunction {
  const make = closureMaker(node);
  const { length } = node.names;
  return (...values) => (make(values.slice(0, length)) as TaskFunction)(...values.slice(length));
}
