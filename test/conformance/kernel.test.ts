// Jupyter's own test suite for kernels (jupyter_kernel_test), each of its tests one of ours.

import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";
import { pythonEnvironment } from "../../kernel/cli/python.ts";
import { ROOT } from "../../kernel/cli/paths.ts";

const { python } = await pythonEnvironment(["requirements-test.txt"]);
const { stderr } = spawnSync(python, ["-B", "test/conformance/kernel_test.py", "-v"], {
  cwd: ROOT,
  encoding: "utf8",
  timeout: 180_000,
  env: { ...process.env, JUPYTER_PREFER_ENV_PATH: "1", BRAID_HISTORY: "" },
});

const verdicts = [...stderr.matchAll(/^(test_\w+) \([^\n]*\) \.\.\. (?:\n  \1 [^\n]*)*([^\n]*)/gm)].map(
  ([all, name, verdict]) => ({ name: name!, verdict: all.includes("FAIL") ? "FAIL" : verdict!.trim() }),
);

it("runs", () => {
  expect(verdicts.length, stderr).toBeGreaterThanOrEqual(12);
});

for (const { name, verdict } of verdicts) {
  it(name, () => {
    // The pager is an idea of IPython's terminal; the suite offers its sample as optional.
    if (name === "test_pager") expect(verdict).toMatch(/^skipped/);
    else expect(verdict, stderr).toBe("ok");
  });
}
