// A message on its way into a channel: offered, of a rendezvous, and what goes wrong.

import { ChannelClosedError, ChannelFullError, TimeoutError } from "../errors.ts";
import type { Core } from "./core.ts";
import type { Parcel } from "./message.ts";
import { CLOSED, FULL } from "./ring.ts";

export const SENDING = "the wait for room in a channel";

/** A message of a rendezvous that waits for its taker. */
export class Offer {
  readonly #core: Core;
  readonly #parcel: Parcel;
  readonly #value: unknown;
  #position: number | undefined;

  constructor(core: Core, parcel: Parcel, value: unknown) {
    this.#core = core;
    this.#parcel = parcel;
    this.#value = value;
  }

  /** Makes the offer if it has not been made. True: it has been taken. */
  attempt(): boolean {
    const core = this.#core;
    if (this.#position === undefined) {
      const found = full(this.#value, () => core.put(this.#parcel));
      if (found === CLOSED) throw closedError(this.#value);
      if (found === FULL) return false;
      this.#position = core.position;
      // Who waits in this thread does not run meanwhile.
      core.receivers.serve();
    }
    if (!core.isOffered(this.#position)) return true;
    if (!core.isClosed) return false;
    if (this.withdraw()) return true;
    throw closedError(this.#value);
  }

  /** False: it has not been taken, and never will be. */
  withdraw(): boolean {
    return this.#position !== undefined && !this.#core.withdraw(this.#position);
  }
}

/** Who waits for it is given so long to take it. */
const TAKE_MS = 1;

export function tryOffer(core: Core, parcel: Parcel, value: unknown): boolean {
  if (core.isClosed) throw closedError(value);
  if (!core.receivers.isAwaited) return false;
  const offer = new Offer(core, parcel, value);
  try {
    core.senders.block(() => offer.attempt(), SENDING, { timeoutMs: TAKE_MS });
    return true;
  } catch (error) {
    if (error instanceof TimeoutError) return offer.withdraw();
    throw error;
  }
}

/** A channel that takes no more gives the value back. */
export function full<R>(value: unknown, put: () => R): R {
  try {
    return put();
  } catch (error) {
    if (!(error instanceof ChannelFullError)) throw error;
    throw new ChannelFullError(error.message, { value, cause: error.cause });
  }
}

export function closedError<V>(value: V): ChannelClosedError<V> {
  return new ChannelClosedError("The channel is closed: nothing can be sent on it.", { value });
}

export function needsImport(): Error {
  return new Error("The message is made of a module that this thread has not imported yet: use recvAsync().");
}
