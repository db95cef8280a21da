// plot.heatmap, plot.histogram, plot.box and plot.queues: what they count, where it is drawn, and what they refuse.

import { describe, expect, test } from "vitest";
import { Figure, plot } from "../../lib/plot/index.ts";
import { inkOn, ramp, rampScale } from "../../lib/plot/colour-scale.ts";

const cells = (svg: string) =>
  [...svg.matchAll(/<path class="cells" d="([^"]*)"[^>]* fill="([^"]*)"/g)].map(([, d, fill]) => ({
    fill,
    boxes: [...d!.matchAll(/M([\d.-]+) ([\d.-]+)h([\d.]+)v([\d.]+)/g)].map((found) => found.slice(1).map(Number)),
  }));

describe("the scale of colours", () => {
  test("is plotly's at every stop, and blended between them", () => {
    for (const [share, color] of rampScale()) expect(ramp(share)).toBe(color);
    expect(ramp(1 / 16)).toBe("#461768");
    expect([ramp(-1), ramp(2)]).toEqual([ramp(0), ramp(1)]);
  });

  test("ink is light on dark and dark on light", () => {
    expect([inkOn("#440154"), inkOn("#fde725"), inkOn("#e1f5ff")]).toEqual(["#ffffff", "#1f2328", "#1f2328"]);
  });
});

describe("plot.heatmap", () => {
  test("row 0 is at the top, each number in its cell and colour", () => {
    const figure = plot.heatmap([[0, 1, 2], Float64Array.of(2, 1, 0)], { unit: "ms", xNames: ["a", "b", "c"] });
    expect(figure.data[0]).toMatchObject({ type: "heatmap", z: [[0, 1, 2], [2, 1, 0]], zmin: 0, zmax: 2 }); // prettier-ignore
    expect(figure.layout.yaxis.range).toEqual([1.5, -0.5]);
    expect(figure.layout.xaxis.ticktext).toEqual(["a", "b", "c"]);
    expect(figure.layout.annotations.map(({ text }: { text: string }) => text)).toEqual(["0", "1", "2", "2", "1", "0"]);
    const drawn = cells(figure.toSVG());
    expect(drawn.map(({ fill }) => fill)).toEqual([ramp(0), ramp(0.5), ramp(1)]);
    const [lowTop, lowBottom] = drawn[0]!.boxes;
    expect(lowTop![0]).toBeLessThan(lowBottom![0]!);
    expect(lowTop![1]).toBeLessThan(lowBottom![1]!);
    expect(figure.toSVG()).toContain("rotate(90)");
  });

  test("categories have a colour each and a legend in place of the scale", () => {
    const figure = plot.heatmap([[0, 1, 1, null]], { categories: ["thread 0", "thread 1"] });
    expect(figure.data[0]!.showscale).toBe(false);
    expect(figure.data.slice(1).map(({ name, marker }) => [name, marker.color])).toEqual([
      ["thread 0", "#0080c8"],
      ["thread 1", "#e69f00"],
    ]);
    expect(cells(figure.toSVG()).map(({ fill, boxes }) => [fill, boxes.length])).toEqual([
      ["#0080c8", 1],
      ["#e69f00", 2],
    ]);
    expect(figure.description).toBe("Heat map: 1 × 4 cells of thread 0, thread 1");
  });

  test("many categories, one value only, holes and a matrix larger than the picture are drawn", () => {
    const names = Array.from({ length: 9 }, (_, i) => `thread ${i}`);
    expect(cells(plot.heatmap([[0, 8]], { categories: names }).toSVG())).toHaveLength(2);
    expect(plot.heatmap([[3, 3]]).data[0]).toMatchObject({ zmin: 2.5, zmax: 3.5 });
    expect(plot.heatmap([[NaN, undefined]]).toSVG()).not.toMatch(/NaN|class="cells"/);
    const noise = Array.from({ length: 400 }, (_, r) => Float64Array.from({ length: 600 }, (_, c) => Math.sin(r * c)));
    const svg = plot.heatmap(noise).toSVG();
    expect(Buffer.byteLength(svg)).toBeLessThanOrEqual(60_000);
    expect(svg).toContain('class="cells"');
  });

  test("a heat map of plotly's own making is drawn, too", () => {
    const svg = new Figure({ data: [{ type: "heatmap", z: [[1, 2]], colorscale: [[0, "#000000"], [1, "#ffffff"]] }] }).toSVG(); // prettier-ignore
    expect(cells(svg).map(({ fill }) => fill)).toEqual(["#000000", "#ffffff"]);
    expect(cells(new Figure({ data: [{ type: "heatmap", z: [[1, 2]], colorscale: "Viridis" }] }).toSVG())).toHaveLength(
      2,
    );
    new Figure({ data: [{ type: "heatmap" }, { type: "heatmap", z: [] }, { type: "heatmap", z: [[]] }] }).toSVG();
  });

  test.each([
    [() => plot.heatmap(3 as any), TypeError, "plot.heatmap needs an array of rows of numbers; got number 3."],
    [() => plot.heatmap([]), RangeError, "at least one row"],
    [() => plot.heatmap([[]]), RangeError, "at least one column"],
    [() => plot.heatmap([[1], [1, 2]]), RangeError, "row 0 has 1, row 1 has 2"],
    [() => plot.heatmap([["x"]] as any), TypeError, 'finite numbers; got the string "x" in row 0, column 0'],
    [() => plot.heatmap([3] as any), TypeError, "got number 3 as row 0"],
    [() => plot.heatmap([new Float32Array(250_001)]), RangeError, "at most 250000 cells; got 250001"],
    [() => plot.heatmap([[1, 2]], { xNames: ["a"] }), RangeError, "xNames needs 2 names, one each; got 1"],
    [() => plot.heatmap([[2]], { categories: ["a", "b"] }), RangeError, "2 in row 0 is no place in categories"],
    [() => plot.heatmap([[2]], { range: [2, 1] }), RangeError, "range needs two numbers"],
  ])("bad input %#", (f, kind, message) => {
    expect(f).toThrow(kind);
    expect(f).toThrow(message);
  });
});

describe("plot.histogram", () => {
  test("bins hold their lower end, and all values are counted once", () => {
    const { data } = plot.histogram([0, 0.5, 1, 1.5, 2], { binWidth: 1 });
    expect(data[0]).toMatchObject({ type: "bar", x: [0.5, 1.5, 2.5], y: [2, 2, 1], width: 1 });
    expect(data[0]!.hovertext[1]).toBe("1 to 2<br>2 of 5");
  });

  test("few whole numbers stand in the middle of their bins", () => {
    const { data, layout } = plot.histogram([1, 2, 2, 4]);
    expect(data[0]).toMatchObject({ x: [1, 2, 3, 4], y: [1, 2, 0, 1], width: 1 });
    expect(layout.yaxis.ticktext).toEqual(["0", "1", "2"]);
  });

  test("several series share their bins, marks have their place", () => {
    const { data, layout } = plot.histogram(
      { a: [10.5, 20.5], b: Float64Array.of(30.5, 40.5, 40.5) },
      { binWidth: 10, marks: [{ at: 100, text: "right" }] },
    );
    expect(data.map(({ name, y }) => [name, y])).toEqual([
      ["a", [1, 1, 0, 0]],
      ["b", [0, 0, 1, 2]],
    ]);
    expect(layout.xaxis.range[1]).toBeGreaterThan(100);
    expect(layout.annotations[0]).toMatchObject({ text: "right", xanchor: "right" });
  });

  test.each([
    [[7]],
    [[-3.5, -3.5]],
    [[0, 0]],
    [[1e-9, 2e-9, 5e-9]],
    [[1e12, 1e12 + 1]],
    [Array.from({ length: 5000 }, (_, i) => (i * 7919) % 1000)],
  ])("counts each value once, however large, small or alike they are: %#", (values) => {
    const { y, x, width } = plot.histogram(values).data[0]!;
    expect(y.reduce((sum: number, n: number) => sum + n)).toBe(values.length);
    expect(x).toHaveLength(y.length);
    expect(width).toBeGreaterThan(0);
  });

  test.each([
    [() => plot.histogram([]), RangeError, "at least one number"],
    [() => plot.histogram({ a: [1, NaN] }), TypeError, 'plot.histogram: "a": number 1 needs to be a finite number'],
    [() => plot.histogram("abc" as any), TypeError, "needs numbers, or an object of numbers by name"],
    [() => plot.histogram({}), RangeError, "at least one series"],
    [() => plot.histogram([1, 2], { bins: 0 }), RangeError, "bins needs to be from 1 to 200; got 0"],
    [() => plot.histogram([1, 2], { binWidth: 0 }), RangeError, "binWidth needs to be above 0"],
    [() => plot.histogram([0, 1e6], { binWidth: 1 }), RangeError, "at most 200 bins"],
    [() => plot.histogram([1], { marks: [{ at: NaN, text: "" }] }), TypeError, "at of mark 0"],
  ])("bad input %#", (f, kind, message) => {
    expect(f).toThrow(kind);
    expect(f).toThrow(message);
  });
});

describe("plot.box", () => {
  test("quartiles between neighbours, whiskers to the last value within reach, dots beyond", () => {
    const figure = plot.box({ a: [1, 2, 3, 4, 5, 100], b: [7] }, { unit: "ms" });
    expect(figure.data[0]).toMatchObject({
      type: "box",
      x: ["a", "b"],
      q1: [2.25, 7],
      median: [3.5, 7],
      q3: [4.75, 7],
      lowerfence: [1, 7],
      upperfence: [5, 7],
    });
    expect(figure.data[1]).toMatchObject({ x: ["a"], y: [100] });
    expect(figure.description).toBe("Box plot: a 3.5 (2.25 to 4.75), b 7 (7 to 7)");
    const svg = figure.toSVG();
    expect(svg).toMatch(/<path class="box" d="M[^"]*z" fill="rgba\(0,128,200,0.25\)"/);
    expect(svg).not.toMatch(/NaN|undefined/);
  });

  test("the static picture has the box where the axis says", () => {
    const svg = new Figure({
      data: [{ type: "box", x: ["a"], q1: [25], median: [50], q3: [75], lowerfence: [0], upperfence: [100] }],
      layout: { yaxis: { range: [0, 100] } },
    }).toSVG();
    const [, q1, q3] = svg.match(/class="box" d="M[\d.]+ ([\d.]+)H[\d.]+V([\d.]+)H/)!;
    const [, low] = svg.match(/M[\d.]+ [\d.]+V([\d.]+)M/)!;
    expect((Number(low) - Number(q1)) / (Number(q1) - Number(q3))).toBeCloseTo(0.5, 1);
  });

  test.each([
    [() => plot.box({ a: [] }), RangeError, 'plot.box: "a" needs at least one number'],
    [() => plot.box({ a: [-1, 1] }, { log: true }), RangeError, "logarithmic axis"],
    [() => plot.box(null as any), TypeError, "got null"],
  ])("bad input %#", (f, kind, message) => {
    expect(f).toThrow(kind);
    expect(f).toThrow(message);
  });
});

describe("plot.queues", () => {
  const lengths = [
    { atMs: 100, length: 0 },
    { atMs: 110, length: 3 },
    { atMs: 130, length: 1 },
  ];

  test("steps from the first point, held to the end of the longest; the capacity is dotted", () => {
    const { data, layout } = plot.queues({ a: lengths, b: [{ atMs: 90, length: 2 }] }, { capacity: { a: 5 } });
    expect(data.map(({ name, x, y }) => [name, x, y])).toEqual([
      ["a", [10, 20, 40], [0, 3, 1]],
      ["capacity 5", [0, 40], [5, 5]],
      ["b", [0, 40], [2, 2]],
    ]);
    expect(data[0]!.line.shape).toBe("hv");
    expect(layout.yaxis.range[1]).toBeGreaterThan(5);
  });

  test("takes the queues of sim.pipeline, samples of a running pipeline, and one bare queue", () => {
    const named = plot.queues([{ name: "in", capacity: Infinity, lengths }]);
    expect(named.data).toHaveLength(1);
    expect(named.data[0]!.name).toBe("in");
    const sampled = plot.queues([
      { atMs: 0, queues: [{ name: "in", length: 1 }, { name: "out", length: 0 }] },
      { atMs: 5, queues: [{ name: "in", length: 4 }, { name: "out", length: 2 }] },
    ]); // prettier-ignore
    expect(sampled.data.map(({ name, y }) => [name, y])).toEqual([
      ["in", [1, 4]],
      ["out", [0, 2]],
    ]);
    expect(plot.queues(lengths, { capacity: 3, unit: "s" }).description).toBe(
      "Queue lengths: the queue at most 3 in 30 s",
    );
  });

  test("a long line keeps its highest and its lowest points", () => {
    const long = Array.from({ length: 100_000 }, (_, i) => ({ atMs: i, length: i === 77_777 ? 999 : i % 7 }));
    const { x, y } = plot.queues(long).data[0]!;
    expect(y.length).toBeLessThan(2500);
    expect(Math.max(...y)).toBe(999);
    expect(x.every((at: number, i: number) => i === 0 || at >= x[i - 1])).toBe(true);
  });

  test.each([
    [() => plot.queues([]), RangeError, "at least one of queues or points"],
    [() => plot.queues({}), RangeError, "at least one queue"],
    [() => plot.queues({ a: [] }), RangeError, 'plot.queues: "a" needs at least one'],
    [() => plot.queues({ a: [{ atMs: 1 }] } as any), TypeError, "length of point 0"],
    [() => plot.queues({ a: [lengths[1]!, lengths[0]!] }), RangeError, "in order of time; point 1 is at 100"],
    [() => plot.queues(lengths, { capacity: "many" } as any), TypeError, "capacity needs to be a finite number"],
  ])("bad input %#", (f, kind, message) => {
    expect(f).toThrow(kind);
    expect(f).toThrow(message);
  });
});
