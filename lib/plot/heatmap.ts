// plot.heatmap: a matrix of numbers, or of names, as coloured cells.

import { categoryColours, inkOn, ramp, rampScale } from "./colour-scale.ts";
import { Figure } from "./figure.ts";
import type { Trace } from "./figure.ts";
import { checkNames, checkOptions, say } from "./input.ts";
import type { FigureOptions } from "./style.ts";
import { indexTicks, layoutOf, markup, short } from "./style.ts";

/** A cell without a value (null or NaN) stays empty. */
export type HeatmapRow = ArrayLike<number | null | undefined>;

export interface HeatmapOptions extends FigureOptions {
  /** Names of the columns, and of the rows. Default: their numbers, from 0. */
  xNames?: readonly string[];
  yNames?: readonly string[];
  /** What the numbers are, beside the scale of colours. */
  unit?: string;
  /** The numbers are places in this list: each name has its colour, and a legend stands in the place of the scale. */
  categories?: readonly string[];
  /** Writes each value into its cell. Default: up to 144 cells. */
  text?: boolean;
  /** The numbers at the ends of the scale. Default: the lowest and the highest. */
  range?: readonly [low: number, high: number];
}

const MOST = 250_000;
const WITH_TEXT = 144;

/**
 * Draws one coloured cell for each number, row 0 at the top.
 *
 * Waits: never. Shape: `rows[r][c]`, all rows as long as the first; at most 250,000 cells. Units: those of the numbers,
 * named by `unit`. Throws: TypeError on what is no row of numbers, RangeError on rows of several lengths, on none, on a number
 * that names no category.
 * @example
 * plot.heatmap([[0, 0, 1, 1], [1, 0, 0, 1]], { categories: ["thread 0", "thread 1"], xTitle: "block", yTitle: "run" });
 */
export function heatmap(rows: readonly HeatmapRow[], options: HeatmapOptions = {}): Figure {
  checkOptions("plot.heatmap", options);
  const z = toMatrix(rows);
  const [height, width] = [z.length, z[0]!.length];
  const { categories } = options;
  const yNames = namesOf("yNames", options.yNames, height);
  const xNames = namesOf("xNames", options.xNames, width);
  const [low, high] = categories === undefined ? rangeOf(z, options.range) : [-0.5, categories.length - 0.5];
  const colours =
    categories === undefined ? [] : categoryColours(checkNames("plot.heatmap: categories", categories).length);
  if (categories !== undefined) checkCategories(z, categories.length);
  const colourOf = (value: number): string => colours[value] ?? ramp((value - low) / (high - low));
  const words = (value: number): string => categories?.[value] ?? short(value);
  const suffix = options.unit === undefined ? "" : ` ${markup(options.unit)}`;
  const isWritten = options.text ?? (width * height <= WITH_TEXT && categories === undefined);
  const gap = width * height <= 2500 ? 1 : 0;

  const cells: Trace = {
    type: "heatmap",
    z,
    zmin: low,
    zmax: high,
    colorscale: categories === undefined ? rampScale() : steps(colours),
    showscale: categories === undefined,
    colorbar: { thickness: 14, outlinewidth: 0, title: { text: markup(options.unit ?? ""), side: "right" } },
    xgap: gap,
    ygap: gap,
    hoverongaps: false,
    showlegend: false,
    hoverinfo: "text",
    ...(width * height > 20_000
      ? { hoverinfo: "x+y+z" }
      : {
          text: z.map((row, r) =>
            row.map((value, c) => {
              const place = `${markup(options.yTitle ?? "row")} ${markup(yNames?.[r] ?? `${r}`)}, ${markup(options.xTitle ?? "column")} ${markup(xNames?.[c] ?? `${c}`)}`;
              return value === null ? "" : `${place}: ${markup(words(value))}${suffix}`;
            }),
          ),
        }),
  };
  const keys: Trace[] = (categories ?? []).map((name, i) => ({
    type: "scatter",
    mode: "markers",
    name: markup(name),
    x: [null],
    y: [null],
    marker: { color: colours[i], size: 12, symbol: "square" },
  }));
  return new Figure({
    data: [cells, ...keys],
    layout: layoutOf({
      ...options,
      height: options.height ?? Math.round(Math.min(620, Math.max(120, height * (height <= 12 ? 34 : 16))) + 140),
      legend: categories !== undefined,
      xaxis: { range: [-0.5, width - 0.5], showgrid: false, ...indexTicks(width, 20, xNames) },
      yaxis: { range: [height - 0.5, -0.5], showgrid: false, ...indexTicks(height, 24, yNames) },
      rest: {
        annotations: isWritten
          ? z.flatMap((row, r) =>
              row.flatMap((value, c) =>
                value === null
                  ? []
                  : [
                      {
                        x: c,
                        y: r,
                        text: markup(words(value)),
                        showarrow: false,
                        font: { size: 11, color: inkOn(colourOf(value)) },
                      },
                    ],
              ),
            )
          : [],
      },
    }),
    description: `${options.title ?? "Heat map"}: ${height} × ${width} cells${
      categories === undefined
        ? `, ${short(low)} to ${short(high)} ${options.unit ?? ""}`.trimEnd()
        : ` of ${categories.join(", ")}`
    }`,
  });
}

function toMatrix(rows: unknown): (number | null)[][] {
  if (!Array.isArray(rows)) throw new TypeError(`plot.heatmap needs an array of rows of numbers; got ${say(rows)}.`);
  if (rows.length === 0) throw new RangeError("plot.heatmap needs at least one row; got none.");
  const matrix = rows.map((row: unknown, r) => {
    const isRow = Array.isArray(row) || (ArrayBuffer.isView(row) && !(row instanceof DataView));
    if (!isRow)
      throw new TypeError(`plot.heatmap needs each row to be an array of numbers; got ${say(row)} as row ${r}.`);
    return Array.from(row as ArrayLike<unknown>, (value, c) => {
      if (value === null || value === undefined || Number.isNaN(value)) return null;
      if (typeof value !== "number" || !Number.isFinite(value))
        throw new TypeError(`plot.heatmap needs finite numbers; got ${say(value)} in row ${r}, column ${c}.`);
      return value;
    });
  });
  const width = matrix[0]!.length;
  const odd = matrix.findIndex((row) => row.length !== width);
  if (odd >= 0)
    throw new RangeError(
      `plot.heatmap needs rows of one length; row 0 has ${width}, row ${odd} has ${matrix[odd]!.length}.`,
    );
  if (width === 0) throw new RangeError("plot.heatmap needs at least one column; got none.");
  if (matrix.length * width > MOST)
    throw new RangeError(
      `plot.heatmap draws at most ${MOST} cells; got ${matrix.length * width}: average blocks of them first.`,
    );
  return matrix;
}

function namesOf(which: string, names: readonly string[] | undefined, count: number): readonly string[] | undefined {
  if (names === undefined) return undefined;
  checkNames(`plot.heatmap: ${which}`, names);
  if (names.length !== count)
    throw new RangeError(`plot.heatmap: ${which} needs ${count} names, one each; got ${names.length}.`);
  return names;
}

function rangeOf(z: readonly (number | null)[][], range: unknown): [number, number] {
  if (range !== undefined) {
    const [low, high] = Array.isArray(range) ? (range as unknown[]) : [];
    if (typeof low !== "number" || typeof high !== "number" || !(low < high) || !Number.isFinite(high - low))
      throw new RangeError(`plot.heatmap: range needs two numbers, [low, high]; got ${say(range)}.`);
    return [low, high];
  }
  let [low, high] = [Infinity, -Infinity];
  for (const row of z)
    for (const value of row) {
      if (value === null) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  if (low > high) return [0, 1];
  return low === high ? [low - 0.5, high + 0.5] : [low, high];
}

function checkCategories(z: readonly (number | null)[][], count: number): void {
  for (const [r, row] of z.entries())
    for (const value of row)
      if (value !== null && !(Number.isInteger(value) && value >= 0 && value < count))
        throw new RangeError(`plot.heatmap: ${value} in row ${r} is no place in categories, which has ${count} names.`);
}

/** One even colour for each category. */
function steps(colours: readonly string[]): [number, string][] {
  return colours.flatMap((color, i): [number, string][] => [
    [i / colours.length, color],
    [(i + 1) / colours.length, color],
  ]);
}
