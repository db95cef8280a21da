// A translated kernel on one backend, by gpu.js.

import { createRequire } from "node:module";
import { type Argument, argumentTypes } from "./arguments.ts";
import { type BackendFacts, type BackendName, openWebGpu } from "./backends.ts";
import { type DeviceHandle, type Held, Kept } from "./kept.ts";
import type { Program } from "./translate.ts";

/** A kernel that is ready to run. */
export interface Compiled {
  readonly facts: BackendFacts;
  /** What is passed is read before it returns, if it is at hand. */
  run(args: readonly Argument[]): Promise<unknown>;
  keep(args: readonly Argument[]): Promise<Held>;
  /** Frees what it holds and ends its threads; what still runs rejects. */
  destroy(): void;
}

export interface CompileOptions {
  readonly output: readonly number[];
  readonly precision: "single" | "unsigned";
}

const MODES: Record<BackendName, string> = { webgpu: "webgpu", simd: "webasm", cpu: "cpu", headlessgl: "headlessgl" };
/** A loop that counts to more is none that ends. Without it gpu.js ends loops after 1000 steps. */
const LOOP_STEPS = 2 ** 31 - 1;

const require = createRequire(import.meta.url);

/** Prepares a program for a backend. What the backend itself can't do shows in the first run. */
export async function compile(program: Program, facts: BackendFacts, options: CompileOptions): Promise<Compiled> {
  const { backend } = facts;
  const { kernel, helpers, constants, longLoop } = program;
  if (backend === "headlessgl" && longLoop)
    throw new TypeError(
      `${longLoop.slice(0, -1)}, which OpenGL in software doesn't do: take another backend than headlessgl`,
    );
  if (backend === "webgpu") {
    const buffers =
      kernel.parameters.filter(({ rank }) => rank !== undefined && rank > 0).length + constants.length + 1;
    const { storageBuffers } = await openWebGpu();
    if (buffers > storageBuffers)
      throw new RangeError(`Expected at most ${storageBuffers - 1} arrays, as this GPU allows, got ${buffers - 1}`);
  }
  const device = deviceOf(backend);
  for (const { source, name, parameters } of helpers) {
    const types = Object.fromEntries(parameters.map(({ code }) => [code, "Float"]));
    device.addFunction(source, { name, argumentTypes: types, returnType: "Float" });
  }
  const settings = {
    output: [...options.output],
    constants: Object.fromEntries(constants.map(({ code, value }) => [code, value])),
    constantTypes: Object.fromEntries(constants.map(({ code }) => [code, "Array"])),
    argumentTypes: argumentTypes(kernel.parameters),
    dynamicArguments: true,
    loopMaxIterations: LOOP_STEPS,
    precision: options.precision,
    asyncMode: true,
  };
  const make = (more: object): Shortcut => {
    const made = device.createKernel(kernel.source, { ...settings, ...more });
    // What it makes of a kernel that it can't do is a warning and a kernel for the CPU.
    made.kernel.onRequestFallback = () => {
      throw new Error(String(made.kernel.fallbackReason));
    };
    return made;
  };
  const direct = make({});
  let keeping: Shortcut | undefined;

  const call = async (shortcut: () => Shortcut, args: readonly Argument[]): Promise<unknown> => {
    // Where nothing must be fetched first gpu.js gets them before the caller can write to them.
    const needsFetch = args.some((arg) => arg instanceof Kept && !(backend === "webgpu" && arg.held().handle));
    const list = needsFetch ? await Promise.all(args.map((arg) => fetched(arg, backend))) : args.map(handleOf);
    try {
      return await shortcut()(...list);
    } catch (cause) {
      const [reason] = (cause as Error).message.split("\n");
      throw new Error(`The kernel failed on "${backend}": ${reason}`, { cause });
    }
  };
  return {
    facts,
    run: (args) => call(() => direct, args),
    async keep(args) {
      if (backend !== "webgpu") {
        const value = await call(() => direct, args);
        return { handle: undefined, read: async () => value };
      }
      const handle = (await call(() => (keeping ??= make({ pipeline: true, immutable: true })), args)) as DeviceHandle;
      return { handle, read: () => handle.toArray() };
    },
    destroy() {
      // At once: the device would wait for a timer, which an interrupt may take away.
      for (const one of [direct, keeping]) one?.kernel.destroy(true);
      device.destroy().catch(() => {});
    },
  };
}

function deviceOf(backend: BackendName): GpuJs {
  const { GPU } = require("gpu.js") as { GPU: new (settings: { mode: string }) => GpuJs };
  try {
    return new GPU({ mode: MODES[backend] });
  } catch (cause) {
    // What headless-gl needs shows only here: its package, a display.
    throw new Error(`backend "${backend}" can't run here: ${(cause as Error).message}`, { cause });
  }
}

const handleOf = (arg: Argument): unknown => (arg instanceof Kept ? arg.held().handle : arg);

async function fetched(arg: Argument, backend: BackendName): Promise<unknown> {
  if (!(arg instanceof Kept)) return arg;
  const held = arg.held();
  return backend === "webgpu" && held.handle ? held.handle : held.read();
}

interface GpuJs {
  createKernel(source: string, settings: object): Shortcut;
  addFunction(source: string, settings: object): void;
  destroy(): Promise<void>;
}

interface Shortcut {
  (...args: unknown[]): unknown;
  kernel: { onRequestFallback: unknown; fallbackReason?: string; destroy(removeCanvas: boolean): void };
}
