// How long to wait before looking again. Who follows at the heels of another takes the cache line that both need away from
// it for every few messages. So where there is little it waits a moment, at most a microsecond, and looks again: longer if
// that has brought more, shorter if it has not.

/** So much is enough to go on with. */
export const MANY = 64;

// In turns of an empty loop.
const FIRST = 64;
const LONGEST = 4096;
/** Where it doesn't wait, it tries every so many times whether that has changed. */
const TRY_EVERY = 8;

export class Patience {
  #turns = 0;
  #looks = 0;

  /** How much there is by `look`, now or in a moment. */
  await(look: () => number): number {
    const found = look();
    if (found >= MANY || found <= 0) return found;
    if (this.#turns === 0 && ++this.#looks % TRY_EVERY === 0) this.#turns = FIRST;
    if (this.#turns === 0) return found;
    for (let i = 0; i < this.#turns; i++);
    const more = look();
    if (more === found) this.#turns = this.#turns > FIRST / 2 ? this.#turns >> 1 : 0;
    else if (more < MANY) this.#turns = Math.min(LONGEST, this.#turns + (this.#turns >> 1));
    return more;
  }
}
