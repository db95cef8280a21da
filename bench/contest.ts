// Contenders side by side: each round takes every figure once, one after the other in changing order, each time in a process
// of its own, whose last line is a Report. A table has the median of the rounds, its 95 % interval (below six rounds: the
// smallest and the largest) and its ratio to the first contender's. What can't be had here is "not installed".
//
//   --rounds 7     how often                      --only text    only where the measure has this in its name
//   --size 1       this times as much work        --source       Braid as it stands in lib/, not as it is built
//   --json file    every figure of every round    --docs         put the tables into docs/sync-figures.md

import fs from "node:fs";
import os from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { median, medianInterval } from "../lib/bench/statistics.ts";
import { setUp } from "../scripts/set-up/steps.ts";
import { reportOf, TooSlow } from "./report-of.ts";

const LIMIT_MS = 90_000;
const DOCS = new URL("../docs/sync-figures.md", import.meta.url);
const INTRODUCTION = `# Locks and channels side by side

What \`bench/sync\` and \`bench/channels\` measure on one machine. Each figure is taken in a process of its own, in changing
order, warmed up first; what comes out is checked. To measure again, on a machine that does nothing else:

\`\`\`sh
npm run bench sync -- --docs
npm run bench channels -- --docs
\`\`\`
`;

export interface Report {
  figure: number;
  /** What else is to be told beside it. */
  note?: string;
}

export interface Contender {
  name: string;
  /** Undefined: it is not installed. */
  command: readonly string[] | undefined;
}

export interface Measure {
  name: string;
  contenders: readonly Contender[];
}

interface Contest {
  /** The section of docs/sync-figures.md. */
  title: string;
  about: string;
  /** `node` makes the command that runs a file of Braid's side; `count` is so much work, times --size. */
  measures(make: { node(file: URL, ...args: string[]): string[]; count(full: number): string }): Measure[];
  /** Beside Braid's: "name version". */
  versions: readonly string[];
}

export async function contest({ title, about, measures, versions }: Contest): Promise<void> {
  const { values: options } = parseArgs({
    options: {
      rounds: { type: "string", default: "7" },
      only: { type: "string", default: "" },
      size: { type: "string", default: "1" },
      json: { type: "string" },
      source: { type: "boolean", default: false },
      docs: { type: "boolean", default: false },
    },
  });
  if (!options.source) await setUp();
  const flags = ["--disable-warning=ExperimentalWarning", ...(options.source ? ["--conditions=braid-source"] : [])];
  const wanted = measures({
    node: (file, ...args) => [process.execPath, ...flags, fileURLToPath(file), ...args],
    // To be shared by two.
    count: (full) => String(Math.max(10, Math.round((full * Number(options.size)) / 2)) * 2),
  }).filter(({ name }) => name.includes(options.only));

  /** By measure, then contender: the reports of the rounds. */
  const reports: Record<string, Record<string, Report[]>> = {};
  const failures: Record<string, Record<string, string[]>> = {};
  const tooSlow = new Set<Contender>();
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const { name: measure, contenders } of wanted) {
      const begin = (round * 3) % contenders.length;
      const rotated = [...contenders.slice(begin), ...contenders.slice(0, begin)];
      for (const one of round % 2 === 0 ? rotated : rotated.toReversed()) {
        if (!one.command || tooSlow.has(one)) continue;
        process.stderr.write(`round ${round + 1}, ${measure}: ${one.name}\n`);
        try {
          const report = await reportOf<Report>(one.command, LIMIT_MS);
          ((reports[measure] ??= {})[one.name] ??= []).push(report);
        } catch (error) {
          if (error instanceof TooSlow) tooSlow.add(one);
          ((failures[measure] ??= {})[one.name] ??= []).push((error as Error).message);
          process.stderr.write(`  failed: ${(error as Error).message}\n`);
        }
      }
    }
  }

  const lines = ["| | | median | 95 % interval | ratio | |", "| --- | --- | ---: | ---: | ---: | --- |"];
  for (const { name: measure, contenders } of wanted) {
    let label = `**${measure}**`;
    const first = reports[measure]?.[contenders[0]!.name]?.map(({ figure }) => figure) ?? [];
    for (const { name, command } of contenders) {
      const all = reports[measure]?.[name] ?? [];
      const failed = failures[measure]?.[name] ?? [];
      const told = [
        all.at(-1)?.note,
        failed.length > 0 && `failed ${failed.length} ×: ${failed[0]}`,
        !command && "not installed",
      ];
      const figures = all.map(({ figure }) => figure);
      const { low, high } = medianInterval(figures);
      const cells =
        figures.length > 0
          ? [
              show(median(figures)),
              `${show(low)} – ${show(high)}`,
              first.length > 0 ? show(median(figures) / median(first)) : "",
            ]
          : ["", "", ""];
      lines.push(`| ${label} | ${name} | ${cells.join(" | ")} | ${told.filter(Boolean).join("; ")} |`);
      label = "";
    }
  }
  const facts =
    `Node ${process.version.slice(1)}, ${os.availableParallelism()} cores (${os.cpus()[0]?.model ?? "?"}), ` +
    `${options.rounds} rounds${options.size === "1" ? "" : `, ${options.size} of the work`}; Braid ` +
    `${options.source ? "from source" : "as built"}; ${versions.join(", ")}.`;
  const section = `## ${title}\n\n${about}\n\n${facts}\n\n${lines.join("\n")}\n`;
  console.log(section);
  if (options.docs) await intoDocs(title, section);
  if (options.json) fs.writeFileSync(options.json, JSON.stringify({ facts, reports, failures }, undefined, 2) + "\n");
}

const show = (value: number): string => (Number.isFinite(value) ? String(Number(value.toPrecision(3))) : "");

/** In place of the section that was there. */
async function intoDocs(title: string, section: string): Promise<void> {
  const { format, resolveConfig } = await import("prettier");
  const old = fs.existsSync(DOCS) ? fs.readFileSync(DOCS, "utf8") : INTRODUCTION;
  const [introduction = "", ...sections] = old.split(/^(?=## )/m);
  const others = sections.filter((one) => !one.startsWith(`## ${title}\n`));
  const text = [introduction.trimEnd(), ...[...others, section].sort().map((one) => one.trimEnd())].join("\n\n");
  const file = fileURLToPath(DOCS);
  fs.writeFileSync(file, await format(text, { ...(await resolveConfig(file)), filepath: file }));
}
