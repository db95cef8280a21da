// One function, run once for every element of its output by gpu.js, on the best backend that this machine really has.
// Later slices widen this: captured constants, arrow functions, chained kernels.

import { createRequire } from "node:module";
import { type BackendFacts, type BackendName, gpuBackends } from "./backends.ts";

/** What a kernel's `this` holds. */
export interface KernelThis {
  /** Which element of the output is being computed. */
  thread: { x: number; y: number; z: number };
  output: { x: number; y: number; z: number };
  constants: Record<string, never>;
}

// The parameters are the kernel's own affair; `any` lets a cell write them without types.
export type KernelFunction = (this: KernelThis, ...args: any[]) => number;

export interface GpuOptions {
  /** Size of the output: [x], [x, y] or [x, y, z]. */
  output: number[];
  /** Read as `this.constants.name` in the kernel. */
  constants?: object;
  /** Takes this backend, or throws, instead of the best one. */
  backend?: BackendName;
}

export interface GpuRun {
  /** Float32Array for [x]; arrays of them for [x, y] and [x, y, z]. */
  value: any;
  backend: BackendName;
  adapter?: string;
  /** True only if a real GPU did the work. */
  hardware: boolean;
  /** Why this backend, and why not a faster one. */
  why: string;
}

export interface GpuKernel<F extends KernelFunction> {
  readonly source: F;
  /** Waits: asynchronously. The first call compiles. */
  run(...args: Parameters<F>): Promise<GpuRun>;
  /** Runs the kernel also as plain TypeScript; the greatest absolute difference. Costs one plain call an element. */
  verify(...args: Parameters<F>): Promise<{ maxError: number }>;
  /** Frees what the kernel holds, when its runs are done. A run after that compiles again. */
  destroy(): void;
}

/**
 * Makes a kernel of a plain function: it is called once for every element of the output, with `this.thread` saying which.
 *
 * Order: a run starts when it is called; runs of one kernel don't overlap.
 * Throws: TypeError for an arrow function or a bad output size; Error from `run` if a backend that was asked for isn't there.
 * Gotcha: numbers are 32-bit floats, and a product of integers overflows silently: copy an integer into a variable first
 * (`const i = this.thread.x`), and compare with `verify`.
 *
 * @example
 * const square = gpu(function (xs) { return xs[this.thread.x] * xs[this.thread.x] }, { output: [4] })
 * const { value, backend } = await square.run(Float32Array.of(1, 2, 3, 4))
 */
export function gpu<F extends KernelFunction>(kernel: F, options: GpuOptions): GpuKernel<F> {
  checkKernel(kernel);
  checkOutput(options.output);
  return new Kernel(kernel, options);
}

const require = createRequire(import.meta.url);

const MODES: Record<BackendName, string> = { webgpu: "webgpu", simd: "webasm", cpu: "cpu", headlessgl: "headlessgl" };

interface Compiled {
  call(...args: unknown[]): unknown;
  facts: Omit<GpuRun, "value">;
  destroy(): void;
}

class Kernel<F extends KernelFunction> implements GpuKernel<F> {
  readonly source: F;
  readonly #options: GpuOptions;
  #compiled: Compiled | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(source: F, options: GpuOptions) {
    this.source = source;
    this.#options = options;
  }

  run(...args: Parameters<F>): Promise<GpuRun> {
    const result = this.#last.then(async () => {
      this.#compiled ??= await compile(this.source, this.#options);
      const { call, facts } = this.#compiled;
      return { value: await call(...args), ...facts };
    });
    this.#last = result.catch(() => {});
    return result;
  }

  async verify(...args: Parameters<F>): Promise<{ maxError: number }> {
    const { value } = await this.run(...args);
    const [x, y = 1, z = 1] = this.#options.output as [number, number?, number?];
    const dimensions = this.#options.output.length;
    const output = { x, y, z };
    const constants = (this.#options.constants ?? {}) as Record<string, never>;
    let maxError = 0;
    for (let k = 0; k < z; k++) {
      for (let j = 0; j < y; j++) {
        const row = dimensions === 1 ? value : dimensions === 2 ? value[j] : value[k][j];
        for (let i = 0; i < x; i++) {
          const wanted = this.source.apply({ thread: { x: i, y: j, z: k }, output, constants }, args);
          maxError = Math.max(maxError, Math.abs(wanted - row[i]));
        }
      }
    }
    return { maxError };
  }

  destroy(): void {
    this.#last = this.#last.then(() => {
      this.#compiled?.destroy();
      this.#compiled = undefined;
    });
  }
}

async function compile(kernel: KernelFunction, options: GpuOptions): Promise<Compiled> {
  const chosen = await choose(options.backend);
  const { GPU } = require("gpu.js") as { GPU: new (settings: { mode: string }) => GpuJs };
  const device = new GPU({ mode: MODES[chosen.backend] });
  const call = device.createKernel(kernel, {
    output: options.output,
    constants: options.constants ?? {},
    asyncMode: true,
  });
  const { backend, adapter, hardware, why } = chosen;
  return {
    call,
    facts: { backend, ...(adapter === undefined ? {} : { adapter }), hardware, why },
    destroy: () => void device.destroy(),
  };
}

interface GpuJs {
  createKernel(kernel: KernelFunction, settings: object): (...args: unknown[]) => unknown;
  destroy(): unknown;
}

async function choose(wanted: BackendName | undefined): Promise<BackendFacts> {
  const backends = await gpuBackends();
  if (wanted === undefined) {
    const [first] = backends;
    const best = backends.find(({ available, hardware, backend }) => available && (hardware || backend !== "webgpu"))!;
    return best === first ? best : { ...best, why: `${best.why}: ${first!.why}` };
  }
  const found = backends.find(({ backend }) => backend === wanted);
  if (found && !found.available) throw new Error(`backend "${wanted}" can't run here: ${found.why}`);
  return (
    found ?? { backend: wanted, available: true, hardware: false, why: "asked for; its renderer can't be identified" }
  );
}

function checkKernel(kernel: unknown): void {
  if (typeof kernel !== "function")
    throw new TypeError(`Expected a kernel function, got ${kernel === null ? "null" : typeof kernel}`);
  if (!("prototype" in kernel)) {
    throw new TypeError(
      "Expected a kernel written as `function (…) { … }`, got an arrow function or a method: it has no `this.thread`",
    );
  }
}

function checkOutput(output: unknown): void {
  const sizes = Array.isArray(output) ? (output as unknown[]) : [];
  const good =
    sizes.length >= 1 && sizes.length <= 3 && sizes.every((size) => Number.isInteger(size) && (size as number) > 0);
  if (!good) throw new TypeError(`Expected \`output\` to be 1 to 3 positive integers, got ${JSON.stringify(output)}`);
}
