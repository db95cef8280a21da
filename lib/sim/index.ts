// Simulators: what happens on a machine, on a clock that is only counted.

import { scheduler } from "./scheduler.ts";

export type { Policy, Schedule, SchedulerEvent, SchedulerOptions } from "./scheduler.ts";

/** The simulators. They run nothing: each gives exactly the same on every machine. */
export const sim = { scheduler };
