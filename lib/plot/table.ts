// plot.table: rows and columns of numbers and words, in the page sortable by each column.

import { Figure } from "./figure.ts";
import { checkArray, checkNames, checkOptions, say } from "./input.ts";
import type { FigureOptions } from "./style.ts";
import { layoutOf, markup, NEUTRAL, short } from "./style.ts";
import { textWidth } from "./svg-text.ts";

export type TableCell = string | number | bigint | boolean | null | undefined;

export interface TableOptions extends FigureOptions {
  /** Which columns, in which order. Default: those of the rows, in the order in which they come. */
  columns?: readonly string[];
  /** A menu that sorts by a column. Default: for 3 rows and more. */
  sortable?: boolean;
}

/** The width that texts are wrapped for, in pixels. */
const WIDTH = 690;
const FONT = 12.5;
const LINE = 18;
const MOST = 2000;

/**
 * Draws a table, one row an object, one column a key. In the page a menu sorts it; the static picture is in the order given.
 *
 * Waits: never. Whole numbers and texts are shown in full, other numbers with three digits; numbers stand right. Nothing
 * (undefined, null) is an empty cell and sorted last. Throws: TypeError on what is no row or no such cell, RangeError on no
 * rows and on more than 2,000 cells.
 * @example
 * plot.table([{ way: "order", finished: true, ms: 12.25 }, { way: "timed", finished: true, ms: 503 }], { title: "Remedies" });
 */
export function table(rows: readonly Readonly<Record<string, TableCell>>[], options: TableOptions = {}): Figure {
  checkOptions("plot.table", options);
  checkArray("plot.table", rows, "rows { column: value }");
  const columns = options.columns ?? [...new Set(rows.flatMap((row) => Object.keys(row)))];
  checkNames("plot.table: columns", columns);
  if (columns.length === 0) throw new RangeError("plot.table needs at least one column; got rows without any.");
  if (columns.length * rows.length > MOST)
    throw new RangeError(`plot.table draws at most ${MOST} cells; got ${columns.length * rows.length}.`);
  const texts = rows.map((row, index) => columns.map((column) => cellText(row[column], column, index)));
  const isNumber = columns.map((column) =>
    rows.every((row) => ["number", "bigint", "undefined"].includes(typeof (row[column] ?? undefined))),
  );
  const widths = widthsOf(columns, texts);
  const wrapped = texts.map((line) => line.map((text, c) => wrap(text, widths[c]!)));
  const headings = columns.map((column, c) => wrap(column, widths[c]!));
  const lines = (cells: readonly string[]): number => Math.max(...cells.map((cell) => cell.split("\n").length));
  const heights = [headings, ...wrapped].map((cells) => lines(cells) * LINE + 10);
  const isSortable = options.sortable ?? rows.length >= 3;
  const top =
    16 + (options.title === undefined ? 0 : 28) + (options.subtitle === undefined ? 0 : 28) + (isSortable ? 34 : 0);
  const values = (order: readonly number[]): string[][] =>
    columns.map((_, c) => order.map((r) => markup(wrapped[r]![c]!).replaceAll("\n", "<br>")));
  const given = rows.map((_, index) => index);
  const align = isNumber.map((is) => (is ? "right" : "left"));
  const line = { color: "rgba(128,128,128,0.35)", width: 1 };
  return new Figure({
    data: [
      {
        type: "table",
        columnwidth: widths,
        header: {
          values: headings.map((text) => `<b>${markup(text).replaceAll("\n", "<br>")}</b>`),
          align,
          fill: { color: "rgba(128,128,128,0.16)" },
          line,
          font: { size: FONT },
          height: heights[0],
        },
        cells: {
          values: values(given),
          align,
          fill: { color: "rgba(0,0,0,0)" },
          line,
          font: { size: FONT },
          height: LINE + 10,
        },
      },
    ],
    layout: layoutOf({
      ...options,
      height: options.height ?? top + heights.reduce((sum, height) => sum + height, 0) + 20,
      xaxis: { visible: false },
      yaxis: { visible: false },
      rest: {
        margin: { l: 12, r: 12, t: top, b: 8 },
        ...(isSortable
          ? { updatemenus: [menu(columns, (c, down) => values(sorted(rows, columns[c]!, down)), values(given))] }
          : {}),
      },
    }),
    description: `${options.title ?? "Table"}: ${columns.join(", ")}; ${texts.map((row) => row.join(", ")).join("; ")}`,
  });
}

function menu(
  columns: readonly string[],
  by: (column: number, isDown: boolean) => string[][],
  given: string[][],
): object {
  const button = (label: string, values: string[][]): object => ({
    label: markup(label),
    method: "restyle",
    args: [{ "cells.values": [values] }, [0]],
  });
  return {
    type: "dropdown",
    buttons: [
      button("sort by …", given),
      ...columns.flatMap((column, c) => [button(`${column} ▲`, by(c, false)), button(`${column} ▼`, by(c, true))]),
    ],
    x: 0,
    xanchor: "left",
    y: 1,
    yanchor: "bottom",
    pad: { b: 6, t: 0, l: 0, r: 0 },
    // Plotly's own colour under the pointer is light in every theme, so the whole menu is.
    bgcolor: "#eef1f4",
    bordercolor: NEUTRAL,
    font: { color: "#24292f", size: 11 },
  };
}

function sorted(rows: readonly Readonly<Record<string, TableCell>>[], column: string, isDown: boolean): number[] {
  const sign = isDown ? -1 : 1;
  const isNothing = (value: TableCell): boolean => value === undefined || value === null;
  return rows
    .map((row, index) => ({ value: row[column], index }))
    .sort((a, b) => {
      if (isNothing(a.value) || isNothing(b.value)) return Number(isNothing(a.value)) - Number(isNothing(b.value));
      const isText = typeof a.value === "string" || typeof b.value === "string";
      const order = isText
        ? String(a.value).localeCompare(String(b.value), "en", { numeric: true })
        : Number(a.value) - Number(b.value);
      return sign * order;
    })
    .map(({ index }) => index);
}

function cellText(value: unknown, column: string, row: number): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "bigint" || (typeof value === "number" && Number.isSafeInteger(value)))
    return value.toLocaleString("en-US");
  if (typeof value === "number") return short(value);
  throw new TypeError(
    `plot.table needs texts, numbers or booleans; got ${say(value)} as ${JSON.stringify(column)} of row ${row}.`,
  );
}

/** What each column would like; where that is too much for the page, less, but no less than its longest word. */
function widthsOf(columns: readonly string[], texts: readonly (readonly string[])[]): number[] {
  const of = (pieces: (text: string) => readonly string[]): number[] =>
    columns.map((column, c) => {
      const all = [column, ...texts.map((row) => row[c]!)].flatMap(pieces);
      return Math.max(46, ...all.map((piece) => textWidth(piece, FONT))) + 18;
    });
  const wanted = of((text) => [text]);
  const words = of((text) => text.split(/\s/));
  const even = WIDTH / columns.length;
  const least = words.map((width, c) => (wanted[c]! <= even ? wanted[c]! : width));
  const [most, fewest] = [wanted, least].map((widths) => widths.reduce((sum, width) => sum + width, 0));
  if (most! <= WIDTH) return wanted.map((width) => (width * WIDTH) / most!);
  const share = Math.max(0, (WIDTH - fewest!) / (most! - fewest!));
  return wanted.map((width, c) => least[c]! + (width - least[c]!) * share);
}

function wrap(text: string, width: number): string {
  const lines: string[] = [];
  for (const part of text.split("\n")) {
    let line = "";
    for (const word of part.split(" ")) {
      const longer = line === "" ? word : `${line} ${word}`;
      if (line !== "" && textWidth(longer, FONT) > width - 16) {
        lines.push(line);
        line = word;
      } else line = longer;
    }
    lines.push(line);
  }
  return lines.join("\n");
}
