// The shared arrays that parallel loops work on, as threads know them: told once, and named by a number afterwards. A thread
// that knows an array keeps its memory alive; so all forget it when it is collected here, and when so many others have been
// used since that a program which never awaits, and is not told of collections, would run out of memory.

import type { Definitions, Told } from "./definitions.ts";

const MOST = 64;
const MOST_BYTES = 2 ** 28;

interface Operand {
  readonly told: Told;
  readonly bytes: number;
  /** Calls that are running. */
  users: number;
}

export class SharedOperands {
  readonly #definitions: Definitions;
  readonly #known = new WeakMap<object, Operand>();
  /** The one that was used last is at the end. */
  readonly #all = new Set<Operand>();
  readonly #gone = new FinalizationRegistry<Operand>((operand) => this.#forget(operand));
  #bytes = 0;

  constructor(definitions: Definitions) {
    this.#definitions = definitions;
  }

  /** Its number, which all threads know by now. */
  number(object: object): number {
    const known = this.#known.get(object);
    if (known && this.#all.has(known)) {
      this.#definitions.refreshLoose(known.told, object);
      return known.told.number;
    }
    const bytes = (object as Partial<ArrayBufferView>).byteLength ?? 0;
    const operand = { told: this.#definitions.tellLoose(object), bytes, users: 0 };
    this.#known.set(object, operand);
    this.#all.add(operand);
    this.#bytes += bytes;
    this.#gone.register(object, operand);
    return operand.told.number;
  }

  /** A call begins, or has ended. */
  use(objects: readonly object[], change: 1 | -1): void {
    for (const object of objects) {
      const operand = this.#known.get(object);
      if (!operand) continue;
      operand.users += change;
      if (this.#all.delete(operand)) this.#all.add(operand);
    }
    if (this.#all.size <= MOST && this.#bytes <= MOST_BYTES) return;
    for (const operand of this.#all) {
      if (this.#all.size <= MOST && this.#bytes <= MOST_BYTES) return;
      if (operand.users === 0) this.#forget(operand);
    }
  }

  #forget(operand: Operand): void {
    if (!this.#all.delete(operand)) return;
    this.#bytes -= operand.bytes;
    this.#definitions.forget(operand.told);
  }
}
