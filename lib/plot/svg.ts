// A static SVG of the plotly figures that this library makes: lines, markers, error bars, bars, boxes, heat maps and tables, over
// linear, logarithmic and category axes, with legend, titles, shapes and annotations. Written by hand because plotly's own
// SVG export needs a browser (jsdom costs 200 MB and misplaces texts). Text widths are estimated.

import type { Layout, Trace } from "./figure.ts";
import { axisLines, axisTexts, makeAxis } from "./svg-axis.ts";
import { boxes } from "./svg-box.ts";
import { annotations, legend, shapes, unsupported } from "./svg-extras.ts";
import { colourBar, colourBarWidth, heatmap } from "./svg-heatmap.ts";
import { bars, isDrawn, scatter } from "./svg-marks.ts";
import { tableText } from "./svg-table.ts";
import { escape, plain, px, textWidth, tspans } from "./svg-text.ts";

/** Everything the parts of a picture need to know. Pixels; the plot area is x0..x1 across, y0..y1 down. */
export interface Frame {
  x0: number;
  x1: number;
  y0: number;
  y1: number;
  width: number;
  height: number;
  /** 1 draws everything; less thins out until the picture is small enough. */
  detail: number;
}

export interface SvgInput {
  data: Trace[];
  layout: Layout;
  description: string;
}

const MAX_BYTES = 60_000;
const WIDTH = 760;
const INK = "#24292f";

export function svg(input: SvgInput): string {
  for (let detail = 1; detail >= 1 / 64; detail /= 2) {
    const text = draw(input, detail);
    if (Buffer.byteLength(text) <= MAX_BYTES) return text;
  }
  const note = `This figure has too much in it for a small static picture.`;
  return draw({ ...input, data: [{ type: note }], layout: { title: input.layout.title } }, 1);
}

function draw({ data, layout, description }: SvgInput, detail: number): string {
  const width = finite(layout.width, WIDTH);
  const height = finite(layout.height, 420);
  const traces = data.filter((trace) => trace.visible === undefined || trace.visible === true);
  const drawn = traces.filter(isDrawn);
  const x = makeAxis("x", drawn, layout);
  const y = makeAxis("y", drawn, layout);
  const margin = { l: 64, r: 24, t: 60, b: 56, ...layout.margin };
  const labelWidth = Math.min(width * 0.45, Math.max(0, ...y.ticks.map(({ text }) => textWidth(text, 12))));
  const yTitle = plain(y.title) !== "";
  const frame: Frame = {
    x0: y.isHidden ? margin.l : Math.max(yTitle ? 48 : 24, labelWidth + 14 + (yTitle ? 24 : 0)),
    x1: width - margin.r - colourBarWidth(drawn),
    y0: margin.t,
    y1: height - (x.isHidden ? margin.b : plain(x.title) === "" ? 34 : margin.b),
    width,
    height,
    detail,
  };
  x.place(frame.x0, frame.x1);
  y.place(frame.y1, frame.y0);
  const table = drawn.find((trace) => trace.type === "table");
  const empty = drawn.length === 0 || table !== undefined;
  const parts = [
    `<rect width="${width}" height="${height}" rx="6" fill="#fff"/>`,
    ...titles(layout, frame),
    ...(empty ? [] : [axisLines(x, y, frame), shapes(layout, x, y, frame)]),
    `<clipPath id="c"><rect x="${px(frame.x0)}" y="${px(frame.y0 - 6)}" width="${px(frame.x1 - frame.x0 + 6)}" height="${px(frame.y1 - frame.y0 + 12)}"/></clipPath>`,
    `<g clip-path="url(#c)">`,
    ...drawn.filter((trace) => trace.type === "heatmap").map((trace) => heatmap(trace, x, y, frame)),
    ...drawn.filter((trace) => trace.type === "box").map((trace) => boxes(trace, x, y)),
    bars(drawn, layout, x, y, frame),
    ...drawn
      .filter((trace) => (trace.type ?? "scatter") === "scatter")
      .map((trace) => scatter(trace, data.indexOf(trace), x, y, frame)),
    `</g>`,
    ...drawn.filter((trace) => trace.type === "heatmap").map((trace) => colourBar(trace, frame)),
    ...(table === undefined ? [] : [tableText(table, layout, frame)]),
    ...(empty ? [] : [axisTexts(x, y, frame), annotations(layout, x, y, frame)]),
    legend(drawn, data, layout, frame),
    unsupported(traces, frame),
  ];
  const title = plain(layout.title?.text ?? "") || "Figure";
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ` +
    `role="img" font-family="system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif" font-size="12" fill="${INK}">` +
    `<title>${escape(title)}</title><desc>${escape(plain(description))}</desc>${parts.join("")}</svg>`
  );
}

function titles(layout: Layout, frame: Frame): string[] {
  const { text, subtitle } = layout.title ?? {};
  if (typeof text !== "string" || text === "") return [];
  const lines = [`<text x="${px(frame.x0)}" y="28" font-size="17" font-weight="600">${tspans(text, frame.x0)}</text>`];
  if (typeof subtitle?.text === "string") {
    lines.push(
      `<text x="${px(frame.x0)}" y="48" font-size="12.5" fill="#57606a">${tspans(subtitle.text, frame.x0)}</text>`,
    );
  }
  return lines;
}

function finite(value: unknown, otherwise: number): number {
  return typeof value === "number" && value > 0 && value < 10_000 ? value : otherwise;
}
