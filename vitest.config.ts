// One project for each kind of test. Test files and sources are loaded by Node itself, not by Vite: a function's text is
// then what was written, which is what the library ships to threads, and workers resolve "braid" as their parent does. Each
// file has a process of its own; what Node has compiled it keeps for the next ones, and for the threads they start.

import { rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { defineConfig, type TestProjectConfiguration } from "vitest/config";

const COMPILED = join(import.meta.dirname, ".artefacts", "compiled");
const DAY_MS = 24 * 3600_000;

// What has another name in each run piles up there.
const compiled = statSync(COMPILED, { throwIfNoEntry: false });
if (compiled && compiled.birthtimeMs < Date.now() - DAY_MS) rmSync(COMPILED, { recursive: true, force: true });

interface Kind {
  /** One file after the other: they start servers, or fill all cores. */
  serial?: boolean;
  /** They need the Python environment. */
  python?: boolean;
  timeoutMs: number;
}

const KINDS: Record<string, Kind> = {
  unit: { timeoutMs: 20_000 },
  types: { timeoutMs: 60_000 },
  property: { timeoutMs: 60_000 },
  stress: { serial: true, timeoutMs: 120_000 },
  conformance: { serial: true, python: true, timeoutMs: 120_000 },
  notebooks: { serial: true, python: true, timeoutMs: 300_000 },
  book: { serial: true, python: true, timeoutMs: 600_000 },
  browser: { serial: true, python: true, timeoutMs: 180_000 },
};

function project(name: string, { serial = false, python = false, timeoutMs }: Kind): TestProjectConfiguration {
  return {
    test: {
      name,
      include: [`test/${name}/**/*.test.ts`],
      pool: "forks",
      execArgv: ["--conditions=braid-source", "--disable-warning=ExperimentalWarning"],
      env: { NODE_COMPILE_CACHE: COMPILED },
      fileParallelism: !serial,
      testTimeout: timeoutMs,
      hookTimeout: timeoutMs,
      globalSetup: python ? ["test/environment.ts"] : [],
      experimental: { viteModuleRunner: false },
    },
  };
}

export default defineConfig({
  test: {
    projects: Object.entries(KINDS).map(([name, kind]) => project(name, kind)),
    // Many wait for something most of the time.
    maxWorkers: "100%",
    passWithNoTests: true,
  },
});
