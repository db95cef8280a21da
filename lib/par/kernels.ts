// Kernels of pipelines that have been called before: they are shipped once, and afterwards a call names them by a number.
// What a function captures may change from call to call: numbers and shared arrays go with the call, apart from the function
// (captures.ts). One that captures anything else is shipped each time; threads know it again by its text and captures.

import { loopKernel, SharedFunctions, type LoopKernel } from "../pool/index.ts";
import { isPrimitive } from "../ship/index.ts";
import { placeOf } from "../memory/place.ts";
import { areFew, choose, type Choice } from "./choose.ts";
import type { EndingCall } from "./endings.ts";
import type { Grid } from "./grid.ts";
import { MAX_ARGS, MAX_OPERANDS } from "../engine/regions.ts";
import { capturesOf, readingOnce, type ReadCaptures } from "./captures.ts";
import { argsOf, arraysOf, pipeline, type PipelineContext } from "./kernel.ts";
import type { Operands, Plan, Stage } from "./plan.ts";
import { callAlone, kernelAlone, type Kernel } from "./simd/kernel.ts";
import type { Shared } from "./source.ts";

interface Kept {
  readonly kernel: LoopKernel;
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
export function kernelFor(...call: Parameters<typeof makeKernel>): KernelCall {
  return readingOnce(() => makeKernel(...call));
}

function makeKernel(
  stages: readonly Stage[],
  end: EndingCall<unknown>,
  shared: Shared,
  simd: boolean | undefined,
  grid: Grid,
): KernelCall {
  const { ending, last, zero } = end;
  const { operands, elements } = shared;
  const all = [...stages.map(([, fn]) => fn as Function), ...(last ? [last] : [])];
  const numbers = all.map((fn) => functions.numberOf(fn));
  const canKeep = !elements && isPrimitive(zero) && typeof zero !== "symbol";
  const key = `${shapeOf(stages, end, operands)} ${simd !== false && !areFew(grid)} ${numbers.join(" ")}`;
  const isConstant = canKeep && !numbers.includes(0);
  const known = isConstant && kept.get(key);
  if (known) return { kernel: known.kernel, isKept: true };
  const unchosen = { stages, ending, last, zero };
  const choice = choose(unchosen, operands, simd, grid);
  const plan = { ...unchosen, backend: choice.backend, kernel: choice.kernel };
  if (isConstant) return { kernel: keep(key, { plan }, numbers), isKept: true };
  const apart = canKeep
    ? (aloneFor(unchosen, choice, operands, grid) ?? apartFor(plan, all, numbers, operands, grid))
    : undefined;
  return apart ?? { kernel: loopKernel(`par().${ending}()`, pipeline as never, { plan, elements }), isKept: false };
}

function keep(key: string, context: PipelineContext, numbers: readonly number[]): LoopKernel {
  const kernel = loopKernel(`par().${context.plan.ending}()`, pipeline as never, context);
  kept.set(key, { kernel, functions: numbers });
  for (const [oldest, one] of kept) {
    if (kept.size <= MOST) break;
    drop(oldest, one);
  }
  return kernel;
}

/** Functions whose captures go with the call; undefined where there is one that can't be taken apart. */
function apartFor(
  plan: Plan,
  all: readonly Function[],
  numbers: readonly number[],
  operands: Operands,
  { elements, chunks }: Grid,
): KernelCall | undefined {
  const closures: (ReadCaptures | undefined)[] = [];
  for (const [n, fn] of all.entries()) {
    const closure = numbers[n] === 0 ? capturesOf(fn) : undefined;
    if (numbers[n] === 0 && !closure) return undefined;
    closures.push(closure);
  }
  const args = argsOf(operands, elements, chunks);
  const arrays = arraysOf(operands);
  for (const closure of closures) {
    args.push(...(closure?.numbers ?? []));
    arrays.push(...(closure?.arrays ?? []));
  }
  const { arrays: read = [], params = [], ...made } = (plan.kernel as Kernel | undefined) ?? { id: "" };
  const captured = {
    params: params.map((param) => args.push(param) - 1),
    arrays: read.map((array) => (arrays.includes(array) ? arrays.indexOf(array) : arrays.push(array) - 1)),
  };
  if (args.length > MAX_ARGS || arrays.length > MAX_OPERANDS) return undefined;
  const keys = closures.map((closure, n) => closure?.key ?? numbers[n]);
  const key = JSON.stringify([shapeOf(plan.stages, plan, operands), made.id, captured, ...keys]);
  let kernel = kept.get(key)?.kernel;
  if (!kernel) {
    const isApart = (n: number): boolean => closures[n] !== undefined;
    const stages = plan.stages.map(([kind, fn], n): Stage => [kind, isApart(n) ? (undefined as never) : fn]);
    const last = isApart(plan.stages.length) ? undefined : plan.last;
    const context = {
      plan: { ...plan, stages, last, kernel: plan.kernel && made },
      closures: closures.map((closure) => closure && { node: closure.node, from: closure.from }),
      captured: plan.kernel ? captured : undefined,
    };
    kernel = keep(key, context, numbers);
  }
  return { kernel, isKept: true, call: { args, operands: arrays } };
}

/** Equal for calls that can have the same kernel, if they have the same functions. */
function shapeOf(
  stages: readonly Stage[],
  { ending, zero }: Pick<EndingCall<unknown>, "ending" | "zero">,
  { kind, source, out, offset }: Operands,
): string {
  const start = typeof zero === "symbol" ? "" : Object.is(zero, -0) ? "-0" : isPrimitive(zero) ? String(zero) : "";
  return [
    ending,
    kind,
    offset === 0,
    classOf(source),
    classOf(out),
    typeof zero,
    start,
    ...stages.map(([step]) => step),
  ].join(" ");
}

/** And whether it lies where WebAssembly can reach it. */
function classOf(array: ArrayLike<unknown> | undefined): string {
  if (!ArrayBuffer.isView(array)) return array ? "array" : "";
  return `${array.constructor.name}${placeOf(array) ? "!" : ""}`;
}
