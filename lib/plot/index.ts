// What a caller sees of lib/plot: `plot` with one function a kind of figure, and the Figure they return.

import { bar } from "./bar.ts";
import { box } from "./box.ts";
import { flow } from "./flow.ts";
import { gantt } from "./gantt.ts";
import { heatmap } from "./heatmap.ts";
import { histogram } from "./histogram.ts";
import { line } from "./line.ts";
import { queues } from "./queues.ts";
import { sequence } from "./sequence.ts";
import { speedup } from "./speedup.ts";
import { table } from "./table.ts";
import { tree } from "./tree.ts";
import { waitGraph } from "./wait-graph.ts";

export { Figure } from "./figure.ts";
export type { FigureInit, FigurePatch, Layout, Trace } from "./figure.ts";
export type { BarInput, BarOptions, TimedRow, ValueRow } from "./bar.ts";
export type { BoxOptions } from "./box.ts";
export type { FlowArrow, FlowBox, FlowInput } from "./flow.ts";
export type { GanttEvent, GanttOptions } from "./gantt.ts";
export type { HeatmapOptions, HeatmapRow } from "./heatmap.ts";
export type { HistogramOptions } from "./histogram.ts";
export type { LineOptions, LinePoint, LineSeries } from "./line.ts";
export type { QueuePoint, QueueSample, QueueSeries, QueuesInput, QueuesOptions } from "./queues.ts";
export type { SequenceOptions, SequenceStep } from "./sequence.ts";
export type { SpeedupOptions, SpeedupRow } from "./speedup.ts";
export type { TableCell, TableOptions } from "./table.ts";
export type { TreeNode } from "./tree.ts";
export type { WaitEdge, WaitGraphInput } from "./wait-graph.ts";
export type { FigureOptions, Mark } from "./style.ts";

/** The plots: each takes numbers and gives a Figure. */
export const plot = {
  line,
  bar,
  speedup,
  gantt,
  sequence,
  queues,
  heatmap,
  histogram,
  box,
  waitGraph,
  flow,
  tree,
  table,
};
