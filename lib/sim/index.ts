// Simulators: what happens on a machine, on a clock that is only counted.

import { clock } from "./clock.ts";
import { gil } from "./gil.ts";
import { interleavings } from "./interleavings.ts";
import { pipeline } from "./pipeline.ts";
import { scheduler } from "./scheduler.ts";

export type { Clock } from "./clock.ts";
export type { GilEvent, GilOptions, GilRun, GilSegment } from "./gil.ts";
export type {
  InterleavedStep,
  Interleaving,
  Interleavings,
  InterleavingsOptions,
  ProgramStep,
} from "./interleavings.ts";
export type { PipelineEvent, PipelineOptions, PipelineQueue, PipelineRun, PipelineStage } from "./pipeline.ts";
export type { Policy, Schedule, SchedulerEvent, SchedulerOptions } from "./scheduler.ts";

/** The simulators. They run nothing: each gives exactly the same on every machine. */
export const sim = { clock, gil, interleavings, pipeline, scheduler };
