// The browser of the browser tests: one that is there, or Debian's where we may install it.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { runToEnd } from "../../kernel/cli/child.ts";
import { onPath } from "../set-up/node.mjs";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const ELSEWHERE = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  join(process.env["PROGRAMFILES"] ?? "C:\\Program Files", "Google\\Chrome\\Application\\chrome.exe"),
];

/** $CHROMIUM, or the first browser found. */
export function findChromium(): string | undefined {
  const named = process.env["CHROMIUM"];
  if (named && existsSync(named)) return named;
  return NAMES.map(onPath).find((path) => path !== undefined) ?? ELSEWHERE.find(existsSync);
}

/** Why there is no browser, for the tests that are skipped. */
export const NO_CHROMIUM =
  "no Chromium was found; install it (`sudo apt-get install chromium`) or name one in $CHROMIUM";

export async function provideChromium(): Promise<void> {
  if (findChromium()) return;
  if (process.getuid?.() === 0 && onPath("apt-get")) {
    console.log("braid: installing Chromium for the browser tests (apt-get)");
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    const update = await runToEnd("apt-get", ["update"], { env });
    const install = await runToEnd("apt-get", ["install", "-y", "--no-install-recommends", "chromium"], { env });
    if (install.code !== 0) console.error(`${update.output}${install.output}`.trimEnd());
  }
  if (!findChromium()) console.log(`braid: the browser tests will be skipped: ${NO_CHROMIUM}`);
}
