// Which loop runs a pipeline, and why: decided once for each plan and kind of operands, by the thread that calls.

import { chunkLoop } from "./chunk-loop.ts";
import { chunkStart, type Grid } from "./grid.ts";
import type { Backend, LoopMaker, Operands, Plan } from "./plan.ts";
import { type Kernel, kernelLoop, reachOf } from "./simd/kernel.ts";
import { prepare } from "./simd/prepare.ts";

export interface Choice {
  readonly backend: Backend;
  /** For `explain()`. */
  readonly why: string;
  /** What the maker needs on each thread; shipped with the plan. */
  readonly kernel?: Kernel;
}

export const makers: Readonly<Record<Backend, LoopMaker>> = { js: chunkLoop, simd: kernelLoop };

/** A kernel would compute for elements that are not there. */
const FEW_ELEMENTS = 4;

export const areFew = ({ elements, chunks }: Grid): boolean => Math.floor(elements / chunks) < FEW_ELEMENTS;

const inJavaScript = (why: string): Choice => ({ backend: "js", why: `the JavaScript loop runs: ${why}` });

/** @param simd the option: false asks for the loop as it is written */
export function choose(plan: Omit<Plan, "backend">, operands: Operands, simd: boolean | undefined, grid: Grid): Choice {
  if (simd === false) return { backend: "js", why: "simd: false asks for the loop as it is written" };
  if (areFew(grid)) {
    const each = grid.chunks > 1 ? ` in each of ${grid.chunks} chunks` : "";
    return inJavaScript(`there are fewer than ${FEW_ELEMENTS} elements${each}, and a kernel takes 8 at a time`);
  }
  const kernel = prepare(plan, operands);
  if (typeof kernel === "string") return inJavaScript(kernel);
  const calls = kernel.imports.map((name) => (name.startsWith("remainder") ? "%" : `Math.${name.split("/")[0]}`));
  const called = calls.length > 0 ? `; ${calls.join(", ")} is JavaScript's, called for each element` : "";
  const reach = reachOf(kernel, operands);
  if (reach < chunkStart(grid.elements, grid.chunks, 1))
    return inJavaScript(`an array of length ${reach} is read for the elements of a chunk, which are more`);
  const beyond = reach < grid.elements ? `; chunks with elements from ${reach} on are done in JavaScript` : "";
  const why = `a WebAssembly kernel takes ${kernel.group} elements at a time${called}${beyond}`;
  return { backend: "simd", why, kernel };
}
