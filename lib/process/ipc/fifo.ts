// FIFOs (named pipes): a stream of bytes with a path, from whoever writes to whoever reads.

import { execFile } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { IpcError } from "../../errors.ts";
import { checkKnown } from "../../checks.ts";
import { inLibrary, ship, unship } from "../../ship/index.ts";
import { checkFormat, type Format, type MessageOf } from "./format.ts";
import { remove, removeAtExit } from "./left-behind.ts";
import { StreamLink, type Incoming, type Outgoing } from "./link.ts";
import { checkOpenOptions, waitFor, type FormatOptions, type OpenOptions } from "./socket.ts";

const run = promisify(execFile);

/** How often a writer looks for a reader: the system has no way to be told. */
const RETRY_MS = 10;

/**
 * A FIFO, by its path. Sent to a task, it is the same FIFO there; only who made it removes it.
 * A message goes to one reader. The reader's end comes when the last writer has closed.
 */
export class Fifo implements AsyncDisposable {
  readonly path: string;
  /** What was made for it. */
  readonly #made: string | undefined;

  /** FIFOs are made by `ipc.fifo`. */
  constructor(path: string, made?: string) {
    this.path = path;
    this.#made = made;
  }

  /** Opens it to read. Waits: async, a moment; what is received waits for a writer. */
  async reader<F extends Format = "json">(options: FormatOptions<F> = {}): Promise<Incoming<MessageOf<F>>> {
    checkKnown("fifo.reader()", options, ["format"]);
    const format = checkFormat(options.format ?? "json");
    // Not blocking: else a thread of Node's own would sit in open() until a writer comes, and the program with it.
    const fd = this.#open(fs.constants.O_RDONLY);
    const readable = new net.Socket({ fd, readable: true, writable: false });
    return new StreamLink<MessageOf<F>>({ readable, format });
  }

  /** Opens it to write. Waits: async, for a reader. Throws TimeoutError, CancelledError. */
  async writer<F extends Format = "json">(options: OpenOptions<F> = {}): Promise<Outgoing<MessageOf<F>>> {
    checkOpenOptions("fifo.writer()", options);
    const format = checkFormat(options.format ?? "json");
    let timer: NodeJS.Timeout | undefined;
    const fd = await waitFor<number>(`Waiting for a reader of "${this.path}"`, options, (resolve, reject) => {
      const attempt = (): void => {
        try {
          resolve(this.#open(fs.constants.O_WRONLY));
        } catch (error) {
          const isEarly = ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code === "ENXIO";
          if (isEarly) timer = setTimeout(attempt, RETRY_MS);
          else reject(error);
        }
      };
      attempt();
    }).finally(() => clearTimeout(timer));
    const writable = new net.Socket({ fd, readable: false, writable: true });
    return new StreamLink<MessageOf<F>>({ writable, format });
  }

  /** Removes the file, where this is who made it; who has it open goes on. */
  async close(): Promise<void> {
    if (this.#made !== undefined) remove(this.#made);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #open(direction: number): number {
    try {
      const fd = fs.openSync(this.path, direction | fs.constants.O_NONBLOCK);
      if (fs.fstatSync(fd).isFIFO()) return fd;
      fs.closeSync(fd);
    } catch (cause) {
      throw new IpcError(`Can't open the FIFO "${this.path}": ${(cause as Error).message}.`, { cause });
    }
    throw new IpcError(`Can't open the FIFO "${this.path}": it is something else.`);
  }

  static [unship](path: string): Fifo {
    return new Fifo(path);
  }

  [ship](): { module: string; export: string; data: string } {
    return { module: import.meta.url, export: "Fifo", data: this.path };
  }
}

/**
 * Makes a FIFO, which is removed when it is closed, or the program exits. Waits: async, for the command mkfifo.
 * Throws IpcError where the path exists already, or the system has no FIFOs.
 * @param at default: a path in a temporary folder
 */
export async function fifo(at?: string): Promise<Fifo> {
  if (at !== undefined && (typeof at !== "string" || at === ""))
    throw new TypeError("Expected the path of a FIFO to be a string.");
  const folder = at === undefined ? fs.mkdtempSync(path.join(os.tmpdir(), "braid-fifo-")) : undefined;
  const file = at ?? path.join(folder!, "fifo");
  if (folder !== undefined) removeAtExit(folder);
  try {
    await run("mkfifo", ["-m", "600", file]);
  } catch (cause) {
    if (folder !== undefined) remove(folder);
    const why = fs.existsSync(file) ? "the path exists already" : (cause as Error).message.trim().split("\n").at(-1);
    throw new IpcError(`Can't make the FIFO "${file}": ${why}.`, { cause });
  }
  if (folder === undefined) removeAtExit(file);
  return new Fifo(file, folder ?? file);
}

/** One that someone else has made. */
export function openFifo(path: string): Fifo {
  return new Fifo(path);
}

inLibrary(import.meta.url, { Fifo });
