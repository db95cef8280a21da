// Braid's kernel as it stands in the sources: nothing has to be built or installed.

import { fileURLToPath } from "node:url";
import type { KernelSpec } from "./client.ts";

export function sourceKernel(spec: Omit<KernelSpec, "argv"> = {}): KernelSpec {
  const main = fileURLToPath(new URL("../../kernel/front/main.ts", import.meta.url));
  return {
    argv: [process.execPath, "--no-warnings", "--conditions=braid-source", main, "{connection_file}"],
    ...spec,
    env: { BRAID_HISTORY: "", ...spec.env },
  };
}
