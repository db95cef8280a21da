// Parallel arrays side by side: `npm run bench arrays`. In each pass every contender runs with every workload, one after the
// other, in changing order, each time in a process of its own. Braid is taken as it is built (it is built first), with
// --source as it stands in lib/. What is measured beside it is built on first use; what can't be is "not installed".
//
//   --passes 5        how often                       --only elements,sort,bandwidth,growth   some of the suites
//   --threads 2       of each                         --scale 0.001   all sizes by this factor, to try it out
//   --measure-ms 400  of each contender in a pass     --json file     every figure of every pass
//   --source          --write  docs/arrays-figures.md and docs/arrays-growth.svg

import fs from "node:fs";
import os from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import prettier from "prettier";
import { setUp } from "../../scripts/set-up/steps.ts";
import { median } from "../../lib/bench/statistics.ts";
import { reportOf } from "../report-of.ts";
import type { Report } from "./child.ts";
import { ABLE, CONTENDERS } from "./contenders.ts";
import { growthFigure, type Line, OURS, report, type Results } from "./report.ts";
import { peers } from "./set-up.ts";
import { COLUMNS, WORKLOADS } from "./workloads.ts";

const LIMIT_MS = 180_000;
const CHILD = fileURLToPath(new URL("./child.ts", import.meta.url));
const DOCS = new URL("../../docs/", import.meta.url);
const FIGURES = new URL("arrays-figures.md", DOCS);
const PICTURE = "arrays-growth.svg";

const { values: options } = parseArgs({
  options: {
    passes: { type: "string", default: "5" },
    only: { type: "string", default: "elements,sort,bandwidth,growth" },
    threads: { type: "string", default: "2" },
    scale: { type: "string", default: "1" },
    "measure-ms": { type: "string", default: "400" },
    json: { type: "string" },
    source: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});
const [passes, threads] = [Number(options.passes), Number(options.threads)];

const SORTS = Object.keys(WORKLOADS).filter((name) => name.startsWith("sort-"));
const ELEMENTS = ["map-sum", "squares", "sqrt", "saxpy64", "saxpy32", "conditional", "rows", "mandelbrot"];
const SIZES = [1e3, 3e3, 1e4, 3e4, 1e5, 3e5, 1e6, 3e6, 1e7, 3e7, 1e8];

interface Suite {
  lines: (readonly [workload: string, n: number])[];
  /** Who takes part, of those who can. */
  without?: readonly string[];
}

const SUITES: Record<string, Suite> = {
  elements: { lines: ELEMENTS.map((workload) => [workload, 1e6] as const) },
  sort: {
    lines: [
      ...[...SORTS, "comparator", "stable"].map((workload) => [workload, 1e6] as const),
      ...SORTS.map((workload) => [workload, 1e7] as const),
    ],
  },
  bandwidth: {
    lines: ["squares", "sqrt", "saxpy64", "copy"].map((workload) => [workload, 1e8] as const),
    without: [".map().reduce()", "Braid, awaited"],
  },
  growth: {
    lines: SIZES.map((n) => ["map-sum", n] as const),
    without: ["rayon", "rayon, native", "Go", "NumPy", ".map().reduce()"],
  },
};

/** Those of other languages: Go and NumPy have no copy of their own, and Python takes too long to make ten million numbers. */
function peerIsAble(name: string, workload: string, n: number): boolean {
  if (name.startsWith("rayon")) return true;
  if (workload === "copy") return false;
  return name !== "NumPy" || (!(n > 1e6 && workload.startsWith("sort")) && !/^(stable|comparator)$/.test(workload));
}

if (!options.source) await setUp();
const beside = peers();
const flags = ["--disable-warning=ExperimentalWarning"];
if (options.source) flags.push("--conditions=braid-source");

function commandOf(name: string): string[] | undefined {
  if (name in CONTENDERS) return [process.execPath, ...flags, CHILD];
  return beside.find((peer) => peer.name === name)?.command;
}

function run(name: string, workload: string, n: number, measureMs: number): Promise<Report> {
  const words = name in CONTENDERS ? [workload, name] : [workload];
  return reportOf<Report>([...commandOf(name)!, ...words, `${n}`, `${threads}`, `${measureMs}`], LIMIT_MS);
}

function mistake(workload: string, { checks }: Report, wanted: readonly number[] | undefined): string | undefined {
  const { tolerance } = WORKLOADS[workload]!;
  const isRight = (value: number, i: number): boolean =>
    Math.abs(value - checks[i]!) <= tolerance * Math.max(1, Math.abs(value));
  return wanted === undefined || wanted.every(isRight) ? undefined : `wrong results: ${checks.join()}`;
}

const scaled = (n: number): number => Math.max(1, Math.round((n * Number(options.scale)) / COLUMNS)) * COLUMNS;
const only = options.only.split(",");
const lines: Results["lines"] = {};
/** By workload and n: what all must come to. */
const expected = new Map<string, readonly number[]>();
for (const [suite, { lines: all }] of Object.entries(SUITES).filter(([name]) => only.includes(name))) {
  const sizes = new Map(all.map(([workload, n]) => [`${workload} ${scaled(n)}`, [workload, scaled(n)] as const]));
  lines[suite] = [...sizes.values()].map(([workload, n]): Line => ({ workload, n, passes: {}, failures: {} }));
  for (const [key, [workload, n]] of sizes) {
    const simplest = Object.keys(CONTENDERS).find((name) => !OURS.includes(name) && ABLE[name]!.test(workload));
    if (simplest) expected.set(key, (await run(simplest, workload, n, 0)).checks);
  }
}

for (let pass = 0; pass < passes; pass++) {
  for (const [suite, all] of Object.entries(lines)) {
    for (const { workload, n, passes: figures, failures } of all) {
      const invited = [
        ...Object.keys(CONTENDERS).filter((name) => ABLE[name]!.test(workload)),
        ...beside.filter(({ name }) => peerIsAble(name, workload, n)).map(({ name }) => name),
      ].filter((name) => !SUITES[suite]!.without?.includes(name));
      // In the order of the columns, whoever begins.
      for (const name of invited) figures[name] ??= [];
      const able = invited.filter(commandOf);
      // Another one begins each time, and every other time they go backwards.
      const begin = (pass * 3) % able.length;
      const rotated = [...able.slice(begin), ...able.slice(0, begin)];
      for (const name of pass % 2 === 0 ? rotated : rotated.toReversed()) {
        process.stderr.write(`pass ${pass + 1}, ${workload} ${n}: ${name}\n`);
        try {
          const found = await run(name, workload, n, Number(options["measure-ms"]));
          const wrong = mistake(workload, found, expected.get(`${workload} ${n}`));
          if (wrong) throw new Error(wrong);
          figures[name]!.push(median(found.ms));
        } catch (error) {
          figures[name]!.push(NaN);
          (failures[name] ??= []).push((error as Error).message);
          process.stderr.write(`  failed: ${(error as Error).message}\n`);
        }
      }
    }
  }
}

const facts = [
  `${os.availableParallelism()} cores, ${os.cpus()[0]?.model.trim() ?? "?"}, ${os.platform()} ${os.arch()}`,
  `Node ${process.versions.node}`,
  ...new Set(beside.map(({ name, version, command }) => (command ? version! : `${name} not installed`))),
  `Braid ${options.source ? "from source" : "as built"}`,
].join("; ");
const notInstalled = beside.filter(({ command }) => !command).map(({ name }) => name);
const results: Results = { facts, threads, passes, notInstalled, lines };
const growth = lines["growth"];
const text = report(results, growth && PICTURE);
if (options.json) fs.writeFileSync(options.json, JSON.stringify(results, undefined, 2) + "\n");
if (options.write) {
  const style = (await prettier.resolveConfig(FIGURES)) ?? {};
  fs.writeFileSync(FIGURES, await prettier.format(text, { ...style, parser: "markdown" }));
  if (growth) fs.writeFileSync(new URL(PICTURE, DOCS), growthFigure(growth).toSVG());
} else console.log(text);
