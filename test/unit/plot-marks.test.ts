import { expect, test } from "vitest";
import { plot } from "../../lib/plot/index.ts";

const steps = [
  { from: "notebook", to: "queue", text: "enqueue <1>", atMs: 0.5 },
  { from: "queue", to: "thread", text: "dequeue", atMs: 2 },
  { from: "thread", text: "run" },
  { from: "thread", to: "notebook", text: "done", atMs: 30.25 },
];

test("plot.sequence draws lanes in order and one arrow a step, evenly spaced", () => {
  const figure = plot.sequence(steps, { title: "A task" });
  const [, arrows, right, left, own] = figure.data;
  expect(arrows!.x).toEqual([0, 1, null, 1, 2, null, 2, 2, null, 2, 0, null]);
  expect(arrows!.y).toEqual([0, 0, null, 1, 1, null, 2, 2, null, 3, 3, null]);
  expect([right, left, own].map((heads) => heads!.y)).toEqual([[0, 1], [3], [2]]);
  expect(figure.layout.yaxis.ticktext).toEqual(["0.5 ms", "2 ms", "", "30.3 ms"]);
  const texts = figure.layout.annotations.map((note: { text: string }) => note.text);
  expect(texts).toEqual(["notebook", "queue", "thread", "enqueue &lt;1>", "dequeue", "run", "done"]);
  expect(figure.description).toBe(
    "A task: notebook → queue: enqueue <1>, queue → thread: dequeue, thread: run, thread → notebook: done",
  );
  expect(figure.toSVG()).toContain("dequeue");
});

test("plot.sequence takes lanes, also such that nothing happens on, and steps without times", () => {
  const { data, layout } = plot.sequence([{ from: "b", to: "a", text: "x" }], { lanes: ["a", "idle", "b"] });
  expect(data[1]!.x).toEqual([2, 0, null]);
  expect(layout.yaxis.tickvals).toEqual([]);
});

test("plot.sequence refuses what is no step", () => {
  expect(() => plot.sequence([])).toThrow(RangeError);
  expect(() => plot.sequence([{ from: "a" } as any])).toThrow("plot.sequence: step 0 needs `text` as a text.");
  expect(() => plot.sequence([{ from: "a", text: "x", atMs: NaN }])).toThrow(/atMs of step 0 needs to be a finite/);
});

test("marks on a line plot: a place across, in the colour of a line", () => {
  const { layout, data } = plot.line(
    { a: [[1, 3]], b: [[2, 5]] },
    {
      logX: true,
      marks: [
        { at: 10, text: "here", line: "b" },
        { at: 1, text: "there" },
      ],
    },
  );
  expect(layout.shapes[0]).toMatchObject({ x0: 10, x1: 10, line: { color: data[1]!.line.color } });
  expect(layout.annotations.map(({ x, text }: any) => [x, text])).toEqual([
    [1, "here"],
    [0, "there"],
  ]);
  expect(() => plot.line([1], { marks: [{ at: NaN, text: "" }] })).toThrow(/at of mark 0 needs to be a finite number/);
});

test("a Gantt chart of a virtual clock names its unit", () => {
  const figure = plot.gantt(
    [
      { kind: "start", thread: 0, task: 1, atMs: 0 },
      { kind: "end", thread: 0, task: 1, atMs: 5 },
    ],
    { unit: "s" },
  );
  expect(figure.layout.xaxis.title.text).toBe("s");
  expect(figure.data[0]!.hovertext).toEqual(["task 1<br>0 to 5 s (5 s)"]);
  expect(figure.description).toBe("Gantt chart: 1 task on 1 thread in 5 s");
  expect(() => plot.gantt([{ kind: "start", thread: 0, task: 1, atMs: 0 }], { unit: 1 as any })).toThrow(/unit/);
});

test("a logarithmic axis of less than two decades has its labels in full", () => {
  const { layout } = plot.line([4, 20, 40], { logY: true });
  expect(layout.yaxis.ticktext.slice(3, 9)).toEqual(["1", "2", "5", "10", "20", "50"]);
  expect(layout.yaxis.tickvals.slice(0, 3)).toEqual([0.1, 0.2, 0.5]);
  expect(plot.line([1, 100], { logY: true }).layout.yaxis).toMatchObject({ type: "log", dtick: 1 });
});
