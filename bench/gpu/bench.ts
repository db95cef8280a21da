// Kernels side by side: `npm run bench gpu`. Each round measures every contender with every workload, one after the other, in
// changing order, each time in a process of its own; the table shows the median of the rounds. Braid is taken as it is
// built (it is built first), with --source as it stands in lib/. WebGPU is measured where there is a GPU; one that is
// software only with --software, and then it is called so. Results of all are compared with the plain loop's.
//
//   --rounds 3        how often                       --only matmul,heat    workloads whose name begins so
//   --json file       every figure of every round     --source  --software

import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { gpuBackends } from "braid";
import { setUp } from "../../scripts/set-up/steps.ts";
import { reportOf } from "../report-of.ts";
import { CONTENDERS, quantile, type Report, sampleOf } from "./child.ts";
import { WORKLOADS } from "./workloads.ts";

const LIMIT_MS = 180_000;
const TOLERANCE = 1e-5;
const CHILD = fileURLToPath(new URL("./child.ts", import.meta.url));

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    only: { type: "string", default: "" },
    json: { type: "string" },
    source: { type: "boolean", default: false },
    software: { type: "boolean", default: false },
  },
});

function run(workload: string, contender: string): Promise<Report> {
  const flags = ["--disable-warning=ExperimentalWarning", "--expose-gc"];
  if (options.source) flags.push("--conditions=braid-source");
  return reportOf<Report>([process.execPath, ...flags, CHILD, workload, contender], LIMIT_MS);
}

/** By workload: the share of the elements that may differ, and those of the plain loop. */
async function expected(workload: string): Promise<{ share: number; sample: number[] }> {
  const { plain, differing } = WORKLOADS[workload]!();
  return { share: differing, sample: sampleOf(await plain()()) };
}

function mistake({ sample }: Report, wanted: { share: number; sample: number[] }): string | undefined {
  const largest = Math.max(...wanted.sample.map(Math.abs));
  const wrong = wanted.sample.filter((one, i) => !(Math.abs(one - sample[i]!) <= TOLERANCE * largest)).length;
  if (sample.length === wanted.sample.length && wrong <= wanted.share * wanted.sample.length) return undefined;
  return `wrong results: ${wrong} of ${wanted.sample.length} elements differ`;
}

if (!options.source) await setUp();
const [webgpu] = await gpuBackends();
const hasWebGpu = webgpu!.available && (webgpu!.hardware || options.software);
const absent = webgpu!.available ? "a software adapter, no GPU" : webgpu!.why;
const named = (contender: string): string =>
  CONTENDERS[contender]!.needs === "webgpu" && hasWebGpu && !webgpu!.hardware ? `${contender} in software` : contender;

const workloads = Object.keys(WORKLOADS).filter((name) => options.only.split(",").some((one) => name.startsWith(one)));
/** By workload, then measure, then contender: the figure of each round. */
const rounds: Record<string, Record<string, Record<string, number[]>>> = {};
const failures: Record<string, Record<string, string>> = {};
const results = new Map<string, Awaited<ReturnType<typeof expected>>>();
for (const workload of workloads) results.set(workload, await expected(workload));

const able = Object.keys(CONTENDERS).filter((name) => CONTENDERS[name]!.needs === undefined || hasWebGpu);
for (let round = 0; round < Number(options.rounds); round++) {
  for (const workload of workloads) {
    // Another one begins each time, and every other time they go backwards.
    const begin = (round * 3) % able.length;
    const rotated = [...able.slice(begin), ...able.slice(0, begin)];
    for (const contender of round % 2 === 0 ? rotated : rotated.toReversed()) {
      process.stderr.write(`round ${round + 1}, ${workload}: ${named(contender)}\n`);
      try {
        const report = await run(workload, contender);
        const wrong = mistake(report, results.get(workload)!);
        if (wrong) throw new Error(wrong);
        for (const [measure, value] of Object.entries(report.figures))
          (((rounds[workload] ??= {})[measure] ??= {})[named(contender)] ??= []).push(value);
      } catch (error) {
        (failures[workload] ??= {})[named(contender)] = (error as Error).message;
        process.stderr.write(`  failed: ${(error as Error).message}\n`);
      }
    }
  }
}

const show = (value: number): string => (Number.isFinite(value) ? String(Number(value.toPrecision(3))) : "");

function table(workload: string): string {
  const { "first, ms": first = {}, "then, ms": then = {} } = rounds[workload] ?? {};
  const plain = quantile(then["plain loop"] ?? [], 0.5);
  const lines = [
    "| | first, ms | then, ms | middle half | times as fast as the plain loop |",
    "| --- | ---: | ---: | ---: | ---: |",
  ];
  for (const contender of Object.keys(CONTENDERS)) {
    const name = named(contender);
    const values = then[name] ?? [];
    const middle = quantile(values, 0.5);
    const why = able.includes(contender) ? failures[workload]?.[name] : `not measured: ${absent}`;
    const cells = [show(quantile(first[name] ?? [], 0.5)), show(middle), "", show(plain / middle)];
    if (values.length > 0) cells[2] = `${show(quantile(values, 0.25))} – ${show(quantile(values, 0.75))}`;
    if (why !== undefined) cells[2] += ` ${why}`;
    lines.push(`| ${name} | ${cells.join(" | ")} |`);
  }
  return lines.join("\n");
}

/** What gpu() costs beside gpu.js itself: the time with it, as a part of the time without, less one. */
function overhead(): string {
  const lines = ["| what gpu() adds to gpu.js | CPU | SIMD threads | WebGPU |", "| --- | ---: | ---: | ---: |"];
  for (const workload of workloads) {
    const cells = ["CPU", "SIMD threads", "WebGPU"].map((backend) => {
      const of = (who: string) => quantile(rounds[workload]?.["then, ms"]?.[named(`${who}, ${backend}`)] ?? [], 0.5);
      const added = of("Braid") / of("gpu.js") - 1;
      return Number.isFinite(added) ? `${(added * 100).toFixed(1)} %` : "";
    });
    lines.push(`| ${workload} | ${cells.join(" | ")} |`);
  }
  return lines.join("\n");
}

/** Only where NVIDIA's driver is; elsewhere the adapter's description has it. */
function driver(): string | undefined {
  const { stdout } = spawnSync("nvidia-smi", ["--query-gpu=name,driver_version", "--format=csv,noheader"], {
    encoding: "utf8",
  });
  return stdout?.trim().split("\n")[0] || undefined;
}

const machine = {
  node: process.version,
  cores: os.availableParallelism(),
  cpu: os.cpus()[0]?.model,
  gpu: webgpu!.available ? webgpu!.adapter : undefined,
  isHardware: webgpu!.hardware,
  driver: webgpu!.hardware ? driver() : undefined,
};
console.log(
  `Node ${machine.node.slice(1)}, ${machine.cores} cores (${machine.cpu ?? "?"}), WebGPU: ${webgpu!.why}` +
    `${machine.driver ? ` (${machine.driver})` : ""}; median of ${options.rounds} rounds; Braid ${options.source ? "from source" : "as built"}.`,
);
for (const workload of workloads) console.log(`\n### ${workload}\n\n${table(workload)}`);
console.log(`\n### overhead\n\n${overhead()}`);
if (options.json) fs.writeFileSync(options.json, JSON.stringify({ ...machine, rounds, failures }, undefined, 2) + "\n");
