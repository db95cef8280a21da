// Makes values of what JavaScript's operators give. Numbers are doubles; a 32-bit operation stands in for one on doubles
// only where both give the same bits.
//
// That +, -, *, / and sqrt of 32-bit floats, computed as doubles and then rounded, are the 32-bit operations: S. A.
// Figueroa, When is double rounding innocuous?, 1995.

import {
  asFloat32,
  asInt32,
  constant,
  isBoolean,
  local,
  type Local,
  narrowMask,
  type Statement,
  type Type,
  type Value,
} from "./nodes.ts";

const EXACT = 2 ** 53;
const FOLD: Record<string, (a: number, b: number) => number> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  min: Math.min,
  max: Math.max,
  abs: Math.abs,
  neg: (a) => -a,
  sqrt: Math.sqrt,
  ceil: Math.ceil,
  floor: Math.floor,
  trunc: Math.trunc,
};
const COMPARE: Record<string, (a: number, b: number) => boolean> = {
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  lt: (a, b) => a < b,
  gt: (a, b) => a > b,
  le: (a, b) => a <= b,
  ge: (a, b) => a >= b,
};
const BITS: Record<string, (a: number, b: number) => number> = {
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  mul: Math.imul,
};

type Facts = Partial<Pick<Value, "max" | "whole">>;

const isLeaf = ({ op }: Value): boolean =>
  op === "const" || op === "param" || op === "local" || op === "index" || op === "length";

export class Builder {
  /** Where statements go now. */
  block: Statement[] = [];
  /** Another one wherever what was computed before may not be what it was, or not have been computed at all. */
  protected moment = 0;
  readonly #definitions = new WeakMap<Local, Value>();

  /** The statements that `build` makes. */
  within(build: () => void): Statement[] {
    const outer = this.block;
    const inner: Statement[] = [];
    this.block = inner;
    this.moment++;
    build();
    this.moment++;
    this.block = outer;
    return inner;
  }

  set(to: Local, value: Value): void {
    this.block.push({ do: "set", local: to, value });
  }

  temp(value: Value): Value {
    const to: Local = { type: value.type, uniform: value.uniform };
    this.set(to, value);
    this.#definitions.set(to, value);
    return local(to, { max: value.max, whole: value.whole });
  }

  /** What a temporary variable is. */
  protected definition(of: Local): Value | undefined {
    return this.#definitions.get(of);
  }

  /** Something that is cheap to compute twice. */
  leaf(value: Value): Value {
    return isLeaf(value) ? value : this.temp(value);
  }

  make(op: string, type: Type, args: readonly Value[], facts: Facts = {}, more: Partial<Value> = {}): Value {
    const uniform = args.every((one) => one.uniform);
    return {
      op,
      type,
      uniform,
      // What is the same for all elements is computed once.
      args: uniform ? args : args.map((one) => (one.uniform ? this.leaf(one) : one)),
      max: facts.max === undefined || Number.isNaN(facts.max) ? Infinity : facts.max,
      whole: facts.whole ?? false,
      ...more,
    };
  }

  /** As a double: true is 1. */
  number(value: Value): Value {
    if (value.type === "f64") return value;
    if (value.op === "const") return constant(value.value!);
    if (value.op === "param") return { ...value, type: "f64" };
    if (isBoolean(value)) return this.make("f64.of.bool", "f64", [this.mask(value, "b64")], { max: 1, whole: true });
    const from = this.leaf(value);
    const { max, whole } = from;
    return this.make(from.type === "i32" ? "f64.of.i32" : "f64.of.f32", "f64", [from], { max, whole });
  }

  /** +, -, *, /, min, max. */
  arithmetic(op: string, a: Value, b: Value): Value {
    if (a.op === "const" && b.op === "const") return constant(FOLD[op]!(a.value!, b.value!));
    if (op === "min" || op === "max") {
      const max = Math.max(a.max, b.max);
      const facts = { max, whole: a.whole && b.whole };
      const narrow = this.#bothInt32(a, b) ?? this.#bothFloat32(a, b);
      // There is no scalar instruction for integers.
      if (narrow && !(narrow[0].type === "i32" && narrow[0].uniform && narrow[1].uniform))
        return this.number(this.make(op, narrow[0].type, narrow, facts));
      return this.make(op, "f64", [this.number(a), this.number(b)], facts);
    }
    const [x, y] = [this.number(a), this.number(b)];
    const whole = op !== "div" && x.whole && y.whole;
    const max =
      op === "mul" ? x.max * y.max : op !== "div" ? x.max + y.max : y.value ? x.max / Math.abs(y.value) : Infinity;
    return this.make(op, "f64", [x, y], { max, whole });
  }

  /** abs, neg, sqrt, ceil, floor, trunc. */
  unary(op: string, value: Value): Value {
    if (value.op === "const") return constant(FOLD[op]!(value.value!, 0));
    const x = this.number(value);
    if (op === "sqrt") return this.make(op, "f64", [x]);
    if (op === "abs" || op === "neg") return this.make(op, "f64", [x], { max: x.max, whole: x.whole });
    return this.make(op, "f64", [x], { max: Math.ceil(x.max), whole: Number.isFinite(x.max) });
  }

  /** Both integers or both floats of 32 bits. */
  #bothInt32(a: Value, b: Value): [Value, Value] | undefined {
    return this.#both(a, b, asInt32);
  }
  #bothFloat32(a: Value, b: Value): [Value, Value] | undefined {
    return this.#both(a, b, asFloat32);
  }
  #both(a: Value, b: Value, as: (value: Value) => Value | undefined): [Value, Value] | undefined {
    const [first, second] = [as(a), as(b)];
    return first && second && [first, second];
  }

  compare(op: string, a: Value, b: Value): Value {
    if (a.op === "const" && b.op === "const") return this.truth(COMPARE[op]!(a.value!, b.value!));
    const narrow = this.#bothInt32(a, b) ?? this.#bothFloat32(a, b);
    const [x, y] = narrow ?? [this.number(a), this.number(b)];
    return this.make(op, x.type === "f64" ? "b64" : "b32", [x, y]);
  }

  truth(value: boolean): Value {
    return constant(value ? 1 : 0, "b32");
  }

  /** Would `if` take it? */
  condition(value: Value): Value {
    if (isBoolean(value)) return value;
    if (value.op === "const") return this.truth(Boolean(value.value));
    if (value.type === "i32") return this.compare("ne", value, constant(0, "i32"));
    // NaN compares to nothing.
    return this.compare("gt", this.unary("abs", value), constant(0));
  }

  mask(value: Value, type: Type): Value {
    if (value.type === type) return value;
    if (type === "b32") return narrowMask(value);
    return value.uniform ? { ...value, type } : this.make("b64.of.b32", type, [this.leaf(value)]);
  }

  /** Truth values of the same width. */
  masks(a: Value, b: Value): [Value, Value] {
    const type: Type = (a.type === "b64" && !a.uniform) || (b.type === "b64" && !b.uniform) ? "b64" : "b32";
    return [this.mask(a, type), this.mask(b, type)];
  }

  logic(op: "and" | "or" | "xor" | "andnot", a: Value, b: Value): Value {
    const [x, y] = this.masks(a, b);
    if (x.op === "const" || y.op === "const") {
      const [fixed, other] = x.op === "const" ? [x, y] : [y, x];
      const isTrue = fixed.value === 1;
      if (op === "and") return isTrue ? other : fixed;
      if (op === "or") return isTrue ? fixed : other;
      if (op === "xor") return isTrue ? this.not(other) : other;
      if (y.op === "const") return isTrue ? this.truth(false) : x;
      return isTrue ? this.not(y) : x;
    }
    if (op === "andnot" && x.uniform && y.uniform) return this.make("and", x.type, [x, this.not(y)]);
    return this.make(op, x.type, [x, y]);
  }

  not(value: Value): Value {
    return value.op === "const" ? this.truth(value.value === 0) : this.make("not", value.type, [value]);
  }

  select(test: Value, yes: Value, no: Value): Value {
    if (test.op === "const") return test.value === 1 ? yes : no;
    if (isBoolean(yes)) {
      const [a, b] = this.masks(yes, no);
      const [t, x] = this.masks(test, a);
      return this.make("select", x.type, [t, x, this.mask(b, x.type)]);
    }
    const isConstant = yes.op === "const" && no.op === "const";
    const narrow = isConstant ? undefined : this.#same(yes, no);
    const [a, b] = narrow ?? [this.number(yes), this.number(no)];
    const facts = { max: Math.max(yes.max, no.max), whole: yes.whole && no.whole };
    return this.make("select", a.type, [this.mask(test, a.type === "f64" ? "b64" : "b32"), a, b], facts);
  }

  #same(a: Value, b: Value): [Value, Value] | undefined {
    for (const as of [asInt32, asFloat32]) {
      const [first, second] = [as(a), as(b)];
      if (first && second) return [first, second];
    }
    return undefined;
  }

  /** What `value | 0` is. */
  int32(value: Value): Value {
    const plain = isBoolean(value) ? this.number(value) : value;
    const known = this.#modulo32(plain);
    if (known) return known;
    const x = this.number(plain);
    const facts = { max: 2 ** 31, whole: true };
    if (x.max < 2 ** 31) return this.make("i32.of.f64", "i32", [x], facts);
    // What is left of the whole part when all multiples of 2 ** 32 are taken away; of infinities NaN, which gives 0.
    const whole = this.leaf(this.unary("trunc", x));
    const turns = this.unary("floor", this.arithmetic("mul", whole, constant(2 ** -32)));
    const rest = this.arithmetic("sub", whole, this.arithmetic("mul", turns, constant(2 ** 32)));
    return this.make("u32.of.f64", "i32", [rest], facts);
  }

  /** Without a way over doubles, where sums and products can't have been rounded. */
  #modulo32(value: Value): Value | undefined {
    if (value.op === "const")
      return Number.isFinite(value.value) ? constant(value.value! | 0, "i32") : constant(0, "i32");
    const known = asInt32(value);
    if (known) return known;
    const { op, args } = value;
    if (op === "f64.of.u32") return args[0];
    const facts = { max: 2 ** 31, whole: true };
    if (op === "select" && value.type === "f64") {
      const [yes, no] = [this.#modulo32(args[1]!), this.#modulo32(args[2]!)];
      return yes && no && this.make("select", "i32", [this.mask(args[0]!, "b32"), yes, no], facts);
    }
    if (!value.whole || value.max > EXACT || value.type !== "f64") return undefined;
    if (op === "neg") {
      const negated = this.#modulo32(args[0]!);
      return negated && this.make("sub", "i32", [constant(0, "i32"), negated], facts);
    }
    if (op !== "add" && op !== "sub" && op !== "mul") return undefined;
    const [a, b] = [this.#modulo32(args[0]!), this.#modulo32(args[1]!)];
    return a && b && this.make(op, "i32", [a, b], facts);
  }

  /** &, |, ^ and Math.imul ("mul"). */
  bits(op: string, a: Value, b: Value): Value {
    const [x, y] = [this.int32(a), this.int32(b)];
    if (x.op === "const" && y.op === "const") return constant(BITS[op]!(x.value!, y.value!), "i32");
    // `x | 0`
    if (op === "or" && y.op === "const" && y.value === 0) return x;
    return this.make(op, "i32", [x, y], { max: 2 ** 31, whole: true });
  }

  /** By a count that is the same for all elements. */
  shift(op: "shl" | "shr" | "shru", value: Value, count: Value): Value {
    const [x, by] = [this.int32(value), this.int32(count)];
    if (op !== "shru") return this.make(op, "i32", [x, by], { max: 2 ** 31, whole: true });
    const shifted = this.make(op, "i32", [x, by], { max: 2 ** 31, whole: true });
    const isSmall = by.op === "const" && (by.value! & 31) !== 0;
    return isSmall ? shifted : this.make("f64.of.u32", "f64", [this.leaf(shifted)], { max: 2 ** 32, whole: true });
  }

  /** What Math.fround gives. */
  float32(value: Value): Value {
    if (value.op === "const") return constant(Math.fround(value.value!), "f32");
    const known = asFloat32(value);
    if (known) return known;
    const { op, args } = value;
    if (/^(add|sub|mul|div|sqrt|min|max|abs|neg|ceil|floor|trunc)$/.test(op) && value.type === "f64") {
      const narrow = args.map(asFloat32);
      if (narrow.every((one) => one !== undefined)) return this.make(op, "f32", narrow);
    }
    return this.make("f32.of.f64", "f32", [this.number(value)], { max: value.max, whole: value.whole });
  }

  /** %, where it is known to be exact; else undefined. */
  remainder(x: Value, y: Value): Value | undefined {
    if (x.op === "const" && y.op === "const") return constant(x.value! % y.value!);
    const isPower = y.powerOfTwo === true || (y.op === "const" && isPowerOfTwo(y.value!));
    return isPower || (isSafeInteger(x) && isSafeInteger(y)) ? this.rest(x, y) : undefined;
  }

  /**
   * What division leaves, of whole numbers below 2 ** 53 or by a power of two: their quotient is too far from the next
   * whole number to be rounded to it.
   */
  protected rest(x: Value, y: Value): Value {
    const times = this.unary("trunc", this.arithmetic("div", x, y));
    const rest = this.arithmetic("sub", x, this.arithmetic("mul", times, y));
    // Of division by zero it is NaN.
    const isZero = y.op === "const" ? y.value === 0 : y.powerOfTwo !== true;
    const max = isZero ? Infinity : Math.min(x.max, y.max);
    // The sign of a zero is that of x.
    return this.make("copysign", "f64", [rest, x], { max, whole: x.whole && y.whole });
  }

  /** To the nearest whole number, halves upwards. */
  round(value: Value): Value {
    const x = this.leaf(this.number(value));
    const up = this.leaf(this.unary("ceil", x));
    const isLess = this.compare("gt", this.arithmetic("sub", up, constant(0.5)), x);
    return this.select(isLess, this.arithmetic("sub", up, constant(1)), up);
  }

  sign(value: Value): Value {
    const x = this.leaf(this.number(value));
    const zero = constant(0);
    const negative = this.select(this.compare("lt", x, zero), constant(-1), x);
    return this.select(this.compare("gt", x, zero), constant(1), negative);
  }
}

export const isSafeInteger = ({ whole, max }: Value): boolean => whole && max < EXACT;

/** 1, 2, 4, … */
export const isPowerOfTwo = (value: number): boolean =>
  value >= 1 && Number.isFinite(value) && Math.log2(value) % 1 === 0 && 2 ** Math.log2(value) === value;
