import { describe, expect, test } from "vitest";
import { plot } from "../../lib/plot/index.ts";

type Event = Parameters<typeof plot.gantt>[0][number];
const start = (thread: number, task: number, atMs: number, label?: string): Event =>
  label === undefined ? { kind: "start", thread, task, atMs } : { kind: "start", thread, task, atMs, label };
const end = (thread: number, task: number, atMs: number): Event => ({ kind: "end", thread, task, atMs });

describe("plot.gantt", () => {
  test("one lane for each thread, one bar for each task, in ms from the first event", () => {
    const { data, layout } = plot.gantt([start(3, 1, 1000), start(1, 2, 1001), end(3, 1, 1004), end(1, 2, 1006)]);
    expect(layout.yaxis.ticktext).toEqual(["thread 1", "thread 3"]);
    expect(data).toHaveLength(1);
    expect(data[0]).toMatchObject({ type: "bar", orientation: "h", y: [1, 0], base: [0, 1], x: [4, 5] });
    expect(data[0]!.hovertext[0]).toBe("task 1<br>0 to 4 ms (4 ms)");
  });

  test("events may come in any order, and a task number may run twice", () => {
    const { data } = plot.gantt([end(0, 1, 5), start(0, 1, 2), start(0, 1, 7), end(0, 1, 9)]);
    expect(data[0]).toMatchObject({ base: [0, 5], x: [3, 2] });
  });

  test("a task that still runs is open to the last event; one without a start begins at the first", () => {
    const { data } = plot.gantt([end(0, 1, 4), start(1, 2, 6), end(0, 3, 10)]);
    const open = data.find(({ name }) => name === "still running")!;
    expect(open).toMatchObject({ base: [2], x: [4], marker: { color: "rgba(0,0,0,0)" } });
    expect(open.hovertext[0]).toContain("still running");
    expect(data.find(({ name }) => name === "task")).toMatchObject({ base: [0, 0], x: [0, 6] });
  });

  test("labels colour the tasks while they are few", () => {
    const few = plot.gantt([start(0, 1, 0, "a"), end(0, 1, 1), start(0, 2, 1, "b"), end(0, 2, 2)]);
    expect(few.data.map(({ name }) => name)).toEqual(["a", "b"]);
    expect(few.data[0]!.marker.color).not.toBe(few.data[1]!.marker.color);
    const many = plot.gantt(Array.from({ length: 9 }, (_, i) => [start(0, i, i, `n${i}`), end(0, i, i + 1)]).flat());
    expect(many.data.map(({ name }) => name)).toEqual(["task"]);
    expect(many.data[0]!.hovertext[3]).toContain("n3");
  });

  test("steals, waits and time in the queue", () => {
    const { data } = plot.gantt([
      { kind: "enqueue", thread: -1, task: 1, atMs: 0 },
      start(0, 9, 0),
      { kind: "steal", thread: 1, from: 0, task: 1, atMs: 3 },
      start(1, 1, 4),
      end(1, 1, 6),
      end(0, 9, 6),
      { kind: "wait", thread: 1, task: 1, atMs: 7 },
      { kind: "wake", thread: 1, task: 1, atMs: 9 },
    ]);
    expect(data.find(({ name }) => name === "waiting")).toMatchObject({ base: [7], x: [2], y: [1] });
    expect(data.find(({ mode }) => mode === "markers")).toMatchObject({ x: [3], y: [1] });
    expect(data.find(({ mode }) => mode === "lines")).toMatchObject({ x: [3, 3, null], y: [0, 1, null] });
    expect(data[0]!.hovertext[1]).toContain("queued for 4 ms");
  });

  test("of very many tasks the neighbours become one bar, and no idle time is lost", () => {
    const events = Array.from({ length: 10_000 }, (_, i) => [start(i % 2, i, i), end(i % 2, i, i + 1.9)]).flat();
    const far = 1_000_000;
    const { data, layout } = plot.gantt([...events, start(0, 77_777, far), end(0, 77_777, far + 10)], {
      title: "t",
      maxBars: 200,
    });
    expect(data[0]!.x.length).toBeLessThanOrEqual(400);
    expect(data[0]!.base.at(-1)).toBe(far);
    expect(data[0]!.hovertext[0]).toMatch(/^\d+ tasks/);
    expect(layout.title.subtitle.text).toBe("neighbouring short tasks are drawn as one bar");
  });

  test.each([
    [() => plot.gantt([]), /empty trace: record one with new Pool\(\{ trace: true \}\)/],
    [() => plot.gantt([{ kind: "enqueue", thread: 0, task: 1, atMs: 0 }]), /none of which says that a task started/],
    [() => plot.gantt({} as any), /plot.gantt needs an array of trace events; got an object/],
    [
      () => plot.gantt([{ kind: "start", thread: 0, task: 1 } as any]),
      /atMs of event 0 needs to be a finite number; got undefined/,
    ],
  ])("bad input %#", (f, message) => expect(f).toThrow(message));
});
