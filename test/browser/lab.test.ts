// The first chapter in JupyterLab and in Notebook 7, as its reader sees it.

import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT } from "../../kernel/cli/paths.ts";
import type { Server } from "../../kernel/cli/server.ts";
import { findChromium, NO_CHROMIUM } from "../../scripts/gate/chromium.ts";
import { startServer } from "../conformance/server.ts";
import { LAB_ARGUMENTS, LabPage, problems } from "./lab-page.ts";

const NAME = "00-setup-and-tour.ipynb";
const TOUR = join(ROOT, "notebooks", NAME);
const why = !findChromium() ? NO_CHROMIUM : !existsSync(TOUR) ? `there is no ${NAME} yet` : undefined;

/** What Notebook 7.6 says of itself on every page. */
const OWN = /filebrowser:open-path|reading 'schema'/;

describe.skipIf(why !== undefined)(why ? `skipped: ${why}` : "the tour", () => {
  let server: Server;
  let root: string;

  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), "braid-lab-"));
    copyFileSync(TOUR, join(root, NAME)); // saving must not touch the one that is committed
    server = await startServer({ app: "lab", root, args: LAB_ARGUMENTS });
  });

  afterAll(async () => {
    await server?.stop();
    rmSync(root, { recursive: true, force: true });
  });

  for (const { app, theme } of [
    { app: "lab", theme: "light" },
    { app: "lab", theme: "dark" },
    { app: "notebook", theme: "light" },
  ] as const) {
    it(`runs in ${app} (${theme}) with live plots, no error and no request to the outside`, async () => {
      const lab = await LabPage.open({ server, notebook: NAME, app, theme, height: 6000, timeoutMs: 150_000 });
      try {
        expect(problems(await lab.runAll())).toEqual([]);
        await expect.poll(() => lab.plots(), { timeout: 20_000 }).toBeGreaterThan(0);
        await lab.screenshot(`tour-${app}-${theme}`);
        expect(lab.consoleErrors.filter((text) => app === "lab" || !OWN.test(text))).toEqual([]);
        expect(lab.outsideRequests).toEqual([]);
      } finally {
        await lab.close();
      }
    });
  }
});
