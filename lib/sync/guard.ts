// What a lock gives to whoever holds it.

/** Something held: `using guard = …` gives it back at the end of the block. Giving back twice does nothing. */
export interface Guard extends Disposable {}

/** It stays in its thread: with private state it is refused by lib/ship, so that nothing is given back twice. */
export class Held implements Guard {
  #giveBack: (() => void) | undefined;

  constructor(giveBack: () => void) {
    this.#giveBack = giveBack;
  }

  [Symbol.dispose](): void {
    const giveBack = this.#giveBack;
    this.#giveBack = undefined;
    giveBack?.();
  }
}
