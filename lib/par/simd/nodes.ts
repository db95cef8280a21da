// What a kernel is made of between JavaScript and WebAssembly: values, each for a whole group of elements at once, and
// statements. All values are pure, and no operation can trap.

/** The globals of a kernel: something is left of the elements; what it has computed is to be thrown away. */
export const [FOUND, GAVE_UP] = [0, 1] as const;

/** Of lanes. b64 and b32 are truth values: all bits of the lane, or none. */
export type Type = "f64" | "f32" | "i32" | "b64" | "b32";

export const LANES: Record<Type, 2 | 4> = { f64: 2, f32: 4, i32: 4, b64: 2, b32: 4 };

/** A variable of the kernel: a scalar where all elements of a group have the same value. */
export interface Local {
  readonly type: Type;
  readonly uniform: boolean;
}

export interface Value {
  readonly op: string;
  readonly type: Type;
  /** The same for all elements. */
  readonly uniform: boolean;
  readonly args: readonly Value[];
  /** No larger in magnitude than this; Infinity where that is not known, and where it may be NaN. */
  readonly max: number;
  /** A whole number, where `max` is finite. */
  readonly whole: boolean;
  /** Of "const". */
  readonly value?: number;
  /** Of "local". */
  readonly local?: Local;
  /** Of "param" and of what reads an array: which one. Of "call": the name. */
  readonly index?: number;
  readonly name?: string;
  readonly powerOfTwo?: boolean;
  /** Of "param": it is a 32-bit integer, a 32-bit float. */
  readonly fits?: readonly Type[];
}

export type Statement =
  | { readonly do: "set"; readonly local: Local; readonly value: Value }
  | {
      readonly do: "if";
      readonly test: Value;
      readonly body: readonly Statement[];
      readonly otherwise: readonly Statement[];
    }
  /** Skipped where no element takes part. */
  | { readonly do: "if-any"; readonly mask: Value; readonly body: readonly Statement[] }
  | { readonly do: "loop"; readonly body: readonly Statement[] }
  /** Leaves the innermost loop. */
  | { readonly do: "leave-unless"; readonly test: Value }
  | { readonly do: "leave-unless-any"; readonly mask: Value }
  /** The kernel can't tell what JavaScript would do here: what it computes is thrown away. */
  | { readonly do: "give-up-unless"; readonly test: Value };

/** What becomes of the elements. */
export type Outcome =
  | { readonly to: "array"; readonly value: Value; readonly index: number }
  | {
      readonly to: "sum" | "product" | "min" | "max" | "count";
      readonly value: Value;
      /** Which elements count; all where undefined. */
      readonly mask: Value | undefined;
    };

export const isBoolean = ({ type }: Value): boolean => type === "b64" || type === "b32";

export function constant(value: number, type: Type = "f64"): Value {
  const isNumber = Number.isFinite(value);
  return {
    op: "const",
    type,
    uniform: true,
    args: [],
    value,
    max: isNumber ? Math.abs(value) : Infinity,
    whole: Number.isInteger(value),
  };
}

export const local = (of: Local, facts?: Pick<Value, "max" | "whole">): Value => ({
  op: "local",
  type: of.type,
  uniform: of.uniform,
  args: [],
  local: of,
  ...(of.type === "i32" ? { max: 2 ** 31, whole: true } : { max: Infinity, whole: false }),
  ...facts,
});

export const isInt32 = (value: number): boolean => (value | 0) === value && !Object.is(value, -0);
export const isFloat32 = (value: number): boolean => Object.is(Math.fround(value), value);

/** The same number as a 32-bit integer, where it is known to be one (-0 is none). */
export function asInt32(value: Value): Value | undefined {
  if (value.type === "i32") return value;
  if (value.op === "const")
    return isInt32(value.value!) && !isBoolean(value) ? constant(value.value!, "i32") : undefined;
  if (value.op === "param") return value.fits!.includes("i32") ? { ...value, type: "i32" } : undefined;
  if (value.op === "f64.of.i32") return value.args[0];
  return asSelect(value, "i32", asInt32);
}

/** The same number as a 32-bit float, where it is known to be one. */
export function asFloat32(value: Value): Value | undefined {
  if (value.type === "f32") return value;
  if (value.op === "const")
    return isFloat32(value.value!) && !isBoolean(value) ? constant(value.value!, "f32") : undefined;
  if (value.op === "param") return value.fits!.includes("f32") ? { ...value, type: "f32" } : undefined;
  if (value.op === "f64.of.f32") return value.args[0];
  return asSelect(value, "f32", asFloat32);
}

function asSelect(value: Value, type: Type, as: (value: Value) => Value | undefined): Value | undefined {
  if (value.op !== "select" || isBoolean(value)) return undefined;
  const [test, yes, no] = value.args as [Value, Value, Value];
  const [first, second] = [as(yes), as(no)];
  return first && second ? { ...value, type, args: [narrowMask(test), first, second] } : undefined;
}

/** As wide as 32-bit lanes. */
export function narrowMask(mask: Value): Value {
  if (mask.type === "b32") return mask;
  if (mask.uniform) return { ...mask, type: "b32" };
  if (mask.op === "b64.of.b32") return mask.args[0]!;
  return { op: "b32.of.b64", type: "b32", uniform: false, args: [mask], max: Infinity, whole: false };
}

/** Are some vectors of 64-bit lanes? */
export function isWide(statements: readonly Statement[], outcome: Outcome): boolean {
  const seen = new Set<Value>();
  const isWideType = (type: Type): boolean => type === "f64" || type === "b64";
  const visit = (value: Value): boolean => {
    if (seen.has(value)) return false;
    seen.add(value);
    return (!value.uniform && isWideType(value.type)) || value.args.some(visit);
  };
  const visitAll = (list: readonly Statement[]): boolean =>
    list.some((one) => {
      switch (one.do) {
        case "set":
          return (!one.local.uniform && isWideType(one.local.type)) || visit(one.value);
        case "if":
          return visitAll(one.body) || visitAll(one.otherwise);
        case "if-any":
          return visit(one.mask) || visitAll(one.body);
        case "loop":
          return visitAll(one.body);
        case "leave-unless-any":
          return visit(one.mask);
        case "give-up-unless":
          return visit(one.test);
      }
      return false;
    });
  // Sums and counts are doubles.
  const isDouble = /^(sum|product|count)$/.test(outcome.to) || isWideType(outcome.value.type);
  return isDouble || visit(outcome.value) || visitAll(statements);
}
