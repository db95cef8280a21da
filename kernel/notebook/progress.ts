// A bar that fills while work goes on.

import { checkInteger } from "../../lib/checks.ts";
import { display } from "./display.ts";

/** How often the bar is drawn anew at most. */
const EVERY_MS = 50;

export interface Progress {
  /** So many of the total are done. As it stands it can be given as `onProgress`: the second argument is ignored. */
  (done: number): void;
}

/**
 * Shows a bar under the running cell. Waits: never. Call it with how much is done, at any rate: it draws itself at most
 * every 50 ms, and always at the end. Units: whatever `total` counts. Throws for a total that is no whole number.
 * @example
 * await pool.map(files, countWords, { onProgress: progress(files.length) });
 */
export function progress(total: number, label = ""): Progress {
  checkInteger("total", total, 0, Number.MAX_SAFE_INTEGER);
  const startMs = performance.now();
  const shown = display(bar(0, total, label, 0));
  let drawnMs = -Infinity;
  return (done) => {
    const nowMs = performance.now();
    if (done < total && nowMs - drawnMs < EVERY_MS) return;
    drawnMs = nowMs;
    shown.update(bar(done, total, label, nowMs - startMs));
  };
}

function bar(done: number, total: number, label: string, tookMs: number): Record<string, string> {
  const share = total === 0 ? 1 : Math.min(1, Math.max(0, done / total));
  const text = `${label && `${label}: `}${done} of ${total}${tookMs > 0 ? `, ${(tookMs / 1000).toFixed(1)} s` : ""}`;
  const filled = Math.round(share * 30);
  return {
    "text/html": `<div><progress value="${share}" max="1" style="width:20em"></progress> ${escape(text)}</div>`,
    "text/plain": `[${"#".repeat(filled)}${"-".repeat(30 - filled)}] ${text}`,
  };
}

function escape(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;");
}
