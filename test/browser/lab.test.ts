// The tour as a reader sees it: in JupyterLab and Notebook 7, in a real browser, and exported as one HTML file. Pictures
// are kept in .artefacts/.

import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT } from "../../kernel/cli/paths.ts";
import type { Server } from "../../kernel/cli/server.ts";
import { findChromium, NO_CHROMIUM } from "../../scripts/gate/chromium.ts";
import { startServer } from "../conformance/server.ts";
import { openHtmlOffline } from "./export-page.ts";
import { LAB_ARGUMENTS, LabPage, problems } from "./lab-page.ts";

const TOUR = "notebooks/00-setup-and-tour.ipynb";
const COPY = "notebooks/tour.ipynb";
const FIGURES = 4;
const folder = path.join(ROOT, ".artefacts", "browser");

const chromium = findChromium();
if (!chromium) console.log(`browser tests are skipped: ${NO_CHROMIUM}`);

describe.skipIf(!chromium)("in the browser", () => {
  let server: Server;

  beforeAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    // Exporting saves, so it is a copy that is opened; the tour reads the packages beside its folder.
    mkdirSync(path.join(folder, "notebooks"), { recursive: true });
    cpSync(path.join(ROOT, TOUR), path.join(folder, COPY));
    symlinkSync(path.join(ROOT, "node_modules"), path.join(folder, "node_modules"), "junction");
    server = await startServer({ app: "lab", root: folder, args: LAB_ARGUMENTS });
  });
  afterAll(() => server?.stop());

  it("runs the tour in JupyterLab, with live plots and no request to elsewhere", async () => {
    const lab = await LabPage.open({ server, notebook: COPY, height: 6000, timeoutMs: 120_000 });
    try {
      const notebook = await lab.runAll();
      expect(problems(notebook)).toEqual([]);
      await expect.poll(() => lab.plots(), { timeout: 20_000 }).toBe(FIGURES);
      await lab.screenshot("lab-tour");
      await lab.showFigure("Counting words");
      await lab.screenshot("lab-readme");
      expect(lab.outsideRequests).toEqual([]);
      expect(lab.consoleErrors).toEqual([]);
      const file = await lab.exportHtml(path.join(folder, "menu.html"));
      const exported = await openHtmlOffline(file, { screenshot: path.join(folder, "menu.png") });
      expect(exported).toMatchObject({ consoleErrors: [], requests: [], plots: FIGURES });
      expect(exported.hoverText).not.toBe("");
    } finally {
      await lab.close();
    }
  });

  it.each(["lab", "notebook"] as const)("draws plots of a notebook that it doesn't trust, dark, in %s", async (app) => {
    // As it was committed, with the outputs of the recorded run; this server has never signed it.
    cpSync(path.join(ROOT, TOUR), path.join(folder, "untrusted.ipynb"));
    const page = await LabPage.open({ server, notebook: "untrusted.ipynb", app, theme: "dark", height: 9000 });
    try {
      await expect.poll(() => page.plots(), { timeout: 20_000 }).toBe(FIGURES);
      await page.screenshot(`${app}-dark`);
      expect(page.outsideRequests).toEqual([]);
    } finally {
      await page.close();
    }
  });

  it("runs no cell behind one that failed", async () => {
    const sources = ["1 + 1", "throw new Error('stop here')", "'not run'", "'nor this'"];
    writeNotebook("stops.ipynb", sources);
    const lab = await LabPage.open({ server, notebook: "stops.ipynb" });
    try {
      const { cells } = await lab.runAll();
      expect(cells.map((cell) => cell.outputs?.[0]?.output_type)).toEqual([
        "execute_result",
        "error",
        undefined,
        undefined,
      ]);
      await lab.screenshot("lab-error");
    } finally {
      await lab.close();
    }
  });

  it("shows the SVG of a figure where no script runs", async () => {
    const page = await openHtmlOffline(path.join(folder, "menu.html"), {
      javaScript: false,
      screenshot: path.join(folder, "no-script.png"),
    });
    expect(page.requests).toEqual([]);
    expect(readFileSync(path.join(folder, "menu.html"), "utf8")).toContain("data:image/svg+xml;base64,");
  });
});

function writeNotebook(name: string, sources: string[]): void {
  const cells = sources.map((source, index) => ({
    cell_type: "code",
    id: `c${index}`,
    metadata: {},
    execution_count: null,
    outputs: [],
    source,
  }));
  const metadata = { kernelspec: { name: "braid", display_name: "TypeScript (Braid)", language: "typescript" } };
  writeFileSync(path.join(folder, name), JSON.stringify({ cells, metadata, nbformat: 4, nbformat_minor: 5 }));
}
