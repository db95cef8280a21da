// plot.box: how values spread, a box for each series. After J. W. Tukey, Exploratory Data Analysis, 1977.

import { Figure } from "./figure.ts";
import type { Trace } from "./figure.ts";
import { checkOptions, checkPositive, checkSeries } from "./input.ts";
import type { FigureOptions } from "./style.ts";
import { colour, layoutOf, logAxis, markup, short } from "./style.ts";

export interface BoxOptions extends FigureOptions {
  log?: boolean;
  /** The axis' label. */
  unit?: string;
}

/** What a box shows of a series. */
interface Summary {
  name: string;
  low: number;
  q1: number;
  median: number;
  q3: number;
  high: number;
  outliers: number[];
}

/**
 * Draws a box for each series: from its first to its third quartile, with a line at the median, whiskers to the last
 * value within 1.5 times the box' height, and a dot for each value beyond them.
 *
 * Waits: never. Units: those of the values, named by `unit`. Quartiles are interpolated between neighbours.
 * Throws: TypeError on what is no number, RangeError on an empty series or on 0 and less with `log`.
 * When to use: to compare spreads; `plot.histogram` shows what a box hides, two peaks for example.
 * @example
 * plot.box({ loop: loopMs, par: parMs }, { unit: "ms", title: "51 runs each" });
 */
export function box(values: Readonly<Record<string, ArrayLike<number>>>, options: BoxOptions = {}): Figure {
  checkOptions("plot.box", options);
  const boxes = checkSeries("plot.box", values).map(([name, numbers]) => summary(name, numbers));
  if (options.log === true)
    for (const { name, low, outliers } of boxes)
      checkPositive(`plot.box: ${name}`, outliers[0] === undefined ? low : Math.min(low, outliers[0]));
  const names = boxes.map(({ name }) => markup(name));
  const out = boxes.flatMap(({ name, outliers }) => some(outliers).map((value) => ({ name: markup(name), value })));
  const ends = [...boxes.flatMap(({ low, high }) => [low, high]), ...out.map(({ value }) => value)];
  const data: Trace[] = [
    {
      type: "box",
      x: names,
      q1: boxes.map(({ q1 }) => q1),
      median: boxes.map(({ median }) => median),
      q3: boxes.map(({ q3 }) => q3),
      lowerfence: boxes.map(({ low }) => low),
      upperfence: boxes.map(({ high }) => high),
      showlegend: false,
      whiskerwidth: 0.5,
      width: 0.5,
      fillcolor: "rgba(0,128,200,0.25)",
      line: { color: colour(0), width: 2 },
    },
  ];
  if (out.length > 0)
    data.push({
      type: "scatter",
      mode: "markers",
      x: out.map(({ name }) => name),
      y: out.map(({ value }) => value),
      hovertext: out.map(({ name, value }) => `${name}: ${short(value)}`),
      hoverinfo: "text",
      showlegend: false,
      marker: { color: colour(0), size: 5, symbol: "circle-open" },
    });
  return new Figure({
    data,
    layout: layoutOf({
      ...options,
      yTitle: options.yTitle ?? options.unit,
      xaxis: { type: "category", categoryorder: "array", categoryarray: names, showgrid: false },
      yaxis: options.log === true ? logAxis(ends) : {},
    }),
    description: `${options.title ?? "Box plot"}: ${boxes
      .map(({ name, median, q1, q3 }) => `${name} ${short(median)} (${short(q1)} to ${short(q3)})`.trim())
      .join(", ")}`,
  });
}

/** At most about 200, both ends among them. */
function some(outliers: readonly number[]): readonly number[] {
  const step = Math.ceil(outliers.length / 200);
  return outliers.filter((_, index) => index % step === 0 || index === outliers.length - 1);
}

function summary(name: string, numbers: readonly number[]): Summary {
  const sorted = [...numbers].sort((a, b) => a - b);
  const at = (share: number): number => {
    const place = share * (sorted.length - 1);
    const [below, above] = [sorted[Math.floor(place)]!, sorted[Math.ceil(place)]!];
    return below + (above - below) * (place - Math.floor(place));
  };
  const [q1, median, q3] = [at(0.25), at(0.5), at(0.75)];
  const reach = 1.5 * (q3 - q1);
  const within = sorted.filter((value) => value >= q1 - reach && value <= q3 + reach);
  const outliers = sorted.filter((value) => value < q1 - reach || value > q3 + reach);
  return { name, low: within[0]!, q1, median, q3, high: within.at(-1)!, outliers };
}
