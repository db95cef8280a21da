// From the functions of a pipeline to a module that works on chunks: on whole groups of elements, and on the last elements,
// which fill no group.

import type { Ending, Stage } from "../plan.ts";
import type { Tree } from "../../ship/index.ts";
import { wasmModule } from "./bytes.ts";
import type { Closures, ReadFunction } from "./closures.ts";
import { emit, emitChunk, TELL } from "./emitter.ts";
import type { Program, Stream } from "./vectors.ts";
import type { Binding } from "./expressions.ts";
import { Assumptions } from "./flow.ts";
import { constant, isBoolean, isWide, type Outcome, type Statement, type Value } from "./nodes.ts";
import { Refusal } from "./refusal.ts";
import { Statements } from "./statements.ts";

export interface Pipeline {
  readonly kind: "array" | "range" | "rows";
  /** The first number of a range, where it isn't 0. */
  readonly start: Value | undefined;
  readonly stages: readonly { readonly kind: Stage[0]; readonly fn: ReadFunction }[];
  readonly ending: Ending;
  /** The function of `reduce`. */
  readonly last: ReadFunction | undefined;
  readonly zero: unknown;
  /** Where `into` writes: a stream. */
  readonly out: number | undefined;
}

export interface Compiled {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly group: number;
  readonly streams: readonly Stream[];
  /** The streams that are read at other places than the element's own. */
  readonly scattered: readonly number[];
  /** Those that are read at the element's own. */
  readonly lockstep: readonly number[];
  /** Functions of JavaScript. */
  readonly imports: readonly string[];
  readonly to: Outcome["to"];
  /** It is to be asked whether it has found something, and whether it has given up. */
  readonly tells: boolean;
}

/** Each one may find one more variable out. */
const MOST_PASSES = 100;
/** What V8 compiles in a blink. */
const MOST_BYTES = 500_000;

/** Throws Refusal with what is no kernel. */
export function compile(pipeline: Pipeline, { streams, params }: Closures): Compiled {
  const assumptions = new Assumptions();
  for (let pass = 0; pass < MOST_PASSES; pass++) {
    assumptions.changed = false;
    const lowered = tryLower(pipeline, streams, assumptions);
    if (!lowered) continue;
    const { to, outcome } = lowered;
    const wide = isWide(to.block, outcome);
    assumptions.noteWide(wide);
    if (assumptions.changed) continue;
    const program: Program = {
      statements: to.block,
      outcome,
      streams,
      params: params.length,
      imports: [...to.imports],
      group: wide ? 8 : 16,
    };
    const imports = program.imports.map((name) => ({ name, arity: Number(name.split("/")[1]) }));
    const [run, rest] = [emit(program, false), emit(program, true)];
    const chunk = emitChunk(run, program.group, outcome.to, imports.length);
    const bytes = wasmModule(streams.length, imports, [run, rest, chunk, TELL], 2);
    if (bytes.length > MOST_BYTES) throw new Refusal("the functions are too long for a kernel");
    const streamsRead = (way: string): number[] => to.reads.filter(([how]) => how === way).map(([, stream]) => stream);
    return {
      bytes,
      group: program.group,
      streams,
      scattered: streamsRead("scattered"),
      lockstep: streamsRead("lockstep"),
      imports: program.imports,
      to: outcome.to,
      tells: outcome.to === "min" || outcome.to === "max" || mayGiveUp(to.block),
    };
  }
  throw new Refusal("it is not settled which variables are integers");
}

const mayGiveUp = (statements: readonly Statement[]): boolean =>
  statements.some((one) => {
    if (one.do === "if") return mayGiveUp(one.body) || mayGiveUp(one.otherwise);
    return one.do === "give-up-unless" || ("body" in one && mayGiveUp(one.body));
  });

/** Undefined where it fails, and it may be for a hope that has been given up. */
function tryLower(...args: Parameters<typeof lower>): ReturnType<typeof lower> | undefined {
  try {
    return lower(...args);
  } catch (error) {
    if (error instanceof Refusal && args[2].changed) return undefined;
    throw error;
  }
}

function lower(
  pipeline: Pipeline,
  streams: readonly Stream[],
  assumptions: Assumptions,
): { to: Statements; outcome: Outcome } {
  const to = new Statements(assumptions, streams);
  const index: Value = { op: "index", type: "i32", uniform: false, args: [], max: 2 ** 31, whole: true };
  let element = first(pipeline, to, index);
  let mask: Value | undefined;
  pipeline.stages.forEach(({ kind, fn }, n) => {
    const value = to.apply(fn, [element, { is: "value", value: index }], `stage ${n}`);
    if (kind === "map") {
      const isLast = n === pipeline.stages.length - 1;
      element = { is: "value", value: isLast ? value : to.snapshot(value) };
      return;
    }
    const test = to.condition(value);
    mask = to.keptMask(mask ? to.logic("and", mask, test) : test);
    // What is filtered out must not keep a later stage in a loop.
    to.who = mask;
  });
  if (element.is !== "value") throw new Refusal("the elements are rows: map them to numbers first");
  return { to, outcome: outcomeOf(pipeline, to, element.value, mask, streams) };
}

function first({ kind, start }: Pipeline, to: Statements, index: Value): Binding {
  if (kind === "rows") return { is: "row", stream: 0 };
  if (kind === "array") return { is: "value", value: to.lockstep(0) };
  return { is: "value", value: start ? to.bits("add", index, start) : index };
}

function outcomeOf(
  { ending, last, zero, out }: Pipeline,
  to: Statements,
  value: Value,
  mask: Value | undefined,
  streams: readonly Stream[],
): Outcome {
  if (ending === "into") {
    const index = out!;
    const { type } = streams[index]!;
    const stored = type === "f64" ? to.number(value) : type === "f32" ? to.float32(to.number(value)) : to.int32(value);
    return { to: "array", index, value: spread(to, stored) };
  }
  if (ending === "count") return { to: "count", value: constant(1), mask: mask && to.mask(mask, "b64") };
  if (isBoolean(value)) throw new Refusal(`${ending}() gets truth values, which are no numbers`);
  const kind = ending === "reduce" ? reduction(last!, zero) : ending;
  if (kind === "sum" || kind === "product") {
    return { to: kind, value: spread(to, to.number(value)), mask: mask && to.mask(mask, "b64") };
  }
  if (kind !== "min" && kind !== "max") throw new Refusal(`${ending}() is done in JavaScript`);
  const best = value.op.startsWith("f64.of.") && /\.[if]32$/.test(value.op) ? value.args[0]! : value;
  const width = best.type === "f64" ? "b64" : "b32";
  return { to: kind, value: spread(to, best), mask: mask && to.mask(mask, width) };
}

const spread = (to: Statements, value: Value): Value => (value.uniform ? to.leaf(value) : value);

/** What `reduce` does, where the order and the grouping may be any. */
function reduction(fn: ReadFunction, zero: unknown): "sum" | "product" | "min" | "max" {
  const { tree } = fn;
  const names = (tree.params as Tree[]).map(({ name }) => name as string | undefined);
  const block = tree.body.type === "BlockStatement" ? (tree.body.body as Tree[]) : undefined;
  const result: Tree | undefined = block ? (block.length === 1 ? block[0]!.argument : undefined) : tree.body;
  const takesBoth = (sides: readonly Tree[]): boolean =>
    sides.length === 2 &&
    names.length === 2 &&
    names.every((name) => sides.some((side) => side.type === "Identifier" && side.name === name));
  const { callee } = (result ?? {}) as { callee?: Tree };
  const known =
    result?.type === "BinaryExpression" && takesBoth([result.left, result.right])
      ? ({ "+": ["sum", 0], "*": ["product", 1] } as const)[result.operator as "+"]
      : callee?.object?.name === "Math" && !fn.captured.has("Math") && takesBoth(result!.arguments)
        ? ({ min: ["min", Infinity], max: ["max", -Infinity] } as const)[callee.property.name as "min"]
        : undefined;
  if (!known)
    throw fn.refuse(tree, "is done in JavaScript: reduce() takes a + b, a * b, Math.min(a, b) and Math.max(a, b)");
  if (!Object.is(zero, known[1])) throw new Refusal(`reduce() starts from ${zeroName(zero)}, not from ${known[1]}`);
  return known[0] as "sum";
}

/** Of what \`reduce\` starts from. */
export const zeroName = (zero: unknown): string =>
  typeof zero !== "number" ? "what is no number" : Object.is(zero, -0) ? "-0" : String(zero);
