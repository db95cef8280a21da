// What a caller sees of lib/plot: `plot` with one function a kind of figure, and the Figure they return.

import { bar } from "./bar.ts";
import { gantt } from "./gantt.ts";
import { line } from "./line.ts";
import { sequence } from "./sequence.ts";
import { speedup } from "./speedup.ts";

export { Figure } from "./figure.ts";
export type { FigureInit, FigurePatch, Layout, Trace } from "./figure.ts";
export type { BarInput, BarOptions, TimedRow, ValueRow } from "./bar.ts";
export type { GanttEvent, GanttOptions } from "./gantt.ts";
export type { LineOptions, LinePoint, LineSeries } from "./line.ts";
export type { SequenceOptions, SequenceStep } from "./sequence.ts";
export type { SpeedupOptions, SpeedupRow } from "./speedup.ts";
export type { FigureOptions } from "./style.ts";

/** The plots: each takes numbers and gives a Figure. */
export const plot = { line, bar, speedup, gantt, sequence };
