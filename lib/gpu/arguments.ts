// What a kernel's run is given: checked against what the kernel does with it, and brought into the form of gpu.js.

import { FLOAT_INDEX } from "./expressions.ts";
import { copy, isNumbers, type NestedNumbers, shapeOf } from "./constants.ts";
import { Kept } from "./kept.ts";
import type { Parameter } from "./translate.ts";

/** A number, an array of numbers as deep as the kernel indexes it, or the result of another kernel. */
export type Argument = number | NestedNumbers | Kept;

/**
 * The arguments that the kernel uses, then the lengths that it asks for. `mustCopy`: it takes a while until they are
 * used, and they may be written to by then. Throws TypeError or RangeError.
 */
export function prepare(parameters: readonly Parameter[], args: readonly unknown[], mustCopy: boolean): Argument[] {
  if (args.length !== parameters.length) {
    const names = parameters.map(({ name }) => name).join(", ");
    throw new TypeError(`Expected ${parameters.length} arguments for the kernel (${names}), got ${args.length}`);
  }
  const values: Argument[] = [];
  const lengths: number[] = [];
  for (const [i, parameter] of parameters.entries()) {
    if (parameter.rank === undefined && parameter.lengths.size === 0) continue;
    const value = args[i];
    if (parameter.rank === 0) {
      if (typeof value !== "number" && typeof value !== "boolean") throw unexpected(parameter, value);
      values.push(Number(value));
      continue;
    }
    const isKept = value instanceof Kept;
    if (!isKept && !isNumbers(value)) throw unexpected(parameter, value);
    const shape = isKept ? value.shape : shapeOf(value);
    if (typeof shape === "string")
      throw new RangeError(`Expected an array of numbers as ${parameter.name}, got one ${shape}`);
    const rank = parameter.rank ?? Math.max(shape.length, ...[...parameter.lengths.keys()].map((depth) => depth + 1));
    if (shape.length !== rank) throw unexpected({ ...parameter, rank }, value);
    for (const depth of parameter.floatIndexed)
      if (shape[depth]! > 2 ** 24)
        throw new RangeError(`The array ${parameter.name} ${FLOAT_INDEX}, but has ${shape[depth]} elements`);
    for (const depth of parameter.lengths.keys()) lengths.push(shape[depth]!);
    if (parameter.rank !== undefined) values.push(isKept || !mustCopy ? value : copy(value));
  }
  return [...values, ...lengths];
}

function unexpected({ name, rank }: Parameter, value: unknown): TypeError {
  const wanted = rank === 0 ? "a number" : `an array of numbers with ${rank} ind${rank === 1 ? "ex" : "ices"}`;
  const shape = isNumbers(value) ? shapeOf(value) : undefined;
  const given = Array.isArray(shape)
    ? `an array with ${shape.length}`
    : value instanceof Kept
      ? `a result with ${value.shape.length}`
      : typeof value === "object" && value !== null
        ? `an object of class ${value.constructor?.name}`
        : typeof value === "string"
          ? "a string"
          : String(value);
  return new TypeError(`Expected ${wanted} as ${name}, which is how the kernel uses it, got ${given}`);
}

/** The types that gpu.js shall give to the arguments. */
export function argumentTypes(parameters: readonly Parameter[]): string[] {
  const used = parameters.filter(({ rank }) => rank !== undefined);
  return [
    ...used.map(({ rank }) => (rank === 0 ? "Float" : "Array")),
    ...parameters.flatMap(({ lengths }) => [...lengths.keys()].map(() => "Integer")),
  ];
}
