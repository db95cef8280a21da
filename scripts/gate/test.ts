// `npm test`, under Node 24: everything, with what it needs installed where that can be done.

import { pythonEnvironment } from "../../kernel/cli/python.ts";
import { fail, setUp } from "../set-up/steps.ts";
import { provideChromium } from "./chromium.ts";
import { runChecks, runTests, sum, summary } from "./steps.ts";

try {
  await setUp();
  await pythonEnvironment(["requirements-test.txt"]);
  await provideChromium();
  const counts = [await runChecks()];
  const kinds = [["unit", "types", "property"], ["stress"], ["conformance"], ["notebooks"], ["browser"]];
  for (const projects of kinds) counts.push(await runTests(projects));
  const total = sum(counts);
  console.log(summary(total));
  process.exitCode = total.failed > 0 ? 1 : 0;
} catch (error) {
  fail(error);
}
