// Thread pools side by side: `node --conditions=braid-source bench/pool/bench.ts`, or `npm run bench pool`. Each round
// measures every pool in each suite, one after the other, in changing order, each time in a process of its own that
// warms it up first; the table shows the median of the rounds and where the middle half of them lies. Braid is taken
// as it is built (it is built first), with --source as it stands in lib/. What is measured beside it is installed and
// built on first use; what can't be is "not installed" in the table. Results of all are compared.
//
//   --rounds 5        how often                       --only tiny,round-trip,sum,scaling,start,memory   some of the suites
//   --json file       every figure of every round     --source

import fs from "node:fs";
import os from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { setUp } from "../../scripts/set-up/steps.ts";
import { reportOf, TooSlow } from "../report-of.ts";
import {
  ADD_ARGS,
  check,
  MANY_SUMS,
  quantile,
  type Report,
  SHORT_LENGTH,
  SUM_LENGTH,
  SUMS,
  TINY,
  WEIGH_ARGS,
} from "./child.ts";
import { LOADS } from "./pools.ts";
import { buildGo, buildRust, installRivals } from "./set-up.ts";
import { sum, weigh } from "./tasks/tasks.mjs";

const LIMIT_MS = 30_000;
const CHILD = fileURLToPath(new URL("./child.ts", import.meta.url));

/** What runs in one process: a suite of child.ts or of the peers, with its parameter. */
interface Part {
  suite: string;
  param: number;
}
const part = (suite: string, param = 2): Part => ({ suite, param });

/** Of threads: one, two, four, and so on, up to the cores that there are. */
const DOUBLED = [1, 2, 4, 8, 16, 32, 64].filter((count) => count <= Math.max(2, os.availableParallelism()));

const SUITES: Record<string, Part[]> = {
  tiny: [part("tiny"), part("objects")],
  "round-trip": [part("round-trip")],
  dispatch: [part("dispatch")],
  sum: [part("sum", 1), part("sum", 2)],
  scaling: DOUBLED.map((count) => part("scaling", count)),
  start: [part("start")],
  memory: [part("memory", 1), part("memory", 2), part("memory", 4)],
};

interface Contender {
  name: string;
  command: string[];
  /** The parts that it can do. */
  suites: readonly string[];
  missing?: boolean;
}

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    only: { type: "string", default: Object.keys(SUITES).join(",") },
    json: { type: "string" },
    source: { type: "boolean", default: false },
  },
});

const ALL = ["tiny", "objects", "round-trip", "sum", "scaling", "start", "memory"];
const ONLY: Record<string, readonly string[]> = {
  Braid: [...ALL, "dispatch"],
  "Braid, arrow made anew": ["tiny"],
  "Piscina, 64 tasks a thread": ["tiny", "objects"],
};

function contenders(versions: ReturnType<typeof installRivals>): Contender[] {
  const versionOf = (name: string) => [...versions].find(([rival]) => name.toLowerCase().split(",")[0] === rival);
  const flags = ["--disable-warning=ExperimentalWarning", "--expose-gc"];
  if (options.source) flags.push("--conditions=braid-source");
  const pools = Object.keys(LOADS).map((name): Contender => {
    const [, version] = versionOf(name) ?? [undefined, ""];
    const command = [process.execPath, ...flags, CHILD, "{suite}", name, "{param}"];
    return { name, command, suites: ONLY[name] ?? ALL, missing: version === undefined };
  });
  const peers = Object.entries({ "Rust, rayon": buildRust(), "Go, goroutines": buildGo() }).map(
    ([name, program]): Contender => ({
      name,
      command: [program ?? "", "{suite}", "{param}"],
      suites: ["tiny", "round-trip", "sum", "scaling"],
      missing: program === undefined,
    }),
  );
  return [...pools, ...peers];
}

function run({ name, command }: Contender, { suite, param }: Part): Promise<Report> {
  // What a bare Worker says first is the floor for all that start several.
  const count = suite === "start" && name === "bare Worker" ? 1 : param;
  const words = command.map((word) => word.replace("{suite}", suite).replace("{param}", `${count}`));
  return reportOf<Report>(words, LIMIT_MS);
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);
const EXPECTED: Record<string, number> = {
  add: check(numbers(TINY).map((i) => ADD_ARGS(i)[0] + ADD_ARGS(i)[1])),
  weigh: check(numbers(TINY).map((i) => weigh(WEIGH_ARGS(i)[0] as Parameters<typeof weigh>[0]))),
  sum: check(numbers(SUMS).map((i) => sum(i + 1, SUM_LENGTH))),
  short: check(numbers(MANY_SUMS).map((i) => sum(i + 1, SHORT_LENGTH))),
  one: 3,
};

function wrong({ checks }: Report): string | undefined {
  for (const [task, value] of Object.entries(checks)) if (value !== EXPECTED[task]) return `wrong results of "${task}"`;
  return undefined;
}

if (!options.source) await setUp();
const installed = installRivals();
const everyone = contenders(installed);
/** By suite, then measure, then contender: the figure of each round. */
const rounds: Record<string, Record<string, Record<string, number[]>>> = {};
/** By suite and contender: what went wrong, once for each time. One that has used up its time is not tried again. */
const failures = new Map<string, string[]>();
const tooSlow = new Set<string>();
const suites = Object.entries(SUITES).filter(([name]) => options.only.split(",").includes(name));

for (let round = 0; round < Number(options.rounds); round++) {
  for (const [suite, parts] of suites) {
    for (const one of parts) {
      const able = everyone.filter(({ suites: can }) => can.includes(one.suite));
      // Another one begins each time, and every other time they go backwards.
      const begin = (round * 3) % able.length;
      const rotated = [...able.slice(begin), ...able.slice(0, begin)];
      for (const contender of round % 2 === 0 ? rotated : rotated.toReversed()) {
        const key = `${suite} ${contender.name}`;
        if (contender.missing || tooSlow.has(`${one.suite} ${contender.name}`)) continue;
        process.stderr.write(`round ${round + 1}, ${one.suite}: ${contender.name}\n`);
        try {
          const report = await run(contender, one);
          const mistake = wrong(report);
          if (mistake) throw new Error(mistake);
          for (const [measure, value] of Object.entries(report.figures))
            (((rounds[suite] ??= {})[measure] ??= {})[contender.name] ??= []).push(value);
        } catch (error) {
          const { message } = error as Error;
          if (error instanceof TooSlow) tooSlow.add(`${one.suite} ${contender.name}`);
          failures.set(key, [...(failures.get(key) ?? []), message]);
          process.stderr.write(`  failed: ${message}\n`);
        }
      }
    }
  }
}

// How much faster more threads are than one: round by round, unless one has failed.
const gain = (one: number[], more: number[]): number[] =>
  one.length === more.length
    ? more.map((ms, i) => one[i]! / ms)
    : one.length > 0
      ? [quantile(one, 0.5) / quantile(more, 0.5)]
      : [];
for (const suite of ["sum", "scaling"]) {
  const { "1 thread, ms": alone = {}, ...others } = rounds[suite] ?? {};
  for (const [measure, byName] of Object.entries(others))
    rounds[suite]![`from 1 to ${measure.replace(", ms", "")}, times as fast`] = Object.fromEntries(
      Object.entries(byName).map(([name, more]) => [name, gain(alone[name] ?? [], more)]),
    );
}

const show = (value: number): string => (Number.isFinite(value) ? String(Number(value.toPrecision(3))) : "");

function table(suite: string): string {
  const lines = ["| | | median | middle half | ratio to Braid |", "| --- | --- | ---: | ---: | ---: |"];
  for (const [measure, byName] of Object.entries(rounds[suite] ?? {})) {
    const braid = quantile(byName["Braid"] ?? [], 0.5);
    let label = `**${measure}**`;
    for (const { name, suites: can, missing } of everyone) {
      const values = byName[name] ?? [];
      const middle = quantile(values, 0.5);
      const [reason, ...more] = missing ? ["not installed"] : (failures.get(`${suite} ${name}`) ?? []);
      // What failed is told once, beside the first measure.
      const isTold = reason !== undefined && measure === Object.keys(rounds[suite]!)[0];
      if (values.length === 0 && !(isTold && SUITES[suite]!.some((one) => can.includes(one.suite)))) continue;
      const failed = missing ? "not installed" : `failed ${more.length + 1} ×: ${reason}`;
      const cells =
        values.length === 0
          ? [failed, "", ""]
          : [show(middle), `${show(quantile(values, 0.25))} – ${show(quantile(values, 0.75))}`, show(middle / braid)];
      if (values.length > 0 && isTold) cells[1] += ` (${failed})`;
      lines.push(`| ${label} | ${name} | ${cells.join(" | ")} |`);
      label = "";
    }
  }
  return lines.join("\n");
}

const versions = [...installed].map(([name, version]) => `${name} ${version ?? "not installed"}`).join(", ");
console.log(
  `Node ${process.version.slice(1)}, ${os.availableParallelism()} cores (${os.cpus()[0]?.model ?? "?"}), median of ` +
    `${options.rounds} rounds; Braid ${options.source ? "from source" : "as built"}, ${versions}.`,
);
for (const [suite] of suites) console.log(`\n### ${suite}\n\n${table(suite)}`);
if (options.json) {
  const all = { node: process.version, rounds, failures: Object.fromEntries(failures) };
  fs.writeFileSync(options.json, JSON.stringify(all, undefined, 2) + "\n");
}
