// channel(): a channel that closes with its last sender.

import { ChannelClosedError } from "../errors.ts";
import { inLibrary, ship, unship } from "../library.ts";
import type { Wait, WaitAsync } from "../waiting.ts";
import { coreOf, countedChannel, type Channel } from "./channel.ts";
import type { CountedCore } from "./counted.ts";

/** The sending half of a channel: as Channel says, but that a clone counts on its own. */
export interface Sender<T> extends Pick<Channel<T>, "send" | "sendAsync" | "trySend" | "sendMany">, Disposable {
  /** Another sender of the same channel. */
  clone(): Sender<T>;
}

/** The receiving half: as Channel says. */
export interface Receiver<T>
  extends Pick<Channel<T>, "recv" | "recvAsync" | "tryRecv" | "onRecv">, AsyncIterable<T>, Iterable<T> {}

interface Shipped<T> {
  readonly channel: Channel<T>;
  readonly ticket: number;
}

/** Senders that nobody has any more count no longer. */
const forgotten = new FinalizationRegistry<CountedCore>((core) => core.letGo());

export class CountedSender<T> implements Sender<T> {
  readonly #channel: Channel<T>;
  readonly #core: CountedCore;
  #isOpen = true;

  constructor(channel: Channel<T>, ticket?: number) {
    this.#channel = channel;
    this.#core = coreOf(channel) as CountedCore;
    if (ticket === undefined) this.#core.hold();
    else this.#core.arrive(ticket);
    forgotten.register(this, this.#core, this);
  }

  send(value: T, options?: Wait): void {
    this.#open(value).send(value, options);
  }

  async sendAsync(value: T, options?: WaitAsync): Promise<void> {
    return this.#open(value).sendAsync(value, options);
  }

  trySend(value: T): boolean {
    return this.#open(value).trySend(value);
  }

  sendMany(values: Iterable<T>): void {
    this.#open().sendMany(values);
  }

  clone(): Sender<T> {
    return new CountedSender(this.#open());
  }

  [Symbol.dispose](): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    forgotten.unregister(this);
    this.#core.letGo();
  }

  #open(value?: T): Channel<T> {
    if (this.#isOpen) return this.#channel;
    throw new ChannelClosedError("This sender was disposed of: nothing can be sent with it.", { value });
  }

  static [unship]<T>({ channel, ticket }: Shipped<T>): CountedSender<T> {
    return new CountedSender(channel, ticket);
  }

  [ship](): { module: string; export: string; data: Shipped<T>; unsent: () => void } {
    const [channel, core] = [this.#open(), this.#core];
    const ticket = core.depart();
    // Not by way of this sender, which may be garbage by then.
    const unsent = (): void => core.stay(ticket);
    return { module: import.meta.url, export: "CountedSender", data: { channel, ticket }, unsent };
  }
}

/**
 * A channel that closes with its last sender: `clone` makes another, and one that is captured by a task or sent to one counts
 * there as well. A sender counts until it is disposed of (`using`), until its thread has ended, however, or until it
 * is garbage, whenever that is noticed.
 *
 * Waits, order, values, errors: as Channel says. Who waits for messages notices within 100 ms that a thread was terminated.
 * Gotcha: a sender that is kept and not used keeps the channel open. One that set out to a thread that was stopped before it
 * had it counts as long as the thread that sent it.
 * When to use: where several threads send, and nobody knows which will be the last.
 * @example
 * const [sender, receiver] = channel<number>(100);
 * for (let i = 0; i < 4; i++) { const own = sender.clone(); spawn(() => { using tx = own; for (let n = 0; n < 10; n++) tx.send(n); }); own[Symbol.dispose](); }
 * sender[Symbol.dispose]();
 * for await (const n of receiver) console.log(n);        // 40 numbers, then it ends
 */
export function channel<T>(capacity = 0): [Sender<T>, Receiver<T>] {
  const made = countedChannel<T>(capacity);
  return [new CountedSender(made), made];
}

inLibrary(import.meta.url, { channel, CountedSender });
