// What notebooks written for tslab import as "tslab", with its names and its behaviour.

import { machine } from "../../lib/bench/machine.ts";
import { display as show, type Displayed } from "./display.ts";

export interface Display {
  javascript(source: string): void;
  html(source: string): void;
  markdown(source: string): void;
  latex(source: string): void;
  svg(source: string): void;
  png(bytes: Uint8Array): void;
  jpeg(bytes: Uint8Array): void;
  gif(bytes: Uint8Array): void;
  pdf(bytes: Uint8Array): void;
  text(text: string): void;
  raw(contentType: string, content: string | Uint8Array): void;
}

/** Shows each thing below the one before. */
export const display: Display = displayBy((bundle) => void show(bundle));

/** Shows one thing, which each further call replaces. */
export function newDisplay(): Display {
  let place: Displayed | undefined;
  return displayBy((bundle) => {
    if (place) place.update(bundle);
    else place = show(bundle);
  });
}

const { braid, typescript } = machine();

export const versions = { tslab: `braid ${braid}`, typescript, node: process.version };

function displayBy(showBundle: (bundle: Record<string, string>) => void): Display {
  const raw = (contentType: string, content: string | Uint8Array) =>
    showBundle({ [contentType]: typeof content === "string" ? content : Buffer.from(content).toString("base64") });
  return {
    raw,
    javascript: (source) => raw("text/javascript", source),
    html: (source) => raw("text/html", source),
    markdown: (source) => raw("text/markdown", source),
    latex: (source) => raw("text/latex", source),
    svg: (source) => raw("image/svg+xml", source),
    png: (bytes) => raw("image/png", bytes),
    jpeg: (bytes) => raw("image/jpeg", bytes),
    gif: (bytes) => raw("image/gif", bytes),
    pdf: (bytes) => raw("application/pdf", bytes),
    text: (text) => raw("text/plain", text),
  };
}
