// What a notebook asserts: shown under the cell, kept in the output's metadata, read by the tests.

import { ClaimError } from "../errors.ts";
import { host } from "../host.ts";

/**
 * States something that must hold and checks it. Shown with a tick in a notebook, printed elsewhere.
 *
 * Waits: asynchronously, for `holds`. Throws: ClaimError if it gives anything but true; what `holds` throws, as it is,
 * after it has shown that the claim does not hold.
 */
export async function claim(text: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  if (typeof text !== "string") throw new TypeError(`claim() expects its text first, a string, got ${typeof text}.`);
  if (typeof holds !== "function")
    throw new TypeError(`claim() expects a function that checks the claim second, got ${typeof holds}.`);
  let held: boolean;
  try {
    held = await holds();
  } catch (error) {
    show(text, false);
    throw error;
  }
  show(text, held === true);
  if (held !== true)
    throw new ClaimError(`the claim "${text}" does not hold: its check gave ${String(held)}, expected true`);
}

function show(text: string, held: boolean): void {
  const mark = held ? "✓" : "✗";
  const bundle = { "text/markdown": `**${mark}** ${text}`, "text/plain": `${mark} ${text}` };
  const notebook = host();
  if (notebook) notebook.display(bundle, { braid: { claim: text, holds: held } });
  else console.log(bundle["text/plain"]);
}
