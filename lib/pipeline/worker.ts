// What a thread of a stage does.

import { add, load, notify, store, wait, type Words } from "../atomics.ts";
import type { Channel } from "../channel/index.ts";
import { ChannelClosedError, StageError } from "../errors.ts";
import { inLibrary } from "../library.ts";
import type { Mutex } from "../sync/index.ts";

/** An item, and its place in the source. */
export type Item = [index: number, value: unknown];

export interface StageWork {
  readonly name: string;
  readonly f: (value: never) => unknown;
  readonly input: Channel<Item>;
  readonly output: Channel<Item>;
  readonly counts: Words;
  /** Whoever has it takes the next item. Where the order is not kept there is none. */
  readonly turnstile: Mutex | undefined;
}

/** How many threads of the stage are at work; how many items were taken in order, and how many given on. */
export const [WORKING, TAKEN, GIVEN] = [0, 1, 2];

export async function workAt({ name, f, input, output, counts, turnstile }: StageWork): Promise<void> {
  try {
    for (;;) {
      let turn = 0;
      let item: Item;
      {
        using guard = turnstile?.lock();
        item = input.recv();
        if (guard) turn = add(counts, TAKEN, 1);
      }
      const [index, value] = item;
      let result: unknown;
      try {
        result = await f(value as never);
      } catch (cause) {
        throw failed(name, index, cause);
      }
      if (turnstile) waitForTurn(counts, turn);
      try {
        output.send([index, result]);
      } catch (cause) {
        throw cause instanceof ChannelClosedError ? cause : failed(name, index, cause);
      }
      if (turnstile) {
        store(counts, GIVEN, (turn + 1) | 0);
        notify(counts, GIVEN);
      }
    }
  } catch (error) {
    // The end of its items, or of the pipeline.
    if (!(error instanceof ChannelClosedError)) throw error;
  }
  if (add(counts, WORKING, -1) === 1 && !output.isClosed) output.close();
}

function waitForTurn(counts: Words, turn: number): void {
  for (let given = load(counts, GIVEN); given !== turn; given = load(counts, GIVEN))
    wait(counts, GIVEN, given, Infinity);
}

function failed(stage: string, index: number, cause: unknown): StageError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new StageError(stage, `The stage "${stage}" failed at item ${index}: ${why}`, { cause, index });
}

inLibrary(import.meta.url, { workAt });
