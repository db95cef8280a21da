// Expressions of a kernel in the dialect of gpu.js. Each is written in one of three forms: `exact`, as a 32-bit
// integer, for indices and comparisons; `value`, as a 32-bit float; `condition`, as a truth value.

import type { Tree } from "../ship/index.ts";
import { ARITHMETIC, Meanings, PLACE_FIRST } from "./meanings.ts";
import type { Parameter } from "./translate.ts";

const FLOAT_EXACT = 2 ** 24;
const BITWISE = new Set(["&", "|", "^", "<<", ">>", ">>>"]);
const COMPARE = new Set(["<", ">", "<=", ">=", "==", "===", "!=", "!=="]);
const ONE = "abs acos acosh asin asinh atan atanh cbrt ceil cos cosh exp expm1 floor fround log log10 log1p log2 round";
const MATH = new Map<string, number>([
  ...`${ONE} sign sin sinh sqrt tan tanh trunc`.split(" ").map((name): [string, number] => [name, 1]),
  ["atan2", 2],
  ["pow", 2],
  ["random", 0],
]);

export class Expressions extends Meanings {
  #literal(value: number, node: Tree): string {
    if (Number.isNaN(value) || (Number.isFinite(value) && Math.abs(value) > 3.4028234663852886e38))
      throw this.at.refuse(node, `is ${value}, which is no 32-bit float`);
    return value < 0 ? `(-${-value})` : `${value}`;
  }

  /** An integer of which gpu.js knows that it is one. */
  isInteger(node: Tree): boolean {
    const known = this.fold(node);
    if (known !== undefined) return Number.isInteger(known) && Math.abs(known) < 2 ** 31;
    switch (node.type) {
      case "UnaryExpression":
        return (
          node.operator === "~" || ((node.operator === "-" || node.operator === "+") && this.isInteger(node.argument))
        );
      case "BinaryExpression":
        if (BITWISE.has(node.operator)) return true;
        return /^[-+*]$/.test(node.operator) && this.isInteger(node.left) && this.isInteger(node.right);
    }
    const meaning = this.mean(node);
    return meaning?.is === "integer" || (meaning?.is === "variable" && meaning.variable.integer);
  }

  /** An integer that can't overflow, also when it is added up in a loop: no products, and no sums but with one. */
  isSafeInteger(node: Tree): boolean {
    if (node.type === "AssignmentExpression") return BITWISE.has((node.operator as string).slice(0, -1));
    if (!this.isInteger(node) || this.fold(node) !== undefined) return this.isInteger(node);
    if (node.type === "UnaryExpression") return node.operator === "~" || this.isSafeInteger(node.argument);
    if (node.type !== "BinaryExpression" || BITWISE.has(node.operator)) return true;
    const isStep = [node.left, node.right].some((side) => Math.abs(this.fold(side) ?? Infinity) <= 1);
    return node.operator !== "*" && isStep && this.isSafeInteger(node.left) && this.isSafeInteger(node.right);
  }

  /** As an integer, of what is one. */
  exact(node: Tree): string {
    const known = this.fold(node);
    if (known !== undefined) return this.#literal(known, node);
    if (node.type === "UnaryExpression")
      return node.operator === "~"
        ? `(~${this.#bits(node.argument)})`
        : `(${node.operator}${this.exact(node.argument)})`;
    if (node.type === "BinaryExpression") {
      const { left, right, operator } = node as Tree & { left: Tree; right: Tree; operator: string };
      if (!BITWISE.has(operator)) return `(${this.exact(left)} ${operator} ${this.exact(right)})`;
      const shift = this.fold(right);
      if (operator === ">>>" && !(shift !== undefined && (shift & 31) !== 0))
        throw this.at.refuse(node, "may be more than 2147483647: shift by a literal of 1 to 31");
      return `(${this.#bits(left)} ${operator} ${this.#bits(right)})`;
    }
    const meaning = this.mean(node)!;
    return meaning.is === "variable" ? meaning.variable.code : (meaning as { code: string }).code;
  }

  #bits(node: Tree): string {
    return this.isInteger(node) ? this.exact(node) : this.#truncated(node);
  }

  /** As a float where gpu.js makes an integer of it: of literals right inside it makes integers as well, but in a sum. */
  #truncated(node: Tree): string {
    return `(${this.value(node)} + 0)`;
  }

  /** As a float. */
  value(node: Tree): string {
    const known = this.fold(node);
    if (known !== undefined) return this.#literal(known, node);
    if (this.isCondition(node)) return `(${this.condition(node)} ? 1 : 0)`;
    const { refuse } = this.at;
    switch (node.type) {
      case "UnaryExpression":
        if (node.operator === "-") return `(-${this.value(node.argument)})`;
        if (node.operator === "+") return this.value(node.argument);
        break;
      case "BinaryExpression":
        if (node.operator in ARITHMETIC) return `(${this.value(node.left)} ${node.operator} ${this.value(node.right)})`;
        break;
      case "LogicalExpression": {
        const [left, right] = [this.value(node.left), this.value(node.right)];
        if (node.operator === "??") return left;
        const test = this.condition(node.left);
        return node.operator === "&&" ? `(${test} ? ${right} : ${left})` : `(${test} ? ${left} : ${right})`;
      }
      case "ConditionalExpression":
        return `(${this.condition(node.test)} ? ${this.value(node.consequent)} : ${this.value(node.alternate)})`;
      case "CallExpression":
        return this.#call(node);
      case "MemberExpression":
        if (node.computed && typeof node.property.value !== "string") return this.#element(node);
        break;
      case "AssignmentExpression":
      case "UpdateExpression":
        throw refuse(node, "assigns inside an expression: a kernel assigns to its own variables, in statements");
    }
    // gpu.js divides floats only: that makes one of an integer, which would overflow in a product.
    if (this.isInteger(node)) return `(${this.exact(node)} / 1)`;
    const meaning = this.mean(node);
    if (meaning?.is === "variable") return meaning.variable.code;
    if (meaning?.is === "parameter") return this.copies.get(meaning.parameter) ?? this.scalar(meaning.parameter, node);
    if (meaning?.is === "array") throw refuse(node, "is an array: index it until it gives a number");
    if (meaning?.is === "members") throw refuse(node, `is no number: it has ${meaning.names}`);
    throw refuse(node, "is nothing that a kernel can compute with: it has numbers, arrays and Math only");
  }

  isCondition(node: Tree): boolean {
    if (node.type === "UnaryExpression") return node.operator === "!";
    if (node.type === "BinaryExpression") return COMPARE.has(node.operator);
    if (node.type === "LogicalExpression")
      return node.operator !== "??" && this.isCondition(node.left) && this.isCondition(node.right);
    return node.type === "Literal" && typeof node.value === "boolean";
  }

  /** As a truth value. */
  condition(node: Tree): string {
    if (node.type === "LogicalExpression" && node.operator !== "??")
      return `(${this.condition(node.left)} ${node.operator} ${this.condition(node.right)})`;
    if (node.type === "UnaryExpression" && node.operator === "!") return `(!${this.condition(node.argument)})`;
    const known = this.fold(node);
    if (known !== undefined) return known ? "(1 > 0)" : "(1 < 0)";
    if (node.type !== "BinaryExpression" || !COMPARE.has(node.operator)) return `(${this.value(node)} != 0)`;
    const { left, right } = node as Tree & { left: Tree; right: Tree };
    const operator =
      (node.operator as string).slice(0, 2) === "==" ? "==" : (node.operator as string).replace("!==", "!=");
    const isExact = this.isSafeInteger(left) && this.isSafeInteger(right);
    const form = (side: Tree): string => (isExact ? this.exact(side) : this.value(side));
    return `(${form(left)} ${operator} ${form(right)})`;
  }

  /** A parameter that is a number. */
  scalar(parameter: Parameter, node: Tree): string {
    this.#rank(parameter, 0, node);
    return parameter.code;
  }

  #rank(parameter: Parameter, rank: number, node: Tree): void {
    parameter.rank ??= rank;
    if (parameter.rank === rank) return;
    const [was, now] = [parameter.rank, rank].map((one) =>
      one === 0 ? "a number" : `an array with ${one} ind${one === 1 ? "ex" : "ices"}`,
    );
    const remedy = this.at.constants
      ? "use it in one way"
      : "a helper takes numbers, and arrays only by capturing them";
    throw this.at.refuse(node, `uses the parameter ${parameter.name} as ${now}, but it is ${was}: ${remedy}`);
  }

  #element(node: Tree): string {
    const { base, indices } = this.chain(node);
    const meaning = this.mean(base);
    const { refuse } = this.at;
    const index = (one: Tree, depth: number): string => {
      if (this.isInteger(one)) return `[${this.exact(one)}]`;
      if (meaning?.is === "parameter") meaning.parameter.floatIndexed.add(depth);
      else if (meaning?.is === "array" && meaning.array.shape[depth]! > FLOAT_EXACT) throw refuse(node, FLOAT_INDEX);
      return `[${this.#truncated(one)}]`;
    };
    if (meaning?.is === "parameter") {
      if (this.copies.has(meaning.parameter)) throw refuse(node, "reads an array in a variable that is assigned to");
      if (indices.length > 3) throw refuse(node, "has more than three indices");
      this.#rank(meaning.parameter, indices.length, node);
      return meaning.parameter.code + indices.map(index).join("");
    }
    if (meaning?.is === "members")
      throw refuse(node, `indexes no array, but what has ${meaning.names}: ${PLACE_FIRST}`);
    if (meaning?.is !== "array") throw refuse(node, "reads from something else than an array of numbers");
    const { shape, code } = meaning.array;
    if (shape.length !== indices.length)
      throw refuse(node, `has ${indices.length} indices, but the array is ${shape.length} deep`);
    return `this.constants.${code}${indices.map(index).join("")}`;
  }

  #call(node: Tree): string {
    const { callee } = node as Tree & { callee: Tree };
    const { refuse, label } = this.at;
    const values = (): string[] =>
      (node.arguments as Tree[]).map((one) => {
        if (one.type === "SpreadElement") throw refuse(one, "spreads an array: a kernel's calls have a fixed length");
        return this.value(one);
      });
    const { object, property } = callee as Tree & { object?: Tree; property?: Tree };
    if (this.isMath(object)) return this.#mathCall(property!.name as string, node, values());
    const meaning = this.mean(callee);
    if (meaning?.is !== "function") throw refuse(node, "calls something else than Math or a captured function");
    const native = meaning.fn.name;
    if (Math[native as "floor"] === meaning.fn) return this.#mathCall(native, node, values());
    const helper = this.unit.helper(meaning.fn, meaning.name, label);
    const list = values();
    if (list.length !== helper.parameters.length)
      throw refuse(
        node,
        `passes ${list.length} arguments, but the function has ${helper.parameters.length} parameters`,
      );
    return `${helper.name}(${list.join(", ")})`;
  }

  #mathCall(name: string, node: Tree, values: string[]): string {
    // Two at a time, as every backend has them.
    if ((name === "min" || name === "max") && values.length > 0)
      return values.reduce((all, one) => `Math.${name}(${all}, ${one})`);
    if (MATH.get(name) !== values.length) throw this.at.refuse(node, "is not one of the functions that a kernel has");
    if (name === "random") this.unit.usesRandom = true;
    return `Math.${name}(${values.join(", ")})`;
  }
}

/** Why a long array can't be indexed with a float. */
export const FLOAT_INDEX = "is indexed with a 32-bit float, which can't count beyond 16,777,216";
