// A connection to a store's server: opened when it is first needed, and again when it was lost; it keeps the program
// alive only while an answer is awaited.

import { connect, type NetConnectOpts, type Socket } from "node:net";
import { StoreError } from "../../errors.ts";

export interface Protocol {
  /** Called when the connection was made: what comes before everything else. */
  hello?(send: (...parts: readonly (string | Uint8Array)[]) => void): void;
  /** Takes what comes. What it throws ends the connection. */
  read(chunk: Uint8Array): void;
  /** The connection is lost: nobody will answer what was asked. */
  lost(error: StoreError): void;
}

export interface Connection {
  /** Sends the parts; keeps the program alive until as many answers are counted as were asked for. */
  ask(...parts: readonly (string | Uint8Array)[]): void;
  /** Sends what has no answer. */
  send(...parts: readonly (string | Uint8Array)[]): void;
  answered(): void;
  close(): void;
}

export function connection(where: string, address: NetConnectOpts, start: () => Protocol): Connection {
  let socket: Socket | undefined;
  let waiting = 0;
  let isClosed = false;

  function open(): Socket {
    const made = connect(address);
    const speaks = start();
    const lost = (why: string, cause?: unknown): void => {
      if (socket !== made) return;
      socket = undefined;
      waiting = 0;
      made.destroy();
      speaks.lost(new StoreError(`The store at ${where} ${why}.`, { cause }));
    };
    socket = made;
    made.setNoDelay(true);
    made.on("data", (chunk: Buffer) => {
      try {
        speaks.read(chunk);
      } catch (error) {
        lost(`sent what is not understood: ${(error as Error).message}`, error);
      }
    });
    made.on("error", (error) => lost(`can't be reached: ${error.message}`, error));
    made.on("close", () => lost(isClosed ? "was closed" : "is gone: it was closed, or its server has ended"));
    speaks.hello?.(send);
    return made;
  }

  function send(...parts: readonly (string | Uint8Array)[]): void {
    const to = socket ?? open();
    to.cork();
    for (const part of parts) to.write(part);
    to.uncork();
  }

  return {
    ask(...parts) {
      if (isClosed) throw new StoreError(`The store at ${where} was closed.`);
      send(...parts);
      if (++waiting === 1) socket?.ref();
    },
    send,
    answered() {
      if (--waiting === 0) socket?.unref();
    },
    close() {
      isClosed = true;
      socket?.destroy();
    },
  };
}
