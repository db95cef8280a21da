// The life of a kernel: runs that overlap, an end in the middle of one, an interrupt.

import { execFile } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterEach, expect, it } from "vitest";
import { registerHost, type Host } from "../../lib/host.ts";
import { CancelledError, gpu, gpuBackends, type GpuOptions, type KernelPlace } from "../../lib/index.ts";

afterEach(() => registerHost(undefined as never));

const squares = (options: Partial<GpuOptions> = {}) =>
  gpu(
    function (n: number) {
      return this.thread.x * this.thread.x + n;
    },
    { output: [3], backend: "cpu", ...options },
  );

it("destroy() lets the runs before it end, and the next run compiles again", async () => {
  const kernel = squares();
  const first = kernel.run(1);
  kernel.destroy();
  const second = kernel.run(2);
  expect([...(await first).value]).toEqual([1, 2, 5]);
  expect([...(await second).value]).toEqual([2, 3, 6]);
  kernel.destroy();
});

const [webgpu] = await gpuBackends();
it.skipIf(webgpu!.available)("destroy() of a kernel that could not be compiled is harmless", async () => {
  const unhandled: unknown[] = [];
  const listen = (error: unknown): void => void unhandled.push(error);
  process.on("unhandledRejection", listen);
  const kernel = squares({ backend: "webgpu" });
  await expect(kernel.run(1)).rejects.toThrow(/can't run here/);
  kernel.destroy();
  await new Promise((go) => setTimeout(go, 10));
  process.off("unhandledRejection", listen);
  expect(unhandled).toEqual([]);
});

it("tells what ran it and why", async () => {
  const kernel = gpu(({ x }) => x, { output: [8] });
  const { backend, hardware, why, adapter } = await kernel.run();
  expect(hardware).toBe(webgpu!.hardware);
  if (webgpu!.hardware) expect([backend, adapter]).toEqual(["webgpu", webgpu!.adapter]);
  else expect([backend, why.includes(webgpu!.why)]).toEqual(["simd", true]);
  kernel.destroy();
});

const LENGTH = 20_000;
const plus = () => gpu(({ x }, xs, n) => xs[x] + n, { output: [LENGTH], backend: "simd" });

it("runs of one kernel overlap, each with what it was given when it was called", async () => {
  const kernel = plus();
  const xs = new Float32Array(LENGTH);
  const runs = [];
  for (let i = 0; i < 20; i++) {
    xs.fill(i);
    runs.push(i % 3 === 0 ? kernel.keep(xs, i).then((kept) => kept.read()) : kernel.run(xs, i));
    if (i === 9) await runs[0];
  }
  xs.fill(-1);
  for (const [i, run] of runs.entries()) {
    const { value } = await run;
    expect([value[0], value[LENGTH - 1]]).toEqual([2 * i, 2 * i]);
  }
  kernel.destroy();
});

it("arguments may change in size", async () => {
  const sum = gpu(
    (_, xs) => {
      let s = 0;
      for (let i = 0; i < xs.length; i++) s += xs[i];
      return s;
    },
    { output: [2], backend: "simd" },
  );
  for (const length of [3, 1000, 1, 50, 3]) {
    const { value } = await sum.run(new Float64Array(length).fill(2));
    expect(value[1]).toBe(2 * length);
  }
  sum.destroy();
});

/** Never ends. */
const spin = ({ x }: KernelPlace, n: number): number => {
  let s = 0;
  while (n > 0) s = s + x > 1e6 ? 0 : s + 1;
  return s;
};

it("an interrupt ends the threads of a kernel that doesn't, and nobody else's run", async () => {
  let origin = 1;
  const listeners = new Set<(origin: number) => void>();
  registerHost({
    origin: () => origin,
    runAs: (_, f) => f(),
    onInterrupt(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    adopt: () => {},
    importedFrom: () => undefined,
    display: () => {},
  } satisfies Host);
  const endless = gpu(spin, { output: [LENGTH], backend: "simd" });
  const other = plus();
  const stopped = [endless.run(1), endless.run(1)];
  await new Promise((go) => setTimeout(go, 50));
  origin = 2;
  const untouched = other.run(new Float32Array(LENGTH), 5);
  const waiting = endless.run(0);
  for (const listener of listeners) listener(1);
  for (const run of stopped) {
    await expect(run).rejects.toBeInstanceOf(CancelledError);
    await expect(run).rejects.toThrow("the cell that started it was interrupted");
  }
  expect((await untouched).value[7]).toBe(5);
  expect((await waiting).value[7]).toBe(0);
  expect((await endless.run(0)).value[LENGTH - 1]).toBe(0);
  endless.destroy();
  other.destroy();
  expect(listeners.size).toBe(0);
});

/** In a program of its own. */
const node = (...args: string[]) =>
  promisify(execFile)(process.execPath, ["--conditions=braid-source", "--no-warnings", ...args], {
    cwd: import.meta.dirname,
  });

async function run(body: string): Promise<{ stdout: string }> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "braid-gpu-"));
  try {
    const file = path.join(folder, "main.ts");
    const library = JSON.stringify(path.resolve(import.meta.dirname, "../../lib/index.ts"));
    fs.writeFileSync(file, body.replace('"braid"', library));
    return await node(file);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

it("keeps no program alive", async () => {
  const { stdout } = await run(`
    import { gpu } from "braid";
    const xs = new Float32Array(20000).fill(1);
    for (const backend of ["simd", "cpu"]) {
      const twice = gpu(({ x }, xs) => xs[x] * 2, { output: [20000], backend });
      console.log((await (await twice.keep(await twice.keep(xs))).read()).value[5]);
    }
  `);
  expect(stdout).toBe("4\n4\n");
});

it.skipIf(!fs.existsSync("/proc/self/task"))("leaves no thread behind", async () => {
  const { stdout } = await run(`
    import { gpu } from "braid";
    import fs from "node:fs";
    import { mock } from "node:test";
    const threads = () => fs.readdirSync("/proc/self/task").length;
    const xs = new Float32Array(20000).fill(1);
    const round = async () => {
      const kernels = [1, 2, 3, 4].map((n) => gpu(({ x }, xs) => xs[x] * n, { output: [20000], backend: "simd" }));
      await Promise.all(kernels.map((kernel) => kernel.run(xs)));
      const most = threads();
      kernels.forEach((kernel) => kernel.destroy());
      return most;
    };
    const before = threads();
    const most = await round();
    while (threads() > before) await new Promise((go) => setTimeout(go, 5));
    console.log(most > before);

    // One that nobody runs any more and nobody ends.
    mock.timers.enable({ apis: ["setTimeout"] });
    await gpu(({ x }) => x, { output: [20000], backend: "simd" }).run();
    const during = threads();
    mock.timers.tick(9_999);
    for (let i = 0; i < 20; i++) await new Promise((go) => setImmediate(go));
    console.log(during > before, threads() === during);
    mock.timers.tick(1);
    for (; threads() > before; mock.timers.tick(1)) await new Promise((go) => setImmediate(go));
  `);
  expect(stdout).toBe("true\ntrue true\n");
});

// gpu.js starts its threads with the program's own flags, and they can't stand this one.
it("takes the next backend where the best fails, unless it was asked for", async () => {
  const source = `
    import { gpu } from "braid";
    const twice = (backend) => gpu(({ x }, n) => x * n, { output: [20000], backend });
    const { value, backend, why } = await twice().run(2);
    console.log(value[19999], backend, /The kernel failed on "simd": .*require/.test(why));
    await twice("simd").run(2).catch((error) => console.log(error.message.slice(0, 27)));
  `;
  const { stdout } = await node("--input-type=module", "-e", source);
  const [first, second] = stdout.split("\n");
  if (!webgpu!.hardware) expect(first).toBe("39998 cpu true");
  expect(second).toBe('The kernel failed on "simd"');
});
