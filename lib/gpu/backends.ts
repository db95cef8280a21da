// Which of gpu.js's backends this machine has, asked in the order in which they are preferred: a real GPU through WebGPU
// (Dawn), SIMD WebAssembly on threads, plain JavaScript. A software adapter draws with the CPU: it is never called a
// GPU and never chosen by itself. headless-gl can't tell whether its renderer is software, so it is only taken on demand.

import fs from "node:fs";
import { createRequire } from "node:module";

export type BackendName = "webgpu" | "simd" | "cpu" | "headlessgl";

/** What is known of one backend: whether it can run, on what, and if not, why not. */
export interface BackendFacts {
  backend: BackendName;
  available: boolean;
  /** True only for an adapter that says it is a real GPU. */
  hardware: boolean;
  adapter?: string;
  why: string;
}

const require = createRequire(import.meta.url);
const SOFTWARE = /llvmpipe|lavapipe|swiftshader|software|softpipe|basic render|cpu/i;

let webgpu: Promise<BackendFacts> | undefined;

/** Asks each backend once a process. Waits: asynchronously, for the GPU's driver to answer (milliseconds). */
export async function gpuBackends(): Promise<BackendFacts[]> {
  return [
    await (webgpu ??= probeWebGpu()),
    { backend: "simd", available: true, hardware: false, why: "WebAssembly with SIMD, on the CPU" },
    { backend: "cpu", available: true, hardware: false, why: "plain JavaScript, on the CPU" },
  ];
}

async function probeWebGpu(): Promise<BackendFacts> {
  const absent = (why: string): BackendFacts => ({ backend: "webgpu", available: false, hardware: false, why });
  // Dawn prints to the process's stderr when it finds no driver, so it isn't even loaded without a device.
  if (process.platform === "linux" && !hasDevice()) return absent("this machine has no GPU device");
  try {
    const dawn = require("webgpu") as { create(options: string[]): GpuEntry; globals: object };
    const entry = dawn.create([]);
    const adapter = await entry.requestAdapter({ powerPreference: "high-performance" });
    if (!adapter) return absent("no driver offers a WebGPU adapter");
    const { vendor, architecture, device, description } = adapter.info;
    const name = [vendor, architecture, device, description].filter(Boolean).join(" ") || "unnamed adapter";
    const software = adapter.info.isFallbackAdapter === true || SOFTWARE.test(name) || name === "unnamed adapter";
    Object.assign(globalThis, dawn.globals);
    Object.defineProperty(globalThis.navigator, "gpu", { value: entry, configurable: true });
    const why = software ? `${name} is a software adapter, no GPU` : `${name}, through WebGPU`;
    return { backend: "webgpu", available: true, hardware: !software, adapter: name, why };
  } catch (error) {
    return absent(`WebGPU does not load here: ${(error as Error).message.split("\n")[0]}`);
  }
}

interface GpuEntry {
  requestAdapter(options?: object): Promise<{
    info: {
      vendor?: string;
      architecture?: string;
      device?: string;
      description?: string;
      isFallbackAdapter?: boolean;
    };
  } | null>;
}

function hasDevice(): boolean {
  const listed = (folder: string, pattern: RegExp) => {
    try {
      return fs.readdirSync(folder).some((name) => pattern.test(name));
    } catch {
      return false;
    }
  };
  return listed("/dev/dri", /^renderD/) || listed("/dev", /^nvidia\d/);
}
