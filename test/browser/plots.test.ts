// Every kind of figure as plotly itself draws it: without an error, and its marks are on the page. A page of its own, without
// a notebook.

import { fileURLToPath } from "node:url";
import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { plot, sim, type Figure } from "../../lib/index.ts";
import { findChromium, NO_CHROMIUM } from "../../scripts/gate/chromium.ts";

const executablePath = findChromium();
if (!executablePath) console.log(`browser tests are skipped: ${NO_CHROMIUM}`);

const ring = [1, 2].map((thread) => ({ thread, holds: `lock ${thread}`, waitsFor: `lock ${3 - thread}` }));
const words = { text: "root", children: [{ text: "a branch" }, { text: "another", label: "yes" }] };
const chain = {
  boxes: [
    { text: "load", color: "#e1f5ff" },
    { text: "work", marked: true },
  ],
};
const stages = [
  { name: "load", time: 1 },
  { name: "work", time: 3, capacity: 2 },
];
const rows = ["c", "a", "b"].map((name, i) => ({ name, ms: i }));
const trace = sim.scheduler([3, 1, 2], { threads: 2, policy: "stealing" }).trace;

/** With a selector of what has to be on the page, and how often. */
const FIGURES: Record<string, [figure: Figure, selector: string, count: number]> = {
  line: [plot.line([1, 2, 3], { logY: true }), ".point", 3],
  bar: [plot.bar({ a: 1, b: 2 }, { claimed: { a: 3 } }), ".bars .point", 3],
  speedup: [plot.speedup([{ threads: 1, speedup: 1 }]), ".scatterlayer .trace", 2],
  gantt: [plot.gantt(trace), ".bars .point", 3],
  sequence: [plot.sequence([{ from: "a", to: "b", text: "x" }]), ".annotation", 3],
  queues: [plot.queues(sim.pipeline({ items: 9, stages }).queues), ".scatterlayer .js-line", 2],
  heatmap: [plot.heatmap([[1, 2, null]], { unit: "ms" }), ".cbbg", 1],
  categories: [plot.heatmap([[0, 1]], { categories: ["x", "y"] }), ".legend .traces", 2],
  histogram: [plot.histogram({ a: [1, 2, 2], b: [3] }), ".bars .point", 6],
  box: [plot.box({ a: [1, 2, 3, 50], b: [2] }), "path.box", 2],
  waitGraph: [plot.waitGraph(ring), ".shapelayer path", 4],
  flow: [plot.flow(chain), ".shapelayer path", 2],
  tree: [plot.tree(words), ".shapelayer path", 3],
  table: [plot.table(rows), ".column-cell", 8],
};

describe.skipIf(!executablePath)("plotly", () => {
  let browser: Browser;
  let page: Page;
  const errors: string[] = [];

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: executablePath!, args: ["--no-sandbox", "--disable-gpu"] });
    page = await browser.newPage({ viewport: { width: 900, height: 700 } });
    page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
    page.on("pageerror", (error) => errors.push(String(error)));
    await page.setContent(`<div id="figure"></div>`);
    await page.addScriptTag({ path: fileURLToPath(import.meta.resolve("plotly.js-dist-min/plotly.min.js")) });
  });
  afterAll(() => browser?.close());

  async function draw(figure: Figure): Promise<void> {
    await page.evaluate(async (json) => {
      const { Plotly } = globalThis as unknown as { Plotly: PlotlyApi };
      const { data, layout } = JSON.parse(json) as { data: object[]; layout: object };
      await Plotly.newPlot("figure", data, layout);
    }, JSON.stringify(figure));
  }

  it("every function of plot has its figure here", () => {
    expect(Object.keys(FIGURES)).toEqual(expect.arrayContaining(Object.keys(plot)));
  });

  it.each(Object.keys(FIGURES))("draws plot.%s without an error", async (name) => {
    const [figure, selector, count] = FIGURES[name]!;
    await draw(figure);
    expect(await page.locator(`#figure ${selector}`).count()).toBe(count);
    expect(errors).toEqual([]);
  });

  it("a table's menu sorts it", async () => {
    await draw(plot.table(rows));
    const first = (): Promise<string[]> => page.locator("#figure .column-cells .cell-text").allTextContents();
    await page.locator(".updatemenu-header").click();
    await page.locator(".updatemenu-dropdown-button", { hasText: "name ▲" }).click();
    await expect.poll(async () => (await first()).filter((text) => /^[abc]$/.test(text))).toEqual(["a", "b", "c"]);
  });
});

interface PlotlyApi {
  newPlot(id: string, data: object[], layout: object): Promise<unknown>;
}
