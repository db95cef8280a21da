// A store that threads, processes and other languages share: pass the id, not the data.

import { type CancelledError, TimeoutError } from "../../errors.ts";
import { inLibrary, ship, unship } from "../../ship/index.ts";
import { checkOptions, checkSignal, checkText, checkTimeout, show } from "../checks.ts";
import { stoppable } from "../stopped.ts";
import type { Client } from "./client.ts";
import { natsClient } from "./nats-client.ts";
import { respClient } from "./resp-client.ts";
import { startServer, type Server } from "./servers.ts";

export type StoreKind = "redis" | "valkey" | "nats" | "built-in";

export interface StoreOptions {
  /** Our own server, also where another is installed. */
  builtIn?: boolean;
  /** The `url` of a store that runs: instead of starting one. */
  url?: string;
}

export interface StoreWait {
  /** 60 s without it. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

interface Shipped {
  readonly url: string;
  readonly why: string;
}

const TIMEOUT_MS = 60_000;
/** Redis takes no more. */
const LARGEST = 512 * 2 ** 20;

/**
 * Bytes and JSON by name, kept by a server outside of all threads: made by `keyValueStore()`. Sent to a task or captured
 * by one it is the same store there, and a process or a program of another language can connect to its `url`.
 * Waits: async, all methods, for the server; an interrupt or `signal` ends the wait (CancelledError), and so does
 * `timeoutMs` (TimeoutError). Order: a value is seen by all who ask after `put` is done, and never in part.
 * Throws: TypeError, RangeError for what is no key or value; StoreError when the server is gone or refuses.
 */
export class KeyValueStore implements AsyncDisposable {
  /** Which server answers. */
  readonly kind: StoreKind;
  /** Why this one, in a sentence or two. */
  readonly why: string;
  /** Where it listens; `keyValueStore({ url })` connects to it from another process. */
  readonly url: string;
  readonly #client: Client;
  readonly #server: Server | undefined;
  #closing: Promise<void> | undefined;

  private constructor(shipped: Shipped, server?: Server) {
    this.url = shipped.url;
    this.why = shipped.why;
    this.#server = server;
    [this.kind, this.#client] = clientOf(shipped.url);
  }

  /** Keeps a copy of the bytes, which must not be changed before this is done: at most 512 MiB. */
  async put(key: string, value: ArrayBufferView | ArrayBuffer, options?: StoreWait): Promise<void> {
    const bytes = bytesOf(value);
    return this.#wait("put", key, options, () => this.#client.put(key, bytes));
  }

  /** A copy of the bytes, in memory of its own, or undefined. `new Float64Array(bytes.buffer)` sees them as numbers. */
  async get(key: string, options?: StoreWait): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return this.#wait("get", key, options, () => this.#client.get(key));
  }

  /** Keeps what JSON can say: a text that is read by whoever speaks JSON. */
  async putJson(key: string, value: unknown, options?: StoreWait): Promise<void> {
    const text = JSON.stringify(value) as string | undefined;
    if (text === undefined) throw new TypeError(`Expected a value that JSON can say, got ${show(value)}.`);
    return this.put(key, Buffer.from(text), options);
  }

  /** What was put as JSON, or undefined. Throws: SyntaxError where it is none. */
  async getJson(key: string, options?: StoreWait): Promise<unknown> {
    const bytes = await this.get(key, options);
    return bytes && (JSON.parse(Buffer.from(bytes.buffer).toString()) as unknown);
  }

  /** True if there was something to delete. */
  async delete(key: string, options?: StoreWait): Promise<boolean> {
    return this.#wait("delete", key, options, () => this.#client.delete(key));
  }

  /** Ends the server, and with it the store of all, if it was started here; otherwise only this connection. */
  close(): Promise<void> {
    this.#client.close();
    known.delete(this.url);
    return (this.#closing ??= this.#server?.stop() ?? Promise.resolve());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #wait<R>(verb: string, key: string, options: StoreWait = {}, work: () => Promise<R>): Promise<R> {
    checkText("key", key);
    if (key === "" || Buffer.byteLength(key) > 1024)
      throw new RangeError(`Expected key to be a text of 1 to 1024 bytes, got ${show(key)}.`);
    checkOptions(`${verb}()`, options, ["timeoutMs", "signal"]);
    const { timeoutMs = TIMEOUT_MS, signal } = options;
    checkTimeout(timeoutMs);
    if (signal !== undefined) checkSignal(signal);
    return stoppable(`${verb}(${show(key)})`, signal, async (stop) => {
      const { promise, reject } = Promise.withResolvers<never>();
      const late = `The store at ${this.url} did not answer ${verb}(${show(key)}) within ${timeoutMs} ms.`;
      const timer = setTimeout(() => reject(new TimeoutError(timeoutMs, late)), timeoutMs);
      stop.addEventListener("abort", () => reject(stop.reason as CancelledError), { once: true });
      try {
        return await Promise.race([work(), promise]);
      } finally {
        clearTimeout(timer);
      }
    });
  }

  /** One for each thread and store. */
  static [unship](shipped: Shipped): KeyValueStore {
    const here = known.get(shipped.url) ?? new KeyValueStore(shipped);
    known.set(shipped.url, here);
    return here;
  }

  [ship](): { module: string; export: string; data: Shipped } {
    return { module: import.meta.url, export: "KeyValueStore", data: { url: this.url, why: this.why } };
  }

  /** @internal */
  static async start({ builtIn = false, url }: StoreOptions): Promise<KeyValueStore> {
    if (url !== undefined) return KeyValueStore[unship]({ url, why: "It was running already." });
    return stoppable("the start of a store", undefined, async (stop) => {
      const server = await startServer(builtIn, stop);
      const store = new KeyValueStore(server, server);
      known.set(server.url, store);
      return store;
    });
  }
}

const known = new Map<string, KeyValueStore>();

/**
 * Starts a key-value store, for tasks that are told an id and fetch the data themselves: Redis, Valkey or NATS (with
 * JetStream) if one is on the PATH, otherwise a small server of our own, which gives the same answers: `kind` and `why`
 * tell. It keeps everything in memory, listens at a socket that only this user can open (NATS: at a port of this
 * machine, with a password), and ends with `close()`, `await using`, or this thread.
 *
 * Waits: async, for the server to be ready, at most 10 s. Throws: TypeError for what is no option; StoreError.
 * Cost: some 10 to 50 ms to start; a value is copied to the server and back, at about a gigabyte a second.
 * When to use: data that several processes need, or that outlives a task. Within one process shared memory costs nothing.
 * @example
 * await using store = await keyValueStore();
 * await store.put("data_123", new Float64Array([1, 2, 3]));
 * const id = await pool.run(async (id) => {
 *   const numbers = new Float64Array((await store.get(id))!.buffer);
 *   await store.put(`${id}_doubled`, numbers.map((x) => x * 2));
 *   return `${id}_doubled`;
 * }, "data_123");
 */
export async function keyValueStore(options: StoreOptions = {}): Promise<KeyValueStore> {
  checkOptions("keyValueStore()", options, ["builtIn", "url"]);
  const { builtIn, url } = options;
  if (builtIn !== undefined && typeof builtIn !== "boolean")
    throw new TypeError(`Expected builtIn to be true or false, got ${show(builtIn)}.`);
  if (url !== undefined) checkText("url", url);
  return KeyValueStore.start(options);
}

function clientOf(url: string): [StoreKind, Client] {
  const [, kind, path] = /^(redis|valkey|built-in)\+unix:\/\/(\/.+)$/.exec(url) ?? [];
  if (path !== undefined) return [kind as StoreKind, respClient(path, { path })];
  const [, token, name, port] = /^nats:\/\/(\w+)@([\w.]+):(\d+)$/.exec(url) ?? [];
  if (port !== undefined) return ["nats", natsClient(`${name}:${port}`, { host: name, port: Number(port) }, token!)];
  throw new TypeError(`Expected url to be that of a store ("redis+unix:///path" or the like), got ${show(url)}.`);
}

function bytesOf(value: unknown): Uint8Array {
  let bytes: Uint8Array;
  if (ArrayBuffer.isView(value)) bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  else if (value instanceof ArrayBuffer) bytes = new Uint8Array(value);
  else throw new TypeError(`Expected the value to be bytes (a typed array or an ArrayBuffer), got ${show(value)}.`);
  if (bytes.length > LARGEST)
    throw new RangeError(`Expected the value to have at most ${LARGEST} bytes, got ${bytes.length}.`);
  // What other threads may change can't be sent as it is.
  return bytes.buffer instanceof SharedArrayBuffer ? bytes.slice() : bytes;
}

inLibrary(import.meta.url, { KeyValueStore, keyValueStore });
