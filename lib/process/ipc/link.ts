// One end of a way between two processes, whatever the way is made of.

import type { Readable, Writable } from "node:stream";
import { IpcError } from "../../errors.ts";
import { decoderOf, encodeMessage, type Format } from "./format.ts";
import { Inbox } from "./inbox.ts";

/** Where messages come from. */
export interface Incoming<T> extends AsyncDisposable, AsyncIterable<T> {
  /**
   * The next message; undefined once the other side has ended and all was read. Waits: async, for the other side; an
   * end, a break or close() wakes it. Throws IpcError where the way has broken, or something unreadable has come.
   */
  receive(): Promise<T | undefined>;
  /** Ends this side and leaves nothing behind. Who waits to receive gets undefined. */
  close(): Promise<void>;
}

/** Where messages go. */
export interface Outgoing<T> extends AsyncDisposable {
  /**
   * Sends a message. Messages arrive in the order of these calls. Waits: async, while the other side is behind. Throws
   * TypeError for what the format doesn't take, IpcError when the other side is gone or this one closed.
   */
  send(message: T): Promise<void>;
  /** Says that no more will be sent; the other side reads to the end, and may still answer. */
  end(): Promise<void>;
  close(): Promise<void>;
}

/** Both ways. One that nobody waits for keeps no program alive. */
export interface Link<T> extends Incoming<T>, Outgoing<T> {}

interface Held {
  readonly destroyed?: boolean;
  ref?(): unknown;
  unref?(): unknown;
}

export interface StreamLinkInit {
  readonly readable?: Readable | undefined;
  readonly writable?: Writable | undefined;
  readonly format: Format;
  /** What else keeps the program alive. */
  readonly held?: Held;
  /** Waits for who is at the other side, when this side has ended. */
  readonly other?: () => Promise<void>;
  /** The streams are the program's own, and stay. */
  readonly isLent?: boolean;
}

/** How long a side that closes waits for one that does not read. */
const FLUSH_MS = 1000;

export class StreamLink<T> implements Link<T> {
  readonly #readable: Readable | undefined;
  readonly #writable: Writable | undefined;
  readonly #format: Format;
  readonly #other: StreamLinkInit["other"];
  readonly #isLent: boolean;
  readonly #held: readonly Held[];
  readonly #inbox: Inbox<T>;
  #waits = 0;
  #closing: Promise<void> | undefined;

  constructor({ readable, writable, format, held, other, isLent = false }: StreamLinkInit) {
    this.#readable = readable;
    this.#writable = writable;
    this.#format = format;
    this.#other = other;
    this.#isLent = isLent;
    this.#held = [readable, writable, held].filter((one) => one !== undefined) as Held[];
    this.#inbox = new Inbox<T>((isFull) => void (isFull ? readable?.pause() : readable?.resume()));
    writable?.on("error", () => {});
    if (readable) this.#listen(readable);
    else this.#inbox.end();
    this.#hold(false);
  }

  async send(message: T): Promise<void> {
    // Copied now, whenever it goes out.
    const bytes = encodeMessage(this.#format, message);
    await this.#wait(this.#write(bytes));
  }

  receive(): Promise<T | undefined> {
    return this.#wait(this.#inbox.take());
  }

  end(): Promise<void> {
    const writable = this.#writable;
    if (!writable || writable.destroyed) return Promise.resolve();
    return this.#wait(new Promise((resolve) => void writable.end(() => resolve())));
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#wait(this.#close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  [Symbol.asyncIterator](): AsyncIterator<T> {
    return iterate(() => this.receive());
  }

  #listen(readable: Readable): void {
    const decoder = decoderOf(this.#format);
    const take = (decode: () => Iterable<unknown>): void => {
      try {
        for (const message of decode()) this.#inbox.push(message as T);
      } catch (error) {
        this.#inbox.fail(error);
        readable.destroy();
      }
    };
    readable.on("data", (chunk: Buffer) => take(() => decoder.push(chunk)));
    readable.on("end", () => take(() => decoder.end()));
    readable.on("error", (cause) => this.#inbox.fail(new IpcError(`The way has broken: ${cause.message}.`, { cause })));
    readable.on("close", () => this.#inbox.end());
    // A stream that is not destroyed when it has ended.
    readable.on("end", () => this.#inbox.end());
  }

  #write(bytes: Buffer): Promise<void> {
    const writable = this.#writable;
    if (!writable || this.#closing) return Promise.reject(new IpcError("Nothing can be sent: this side is closed."));
    return new Promise((resolve, reject) => {
      writable.write(bytes, (cause) => {
        if (cause) reject(new IpcError(`The message could not be sent: ${whyNotSent(cause)}.`, { cause }));
        else resolve();
      });
    });
  }

  async #close(): Promise<void> {
    this.#inbox.end();
    if (this.#isLent) return void this.#readable?.pause();
    const streams = new Set<Readable | Writable>([this.#writable, this.#readable].filter((one) => one !== undefined));
    await this.#flush();
    await this.#other?.();
    for (const stream of streams) {
      if (stream.closed) continue;
      const closed = new Promise((resolve) => stream.once("close", resolve));
      stream.destroy();
      await closed;
    }
  }

  /** What was sent gets out, unless the other side doesn't read. */
  async #flush(): Promise<void> {
    const writable = this.#writable;
    if (!writable?.writable) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, FLUSH_MS);
      writable.end(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  async #wait<R>(promise: Promise<R>): Promise<R> {
    if (this.#waits++ === 0) this.#hold(true);
    try {
      return await promise;
    } finally {
      if (--this.#waits === 0) this.#hold(false);
    }
  }

  #hold(isHeld: boolean): void {
    for (const one of this.#held) {
      // A socket that has none of the system's any more would wait for one.
      if (one.destroyed) continue;
      if (isHeld) one.ref?.();
      else one.unref?.();
    }
  }
}

/** Until there is nothing more. Leaving the loop leaves the rest where it is. */
export function iterate<T>(next: () => Promise<T | undefined>): AsyncIterator<T> {
  return {
    async next() {
      const value = await next();
      return value === undefined ? { done: true, value } : { done: false, value };
    },
  };
}

export function whyNotSent(cause: Error & { code?: string }): string {
  const isGone = ["EPIPE", "ECONNRESET", "ERR_STREAM_DESTROYED", "ERR_IPC_CHANNEL_CLOSED"].includes(cause.code ?? "");
  if (cause.code === "ERR_STREAM_WRITE_AFTER_END") return "this side has ended";
  return isGone ? "the other side is gone" : cause.message.replace(/\.$/, "");
}
