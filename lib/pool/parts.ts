// What a thread runs for the parts of a group: an entry is called once a thread with what all parts share, and gives the
// function that runs each part.

import { inLibrary } from "../ship/index.ts";

export type Entry<C, P, R> = (context: C) => (part: P) => R | Promise<R>;

/** An item of a part failed. */
export class ItemFailure {
  readonly index: number;
  readonly error: unknown;
  constructor(index: number, error: unknown) {
    this.index = index;
    this.error = error;
  }
}

export interface MapPart {
  readonly first: number;
  readonly items: unknown[];
}

/** Maps the items of a part one after the other. */
export const mapEntry: Entry<(item: unknown, index: number) => unknown, MapPart, unknown[]> =
  (fn) =>
  async ({ first, items }) => {
    const results = new Array<unknown>(items.length);
    for (let i = 0; i < items.length; i++) {
      try {
        const result = fn(items[i], first + i);
        results[i] = isThenable(result) ? await result : result;
      } catch (error) {
        throw new ItemFailure(first + i, error);
      }
    }
    return results;
  };

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return value !== null && typeof value === "object" && typeof (value as { then?: unknown }).then === "function";
}

inLibrary(import.meta.url, { mapEntry });
