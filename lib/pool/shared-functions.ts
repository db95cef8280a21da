// The functions that threads know by number: sent once, named afterwards.

import { host } from "../host.ts";
import { constantWire, isStillStandard, literalValues, namesAll, type SmallClosure, type Wire } from "../ship/index.ts";

/**
 * A loop makes a new function in each round. Where the text and the name of one have been met so often it is taken for
 * the same: of what captures nothing only the line in a stack trace tells them apart.
 */
const MET_OFTEN = 3;
const MAX_TEXTS = 1000;

interface Known {
  /** 0: it has to be sent anew each time. */
  id: number;
  /** The globals that it names. */
  readonly names: readonly string[];
}

const UNKNOWN: Known = { id: 0, names: [] };

interface Met extends Known {
  times: number;
}

export interface MarkedCall {
  readonly id: number;
  readonly values: unknown[];
}

export class SharedFunctions {
  readonly #numbers = new WeakMap<Function, Known>();
  readonly #texts = new Map<string, Met>();
  /** By place: what is known of the literals that the host has marked. */
  readonly #places = new Map<number, { readonly id: number; readonly names: readonly string[] }>();
  readonly #closures = new Map<string, number>();
  readonly #wires = new Map<number, Wire>();
  readonly #gone: FinalizationRegistry<number>;
  #count = 0;

  /** @param forget no one can name this function any more */
  constructor(forget: (id: number) => void) {
    this.#gone = new FinalizationRegistry((id) => {
      this.#wires.delete(id);
      forget(id);
    });
  }

  numberOf(fn: Function): number {
    let known = this.#numbers.get(fn);
    if (known === undefined) this.#numbers.set(fn, (known = this.#find(fn)));
    // Someone may have put something else in the place of a global: a clock for tests, say.
    return known.id !== 0 && known.names.every(isStillStandard) ? known.id : 0;
  }

  /** A literal that the host has marked, when one of the same place has been met: without looking at it again. */
  marked(fn: Function): MarkedCall | undefined {
    const literal = host()?.literal?.(fn);
    const known = literal && this.#places.get(literal.place);
    const values = known && literalValues(literal, known.names);
    return values && { id: known.id, values };
  }

  /** The number of all closures of this text; 0 where there are too many. */
  numberOfClosure(fn: Function, { key, node }: SmallClosure): number {
    let id = this.#closures.get(key);
    if (id === undefined && this.#closures.size < MAX_TEXTS) {
      id = ++this.#count;
      this.#closures.set(key, id);
      this.#wires.set(id, { root: 0, nodes: [node] });
    }
    const place = host()?.literal?.(fn)?.place;
    if (id !== undefined && place !== undefined && namesAll(node)) this.#places.set(place, { id, names: node.names });
    return id ?? 0;
  }

  /** Undefined where it has been forgotten. */
  wireOf(id: number): Wire | undefined {
    return this.#wires.get(id);
  }

  #find(fn: Function): Known {
    const text = isBareArrow(fn) ? `${fn.name} ${Function.prototype.toString.call(fn)}` : undefined;
    const met = text === undefined ? undefined : this.#texts.get(text);
    if (met && met.times >= MET_OFTEN && met.names.length === 0) return met;
    // What it names may be a global in one place and captured in another.
    const constant = constantWire(fn);
    if (!constant) return UNKNOWN;
    if (met && met.times >= MET_OFTEN) return met;
    const known = { id: ++this.#count, names: constant.names };
    this.#wires.set(known.id, constant.wire);
    // The one that is used from now on is never forgotten.
    if (met && ++met.times === MET_OFTEN) met.id = known.id;
    else {
      const isNew = text !== undefined && !met && !text.includes("import") && this.#texts.size < MAX_TEXTS;
      if (isNew) this.#texts.set(text, { ...known, times: 1 });
      this.#gone.register(fn, known.id);
    }
    return known;
  }
}

/** An arrow function without properties of its own. */
function isBareArrow(fn: Function): boolean {
  return Reflect.ownKeys(fn).length === 2 && !Object.hasOwn(fn, "prototype");
}
