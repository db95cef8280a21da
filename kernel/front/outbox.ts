// Everything that goes out on iopub, in order. Text is gathered for at most 10 ms or 64 KiB, never dropped, and always
// sent before any other message: so `idle` comes after the last line.

import type { Header, Outgoing } from "./wire.ts";

const GATHER_MS = 10;
const GATHER_CHARS = 64 * 1024;

export type StreamName = "stdout" | "stderr";

export class Outbox {
  readonly #publish: (message: Outgoing) => void;
  #text = "";
  #name: StreamName = "stdout";
  #parent: Header | undefined;
  #timer: NodeJS.Timeout | undefined;
  #lastFlush = -Infinity;

  constructor(publish: (message: Outgoing) => void) {
    this.#publish = publish;
  }

  publish(message: Outgoing): void {
    this.flush();
    this.#publish(message);
  }

  status(state: "busy" | "idle" | "starting", parent?: Header): void {
    this.publish({ type: "status", content: { execution_state: state }, parent });
  }

  stream(name: StreamName, text: string, parent: Header | undefined): void {
    if (text === "") return;
    if (name !== this.#name || parent !== this.#parent) this.flush();
    this.#name = name;
    this.#parent = parent;
    this.#text += text;
    if (this.#text.length >= GATHER_CHARS) return this.flush();
    const quiet = performance.now() - this.#lastFlush > GATHER_MS;
    this.#timer ??= setTimeout(() => this.flush(), quiet ? 0 : GATHER_MS);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#text === "") return;
    const content = { name: this.#name, text: this.#text };
    this.#text = "";
    this.#lastFlush = performance.now();
    this.#publish({ type: "stream", content, parent: this.#parent });
  }
}
