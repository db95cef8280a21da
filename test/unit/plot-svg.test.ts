import { describe, expect, test } from "vitest";
import { Figure, plot } from "../../lib/plot/index.ts";

/** Well-formed enough: every tag closes in order, and no bare & or < stands in a text. */
function checkXml(svg: string): void {
  const open: string[] = [];
  for (const [, closing, name, selfClosing] of svg.matchAll(/<(\/?)([a-zA-Z]+)(?:\s+[\w:-]+="[^"<]*")*\s*(\/?)>/g)) {
    if (closing === "/") expect(open.pop()).toBe(name);
    else if (selfClosing !== "/") open.push(name!);
  }
  expect(open).toEqual([]);
  const texts = svg.replace(/<\/?[a-zA-Z]+(?:\s+[\w:-]+="[^"<]*")*\s*\/?>/g, "");
  expect(texts.match(/[<>]|&(?!amp;|lt;|gt;|quot;)/)).toBe(null);
  expect(svg.match(/NaN|undefined|Infinity|null/)).toBe(null);
}

const rects = (svg: string) =>
  [...svg.matchAll(/<rect class="bar" x="([\d.-]+)" y="([\d.-]+)" width="([\d.]+)" height="([\d.]+)"/g)].map(
    ([, x, y, width, height]) => ({ x: Number(x), y: Number(y), width: Number(width), height: Number(height) }),
  );
const texts = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]*)</g)].map(([, text]) => text);

describe("static SVG", () => {
  test("bars are as high as their values", () => {
    const svg = plot.bar({ a: 10, b: 5, c: 2.5 }, { title: "Bars" }).toSVG();
    checkXml(svg);
    const [a, b, c] = rects(svg).map(({ height }) => height);
    expect(a! / b!).toBeCloseTo(2, 1);
    expect(b! / c!).toBeCloseTo(2, 1);
    const floor = rects(svg).map(({ y, height }) => Math.round(y + height));
    expect(new Set(floor).size).toBe(1);
  });

  test("bars on their side, claimed ones beside the measured", () => {
    const svg = plot.bar({ a: 10, b: 5 }, { claimed: { a: 20 }, horizontal: true }).toSVG();
    checkXml(svg);
    const [a, b, claimed] = rects(svg);
    expect(claimed!.width / a!.width).toBeCloseTo(2, 1);
    expect(a!.width / b!.width).toBeCloseTo(2, 1);
    expect(claimed!.y).toBeCloseTo(a!.y + a!.height, 0);
    expect(svg).toContain('fill="rgba(0,0,0,0)" stroke="#d55e00"');
  });

  test("a tenfold value is one decade higher on a logarithmic axis", () => {
    const svg = plot.bar({ a: 1, b: 10, c: 100 }, { log: true }).toSVG();
    checkXml(svg);
    const [a, b, c] = rects(svg).map(({ y }) => y);
    expect(a! - b!).toBeCloseTo(b! - c!, 0);
    expect(texts(svg)).toEqual(expect.arrayContaining(["1", "10", "100"]));
  });

  test("stacked bars stand on each other, base moves a bar", () => {
    const y = (value: number) => ({ type: "bar", x: ["a"], y: [value] });
    const [low, high] = rects(new Figure({ data: [y(1), y(2)], layout: { barmode: "stack" } }).toSVG());
    expect(high!.y + high!.height).toBeCloseTo(low!.y, 0);
    const moved = { type: "bar", orientation: "h", y: [0, 1], x: [2, 2], base: [0, 4], width: 0.5 };
    const [first, second] = rects(new Figure({ data: [moved] }).toSVG());
    expect(first!.width).toBeCloseTo(second!.width, 0);
    expect(second!.x - first!.x).toBeCloseTo(2 * first!.width, -1);
  });

  test("the speedup figure has its lines, intervals, markers and legend", () => {
    const rows = [1, 2].map((threads) => ({ threads, speedup: threads, medianMs: 9, lowMs: 8, highMs: 10 }));
    const svg = plot.speedup(rows, { cores: 2, amdahl: { serial: 0.1 }, claimed: { 2: 1.9 } }).toSVG();
    checkXml(svg);
    expect(svg.match(/class="line"/g)).toHaveLength(3);
    expect(svg.match(/class="error"/g)).toHaveLength(1);
    expect(svg).toContain('stroke-dasharray="7 5"');
    expect(texts(svg)).toEqual(expect.arrayContaining(["ideal (2 cores)", "measured", "the document", "threads"]));
    expect(svg).toMatch(/<title>Speedup on 2 cores<\/title><desc>[^<]*2 threads 2×/);
    expect(svg).toContain('role="img"');
  });

  test("a line breaks at a missing value", () => {
    const svg = new Figure({ data: [{ type: "scatter", mode: "lines", x: [0, 1, 2, 3], y: [1, null, 2, 3] }] }).toSVG();
    checkXml(svg);
    expect(svg.match(/class="line" d="([^"]*)"/)![1]!.match(/M/g)).toHaveLength(2);
  });

  test("hostile and foreign text stays text", () => {
    const name = `</text><script>alert("x")</script> & 日本語 \u0000\ud800`;
    const svg = plot
      .bar({ [name]: 1, b: 2 }, { title: name, xTitle: name, claimed: { b: 1 }, claimedName: name })
      .toSVG();
    checkXml(svg);
    expect(svg).not.toContain("<script");
    expect(svg).toContain("日本語");
    const raw = new Figure({ data: [{ type: "bar", x: ["a"], y: [1], marker: { color: '"/><script>' } }] }).toSVG();
    expect(raw).not.toContain("<script");
  });

  test("a type it can't draw is named, beside what it can", () => {
    const alone = new Figure({ data: [{ type: "pie", values: [1] }] }).toSVG();
    checkXml(alone);
    expect(alone).toContain("No static picture of plotly's “pie”");
    const mixed = new Figure({ data: [{ type: "surface" }, { type: "bar", x: ["a"], y: [1] }] }).toSVG();
    expect(rects(mixed)).toHaveLength(1);
    expect(mixed).toContain("“surface”");
    expect(new Figure({ data: [] }).toSVG()).toContain("This figure is empty.");
  });

  test("odd traces don't crash it", () => {
    const odd = [
      { type: "scatter" },
      { type: "bar" },
      { type: "bar", x: ["a"], y: [null] },
      { type: "scatter", y: [NaN] },
      { type: "heatmap", z: [[1]], x: ["a"] },
      { type: "box" },
      { type: "box", q1: [1], median: [2] },
    ];
    for (const table of [{}, { header: { values: ["a"] } }, { cells: { values: [[1, 2]] } }])
      checkXml(new Figure({ data: [{ type: "table", ...table }] }).toSVG());
    checkXml(new Figure({ data: odd, layout: { title: "a string", annotations: [{ text: "n" }] } }).toSVG());
  });

  test("however much there is, it stays below 60 kB", () => {
    const noise = (n: number) => Array.from({ length: n }, (_, i) => Math.sin(i * i));
    const events = Array.from({ length: 40_000 }, (_, i) => ({
      kind: i % 2 === 0 ? ("start" as const) : ("end" as const),
      thread: (i >> 1) % 16,
      task: i >> 1,
      atMs: (i >> 1) + (i % 2) * 10,
      label: `kind ${(i >> 1) % 5}`,
    }));
    const figures = [
      plot.line({ a: noise(100_000), b: noise(100_000), c: noise(50_000) }),
      plot.line(noise(20_000), { markers: true }),
      plot.gantt(events),
      plot.gantt(events, { maxBars: 20_000 }),
      plot.heatmap(Array.from({ length: 500 }, (_, i) => noise(500 + i).slice(-500))),
      plot.histogram(noise(10_000), { bins: 200 }),
      plot.box({ a: noise(50_000), b: noise(20_000).map((value) => value ** 9) }),
      plot.queues({ a: noise(50_000).map((length, atMs) => ({ atMs, length })) }),
      plot.table(noise(400).map((value, i) => ({ value, i, words: `${"word ".repeat(9)}${i}` }))),
      plot.bar(Object.fromEntries(noise(3000).map((value, i) => [`name ${i}`, value + 2]))),
    ];
    for (const figure of figures) {
      const svg = figure.toSVG();
      checkXml(svg);
      expect(Buffer.byteLength(svg)).toBeLessThanOrEqual(60_000);
      expect(svg.includes("too much")).toBe(false);
    }
  });
});
