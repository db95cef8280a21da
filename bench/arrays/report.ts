// The figures as Markdown, and the growth of the cost with n as a picture.

import { type Figure, plot } from "braid";
import { median, medianInterval } from "../../lib/bench/statistics.ts";
import { markdownTable } from "../../lib/bench/table.ts";
import { WORKLOADS } from "./workloads.ts";

/** By contender: the median time of each pass, ms; NaN where it failed. */
export type Passes = Record<string, number[]>;

export interface Line {
  workload: string;
  n: number;
  passes: Passes;
  /** By contender: what went wrong, once for each time. */
  failures: Record<string, string[]>;
}

export interface Results {
  facts: string;
  threads: number;
  passes: number;
  notInstalled: string[];
  /** By suite. */
  lines: Record<string, Line[]>;
}

export const OURS = ["Braid", "Braid, awaited", "Braid, no SIMD"];
const RAYON = ["rayon", "rayon, native"];
const show = (value: number): string => String(Number(value.toPrecision(3)));
const power = (n: number): string => {
  const exponent = Math.log10(n);
  const digits = String(exponent).replace(/\d/g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)]!);
  return Number.isInteger(exponent) ? `10${digits}` : n.toLocaleString("en-US");
};

function withInterval(values: readonly number[]): string {
  const { low, high } = medianInterval(values);
  return `${show(median(values))} (${show(low)} – ${show(high)})`;
}

function cell({ passes, failures }: Line, name: string, { notInstalled }: Results): string {
  if (name in passes && notInstalled.includes(name)) return "not installed";
  const [reason, ...more] = failures[name] ?? [];
  const values = passes[name]?.filter(Number.isFinite) ?? [];
  const failed = reason === undefined ? "" : `failed ${more.length + 1} ×: ${reason}`;
  return values.length === 0 ? failed : withInterval(values) + (failed && `; ${failed}`);
}

/** Of each pass, Braid's time as a part of the better rayon's. */
function ratios({ passes }: Line): number[] {
  return (passes["Braid"] ?? [])
    .map((ms, pass) => ms / Math.min(...RAYON.map((name) => passes[name]?.[pass] ?? NaN).filter(Number.isFinite)))
    .filter((ratio) => ratio > 0);
}

function table(lines: readonly Line[], results: Results): string {
  const columns = [...new Set(lines.flatMap(({ passes }) => Object.keys(passes)))];
  const rows = lines.map((line) => {
    const cells = columns.map((name) => cell(line, name, results));
    const found = ratios(line);
    return [
      `${WORKLOADS[line.workload]!.title}, ${power(line.n)}`,
      ...cells,
      found.length > 0 ? withInterval(found) : "",
    ];
  });
  return markdownTable(["ms", ...columns, "Braid / better rayon"], rows);
}

/** GB/s by the bytes that a workload must move at least. */
function bandwidth(lines: readonly Line[], results: Results): string {
  const faster = lines.map((line) => {
    const bytes = WORKLOADS[line.workload]!.bytes * line.n;
    const rate = (ms: number): number => bytes / ms / 1e6;
    return {
      ...line,
      passes: Object.fromEntries(Object.entries(line.passes).map(([name, ms]) => [name, ms.map(rate)])),
    };
  });
  const names = [...new Set(faster.flatMap(({ passes }) => Object.keys(passes)))];
  const rows = faster.map((line) => [
    WORKLOADS[line.workload]!.title,
    ...names.map((name) => cell(line, name, results)),
  ]);
  return markdownTable(["GB/s", ...names], rows);
}

const medianOf = ({ passes }: Line, name: string): number => median((passes[name] ?? []).filter(Number.isFinite));

/** The first n from which on `name` is always faster than the plain loop. */
export function paysFrom(lines: readonly Line[], name: string): number | undefined {
  const slower = lines.findLastIndex((line) => !(medianOf(line, name) < medianOf(line, "plain loop")));
  return lines[slower + 1]?.n;
}

export function growthFigure(lines: readonly Line[]): Figure {
  const names = Object.keys(lines[0]?.passes ?? {});
  const series = names.map((name) => {
    const points = lines
      .filter(({ passes }) => passes[name]?.some(Number.isFinite))
      .map(({ n, passes }) => {
        const perElement = passes[name]!.filter(Number.isFinite).map((ms) => (ms * 1e6) / n);
        return { x: n, y: median(perElement), ...medianInterval(perElement) };
      });
    return [name, points] as const;
  });
  return plot.line(Object.fromEntries(series.filter(([, points]) => points.length > 0)), {
    title: "map x·2 + 1, sum: cost of an element",
    xTitle: "elements",
    yTitle: "ns for each element",
    logX: true,
    logY: true,
    marks: OURS.flatMap((line) => {
      const at = paysFrom(lines, line);
      return at === undefined ? [] : [{ at, text: `pays from ${power(at)}`, line }];
    }),
  });
}

function growth(lines: readonly Line[], results: Results): string {
  const told = OURS.map((name) => {
    const n = paysFrom(lines, name);
    return `- ${name}: ${n === undefined ? "nowhere" : `from ${power(n)} elements on`}`;
  });
  return `Faster than the plain loop:\n\n${told.join("\n")}\n\n${table(lines, results)}`;
}

const TITLES: Record<string, [title: string, text: (lines: readonly Line[], results: Results) => string]> = {
  elements: ["A million elements", table],
  sort: ["Sorting", table],
  bandwidth: ["Against the memory", (lines, results) => `${bandwidth(lines, results)}\n\n${table(lines, results)}`],
  growth: ["From a thousand elements up", growth],
};

/** @param picture where the picture of the growth is, as seen from the text */
export function report(results: Results, picture?: string): string {
  const parts = Object.entries(results.lines).map(([suite, lines]) => {
    const [title, text] = TITLES[suite]!;
    const image = suite === "growth" && picture ? `![Cost of an element as n grows](${picture})\n\n` : "";
    return `## ${title}\n\n${image}${text(lines, results)}\n`;
  });
  return `# Parallel arrays side by side

What \`bench/arrays\` measured on one machine (${results.facts}). ${results.threads} threads each, not pinned; the plain loop,
\`.map().reduce()\`, \`TypedArray.sort\` and NumPy have one. In each pass, of ${results.passes}, every contender ran once with
every workload, in a process of its own, in changing order, warmed up first; a pass gives the median of its runs. All passes
count: shown are their median and its 95 % interval (smallest to largest, with fewer than six passes). The results of all
are compared.

To measure again, and write this file:

\`\`\`sh
npm run bench arrays -- --passes ${results.passes} --write
\`\`\`

- **Braid**: \`par\` and \`parSort\` over \`shared\` arrays, by the twins that block (\`sumSync\`, \`intoSync\`, \`parSortSync\`);
  **awaited**: by those that don't; **no SIMD**: with \`simd: false\`.
- **rayon**: the best of an iterator, and of pieces in loops that the compiler makes vectors of (sums: eight side by side);
  sorts: the best of \`par_sort_unstable_by\` and \`par_sort_by\`, stable ones by the latter. **native** is compiled with
  \`target-cpu=native\`. Inputs and outputs are opaque to the compiler, so that no loop is folded.
- **Go**: a goroutine for each thread with a part each; sorts: parts by \`slices.Sort\`, then merged.

${parts.join("\n")}`;
}
