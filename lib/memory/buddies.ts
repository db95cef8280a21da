// Which parts of a piece of memory are taken: a buddy system that several threads use without a lock.
//
// After R. Marotta, M. Ianni, A. Scarselli, A. Pellegrini and F. Quaglia, NBBS: A Non-Blocking Buddy System for Multi-Core
// Machines, 2022. A binary tree over the leaves, in an array as a heap has it: node 1 is everything, the children of n
// are 2n and 2n + 1. A thread takes a node by one compare-and-exchange from 0, then tells its ancestors, up to the root;
// if it finds one of them taken as a whole, it takes all of that back. Giving a node back first announces that on the way
// up (COALESCING), then frees the node, then clears the way; where another thread has taken something below an ancestor
// meanwhile it has removed the announcement, and the ancestor stays as it is.
//
// Lock-free: a thread fails only because another has got something. One that dies in between leaves a part that nobody
// can take any more, and no one waits for it.

import { add, load, loadByte, orByte, replaceByte, storeByte, type Bytes, type Words } from "../atomics.ts";

// A node's status. Of its children the left is even, and its bit that of the right shifted by one.
const RIGHT_TAKEN = 1;
const LEFT_TAKEN = 2;
const LEFT_COALESCING = 8;
/** As a whole. Below it all is 0. */
const TAKEN = 16;
const BUSY = TAKEN | LEFT_TAKEN | RIGHT_TAKEN;

const takenBit = (child: number): number => LEFT_TAKEN >> (child & 1);
const coalescingBit = (child: number): number => LEFT_COALESCING >> (child & 1);
export const levelOf = (node: number): number => 31 - Math.clz32(node);

export class Buddies {
  /** Of the leaves, whose number is 2 ** depth. */
  readonly depth: number;
  readonly #status: Bytes;
  /** The word at #at counts how often something was given back. */
  readonly #words: Words;
  readonly #at: number;
  /** By level: before this node there was nothing free when this thread last looked. */
  readonly #hints: number[];

  /** @param status two bytes for each leaf, zeroed at first */
  constructor(status: Bytes, words: Words, at: number) {
    this.depth = levelOf(status.length) - 1;
    this.#status = status;
    this.#words = words;
    this.#at = at;
    this.#hints = Array.from({ length: this.depth + 1 }, (_, level) => 1 << level);
  }

  /** By the thread that makes it: the leaves from this one on do not exist. */
  cut(leaf: number): void {
    for (let n = (1 << this.depth) + leaf; levelOf(n) === this.depth;) {
      let node = n;
      while (node % 2 === 0) node >>= 1;
      this.#tryTake(node);
      n = (node + 1) << (this.depth - levelOf(node));
    }
  }

  /** A node of this level that belongs to the caller now, or 0. */
  take(level: number): number {
    const first = 1 << level;
    for (;;) {
      const given = load(this.#words, this.#at);
      const hint = this.#hints[level]!;
      const node = this.#find(hint, first * 2, level) || this.#find(first, hint, level);
      if (node !== 0) this.#hints[level] = node;
      // What was given back behind our back, or taken only to be given back, may be what was looked for.
      if (node !== 0 || load(this.#words, this.#at) === given) return node;
    }
  }

  #find(from: number, to: number, level: number): number {
    for (let n = from; n < to;) {
      if ((loadByte(this.#status, n) & BUSY) !== 0) n++;
      else {
        // Looked for first: taking something back would make others look again.
        const obstacle = this.#takenAbove(n) || this.#tryTake(n);
        if (obstacle === 0) return n;
        // Nothing is free below it.
        n = (obstacle + 1) << (level - levelOf(obstacle));
      }
    }
    return 0;
  }

  #takenAbove(node: number): number {
    for (let above = node >> 1; above > 0; above >>= 1) if ((loadByte(this.#status, above) & TAKEN) !== 0) return above;
    return 0;
  }

  /** 0, or the node that is in the way. */
  #tryTake(node: number): number {
    if (!replaceByte(this.#status, node, 0, BUSY)) return node;
    for (let child = node; child > 1; child >>= 1) {
      const parent = child >> 1;
      for (;;) {
        const old = loadByte(this.#status, parent);
        if ((old & TAKEN) !== 0) {
          this.#give(node, levelOf(child));
          return parent;
        }
        if (replaceByte(this.#status, parent, old, (old & ~coalescingBit(child)) | takenBit(child))) break;
      }
    }
    return 0;
  }

  /** What `take` gave belongs to nobody. */
  give(node: number): void {
    this.#give(node, 0);
    for (let level = 0; level <= this.depth; level++) {
      const up = levelOf(node) - level;
      const same = up >= 0 ? node >> up : node << -up;
      if (same < this.#hints[level]!) this.#hints[level] = same;
    }
  }

  /** Only nodes down from the level `top` know of it. */
  #give(node: number, top: number): void {
    for (let child = node; levelOf(child) > top; child >>= 1) {
      const old = orByte(this.#status, child >> 1, coalescingBit(child));
      // Its buddy stays: no ancestor becomes free.
      if ((old & takenBit(child ^ 1)) !== 0 && (old & coalescingBit(child ^ 1)) === 0) break;
    }
    storeByte(this.#status, node, 0);
    this.#clear(node, top);
    add(this.#words, this.#at, 1);
  }

  /** Clears the way up, as far as nobody else has a part in it. */
  #clear(node: number, top: number): void {
    for (let child = node; levelOf(child) > top; child >>= 1) {
      const parent = child >> 1;
      let rest: number;
      for (;;) {
        const old = loadByte(this.#status, parent);
        if ((old & coalescingBit(child)) === 0) return;
        rest = old & ~(coalescingBit(child) | takenBit(child));
        if (replaceByte(this.#status, parent, old, rest)) break;
      }
      if ((rest & takenBit(child ^ 1)) !== 0) return;
    }
  }

  /** How many leaves the largest free node has. While others take and give it is only about right. */
  largest(): number {
    let best = 0;
    const visit = (node: number): void => {
      const leaves = 1 << (this.depth - levelOf(node));
      if (leaves <= best) return;
      const status = loadByte(this.#status, node);
      if ((status & TAKEN) !== 0) return;
      if ((status & BUSY) === 0) best = leaves;
      else if (leaves > 1) {
        visit(2 * node);
        visit(2 * node + 1);
      }
    };
    visit(1);
    return best;
  }
}
