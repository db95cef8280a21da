// `npm run check`, under Node 24.

import { fail, setUp } from "../set-up/steps.ts";
import { runChecks, runTests, sum, summary } from "./steps.ts";

try {
  await setUp();
  const counts = [await runChecks()];
  counts.push(await runTests(["unit", "types"]));
  const total = sum(counts);
  console.log(summary(total));
  process.exitCode = total.failed > 0 ? 1 : 0;
} catch (error) {
  fail(error);
}
