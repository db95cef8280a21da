// A task's process prints synchronously: into a pipe Node would write when there is time, and what is printed right
// before a process exits, or is killed, would be lost. Whoever prints waits for who reads.

import fs from "node:fs";
import { waitUncounted } from "../atomics.ts";

interface Stream {
  readonly fd?: number;
  readonly _handle?: unknown;
  _write: (chunk: Uint8Array | string, encoding: BufferEncoding, done: (error?: Error) => void) => void;
  _writev?: unknown;
}

const nap = new Int32Array(new SharedArrayBuffer(4));

export function printAtOnce(): void {
  for (const [fd, stream] of [process.stdout, process.stderr].entries()) {
    const { _handle: pipe } = stream as unknown as Stream;
    // Files have none, and what a kernel has put in their place does not come here.
    if (!pipe) continue;
    const write: Stream["_write"] = (chunk, encoding, done) => {
      try {
        writeAll(fd + 1, typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk);
        done();
      } catch (error) {
        done(error as Error);
      }
    };
    Object.assign(stream, { _write: write, _writev: undefined });
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) {
    try {
      at += fs.writeSync(fd, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      waitUncounted(nap, 0, 0, 1);
    }
  }
}
