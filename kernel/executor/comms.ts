// The executor's end of comms: what cells open and register, and whom a front end's message is for.

import { randomUUID } from "node:crypto";
import type { CommCommand } from "../link/messages.ts";
import { report } from "./output.ts";

export interface CommOptions {
  metadata?: Record<string, unknown>;
  /** Sent as they are, beside the JSON. */
  buffers?: readonly (ArrayBuffer | ArrayBufferView)[];
}

export interface CommMessage {
  data: Record<string, unknown>;
  metadata: Record<string, unknown>;
  buffers: Uint8Array[];
}

type Listener = (message: CommMessage) => void;

/**
 * A channel to the front end, as widgets use it. Its listeners run on the main thread between two turns of the event
 * loop: at once when no cell runs, at the next `await` of one that does.
 */
export class Comm {
  readonly id: string;
  readonly target: string;
  readonly #messages = new Set<Listener>();
  readonly #closings = new Set<Listener>();
  #isOpen = true;

  /** @internal */
  constructor(id: string, target: string) {
    this.id = id;
    this.target = target;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Never waits. Throws when the comm is closed: nothing would get the message. */
  send(data: Record<string, unknown>, options: CommOptions = {}): void {
    if (!this.#isOpen) throw new Error(`comm ${this.id} (target ${this.target}) is closed: it can't send`);
    tell(this, "message", data, options);
  }

  /** Tells the front end. Closing again does nothing. */
  close(data: Record<string, unknown> = {}, options: CommOptions = {}): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    openComms.delete(this.id);
    tell(this, "close", data, options);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Returns the way to stop listening. */
  onMessage(listener: Listener): () => void {
    this.#messages.add(listener);
    return () => this.#messages.delete(listener);
  }

  /** Told when the front end closes the comm. Returns the way to stop listening. */
  onClose(listener: Listener): () => void {
    this.#closings.add(listener);
    return () => this.#closings.delete(listener);
  }

  /** @internal */
  receive(event: "message" | "close", message: CommMessage): void {
    if (event === "close") {
      this.#isOpen = false;
      openComms.delete(this.id);
    }
    for (const listener of event === "close" ? this.#closings : this.#messages) listener(message);
  }
}

const openComms = new Map<string, Comm>();
const targets = new Map<string, (comm: Comm, message: CommMessage) => void>();

export function openComm(target: string, data: Record<string, unknown> = {}, options: CommOptions = {}): Comm {
  const comm = new Comm(randomUUID(), target);
  openComms.set(comm.id, comm);
  tell(comm, "open", data, options);
  return comm;
}

/** From here on a front end may open comms for this target. A later registration replaces the earlier one. */
export function registerCommTarget(target: string, onOpen: (comm: Comm, message: CommMessage) => void): () => void {
  targets.set(target, onOpen);
  report({ type: "comm_target", target, open: true });
  return () => {
    if (targets.get(target) !== onOpen) return;
    targets.delete(target);
    report({ type: "comm_target", target, open: false });
  };
}

/** Calls the listeners that a front end's message is for: run it under a guard. */
export function receiveComm({ event, id, target = "", data, metadata = {}, buffers }: CommCommand): void {
  const message = { data, metadata, buffers: buffers.map((text) => new Uint8Array(Buffer.from(text, "base64"))) };
  if (event !== "open") return openComms.get(id)?.receive(event, message);
  const comm = new Comm(id, target);
  const onOpen = targets.get(target);
  if (!onOpen) return comm.close();
  openComms.set(id, comm);
  onOpen(comm, message);
}

function tell({ id, target }: Comm, event: CommCommand["event"], data: object, options: CommOptions): void {
  const { metadata, buffers = [] } = options;
  const bytes = buffers.map((buffer) =>
    ArrayBuffer.isView(buffer)
      ? new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
      : new Uint8Array(buffer),
  );
  report(
    {
      type: "comm",
      event,
      id,
      ...(event === "open" ? { target } : {}),
      data: data as Record<string, unknown>,
      ...(metadata ? { metadata } : {}),
      buffers: bytes.length,
    },
    undefined,
    bytes,
  );
}
