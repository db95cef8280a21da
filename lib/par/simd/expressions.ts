// Expressions of JavaScript as values of a kernel.

import type { Tree } from "../../ship/index.ts";
import { childrenOf, type Meaning, type ReadFunction } from "./closures.ts";
import { Elements } from "./elements.ts";
import type { Variable } from "./flow.ts";
import { mathCall, numberCall } from "./math.ts";
import { constant, isBoolean, local, type Local, type Value } from "./nodes.ts";
import { isPowerOfTwo, isSafeInteger } from "./builder.ts";

export type Binding =
  | { readonly is: "value"; readonly value: Value }
  | { readonly is: "variable"; readonly variable: Variable }
  /** Of a matrix: each element has its own. */
  | { readonly is: "row"; readonly stream: number }
  | { readonly is: "not yet" };

/** Names that a block declares. */
export class Scope {
  readonly names = new Map<string, Binding>();
  readonly #up: Scope | undefined;
  constructor(up?: Scope) {
    this.#up = up;
  }
  find(name: string): Binding | undefined {
    return this.names.get(name) ?? this.#up?.find(name);
  }
}

/** A call of a function that is being written out. */
export interface Call {
  readonly fn: ReadFunction;
  /** Tells the calls of one function apart. */
  readonly path: string;
  readonly result: Variable | undefined;
  /** Who has not returned yet, where some return earlier than others. */
  readonly live: Value | undefined;
}

const ARITHMETIC: Record<string, string> = { "+": "add", "-": "sub", "*": "mul", "/": "div" };
const COMPARE: Record<string, string> = {
  ...{ "<": "lt", ">": "gt", "<=": "le", ">=": "ge" },
  ...{ "===": "eq", "==": "eq", "!==": "ne", "!=": "ne" },
};
const BITS: Record<string, string> = { "&": "and", "|": "or", "^": "xor" };
const SHIFTS: Record<string, "shl" | "shr" | "shru"> = { "<<": "shl", ">>": "shr", ">>>": "shru" };

export abstract class Expressions extends Elements {
  protected scope = new Scope();
  protected call!: Call;

  /** What a call of this function gives. */
  protected abstract inline(fn: ReadFunction, args: readonly Value[], node: Tree): Value;

  refuse(node: Tree, why: string): Error {
    return this.call.fn.refuse(node, why);
  }

  value(node: Tree): Value {
    switch (node.type) {
      case "Literal":
        if (typeof node.value === "number") return constant(node.value);
        if (typeof node.value === "boolean") return this.truth(node.value);
        throw this.refuse(node, "is no number");
      case "Identifier":
        return this.#name(node);
      case "UnaryExpression":
        return this.#unary(node);
      case "BinaryExpression":
        return this.binary(node.operator, this.value(node.left), this.value(node.right), node);
      case "LogicalExpression":
        return this.#logical(node);
      case "ConditionalExpression": {
        const test = this.condition(this.value(node.test));
        const [yes, no] = this.#branches(test, node.consequent, node.alternate);
        if (isBoolean(yes) !== isBoolean(no)) throw this.refuse(node, "gives a truth value or a number");
        return this.select(test, yes, no);
      }
      case "CallExpression":
        return this.#call(node);
      case "MemberExpression":
        return this.#member(node);
    }
    throw this.refuse(node, "is nothing that a kernel computes");
  }

  /** Both sides are computed for all elements, but what a function does in a loop only for those that take this side. */
  #branches(test: Value, first: Tree, second: Tree): [Value, Value] {
    const side = (node: Tree, isSecond: boolean): Value => {
      if (!callsFunctions(node)) return this.value(node);
      const outer = this.who;
      const own = isSecond ? this.not(test) : test;
      this.who = this.keptMask(outer ? this.logic("and", outer, own) : own);
      this.frames.push({ kind: "if" });
      const value = this.value(node);
      this.frames.pop();
      this.who = outer;
      return value;
    };
    return [side(first, false), side(second, true)];
  }

  #name(node: Tree): Value {
    const name = node.name as string;
    const binding = this.scope.find(name);
    if (binding?.is === "value") return binding.value;
    if (binding?.is === "variable") return this.read(binding.variable);
    if (binding?.is === "row") throw this.refuse(node, "is a row: take numbers from it, as in `row[j]`");
    if (binding) throw this.refuse(node, "is used before it is declared");
    const meaning = this.#captured(name);
    if (meaning) return this.#scalar(meaning, node);
    if (name === "Infinity") return constant(Infinity);
    if (name === "NaN") return constant(NaN);
    throw this.refuse(node, "is known neither as a number nor as a function of numbers");
  }

  #captured(name: string): Meaning | undefined {
    return this.call.fn.captured.get(name);
  }

  #scalar(meaning: Meaning, node: Tree): Value {
    if (meaning.is === "number") return meaning.value;
    if (meaning.is === "truth") return this.truth(meaning.value);
    const what =
      meaning.is === "other"
        ? meaning.what
        : meaning.is === "array"
          ? "an array: take numbers from it, as in `xs[i]`"
          : meaning.is === "object"
            ? "an object"
            : "a function";
    throw this.refuse(node, `is ${what}`);
  }

  /** Math or Number, and no variable of that name. */
  #isGlobal(node: Tree, name: string): boolean {
    return node.type === "Identifier" && node.name === name && !this.scope.find(name) && !this.#captured(name);
  }

  #unary(node: Tree): Value {
    const value = this.value(node.argument);
    switch (node.operator) {
      case "-":
        return this.unary("neg", this.number(value));
      case "+":
        return isBoolean(value) ? this.number(value) : value;
      case "!":
        return this.not(this.condition(value));
      case "~":
        return this.bits("xor", value, constant(-1));
    }
    throw this.refuse(node, "is no operation on numbers");
  }

  binary(operator: string, left: Value, right: Value, node: Tree): Value {
    const own = <T>(table: Record<string, T>): T | undefined =>
      Object.hasOwn(table, operator) ? table[operator] : undefined;
    const arithmetic = own(ARITHMETIC);
    if (arithmetic) return this.arithmetic(arithmetic, left, right);
    const compare = own(COMPARE);
    if (compare) return this.#compare(compare, left, right, node);
    const bits = own(BITS);
    if (bits) return this.bits(bits, left, right);
    const shift = own(SHIFTS);
    if (shift) {
      if (!right.uniform) throw this.refuse(node, "shifts by another count for each element");
      return this.shift(shift, left, right);
    }
    if (operator === "%") return this.#remainder(left, right, node);
    if (operator === "**") return this.#math("pow", [left, right], node);
    throw this.refuse(node, "is no operation on numbers");
  }

  #remainder(left: Value, right: Value, node: Tree): Value {
    const [x, y] = [this.leaf(this.number(left)), this.leaf(this.number(right))];
    const isUniform = x.uniform && y.uniform;
    const isPower = y.powerOfTwo === true || (y.op === "const" && isPowerOfTwo(y.value!));
    if (!isUniform && !isPower) this.#refuseInPartingLoop(node);
    const known = this.remainder(x, y);
    if (known) return known;
    const call = (): Value => this.jsCall("remainder", [x, y]);
    if (y.op === "const" && !isSafeInteger(y)) return call();
    // Most are whole numbers: it shows when they come.
    const ok = this.logic("and", this.#isSafe(x), this.#isSafe(y));
    const everyone = this.who && !ok.uniform ? this.logic("or", ok, this.not(this.who)) : ok;
    const result: Local = { type: "f64", uniform: isUniform };
    this.set(result, this.rest(x, y));
    const body = this.within(() => this.set(result, call()));
    this.block.push({ do: "if", test: this.not(this.all(everyone)), body, otherwise: [] });
    return local(result);
  }

  /** All elements wait there for the last one: what takes long is better done for each by itself. */
  #refuseInPartingLoop(node: Tree): void {
    if (this.partingLoops > 0)
      throw this.refuse(node, "stands in a loop that elements leave at different times, where JavaScript is faster");
  }

  #isSafe(x: Value): Value {
    if (isSafeInteger(x)) return this.truth(true);
    const isSmall = this.compare("lt", this.unary("abs", x), constant(2 ** 53));
    return this.logic("and", isSmall, this.compare("eq", this.unary("trunc", x), x));
  }

  #compare(op: string, left: Value, right: Value, node: Tree): Value {
    const isEquality = op === "eq" || op === "ne";
    if (!isEquality || (!isBoolean(left) && !isBoolean(right))) return this.compare(op, left, right);
    if (!isBoolean(left) || !isBoolean(right)) throw this.refuse(node, "compares a truth value with a number");
    const differ = this.logic("xor", left, right);
    return op === "ne" ? differ : this.not(differ);
  }

  #logical(node: Tree): Value {
    const { operator } = node;
    const left = this.value(node.left);
    // Numbers are never null.
    if (operator === "??") return left;
    const test = this.condition(left);
    const isAnd = operator === "&&";
    const right = this.#branches(isAnd ? test : this.not(test), node.right, ZERO)[0];
    if (isBoolean(left) && isBoolean(right)) return this.logic(isAnd ? "and" : "or", left, right);
    if (isBoolean(left) !== isBoolean(right)) throw this.refuse(node, "gives a truth value or a number");
    return isAnd ? this.select(test, right, left) : this.select(test, left, right);
  }

  #call(node: Tree): Value {
    const { callee } = node as Tree & { callee: Tree };
    const args = (): Value[] =>
      (node.arguments as Tree[]).map((one) => {
        if (one.type === "SpreadElement") throw this.refuse(one, "passes as many arguments as an array has");
        return this.value(one);
      });
    if (node.optional) throw this.refuse(node, "is a call under a condition");
    if (callee.type === "MemberExpression" && !callee.computed) {
      const name = callee.property.name as string;
      if (this.#isGlobal(callee.object, "Math")) return this.#math(name, args(), node);
      if (this.#isGlobal(callee.object, "Number")) return this.#numberCall(name, args(), node);
    }
    if (callee.type !== "Identifier" || this.scope.find(callee.name))
      throw this.refuse(node, "calls what is no function here");
    const meaning = this.#captured(callee.name);
    if (meaning?.is === "math") return this.#math(meaning.name, args(), node);
    if (meaning?.is === "function") return this.inline(meaning.read, args(), node);
    if (!meaning && /^is(NaN|Finite)$/.test(callee.name)) return this.#numberCall(callee.name, args(), node);
    throw this.refuse(node, "calls neither Math nor a function of numbers");
  }

  #math(name: string, args: readonly Value[], node: Tree): Value {
    const value = mathCall(this, name, args);
    if (value?.op === "call" && !value.uniform) this.#refuseInPartingLoop(node);
    if (!value) throw this.refuse(node, "is no function of numbers that gives the same each time");
    return value;
  }

  #numberCall(name: string, args: readonly Value[], node: Tree): Value {
    const [value] = args;
    const found = value && args.length === 1 && !isBoolean(value) ? numberCall(this, name, value) : undefined;
    if (!found) throw this.refuse(node, "is no function of one number");
    return found;
  }

  #member(node: Tree): Value {
    const { object, property, computed } = node as Tree & { object: Tree; property: Tree };
    const name = computed ? undefined : (property.name as string);
    if (name !== undefined && (this.#isGlobal(object, "Math") || this.#isGlobal(object, "Number"))) {
      const value: unknown = object.name === "Math" ? Math[name as "PI"] : Number[name as "EPSILON"];
      if (typeof value === "number") return constant(value);
    }
    if (object.type !== "Identifier") throw this.refuse(node, "takes something from what is no array");
    const stream = this.arrayOf(object);
    const meaning = this.scope.find(object.name) ? undefined : this.#captured(object.name);
    if (stream === undefined) {
      const member = meaning?.is === "object" && name !== undefined ? meaning.members.get(name) : undefined;
      if (member) return this.#scalar(member, node);
      throw this.refuse(node, "is no number that a kernel can reach");
    }
    if (name === "length") return this.lengthOf(stream.stream);
    if (!computed) throw this.refuse(node, "is nothing that an array of numbers has in a kernel");
    const found = this.element(stream.stream, stream.isRow, this.value(property));
    if (!found) throw this.refuse(node, "is read at another place for each row");
    return found;
  }

  /** A row or a captured array that a name stands for. */
  protected arrayOf(node: Tree): { stream: number; isRow: boolean } | undefined {
    if (node.type !== "Identifier") return undefined;
    const binding = this.scope.find(node.name);
    if (binding) return binding.is === "row" ? { stream: binding.stream, isRow: true } : undefined;
    const meaning = this.#captured(node.name);
    return meaning?.is === "array" ? { stream: meaning.stream, isRow: false } : undefined;
  }

  /** A function of JavaScript, or what is known without it. */
  jsCall(name: string, args: readonly Value[]): Value {
    this.imports.add(`${name}/${args.length}`);
    return this.make(
      "call",
      "f64",
      args.map((one) => this.leaf(this.number(one))),
      {},
      { name: `${name}/${args.length}` },
    );
  }

  /** The functions that it calls. */
  readonly imports = new Set<string>();

  protected abstract read(variable: Variable): Value;
}

const ZERO = { type: "Literal", value: 0, start: 0, end: 0 } as unknown as Tree;

/** Other functions than those of Math. */
function callsFunctions(node: Tree): boolean {
  if (node.type === "CallExpression" && node.callee.type === "Identifier") return true;
  for (const child of childrenOf(node)) if (callsFunctions(child)) return true;
  return false;
}
