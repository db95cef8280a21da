// `npm run test:book`, under Node 24.

import { fail, setUp } from "../set-up/steps.ts";
import { runTests, summary } from "./steps.ts";

const LIMIT_MS = 2 * 3600_000;

try {
  await setUp();
  const counts = await runTests(["book"], LIMIT_MS);
  console.log(summary(counts));
  process.exitCode = counts.failed > 0 ? 1 : 0;
} catch (error) {
  fail(error);
}
