// Heat maps as SVG: cells of one colour become one path, neighbours in a row one rectangle, and what is smaller than a pixel
// is drawn for its block's middle.

import { ramp } from "./colour-scale.ts";
import type { Trace } from "./figure.ts";
import type { Frame } from "./svg.ts";
import { linearTicks, type Axis } from "./svg-axis.ts";
import { escape, plain, px } from "./svg-text.ts";

/** Shades that are told apart: more would make the picture larger, not clearer. */
const SHADES = 64;

export function heatmap(trace: Trace, x: Axis, y: Axis, { detail }: Frame): string {
  const z = matrixOf(trace);
  const [xs, ys] = [edges(trace.x, z[0]?.length ?? 0, x), edges(trace.y, z.length, y)];
  if (xs.length < 2 || ys.length < 2) return "";
  const [low, high] = limits(trace, z);
  const scale = scaleOf(trace);
  const shades = isStepped(trace) ? Infinity : Math.max(8, SHADES * detail);
  const stepX = Math.max(1, Math.ceil((xs.length - 1) / (400 * Math.min(1, 3 * detail))));
  const stepY = Math.max(1, Math.ceil((ys.length - 1) / (260 * Math.min(1, 3 * detail))));
  const gap = stepX === 1 && stepY === 1 ? Number(trace.xgap ?? 0) : 0;
  const paths = new Map<string, string>();
  for (let r = 0; r < z.length; r += stepY) {
    const [top, bottom] = ends(ys[r]!, ys[Math.min(ys.length - 1, r + stepY)]!);
    const row = z[Math.min(z.length - 1, r + (stepY >> 1))]!;
    const colourAt = (c: number): string | undefined => {
      const value = row[Math.min(row.length - 1, c + (stepX >> 1))];
      if (typeof value !== "number" || !Number.isFinite(value)) return undefined;
      const share = high > low ? (value - low) / (high - low) : 0.5;
      return scale(shades === Infinity ? share : Math.round(share * shades) / shades);
    };
    for (let c = 0; c < row.length;) {
      const color = colourAt(c);
      let to = c + stepX;
      while (gap === 0 && to < row.length && colourAt(to) === color) to += stepX;
      const [left, right] = ends(xs[c]!, xs[Math.min(xs.length - 1, to)]!);
      if (color !== undefined) {
        const size = `h${px(right - left - gap)}v${px(bottom - top - gap)}h-${px(right - left - gap)}z`;
        paths.set(color, `${paths.get(color) ?? ""}M${px(left)} ${px(top)}${size}`);
      }
      c = to;
    }
  }
  return [...paths]
    .map(([color, d]) => `<path class="cells" d="${d}" shape-rendering="crispEdges" fill="${escape(color)}"/>`)
    .join("");
}

/** The scale of colours at the right, with its numbers and what they are. */
export function colourBar(trace: Trace, { x1, y0, y1 }: Frame): string {
  if (trace.showscale === false) return "";
  const [low, high] = limits(trace, matrixOf(trace));
  const scale = scaleOf(trace);
  const left = x1 + 14;
  const parts = 32;
  let text = "";
  for (let i = 0; i < parts; i++) {
    const top = y0 + ((y1 - y0) * i) / parts;
    const height = px((y1 - y0) / parts + 0.6);
    text += `<rect x="${px(left)}" y="${px(top)}" width="14" height="${height}" fill="${escape(scale(1 - (i + 0.5) / parts))}"/>`;
  }
  for (const { at, text: words } of high > low ? linearTicks(low, high, 5) : []) {
    const y = y1 - ((y1 - y0) * (at - low)) / (high - low);
    text += `<text x="${px(left + 19)}" y="${px(y + 4)}">${escape(words)}</text>`;
  }
  const title = plain(trace.colorbar?.title?.text ?? "");
  if (title !== "")
    text += `<text transform="translate(${px(left + 74)} ${px((y0 + y1) / 2)})rotate(90)" text-anchor="middle">${escape(title)}</text>`;
  return text;
}

/** How much of the page it takes, from the plot area's right. */
export function colourBarWidth(traces: readonly Trace[]): number {
  const trace = traces.find(({ type, showscale }) => type === "heatmap" && showscale !== false);
  return trace === undefined ? 0 : plain(trace.colorbar?.title?.text ?? "") === "" ? 62 : 76;
}

function matrixOf(trace: Trace): readonly (readonly unknown[])[] {
  return Array.isArray(trace.z) ? trace.z.filter(Array.isArray) : [];
}

/** Pixels of the cells' edges, one more than there are cells, which are all alike. */
function edges(values: unknown, count: number, axis: Axis): number[] {
  const at = Array.from({ length: count }, (_, i) => (Array.isArray(values) ? axis.inner(values[i]) : i));
  if (at.some((one) => one === undefined)) return [];
  const middles = at as number[];
  const half = count < 2 ? 0.5 : (middles[1]! - middles[0]!) / 2;
  return [...middles.map((middle) => middle - half), middles[count - 1]! + half].map((one) => axis.pixel(one));
}

function ends(a: number, b: number): [number, number] {
  return a < b ? [a, b] : [b, a];
}

function limits(trace: Trace, z: readonly (readonly unknown[])[]): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const row of z)
    for (const value of row)
      if (typeof value === "number" && Number.isFinite(value))
        [low, high] = [Math.min(low, value), Math.max(high, value)];
  return [Number(trace.zmin ?? (low > high ? 0 : low)), Number(trace.zmax ?? (low > high ? 1 : high))];
}

function stopsOf(trace: Trace): [number, string][] | undefined {
  return Array.isArray(trace.colorscale) && trace.colorscale.length > 1 ? trace.colorscale : undefined;
}

/** Two colours at one place: there the colour jumps. */
function isStepped(trace: Trace): boolean {
  const stops = stopsOf(trace) ?? [];
  return stops.some(([at], i) => i > 0 && at === stops[i - 1]![0]);
}

/** Blends between hexadecimal stops; a scale that goes by name is drawn as ours. */
function scaleOf(trace: Trace): (share: number) => string {
  const stops = stopsOf(trace);
  if (stops === undefined) return ramp;
  return (share) => {
    const next = stops.findIndex(([at]) => at > share);
    const [to, from] = [
      stops[next < 0 ? stops.length - 1 : next]!,
      stops[next < 0 ? stops.length - 1 : Math.max(0, next - 1)]!,
    ];
    if (from[1] === to[1] || to[0] === from[0]) return String(from[1]);
    const part = (share - from[0]) / (to[0] - from[0]);
    const [a, b] = [from[1], to[1]].map((hex) => [1, 3, 5].map((at) => parseInt(String(hex).slice(at, at + 2), 16)));
    const blend = a!.map((one, i) => Math.round(one + (b![i]! - one) * part));
    return blend.some(Number.isNaN)
      ? String(from[1])
      : `#${blend.map((one) => one.toString(16).padStart(2, "0")).join("")}`;
  };
}
