// Makes a kernel of a pipeline, on the thread that calls; or tells why not. Kernels are kept by the text of the functions
// and the kinds of what they capture: other numbers of the same kind need no other kernel.

import { threadId } from "node:worker_threads";
import { Module, type WasmModule } from "../../wasm.ts";
import type { Operands, Plan } from "../plan.ts";
import { Closures, streamType } from "./closures.ts";
import { compile, type Compiled, zeroName } from "./compile.ts";
import type { Stream } from "./vectors.ts";
import { type Kernel, placesOf } from "./kernel.ts";
import { Refusal } from "./refusal.ts";

interface Made extends Omit<Compiled, "bytes"> {
  readonly id: string;
  readonly module: WasmModule;
}

const MOST = 500;
const known = new Map<string, Made | Refusal>();
let count = 0;

const IN_JAVASCRIPT: Partial<Record<Plan["ending"], string>> = {
  "sum-pairwise": 'sum: "pairwise" is done in JavaScript',
  "sum-compensated": 'sum: "compensated" is done in JavaScript',
  argmin: "argmin() is done in JavaScript",
  argmax: "argmax() is done in JavaScript",
  forEach: "forEach() calls its function for what that does",
  toArray: "toArray() makes an array of JavaScript",
};

/** The kernel, or the reason why there is none. */
export function prepare(plan: Omit<Plan, "backend" | "kernel">, operands: Operands): Kernel | string {
  const why = IN_JAVASCRIPT[plan.ending];
  if (why !== undefined) return why;
  try {
    return prepared(plan, operands);
  } catch (error) {
    if (error instanceof Refusal) return error.message;
    throw error;
  }
}

function prepared({ stages, ending, last, zero }: Omit<Plan, "backend" | "kernel">, operands: Operands): Kernel {
  const { kind, source, out, offset } = operands;
  const streams: Stream[] = [];
  if (kind !== "range") streams.push(streamOf(source, kind === "rows" ? "the matrix" : "the array", false));
  if (ending === "into") streams.push(streamOf(out, "the array that is written to", true));
  const closures = new Closures(streams);
  const fromZero = kind === "range" && offset === 0;
  closures.key.push(kind, ending, `${fromZero} ${zeroName(zero)}`, ...streams.map(({ type }) => type));
  // Whatever number it starts from: it is checked when the kernel runs.
  const start = kind === "range" && !fromZero ? closures.number(3) : undefined;
  const pipeline = {
    kind,
    start,
    stages: stages.map(([stage, fn]) => {
      closures.key.push(stage);
      return { kind: stage, fn: closures.read(fn as Function) };
    }),
    ending,
    last: ending === "reduce" ? closures.read(last!) : undefined,
    zero,
    out: ending === "into" ? streams.length - 1 : undefined,
  };
  const key = JSON.stringify(closures.key);
  let made = known.get(key);
  if (!made) {
    made = make(() => compile(pipeline, closures));
    if (known.size >= MOST) known.delete(known.keys().next().value!);
    known.set(key, made);
  }
  if (made instanceof Refusal) throw made;
  const params = start ? closures.params.slice(1) : closures.params;
  const kernel: Kernel = { ...made, arrays: closures.arrays, params, kind, fromZero };
  const places = placesOf(kernel, operands);
  if (typeof places === "string") throw new Refusal(places);
  return kernel;
}

function make(compiled: () => Compiled): Made | Refusal {
  try {
    const { bytes, ...rest } = compiled();
    return { ...rest, id: `${threadId}/${++count}`, module: new Module(bytes) };
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

function streamOf(array: unknown, which: string, isOut: boolean): Stream {
  const type = isOut && array instanceof Uint32Array ? "i32" : streamType(array);
  if (type !== undefined) return { type };
  const what = array === null || typeof array !== "object" ? typeof array : (array.constructor?.name ?? "object");
  throw new Refusal(`${which} is of class ${what}, and kernels take Float64Array, Float32Array and Int32Array`);
}
