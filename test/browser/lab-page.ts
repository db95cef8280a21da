// A notebook in the real JupyterLab, or Notebook 7, in headless Chromium: opens it, runs it, and reads the outputs from
// the front end's own model (the page's elements can't tell an error from a line on stderr).

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { chromium, type BrowserContext, type Locator, type Page } from "playwright-core";
import { fromJson, type Notebook, type Output } from "../../kernel/cli/notebook.ts";
import { ROOT } from "../../kernel/cli/paths.ts";
import { findChromium, NO_CHROMIUM } from "../../scripts/gate/chromium.ts";

/** What the server has to be started with, so that `outputs` can read the model. */
export const LAB_ARGUMENTS = ["--LabApp.expose_app_in_browser=True", "--JupyterNotebookApp.expose_app_in_browser=True"];

export interface OpenOptions {
  server: { baseUrl: string; token: string };
  /** Path of the notebook, relative to the server's root. */
  notebook: string;
  /** JupyterLab, or Notebook 7 of the same server. */
  app?: "lab" | "notebook";
  theme?: "light" | "dark";
  /** Cells that are off screen are not drawn, so it is tall. */
  height?: number;
  timeoutMs?: number;
}

export class LabPage {
  readonly page: Page;
  /** Errors on the console and uncaught ones. */
  readonly consoleErrors: string[] = [];
  /** Requests to anywhere but the server. */
  readonly outsideRequests: string[] = [];
  readonly #context: BrowserContext;
  readonly #profile: string;
  readonly #panel: Locator;
  readonly #timeoutMs: number;

  private constructor(context: BrowserContext, page: Page, profile: string, timeoutMs: number) {
    this.#context = context;
    this.#profile = profile;
    this.#timeoutMs = timeoutMs;
    this.page = page;
    this.#panel = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)").first();
  }

  static async open({
    server,
    notebook,
    app = "lab",
    theme = "light",
    height = 2400,
    timeoutMs = 60_000,
  }: OpenOptions): Promise<LabPage> {
    const executablePath = findChromium();
    if (!executablePath) throw new Error(NO_CHROMIUM);
    const profile = mkdtempSync(join(tmpdir(), "braid-browser-"));
    const context = await chromium.launchPersistentContext(profile, {
      executablePath,
      headless: true,
      viewport: { width: 1280, height },
      colorScheme: theme,
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    });
    const page = context.pages()[0] ?? (await context.newPage());
    page.setDefaultTimeout(timeoutMs);
    const opened = new LabPage(context, page, profile, timeoutMs);
    try {
      await opened.#load(server, notebook, app);
      // Named each time: the server remembers the theme of the page before.
      await opened.#command("apputils:change-theme", { theme: `JupyterLab ${theme === "dark" ? "Dark" : "Light"}` });
      return opened;
    } catch (error) {
      await opened.screenshot("failed-to-open");
      await opened.close();
      throw error;
    }
  }

  async #load(server: OpenOptions["server"], notebook: string, app: "lab" | "notebook"): Promise<void> {
    const { origin } = new URL(server.baseUrl);
    this.page.on("console", (message) => {
      if (message.type() === "error") this.consoleErrors.push(message.text());
    });
    this.page.on("pageerror", (error) => this.consoleErrors.push(String(error)));
    this.page.on("request", (request) => {
      const url = request.url();
      if (/^(https?|wss?):/.test(url) && !url.replace(/^ws/, "http").startsWith(origin)) this.outsideRequests.push(url);
    });
    // A workspace of its own, or Lab would reopen the tabs of the page before.
    const workspace = `test-${process.pid}-${Math.random().toString(36).slice(2)}`;
    const place =
      app === "lab"
        ? `lab/workspaces/${workspace}/tree/${encodeURI(notebook)}?reset`
        : `notebooks/${encodeURI(notebook)}?`;
    await this.page.goto(`${server.baseUrl}${place}&token=${server.token}`);
    if (app === "lab") await this.page.waitForSelector("#jupyterlab-splash", { state: "detached" });
    await this.#panel.locator(".jp-Notebook .jp-Cell").first().waitFor();
    const dialog = this.page.locator(".jp-Dialog");
    if ((await dialog.count()) > 0) throw new Error(`a dialog is open: ${await dialog.first().innerText()}`);
    // Before there is a kernel, the indicator says "idle" as well, and "run all" would do nothing.
    await this.page
      .locator(".jp-KernelName", { hasNotText: /No Kernel|Initializing|Connecting/i })
      .first()
      .waitFor();
    await this.page.waitForTimeout(300);
    await this.waitIdle();
  }

  async #command(id: string, args: Record<string, string> = {}): Promise<void> {
    await this.page.evaluate(
      async ([name, given]) => {
        const { jupyterapp } = globalThis as unknown as { jupyterapp: App };
        await jupyterapp.commands.execute(name, given);
      },
      [id, args] as const,
    );
  }

  /** Runs every cell and waits until the kernel is idle. Resolves with the outputs. */
  async runAll(): Promise<Notebook> {
    await this.#command("notebook:run-all-cells");
    await this.waitIdle();
    return this.model();
  }

  /** Idle kernel and no cell that waits. */
  async waitIdle(): Promise<void> {
    const end = Date.now() + this.#timeoutMs;
    await this.page.waitForTimeout(150); // the indicator turns busy a little late
    while (!(await this.#isIdle())) {
      if (Date.now() > end) throw new Error(`the notebook was not idle after ${this.#timeoutMs / 1000} s`);
      await this.page.waitForTimeout(100);
    }
  }

  async #isIdle(): Promise<boolean> {
    const statuses = await this.page
      .locator(".jp-Notebook-ExecutionIndicator")
      .evaluateAll((found) => found.map((indicator) => indicator.getAttribute("data-status")));
    const prompts = await this.#panel.locator(".jp-InputPrompt").allTextContents();
    return statuses.every((status) => status === "idle") && !prompts.some((prompt) => prompt.includes("[*]"));
  }

  /** The notebook as the front end holds it now. */
  async model(): Promise<Notebook> {
    const json = await this.page.evaluate(() => {
      const { jupyterapp } = globalThis as unknown as { jupyterapp?: App };
      return jupyterapp?.shell.currentWidget?.content.model.toJSON();
    });
    if (json === undefined) throw new Error("start the server with LAB_ARGUMENTS, so that the model can be read");
    return fromJson(json, "the notebook on the page");
  }

  /** How many figures plotly has drawn on the page. */
  async plots(): Promise<number> {
    return this.page.locator(".js-plotly-plot .main-svg:first-child").count();
  }

  /** "Save and Export Notebook As → HTML" through the menu, its "Sanitize HTML" box left checked as it comes. */
  async exportHtml(file: string): Promise<string> {
    await this.page.locator('.lm-MenuBar-item:has-text("File")').first().click();
    await this.page
      .locator('.lm-Menu-item[data-type="submenu"]')
      .filter({ hasText: /Export/ })
      .first()
      .hover();
    const formats = this.page
      .locator(".lm-Menu")
      .last()
      .locator('.lm-Menu-item[data-command="notebook:export-to-format"]');
    await formats.filter({ hasText: /HTML/ }).first().click();
    const dialog = this.page.locator(".jp-Dialog");
    const box = dialog.locator('input[type="checkbox"]');
    if (!(await box.isChecked())) throw new Error('expected the "Sanitize HTML" box to be checked');
    const [download] = await Promise.all([
      this.page.waitForEvent("download"),
      dialog.locator("button.jp-mod-accept").click(),
    ]);
    await download.saveAs(file);
    return file;
  }

  /** Makes the window a reader's, with the figure of this title in the middle. */
  async showFigure(title: string): Promise<void> {
    await this.page.setViewportSize({ width: 1280, height: 960 });
    const figure = this.page.locator(".js-plotly-plot", { hasText: title }).first();
    await figure.evaluate((element) => element.scrollIntoView({ block: "center" }));
    await this.page.waitForTimeout(1000);
  }

  /** Keeps a picture as .artefacts/NAME.png and returns its path. */
  async screenshot(name: string): Promise<string> {
    const path = join(ROOT, ".artefacts", `${name}.png`);
    mkdirSync(dirname(path), { recursive: true });
    await this.page.screenshot({ path });
    return path;
  }

  async close(): Promise<void> {
    await this.#context.close();
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** The part of JupyterLab's application that is used here. */
interface App {
  commands: { execute(id: string, args: Record<string, string>): Promise<unknown> };
  shell: { currentWidget: { content: { model: { toJSON(): unknown } } } | null };
}

/** The error outputs of a notebook, with the place of their cell, and code cells that never ran. */
export function problems({ cells }: Notebook): string[] {
  return cells.flatMap((cell, index) => {
    const isError = (output: Output) => output.output_type === "error";
    const error = cell.outputs?.find(isError);
    if (error?.output_type === "error") return [`cell ${index + 1}: ${error.ename}: ${error.evalue}`];
    const ran = cell.cell_type !== "code" || cell.source.trim() === "" || typeof cell.execution_count === "number";
    return ran ? [] : [`cell ${index + 1} did not run`];
  });
}
