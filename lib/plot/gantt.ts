// plot.gantt: which thread ran which task when, from the events that a pool records with `trace: true`.

import type { Lanes, Span } from "./gantt-lanes.ts";
import { lanesOf, merged } from "./gantt-lanes.ts";
import { Figure } from "./figure.ts";
import type { Trace } from "./figure.ts";
import { checkArray, checkNumber, checkOptions, say } from "./input.ts";
import type { FigureOptions } from "./style.ts";
import { colour, layoutOf, markup, NEUTRAL, short } from "./style.ts";

/** One event of a pool's trace; `atMs` on a clock that all events share. */
export interface GanttEvent {
  kind: "enqueue" | "start" | "end" | "steal" | "wait" | "wake";
  thread: number;
  task: number;
  /** A steal: the thread whose queue lost the task. */
  from?: number;
  atMs: number;
  label?: string;
}

export interface GanttOptions extends FigureOptions {
  /** How a lane is called. Default: "thread 0", … */
  threadName?: (thread: number) => string;
  /** At most this many bars; beyond it, neighbouring short tasks of a lane are drawn as one. Default 1500. */
  maxBars?: number;
  /** What the times are called where they are not ms: those of a virtual clock. Default: "ms". */
  unit?: string;
}

const LABELS = 6;

/**
 * Draws one lane for each thread and one bar for each task from its start to its end; a steal is a line from the lane
 * that lost the task to a marker on the one that took it, waiting is a thin grey bar.
 *
 * Waits: never. Units: ms, or `unit`, from the first event. Tasks are coloured by their label while there are at most six labels.
 * A task that had not ended is drawn open to the last event; one whose start is missing begins at the first event.
 * Throws: TypeError on what is no event, RangeError on an empty trace.
 * @example
 * await using pool = new Pool({ threads: 2, trace: true });
 * await pool.map([1, 2, 3, 4], (n) => n * n);
 * plot.gantt(pool.trace(), { title: "Which thread did what" });
 */
export function gantt(events: readonly GanttEvent[], options: GanttOptions = {}): Figure {
  checkOptions("plot.gantt", options);
  if (Array.isArray(events) && events.length === 0) {
    throw new RangeError("plot.gantt got an empty trace: record one with new Pool({ trace: true }) and run a task.");
  }
  checkArray<GanttEvent>("plot.gantt", events, "trace events");
  events.forEach((event, index) => {
    checkNumber(`plot.gantt: atMs of event ${index}`, event.atMs);
    checkNumber(`plot.gantt: thread of event ${index}`, event.thread);
  });
  const { unit = "ms" } = options;
  if (typeof unit !== "string") throw new TypeError(`plot.gantt: expected unit to be a string, got ${say(unit)}.`);
  const lanes = lanesOf(events);
  if (lanes.threads.length === 0) {
    throw new RangeError(
      `plot.gantt got ${events.length} events, none of which says that a task started, ended or waited.`,
    );
  }
  const bars = merged(lanes, options.maxBars ?? 1500);
  const drawn: Figure = new Figure({ data: [], layout: {}, description: describe(lanes, options) });
  drawn.data.push(...taskTraces(lanes, bars, unit), ...waitTrace(lanes, unit), ...stealTraces(lanes));
  const legend = drawn.data.some((trace) => trace.showlegend !== false);
  const { threads } = lanes;
  const subtitle = bars.length < lanes.tasks.length ? "neighbouring short tasks are drawn as one bar" : undefined;
  const layout = layoutOf({
    ...options,
    subtitle: options.subtitle ?? (options.title === undefined ? undefined : subtitle),
    xTitle: options.xTitle ?? unit,
    height: options.height ?? Math.min(900, 150 + (legend ? 30 : 0) + threads.length * (threads.length > 16 ? 20 : 34)),
    legend,
    xaxis: { range: [0, lanes.endMs > 0 ? lanes.endMs * 1.01 : 1] },
    yaxis: {
      tickvals: threads.map((_, lane) => lane),
      ticktext: threads.map((thread) => markup(options.threadName?.(thread) ?? `thread ${thread}`)),
      range: [threads.length - 0.5, -0.5],
      showgrid: false,
    },
    rest: { barmode: "overlay" },
  });
  Object.assign(drawn.layout, layout);
  return drawn;
}

function taskTraces(lanes: Lanes, spans: Span[], unit: string): Trace[] {
  const labels = [...new Set(lanes.tasks.map(({ label }) => label ?? ""))];
  const byLabel = labels.length > 1 && labels.length <= LABELS;
  const groups = Map.groupBy(spans, (span) => `${span.open}\n${byLabel ? (span.label ?? "") : ""}`);
  const traces: Trace[] = [];
  for (const [, group] of groups) {
    const { open, label } = group[0]!;
    const color = colour(byLabel ? Math.max(0, labels.indexOf(label ?? "")) : 0);
    const name = open ? "still running" : byLabel ? label || "no label" : "task";
    traces.push({
      ...bars(group, 0.7),
      name: markup(name),
      showlegend: open || byLabel,
      marker: open
        ? { color: "rgba(0,0,0,0)", line: { color, width: 1.5 } }
        : { color, line: { color: "rgba(255,255,255,0.75)", width: group.length > 400 ? 0 : 0.75 } },
      hovertext: group.map((span) => hover(span, markup(unit))),
    });
  }
  return traces;
}

function waitTrace(lanes: Lanes, unit: string): Trace[] {
  if (lanes.waits.length === 0) return [];
  return [
    {
      ...bars(lanes.waits, 0.22),
      name: "waiting",
      showlegend: true,
      marker: { color: NEUTRAL },
      hovertext: lanes.waits.map((span) => `waiting ${short(span.toMs - span.fromMs)} ${markup(unit)}`),
    },
  ];
}

function stealTraces({ steals }: Lanes): Trace[] {
  if (steals.length === 0) return [];
  const color = colour(3);
  const known = steals.filter((steal) => steal.fromLane !== undefined);
  const lines: Trace = {
    type: "scatter",
    mode: "lines",
    name: "steal (from lane)",
    legendgroup: "steal",
    showlegend: false,
    x: known.flatMap(({ atMs }) => [atMs, atMs, null]),
    y: known.flatMap(({ fromLane, lane }) => [fromLane!, lane, null]),
    hoverinfo: "skip",
    connectgaps: false,
    line: { color, width: 1 },
  };
  const heads: Trace = {
    type: "scatter",
    mode: "markers",
    name: "steal",
    legendgroup: "steal",
    showlegend: true,
    x: steals.map(({ atMs }) => atMs),
    y: steals.map(({ lane }) => lane),
    hovertext: steals.map(({ text }) => text),
    hoverinfo: "text",
    marker: { color, size: 8, symbol: "diamond", line: { color: "rgba(255,255,255,0.9)", width: 1 } },
  };
  return known.length > 0 && known.length <= 300 ? [lines, heads] : [heads];
}

function bars(spans: readonly { lane: number; fromMs: number; toMs: number }[], width: number): Trace {
  return {
    type: "bar",
    orientation: "h",
    y: spans.map(({ lane }) => lane),
    base: spans.map(({ fromMs }) => round(fromMs)),
    x: spans.map(({ fromMs, toMs }) => round(toMs - fromMs)),
    width,
    hoverinfo: "text",
  };
}

function hover(span: Span, unit: string): string {
  const name = span.count > 1 ? `${span.count} tasks` : `task ${span.task}`;
  const label = span.label === undefined ? "" : `, ${markup(span.label)}`;
  const queued = span.queuedMs === undefined ? "" : `<br>queued for ${short(span.queuedMs)} ${unit}`;
  const time = `${short(span.fromMs)} to ${short(span.toMs)} ${unit} (${short(span.toMs - span.fromMs)} ${unit})`;
  return `${name}${label}<br>${time}${span.open ? ", still running" : ""}${queued}`;
}

function describe(lanes: Lanes, options: GanttOptions): string {
  const steals = lanes.steals.length === 0 ? "" : `, ${lanes.steals.length} steals`;
  const [tasks, threads] = [lanes.tasks.length, lanes.threads.length];
  const what = `${tasks} task${tasks === 1 ? "" : "s"} on ${threads} thread${threads === 1 ? "" : "s"}`;
  return `${options.title ?? "Gantt chart"}: ${what} in ${short(lanes.endMs)} ${options.unit ?? "ms"}${steals}`;
}

/** Microseconds are enough, and keep the saved notebook small. */
function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
