// plot.waitGraph, plot.flow, plot.tree and plot.table: where boxes stand, what arrows lead to, and what they refuse.

import { describe, expect, test } from "vitest";
import { plot, type Figure } from "../../lib/plot/index.ts";

interface Rect {
  x0: number;
  x1: number;
  y0: number;
  y1: number;
  fillcolor: string;
  line: { color: string; width: number };
}
const rects = (figure: Figure): Rect[] => figure.layout.shapes;
const words = (figure: Figure): string[] => figure.layout.annotations.map(({ text }: { text: string }) => text);
const overlap = (a: Rect, b: Rect): boolean => a.x0 < b.x1 && b.x0 < a.x1 && a.y0 < b.y1 && b.y0 < a.y1;
const noneOverlap = (figure: Figure): boolean =>
  rects(figure).every((a, i) => rects(figure).every((b, j) => i === j || !overlap(a, b)));
/** Arrows as pairs of ends, in data. */
const ends = (figure: Figure) =>
  figure.data.slice(0, -1).flatMap(({ x, y }) => {
    const ways: [number, number][][] = [[]];
    x.forEach((at: number | null, i: number) => (at === null ? ways.push([]) : ways.at(-1)!.push([at, y[i]])));
    return ways.filter((way) => way.length > 0).map((way) => [way[0]!, way.at(-1)!]);
  });
const touches = ({ x0, x1, y0, y1 }: Rect, [x, y]: [number, number]): boolean =>
  x >= x0 - 1e-6 && x <= x1 + 1e-6 && y >= y0 - 1e-6 && y <= y1 + 1e-6;

describe("plot.waitGraph", () => {
  const cycle = [
    { thread: 1, holds: "A", waitsFor: "B", where: "/somewhere/cell-4.ts:3:12" },
    { thread: 2, holds: ["B"], waitsFor: "A", where: "take (file:///somewhere/else.ts:7:1)" },
  ];

  test("two threads in a circle: four boxes, four arrows, all of the circle", () => {
    const figure = plot.waitGraph(cycle, { title: "Deadlock" });
    expect(words(figure)).toEqual(["thread 1", "cell-4.ts:3:12", "B", "thread 2", "take, else.ts:7:1", "A"]);
    expect(figure.data.map(({ name }) => name)).toEqual([
      "waits for, in a circle",
      "is held by, in a circle",
      undefined,
    ]);
    expect(rects(figure).every(({ line }) => line.width === 3)).toBe(true);
    const [first, b, second, a] = rects(figure);
    const joins = [[first, b], [second, a], [a, first], [b, second]]; // prettier-ignore
    ends(figure).forEach(([from, to], i) => {
      expect([touches(joins[i]![0]!, from!), touches(joins[i]![1]!, to!)]).toEqual([true, true]);
    });
    expect(figure.data.at(-1)!.hovertext[0]).toBe("thread 1<br>at /somewhere/cell-4.ts:3:12");
    expect(figure.description).toContain("in a circle: thread 1, B, thread 2, A");
    expect(figure.toSVG()).toMatch(/class="heads" d="M[^"]*z/);
  });

  test("a lock that is taken twice by one thread, from a place that could not be told", () => {
    const figure = plot.waitGraph([{ thread: 3, holds: "A", waitsFor: "A", where: "" }, { thread: 4, holds: "", waitsFor: "A" }]); // prettier-ignore
    expect(words(figure)).toEqual(["thread 3", "A", "thread 4"]);
    expect(rects(figure).map(({ line }) => line.width)).toEqual([3, 3, 1]);
  });

  test("takes what a DeadlockError carries", () => {
    const error = Object.assign(new Error("deadlock"), { cycle });
    expect(plot.waitGraph(error).data).toEqual(plot.waitGraph(cycle).data);
  });

  test("who waits for the circle without being in it isn't marked; threads may wait for threads", () => {
    const figure = plot.waitGraph([...cycle, { thread: "main", waitsFor: "thread 1" }]);
    expect(figure.data.map(({ name }) => name)).toContain("waits for");
    expect(rects(figure).map(({ line }) => line.width)).toEqual([3, 3, 3, 3, 1]);
    const two = plot.waitGraph([{ thread: 1, waitsFor: "thread 2" }, { thread: 2, waitsFor: "thread 1" }]); // prettier-ignore
    expect(rects(two)).toHaveLength(2);
    expect(two.data[0]!.x.filter((x: number | null) => x !== null)).toHaveLength(6); // bent, so that both are seen
  });

  test.each([2, 3, 5, 8])("a ring of %d philosophers: no box lies on another", (n) => {
    const ring = Array.from({ length: n }, (_, i) => ({ thread: `philosopher ${i}`, holds: `fork ${i}`, waitsFor: `fork ${(i + 1) % n}` })); // prettier-ignore
    const figure = plot.waitGraph(ring);
    expect(rects(figure)).toHaveLength(2 * n);
    expect(noneOverlap(figure)).toBe(true);
  });

  test("without a circle it says so", () => {
    const figure = plot.waitGraph([{ thread: 0, holds: ["A", "B"] }, { thread: 1, waitsFor: "A" }]); // prettier-ignore
    expect(figure.description).toMatch(/; no circle$/);
    expect(rects(figure).some(({ line }) => line.width === 3)).toBe(false);
  });

  test.each([
    [() => plot.waitGraph([]), RangeError, "at least one of threads"],
    [() => plot.waitGraph({ cycle: "x" } as any), TypeError, "needs an array of threads"],
    [() => plot.waitGraph([{ holds: "A" }] as any), TypeError, "`thread` of entry 0 needs to be a name or a number"],
    [() => plot.waitGraph([{ thread: 1, holds: 3 }] as any), TypeError, "`holds` of entry 0 needs names; got number 3"],
    [() => plot.waitGraph([{ thread: 1 }]), RangeError, "none of which holds or waits"],
  ])("bad input %#", (f, kind, message) => {
    expect(f).toThrow(kind);
    expect(f).toThrow(message);
  });
});

describe("plot.flow", () => {
  test("boxes without arrows follow each other from left to right", () => {
    const figure = plot.flow({
      boxes: [{ text: "Read", color: "#e1f5ff" }, { text: "Queue 1", note: "3 of 10" }, { text: "Process" }],
    });
    expect(rects(figure).map(({ fillcolor }) => fillcolor)).toEqual(["#e1f5ff", "rgba(0,0,0,0)", "rgba(0,0,0,0)"]);
    const xs = rects(figure).map(({ x0 }) => x0);
    expect(xs).toEqual([...xs].sort((a, b) => a - b));
    expect(ends(figure)).toHaveLength(2);
    expect(words(figure)).toEqual(["Read", "Queue 1", "3 of 10", "Process"]);
    // Text on a light box is dark in the dark theme, too.
    expect(figure.layout.annotations[0].font.color).toBe("#1f2328");
    expect(figure.layout.annotations[1].font.color).toBeUndefined();
  });

  test("a decision: each box behind all that lead to it, the way taken marked", () => {
    const figure = plot.flow({
      boxes: [
        { id: "q", text: "shared?", marked: true },
        { id: "m", text: "move" },
        { id: "s", text: "share", marked: true },
        { id: "end", text: "done" },
      ],
      arrows: [
        { from: "q", to: "s", text: "yes" },
        { from: "q", to: "m", text: "no" },
        { from: "s", to: "end" },
        { from: "m", to: "end" },
      ],
    });
    const middle = new Map(words(figure).slice(0, 4).map((text, i) => [text, figure.layout.annotations[i].x])); // prettier-ignore
    expect(middle.get("move")).toBe(middle.get("share"));
    expect(middle.get("done")).toBeGreaterThan(middle.get("share"));
    expect(noneOverlap(figure)).toBe(true);
    expect(figure.data.map(({ line }) => line?.color)).toEqual(["#d55e00", "#8a8a8a", undefined]);
    expect(figure.description).toBe(
      "Flow chart: shared? → share (yes), shared? → move (no), share → done, move → done",
    );
  });

  test("a circle's last arrow leads back, bent", () => {
    const arrows = [{ from: "a", to: "b" }, { from: "b", to: "a", text: "again" }]; // prettier-ignore
    const figure = plot.flow({ boxes: [{ text: "a" }, { text: "b" }], arrows });
    expect(figure.data[0]!.x.filter((x: number | null) => x !== null)).toHaveLength(5);
    const label = figure.layout.annotations.at(-1);
    expect(label).toMatchObject({ text: "again" });
    expect(label.y).toBeGreaterThan(0);
  });

  test.each([
    [() => plot.flow({ boxes: [] }), RangeError, "at least one of boxes"],
    [() => plot.flow(undefined as any), TypeError, "needs an array of boxes"],
    [() => plot.flow({ boxes: [{}] } as any), TypeError, "box 0 needs a text"],
    [() => plot.flow({ boxes: [{ text: "a" }, { text: "a" }] }), RangeError, 'two boxes are called "a"'],
    [
      () => plot.flow({ boxes: [{ text: "a" }], arrows: [{ from: "a", to: "b" }] }),
      RangeError,
      "arrow 0 needs to lead",
    ],
    [() => plot.flow({ boxes: [{ text: "a" }], arrows: 3 as any }), TypeError, "arrows needs an array"],
  ])("bad input %#", (f, kind, message) => {
    expect(f).toThrow(kind);
    expect(f).toThrow(message);
  });
});

describe("plot.tree", () => {
  test("children stand at the right of their parent, in their order, and nothing overlaps", () => {
    const leaf = (text: string) => ({ text });
    const figure = plot.tree({
      text: "root",
      children: [
        { text: "a", label: "yes", children: [leaf("a1"), leaf("a2"), leaf("a long text that takes two lines")] },
        leaf("b"),
        { text: "c", children: [leaf("c1")] },
      ],
    });
    expect(rects(figure)).toHaveLength(8);
    expect(noneOverlap(figure)).toBe(true);
    expect(ends(figure)).toHaveLength(7);
    expect(words(figure)).toContain("yes");
    expect(figure.toSVG()).not.toContain("heads");
  });

  test("a parent higher than all its children keeps clear of its neighbours", () => {
    const tall = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen";
    const children = [
      { text: tall, children: [{ text: "x" }] },
      { text: tall, children: [{ text: "y" }] },
    ];
    expect(noneOverlap(plot.tree({ text: "r", children }))).toBe(true);
  });

  test.each([
    [() => plot.tree(null as any), TypeError, "plot.tree needs nodes { text, children? }; got null at depth 0"],
    [() => plot.tree({ text: "a", children: [{}] } as any), TypeError, "got undefined at depth 1"],
    [() => plot.tree({ text: "a", children: 3 } as any), TypeError, 'the children of "a" need to be an array'],
  ])("bad input %#", (f, kind, message) => {
    expect(f).toThrow(kind);
    expect(f).toThrow(message);
  });

  test("a node that is its own child is refused", () => {
    const node: any = { text: "a" };
    node.children = [node];
    expect(() => plot.tree(node)).toThrow(new RangeError("plot.tree draws at most 400 nodes; got more."));
  });
});

describe("plot.table", () => {
  const rows = [
    { way: "order", done: true, ms: 12.254, n: 333332833333127550n },
    { way: "a <b> & c", done: false, n: 14 },
    { way: "timed", done: true, ms: 503, n: 2 },
  ];

  test("columns in the order in which they come, whole numbers in full, numbers at the right", () => {
    const { data, description } = plot.table(rows, { title: "Ways" });
    expect(data[0]!.header.values).toEqual(["<b>way</b>", "<b>done</b>", "<b>ms</b>", "<b>n</b>"]);
    expect(data[0]!.cells.values).toEqual([
      ["order", "a &lt;b> & c", "timed"],
      ["yes", "no", "yes"],
      ["12.3", "", "503"],
      ["333,332,833,333,127,550", "14", "2"],
    ]);
    expect(data[0]!.cells.align).toEqual(["left", "left", "right", "right"]);
    expect(description).toMatch(/^Ways: way, done, ms, n; order, yes, 12\.3, 333,332/);
  });

  test("the menu has the rows in each order, nothing last", () => {
    const { buttons } = plot.table(rows).layout.updatemenus[0];
    const first = (label: string) => buttons.find((one: any) => one.label === label).args[0]["cells.values"][0][0];
    expect(first("sort by …")).toEqual(["order", "a &lt;b> & c", "timed"]);
    expect(first("ms ▲")).toEqual(["order", "timed", "a &lt;b> & c"]);
    expect(first("ms ▼")).toEqual(["timed", "order", "a &lt;b> & c"]);
    expect(first("n ▼")).toEqual(["order", "a &lt;b> & c", "timed"]);
    expect(first("way ▲")).toEqual(["a &lt;b> & c", "order", "timed"]);
    expect(plot.table(rows.slice(0, 2)).layout.updatemenus).toBeUndefined();
    expect(plot.table(rows, { sortable: false }).layout.updatemenus).toBeUndefined();
  });

  test("the static picture has every cell; long texts are wrapped", () => {
    const long = "a remark that is much too long for one line of a column, so that it has to be broken somewhere else";
    const svg = plot.table([...rows, { way: long }], { columns: ["way", "ms", "n", "done"] }).toSVG();
    for (const text of ["a &lt;b&gt; &amp; c", "12.3", "333,332,833,333,127,550", "503"]) expect(svg).toContain(text);
    expect(svg.match(/<tspan/g)!.length).toBeGreaterThan(1);
  });

  test.each([
    [() => plot.table([]), RangeError, "at least one of rows"],
    [() => plot.table([3] as any), TypeError, "got number 3 at index 0"],
    [() => plot.table([{}]), RangeError, "at least one column"],
    [() => plot.table([{ a: {} }] as any), TypeError, 'got an object as "a" of row 0'],
    [() => plot.table([{ a: 1 }], { columns: [1] } as any), TypeError, "needs names; got number 1 at index 0"],
    [() => plot.table(Array.from({ length: 2001 }, () => ({ a: 1 }))), RangeError, "at most 2000 cells; got 2001"],
  ])("bad input %#", (f, kind, message) => {
    expect(f).toThrow(kind);
    expect(f).toThrow(message);
  });
});
