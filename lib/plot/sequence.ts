// plot.sequence: who told whom what, in order: a sequence diagram.

import { Figure } from "./figure.ts";
import type { Trace } from "./figure.ts";
import { checkArray, checkNumber, checkOptions } from "./input.ts";
import type { FigureOptions } from "./style.ts";
import { colour, layoutOf, markup, NEUTRAL, short } from "./style.ts";

/** One step: an arrow from one lane to another, or, without `to`, something that a lane does by itself. */
export interface SequenceStep {
  from: string;
  to?: string;
  text: string;
  /** When, in ms; written at the left. The steps are drawn evenly spaced, whatever the time between them. */
  atMs?: number;
}

export interface SequenceOptions extends FigureOptions {
  /** The lanes from left to right. Default: in the order in which the steps name them. */
  lanes?: readonly string[];
}

/**
 * Draws a vertical line for each lane and an arrow for each step, from the top down in the order given.
 *
 * Waits: never. Units: ms. Steps aren't to scale: a Gantt chart shows how long things take, this one what follows what.
 * Throws: TypeError on what is no step, RangeError on no steps.
 * @example
 * plot.sequence([{ from: "notebook", to: "queue", text: "enqueue" }, { from: "queue", to: "thread", text: "dequeue" }]);
 */
export function sequence(steps: readonly SequenceStep[], options: SequenceOptions = {}): Figure {
  checkOptions("plot.sequence", options);
  checkArray<SequenceStep>("plot.sequence", steps, "steps { from, to, text }").forEach((step, index) => {
    for (const key of ["from", "text"] as const) {
      if (typeof step[key] !== "string")
        throw new TypeError(`plot.sequence: step ${index} needs \`${key}\` as a text.`);
    }
    if (step.atMs !== undefined) checkNumber(`plot.sequence: atMs of step ${index}`, step.atMs);
  });
  const named = steps.flatMap(({ from, to }) => (to === undefined ? [from] : [from, to]));
  const lanes = [...new Set([...(options.lanes ?? []), ...named])];
  const laneOf = (name: string): number => lanes.indexOf(name);
  const arrows = steps.map((step, row) => ({ ...step, row, a: laneOf(step.from), b: laneOf(step.to ?? step.from) }));
  const bottom = steps.length - 0.4;
  const top = 60 + (options.title === undefined ? 0 : 28) + (options.subtitle === undefined ? 0 : 28);
  const timed = steps.some(({ atMs }) => atMs !== undefined);
  return new Figure({
    data: [
      lines(
        lanes.flatMap((_, lane) => [lane, lane, null]),
        lanes.flatMap(() => [-0.6, bottom, null]),
        NEUTRAL,
        "dot",
      ),
      lines(
        arrows.flatMap(({ a, b }) => [a, b, null]),
        arrows.flatMap(({ row }) => [row, row, null]),
        colour(0),
      ),
      heads(
        arrows.filter(({ a, b }) => a < b),
        "triangle-right",
        -0.025,
      ),
      heads(
        arrows.filter(({ a, b }) => a > b),
        "triangle-left",
        0.025,
      ),
      heads(
        arrows.filter(({ a, b }) => a === b),
        "square",
        0,
      ),
    ].filter(({ x }) => x.length > 0),
    layout: layoutOf({
      ...options,
      height: options.height ?? top + steps.length * 30 + 20,
      xaxis: { range: [-0.3, lanes.length - 0.5], showticklabels: false, showgrid: false, showline: false, ticks: "" },
      yaxis: {
        range: [bottom, -1.1],
        showgrid: false,
        showline: false,
        ticks: "",
        tickvals: timed ? steps.map((_, row) => row) : [],
        ticktext: timed ? steps.map(({ atMs }) => (atMs === undefined ? "" : `${short(atMs)} ms`)) : [],
      },
      rest: {
        margin: { l: 64, r: 24, t: top - 24, b: 12 },
        annotations: [
          ...lanes.map((name, lane) => ({ ...text(name, lane, -0.75), font: { size: 13 } })),
          ...arrows.map(
            ({ text: words, a, b, row }) =>
              a === b
                ? { ...text(words, a, row), xanchor: "left", yanchor: "middle", xshift: 9 }
                : text(words, Math.abs(a - b) === 1 ? (a + b) / 2 : a + Math.sign(b - a) / 2, row), // not on a lane
          ),
        ],
      },
    }),
    description: `${options.title ?? "Sequence"}: ${steps
      .map(({ from, to, text: words }) => (to === undefined ? `${from}: ${words}` : `${from} → ${to}: ${words}`))
      .join(", ")}`,
  });
}

function lines(x: (number | null)[], y: (number | null)[], color: string, dash?: string): Trace {
  const line = { color, width: dash === undefined ? 1.5 : 1, ...(dash === undefined ? {} : { dash }) };
  return { type: "scatter", mode: "lines", x, y, line, hoverinfo: "skip", connectgaps: false, showlegend: false };
}

function heads(arrows: readonly { b: number; row: number; text: string }[], symbol: string, shift: number): Trace {
  return {
    type: "scatter",
    mode: "markers",
    x: arrows.map(({ b }) => b + shift),
    y: arrows.map(({ row }) => row),
    hovertext: arrows.map((arrow) => markup(arrow.text)),
    hoverinfo: "text",
    marker: { color: colour(0), size: 10, symbol },
    showlegend: false,
  };
}

function text(words: string, x: number, y: number): object {
  return { x, y, text: markup(words), showarrow: false, xanchor: "center", yanchor: "bottom", font: { size: 12 } };
}
