// Opens an exported HTML file as its reader does, from the disk and without a network, and tells what is alive on it.

import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium, type Locator, type Page } from "playwright-core";
import { findChromium } from "../../scripts/gate/chromium.ts";

export interface ExportedPage {
  /** Errors on the console and errors nobody caught. */
  consoleErrors: string[];
  /** Addresses that the page asked for, beside itself and what it holds inside. */
  requests: string[];
  /** Figures that plotly has drawn. */
  plots: number;
  /** What a mouse over a mark of the first figure with marks shows; "" when it shows nothing. */
  hoverText: string;
  /** Formulas that KaTeX has set, and those among them it could not read. */
  math: number;
  mathErrors: number;
}

export interface OpenOptions {
  /** Where to keep a picture of the whole page. */
  screenshot?: string;
  /** The reader's browser runs no scripts. */
  javaScript?: boolean;
}

/** Opens the file offline, waits until its figures are drawn, and hovers one. Throws where there is no browser. */
export async function openHtmlOffline(file: string, options: OpenOptions = {}): Promise<ExportedPage> {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error("No Chromium was found: set CHROMIUM to its path.");
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
  try {
    const context = await browser.newContext({
      offline: true,
      javaScriptEnabled: options.javaScript ?? true,
      viewport: { width: 1000, height: 1400 },
    });
    const page = await context.newPage();
    const url = pathToFileURL(resolve(file)).href;
    const consoleErrors: string[] = [];
    const requests: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error") consoleErrors.push(message.text());
    });
    page.on("pageerror", (error) => consoleErrors.push(String(error)));
    page.on("request", (request) => {
      if (request.url() !== url && !/^(?:data|blob):/.test(request.url())) requests.push(request.url());
    });
    await page.goto(url, { waitUntil: "load" });
    await settled(page);
    const hoverText = await hover(page);
    if (options.screenshot !== undefined) await page.screenshot({ path: options.screenshot, fullPage: true });
    return {
      consoleErrors,
      requests,
      plots: await page.locator(".js-plotly-plot .main-svg:first-child").count(),
      hoverText,
      math: await page.locator(".katex").count(),
      mathErrors: await page.locator(".katex-error").count(),
    };
  } finally {
    await browser.close();
  }
}

/** Until every figure has its drawing, at most 15 s; then a moment for what a page may still ask for. */
async function settled(page: Page): Promise<void> {
  const figures = page.locator(".jp-RenderedPlotly");
  const drawn = page.locator(".js-plotly-plot .main-svg:first-child");
  const end = Date.now() + 15_000;
  while ((await drawn.count()) < (await figures.count()) && Date.now() < end) await page.waitForTimeout(50);
  await page.waitForTimeout(300);
}

/** The text of the label that appears when the mouse comes to a figure's mark. */
export async function hover(within: Page | Locator): Promise<string> {
  const page = "mouse" in within ? within : within.page();
  const plots = within.locator(".js-plotly-plot");
  for (let index = 0; index < (await plots.count()); index++) {
    const plot = plots.nth(index);
    const mark = plot.locator(".point").first();
    if ((await mark.count()) === 0) continue;
    await mark.scrollIntoViewIfNeeded();
    const [box, area] = [await mark.boundingBox(), await plot.locator(".nsewdrag").first().boundingBox()];
    if (box === null || area === null) continue;
    // A bar on a logarithmic axis reaches far below what is shown of it.
    const [x, y] = [
      middle(box.x, box.x + box.width, area.x, area.x + area.width),
      middle(box.y, box.y + box.height, area.y, area.y + area.height),
    ];
    await page.mouse.move(x - 15, y - 5);
    await page.mouse.move(x, y, { steps: 4 });
    const label = plot.locator(".hoverlayer .hovertext").first();
    await label.waitFor({ timeout: 2000 }).catch(() => undefined);
    if ((await label.count()) > 0) return (await label.textContent()) ?? "";
  }
  return "";
}

/** The middle of what two stretches share. */
function middle(from: number, to: number, least: number, most: number): number {
  return (Math.max(from, least) + Math.min(to, most)) / 2;
}
