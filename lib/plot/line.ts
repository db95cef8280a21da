// plot.line: one or several lines over numbers, with intervals where there are any.

import { Figure } from "./figure.ts";
import { checkArray, checkNumber, checkOptions, checkPositive, isRecord, say } from "./input.ts";
import type { FigureOptions, Mark } from "./style.ts";
import { colour, layoutOf, logAxis, markLayout, markup } from "./style.ts";

/** A point of a line; `low` and `high` are the ends of its interval, in the units of y. */
export interface LinePoint {
  x: number;
  y: number;
  low?: number;
  high?: number;
}

/** A line: points, pairs [x, y], or bare numbers, which stand at x = 0, 1, 2, … */
export type LineSeries = readonly (LinePoint | readonly [x: number, y: number] | number)[];

export interface LineOptions extends FigureOptions {
  logX?: boolean;
  logY?: boolean;
  /** A dot at each point. Default: up to 50 points. */
  markers?: boolean;
  /** Places on the x axis, each with a dotted line and its text; `line` names the line whose colour it has. */
  marks?: readonly { at: number; text: string; line?: string }[];
}

/**
 * Draws one line, or one a name of a record, each through its points in the order given.
 *
 * Waits: never. Units: those of the numbers; name them in `xTitle` and `yTitle`.
 * Throws: TypeError on what is no point, RangeError on an empty line or on 0 and less on a logarithmic axis.
 * @example
 * plot.line({ plain: [[1, 3], [2, 5]], atomic: [{ x: 1, y: 9, low: 8, high: 11 }] }, { xTitle: "threads", yTitle: "ms" });
 */
export function line(series: LineSeries | Record<string, LineSeries>, options: LineOptions = {}): Figure {
  checkOptions("plot.line", options);
  const named: [string, LineSeries][] = Array.isArray(series)
    ? [["", series as LineSeries]]
    : isRecord(series)
      ? (Object.entries(series) as [string, LineSeries][])
      : [];
  if (named.length === 0) {
    throw new TypeError(`plot.line needs points or an object of lines by name; got ${say(series)}.`);
  }
  const lines = named.map(([name, points]) => ({ name, points: toPoints(name, points, options) }));
  const legend = lines.length > 1;
  const most = Math.max(...lines.map(({ points }) => points.length));
  const markers = options.markers ?? most <= 50;
  return new Figure({
    data: lines.map(({ name, points }, index) => ({
      type: "scatter",
      mode: markers ? "lines+markers" : "lines",
      ...(name === "" ? {} : { name: markup(name) }),
      x: points.map((point) => point.x),
      y: points.map((point) => point.y),
      line: { color: colour(index), width: 2 },
      marker: { color: colour(index), size: 7 },
      ...intervals(points, colour(index)),
    })),
    layout: layoutOf({
      ...options,
      legend,
      xaxis: options.logX === true ? logAxis(lines.flatMap(({ points }) => points.map(({ x }) => x))) : {},
      yaxis: options.logY === true ? logAxis(lines.flatMap(({ points }) => points.map(({ y }) => y))) : {},
      rest:
        options.marks === undefined || options.marks.length === 0
          ? {}
          : markLayout(toMarks(options, lines), options.logX),
    }),
    description: `${options.title ?? "Line plot"}: ${lines
      .map(({ name, points }) => `${name === "" ? "" : `${name}, `}${points.length} points`)
      .join("; ")}`,
  });
}

/** Plotly's error_y for points that have an interval; nothing when none has. */
export function intervals(points: readonly LinePoint[], color: string): object {
  if (points.every((point) => point.low === undefined && point.high === undefined)) return {};
  return {
    error_y: {
      type: "data",
      symmetric: false,
      array: points.map((point) => Math.max(0, (point.high ?? point.y) - point.y)),
      arrayminus: points.map((point) => Math.max(0, point.y - (point.low ?? point.y))),
      color,
      thickness: 1.5,
      width: 4,
    },
  };
}

function toMarks({ marks, logX }: LineOptions, lines: readonly { name: string }[]): Mark[] {
  return checkArray<{ at: number; text: string; line?: string }>("plot.line: marks", marks, "marks { at, text }").map(
    ({ at, text, line: name }, index) => {
      checkNumber(`plot.line: at of mark ${index}`, at);
      if (logX === true) checkPositive(`plot.line: at of mark ${index}`, at);
      const place = lines.findIndex((one) => one.name === name);
      return { at, text: String(text), ...(place < 0 ? {} : { color: colour(place) }) };
    },
  );
}

function toPoints(name: string, series: unknown, { logX, logY }: LineOptions): LinePoint[] {
  const where = name === "" ? "plot.line" : `plot.line: the line ${JSON.stringify(name)}`;
  if (Array.isArray(series) && series.every((item) => typeof item === "number")) {
    series = series.map((y, x) => ({ x, y }));
  }
  return checkArray<LinePoint | [number, number]>(where, series, "points").map((item, index) => {
    const point: LinePoint = Array.isArray(item) ? { x: item[0]!, y: item[1]! } : item;
    checkNumber(`${where}: x of point ${index}`, point.x);
    checkNumber(`${where}: y of point ${index}`, point.y);
    if (point.low !== undefined) checkNumber(`${where}: low of point ${index}`, point.low);
    if (point.high !== undefined) checkNumber(`${where}: high of point ${index}`, point.high);
    if (logX === true) checkPositive(`${where}: x of point ${index}`, point.x);
    if (logY === true) checkPositive(`${where}: y of point ${index}`, point.y);
    return point;
  });
}
