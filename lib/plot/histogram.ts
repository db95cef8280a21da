// plot.histogram: how often which values came. The bins are counted here, so that every picture of them is the same.

import { Figure } from "./figure.ts";
import { checkNumber, checkOptions, checkSeries } from "./input.ts";
import type { FigureOptions, Mark } from "./style.ts";
import { colour, indexTicks, layoutOf, markLayout, markup, short } from "./style.ts";

export interface HistogramOptions extends FigureOptions {
  /** About how many bins; their width is rounded to 1, 2 or 5 times a power of ten. Default: by Freedman and Diaconis. */
  bins?: number;
  /** The width itself, in the units of the values. */
  binWidth?: number;
  /** Values to point out, each with a dotted line and its text: what was expected, a mean. */
  marks?: readonly Mark[];
}

const MOST = 200;

/**
 * Draws how many of the values lie in each bin; several series of values lie one over the other, in the same bins.
 *
 * Waits: never. Units: those of the values across, how many upwards. A bin holds its lower end, not its upper one. Values
 * that are all whole numbers get bins that are as well, each around its numbers.
 * Bin width by default: D. Freedman, P. Diaconis, On the histogram as a density estimator, 1981.
 * Throws: TypeError on what is no number, RangeError on none, and on bins of 0 or more than 200 of them.
 * @example
 * plot.histogram(counts, { title: "20 runs", xTitle: "counted of 400,000", marks: [{ at: 400_000, text: "right" }] });
 */
export function histogram(
  values: ArrayLike<number> | Readonly<Record<string, ArrayLike<number>>>,
  options: HistogramOptions = {},
): Figure {
  checkOptions("plot.histogram", options);
  const series = checkSeries("plot.histogram", values);
  const marks = options.marks ?? [];
  marks.forEach(({ at }, index) => checkNumber(`plot.histogram: at of mark ${index}`, at));
  const sorted = series.flatMap(([, numbers]) => numbers).sort((a, b) => a - b);
  const whole = sorted.every(Number.isInteger);
  const width = widthOf(sorted, whole, options);
  // A bin of one whole number stands around it, wider ones begin at it: the axis then names what is in them.
  const shift = whole && width === 1 ? 0.5 : 0;
  const first = Math.floor(sorted[0]! / width);
  const count = Math.floor(sorted.at(-1)! / width) - first + 1;
  const bins = series.map(([name, numbers]) => {
    const counts: number[] = Array.from({ length: count }, () => 0);
    for (const number of numbers) counts[Math.min(count - 1, Math.max(0, Math.floor(number / width) - first))]!++;
    return { name, counts, of: numbers.length };
  });
  const starts = Array.from({ length: count }, (_, i) => Number(((first + i) * width).toPrecision(12)));
  const most = Math.max(...bins.flatMap(({ counts }) => counts));
  const several = series.length > 1;
  const ends = [...marks.map(({ at }) => at), starts[0]! - shift, starts[0]! + count * width - shift];
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  const pad = (high - low) * 0.03;
  return new Figure({
    data: bins.map(({ name, counts, of }, index) => ({
      type: "bar",
      ...(name === "" ? {} : { name: markup(name) }),
      x: starts.map((start) => start + width / 2 - shift),
      y: counts,
      width,
      opacity: several ? 0.6 : 1,
      marker: { color: colour(index), line: { color: "rgba(255,255,255,0.7)", width: count > 60 ? 0 : 0.75 } },
      hovertext: counts.map((n, i) => {
        const range = shift > 0 ? short(starts[i]!) : `${short(starts[i]!)} to ${short(starts[i]! + width)}`;
        return `${name === "" ? "" : `${markup(name)}: `}${range}<br>${n} of ${of}`;
      }),
      hoverinfo: "text",
    })),
    layout: layoutOf({
      ...options,
      yTitle: options.yTitle ?? "how many",
      legend: several,
      xaxis: { range: [low - pad, high + pad] },
      yaxis: { rangemode: "tozero", ...(most <= 8 ? indexTicks(most + 1, 9) : {}) },
      rest: { barmode: "overlay", bargap: 0, ...markLayout(marks, false, (low + high) / 2) },
    }),
    description: `${options.title ?? "Histogram"}: ${series
      .map(([name, numbers]) => `${name === "" ? "" : `${name}, `}${numbers.length} values`)
      .join("; ")} from ${short(sorted[0]!)} to ${short(sorted.at(-1)!)}`,
  });
}

function widthOf(sorted: readonly number[], whole: boolean, { bins, binWidth }: HistogramOptions): number {
  const range = sorted.at(-1)! - sorted[0]!;
  if (binWidth !== undefined) {
    if (checkNumber("plot.histogram: binWidth", binWidth) <= 0 || range / binWidth >= MOST)
      throw new RangeError(
        `plot.histogram: binWidth needs to be above 0 and to make at most ${MOST} bins; got ${binWidth}.`,
      );
    return binWidth;
  }
  if (bins !== undefined && !(checkNumber("plot.histogram: bins", bins) >= 1 && bins <= MOST))
    throw new RangeError(`plot.histogram: bins needs to be from 1 to ${MOST}; got ${bins}.`);
  if (range === 0) return whole ? 1 : Math.abs(sorted[0]!) * 0.1;
  const quartile = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))]!;
  const spread = quartile(0.75) - quartile(0.25);
  const wanted = spread > 0 ? range / ((2 * spread) / Math.cbrt(sorted.length)) : Math.log2(sorted.length) + 1;
  const width = rounded(range / (bins ?? Math.min(60, Math.max(5, wanted))));
  return whole ? Math.max(1, width) : width;
}

/** Up to the next 1, 2 or 5 times a power of ten. */
function rounded(width: number): number {
  const power = 10 ** Math.floor(Math.log10(width));
  return ([1, 2, 5].find((factor) => factor * power >= width * (1 - 1e-9)) ?? 10) * power;
}
