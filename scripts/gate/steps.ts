// A check is a command that must end with 0: a line for each, its output only when it fails.

import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join, relative } from "node:path";
import { runToEnd } from "../../kernel/cli/child.ts";
import { ROOT } from "../set-up/steps.ts";

export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** A test that blocks its thread can't be ended by Vitest. */
const LIMIT_MS = 10 * 60_000;

const NONE: Counts = { passed: 0, failed: 0, skipped: 0 };

export function sum(all: readonly Counts[]): Counts {
  return all.reduce(
    (a, b) => ({ passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped }),
    NONE,
  );
}

interface Check {
  name: string;
  /** Arguments of Node. */
  args: readonly string[];
}

const bin = (path: string): string => join(ROOT, "node_modules", path);

const PRETTIER = [
  "--check",
  "--log-level=warn",
  "--cache",
  `--cache-location=${join(ROOT, ".artefacts", "formatted")}`,
];

const CHECKS: readonly Check[] = [
  { name: "format (prettier)", args: [bin("prettier/bin/prettier.cjs"), ...PRETTIER, "."] },
  { name: "lint (oxlint, type-aware)", args: [bin("oxlint/bin/oxlint"), "--deny-warnings"] },
  { name: "types (tsc)", args: [bin("typescript/bin/tsc"), "-p", "tsconfig.json"] },
  { name: "layers", args: ["scripts/layers.ts"] },
  { name: "unused code (knip)", args: [bin("knip/bin/knip.js"), "--no-progress"] },
  { name: "package (publint)", args: [bin("publint/src/cli.js"), "--pack", "npm", "--strict"] },
];

/** As many at a time as there are cores. */
export async function runChecks(): Promise<Counts> {
  const waiting = [...CHECKS];
  const counts: Counts[] = [];
  const runSome = async (): Promise<void> => {
    for (let check = waiting.shift(); check; check = waiting.shift()) counts.push(await runCheck(check));
  };
  await Promise.all(Array.from({ length: availableParallelism() }, runSome));
  return sum(counts);
}

async function runCheck({ name, args }: Check): Promise<Counts> {
  const startMs = performance.now();
  // Without the condition: the package is judged as its users get it.
  const { code, output } = await runToEnd(process.execPath, args, { cwd: ROOT });
  report(code === 0, name, startMs);
  if (code !== 0) console.log(output.trimEnd());
  return { ...NONE, passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1 };
}

interface VitestReport {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  testResults: { name: string; status: string; message: string; assertionResults: VitestResult[] }[];
}

interface VitestResult {
  status: string;
  fullName: string;
  failureMessages?: string[];
}

/** Runs Vitest projects; a file that could not even be loaded counts as one failed test. */
export async function runTests(projects: readonly string[], limitMs = LIMIT_MS): Promise<Counts> {
  const name = `tests (${projects.join(", ")})`;
  const startMs = performance.now();
  const file = join(ROOT, ".artefacts", `vitest-${projects.join("-")}.json`);
  mkdirSync(dirname(file), { recursive: true });
  rmSync(file, { force: true });
  const selected = projects.flatMap((project) => ["--project", project]);
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
  const args = [bin("vitest/vitest.mjs"), "run", ...selected, ...reporters];
  const { code, output } = await runToEnd(process.execPath, args, {
    cwd: ROOT,
    env: { ...process.env, CI: "1" },
    limitMs,
  });
  const { failures, ...counts } = countTests(file);
  // Vitest fails for more than tests: an unhandled error, a set-up that threw.
  if (code !== 0 && counts.failed === 0) counts.failed = 1;
  report(counts.failed === 0, `${name}: ${counts.passed} passed${skippedText(counts)}`, startMs);
  if (counts.failed > 0) console.log([...failures, output].join("\n").trimEnd());
  return counts;
}

/** `failures`: which failed and why, each with its first lines, to stand before all the output. */
function countTests(file: string): Counts & { failures: string[] } {
  let json: VitestReport;
  try {
    json = JSON.parse(readFileSync(file, "utf8")) as VitestReport;
  } catch {
    return { ...NONE, failures: [] };
  }
  const broken = json.testResults.filter(
    ({ status, assertionResults }) => status === "failed" && !assertionResults.length,
  );
  const told = (what: string, message: string): string =>
    `  ${what}\n    ${message.split("\n").slice(0, 3).join("\n    ")}`;
  const failures = json.testResults.flatMap(({ name, message, assertionResults }) => [
    ...(broken.some((file) => file.name === name) ? [told(relative(ROOT, name), message)] : []),
    ...assertionResults
      .filter((test) => test.status === "failed")
      .map((test) => told(`${relative(ROOT, name)}: ${test.fullName}`, test.failureMessages?.[0] ?? "")),
  ]);
  return {
    failures,
    passed: json.numPassedTests,
    failed: json.numFailedTests + broken.length,
    skipped: json.numPendingTests + json.numTodoTests,
  };
}

function skippedText({ skipped }: Counts): string {
  return skipped > 0 ? `, ${skipped} skipped` : "";
}

function report(ok: boolean, name: string, startMs: number): void {
  console.log(`${ok ? "ok    " : "FAILED"} ${(performance.now() - startMs).toFixed(0).padStart(7)} ms  ${name}`);
}

export function summary(counts: Counts): string {
  return `${counts.passed} passed, ${counts.failed} failed${skippedText(counts)}`;
}
