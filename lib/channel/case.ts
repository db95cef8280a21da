// What `select` chooses among.

import type { Core } from "./core.ts";
import { LATER } from "./core.ts";
import type { Parcel } from "./message.ts";
import { closedError, full, needsImport, Offer } from "./offer.ts";
import { CLOSED, DONE } from "./ring.ts";
import type { Side } from "./side.ts";

/** One of the things that a `select` may do; R is what its function returns. */
export interface Case<R> {
  /** Called once it is chosen. */
  finish(): R;
}

export class ReceiveCase<R> implements Case<R> {
  readonly core: Core;
  readonly #f: (value: unknown, ok: boolean) => R;
  #found = DONE;
  #value: unknown;

  constructor(core: Core, f: (value: unknown, ok: boolean) => R) {
    this.core = core;
    this.#f = f;
  }

  get side(): Side {
    return this.core.receivers;
  }

  /** Does somebody wait to meet it? */
  get isAwaited(): boolean {
    return this.core.isRendezvous && this.core.senders.isAwaited;
  }

  attempt(isBlocking: boolean): boolean {
    this.#found = this.core.take();
    if (this.#found === LATER && isBlocking) throw needsImport();
    this.#value = this.#found === DONE ? this.core.taken : undefined;
    return this.#found === DONE || this.#found === CLOSED;
  }

  finish(): R {
    return this.#f(this.#value, this.#found === DONE);
  }
}

/** What is to be undone for a case that was never chosen, and that nobody has any more. */
const unchosen = new FinalizationRegistry<() => void>((unsent) => unsent());

export class SendCase<R> implements Case<R> {
  readonly core: Core;
  readonly #parcel: Parcel;
  readonly #value: unknown;
  readonly #f: () => R;

  constructor(core: Core, parcel: Parcel, value: unknown, f: () => R) {
    this.core = core;
    this.#parcel = parcel;
    this.#value = value;
    this.#f = f;
    if (parcel.unsent) unchosen.register(this, parcel.unsent, this);
  }

  get side(): Side {
    return this.core.senders;
  }

  get isAwaited(): boolean {
    return this.core.isRendezvous && this.core.receivers.isAwaited;
  }

  /** Of a rendezvous it would have to be offered. */
  attempt(): boolean {
    if (this.core.isClosed) throw closedError(this.#value);
    if (this.core.isRendezvous) return false;
    if (!this.core.flush()) return false;
    const found = full(this.#value, () => this.core.put(this.#parcel));
    if (found === CLOSED) throw closedError(this.#value);
    return found === DONE;
  }

  /** For a rendezvous. */
  offer(): Offer {
    return new Offer(this.core, this.#parcel, this.#value);
  }

  finish(): R {
    unchosen.unregister(this);
    return this.#f();
  }
}

export class AfterCase<R> implements Case<R> {
  readonly ms: number;
  readonly finish: () => R;

  constructor(ms: number, f: () => R) {
    this.ms = ms;
    this.finish = f;
  }
}

export class OtherwiseCase<R> implements Case<R> {
  readonly finish: () => R;

  constructor(f: () => R) {
    this.finish = f;
  }
}
