// Memory that processes share: a file that lives in memory, read and written at offsets. Node can't map it, so that there
// is no typed array over it, no Atomics and no waiting: who writes when has to be agreed on by another way.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { IpcError } from "../../errors.ts";
import { checkInteger } from "../../checks.ts";
import { inLibrary, ship, unship } from "../../ship/index.ts";
import { remove, removeAtExit } from "./left-behind.ts";

/** Where Linux keeps files in memory. */
const MEMORY = "/dev/shm";

/**
 * Bytes that other processes see, by a path. Sent to a task, it is the same memory there; only who made it removes it.
 * Waits: never. Order: a write is seen whole by reads that begin after it has returned, in any process; a read at the
 * same time may see a part of it. There is no atomic read-and-write: let one side write, and tell the other by a message.
 * Cost: a system call each, about a microsecond, and the copy.
 */
export class SharedFile implements AsyncDisposable {
  readonly path: string;
  readonly byteLength: number;
  readonly #fd: number;
  readonly #isOwner: boolean;
  #isClosed = false;

  /** These are made by `ipc.sharedFile` and `ipc.openSharedFile`. */
  constructor(path: string, fd: number, isOwner: boolean) {
    this.path = path;
    this.#fd = fd;
    this.#isOwner = isOwner;
    this.byteLength = fs.fstatSync(fd).size;
  }

  /** Copies bytes out. With an array in the place of a length, into that. */
  read(offset: number, length: number): Uint8Array;
  read<A extends ArrayBufferView>(offset: number, into: A): A;
  read(offset: number, what: number | ArrayBufferView): ArrayBufferView {
    const into = typeof what === "number" ? new Uint8Array(checkInteger("length", what, 0, this.byteLength)) : what;
    this.#check(offset, into);
    const bytes = bytesOf(into);
    for (let at = 0; at < bytes.length;) at += fs.readSync(this.#fd, bytes, at, bytes.length - at, offset + at);
    return into;
  }

  /** Copies bytes in. Throws RangeError where there is no room for them. */
  write(offset: number, from: ArrayBufferView): void {
    this.#check(offset, from);
    const bytes = bytesOf(from);
    for (let at = 0; at < bytes.length;) at += fs.writeSync(this.#fd, bytes, at, bytes.length - at, offset + at);
  }

  /** Lets go of it; who made it also removes it. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    fs.closeSync(this.#fd);
    if (this.#isOwner) remove(this.path);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #check(offset: number, bytes: ArrayBufferView): void {
    if (!ArrayBuffer.isView(bytes)) throw new TypeError(`Expected a typed array or a DataView, got ${typeof bytes}.`);
    if (this.#isClosed) throw new IpcError("The shared file is closed.");
    checkInteger("offset", offset, 0, this.byteLength);
    if (offset + bytes.byteLength > this.byteLength)
      throw new RangeError(
        `Expected ${bytes.byteLength} bytes at offset ${offset} to be within the ${this.byteLength} of the shared file.`,
      );
  }

  static [unship](path: string): SharedFile {
    return openSharedFile(path);
  }

  [ship](): { module: string; export: string; data: string } {
    return { module: import.meta.url, export: "SharedFile", data: this.path };
  }
}

/** Makes memory of so many bytes, zeroed, that other processes can open: removed when it is closed, or the program exits. */
export function sharedFile(byteLength: number): SharedFile {
  checkInteger("byteLength", byteLength, 1, Number.MAX_SAFE_INTEGER);
  const folder = fs.existsSync(MEMORY) ? MEMORY : os.tmpdir();
  const file = path.join(folder, `braid-${process.pid}-${Math.random().toString(36).slice(2)}`);
  try {
    const fd = fs.openSync(file, "wx+", 0o600);
    removeAtExit(file);
    fs.ftruncateSync(fd, byteLength);
    return new SharedFile(file, fd, true);
  } catch (cause) {
    remove(file);
    throw new IpcError(`Can't make a shared file of ${byteLength} bytes: ${(cause as Error).message}.`, { cause });
  }
}

/** Opens what another process has made. */
export function openSharedFile(path: string): SharedFile {
  try {
    return new SharedFile(path, fs.openSync(path, "r+"), false);
  } catch (cause) {
    throw new IpcError(`Can't open the shared file "${path}": ${(cause as Error).message}.`, { cause });
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

inLibrary(import.meta.url, { SharedFile });
