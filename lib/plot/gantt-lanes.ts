// From a pool's trace events to lanes: for each thread the spans of its tasks and waits, and the steals between them.

import type { GanttEvent } from "./gantt.ts";

/** A bar: one task, or `count` neighbouring ones. Times in ms from the first event. */
export interface Span {
  lane: number;
  task: number;
  fromMs: number;
  toMs: number;
  label: string | undefined;
  /** It had not ended when the trace was taken. */
  open: boolean;
  queuedMs: number | undefined;
  count: number;
}

export interface Lanes {
  /** Lane i belongs to threads[i]; in rising order. */
  threads: number[];
  tasks: Span[];
  waits: { lane: number; fromMs: number; toMs: number }[];
  steals: { lane: number; fromLane: number | undefined; atMs: number; text: string }[];
  endMs: number;
}

export function lanesOf(events: readonly GanttEvent[]): Lanes {
  const sorted = [...events].sort((a, b) => a.atMs - b.atMs);
  const zero = sorted[0]!.atMs;
  const endMs = sorted.at(-1)!.atMs - zero;
  const threads = [...new Set(sorted.filter(({ kind }) => kind !== "enqueue").map(({ thread }) => thread))];
  threads.sort((a, b) => a - b);
  const laneOf = new Map(threads.map((thread, lane) => [thread, lane]));
  const lanes: Lanes = { threads, tasks: [], waits: [], steals: [], endMs };
  const enqueued = new Map<number, number>();
  const labels = new Map<number, string>();
  const running = new Map<string, Span>();
  const waiting = new Map<number, number>();

  for (const { kind, thread, task, from, atMs, label } of sorted) {
    const at = atMs - zero;
    if (label !== undefined) labels.set(task, label);
    const lane = laneOf.get(thread) ?? -1;
    const key = `${thread}/${task}`;
    const span = (fromMs: number): Span => ({
      lane,
      task,
      fromMs,
      toMs: endMs,
      label: labels.get(task),
      open: true,
      queuedMs: enqueued.has(task) ? fromMs - enqueued.get(task)! : undefined,
      count: 1,
    });
    if (kind === "enqueue") enqueued.set(task, at);
    else if (kind === "start") {
      const started = span(at);
      lanes.tasks.push(started);
      running.set(key, started);
    } else if (kind === "end") {
      const started = running.get(key) ?? span(0);
      if (!running.delete(key)) lanes.tasks.push(started);
      started.toMs = at;
      started.open = false;
      started.label ??= labels.get(task);
    } else if (kind === "wait") waiting.set(lane, at);
    else if (kind === "wake") {
      lanes.waits.push({ lane, fromMs: waiting.get(lane) ?? 0, toMs: at });
      waiting.delete(lane);
    } else if (kind === "steal") {
      const whose = from === undefined ? "" : ` from thread ${from}`;
      const fromLane = from === undefined ? undefined : laneOf.get(from);
      lanes.steals.push({ lane, fromLane, atMs: at, text: `thread ${thread} stole task ${task}${whose}` });
    }
  }
  for (const [lane, fromMs] of waiting) lanes.waits.push({ lane, fromMs, toMs: endMs });
  return lanes;
}

/**
 * At most about `maxBars` spans: when there are more, tasks of one lane that follow each other more closely than a bar
 * could show become one. Time in which a lane was idle for longer than that stays visible.
 */
export function merged({ tasks, threads, endMs }: Lanes, maxBars: number): Span[] {
  if (tasks.length <= maxBars) return tasks;
  const finest = (2 * endMs * threads.length) / Math.max(threads.length, maxBars);
  const result: Span[] = [];
  const last = new Map<number, Span>();
  for (const task of [...tasks].sort((a, b) => a.fromMs - b.fromMs)) {
    const before = last.get(task.lane);
    const joins = before !== undefined && !before.open && !task.open && before.label === task.label;
    if (joins && task.fromMs - before.toMs < finest && before.toMs - before.fromMs < finest) {
      before.toMs = Math.max(before.toMs, task.toMs);
      before.count++;
      before.queuedMs = undefined;
    } else {
      const copy = { ...task };
      last.set(task.lane, copy);
      result.push(copy);
    }
  }
  return result;
}
