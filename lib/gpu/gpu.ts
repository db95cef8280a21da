// One function, run once for every element of its output by gpu.js, on the best backend that this machine really has.

import { type BackendName } from "./backends.ts";
import { Kept } from "./kept.ts";
import { Runner } from "./runner.ts";
import { translate } from "./translate.ts";
import { compareWith } from "./verify.ts";

/** What a kernel's `this` holds, if it is written as `function`. */
export interface KernelThis {
  /** Which element of the output is being computed. */
  thread: { x: number; y: number; z: number };
  output: { x: number; y: number; z: number };
  constants: Record<string, any>;
}

/** What a kernel gets first, if it is written as an arrow function: `({ x, y }, a, b) => …`. */
export interface KernelPlace extends KernelThis {
  x: number;
  y: number;
  z: number;
}

// The parameters are the kernel's own affair; `any` lets a cell write them without types.
export type KernelFunction = (this: KernelThis, ...args: any[]) => number;

/** What is passed to `run`: the parameters, without the place that an arrow function gets first. */
export type KernelArguments<F extends KernelFunction> = number extends Parameters<F>["length"]
  ? any[]
  : Parameters<F> extends [infer First, ...infer Rest]
    ? 0 extends 1 & First
      ? any[]
      : KernelPlace extends First
        ? { [I in keyof Rest]: Rest[I] | Kept }
        : { [I in keyof Parameters<F>]: Parameters<F>[I] | Kept }
    : [];

export interface GpuOptions {
  /** Size of the output: [x], [x, y] or [x, y, z]. */
  output: number[];
  /** Numbers, booleans and arrays of numbers, read as `constants.name`. What the kernel captures needs not be here. */
  constants?: object;
  /** Takes this backend, or throws, instead of the best one. */
  backend?: BackendName;
  /** "unsigned" packs floats into bytes, for OpenGL that has none ("headlessgl"); default "single". */
  precision?: "single" | "unsigned";
}

export interface GpuRun {
  /** Float32Array for [x]; arrays of them for [x, y] and [x, y, z]: `value[z][y][x]`. */
  value: any;
  backend: BackendName;
  adapter?: string;
  /** True only if a real GPU did the work. */
  hardware: boolean;
  /** Why this backend, and why not a faster one. */
  why: string;
}

export interface Verified {
  /** The greatest absolute difference from plain TypeScript. */
  maxError: number;
  /** The greatest absolute value that plain TypeScript computes. */
  largest: number;
  /** What 32-bit floats may be off: 1e-5 of the largest value. */
  tolerance: number;
  /** How many elements are off by more. */
  differing: number;
}

export interface GpuKernel<F extends KernelFunction> {
  readonly source: F;
  /**
   * Waits: asynchronously; the first call compiles. "cpu", and "simd" for fewer than 4096 elements, compute in the
   * calling thread. Order: what is passed is read before `run` returns. Throws TypeError or RangeError for arguments that
   * don't fit; CancelledError if the cell is interrupted. Cost: copying in and out, each element as a 32-bit float.
   */
  run(...args: KernelArguments<F>): Promise<GpuRun>;
  /** As `run`, but leaves the result where it is, to be passed to another kernel (or to this one) uncopied. */
  keep(...args: KernelArguments<F>): Promise<Kept>;
  /** Runs the kernel also as plain TypeScript and compares. Cost: one plain call an element, in this thread. */
  verify(...args: KernelArguments<F>): Promise<Verified>;
  /** Frees what the kernel holds, when its runs are done; an idle one does so after ten seconds. A later run compiles again. */
  destroy(): void;
}

/**
 * Makes a kernel of a plain function: it is called once for every element of the output. An arrow function gets the
 * place of the element first, a `function` has it as `this.thread`. Numbers, booleans, arrays of numbers and functions of
 * numbers that it captures go along, as they are now.
 *
 * Waits: never. Order: runs of one kernel don't overlap.
 * Throws: TypeError for what a kernel can't do and for a bad output, RangeError for one that is too large, CaptureError
 * for what it can't capture, all naming it; Error from `run` if a backend that was asked for isn't there.
 * Cost: about a millisecond; `run` compiles, 10 to 300 ms the first time.
 * When: thousands of elements or more with some arithmetic each; a single pass over numbers is faster in a plain loop.
 * Gotcha: computes with 32-bit floats, so whole numbers are exact up to 16,777,216; compare with `verify`.
 *
 * @example
 * const power = 2
 * const raise = gpu(({ x }, xs) => xs[x] ** power, { output: [4] })
 * const { value, backend } = await raise.run(Float32Array.of(1, 2, 3, 4))
 */
export function gpu<F extends KernelFunction>(kernel: F, options: GpuOptions): GpuKernel<F> {
  if (typeof kernel !== "function")
    throw new TypeError(`Expected a kernel function, got ${kernel === null ? "null" : typeof kernel}`);
  const { output, constants = {}, backend, precision = "single" } = options;
  checkOutput(output);
  if (backend !== undefined && !BACKENDS.includes(backend))
    throw new TypeError(`Expected \`backend\` to be one of ${BACKENDS.join(", ")}, got ${String(backend)}`);
  if (precision !== "single" && !(precision === "unsigned" && backend === "headlessgl"))
    throw new TypeError(`Expected \`precision\` to be single, or unsigned with headlessgl, got ${String(precision)}`);
  if (typeof constants !== "object" || constants === null)
    throw new TypeError(`Expected \`constants\` to be an object, got ${String(constants)}`);
  const size = [...output];
  const program = translate(kernel, size, constants);
  const runner = new Runner(program, { output: size, precision }, backend);
  return {
    source: kernel,
    run: (...args) => runner.run(args),
    keep: (...args) => runner.keep(args),
    async verify(...args) {
      if (program.usesRandom) throw new TypeError("Expected a kernel that can be compared, got one with Math.random");
      const plain = await Promise.all(args.map(async (arg) => (arg instanceof Kept ? (await arg.read()).value : arg)));
      const { value } = await runner.run(args);
      return compareWith(value, kernel, plain, size, constants);
    },
    destroy: () => runner.destroy(),
  };
}

const BACKENDS: readonly BackendName[] = ["webgpu", "simd", "cpu", "headlessgl"];
/** Two GiB of floats. */
const MAX_ELEMENTS = 2 ** 29;

function checkOutput(output: unknown): void {
  const sizes = Array.isArray(output) ? (output as unknown[]) : [];
  const good =
    sizes.length >= 1 && sizes.length <= 3 && sizes.every((size) => Number.isInteger(size) && (size as number) > 0);
  if (!good) throw new TypeError(`Expected \`output\` to be 1 to 3 positive integers, got ${JSON.stringify(output)}`);
  const elements = (sizes as number[]).reduce((all, one) => all * one);
  if (elements > MAX_ELEMENTS)
    throw new RangeError(`Expected \`output\` to be at most ${MAX_ELEMENTS} elements (2 GiB), got ${elements}`);
}
