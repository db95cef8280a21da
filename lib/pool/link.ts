// One end of the way between a pool and one of its threads. Of a message that can't be read, because what it carries is
// nested too deeply for the receiver's stack, say, the receiver learns only that one came. So those that carry something
// are counted, and the sender, which is told which one it was, still knows what it was about.

import { transferList, type Wire } from "../ship/index.ts";

interface Numbered {
  n?: number;
}

/** So many may be on their way at a time; of older ones nobody asks. */
const REMEMBERED = 1024;

export class Link<Out extends object> {
  readonly #port: { postMessage(message: unknown, transfer: never[]): void };
  readonly #about: (Out & Numbered)[] = [];
  #sent = 0;
  #heard = 0;

  constructor(port: { postMessage(message: unknown, transfer: never[]): void }) {
    this.#port = port;
  }

  /** @param wire what it carries; throws what can't be cloned */
  post(message: Out & Numbered, wire?: Wire): void {
    if (!wire) return this.#port.postMessage(message, []);
    message.n = this.#sent + 1;
    this.#port.postMessage(message, transferList(wire) as never[]);
    this.#about[message.n % REMEMBERED] = { ...message, wire: undefined, shared: undefined };
    this.#sent = message.n;
  }

  /** What message n was about, without what it carried. */
  about(n: number): Out | undefined {
    const message = this.#about[n % REMEMBERED];
    return message?.n === n ? message : undefined;
  }

  heard(message: object): void {
    const { n } = message as Numbered;
    if (n !== undefined) this.#heard = n;
  }

  /** One came that can't be read: which? */
  missed(): number {
    return ++this.#heard;
  }
}
