// The life of a kernel, on the backend that every machine has.

import { expect, it } from "vitest";
import { gpu, gpuBackends, type GpuOptions } from "../../lib/index.ts";

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
