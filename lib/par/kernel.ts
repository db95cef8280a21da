// A pipeline on the threads: what they keep of it, and which elements a part of a call is.

import { inLibrary } from "../ship/index.ts";
import { makers } from "./choose.ts";
import { BoundClosure, type Closure } from "./captures.ts";
import { chunkStart } from "./grid.ts";
import { letGoLater } from "./last-call.ts";
import type { Loop, Operands, Plan, Stage } from "./plan.ts";

export interface PipelineContext {
  readonly plan: Plan;
  /** Elements that are copied to each thread, where they are no numbers. */
  readonly elements?: readonly unknown[] | undefined;
  /** The functions that come apart from what they capture: of the stages, then `last`. */
  readonly closures?: readonly (Closure | undefined)[] | undefined;
  /** Where a kernel has what it captures: behind the other numbers and arrays of a call. */
  readonly captured?: { readonly params: readonly number[]; readonly arrays: readonly number[] } | undefined;
}

/** The kinds of operands, by the number that a call names them by. */
const KINDS = ["array", "range", "rows"] as const;

/** What changes from call to call, as numbers: see `argsOf`. */
type Args = readonly number[];

/** The numbers of a call. The arrays, source first, go beside them as they are. */
export function argsOf({ kind, source, offset, cols, out }: Operands, elements: number, chunks: number): number[] {
  const arrays = (source !== undefined && ArrayBuffer.isView(source) ? 1 : 0) + (out !== undefined ? 2 : 0);
  return [elements, chunks, KINDS.indexOf(kind), offset, cols, arrays];
}

export function arraysOf({ source, out }: Operands): object[] {
  return [...(ArrayBuffer.isView(source) ? [source] : []), ...(out !== undefined ? [out] : [])];
}

/** How many numbers `argsOf` gives. */
export const OWN_ARGS = 6;

export const pipeline = (context: PipelineContext) => {
  // A function may call what runs the same pipeline.
  const idle: ((chunk: number, args: Args, arrays: readonly unknown[]) => unknown)[] = [];
  return (chunk: number, args: Args, arrays: readonly unknown[]): unknown => {
    const run = idle.pop() ?? runner(context);
    try {
      return run(chunk, args, arrays);
    } finally {
      idle.push(run);
    }
  };
};

function runner({ plan, elements: copies, closures = [], captured }: PipelineContext) {
  const bound = closures.map((closure) => closure && new BoundClosure(closure));
  const own = {
    ...plan,
    stages: plan.stages.map(([kind, fn], n) => [kind, (bound[n]?.fn ?? fn) as Stage[1]] as const),
    last: bound[plan.stages.length]?.fn ?? plan.last,
  };
  let loop: Loop | undefined;
  let of: { readonly args: Args; readonly arrays: readonly unknown[] } | undefined;
  const letGo = (): void => {
    loop = of = undefined;
    for (const one of bound) one?.put([].values(), [].values());
  };
  return (chunk: number, args: Args, arrays: readonly unknown[]): unknown => {
    const [elements, chunks] = args as [number, number];
    const isSame =
      (args === of?.args && arrays === of.arrays) ||
      (args.every((arg, i) => Object.is(arg, of?.args[i])) && arrays.every((array, i) => array === of?.arrays[i]));
    if (!loop || !isSame) {
      letGoLater(letGo);
      of = { args, arrays };
      const operands = operandsFrom(args, arrays, copies);
      const numbers = args.slice(OWN_ARGS).values();
      const others = arrays.slice(arraysOf(operands).length).values();
      for (const one of bound) one?.put(numbers, others);
      loop = makers[plan.backend](
        captured ? { ...own, kernel: withCaptured(plan.kernel, captured, args, arrays) } : own,
        operands,
      );
    }
    const result = loop(chunkStart(elements, chunks, chunk), chunkStart(elements, chunks, chunk + 1));
    return plan.ending === "toArray" ? packed(result as unknown[]) : result;
  };
}

function operandsFrom(args: Args, arrays: readonly unknown[], copies: readonly unknown[] | undefined): Operands {
  const [, , kind, offset, cols, which] = args as [number, number, number, number, number, number];
  const hasSource = (which & 1) !== 0;
  return {
    kind: KINDS[kind]!,
    source: (hasSource ? arrays[0] : copies) as ArrayLike<unknown> | undefined,
    offset,
    cols,
    out: (which & 2) !== 0 ? (arrays[hasSource ? 1 : 0] as ArrayLike<unknown>) : undefined,
  };
}

const withCaptured = (
  kernel: unknown,
  { params, arrays }: NonNullable<PipelineContext["captured"]>,
  args: Args,
  all: readonly unknown[],
): object => ({ ...(kernel as object), params: params.map((n) => args[n]), arrays: arrays.map((n) => all[n]) });

/** Numbers travel as one piece of memory instead of one by one. */
function packed(values: unknown[]): unknown[] | Float64Array {
  for (const value of values) if (typeof value !== "number") return values;
  return Float64Array.from(values as number[]);
}

inLibrary(import.meta.url, { pipeline });
