// plot.bar: times or other numbers as bars, with their intervals, and figures claimed elsewhere hollow beside them.

import { Figure } from "./figure.ts";
import type { Trace } from "./figure.ts";
import { checkNumber, checkOptions, checkPositive, isRecord, say } from "./input.ts";
import type { FigureOptions } from "./style.ts";
import { colour, layoutOf, logAxis, markup, NEUTRAL, short } from "./style.ts";

/** A measured time, as `bench` gives it. */
export interface TimedRow {
  name: string;
  medianMs: number;
  lowMs?: number;
  highMs?: number;
  runs?: number;
}

/** Any other number; `low` and `high` are the ends of its interval. */
export interface ValueRow {
  name: string;
  value: number;
  low?: number;
  high?: number;
}

export type BarInput = readonly (TimedRow | ValueRow)[] | Readonly<Record<string, number>>;

export interface BarOptions extends FigureOptions {
  /** Samples are drawn in this unit of time (default: ms, or what suits very short and long ones); for other numbers, the axis' label. */
  unit?: string;
  log?: boolean;
  /** Figures from elsewhere, in the unit drawn, hollow beside the measured bar of the same name. */
  claimed?: Record<string, number>;
  /** What the hollow bars are called. Default: "the document". */
  claimedName?: string;
  /** What the solid bars are called. Default: "measured". */
  measuredName?: string;
  /** Bars from left to right. Default: for long names or many bars. */
  horizontal?: boolean;
}

interface Bar {
  name: string;
  value: number;
  low?: number | undefined;
  high?: number | undefined;
  runs?: number | undefined;
}

const PER_MS: Record<string, number> = { ns: 1e6, µs: 1e3, us: 1e3, ms: 1, s: 1e-3 };

/**
 * Draws one bar for each sample (its median, with the 95 % interval) or for each number of a record.
 *
 * Waits: never. Units: samples are drawn in ms unless `unit` says "ns", "µs" or "s"; other numbers as they are.
 * Throws: TypeError on what is no sample or number, RangeError on no bars or on 0 and less with `log`.
 * Gotcha: on a logarithmic axis a bar's length means nothing, only its end does.
 * @example
 * plot.bar([await bench("loop", loop), await bench("par", parallel)], { claimed: { loop: 850 } });
 * plot.bar({ plain: 225_542, atomic: 400_000 }, { title: "Counted of 400,000", unit: "increments" });
 */
export function bar(input: BarInput, options: BarOptions = {}): Figure {
  checkOptions("plot.bar", options);
  const { bars, unit } = readBars(input, options);
  const claimed = Object.entries(options.claimed ?? {}).map(([name, value]) => ({
    name,
    value: checkNumber(`plot.bar: claimed[${JSON.stringify(name)}]`, value),
  }));
  const names = [...new Set([...bars, ...claimed].map(({ name }) => name))];
  if (options.log === true)
    for (const { name, value } of [...bars, ...claimed]) checkPositive(`plot.bar: ${name}`, value);
  const horizontal = options.horizontal ?? (names.some((name) => name.length > 16) || names.length > 9);
  const suffix = unit === undefined ? "" : ` ${unit}`;

  const data = [solid(bars, options.measuredName ?? "measured", horizontal, suffix)];
  if (claimed.length > 0) data.push(hollow(claimed, options.claimedName ?? "the document", horizontal, suffix));
  const values =
    options.log === true
      ? { ...logAxis([...bars, ...claimed].map(({ value }) => value)), range: logRange(bars, claimed) }
      : { rangemode: "tozero" };
  const categories = { type: "category", categoryorder: "array", categoryarray: names.map(markup), showgrid: false };
  const annotations = names.length <= 16 ? labels(names, bars, claimed, horizontal, options.log === true) : [];
  const timed = bars.some(({ runs }) => runs !== undefined);
  const [valueTitle, nameTitle] = horizontal ? [options.xTitle, options.yTitle] : [options.yTitle, options.xTitle];
  const scale = valueTitle ?? unit;
  return new Figure({
    data,
    layout: layoutOf({
      ...options,
      subtitle: options.subtitle ?? (timed && options.title !== undefined ? "median and its 95 % interval" : undefined),
      xTitle: horizontal ? scale : nameTitle,
      yTitle: horizontal ? nameTitle : scale,
      height:
        options.height ??
        (horizontal ? Math.min(1200, 150 + names.length * (claimed.length > 0 ? 52 : 34)) : undefined),
      legend: claimed.length > 0,
      xaxis: horizontal ? values : categories,
      yaxis: horizontal ? { ...categories, autorange: "reversed" } : values,
      rest: { barmode: "group", bargap: 0.3, annotations },
    }),
    description: `${options.title ?? "Bars"}: ${bars.map(({ name, value }) => `${name} ${short(value)}${suffix}`).join(", ")}`,
  });
}

function readBars(input: unknown, options: BarOptions): { bars: Bar[]; unit: string | undefined } {
  if (!Array.isArray(input)) {
    if (!isRecord(input))
      throw new TypeError(`plot.bar needs samples or an object of numbers by name; got ${say(input)}.`);
    input = Object.entries(input).map(([name, value]) => ({ name, value }));
  }
  const rows = input as readonly Record<string, any>[];
  if (rows.length === 0) throw new RangeError("plot.bar needs at least one sample or number; got none.");
  rows.forEach((row, index) => {
    if (!isRecord(row) || !("medianMs" in row || "value" in row)) {
      throw new TypeError(
        `plot.bar needs samples { name, medianMs } or { name, value }; got ${say(row)} at index ${index}.`,
      );
    }
    if (typeof row.name !== "string") {
      throw new TypeError(`plot.bar needs a name for each bar; got ${say(row.name)} at index ${index}.`);
    }
  });
  const times = rows.filter((row) => "medianMs" in row);
  if (times.length > 0 && times.length < rows.length) {
    throw new TypeError("plot.bar needs either samples or other numbers in one figure; got both.");
  }
  if (times.length === 0) return { unit: options.unit, bars: rows.map((row) => toBar(row, "value", "low", "high", 1)) };
  const unit = options.unit ?? timeUnit(times.map((row) => row.medianMs));
  const factor = PER_MS[unit];
  if (factor === undefined)
    throw new RangeError(`plot.bar draws samples in "ns", "µs", "ms" or "s"; got ${say(unit)}.`);
  return { unit, bars: rows.map((row) => toBar(row, "medianMs", "lowMs", "highMs", factor)) };
}

function toBar(row: Record<string, any>, key: string, lowKey: string, highKey: string, factor: number): Bar {
  const number = (name: string) => checkNumber(`plot.bar: ${name} of ${JSON.stringify(row.name)}`, row[name]) * factor;
  return {
    name: row.name,
    value: number(key),
    low: row[lowKey] === undefined ? undefined : number(lowKey),
    high: row[highKey] === undefined ? undefined : number(highKey),
    runs: row.runs,
  };
}

/** Milliseconds, unless the largest time would be a hard number to read. */
function timeUnit(ms: number[]): string {
  const largest = Math.max(...ms);
  return largest >= 1e5 ? "s" : largest >= 0.1 ? "ms" : largest >= 1e-4 ? "µs" : "ns";
}

function solid(bars: Bar[], name: string, horizontal: boolean, suffix: string): Trace {
  const interval = bars.some(({ low, high }) => low !== undefined || high !== undefined);
  const error = {
    type: "data",
    symmetric: false,
    array: bars.map(({ value, high }) => Math.max(0, (high ?? value) - value)),
    arrayminus: bars.map(({ value, low }) => Math.max(0, value - (low ?? value))),
    color: NEUTRAL,
    thickness: 1.5,
    width: 5,
  };
  return {
    ...oriented(bars, horizontal),
    name: markup(name),
    marker: { color: colour(0) },
    hovertext: bars.map((one) => {
      const range =
        one.low === undefined ? "" : `<br>95 % interval ${short(one.low)} to ${short(one.high ?? one.value)}`;
      return `${markup(one.name)}: ${short(one.value)}${suffix}${range}${one.runs === undefined ? "" : `, ${one.runs} runs`}`;
    }),
    ...(interval ? { [horizontal ? "error_x" : "error_y"]: error } : {}),
  };
}

function hollow(claimed: Bar[], name: string, horizontal: boolean, suffix: string): Trace {
  return {
    ...oriented(claimed, horizontal),
    name: markup(name),
    marker: { color: "rgba(0,0,0,0)", line: { color: colour(3), width: 2 } },
    hovertext: claimed.map((one) => `${markup(one.name)}: ${short(one.value)}${suffix} (${markup(name)})`),
  };
}

function oriented(bars: Bar[], horizontal: boolean): Trace {
  const [names, values] = [bars.map(({ name }) => markup(name)), bars.map(({ value }) => value)];
  const sides = horizontal ? { orientation: "h", x: values, y: names } : { x: names, y: values };
  return { type: "bar", ...sides, hoverinfo: "text" };
}

/** The bars' values as text beyond their ends: plotly's own bar text would lie under the intervals. */
function labels(names: string[], bars: Bar[], claimed: Bar[], horizontal: boolean, log: boolean): object[] {
  const pair = claimed.length > 0;
  const at = (bar: Bar, shift: number): object => {
    const end = bar.high === undefined ? bar.value : Math.max(bar.value, bar.high);
    const along = log ? Math.log10(end) : Math.max(0, end);
    const across = names.indexOf(bar.name) + shift;
    return {
      ...(horizontal
        ? { x: along, y: across, xanchor: "left", yanchor: "middle", xshift: 6 }
        : { x: across, y: along, xanchor: "center", yanchor: "bottom", yshift: 1 }),
      text: short(bar.value),
      showarrow: false,
      font: { size: 11 },
    };
  };
  return [...bars.map((one) => at(one, pair ? -0.175 : 0)), ...claimed.map((one) => at(one, pair ? 0.175 : 0))];
}

function logRange(bars: Bar[], claimed: Bar[]): [number, number] {
  const ends = [
    ...bars.flatMap(({ value, low, high }) => [value, low ?? value, high ?? value]),
    ...claimed.map((c) => c.value),
  ];
  const logs = ends.filter((end) => end > 0).map(Math.log10);
  const [low, high] = [Math.min(...logs), Math.max(...logs)];
  return [Math.floor(low - 0.3), high + Math.max(0.15, (high - low) * 0.08)];
}
