// Boxes with texts and arrows between them: what plot.flow, plot.tree and plot.waitGraph have placed. Positions are in
// pixels of a page 700 wide; on another page everything is stretched across alike, so an arrow still ends at its box.

import { asHex, inkOn } from "./colour-scale.ts";
import { Figure } from "./figure.ts";
import type { Trace } from "./figure.ts";
import type { FigureOptions } from "./style.ts";
import { colour, layoutOf, markup, NEUTRAL } from "./style.ts";
import { textWidth } from "./svg-text.ts";

export interface PlacedBox {
  /** Middle, from the left and from the top. */
  x: number;
  y: number;
  width: number;
  height: number;
  lines: readonly string[];
  /** "#rrggbb"; without one the box is only an outline. */
  fill?: string | undefined;
  isMarked?: boolean | undefined;
  hover?: string | undefined;
  /** A smaller line under the box. */
  note?: string | undefined;
  /** From the middle of the box the note goes to this side only: arrows leave on the other. */
  noteSide?: "left" | "right" | undefined;
}

export interface PlacedArrow {
  from: PlacedBox;
  to: PlacedBox;
  text?: string | undefined;
  isMarked?: boolean | undefined;
  /** A key of the legend; arrows of one kind look alike. */
  kind?: string | undefined;
  dash?: string | undefined;
  /** Goes by this far to the side of the straight way: two arrows between the same boxes don't lie on each other. */
  bend?: number | undefined;
  isHeadless?: boolean | undefined;
}

export const PAGE = 700;
export const FONT = 12.5;
export const NOTE_FONT = 10.5;
const LINE = 17;
const MARKED = colour(3);

/** The text in lines of about `most` characters, and how large its box has to be. */
export function sizeOf(text: string, most: number): { lines: string[]; width: number; height: number } {
  const lines: string[] = [];
  for (const part of text.split("\n")) {
    let line = "";
    for (const word of part.split(" ")) {
      if (line !== "" && line.length + 1 + word.length > most) {
        lines.push(line);
        line = word;
      } else line = line === "" ? word : `${line} ${word}`;
    }
    lines.push(line);
  }
  const width = Math.max(36, ...lines.map((line) => textWidth(line, FONT))) + 22;
  return { lines, width, height: lines.length * LINE + 16 };
}

export function boxesFigure(
  boxes: readonly PlacedBox[],
  arrows: readonly PlacedArrow[],
  { width, height }: { width: number; height: number },
  options: FigureOptions,
  description: string,
): Figure {
  const isKeyed = arrows.some(({ kind }) => kind !== undefined);
  const top =
    16 + (options.title === undefined ? 0 : 28) + (options.subtitle === undefined ? 0 : 28) + (isKeyed ? 30 : 0);
  const groups = Map.groupBy(arrows, ({ kind = "", isMarked = false, dash = "", isHeadless = false }) =>
    [kind, isMarked, dash, isHeadless].join("\n"),
  );
  const spare = Math.max(0, PAGE - width) / 2;
  return new Figure({
    data: [...[...groups.values()].map(arrowTrace), hoverTrace(boxes)],
    layout: layoutOf({
      ...options,
      legend: isKeyed,
      height: options.height ?? height + top + 16,
      xaxis: { range: [-spare, width + spare], visible: false },
      yaxis: { range: [height, 0], visible: false },
      rest: {
        margin: { l: 12, r: 12, t: top, b: 16 },
        shapes: boxes.map(({ x, y, width: w, height: h, fill, isMarked = false }) => ({
          type: "rect",
          x0: x - w / 2,
          x1: x + w / 2,
          y0: y - h / 2,
          y1: y + h / 2,
          fillcolor: fill ?? "rgba(0,0,0,0)",
          line: { color: isMarked ? MARKED : NEUTRAL, width: isMarked ? 3 : 1 },
          layer: "below",
        })),
        annotations: [...boxes.flatMap(boxTexts), ...arrows.flatMap(arrowText)],
      },
    }),
    description,
  });
}

function boxTexts({ x, y, height, lines, fill, note, noteSide }: PlacedBox): object[] {
  const ink = fill === undefined ? undefined : asHex(fill);
  const font = { size: FONT, ...(ink === undefined ? {} : { color: inkOn(ink) }) };
  const texts: object[] = lines.map((line, index) => ({
    x,
    y: y + (index - (lines.length - 1) / 2) * LINE,
    text: markup(line),
    showarrow: false,
    yanchor: "middle",
    font,
  }));
  if (note !== undefined)
    texts.push({
      x,
      y: y + height / 2 + 9,
      text: markup(note),
      showarrow: false,
      yanchor: "middle",
      // Anchored at the end that is at the middle of the box.
      xanchor: noteSide === undefined ? "center" : noteSide === "left" ? "right" : "left",
      font: { size: NOTE_FONT },
    });
  return texts;
}

function arrowText(arrow: PlacedArrow): object[] {
  if (arrow.text === undefined) return [];
  const way = wayOf(arrow);
  // On what leads into the box of a tree, at the top of a bend, otherwise halfway.
  const [a, b] = arrow.isHeadless === true ? way.slice(-2) : way.length > 2 ? [way[1], way[1]] : way;
  const [x, y] = [(a![0] + b![0]) / 2, (a![1] + b![1]) / 2];
  return [{ x, y, text: markup(arrow.text), showarrow: false, yanchor: "bottom", yshift: 2, font: { size: 11 } }];
}

function arrowTrace(group: readonly PlacedArrow[]): Trace {
  const { kind, isMarked, dash, isHeadless } = group[0]!;
  const ways = group.map(wayOf);
  const color = isMarked === true ? MARKED : NEUTRAL;
  return {
    type: "scatter",
    mode: isHeadless === true ? "lines" : "lines+markers",
    ...(kind === undefined ? { showlegend: false } : { name: markup(kind) }),
    x: ways.flatMap((way) => [...way.map(([x]) => x), null]),
    y: ways.flatMap((way) => [...way.map(([, y]) => y), null]),
    hoverinfo: "skip",
    connectgaps: false,
    line: { color, width: isMarked === true ? 2.5 : 1.5, ...(dash === undefined ? {} : { dash }) },
    // One head a way, at its end, turned as the way comes in.
    marker: {
      color,
      symbol: "arrow",
      angleref: "previous",
      opacity: 1,
      line: { width: 0 },
      size: ways.flatMap((way) => [...way.map((_, index) => (index === way.length - 1 ? 13 : 0)), 0]),
    },
  };
}

/** Transparent, over the boxes: what the page shows under the pointer. */
function hoverTrace(boxes: readonly PlacedBox[]): Trace {
  return {
    type: "scatter",
    mode: "markers",
    showlegend: false,
    x: boxes.map(({ x }) => x),
    y: boxes.map(({ y }) => y),
    hovertext: boxes.map(({ lines, hover }) => markup(hover ?? lines.join(" ")).replaceAll("\n", "<br>")),
    hoverinfo: "text",
    marker: { size: 30, color: "rgba(0,0,0,0)" },
  };
}

/** From border to border. */
function wayOf({ from, to, bend = 0, isHeadless = false }: PlacedArrow): [number, number][] {
  if (isHeadless) {
    // A branch of a tree: along, across, along.
    const [start, end] = [from.x + from.width / 2, to.x - to.width / 2];
    const middle = start + (end - start) / 2;
    return from.y === to.y
      ? [
          [start, from.y],
          [end, to.y],
        ]
      : [
          [start, from.y],
          [middle, from.y],
          [middle, to.y],
          [end, to.y],
        ];
  }
  if (bend === 0) return [border(from, to.x, to.y), border(to, from.x, from.y)];
  const length = Math.hypot(to.x - from.x, to.y - from.y) || 1;
  const x = (from.x + to.x) / 2 - ((to.y - from.y) / length) * bend;
  const y = (from.y + to.y) / 2 + ((to.x - from.x) / length) * bend;
  return [border(from, x, y), [x, y], border(to, x, y)];
}

/** Where the straight line from a box' middle to a point leaves the box. */
function border({ x, y, width, height }: PlacedBox, toX: number, toY: number): [number, number] {
  const [dx, dy] = [toX - x, toY - y];
  const share = Math.min(width / 2 / Math.abs(dx), height / 2 / Math.abs(dy));
  return Number.isFinite(share) ? [x + dx * share, y + dy * share] : [x, y];
}
