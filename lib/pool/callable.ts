// What came to a thread or a process, made callable.

import { closureMaker, decode, prepare, type FunctionNode, type Wire } from "../ship/index.ts";

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

/** Takes the values of the captures before the arguments. */
function callClosure(node: FunctionNode): TaskFunction {
  const make = closureMaker(node);
  const { length } = node.names;
  return (...values) => (make(values.slice(0, length)) as TaskFunction)(...values.slice(length));
}
