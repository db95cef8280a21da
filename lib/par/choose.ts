// Which loop runs a pipeline, and why: decided once for each plan and kind of operands, by the thread that calls.

import { chunkLoop } from "./chunk-loop.ts";
import type { Backend, LoopMaker, Operands, Plan } from "./plan.ts";

export interface Choice {
  readonly backend: Backend;
  /** For `explain()`. */
  readonly why: string;
  /** What the maker needs on each thread; shipped with the plan. */
  readonly kernel?: unknown;
}

export const makers: Partial<Record<Backend, LoopMaker>> & { readonly js: LoopMaker } = { js: chunkLoop };

/** @param simd the option: false asks for the loop as it is written */
export function choose(_plan: Omit<Plan, "backend">, _operands: Operands, simd: boolean | undefined): Choice {
  if (simd === false) return { backend: "js", why: "simd: false asks for the loop as it is written" };
  return {
    backend: "js",
    why: "the stages run as one JavaScript loop for each chunk; no SIMD kernel is made of functions",
  };
}
