// sim.pipeline: stages with workers and bounded queues between them, on the virtual clock.

import { checkInteger, checkKnown } from "../checks.ts";
import { Clock } from "./clock.ts";

export interface PipelineStage {
  /** Default: "stage 0", … */
  name?: string;
  /** For each item, or by its number. */
  time: number | ((item: number) => number);
  /** How many items at a time. Default: 1. */
  workers?: number;
  /** Of the queue before it: 0 hands over only to a worker that is idle. Default: Infinity. Not for the first stage. */
  capacity?: number;
}

export interface PipelineOptions {
  items: number;
  stages: readonly PipelineStage[];
}

/** As a pool's trace, so that plot.gantt draws it: a thin bar where a worker is held back because the next queue is full. */
export interface PipelineEvent {
  kind: "start" | "end" | "wait" | "wake";
  /** Numbers all workers of all stages; `workers[thread]` is its name. */
  thread: number;
  task: number;
  atMs: number;
  label: string;
}

export interface PipelineQueue {
  /** "load → infer" */
  name: string;
  capacity: number;
  /** Its length after each change. */
  lengths: { atMs: number; length: number }[];
  maxLength: number;
}

export interface PipelineRun {
  /** When the last item left the last stage; 0 without items. */
  makespan: number;
  /** All items through all stages one after the other. */
  sequential: number;
  stages: {
    name: string;
    /** Time of all its workers. */
    busy: number;
    blocked: number;
    /** Share of its workers' time until the end that they worked. */
    utilisation: number;
  }[];
  queues: PipelineQueue[];
  workers: string[];
  /** In order of time. */
  trace: PipelineEvent[];
}

interface Stage {
  readonly name: string;
  readonly time: (item: number) => number;
  readonly capacity: number;
  readonly idle: number[];
  readonly workers: number;
  readonly queue: number[];
  /** Done, but the next stage takes it not yet. */
  readonly held: { worker: number; item: number; sinceMs: number }[];
  readonly lengths: { atMs: number; length: number }[];
  busy: number;
  blocked: number;
}

/**
 * Sends items through stages, each with its workers and a queue for at most `capacity` items before it. A worker whose
 * item finds the queue full keeps it and is held back: backpressure.
 *
 * Waits: never. Order: items are taken first in, first out; of idle workers the one with the lowest number.
 * Units: ms, or any, the same for all. Cost: items × stages steps. Throws TypeError or RangeError for bad options.
 * When to use: to see which stage limits, what a larger queue does and what it doesn't, how many workers are worth it.
 * @example
 * const { makespan, sequential, queues } = sim.pipeline({
 *   items: 100,
 *   stages: [{ name: "load", time: 10 }, { name: "infer", time: 50, capacity: 10 }],
 * }); // 5010 against 6000; queues[0].maxLength 10
 */
export function pipeline(options: PipelineOptions): PipelineRun {
  checkKnown("sim.pipeline", options, ["items", "stages"]);
  const items = checkInteger("items", options.items, 0, 1e7);
  const workers: string[] = [];
  const stages = checkStages(options.stages).map((stage, index) => newStage(stage, index, workers));
  const clock = new Clock();
  const trace: PipelineEvent[] = [];
  let taken = 0;
  let sequential = 0;
  let makespan = 0;

  /** Gives work to idle workers of a stage; what that makes room for goes on, too. */
  const start = (index: number): void => {
    const stage = stages[index]!;
    while (stage.idle.length > 0) {
      const item = index === 0 ? (taken < items ? taken++ : undefined) : stage.queue.shift();
      // An idle worker is room, too.
      if (item === undefined) return index > 0 ? release(index - 1) : undefined;
      const worker = stage.idle.shift()!;
      const time = stage.time(item);
      stage.busy += time;
      sequential += time;
      trace.push({ kind: "start", thread: worker, task: item, atMs: clock.now, label: stage.name });
      clock.after(time, () => done(index, worker, item));
      if (index > 0) release(index - 1);
    }
  };

  const done = (index: number, worker: number, item: number): void => {
    const stage = stages[index]!;
    trace.push({ kind: "end", thread: worker, task: item, atMs: clock.now, label: stage.name });
    if (index === stages.length - 1) {
      makespan = clock.now;
      free(stage, worker);
    } else {
      stage.held.push({ worker, item, sinceMs: clock.now });
      release(index);
    }
    start(index);
    settle();
  };

  /** What the next stage has room for leaves its workers. */
  const release = (index: number): void => {
    const [stage, next] = [stages[index]!, stages[index + 1]!];
    while (stage.held.length > 0 && next.queue.length < next.capacity + next.idle.length) {
      const { worker, item, sinceMs } = stage.held.shift()!;
      if (clock.now > sinceMs) {
        stage.blocked += clock.now - sinceMs;
        trace.push({ kind: "wait", thread: worker, task: item, atMs: sinceMs, label: stage.name });
        trace.push({ kind: "wake", thread: worker, task: item, atMs: clock.now, label: stage.name });
      }
      next.queue.push(item);
      free(stage, worker);
      start(index + 1);
      start(index);
    }
  };

  const settle = (): void => {
    for (const { lengths, queue } of stages) {
      const last = lengths.at(-1)!;
      if (last.length === queue.length) continue;
      if (last.atMs === clock.now) last.length = queue.length;
      else lengths.push({ atMs: clock.now, length: queue.length });
    }
  };

  start(0);
  clock.run();
  return {
    makespan,
    sequential,
    stages: stages.map(({ name, busy, blocked, workers: count }) => ({
      name,
      busy,
      blocked,
      utilisation: makespan === 0 ? 0 : busy / (count * makespan),
    })),
    queues: stages.slice(1).map(({ name, capacity, lengths }, i) => ({
      name: `${stages[i]!.name} → ${name}`,
      capacity,
      lengths,
      maxLength: Math.max(...lengths.map(({ length }) => length)),
    })),
    workers,
    trace: trace.sort((a, b) => a.atMs - b.atMs),
  };
}

function free({ idle }: Stage, worker: number): void {
  idle.push(worker);
  idle.sort((a, b) => a - b);
}

function checkStages(stages: unknown): readonly PipelineStage[] {
  if (!Array.isArray(stages) || stages.length === 0)
    throw new TypeError("sim.pipeline expects `stages` to be an array of at least one stage.");
  return stages as PipelineStage[];
}

function newStage(stage: PipelineStage, index: number, names: string[]): Stage {
  checkKnown(`stage ${index} of sim.pipeline`, stage, ["name", "time", "workers", "capacity"]);
  const { name = `stage ${index}`, time, workers = 1, capacity = Infinity } = stage;
  checkInteger(`workers of ${name}`, workers, 1, 1e5);
  if (capacity !== Infinity) checkInteger(`capacity of ${name}`, capacity, 0, Infinity);
  if (index === 0 && capacity !== Infinity)
    throw new TypeError(`sim.pipeline: the first stage, ${name}, has no queue before it, and so no capacity.`);
  const timeOf = (item: number): number => {
    const value: unknown = typeof time === "function" ? time(item) : time;
    if (typeof value !== "number" || !(value >= 0 && value < Infinity))
      throw new RangeError(
        `Expected the time of ${name} to be a number of at least 0, got ${String(value)} for item ${item}.`,
      );
    return value;
  };
  const first = names.length;
  for (let i = 0; i < workers; i++) names.push(workers === 1 ? name : `${name} ${i}`);
  return {
    name,
    time: timeOf,
    capacity,
    workers,
    idle: Array.from({ length: workers }, (_, i) => first + i),
    queue: [],
    held: [],
    lengths: [{ atMs: 0, length: 0 }],
    busy: 0,
    blocked: 0,
  };
}
