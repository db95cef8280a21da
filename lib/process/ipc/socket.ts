// Sockets: TCP on this machine, and Unix sockets, which have a path instead of a port.

import net from "node:net";
import { CancelledError, IpcError, TimeoutError } from "../../errors.ts";
import { checkInteger, checkKnown, checkMilliseconds, checkSignal } from "../../checks.ts";
import { checkFormat, type Format, type MessageOf } from "./format.ts";
import { Inbox } from "./inbox.ts";
import { remove, removeAtExit } from "./left-behind.ts";
import { iterate, StreamLink, type Link } from "./link.ts";

/** Where a server listens: a path makes it a Unix socket. */
export type Address = { readonly path: string } | { readonly port: number; readonly host?: string };

export interface FormatOptions<F extends Format> {
  /** Default: "json". */
  format?: F;
}

export interface OpenOptions<F extends Format> extends FormatOptions<F> {
  timeoutMs?: number;
  signal?: AbortSignal;
}

const HOST = "127.0.0.1";

/** Who listens for connections. One that nobody waits for keeps no program alive. */
export interface Server<T> extends AsyncDisposable, AsyncIterable<Link<T>> {
  /** With the port that the system has chosen, where 0 was asked for. */
  readonly address: Address;
  /** The next connection; undefined once the server is closed. */
  accept(): Promise<Link<T> | undefined>;
  /** Stops listening and closes all connections. A Unix socket's file is removed. */
  close(): Promise<void>;
}

/**
 * Listens for connections from this machine. Waits: async, until it listens. Throws IpcError where the address is in use.
 * @param address default: TCP, at a port that is free (`server.address.port`)
 */
export async function listen<F extends Format = "json">(
  address: Address = { port: 0 },
  options: FormatOptions<F> = {},
): Promise<Server<MessageOf<F>>> {
  checkKnown("ipc.listen()", options, ["format"]);
  const format = checkFormat(options.format ?? "json");
  const { place, text } = checkAddress(address);
  const links = new Set<StreamLink<MessageOf<F>>>();
  const inbox = new Inbox<Link<MessageOf<F>>>();
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const link = linkOf<MessageOf<F>>(socket, format);
    links.add(link);
    socket.once("close", () => links.delete(link));
    inbox.push(link);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const why = cause.code === "EADDRINUSE" ? "it is in use" : cause.message;
      reject(new IpcError(`Can't listen at ${text}: ${why}.`, { cause }));
    });
    server.listen(place, resolve);
  });
  server.on("error", () => {});
  server.unref();
  if ("path" in place) removeAtExit(place.path);
  let waits = 0;
  const accept = async (): Promise<Link<MessageOf<F>> | undefined> => {
    if (waits++ === 0) server.ref();
    try {
      return await inbox.take();
    } finally {
      if (--waits === 0) server.unref();
    }
  };
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> =>
    (closing ??= (async () => {
      inbox.end();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.ref();
      await Promise.all([...links].map((link) => link.close()));
      await closed;
      if ("path" in place) remove(place.path);
    })());
  const bound = server.address();
  return {
    address: typeof bound === "object" && bound ? { port: bound.port, host: bound.address } : address,
    accept,
    close,
    [Symbol.asyncDispose]: close,
    [Symbol.asyncIterator]: () => iterate(accept),
  };
}

/**
 * Connects to who listens there. Waits: async, until there is an answer. Throws IpcError where nobody listens,
 * TimeoutError, CancelledError.
 */
export async function connect<F extends Format = "json">(
  address: Address,
  options: OpenOptions<F> = {},
): Promise<Link<MessageOf<F>>> {
  checkOpenOptions("ipc.connect()", options);
  const format = checkFormat(options.format ?? "json");
  const { place, text } = checkAddress(address);
  const socket = net.connect({ ...place, allowHalfOpen: true, noDelay: true } as net.NetConnectOpts);
  await waitFor(`Connecting to ${text}`, options, (resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", (cause: NodeJS.ErrnoException) => {
      const why = ["ECONNREFUSED", "ENOENT"].includes(cause.code ?? "") ? "nobody listens" : cause.message;
      reject(new IpcError(`Can't connect to ${text}: ${why}.`, { cause }));
    });
  }).catch((error: unknown) => {
    socket.destroy();
    throw error;
  });
  return linkOf(socket, format);
}

function linkOf<T>(socket: net.Socket, format: Format): StreamLink<T> {
  return new StreamLink<T>({ readable: socket, writable: socket, format });
}

function checkAddress(address: Address): { place: { path: string } | { port: number; host: string }; text: string } {
  checkKnown("an address", address, ["path", "port", "host"]);
  if ("path" in address) {
    if (typeof address.path !== "string" || address.path === "")
      throw new TypeError("Expected the path of an address to be a string.");
    return { place: { path: address.path }, text: `"${address.path}"` };
  }
  const { port, host = HOST } = address;
  checkInteger("port", port, 0, 65_535);
  return { place: { port, host }, text: `${host}:${port}` };
}

export function checkOpenOptions(whose: string, options: OpenOptions<Format>): void {
  checkKnown(whose, options, ["format", "timeoutMs", "signal"]);
  if (options.timeoutMs !== undefined) checkMilliseconds("timeoutMs", options.timeoutMs);
  if (options.signal !== undefined) checkSignal(options.signal);
}

/** A wait that ends with a time limit and with a signal. */
export function waitFor<R>(
  what: string,
  { timeoutMs, signal }: OpenOptions<Format>,
  start: (resolve: (value: R) => void, reject: (error: unknown) => void) => void,
): Promise<R> {
  const { promise, resolve, reject } = Promise.withResolvers<R>();
  const abort = (): void => reject(new CancelledError(`Cancelled: ${what}.`, { cause: signal!.reason }));
  const late = (): void =>
    reject(new TimeoutError(timeoutMs!, `Out of time: ${what} took longer than ${timeoutMs} ms.`));
  const timer = timeoutMs === undefined || timeoutMs > 2 ** 31 - 1 ? undefined : setTimeout(late, timeoutMs);
  signal?.addEventListener("abort", abort);
  if (signal?.aborted) abort();
  else start(resolve, reject);
  return promise.finally(() => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  });
}
