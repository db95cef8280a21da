// The functions of Math and Number. What has no exact counterpart among the instructions is called in JavaScript, element
// by element: the result is Math's own.

import type { Expressions } from "./expressions.ts";
import { constant, type Value } from "./nodes.ts";

const INSTRUCTIONS = new Set(["abs", "sqrt", "ceil", "floor", "trunc"]);
/** What is not the same each time, or takes what is no number. */
const REFUSED = new Set(["random", "sumPrecise"]);
const own: Record<string, Function> = {};
for (const name of Object.getOwnPropertyNames(Math)) {
  const value: unknown = Math[name as "sqrt"];
  if (typeof value === "function" && !REFUSED.has(name)) own[name] = value;
}

/** A function by the name that a kernel calls it by. */
export function imported(name: string): Function {
  const [plain] = name.split("/") as [string];
  return plain === "remainder" ? (a: number, b: number) => a % b : own[plain]!;
}

/** Undefined for what is no such function. */
export function mathCall(to: Expressions, name: string, args: readonly Value[]): Value | undefined {
  if (!Object.hasOwn(own, name) || Math[name as "sqrt"] !== own[name]) return undefined;
  const [a = constant(NaN), b = constant(NaN)] = args;
  if (name === "min" || name === "max") {
    const none = constant(name === "min" ? Infinity : -Infinity);
    const numbers = args.map((one) => to.number(one));
    return numbers.length === 0 ? none : numbers.reduce((x, y) => to.arithmetic(name, x, y));
  }
  if (INSTRUCTIONS.has(name)) return to.unary(name, a);
  if (name === "round") return to.round(a);
  if (name === "sign") return to.sign(a);
  if (name === "fround") return to.float32(to.number(a));
  if (name === "imul") return to.bits("mul", a, b);
  const all = args.map((one) => to.number(one));
  if (all.every(({ op }) => op === "const")) return constant(own[name]!(...all.map(({ value }) => value)) as number);
  // V8 has x * x for it, too.
  if (name === "pow" && b.op === "const" && b.value === 2) {
    const x = to.leaf(to.number(a));
    return to.arithmetic("mul", x, x);
  }
  return to.jsCall(name, all);
}

export function numberCall(to: Expressions, name: string, value: Value): Value | undefined {
  const x = to.leaf(to.number(value));
  if (name === "isNaN") return to.compare("ne", x, x);
  const isFinite = (): Value => to.compare("lt", to.unary("abs", x), constant(Infinity));
  if (name === "isFinite") return isFinite();
  if (name === "isInteger") return to.logic("and", isFinite(), to.compare("eq", to.unary("trunc", x), x));
  return undefined;
}
