// The functions that threads know by number: sent once, named afterwards.

import { host } from "../host.ts";
import { constantWire, literalValues, namesNothing, type SmallClosure, type Wire } from "../ship/index.ts";

/**
 * A loop makes a new function in each round. Where the text and the name of one have been met so often it is taken for
 * the same: of what captures nothing only the line in a stack trace tells them apart.
 */
const MET_OFTEN = 3;
const MAX_TEXTS = 1000;

interface Met {
  times: number;
  id: number;
}

export interface MarkedCall {
  readonly id: number;
  readonly values: unknown[];
}

export class SharedFunctions {
  /** 0: it has to be sent anew each time. */
  readonly #numbers = new WeakMap<Function, number>();
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
    let id = this.#numbers.get(fn);
    if (id === undefined) this.#numbers.set(fn, (id = this.#find(fn)));
    return id;
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
    if (id !== undefined && place !== undefined) this.#places.set(place, { id, names: node.names });
    return id ?? 0;
  }

  /** Undefined where it has been forgotten. */
  wireOf(id: number): Wire | undefined {
    return this.#wires.get(id);
  }

  #find(fn: Function): number {
    const text = isBareArrow(fn) ? `${fn.name} ${Function.prototype.toString.call(fn)}` : undefined;
    const met = text === undefined ? undefined : this.#texts.get(text);
    const isOften = met !== undefined && ++met.times > MET_OFTEN;
    if (isOften && namesNothing(fn)) return met.id;
    // What it names may be a global in one place and captured in another.
    const wire = constantWire(fn);
    if (!wire) return 0;
    if (isOften) return met.id;
    const id = ++this.#count;
    this.#wires.set(id, wire);
    if (met && met.times === MET_OFTEN) met.id = id;
    else {
      if (text !== undefined && !met && this.#texts.size < MAX_TEXTS) this.#texts.set(text, { times: 1, id });
      this.#gone.register(fn, id);
    }
    return id;
  }
}

/** An arrow function without properties of its own. */
function isBareArrow(fn: Function): boolean {
  return Reflect.ownKeys(fn).length === 2 && !Object.hasOwn(fn, "prototype");
}
