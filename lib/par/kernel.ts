// A pipeline on the threads: what they keep of it, and which elements a part of a call is.

import { inLibrary } from "../ship/index.ts";
import { makers } from "./choose.ts";
import { chunkStart } from "./grid.ts";
import type { Loop, Operands, Plan } from "./plan.ts";

export interface PipelineContext {
  readonly plan: Plan;
  /** Elements that are copied to each thread, where they are no numbers. */
  readonly elements?: readonly unknown[] | undefined;
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

export const pipeline = ({ plan, elements: copies }: PipelineContext) => {
  let loop: Loop | undefined;
  let of: { readonly args: Args; readonly arrays: readonly unknown[] } | undefined;
  return (chunk: number, args: Args, arrays: readonly unknown[]): unknown => {
    const [elements, chunks] = args as [number, number];
    const isSame =
      (args === of?.args && arrays === of.arrays) ||
      (args.every((arg, i) => arg === of?.args[i]) && arrays.every((array, i) => array === of?.arrays[i]));
    if (!loop || !isSame) {
      of = { args, arrays };
      loop = makers[plan.backend](plan, operandsFrom(args, arrays, copies));
    }
    const result = loop(chunkStart(elements, chunks, chunk), chunkStart(elements, chunks, chunk + 1));
    return plan.ending === "toArray" ? packed(result as unknown[]) : result;
  };
};

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

/** Numbers travel as one piece of memory instead of one by one. */
function packed(values: unknown[]): unknown[] | Float64Array {
  for (const value of values) if (typeof value !== "number") return values;
  return Float64Array.from(values as number[]);
}

inLibrary(import.meta.url, { pipeline });
