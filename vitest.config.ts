// One project for each kind of test. Test files and sources are loaded by Node itself, not by Vite: a function's text is
// then what was written, which is what the library ships to threads, and workers resolve "braid" as their parent does.

import { defineConfig, type TestProjectConfiguration } from "vitest/config";

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
    passWithNoTests: true,
  },
});
