// Axes: from plotly's axis settings and the data to a scale, its ticks and their drawing. Inside, every axis is linear:
// a logarithmic one holds log10 of its values and a category one their index, as plotly's own ranges do.

import { createRequire } from "node:module";
import type * as Scale from "d3-scale";
import type { Layout, Trace } from "./figure.ts";
import type { Frame } from "./svg.ts";
import { escape, plain, px, textWidth, tspans } from "./svg-text.ts";

/** Loaded when it is first needed: its modules take longer to read than the rest of a program's imports. */
const d3 = (): typeof Scale => createRequire(import.meta.url)("d3-scale") as typeof Scale;

export interface Tick {
  /** On the axis' own, linear inside. */
  at: number;
  text: string;
}

export interface Axis {
  kind: "linear" | "log" | "category";
  title: string;
  ticks: Tick[];
  grid: boolean;
  /** Nothing of it is drawn: no line, no ticks. */
  isHidden: boolean;
  hasLine: boolean;
  categories: string[];
  range: [number, number];
  /** A data value on the axis' inside; undefined when it has no place there (0 on a logarithmic axis, null). */
  inner(value: unknown): number | undefined;
  /** Says where the range's ends lie in pixels. */
  place(from: number, to: number): void;
  /** The pixel of an inside position. */
  pixel(inner: number): number;
}

export function makeAxis(letter: "x" | "y", traces: Trace[], layout: Layout): Axis {
  const settings = layout[`${letter}axis`] ?? {};
  const values = traces.flatMap((trace) => [...valuesOf(trace, letter)]);
  const kind: Axis["kind"] =
    settings.type === "log"
      ? "log"
      : settings.type === "category" || (settings.type === undefined && values.some((v) => typeof v === "string"))
        ? "category"
        : "linear";
  const ordered =
    kind === "category" && Array.isArray(settings.categoryarray) ? settings.categoryarray.map(String) : [];
  const categories = kind === "category" ? [...new Set([...ordered, ...values.map(String)])] : [];
  const places = new Map(categories.map((name, index) => [name, index]));
  const inner = (value: unknown): number | undefined => {
    if (kind === "category") return places.get(String(value));
    if (value === null || value === undefined || value === "") return undefined;
    const number = kind === "log" ? Math.log10(Number(value)) : Number(value);
    return Number.isFinite(number) ? number : undefined;
  };
  let [from, to] = [0, 1];
  const range = rangeOf(letter, settings, kind, categories, traces, inner);
  const axis: Axis = {
    kind,
    title: typeof settings.title?.text === "string" ? settings.title.text : "",
    ticks: [],
    grid: settings.showgrid !== false && settings.visible !== false,
    isHidden: settings.visible === false,
    hasLine: settings.showline !== false && settings.visible !== false,
    categories,
    range,
    inner,
    place(a, b) {
      [from, to] = [a, b];
    },
    pixel: (at) => from + ((at - range[0]) / (range[1] - range[0])) * (to - from),
  };
  axis.ticks = ticksOf(axis, settings);
  return axis;
}

/** What a trace has on an axis: a box reaches from fence to fence. */
function valuesOf(trace: Trace, letter: "x" | "y"): readonly unknown[] {
  if (trace.type === "box" && letter === "y") return [...(trace.lowerfence ?? []), ...(trace.upperfence ?? [])];
  return (trace[letter] as unknown[] | undefined) ?? indexes(trace, letter);
}

/** A trace without x counts 0, 1, 2, … */
function indexes(trace: Trace, letter: "x" | "y"): number[] {
  const other = trace[letter === "x" ? "y" : "x"];
  return Array.isArray(other) ? other.map((_, index) => index) : [];
}

function rangeOf(
  letter: "x" | "y",
  settings: Layout,
  kind: Axis["kind"],
  categories: string[],
  traces: Trace[],
  inner: Axis["inner"],
): [number, number] {
  const given = settings.range;
  if (Array.isArray(given) && given.length === 2 && given.every(Number.isFinite) && given[0] !== given[1]) {
    return [given[0], given[1]];
  }
  const reversed = settings.autorange === "reversed";
  const turn = (low: number, high: number): [number, number] => (reversed ? [high, low] : [low, high]);
  if (kind === "category") return turn(-0.5, Math.max(1, categories.length) - 0.5);
  let [low, high] = [Infinity, -Infinity];
  let zero = settings.rangemode === "tozero";
  const take = (value: unknown): void => {
    const at = inner(value);
    if (at === undefined) return;
    if (at < low) low = at;
    if (at > high) high = at;
  };
  for (const trace of traces) {
    const isValueAxis = trace.type === "bar" && (trace.orientation === "h") === (letter === "x");
    const values = valuesOf(trace, letter);
    if (trace.type === "heatmap" && trace[letter] === undefined && Array.isArray(trace.z)) {
      take(-0.5);
      take(Number(letter === "y" ? trace.z.length : (trace.z[0]?.length ?? 1)) - 0.5);
    }
    const error = trace[`error_${letter}`];
    values.forEach((value, index) => {
      const base = isValueAxis ? Number(Array.isArray(trace.base) ? trace.base[index] : (trace.base ?? 0)) : 0;
      if (isValueAxis && base !== 0) take(base);
      const end = base === 0 ? value : base + Number(value);
      take(end);
      if (trace.type === "bar" && !isValueAxis) {
        take(Number(value) - 0.5);
        take(Number(value) + 0.5);
      }
      if (error !== undefined && typeof end === "number") {
        take(end + Number(error.array?.[index] ?? 0));
        take(end - Number((error.arrayminus ?? error.array)?.[index] ?? 0));
      }
    });
    if (isValueAxis && kind === "linear" && trace.base === undefined) zero = true;
  }
  if (low > high) return turn(0, 1);
  if (kind === "linear" && zero) [low, high] = [Math.min(0, low), Math.max(0, high)];
  if (low === high) [low, high] = [low - 0.5, high + 0.5];
  const pad = (high - low) * 0.06;
  const atZero = zero && kind === "linear";
  return turn(atZero && low === 0 ? 0 : low - pad, atZero && high === 0 ? 0 : high + pad);
}

function ticksOf(axis: Axis, settings: Layout): Tick[] {
  const { kind, range, categories } = axis;
  if (axis.isHidden || settings.showticklabels === false) return [];
  const [low, high] = [Math.min(...range), Math.max(...range)];
  const within = ({ at }: Tick): boolean => at >= low - 1e-9 && at <= high + 1e-9;
  if (Array.isArray(settings.tickvals)) {
    return settings.tickvals
      .map((value: unknown, index: number) => ({
        at: axis.inner(value) ?? NaN,
        text: String(settings.ticktext?.[index] ?? value),
      }))
      .filter(within);
  }
  if (kind === "category") return categories.map((text, at) => ({ at, text }));
  if (kind === "log") return logTicks(low, high);
  return linearTicks(low, high, 7);
}

export function linearTicks(low: number, high: number, about: number): Tick[] {
  const scale = d3().scaleLinear().domain([low, high]);
  const values = scale.ticks(about);
  const largest = Math.max(...values.map(Math.abs));
  const format = largest >= 1e6 || largest < 1e-3 ? scale.tickFormat(about, "~s") : scale.tickFormat(about);
  return values.map((value) => ({ at: value, text: format(value).replace("−", "-") }));
}

/** Whole decades; with fewer than two of them also 2 and 5. Above eight decades every second, third, … */
function logTicks(low: number, high: number): Tick[] {
  const decades = Math.floor(high + 1e-9) - Math.ceil(low - 1e-9);
  const format = d3()
    .scaleLog()
    .domain([10 ** low, 10 ** high])
    .tickFormat(Infinity, "~r");
  const text = (value: number): string =>
    value >= 1e6 || value < 1e-4 ? `1e${Math.round(Math.log10(value))}` : format(value) || String(value);
  const step = Math.max(1, Math.ceil((decades + 1) / 8));
  const ticks: Tick[] = [];
  for (let decade = Math.floor(low); decade <= high; decade++) {
    const inOne = decades >= 2 ? [1] : [1, 2, 5];
    if (decade % step !== 0) continue;
    for (const factor of inOne) {
      const at = decade + Math.log10(factor);
      if (at >= low - 1e-9 && at <= high + 1e-9) ticks.push({ at, text: text(factor * 10 ** decade) });
    }
  }
  return ticks;
}

/** Grid and axis lines, under the marks. */
export function axisLines(x: Axis, y: Axis, { x0, x1, y0, y1 }: Frame): string {
  let grid = "";
  if (x.grid) for (const { at } of x.ticks) grid += `M${px(x.pixel(at))} ${px(y0)}V${px(y1)}`;
  if (y.grid) for (const { at } of y.ticks) grid += `M${px(x0)} ${px(y.pixel(at))}H${px(x1)}`;
  return grid === "" ? "" : `<path d="${grid}" stroke="#e3e6ea" fill="none"/>`;
}

/** Axis lines, tick labels and axis titles, over the marks. Labels that would touch are turned or left out. */
export function axisTexts(x: Axis, y: Axis, { x0, x1, y0, y1, height }: Frame): string {
  const lines =
    (y.hasLine ? `M${px(x0)} ${px(y0)}V${px(y1)}` : "") + (x.hasLine ? `M${px(x0)} ${px(y1)}H${px(x1)}` : "");
  let text = lines === "" ? "" : `<path d="${lines}" stroke="#8c959f" fill="none"/>`;
  const room = (x1 - x0) / Math.max(1, x.ticks.length);
  const longest = Math.max(0, ...x.ticks.map((tick) => textWidth(tick.text, 12)));
  const every =
    x.kind === "category" ? Math.max(1, Math.ceil(14 / room)) : Math.max(1, Math.ceil((longest + 6) / room));
  const cut = (words: string): string => {
    if (x.kind !== "category" || textWidth(words, 12) <= room * 1.05) return words;
    return `${plain(words).slice(0, Math.max(1, Math.floor(room / 6.8) - 1))}…`;
  };
  x.ticks.forEach(({ at, text: words }, index) => {
    const place = px(x.pixel(at));
    if (index % every !== 0) return;
    if (x.hasLine) text += `<path d="M${place} ${px(y1)}v4" stroke="#8c959f"/>`;
    text += `<text x="${place}" y="${px(y1 + 17)}" text-anchor="middle">${escape(plain(cut(words)))}</text>`;
  });
  const step = Math.max(1, Math.ceil((14 * y.ticks.length) / (y1 - y0)));
  y.ticks.forEach(({ at, text: words }, index) => {
    if (index % step !== 0) return;
    if (y.hasLine) text += `<path d="M${px(x0 - 4)} ${px(y.pixel(at))}h4" stroke="#8c959f"/>`;
    text += `<text x="${px(x0 - 8)}" y="${px(y.pixel(at) + 4)}" text-anchor="end">${escape(plain(words))}</text>`;
  });
  if (plain(x.title) !== "") {
    const middle = (x0 + x1) / 2;
    text += `<text x="${px(middle)}" y="${px(height - 14)}" text-anchor="middle" font-size="13">${tspans(x.title, middle)}</text>`;
  }
  if (plain(y.title) !== "") {
    text += `<text transform="translate(18 ${px((y0 + y1) / 2)})rotate(-90)" text-anchor="middle" font-size="13">${escape(plain(y.title))}</text>`;
  }
  return text;
}
