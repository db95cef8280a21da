// Kernels of pipelines that have been called before: what captures nothing is shipped once, and afterwards a call names it
// by a number. What a function captures may change from call to call, so that such a pipeline is shipped each time; threads
// know its functions again by their text and captures, and go on with the code that V8 has made.

import { loopKernel, SharedFunctions, type LoopKernel } from "../pool/index.ts";
import { isPrimitive } from "../ship/index.ts";
import { placeOf } from "../memory/place.ts";
import { areFew, choose, type Choice } from "./choose.ts";
import type { EndingCall } from "./endings.ts";
import type { Grid } from "./grid.ts";
import { pipeline } from "./kernel.ts";
import type { Operands, Plan, Stage } from "./plan.ts";
import { callAlone, kernelAlone } from "./simd/kernel.ts";
import type { Shared } from "./source.ts";

interface Kept {
  readonly kernel: LoopKernel;
  readonly choice: Choice;
  readonly functions: readonly number[];
}

const MOST = 500;
const kept = new Map<string, Kept>();
const functions = new SharedFunctions((id) => {
  for (const [key, one] of kept) if (one.functions.includes(id)) drop(key, one);
});

function drop(key: string, { kernel }: Kept): void {
  kept.delete(key);
  kernel.release();
}

export interface KernelCall {
  readonly kernel: LoopKernel;
  readonly isKept: boolean;
  /** Where they are not those of `argsOf` and `arraysOf`. */
  readonly call?: { readonly args: readonly number[]; readonly operands: readonly object[] };
}

const keptAlone = new Map<string, LoopKernel>();

/** A SIMD kernel that needs none of the functions on the threads: what they capture goes with the call. */
function aloneFor(
  { ending, zero }: Omit<Plan, "backend">,
  { kernel: made }: Choice,
  operands: Operands,
  { elements, chunks }: Grid,
): KernelCall | undefined {
  const call = made && callAlone(made, operands, elements, chunks);
  if (!call) return undefined;
  let kernel = keptAlone.get(made.id);
  if (!kernel) {
    const { arrays: _arrays, params: _params, ...rest } = made;
    kernel = loopKernel(`par().${ending}()`, kernelAlone as never, { kernel: rest, ending, zero });
    keptAlone.set(made.id, kernel);
    for (const [id, oldest] of keptAlone) {
      if (keptAlone.size <= MOST) break;
      keptAlone.delete(id);
      oldest.release();
    }
  }
  return { kernel, isKept: true, call };
}

/** The kernel of a call; to be released after it where it is not kept. */
export function kernelFor(
  stages: readonly Stage[],
  end: EndingCall<unknown>,
  shared: Shared,
  simd: boolean | undefined,
  grid: Grid,
): KernelCall {
  const key = shared.elements ? undefined : keyOf(stages, end, shared.operands, simd !== false && !areFew(grid));
  const known = key && kept.get(key.text);
  if (known) return { kernel: known.kernel, isKept: true };
  const { ending, last, zero } = end;
  const unchosen = { stages, ending, last, zero };
  const choice = choose(unchosen, shared.operands, simd, grid);
  const alone = key ? undefined : aloneFor(unchosen, choice, shared.operands, grid);
  if (alone) return alone;
  const plan = { ...unchosen, backend: choice.backend, kernel: choice.kernel };
  const kernel = loopKernel(`par().${ending}()`, pipeline as never, { plan, elements: shared.elements });
  if (key) {
    kept.set(key.text, { kernel, choice, functions: key.functions });
    for (const [oldest, one] of kept) {
      if (kept.size <= MOST) break;
      drop(oldest, one);
    }
  }
  return { kernel, isKept: key !== undefined };
}

/** Equal for calls that can have the same kernel; undefined where there is no other such call. */
function keyOf(
  stages: readonly Stage[],
  { ending, last, zero }: EndingCall<unknown>,
  { kind, source, out, offset }: Operands,
  simd: boolean,
): { readonly text: string; readonly functions: readonly number[] } | undefined {
  if (!isPrimitive(zero) || typeof zero === "symbol") return undefined;
  let text = `${ending} ${simd} ${kind} ${offset === 0} ${classOf(source)} ${classOf(out)} ${typeof zero} ${Object.is(zero, -0) ? "-0" : String(zero)}`;
  const numbers: number[] = [];
  for (const [step, fn] of stages) {
    const number = functions.numberOf(fn);
    if (number === 0) return undefined;
    numbers.push(number);
    text += ` ${step} ${number}`;
  }
  if (last) {
    const number = functions.numberOf(last);
    if (number === 0) return undefined;
    numbers.push(number);
    text += ` ${number}`;
  }
  return { text, functions: numbers };
}

/** And whether it lies where WebAssembly can reach it. */
function classOf(array: ArrayLike<unknown> | undefined): string {
  if (!ArrayBuffer.isView(array)) return array ? "array" : "";
  return `${array.constructor.name}${placeOf(array) ? "!" : ""}`;
}
