// A message on its way into a channel: offered, of a rendezvous, and what goes wrong.

import { ChannelClosedError, ChannelFullError, TimeoutError } from "../errors.ts";
import type { Core } from "./core.ts";
import type { Parcel } from "./message.ts";
import { CLOSED, FULL, NOTHING } from "./ring.ts";

export const SENDING = "the wait for room in a channel";
export const RECEIVING = "the wait for a message";

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
    if (this.#position === undefined) return false;
    const isTaken = !this.#core.withdraw(this.#position);
    if (!isTaken) this.#position = undefined;
    return isTaken;
  }

  /** Gives who waits for it a moment to take it. False: it is withdrawn. */
  standForAMoment(): boolean {
    const left = (): void => void this.withdraw();
    try {
      this.#core.senders.block(() => this.attempt(), SENDING, { timeoutMs: MOMENT_MS }, { left });
      return true;
    } catch (error) {
      if (error instanceof TimeoutError) return this.withdraw();
      throw error;
    }
  }
}

/** Who waits at the other end of a rendezvous is given so long to come. */
export const MOMENT_MS = 1;

export function tryOffer(core: Core, parcel: Parcel, value: unknown): boolean {
  if (core.isClosed) throw closedError(value);
  if (!core.receivers.isAwaited) return false;
  return new Offer(core, parcel, value).standForAMoment();
}

/** What `take` comes to. A select offers what it would send where somebody waits, so it is waited for a moment. */
export function tryTake(core: Core): number {
  let found = core.take();
  if (found !== NOTHING || !core.isRendezvous || !core.senders.isAwaited) return found;
  try {
    core.receivers.block(() => (found = core.take()) !== NOTHING, RECEIVING, { timeoutMs: MOMENT_MS });
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
  }
  return found;
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
