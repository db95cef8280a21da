import { availableParallelism } from "node:os";
import { describe, expect, test } from "vitest";
import { Figure, plot } from "../../lib/plot/index.ts";

const sample = (name: string, medianMs: number) => ({
  name,
  medianMs,
  lowMs: medianMs * 0.9,
  highMs: medianMs * 1.2,
  runs: 11,
});
const rows = [1, 2, 4, 8].map((threads) => ({ ...sample("", 100 / threads), threads, speedup: threads }));

describe("plot.bar", () => {
  test("draws samples in ms with their interval", () => {
    const { data, layout } = plot.bar([sample("loop", 12), sample("par", 4)]);
    expect(data).toHaveLength(1);
    expect(data[0]).toMatchObject({ type: "bar", x: ["loop", "par"], y: [12, 4] });
    expect(data[0]!.error_y.array[0]).toBeCloseTo(2.4);
    expect(data[0]!.error_y.arrayminus[0]).toBeCloseTo(1.2);
    expect(layout.yaxis.title).toEqual({ text: "ms" });
  });

  test("takes a record of numbers with a unit", () => {
    const { data, layout } = plot.bar({ plain: 3, atomic: 5 }, { unit: "increments" });
    expect(data[0]!.y).toEqual([3, 5]);
    expect(data[0]!.error_y).toBeUndefined();
    expect(layout.yaxis.title.text).toBe("increments");
  });

  test.each([
    [0.00002, "ns", 20],
    [0.02, "µs", 20],
    [20, "ms", 20],
    [200_000, "s", 200],
  ])("%d ms are drawn in %s", (ms, unit, value) => {
    const { data, layout } = plot.bar([{ name: "f", medianMs: ms }]);
    expect(layout.yaxis.title.text).toBe(unit);
    expect(data[0]!.y[0]).toBeCloseTo(value);
  });

  test("claimed figures are hollow bars beside the measured ones, and may have no measured twin", () => {
    const { data, layout } = plot.bar([sample("loop", 12)], { claimed: { loop: 850, other: 3 } });
    expect(data[1]).toMatchObject({ type: "bar", name: "the document", x: ["loop", "other"], y: [850, 3] });
    expect(data[1]!.marker.color).toBe("rgba(0,0,0,0)");
    expect(data[1]!.marker.line.width).toBeGreaterThan(0);
    expect(layout.barmode).toBe("group");
    expect(layout.xaxis.categoryarray).toEqual(["loop", "other"]);
  });

  test("long names lie on their side", () => {
    const { data, layout } = plot.bar([sample("a rather long name for a bar", 3)]);
    expect(data[0]!.orientation).toBe("h");
    expect(layout.xaxis.title.text).toBe("ms");
  });

  test.each([
    [
      () => plot.bar("x" as any),
      TypeError,
      'plot.bar needs samples or an object of numbers by name; got the string "x".',
    ],
    [() => plot.bar([]), RangeError, "plot.bar needs at least one sample or number; got none."],
    [() => plot.bar([1] as any), TypeError, /got number 1 at index 0/],
    [() => plot.bar({ a: NaN }), TypeError, 'plot.bar: value of "a" needs to be a finite number; got number NaN.'],
    [() => plot.bar({ a: 0 }, { log: true }), RangeError, /logarithmic axis needs numbers above 0/],
    [() => plot.bar([sample("a", 1)], { unit: "h" }), RangeError, /draws samples in/],
    [() => plot.bar([sample("a", 1), { name: "b", value: 2 }]), TypeError, /got both/],
  ])("bad input %#", (f, kind, message) => {
    expect(f).toThrow(kind);
    expect(f).toThrow(message);
  });
});

describe("plot.speedup", () => {
  test("the ideal line ends at the cores, and the title names them", () => {
    const { data, layout } = plot.speedup(rows, { cores: 4 });
    const ideal = data.find(({ name }) => name === "ideal (4 cores)")!;
    expect([ideal.x[0], ideal.x.at(-1)]).toEqual([1, 4]);
    expect(ideal.y.at(-1)).toBe(4);
    expect(layout.title.text).toContain("4 cores");
    expect(layout.xaxis.tickvals).toEqual([1, 2, 4, 8]);
    expect(layout.shapes).toHaveLength(1);
  });

  test("the cores are those of this machine unless told", () => {
    const cores = availableParallelism();
    const names = plot.speedup(rows).data.map(({ name }) => name);
    expect(names).toContain(cores === 1 ? "ideal (1 core)" : `ideal (${cores} cores)`);
  });

  test("the interval of the time becomes the interval of the speedup", () => {
    const measured = plot.speedup(rows).data.find(({ name }) => name === "measured")!;
    // 4 threads: 25 ms, 22.5 to 30; against 100 ms that is 4, 3.33 to 4.44 times as fast.
    expect(measured.error_y.array[2]).toBeCloseTo(100 / 22.5 - 4);
    expect(measured.error_y.arrayminus[2]).toBeCloseTo(4 - 100 / 30);
  });

  test("Amdahl's law and claimed figures on wish", () => {
    const { data } = plot.speedup(rows, { cores: 8, amdahl: { serial: 0.5 }, claimed: { 4: 3.5 } });
    const amdahl = data.find(({ name }) => name.startsWith("Amdahl"))!;
    expect(amdahl.y.at(-1)).toBeCloseTo(1 / (0.5 + 0.5 / 8));
    expect(data.at(-1)).toMatchObject({ x: [4], y: [3.5], marker: { symbol: "circle-open" } });
  });

  test.each([
    [() => plot.speedup(3 as any), /plot.speedup needs the rows of speedup\(\); got number 3/],
    [() => plot.speedup([]), /at least one of rows/],
    [() => plot.speedup([{ threads: 1 } as any]), /speedup of row 0 needs to be a finite number; got undefined/],
  ])("bad input %#", (f, message) => expect(f).toThrow(message));
});

describe("plot.line", () => {
  test("takes numbers, pairs and points", () => {
    expect(plot.line([3, 4]).data[0]).toMatchObject({ x: [0, 1], y: [3, 4] });
    const { data, layout } = plot.line({ a: [[1, 2]], b: [{ x: 1, y: 5, low: 4, high: 7 }] }, { logY: true });
    expect(data[0]).toMatchObject({ name: "a", x: [1], y: [2] });
    expect(data[1]!.error_y).toMatchObject({ array: [2], arrayminus: [1] });
    expect(layout).toMatchObject({ showlegend: true, yaxis: { type: "log" } });
  });

  test.each([
    [() => plot.line(undefined as any), /needs points or an object of lines by name; got undefined/],
    [() => plot.line({ a: [] }), /the line "a" needs at least one of points/],
    [() => plot.line([[1, "x"]] as any), /y of point 0 needs to be a finite number/],
    [() => plot.line([0], { logX: true }), /logarithmic axis/],
  ])("bad input %#", (f, message) => expect(f).toThrow(message));
});

describe("Figure", () => {
  const figure = () => new Figure({ data: [{ type: "bar", x: ["a"], y: [1] }], layout: { title: { text: "One" } } });

  test("shows itself as plotly JSON, SVG and one line of text", () => {
    const one = figure();
    const bundle = (one[Symbol.for("Jupyter.display")] as any)();
    expect(Object.keys(bundle)).toEqual(["application/vnd.plotly.v1+json", "image/svg+xml", "text/plain"]);
    expect(bundle["application/vnd.plotly.v1+json"]).toMatchObject({ data: one.data, layout: one.layout });
    expect(bundle["image/svg+xml"]).toMatch(/^<svg /);
    expect(bundle["text/plain"]).toBe("One: bar");
    // A later update must not change what was shown before.
    one.update({ data: [{ y: [9] }] });
    expect(bundle["application/vnd.plotly.v1+json"].data[0].y).toEqual([1]);
  });

  test("update merges objects, replaces values, adds traces and tells", () => {
    const one = figure();
    let told = 0;
    const stop = one.onUpdate(() => told++);
    one.update({ data: [{ y: [2] }, { type: "scatter", y: [3] }], layout: { xaxis: { title: { text: "x" } } } });
    expect(one.data).toMatchObject([{ type: "bar", y: [2] }, { type: "scatter" }]);
    expect(one.layout).toMatchObject({ title: { text: "One" }, xaxis: { title: { text: "x" } } });
    stop();
    one.update({ data: [undefined, { y: [4] }] });
    expect(one.data[0]!.y).toEqual([2]);
    expect(told).toBe(1);
  });

  test("bad input", () => {
    expect(() => new Figure({ data: 3 as any })).toThrow("Figure needs `data` to be an array of plotly traces");
    expect(() => figure().update(null as any)).toThrow("Figure.update needs { data?, layout? }; got null.");
  });

  test("options that are none", () => {
    expect(() => plot.line([1, 2], { title: 5 } as any).toSVG()).toThrow(
      new TypeError("plot.line: expected title to be a string, got 5."),
    );
    expect(() => plot.bar({ a: 1 }, { yTitle: ["y"] } as any)).toThrow("plot.bar: expected yTitle to be a string");
    expect(() => plot.speedup(rows, { subtitle: true } as any)).toThrow("expected subtitle to be a string, got true.");
    expect(() => plot.gantt([], null as any)).toThrow("plot.gantt needs its options to be an object; got null.");
    expect(() => plot.line([1], { height: "tall" } as any)).toThrow(/height needs to be a finite number/);
    expect(() => plot.line([1], { height: 0 })).toThrow(RangeError);
  });

  test("titles are objects everywhere: plotly drops strings", () => {
    const figures = [
      plot.bar({ a: 1 }, { title: "t", yTitle: "y" }),
      plot.speedup(rows),
      plot.line([1], { title: "t" }),
    ];
    for (const { layout } of figures) {
      for (const holder of [layout, layout.xaxis, layout.yaxis]) expect(typeof holder.title).not.toBe("string");
    }
  });

  test("a user's < does not become plotly's markup", () => {
    const { data, layout } = plot.bar({ "a<b>": 1 }, { title: "<i>x</i> &amp; y" });
    expect(layout.title.text).toBe("&lt;i>x&lt;/i> &amp;amp; y");
    expect(data[0]!.x).toEqual(["a&lt;b>"]);
  });
});
