// What the threads of a pool know by number: the kernels of parallel loops, and the shared arrays that these work on. Told
// once to all by a BroadcastChannel, which a thread can read in the middle of its work; afterwards only the number travels.
//
// Any thread of the pool may tell, and none is asked: one that has not heard, because it came later or has to import
// something first, doesn't help. Who tells looks whether more have come since, and tells again.

import { BroadcastChannel, receiveMessageOnPort } from "node:worker_threads";
import type { Regions } from "../engine/regions.ts";
import { NotSendableError } from "../errors.ts";
import { decode, encode, prepare, type Wire } from "../ship/index.ts";

/** In the place of what can't be made here. */
export class Broken {
  readonly error: unknown;
  constructor(error: unknown) {
    this.error = error;
  }
}

/** Something that was told, and to how many. */
export interface Told {
  readonly number: number;
  /** Undefined where it is not kept: whoever tells again has it. */
  readonly wire: Wire | undefined;
  arrivals: number;
}

type Message = { readonly number: number; readonly wire: Wire | undefined };

let copies = 0;

/** Its functions are new ones when it is decoded where it comes from. Classes stay what they are. */
export function copied({ root, nodes }: Wire): Wire {
  const id = ++copies;
  return {
    root,
    nodes: nodes.map((node) =>
      node.t === "fn" && node.shape !== "class" ? { ...node, id: `${node.id}'${id}` } : node,
    ),
  };
}

export class Definitions {
  readonly #channel: BroadcastChannel;
  readonly #regions: Regions;
  readonly #learned: (() => void) | undefined;
  readonly #own = new Map<number, Told>();
  /** What has been heard and not been asked for; all that it needs is imported. */
  readonly #wires = new Map<number, Wire>();
  readonly #values = new Map<number, unknown>();
  /** What is being imported for. */
  readonly #loading = new Set<number>();
  /** A message came that can't be read here. */
  #hasMissed = false;

  /** @param learned called when something is known that had to be imported first; without it the thread only tells */
  constructor(name: string, regions: Regions, learned?: () => void) {
    this.#regions = regions;
    this.#learned = learned;
    this.#channel = new BroadcastChannel(name);
    this.#channel.onmessage = (event) => this.#heard((event as { data: Message }).data);
    this.#channel.onmessageerror = () => (this.#hasMissed = true);
    this.#channel.unref();
  }

  close(): void {
    this.#channel.close();
  }

  // ---- telling: this thread, too, if it hears at all

  /** Throws what can't be cloned. */
  tell(wire: Wire): Told {
    const told = { number: this.#regions.nextNumber(), wire, arrivals: -1 };
    this.refresh(told);
    this.#own.set(told.number, told);
    return told;
  }

  /** The same for a value that is not to live on because of that, on any thread for longer than it is used. */
  tellLoose(value: object): Told {
    const told = { number: this.#regions.nextNumber(), wire: undefined, arrivals: -1 };
    this.refreshLoose(told, value);
    this.#own.set(told.number, told);
    if (this.#learned) this.#values.set(told.number, value);
    return told;
  }

  /** Tells again where threads have come since. */
  refresh(told: Told): void {
    if (told.wire) this.#post(told, () => told.wire!);
  }

  refreshLoose(told: Told, value: object): void {
    this.#post(told, () => encode(value, { path: "" }));
  }

  refreshAll(): void {
    for (const told of this.#own.values()) this.refresh(told);
  }

  #post(told: Told, wire: () => Wire): void {
    const { arrivals } = this.#regions;
    if (told.arrivals === arrivals) return;
    this.#channel.postMessage({ number: told.number, wire: wire() } satisfies Message);
    told.arrivals = arrivals;
  }

  /** Nobody asks for it any more. */
  forget({ number }: Told): void {
    if (!this.#own.delete(number)) return;
    this.#drop(number);
    this.#channel.postMessage({ number, wire: undefined } satisfies Message);
  }

  // ---- hearing

  /** What has this number; undefined where that is not known here, or not yet. */
  find(number: number): unknown {
    const known = this.#values.get(number) ?? this.#make(number);
    if (known !== undefined) return known;
    this.#drain();
    const own = this.#own.get(number);
    if (own?.wire && !this.#wires.has(number)) this.#heard({ number, wire: copied(own.wire) });
    const value = this.#values.get(number) ?? this.#make(number);
    if (value !== undefined || !this.#hasMissed || this.#loading.has(number)) return value;
    return new Broken(new NotSendableError("args", "What the threads share can't be read by one of them."));
  }

  #drain(): void {
    for (;;) {
      try {
        const heard = receiveMessageOnPort(this.#channel as never) as { message: Message } | undefined;
        if (!heard) return;
        this.#heard(heard.message);
      } catch {
        this.#hasMissed = true;
      }
    }
  }

  #heard({ number, wire }: Message): void {
    if (!this.#learned) return;
    if (!wire) return this.#drop(number);
    if (this.#wires.has(number) || this.#values.has(number) || this.#loading.has(number)) return;
    const loading = prepare(wire);
    if (!loading) return void this.#wires.set(number, wire);
    this.#loading.add(number);
    void loading
      .then(
        () => this.#loading.delete(number) && this.#wires.set(number, wire),
        (error: unknown) => this.#loading.delete(number) && this.#values.set(number, new Broken(error)),
      )
      .then(this.#learned);
  }

  #drop(number: number): void {
    for (const known of [this.#wires, this.#values, this.#loading]) known.delete(number);
  }

  #make(number: number): unknown {
    const wire = this.#wires.get(number);
    if (!wire) return undefined;
    this.#wires.delete(number);
    let value: unknown;
    try {
      value = decode(wire);
    } catch (error) {
      value = new Broken(error);
    }
    this.#values.set(number, value);
    return value;
  }
}
