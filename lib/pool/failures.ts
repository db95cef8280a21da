// What goes back in place of a result that is an error, or that can't cross.

import { BraidError, NotSendableError } from "../errors.ts";
import { encode, whyNotCloned, type EncodeOptions, type Wire } from "../ship/index.ts";
import { messageOf } from "./job.ts";

/** Anything that can be thrown has a wire, if only of its words. */
export function encodeError(thrown: unknown, options: EncodeOptions): Wire {
  try {
    return encode(thrown, { ...options, path: "what the task threw" });
  } catch (why) {
    return encode(standIn(thrown, why), options);
  }
}

/** Structured clone has refused the result. */
export function unsendableResult(cause: unknown): NotSendableError {
  const text = `The result can't be sent: ${whyNotCloned(cause as Error)}.`;
  return new NotSendableError("result", text, { cause });
}

/** What a task threw can't cross: its words can, as far as they can be read. */
function standIn(thrown: unknown, why: unknown): Error {
  try {
    const { name, stack } = thrown instanceof Error ? thrown : { name: "Error", stack: undefined };
    const stand = new Error(`${name}: ${messageOf(thrown)} (${messageOf(why)})`);
    // What a ship hook threw may not cross either.
    if (why instanceof BraidError) stand.cause = why;
    if (stack) stand.stack = stack;
    return stand;
  } catch {
    return new Error("The task threw something that can't be shown.");
  }
}
