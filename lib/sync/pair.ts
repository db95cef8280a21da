// Two numbers in one word of 64 bits, so that both change in one step.

import { compareExchangeCell, loadCell, type Cell, type Words } from "../atomics.ts";

type Two = readonly [low: number, high: number];

export class Pair {
  readonly #cell: Cell;

  /** @param at an even index, of two words */
  constructor(words: Words, at: number) {
    this.#cell = new BigInt64Array(words.buffer, words.byteOffset + at * 4, 1);
  }

  load(): Two {
    return split(loadCell(this.#cell) as bigint);
  }

  /**
   * Puts what `next` makes of the two, and gives it. `low` is from 0 to 2^32 - 1; `high` counts to 2^31 - 1 and goes on
   * with -(2^31). What `next` throws leaves both as they are; it may be called more than once.
   */
  change(next: (low: number, high: number) => Two): Two {
    for (let old = loadCell(this.#cell) as bigint; ;) {
      const [low, high] = next(...split(old));
      const found = compareExchangeCell(this.#cell, old, (BigInt(high | 0) << 32n) | BigInt(low)) as bigint;
      if (found === old) return [low, high | 0];
      old = found;
    }
  }
}

function split(both: bigint): Two {
  return [Number(both & 0xffff_ffffn), Number(both >> 32n)];
}
