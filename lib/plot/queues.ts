// plot.queues: how full queues were over time.

import { Figure } from "./figure.ts";
import type { Trace } from "./figure.ts";
import { checkArray, checkNumber, checkOptions, isRecord, say } from "./input.ts";
import type { FigureOptions } from "./style.ts";
import { colour, layoutOf, markup, short } from "./style.ts";

/** From `atMs` on the queue held `length` items, until its next point. */
export interface QueuePoint {
  atMs: number;
  length: number;
}

/** A queue with its capacity, as sim.pipeline gives it. */
export interface QueueSeries {
  name: string;
  lengths: readonly QueuePoint[];
  /** Drawn as a dotted line, unless it is Infinity. */
  capacity?: number;
}

/** All queues at one moment, as a pipeline's `queues()` gives them. */
export interface QueueSample {
  atMs: number;
  queues: readonly { name: string; length: number }[];
}

export type QueuesInput =
  | readonly QueueSeries[]
  | readonly QueueSample[]
  | readonly QueuePoint[]
  | Readonly<Record<string, readonly QueuePoint[]>>;

export interface QueuesOptions extends FigureOptions {
  /** Capacities by the queue's name, or one for all. */
  capacity?: number | Readonly<Record<string, number>>;
  /** What the times are called where they are not ms. Default: "ms". */
  unit?: string;
}

const MOST = 2000;

/**
 * Draws a step line for each queue: its length over time, with its capacity dotted in the same colour.
 *
 * Waits: never. Units: ms, or `unit`, from the first point of all; items upwards. Lines of more than 2,000 points keep the
 * highest and the lowest of neighbouring ones.
 * Throws: TypeError on what is no point, RangeError on none.
 * @example
 * plot.queues(sim.pipeline({ items: 100, stages }).queues);
 * plot.queues({ loaded: queue.lengths() }, { capacity: queue.capacity });
 */
export function queues(input: QueuesInput, options: QueuesOptions = {}): Figure {
  checkOptions("plot.queues", options);
  const { unit = "ms" } = options;
  if (typeof unit !== "string") throw new TypeError(`plot.queues: expected unit to be a string, got ${say(unit)}.`);
  const series = readSeries(input).map((one) => ({ ...one, capacity: one.capacity ?? capacityOf(options, one.name) }));
  const zero = Math.min(...series.map(({ lengths }) => lengths[0]!.atMs));
  const end = Math.max(...series.map(({ lengths }) => lengths.at(-1)!.atMs)) - zero;
  const longest = series.map(({ lengths }) => lengths.reduce((most, { length }) => Math.max(most, length), 0));
  const most = Math.max(1, ...longest, ...series.map(({ capacity }) => finite(capacity)));
  const data = series.flatMap(({ name, lengths, capacity }, index): Trace[] => {
    const points = thinned(lengths);
    const color = colour(index);
    const x = points.map(({ atMs }) => Math.round((atMs - zero) * 1000) / 1000);
    const last = points.at(-1)!.length;
    const line: Trace = {
      type: "scatter",
      mode: "lines",
      name: markup(name === "" ? "queue" : name),
      x: x.at(-1)! < end ? [...x, end] : x,
      y: [...points.map(({ length }) => length), ...(x.at(-1)! < end ? [last] : [])],
      line: { color, width: 2, shape: "hv" },
    };
    if (finite(capacity) === 0) return [line];
    const limit: Trace = {
      type: "scatter",
      mode: "lines",
      name: markup(`capacity ${capacity!.toLocaleString("en-US")}`),
      showlegend: series.length === 1,
      x: [0, end],
      y: [capacity, capacity],
      hoverinfo: "skip",
      line: { color, width: 1.5, dash: "dot" },
    };
    return [line, limit];
  });
  return new Figure({
    data,
    layout: layoutOf({
      ...options,
      xTitle: options.xTitle ?? unit,
      yTitle: options.yTitle ?? "items in the queue",
      legend: data.length > 1,
      xaxis: { range: [0, end > 0 ? end * 1.01 : 1] },
      yaxis: { range: [0, most * 1.08] },
    }),
    description: `${options.title ?? "Queue lengths"}: ${series
      .map(({ name }, index) => `${name === "" ? "the queue" : name} at most ${short(longest[index]!)}`)
      .join(", ")} in ${short(end)} ${unit}`,
  });
}

function finite(capacity: number | undefined): number {
  return capacity !== undefined && Number.isFinite(capacity) ? capacity : 0;
}

function capacityOf({ capacity }: QueuesOptions, name: string): number | undefined {
  if (capacity === undefined) return undefined;
  if (!isRecord(capacity)) return checkCapacity("plot.queues: capacity", capacity);
  const own = (capacity as Record<string, unknown>)[name];
  return own === undefined ? undefined : checkCapacity(`plot.queues: capacity of ${JSON.stringify(name)}`, own);
}

function checkCapacity(where: string, value: unknown): number {
  return value === Infinity ? Infinity : checkNumber(where, value);
}

function readSeries(input: unknown): QueueSeries[] {
  if (isRecord(input)) {
    const named = Object.entries(input).map(([name, lengths]) => ({ name, lengths: toPoints(name, lengths) }));
    if (named.length === 0) throw new RangeError("plot.queues needs at least one queue; got none.");
    return named;
  }
  const items = checkArray<Record<string, any>>("plot.queues", input, "queues or points");
  if ("lengths" in items[0]!)
    return items.map(({ name, lengths, capacity }, index) => ({
      name: String(name ?? `queue ${index}`),
      lengths: toPoints(String(name ?? index), lengths),
      ...(capacity === undefined
        ? {}
        : { capacity: checkCapacity(`plot.queues: capacity of queue ${index}`, capacity) }),
    }));
  if (!("queues" in items[0]!)) return [{ name: "", lengths: toPoints("", items) }];
  const named = new Map<string, QueuePoint[]>();
  for (const [index, { atMs, queues: each }] of items.entries())
    for (const { name, length } of checkArray<{ name: string; length: number }>(
      `plot.queues: sample ${index}`,
      each,
      "queues",
    )) {
      if (!named.has(name)) named.set(name, []);
      named.get(name)!.push({ atMs, length });
    }
  return [...named].map(([name, lengths]) => ({ name, lengths: toPoints(name, lengths) }));
}

function toPoints(name: string, lengths: unknown): readonly QueuePoint[] {
  const where = name === "" ? "plot.queues" : `plot.queues: ${JSON.stringify(name)}`;
  const points = checkArray<QueuePoint>(where, lengths, "points { atMs, length }");
  points.forEach(({ atMs, length }, index) => {
    checkNumber(`${where}: atMs of point ${index}`, atMs);
    checkNumber(`${where}: length of point ${index}`, length);
    if (index > 0 && atMs < points[index - 1]!.atMs)
      throw new RangeError(
        `${where} needs its points in order of time; point ${index} is at ${atMs}, before the one before it.`,
      );
  });
  return points;
}

/** Of neighbouring points the first, the lowest and the highest. */
function thinned(points: readonly QueuePoint[]): readonly QueuePoint[] {
  if (points.length <= MOST) return points;
  const step = Math.ceil((3 * points.length) / MOST);
  const kept: QueuePoint[] = [];
  for (let from = 0; from < points.length; from += step) {
    const group = points.slice(from, from + step);
    const by = [...group].sort((a, b) => a.length - b.length);
    kept.push(...new Set([group[0]!, by[0]!, by.at(-1)!].sort((a, b) => a.atMs - b.atMs)));
  }
  kept.push(points.at(-1)!);
  return kept;
}
