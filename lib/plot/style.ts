// What all our figures look like. Backgrounds are transparent and text colours are left to the page, so that a figure
// fits light and dark themes; the trace colours are Okabe and Ito's colour-blind-safe palette (jfly.uni-koeln.de/color,
// without its black and yellow, which vanish on one of the two backgrounds).

import type { Layout } from "./figure.ts";

export const PALETTE = ["#0080c8", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9"] as const;

/** Lines that only guide the eye; readable on white and on near-black. */
export const NEUTRAL = "#8a8a8a";

export function colour(index: number): string {
  return PALETTE[index % PALETTE.length]!;
}

export interface FigureOptions {
  title?: string;
  /** A second, smaller line under the title. */
  subtitle?: string;
  xTitle?: string;
  yTitle?: string;
  /** Height in pixels; the width is the page's. */
  height?: number;
}

interface LayoutParts {
  title?: string | undefined;
  subtitle?: string | undefined;
  xTitle?: string | undefined;
  yTitle?: string | undefined;
  height?: number | undefined;
  legend?: boolean;
  xaxis?: object;
  yaxis?: object;
  rest?: object;
}

/** The layout all our figures share. Texts are escaped here: plotly reads a little HTML in them. */
export function layoutOf(parts: LayoutParts): Layout {
  const { title, subtitle, xTitle, yTitle, legend = false } = parts;
  const top = 16 + (title === undefined ? 0 : 28) + (subtitle === undefined ? 0 : legend ? 20 : 28) + (legend ? 30 : 0);
  const height = parts.height ?? 340 + top;
  const axis = { automargin: true, zeroline: false, showline: true, ticks: "outside", ticklen: 4 };
  const layout: Layout = {
    height,
    margin: { l: 64, r: 24, t: top, b: 56 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    hovermode: "closest",
    showlegend: legend,
    legend: { orientation: "h", x: 0, xanchor: "left", y: 1, yanchor: "bottom", bgcolor: "rgba(0,0,0,0)" },
    xaxis: { ...axis, ...(xTitle === undefined ? {} : { title: { text: markup(xTitle) } }), ...parts.xaxis },
    yaxis: { ...axis, ...(yTitle === undefined ? {} : { title: { text: markup(yTitle) } }), ...parts.yaxis },
    ...parts.rest,
  };
  if (title !== undefined) {
    layout.title = {
      text: markup(title),
      x: 0,
      xref: "paper",
      xanchor: "left",
      y: 1 - 14 / height,
      yref: "container",
      yanchor: "top",
      font: { size: 17 },
      ...(subtitle === undefined ? {} : { subtitle: { text: markup(subtitle), font: { size: 12.5 } } }),
    };
  }
  return layout;
}

/** Something to mark on the x axis: a dotted line upwards, with its text beside it. */
export interface Mark {
  at: number;
  text: string;
  color?: string;
}

/** The layout's shapes and annotations for marks; their texts stand one above the other, of marks beyond `leftOf` at their left. */
export function markLayout(
  marks: readonly Mark[],
  logX = false,
  leftOf = Infinity,
): { shapes: object[]; annotations: object[] } {
  const across = { xref: "x", yref: "paper" };
  return {
    shapes: marks.map(({ at, color = NEUTRAL }) => ({
      type: "line",
      ...across,
      x0: at,
      x1: at,
      y0: 0,
      y1: 1,
      line: { color, width: 1, dash: "dot" },
      layer: "below",
    })),
    annotations: marks.map(({ at, text, color = NEUTRAL }, index) => ({
      ...across,
      x: logX ? Math.log10(at) : at,
      y: 0.02 + 0.06 * index,
      text: markup(text),
      showarrow: false,
      ...(at > leftOf ? { xanchor: "right", xshift: -4 } : { xanchor: "left", xshift: 4 }),
      yanchor: "bottom",
      font: { color, size: 11 },
    })),
  };
}

/**
 * A logarithmic axis: labels at whole decades only, once there are two of them; before, also at 2 and 5 of each decade,
 * in full (plotly would write a bare 2 for 20). `values` above 0.
 */
export function logAxis(values: readonly number[]): object {
  const [low, high] = [Math.log10(Math.min(...values)), Math.log10(Math.max(...values))];
  if (high - low >= 2) return { type: "log", dtick: Math.ceil((high - low) / 8) };
  const ticks: number[] = [];
  for (let decade = Math.floor(low) - 1; decade <= Math.ceil(high); decade++) {
    for (const factor of [1, 2, 5]) ticks.push(Number(`${factor}e${decade}`));
  }
  return { type: "log", tickvals: ticks, ticktext: ticks.map(short) };
}

/** Ticks at whole numbers from 0, or their names: at most `most` of them, evenly spaced. */
export function indexTicks(count: number, most: number, names?: readonly string[]): object {
  const rough = Math.ceil(count / most);
  const step =
    names !== undefined ? rough : ([1, 2, 5, 10, 20, 50, 100, 200, 500].find((one) => one >= rough) ?? rough);
  const ticks = Array.from({ length: Math.ceil(count / step) }, (_, i) => i * step);
  return { tickvals: ticks, ticktext: ticks.map((at) => markup(names?.[at] ?? String(at))) };
}

/** User text for plotly, which takes `<b>` and `&amp;` for markup. Idempotent texts (no < and no entity) stay as they are. */
export function markup(text: string): string {
  return text.replace(/&(?=#?\w+;)/g, "&amp;").replaceAll("<", "&lt;");
}

/** Three significant digits, no exponent where a reader can do without: 0.00123, 12.3, 45,600. */
export function short(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size >= 1e9 || size < 1e-4) return value.toExponential(1).replace("e+", "e");
  if (size >= 1000) return Number(value.toPrecision(3)).toLocaleString("en-US");
  return String(Number(value.toPrecision(3)));
}
