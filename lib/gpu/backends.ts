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
const SOFTWARE = /llvmpipe|lavapipe|swiftshader|software|softpipe|basic render|warp|cpu/i;
// Software has been seen to deny being a fallback: what isn't known to be hardware isn't.
const HARDWARE = /^(nvidia|amd|intel|apple|arm|qualcomm|img-tec|broadcom|samsung)$/i;

let webgpu: Promise<BackendFacts> | undefined;

/** Asks each backend once a thread. Waits: asynchronously, for the GPU's driver to answer (milliseconds). */
export async function gpuBackends(): Promise<BackendFacts[]> {
  return [
    { ...(await (webgpu ??= probeWebGpu())) },
    { backend: "simd", available: true, hardware: false, why: "WebAssembly with SIMD on threads, on the CPU" },
    { backend: "cpu", available: true, hardware: false, why: "plain JavaScript, on the CPU" },
  ];
}

/** Those to be tried for a kernel, the best first. Throws Error where the one that is wanted can't run. */
export async function candidates(wanted: BackendName | undefined): Promise<BackendFacts[]> {
  const backends = await gpuBackends();
  if (wanted === undefined) {
    const able = backends.filter(({ available, hardware, backend }) => available && (hardware || backend !== "webgpu"));
    const passedOver = backends.slice(0, backends.indexOf(able[0]!)).map(({ why }) => why);
    return able.map((facts) => ({ ...facts, why: [facts.why, ...passedOver].join("; ") }));
  }
  const found = backends.find(({ backend }) => backend === wanted);
  if (found && !found.available) throw new Error(`backend "${wanted}" can't run here: ${found.why}`);
  return [
    found ?? { backend: wanted, available: true, hardware: false, why: "asked for; its renderer can't be identified" },
  ];
}

async function probeWebGpu(): Promise<BackendFacts> {
  const absent = (why: string): BackendFacts => ({ backend: "webgpu", available: false, hardware: false, why });
  // Dawn prints to the process's stderr when it finds no driver, so it isn't even loaded without a device.
  if (process.platform === "linux" && !hasDevice()) return absent("this machine has no GPU device");
  try {
    const adapter = await requestAdapter();
    if (!adapter) return absent("no driver offers a WebGPU adapter");
    const { vendor = "", architecture, device, description, isFallbackAdapter } = adapter.info;
    const name = [vendor, architecture, device, description].filter(Boolean).join(" ") || "an unnamed adapter";
    const hardware = !isFallbackAdapter && HARDWARE.test(vendor) && !SOFTWARE.test(name);
    const why = hardware ? `${name}, through WebGPU` : `${name} is a software adapter, or not known to be a real GPU`;
    return { backend: "webgpu", available: true, hardware, adapter: name, why };
  } catch (error) {
    return absent(`WebGPU does not load here: ${(error as Error).message.split("\n")[0]}`);
  }
}

/** Also one that is named by hand counts, such as a driver in software for tests. */
function hasDevice(): boolean {
  const listed = (folder: string, pattern: RegExp): boolean => {
    try {
      return fs.readdirSync(folder).some((name) => pattern.test(name));
    } catch {
      return false;
    }
  };
  const named = process.env["VK_DRIVER_FILES"] ?? process.env["VK_ICD_FILENAMES"];
  return Boolean(named) || listed("/dev/dri", /^renderD/) || listed("/dev", /^(nvidia\d|dxg)/);
}

let entry: GpuEntry | undefined;

function requestAdapter(): Promise<Adapter | null> {
  const dawn = require("webgpu") as { create(options: string[]): GpuEntry };
  return (entry ??= dawn.create([])).requestAdapter({ powerPreference: "high-performance" });
}

let opened: Promise<{ storageBuffers: number }> | undefined;

/** Puts the adapter that was found where gpu.js looks for it, and tells how many arrays a kernel may have there. */
export function openWebGpu(): Promise<{ storageBuffers: number }> {
  return (opened ??= (async () => {
    const limits = (await requestAdapter())!.limits;
    const { maxStorageBuffersPerShaderStage: storageBuffers } = limits;
    const gpu = {
      // Of each adapter one device can be had; gpu.js asks for another when it lost one.
      async requestAdapter() {
        const adapter = await requestAdapter();
        if (!adapter) return null;
        const requestDevice = ({ requiredLimits }: { requiredLimits?: object } = {}): Promise<unknown> =>
          adapter.requestDevice({
            requiredLimits: { ...requiredLimits, maxStorageBuffersPerShaderStage: storageBuffers },
          });
        return { limits: adapter.limits, info: adapter.info, requestDevice };
      },
    };
    Object.defineProperty(globalThis.navigator, "gpu", { value: gpu, configurable: true });
    return { storageBuffers: storageBuffers! };
  })());
}

interface GpuEntry {
  requestAdapter(options?: object): Promise<Adapter | null>;
}

interface Adapter {
  readonly info: {
    vendor?: string;
    architecture?: string;
    device?: string;
    description?: string;
    isFallbackAdapter?: boolean;
  };
  readonly limits: Record<string, number>;
  requestDevice(descriptor: object): Promise<unknown>;
}
