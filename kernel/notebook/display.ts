// Showing values under the running cell.

import { host, type MimeBundle } from "../../lib/host.ts";
import { describeValue, DISPLAY } from "../executor/describe.ts";
import { kernelApi } from "../executor/kernel-api.ts";

/** Something that was displayed with an id: its place can be given a new content. */
export interface Displayed {
  readonly id: string;
  /** Never waits. Every place that shows this id changes. */
  update(value: unknown): void;
}

let lastId = 0;

/**
 * Shows a value under the running cell. A MIME bundle (an object with keys such as "text/html") is shown as it is, a
 * value with `[Symbol.for("Jupyter.display")]()` as that method says, anything else as text.
 *
 * Waits: never; a display hook that returns a promise is shown when it settles.
 */
export function display(value: unknown, options: { id?: string } = {}): Displayed {
  const id = options.id ?? `braid-${process.pid}-${++lastId}`;
  show(value, id, false);
  const displayed: Displayed = { id, update: (next) => show(next, id, true) };
  // As the value of a cell it shows nothing more.
  return Object.defineProperty(displayed, DISPLAY, { value: () => ({}) });
}

export const html = (source: string): Displayed => display({ "text/html": source, "text/plain": short(source) });
export const md = (source: string): Displayed => display({ "text/markdown": source, "text/plain": short(source) });
export const svg = (source: string): Displayed => display({ "image/svg+xml": source, "text/plain": "[svg]" });
export const json = (value: unknown): Displayed =>
  display({ "application/json": value, "text/plain": short(JSON.stringify(value, undefined, 2)) });

/** Shows an encoded picture: `bytes` of a PNG, JPEG, GIF or WebP file. */
export function image(
  bytes: Uint8Array,
  type: "image/png" | "image/jpeg" | "image/gif" | "image/webp" = "image/png",
): Displayed {
  return display({
    [type]: Buffer.from(bytes).toString("base64"),
    "text/plain": `[${type}, ${bytes.byteLength} bytes]`,
  });
}

function show(value: unknown, id: string, update: boolean): void {
  const described = isBundle(value) ? value : describeValue(value);
  const send = (bundle: MimeBundle) => {
    const kernel = kernelApi();
    if (kernel) kernel.display(bundle, { id, update });
    else if (host()) host()!.display(bundle);
    else console.log(bundle["text/plain"] ?? bundle);
  };
  if (described instanceof Promise) void described.then(send);
  else send(described);
}

const MAX_PLAIN_CHARS = 20_000;

/** What a place without HTML shows; a large document isn't sent twice. */
function short(text: string): string {
  return text.length <= MAX_PLAIN_CHARS ? text : `${text.slice(0, 200)}… (${text.length} characters)`;
}

function isBundle(value: unknown): value is MimeBundle {
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype) return false;
  const keys = Object.keys(value);
  return keys.length > 0 && keys.every((key) => /^[a-z]+\/[\w.+-]+$/.test(key));
}
