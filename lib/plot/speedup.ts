// plot.speedup: how much faster more threads are, beside what this machine could give at best.

import { availableParallelism } from "node:os";
import { Figure } from "./figure.ts";
import type { Trace } from "./figure.ts";
import { checkArray, checkNumber, checkOptions, isRecord, say } from "./input.ts";
import type { LinePoint } from "./line.ts";
import { intervals } from "./line.ts";
import type { FigureOptions } from "./style.ts";
import { colour, layoutOf, markLayout, markup, NEUTRAL, short } from "./style.ts";

/** A row of `speedup()`: times in ms, `speedup` against the row with the fewest threads. */
export interface SpeedupRow {
  threads: number;
  speedup: number;
  medianMs?: number;
  lowMs?: number;
  highMs?: number;
  runs?: number;
}

export interface SpeedupOptions extends FigureOptions {
  /** Cores of the machine that was measured. Default: `os.availableParallelism()`. */
  cores?: number;
  /** Draws Amdahl's law for this serial part, 0 to 1. */
  amdahl?: { serial: number };
  /** Figures from elsewhere, `{ threads: speedup }`, drawn hollow. */
  claimed?: Record<number, number>;
  /** What the hollow figures are called. Default: "the document". */
  claimedName?: string;
}

/**
 * Draws speedup over threads: measured with its 95 % interval, the ideal line up to this machine's cores, and on wish
 * Amdahl's law and figures claimed elsewhere.
 *
 * Waits: never. Units: threads across, times as fast as the row with the fewest threads upwards; the interval is that
 * of the row's median time. Several series: a record of rows by name.
 * Throws: TypeError on what is no row, RangeError on none.
 * Gotcha: beyond the number of cores there is no ideal line, because more threads can't be faster there.
 * @example
 * const result = await speedup((threads) => work(threads), { threads: [1, 2, 4] });
 * plot.speedup(result.rows, { amdahl: result.amdahl });
 */
export function speedup(
  rows: readonly SpeedupRow[] | Record<string, readonly SpeedupRow[]>,
  options: SpeedupOptions = {},
): Figure {
  checkOptions("plot.speedup", options);
  const series: [string, readonly SpeedupRow[]][] = Array.isArray(rows)
    ? [["measured", rows as readonly SpeedupRow[]]]
    : isRecord(rows)
      ? (Object.entries(rows) as [string, SpeedupRow[]][])
      : [];
  if (series.length === 0) throw new TypeError(`plot.speedup needs the rows of speedup(); got ${say(rows)}.`);
  const measured = series.map(([name, of]) => ({ name, points: toPoints(name, of) }));
  const cores = Math.max(1, Math.floor(checkNumber("plot.speedup: cores", options.cores ?? availableParallelism())));
  const claimed = Object.entries(options.claimed ?? {}).map(([threads, value]) => ({
    x: checkNumber(`plot.speedup: claimed threads ${JSON.stringify(threads)}`, Number(threads)),
    y: checkNumber(`plot.speedup: claimed[${threads}]`, value),
  }));
  const everyX = [...measured.flatMap(({ points }) => points.map((point) => point.x)), ...claimed.map(({ x }) => x)];
  const most = Math.max(...everyX);
  const coreWord = cores === 1 ? "1 core" : `${cores} cores`;

  const data: Trace[] = [guide(`ideal (${coreWord})`, range(1, Math.min(cores, Math.max(most, 1))), (p) => p, "dash")];
  if (options.amdahl !== undefined) {
    const serial = checkNumber("plot.speedup: amdahl.serial", options.amdahl.serial);
    const name = `Amdahl, ${short(serial * 100)} % serial`;
    data.push(guide(name, range(1, Math.min(cores, Math.max(most, 1))), (p) => 1 / (serial + (1 - serial) / p), "dot"));
  }
  measured.forEach(({ name, points }, index) => {
    data.push({
      type: "scatter",
      mode: "lines+markers",
      name: markup(name),
      x: points.map((point) => point.x),
      y: points.map((point) => point.y),
      hovertext: points.map((point) => point.text),
      hoverinfo: "text",
      line: { color: colour(index), width: 2.5 },
      marker: { color: colour(index), size: 8 },
      ...intervals(points, colour(index)),
    });
  });
  if (claimed.length > 0) {
    const color = colour(3);
    data.push({
      type: "scatter",
      mode: "markers",
      name: markup(options.claimedName ?? "the document"),
      x: claimed.map(({ x }) => x),
      y: claimed.map(({ y }) => y),
      marker: { symbol: "circle-open", size: 11, color, line: { color, width: 2 } },
    });
  }
  const title = options.title ?? `Speedup on ${coreWord}`;
  const ticks = [...new Set([1, ...everyX])].sort((a, b) => a - b);
  const beyond = most > cores;
  return new Figure({
    data,
    layout: layoutOf({
      ...options,
      title: options.title === undefined || /\bcores?\b/.test(title) ? title : `${title} (${coreWord})`,
      xTitle: options.xTitle ?? "threads",
      yTitle: options.yTitle ?? "times as fast",
      legend: true,
      xaxis: ticks.length <= 12 ? { tickvals: ticks, ticktext: ticks.map(String) } : {},
      yaxis: { rangemode: "tozero" },
      rest: beyond ? markLayout([{ at: cores, text: coreWord }]) : {},
    }),
    description: `${title}: ${measured
      .map(({ name, points }) => `${name} ${points.map((p) => `${count(p.x)} ${short(p.y)}×`).join(", ")}`)
      .join("; ")}`,
  });
}

function toPoints(name: string, rows: unknown): (LinePoint & { text: string })[] {
  const where = name === "measured" ? "plot.speedup" : `plot.speedup: ${JSON.stringify(name)}`;
  return checkArray<SpeedupRow>(where, rows, "rows { threads, speedup }")
    .map((row, index) => {
      const x = checkNumber(`${where}: threads of row ${index}`, row.threads);
      const y = checkNumber(`${where}: speedup of row ${index}`, row.speedup);
      const { medianMs, lowMs, highMs, runs } = row;
      let text = `${count(x)}: ${short(y)} times as fast`;
      if (medianMs === undefined) return { x, y, text };
      text += `<br>median ${short(medianMs)} ms`;
      if (lowMs === undefined || highMs === undefined || !(lowMs > 0)) return { x, y, text };
      text += `, 95 % interval ${short(lowMs)} to ${short(highMs)}${runs === undefined ? "" : ` (${runs} runs)`}`;
      const base = y * medianMs;
      return { x, y, low: base / highMs, high: base / lowMs, text };
    })
    .sort((a, b) => a.x - b.x);
}

function count(threads: number): string {
  return threads === 1 ? "1 thread" : `${threads} threads`;
}

function guide(name: string, xs: number[], f: (threads: number) => number, dash: string): Trace {
  return {
    type: "scatter",
    mode: xs.length === 1 ? "markers" : "lines",
    name,
    x: xs,
    y: xs.map(f),
    hoverinfo: "skip",
    line: { color: NEUTRAL, width: 1.5, dash },
    marker: { color: NEUTRAL, size: 6 },
  };
}

/** Enough points from a to b for a smooth curve, both ends exact. */
function range(a: number, b: number): number[] {
  if (b <= a) return [a];
  return Array.from({ length: 33 }, (_, i) => (i === 32 ? b : a + ((b - a) * i) / 32));
}
