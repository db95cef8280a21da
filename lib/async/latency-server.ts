// A local HTTP server that is as slow as it is told: for experiments with many requests and without the Internet.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { checkInteger, checkKnown, checkMilliseconds } from "../checks.ts";
import { onOwnInterrupt } from "../host.ts";
import { inLibrary } from "../library.ts";

export interface LatencyServerOptions {
  /** Before the first byte of each answer. Default: 0. */
  latencyMs?: number;
  /** Of each answer by itself. Default: as fast as it goes. */
  bytesPerSecond?: number;
  /** How long an answer is. Default: 100. */
  bytes?: number;
}

/** A request, in ms since the server was made: a row of a waterfall chart. */
export interface ServedRequest {
  readonly path: string;
  readonly startMs: number;
  /** Undefined while it is answered. */
  endMs: number | undefined;
  /** The client went away before it had the answer. */
  isAborted: boolean;
}

export interface LatencyServer extends AsyncDisposable {
  /** "http://127.0.0.1:port", with the port that was free. */
  readonly url: string;
  /** In the order of arrival. */
  readonly requests: readonly ServedRequest[];
  readonly inFlight: number;
  /** The most that were answered at a time. */
  readonly maxInFlight: number;
  /** Ends open connections, too: their clients get an error. */
  close(): Promise<void>;
}

const TICK_MS = 10;

/**
 * Starts a server on 127.0.0.1, on a port that is free, that answers every GET with `bytes` bytes of text, after
 * `latencyMs` and at `bytesPerSecond`. A query changes that for one request: `/slow?latencyMs=500&bytes=10`. The client
 * is whatever speaks HTTP, such as the global `fetch`.
 *
 * Waits: async. Units: ms, bytes. Throws TypeError or RangeError for a bad option; answers a bad query with 400.
 * `await using` closes it, and so does the interrupt of the cell that made it. It doesn't keep the program alive.
 * Gotcha: it runs in this thread. While that computes, it answers nobody: the answer of a blocked loop.
 * @example
 * await using server = await latencyServer({ latencyMs: 50 });
 * const pages = await mapLimit(Array(10).keys(), 5, async (i) => (await fetch(`${server.url}/${i}`)).text());
 * console.log(pages.length, server.maxInFlight); // 10 5
 */
export async function latencyServer(options: LatencyServerOptions = {}): Promise<LatencyServer> {
  checkKnown("latencyServer()", options, ["latencyMs", "bytesPerSecond", "bytes"]);
  check(options);
  const { createServer } = await import("node:http");
  const madeMs = performance.now();
  const requests: ServedRequest[] = [];
  let inFlight = 0;
  let maxInFlight = 0;

  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
    const served: ServedRequest = {
      path: pathname,
      startMs: performance.now() - madeMs,
      endMs: undefined,
      isAborted: false,
    };
    requests.push(served);
    maxInFlight = Math.max(maxInFlight, ++inFlight);
    let timer: NodeJS.Timeout | undefined;
    response.on("close", () => {
      clearTimeout(timer);
      inFlight--;
      served.endMs = performance.now() - madeMs;
      served.isAborted = !response.writableFinished;
    });
    const own: LatencyServerOptions = { ...options };
    try {
      for (const [name, value] of searchParams) Object.assign(own, { [name]: Number(value) });
      checkKnown("latencyServer()", own, ["latencyMs", "bytesPerSecond", "bytes"]);
      check(own);
    } catch (error) {
      return void response.writeHead(400).end(`${(error as Error).message}\n`);
    }
    const { latencyMs = 0, bytesPerSecond = Infinity, bytes = 100 } = own;
    const text = Buffer.from(`page ${pathname}\n`.padEnd(bytes, ".").slice(0, bytes));
    const begin = (): void => {
      response.writeHead(200, { "content-type": "text/plain; charset=utf-8", "content-length": text.length });
      const beganMs = performance.now();
      let sent = 0;
      const send = (): void => {
        const due = Math.min(text.length, Math.floor(((performance.now() - beganMs) / 1000) * bytesPerSecond));
        if (due > sent) response.write(text.subarray(sent, due));
        sent = Math.max(sent, due);
        if (sent < text.length) timer = setTimeout(send, TICK_MS);
        else response.end();
      };
      if (bytesPerSecond === Infinity) response.end(text);
      else send();
    };
    if (latencyMs > 0) timer = setTimeout(begin, latencyMs);
    else begin();
  };

  const server = createServer(answer);
  // A client holds its connection: the server doesn't have to.
  server.on("connection", (socket) => socket.unref());
  const listening = Promise.withResolvers<void>();
  server.once("error", listening.reject);
  server.listen(0, "127.0.0.1", listening.resolve);
  await listening.promise;
  server.unref();
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    unlisten();
    closed ??= new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
    return closed;
  };
  const unlisten = onOwnInterrupt(() => void close());
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    get inFlight() {
      return inFlight;
    },
    get maxInFlight() {
      return maxInFlight;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function check({ latencyMs, bytesPerSecond, bytes }: LatencyServerOptions): void {
  if (latencyMs !== undefined) checkMilliseconds("latencyMs", latencyMs);
  if (bytes !== undefined) checkInteger("bytes", bytes, 0, 2 ** 30);
  if (bytesPerSecond !== undefined && bytesPerSecond !== Infinity)
    checkInteger("bytesPerSecond", bytesPerSecond, 1, Infinity);
}

inLibrary(import.meta.url, { latencyServer });
