// What stands around the marks: legend, annotations, shapes, and a note for what can't be drawn.

import type { Layout, Trace } from "./figure.ts";
import { colour, NEUTRAL } from "./style.ts";
import type { Frame } from "./svg.ts";
import type { Axis } from "./svg-axis.ts";
import { attribute, dashes, isDrawn, marker } from "./svg-marks.ts";
import { escape, plain, px, textWidth, tspans } from "./svg-text.ts";

/** One row above the plot area; what doesn't fit is counted. */
export function legend(drawn: Trace[], data: Trace[], layout: Layout, { x0, x1, y0 }: Frame): string {
  const entries = drawn.filter((trace) => trace.showlegend !== false);
  if (layout.showlegend !== true && (layout.showlegend === false || entries.length < 2)) return "";
  let x = x0;
  let text = "";
  const y = y0 - 16;
  for (const [index, trace] of entries.entries()) {
    const name = plain(trace.name ?? `trace ${data.indexOf(trace)}`);
    const width = 34 + textWidth(name, 12) + 16;
    if (x + width > x1 + 16 && index > 0) {
      text += `<text x="${px(x)}" y="${px(y + 4)}" fill="#57606a">+ ${entries.length - index} more</text>`;
      break;
    }
    text += key(trace, data.indexOf(trace), x, y);
    text += `<text x="${px(x + 32)}" y="${px(y + 4)}">${escape(name)}</text>`;
    x += width;
  }
  return `<g class="legend">${text}</g>`;
}

function key(trace: Trace, place: number, x: number, y: number): string {
  const main = attribute(trace.line?.color ?? trace.marker?.color ?? colour(place));
  if (trace.type === "bar") {
    const line = trace.marker?.line;
    const stroke =
      line?.width > 0 ? ` stroke="${attribute(line.color)}" stroke-width="${px(Math.min(2, line.width))}"` : "";
    const fill = Array.isArray(trace.marker?.color) ? trace.marker.color[0] : (trace.marker?.color ?? colour(place));
    return `<rect x="${px(x + 10)}" y="${px(y - 6)}" width="14" height="12" fill="${attribute(fill)}"${stroke}/>`;
  }
  const mode: string = trace.mode ?? "lines+markers";
  let text = "";
  if (mode.includes("lines")) {
    const width = px(trace.line?.width ?? 2);
    text += `<path d="M${px(x)} ${px(y)}h26" stroke="${main}" stroke-width="${width}" fill="none"${dashes(trace.line?.dash)}/>`;
  }
  if (mode.includes("markers")) text += marker(x + 13, y, trace.marker ?? {}, main);
  return text;
}

/** A position given in data ("x", "y") or as a share of the plot area ("paper"). */
function locate(value: unknown, ref: unknown, axis: Axis, from: number, to: number): number | undefined {
  if (ref === "paper") return from + Number(value) * (to - from);
  const at = typeof value === "string" ? axis.inner(value) : Number(value);
  return at === undefined || !Number.isFinite(at) ? undefined : axis.pixel(at);
}

/** Texts put on the plot. As in plotly, a position on a logarithmic axis is a log10 and on a category axis an index. */
export function annotations(layout: Layout, x: Axis, y: Axis, { x0, x1, y0, y1 }: Frame): string {
  let text = "";
  for (const note of (layout.annotations as any[] | undefined) ?? []) {
    const left = locate(note.x, note.xref, x, x0, x1);
    const top = locate(note.y, note.yref, y, y1, y0);
    if (left === undefined || top === undefined || note.visible === false) continue;
    const size = Number(note.font?.size ?? 12);
    const anchor = note.xanchor === "left" ? "start" : note.xanchor === "right" ? "end" : "middle";
    const drop = note.yanchor === "bottom" ? -3 : note.yanchor === "top" ? size : size * 0.35;
    const [a, b] = [left + Number(note.xshift ?? 0), top - Number(note.yshift ?? 0) + drop];
    const fill = note.font?.color === undefined ? "" : ` fill="${attribute(note.font.color)}"`;
    text += `<text x="${px(a)}" y="${px(b)}" text-anchor="${anchor}" font-size="${px(size)}"${fill}>${tspans(note.text, a)}</text>`;
  }
  return text;
}

/** Lines and rectangles. As in plotly, shapes take data values on a logarithmic axis. */
export function shapes(layout: Layout, x: Axis, y: Axis, { x0, x1, y0, y1 }: Frame): string {
  let text = "";
  for (const shape of (layout.shapes as any[] | undefined) ?? []) {
    const inX = (value: unknown): unknown => (shape.xref === "paper" ? value : (x.inner(value) ?? value));
    const inY = (value: unknown): unknown => (shape.yref === "paper" ? value : (y.inner(value) ?? value));
    const [a, b] = [inX(shape.x0), inX(shape.x1)].map((value) => locate(value, shape.xref, x, x0, x1));
    const [c, d] = [inY(shape.y0), inY(shape.y1)].map((value) => locate(value, shape.yref, y, y1, y0));
    if (a === undefined || b === undefined || c === undefined || d === undefined) continue;
    const stroke = `stroke="${attribute(shape.line?.color ?? NEUTRAL)}" stroke-width="${px(shape.line?.width ?? 2)}"${dashes(shape.line?.dash)}`;
    if (shape.type === "line") text += `<path d="M${px(a)} ${px(c)}L${px(b)} ${px(d)}" fill="none" ${stroke}/>`;
    else if (shape.type === "rect") {
      const [width, height] = [Math.abs(b - a), Math.abs(d - c)];
      const fill = `fill="${attribute(shape.fillcolor ?? "none")}" fill-opacity="${px(Number(shape.opacity ?? 1))}"`;
      text += `<rect x="${px(Math.min(a, b))}" y="${px(Math.min(c, d))}" width="${px(width)}" height="${px(height)}" ${fill} ${stroke}/>`;
    }
  }
  return text;
}

/** Says what is missing from the picture, so that nobody takes it for the whole. */
export function unsupported(traces: Trace[], { x0, x1, y0, y1 }: Frame): string {
  const types = [...new Set(traces.filter((trace) => !isDrawn(trace)).map((trace) => String(trace.type)))];
  const all = types.length > 0 && !traces.some(isDrawn);
  if (types.length === 0) return traces.length > 0 ? "" : note("This figure is empty.", (x0 + x1) / 2, (y0 + y1) / 2);
  const text = types[0]!.includes(" ")
    ? types[0]!
    : `No static picture of plotly's ${types.map((type) => `“${type}”`).join(", ")}: see the interactive figure.`;
  return all ? note(text, (x0 + x1) / 2, (y0 + y1) / 2) : note(text, (x0 + x1) / 2, y1 - 8);
}

function note(text: string, x: number, y: number): string {
  return `<text class="note" x="${px(x)}" y="${px(y)}" text-anchor="middle" fill="#57606a">${escape(text)}</text>`;
}
