// What the primitives have in common: their state is in shared memory, and however often one is sent to a thread, it is one
// object there.

import type { Words } from "../atomics.ts";
import { libraryPlace, libraryUrl, ship, unship } from "../library.ts";
import { SharedObjects } from "../shared-objects.ts";

interface Shipped {
  readonly id: string;
  readonly words: unknown;
}

/** What a constructor is given, instead of the user's arguments, where the primitive comes from another thread. */
export class Arrived {
  readonly id: string;
  readonly words: unknown;

  constructor({ id, words }: Shipped) {
    this.id = id;
    this.words = words;
  }
}

const known = new SharedObjects<Primitive<unknown>>();

/** A class of primitives says inLibrary(import.meta.url, { TheClass }), and takes an Arrived as its first argument. */
export abstract class Primitive<W = Words> {
  protected readonly words: W;
  readonly #id: string;

  /** @param from new words, or what has arrived */
  constructor(from: W | Arrived) {
    const arrived = from instanceof Arrived ? from : undefined;
    this.words = (arrived ? arrived.words : from) as W;
    this.#id = known.add(this, arrived?.id);
  }

  static [unship]<P>(this: new (from: never) => P, data: Shipped): P {
    return (known.find(data.id) as P | undefined) ?? new this(new Arrived(data) as never);
  }

  [ship](): { module: string; export: string; data: Shipped } {
    let type: object = this.constructor;
    // A class of the user's own goes as the primitive that it extends.
    while (!libraryPlace(type)) type = Object.getPrototypeOf(type) as object;
    const { file, name } = libraryPlace(type)!;
    return { module: libraryUrl(file), export: name, data: { id: this.#id, words: this.words } };
  }
}

/** Zeroed words that all threads see. */
export function newWords(count: number): Words {
  return new Int32Array(new SharedArrayBuffer(count * 4));
}
