// The scheduling policies on the virtual clock: exact.

import { expect, it } from "vitest";
import { plot, sim, type Policy } from "../../lib/index.ts";

const UNEVEN = [100, 10, 200, 50, 150];

it.each<[Policy, number[], number[]]>([
  ["contiguous", [510, 310, 250, 250, 200], [0, 0, 0, 0, 0]],
  ["round-robin", [510, 450, 200, 250, 200], [0, 0, 0, 0, 0]],
  ["central", [510, 300, 210, 200, 200], [0, 0, 0, 0, 0]],
  ["longest-first", [510, 260, 200, 200, 200], [0, 0, 0, 0, 0]],
  ["stealing", [510, 310, 200, 200, 200], [0, 0, 1, 2, 0]],
])("%s: five uneven tasks on 1 to 5 threads", (policy, makespans, steals) => {
  const runs = makespans.map((_, index) => sim.scheduler(UNEVEN, { threads: index + 1, policy }));
  expect(runs.map(({ makespan }) => makespan)).toEqual(makespans);
  expect(runs.map((run) => run.steals)).toEqual(steals);
  for (const { finish, trace, makespan } of runs) {
    expect(finish.map(([task]) => task).sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4]);
    expect(finish.at(-1)![1]).toBe(makespan);
    for (const kind of ["enqueue", "start", "end"])
      expect(trace.filter((event) => event.kind === kind)).toHaveLength(5);
    expect(trace).toEqual(trace.toSorted((a, b) => a.atMs - b.atMs));
    expect(plot.gantt(trace).description).toContain(`in ${makespan} ms`);
  }
});

it("says when each of eight tasks ends on four threads that share a queue", () => {
  const costs = Array.from({ length: 8 }, (_, task) => (task % 3) + 1);
  const { makespan, finish } = sim.scheduler(costs, { threads: 4, policy: "central" });
  expect(makespan).toBe(5);
  expect(finish.map((pair) => pair.join(":"))).toEqual(["0:1", "3:1", "1:2", "2:3", "4:3", "6:3", "5:4", "7:5"]);
});

it("steals the back of the longest queue, and says from whom", () => {
  const { trace } = sim.scheduler(UNEVEN, { threads: 3, policy: "stealing" });
  expect(trace.filter(({ kind }) => kind === "steal")).toEqual([
    { kind: "steal", thread: 0, task: 3, from: 1, atMs: 110 },
  ]);
  expect(trace.filter(({ kind, task }) => kind !== "enqueue" && task === 3).map(({ thread }) => thread)).toEqual([
    0, 0, 0,
  ]);
  const enqueued = trace.filter(({ kind }) => kind === "enqueue");
  expect(enqueued.map(({ thread }) => thread)).toEqual([0, 0, 1, 1, 2]);
});

it("takes no tasks, tasks that cost nothing, and more threads than tasks", () => {
  expect(sim.scheduler([], { threads: 2, policy: "stealing" })).toEqual({
    makespan: 0,
    finish: [],
    steals: 0,
    trace: [],
  });
  expect(sim.scheduler([0, 0], { threads: 1, policy: "contiguous" }).finish).toEqual([
    [0, 0],
    [1, 0],
  ]);
  expect(sim.scheduler([3], { threads: 9, policy: "round-robin" }).makespan).toBe(3);
  const { trace } = sim.scheduler([1, 2], { threads: 2, policy: "central" });
  expect(trace.filter(({ kind }) => kind === "enqueue").map(({ thread }) => thread)).toEqual([-1, -1]);
});

it.each([
  [undefined, { threads: 1, policy: "central" }, TypeError, /an array of costs first, got undefined/],
  [[1, "2"], { threads: 1, policy: "central" }, TypeError, /numbers as costs, got string for task 1/],
  [[1, -1], { threads: 1, policy: "central" }, RangeError, /at least 0, got -1 for task 1/],
  [[1], undefined, RangeError, /`threads` to be an integer of at least 1, got undefined/],
  [[1], { threads: 1.5, policy: "central" }, RangeError, /got 1.5/],
  [[1], { threads: 1, policy: "random" }, TypeError, /`policy` to be one of "contiguous", .*, got random/],
])("refuses %j with %j", (costs, options, type, message) => {
  expect(() => sim.scheduler(costs as any, options as any)).toThrow(type);
  expect(() => sim.scheduler(costs as any, options as any)).toThrow(message);
});
