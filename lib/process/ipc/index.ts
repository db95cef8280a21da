// The ways between processes, in one set of words.

import { inLibrary } from "../../ship/index.ts";
import { fifo, openFifo } from "./fifo.ts";
import { messages } from "./messages.ts";
import { pipe, stdio } from "./pipe.ts";
import { openSharedFile, sharedFile } from "./shared-file.ts";
import { connect, listen } from "./socket.ts";

export type { Format, MessageOf } from "./format.ts";
export type { Fifo } from "./fifo.ts";
export type { Incoming, Link, Outgoing } from "./link.ts";
export type { PipeLink, PipeOptions } from "./pipe.ts";
export type { SharedFile } from "./shared-file.ts";
export type { Address, FormatOptions, OpenOptions, Server } from "./socket.ts";

/**
 * Five ways between processes. All but shared memory are links with `send`, `receive`, `for await` and `close`; all are
 * closed by `await using` and leave nothing behind. The other side may be a task of a ProcessPool, which can capture
 * `ipc` and what it gives, or a program of another language that reads lines (format "text").
 *
 * - `ipc.pipe(command, args)`: a child's standard input and output; in the child `ipc.stdio()`. One parent, one child.
 * - `ipc.fifo()`: a path that unrelated programs open, `writer()` to `reader()`. One direction.
 * - `ipc.listen()`, `ipc.connect(address)`: sockets, TCP or Unix (`{ path }`). Many at a time, both directions.
 * - `ipc.sharedFile(byteLength)`: memory at offsets; no waiting, nothing atomic.
 * - `ipc.messages(child)`, `ipc.messages(process)`: Node's own messages; structured values.
 * @example
 * await using server = await ipc.listen();
 * const said = pool.run(async (address) => { await using link = await ipc.connect(address); await link.send("Hello"); }, server.address);
 * for await (const message of (await server.accept())!) console.log(message); // Hello
 */
export const ipc = {
  pipe,
  stdio,
  fifo,
  openFifo,
  listen,
  connect,
  sharedFile,
  openSharedFile,
  messages,
} as const;

inLibrary(import.meta.url, { ipc });
