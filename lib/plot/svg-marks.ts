// The marks: bars, lines, markers and error bars as SVG.

import type { Layout, Trace } from "./figure.ts";
import { colour } from "./style.ts";
import type { Frame } from "./svg.ts";
import type { Axis } from "./svg-axis.ts";
import { escape, px } from "./svg-text.ts";

const TYPES = new Set(["scatter", "bar", "heatmap", "box", "table"]);
/** From here on, a trace's bars are one path of one colour. */
const MANY = 60;

export function isDrawn(trace: Trace): boolean {
  return TYPES.has(trace.type ?? "scatter");
}

interface Box {
  index: number;
  x: number;
  y: number;
  width: number;
  height: number;
}

/** All bar traces: where each stands depends on the others of its category. */
export function bars(traces: Trace[], layout: Layout, x: Axis, y: Axis, frame: Frame): string {
  const barTraces = traces.filter((trace) => trace.type === "bar");
  const grouped = (layout.barmode ?? "group") === "group";
  const stacked = new Map<string, number>();
  const share = (1 - (layout.bargap ?? 0.2)) / (grouped ? Math.max(1, barTraces.length) : 1);
  const text: string[] = [];
  barTraces.forEach((trace, place) => {
    const width = typeof trace.width === "number" ? trace.width : share;
    const shift = grouped && trace.width === undefined ? (place - (barTraces.length - 1) / 2) * share : 0;
    const sideways = trace.orientation === "h";
    const [along, across] = sideways ? [x, y] : [y, x];
    const values: unknown[] = trace[sideways ? "x" : "y"] ?? [];
    const names: unknown[] = trace[sideways ? "y" : "x"] ?? values.map((_, index) => index);
    const floor = along.kind === "log" ? Math.min(...along.range) : 0;
    const boxes: Box[] = [];
    let errors = "";
    values.forEach((value, index) => {
      const middle = across.inner(names[index]);
      if (middle === undefined || value === null) return;
      let base = Number(Array.isArray(trace.base) ? trace.base[index] : (trace.base ?? 0));
      if (layout.barmode === "stack") {
        const key = `${Number(value) < 0}${middle}`;
        base += stacked.get(key) ?? 0;
        stacked.set(key, base + Number(value));
      }
      const start = base === 0 ? floor : along.inner(base);
      const end = along.inner(base + Number(value));
      if (start === undefined || end === undefined) return;
      const [a, b] = [along.pixel(start), along.pixel(end)];
      const [c, d] = [across.pixel(middle + shift - width / 2), across.pixel(middle + shift + width / 2)];
      const [long, thick] = [Math.abs(b - a), Math.abs(d - c)];
      boxes.push(
        sideways
          ? { index, x: Math.min(a, b), y: Math.min(c, d), width: long, height: thick }
          : { index, x: Math.min(c, d), y: Math.min(a, b), width: thick, height: long },
      );
      errors += errorBar(
        trace[sideways ? "error_x" : "error_y"],
        index,
        base + Number(value),
        along,
        (c + d) / 2,
        sideways,
      );
    });
    text.push(boxesText(trace, boxes, frame), errorsText(trace[sideways ? "error_x" : "error_y"], errors));
  });
  return text.join("");
}

function boxesText(trace: Trace, boxes: Box[], { detail }: Frame): string {
  const marker = trace.marker ?? {};
  const stroke =
    marker.line?.width > 0 ? ` stroke="${attribute(marker.line.color)}" stroke-width="${px(marker.line.width)}"` : "";
  const opacity = Number(trace.opacity ?? marker.opacity ?? 1);
  const faded = opacity < 1 ? ` opacity="${px(opacity)}"` : "";
  if (boxes.length <= MANY) {
    return boxes
      .map((box) => {
        const fill = Array.isArray(marker.color) ? marker.color[box.index] : marker.color;
        // A bar too thin to see is still drawn a hair wide.
        const [width, height] = [Math.max(0.4, box.width), Math.max(0.4, box.height)];
        const size = `x="${px(box.x)}" y="${px(box.y)}" width="${px(width)}" height="${px(height)}"`;
        return `<rect class="bar" ${size} fill="${attribute(fill)}"${stroke}${faded}/>`;
      })
      .join("");
  }
  const fill = attribute(Array.isArray(marker.color) ? marker.color[0] : marker.color);
  let path = "";
  for (const box of thinned(boxes, trace.orientation === "h", detail)) {
    const width = px(Math.max(0.4, box.width));
    path += `M${px(box.x)} ${px(box.y)}h${width}v${px(Math.max(0.4, box.height))}h-${width}z`;
  }
  return `<path class="bars" d="${path}" fill="${fill}"${stroke}${faded}/>`;
}

/** Fewer boxes that look alike: of those thinner than a pixel the longest, and on one lane touching neighbours as one. */
function thinned(boxes: Box[], sideways: boolean, detail: number): Box[] {
  const longest = new Map<string, Box>();
  for (const box of boxes) {
    const [across, thick, long] = sideways ? [box.y, box.height, box.width] : [box.x, box.width, box.height];
    const key = thick * detail >= 1 ? `all ${longest.size}` : `${Math.floor(across * detail)}`;
    const other = longest.get(key);
    if (other === undefined || long > (sideways ? other.width : other.height)) longest.set(key, box);
  }
  if (!sideways) return [...longest.values()];
  const gap = detail === 1 ? 0.3 : 0.5 / detail;
  const result: Box[] = [];
  const last = new Map<number, Box>();
  for (const box of [...longest.values()].sort((a, b) => a.x - b.x)) {
    const before = last.get(box.y);
    const near = before !== undefined && box.x - (before.x + before.width) < gap && before.width < 8 / detail;
    if (near && box.height === before.height) before.width = Math.max(before.width, box.x + box.width - before.x);
    else {
      const copy = { ...box };
      last.set(box.y, copy);
      result.push(copy);
    }
  }
  return result;
}

/** Lines, markers and error bars of one scatter trace. */
export function scatter(trace: Trace, place: number, x: Axis, y: Axis, frame: Frame): string {
  const xs: unknown[] = trace.x ?? (trace.y ?? []).map((_: unknown, index: number) => index);
  const ys: unknown[] = trace.y ?? xs.map((_, index) => index);
  const points = ys.map((value, index): [number, number] | undefined => {
    const [a, b] = [x.inner(xs[index]), y.inner(value)];
    return a === undefined || b === undefined ? undefined : [x.pixel(a), y.pixel(b)];
  });
  const mode: string = trace.mode ?? "lines+markers";
  const color = attribute(trace.line?.color ?? trace.marker?.color ?? colour(place));
  let text = "";
  if (mode.includes("lines")) {
    const width = px(trace.line?.width ?? 2);
    const dash = dashes(trace.line?.dash);
    const d = linePath(points, frame.detail, trace.line?.shape);
    text += `<path class="line" d="${d}" fill="none" stroke="${color}" stroke-width="${width}" stroke-linejoin="round"${dash}/>`;
  }
  let errors = "";
  points.forEach((point, index) => {
    if (point === undefined) return;
    errors += errorBar(trace.error_y, index, Number(ys[index]), y, point[0], false);
    errors += errorBar(trace.error_x, index, Number(xs[index]), x, point[1], true);
  });
  text += errorsText(trace.error_y ?? trace.error_x, errors);
  if (mode.includes("markers") && trace.marker?.angleref === "previous")
    text += arrowHeads(points, trace.marker, color);
  else if (mode.includes("markers")) {
    const shown = points.filter((point) => point !== undefined);
    const step = Math.max(1, Math.ceil(shown.length / (500 * frame.detail)));
    shown.forEach((point, index) => {
      if (index % step === 0) text += marker(point[0], point[1], trace.marker ?? {}, color);
    });
  }
  return text;
}

/** At each point whose size isn't 0 the head of an arrow that comes from the point before it. */
function arrowHeads(points: readonly ([number, number] | undefined)[], { size }: any, color: string): string {
  let d = "";
  points.forEach((point, index) => {
    const before = points[index - 1];
    const length = Number(Array.isArray(size) ? size[index] : size);
    if (point === undefined || before === undefined || !(length > 0)) return;
    const [dx, dy] = [point[0] - before[0], point[1] - before[1]];
    const whole = Math.hypot(dx, dy) || 1;
    const [along, aside] = [(0.9 * length) / whole, (0.38 * length) / whole];
    const [x, y] = [point[0] - dx * along, point[1] - dy * along];
    d += `M${px(point[0])} ${px(point[1])}L${px(x - dy * aside)} ${px(y + dx * aside)}L${px(x + dy * aside)} ${px(y - dx * aside)}z`;
  });
  return d === "" ? "" : `<path class="heads" d="${d}" fill="${color}"/>`;
}

/** Polyline with gaps at undefined points; of many points only first, lowest, highest and last of a pixel column. */
function linePath(points: ([number, number] | undefined)[], detail: number, shape?: string): string {
  const runs: [number, number][][] = [[]];
  for (const point of points) {
    if (point === undefined) runs.push([]);
    else runs.at(-1)!.push(point);
  }
  const many = points.length > 1000 * detail;
  let path = "";
  for (const run of runs) {
    const kept = many ? columns(run, 1 / detail) : run;
    kept.forEach(([a, b], index) => {
      if (index === 0) path += `M${px(a)} ${px(b)}`;
      else if (shape === "hv") path += `H${px(a)}V${px(b)}`;
      else if (shape === "vh") path += `V${px(b)}H${px(a)}`;
      else path += `L${px(a)} ${px(b)}`;
    });
  }
  return path;
}

function columns(run: [number, number][], width: number): [number, number][] {
  const kept: [number, number][] = [];
  for (let from = 0; from < run.length;) {
    const column = Math.floor(run[from]![0] / width);
    let [to, low, high] = [from, from, from];
    while (to < run.length && Math.floor(run[to]![0] / width) === column) {
      if (run[to]![1] < run[low]![1]) low = to;
      if (run[to]![1] > run[high]![1]) high = to;
      to++;
    }
    for (const index of [...new Set([from, low, high, to - 1])].sort((a, b) => a - b)) kept.push(run[index]!);
    from = to;
  }
  return kept;
}

function errorBar(error: any, index: number, value: number, axis: Axis, across: number, sideways: boolean): string {
  if (error === undefined || error.visible === false || !Array.isArray(error.array)) return "";
  const up = Number(error.array[index] ?? 0);
  const down = Number((error.arrayminus ?? error.array)[index] ?? 0);
  const top = axis.inner(value + up);
  // Below zero there is no logarithm: the bar then reaches the axis' end.
  const low = axis.inner(value - down) ?? Math.min(...axis.range);
  if (top === undefined || !(up > 0 || down > 0)) return "";
  const [a, b, cap] = [px(axis.pixel(low)), px(axis.pixel(top)), px(error.width ?? 4)];
  const wide = px(2 * Number(error.width ?? 4));
  return sideways
    ? `M${a} ${px(across)}H${b}M${a} ${px(across)}m0-${cap}v${wide}M${b} ${px(across)}m0-${cap}v${wide}`
    : `M${px(across)} ${a}V${b}M${px(across)} ${a}m-${cap} 0h${wide}M${px(across)} ${b}m-${cap} 0h${wide}`;
}

function errorsText(error: any, path: string): string {
  if (path === "") return "";
  return `<path class="error" d="${path}" fill="none" stroke="${attribute(error?.color ?? "#57606a")}" stroke-width="${px(error?.thickness ?? 1.5)}"/>`;
}

export function marker(
  x: number,
  y: number,
  { symbol = "circle", size = 6, line, color }: any,
  otherwise: string,
): string {
  const r = Number(Array.isArray(size) ? size[0] : size) / 2;
  const name = String(symbol);
  const paint = attribute(typeof color === "string" ? color : otherwise);
  const style = name.endsWith("-open")
    ? `fill="none" stroke="${paint}" stroke-width="${px(line?.width ?? 1.5)}"`
    : `fill="${paint}"${line?.width > 0 ? ` stroke="${attribute(line.color)}" stroke-width="${px(line.width)}"` : ""}`;
  const base = name.replace(/-(open|dot)/g, "");
  if (base === "square")
    return `<rect x="${px(x - r)}" y="${px(y - r)}" width="${px(2 * r)}" height="${px(2 * r)}" ${style}/>`;
  if (base === "diamond")
    return `<path d="M${px(x)} ${px(y - r)}l${px(r)} ${px(r)}l-${px(r)} ${px(r)}l-${px(r)}-${px(r)}z" ${style}/>`;
  if (base === "x" || base === "cross") {
    const d =
      base === "x"
        ? `M${px(x - r)} ${px(y - r)}l${px(2 * r)} ${px(2 * r)}m0-${px(2 * r)}l-${px(2 * r)} ${px(2 * r)}`
        : `M${px(x - r)} ${px(y)}h${px(2 * r)}M${px(x)} ${px(y - r)}v${px(2 * r)}`;
    return `<path d="${d}" fill="none" stroke="${paint}" stroke-width="2"/>`;
  }
  if (base === "triangle-left" || base === "triangle-right") {
    const s = base === "triangle-left" ? -1 : 1;
    return `<path d="M${px(x + s * r)} ${px(y)}L${px(x - s * r)} ${px(y - r)}V${px(y + r)}z" ${style}/>`;
  }
  if (base.startsWith("triangle")) {
    const s = base === "triangle-down" ? -1 : 1;
    return `<path d="M${px(x)} ${px(y - s * r)}L${px(x + r)} ${px(y + s * r)}H${px(x - r)}z" ${style}/>`;
  }
  return `<circle cx="${px(x)}" cy="${px(y)}" r="${px(r)}" ${style}/>`;
}

const DASHES: Record<string, string> = { dash: "7 5", dot: "2 4", dashdot: "7 4 2 4", longdash: "12 6" };

export function dashes(dash: unknown): string {
  const pattern = DASHES[String(dash)];
  return pattern === undefined ? "" : ` stroke-dasharray="${pattern}"`;
}

export function attribute(value: unknown): string {
  return escape(typeof value === "string" ? value : colour(0));
}
