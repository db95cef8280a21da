// The five sockets of a kernel. Each sends one message at a time, in order, as zeromq.js demands, and drops nothing: when
// front ends are behind, iopub waits, and who writes to it is told to wait, too.

import { setTimeout as sleep } from "node:timers/promises";
import { Publisher, Reply, Router } from "zeromq";
import { type Message, type Outgoing, Wire } from "./wire.ts";

/** The fields of a connection file that matter here; any others are tolerated. */
export interface Connection {
  transport: string;
  ip: string;
  key: string;
  signature_scheme?: string;
  shell_port: number;
  control_port: number;
  stdin_port: number;
  iopub_port: number;
  hb_port: number;
}

export type Channel = "shell" | "control" | "stdin";
export type Receive = (channel: Channel, message: Message) => void;

const LINGER_MS = 1000;

/** How many messages ZMQ keeps for each front end before iopub waits. */
const IOPUB_KEPT = 500;
const RETRY_MS = 2;
/** A front end that has taken nothing for so long (suspended, say) must not stop the others: it is no longer waited for. */
const STALLED_MS = 10_000;
/** Bytes that wait on iopub: above the first, writers wait; below the second, they go on. */
const PRESSURE = { high: 8 * 2 ** 20, low: 2 * 2 ** 20 };

export class Sockets {
  readonly #wire: Wire;
  readonly #routers: Record<Channel, Router>;
  readonly #iopub = new Publisher({ linger: LINGER_MS, sendHighWaterMark: IOPUB_KEPT, noDrop: true });
  readonly #heartbeat = new Reply();
  readonly #queues = new Map<Router | Publisher, SendQueue>();

  /** @param onPressure told when writers to iopub have to wait, and when no longer */
  constructor({ key, signature_scheme }: Connection, onPressure: (isHigh: boolean) => void = () => {}) {
    this.#wire = new Wire(key, signature_scheme);
    // Handover: a front end that connects again under its old name takes its place over.
    const router = () =>
      new Router({ linger: LINGER_MS, sendHighWaterMark: 0, receiveHighWaterMark: 0, handover: true });
    this.#routers = { shell: router(), control: router(), stdin: router() };
    for (const socket of Object.values(this.#routers)) this.#queues.set(socket, new SendQueue(socket));
    this.#queues.set(this.#iopub, new SendQueue(this.#iopub, onPressure));
  }

  async bind({ transport, ip, ...ports }: Connection): Promise<void> {
    const address = (port: number) => `${transport}://${ip}${transport === "tcp" ? ":" : "-"}${port}`;
    await Promise.all([
      this.#routers.shell.bind(address(ports.shell_port)),
      this.#routers.control.bind(address(ports.control_port)),
      this.#routers.stdin.bind(address(ports.stdin_port)),
      this.#iopub.bind(address(ports.iopub_port)),
      this.#heartbeat.bind(address(ports.hb_port)),
    ]);
  }

  /** Starts receiving. What is malformed, or signed with another key, is ignored. */
  listen(receive: Receive): void {
    for (const channel of ["shell", "control", "stdin"] as const) void this.#serve(channel, receive);
    void this.#beat();
  }

  send(channel: Channel, message: Outgoing): void {
    this.#queues.get(this.#routers[channel])!.push(this.#wire.encode(message));
  }

  publish(message: Outgoing): void {
    this.#queues.get(this.#iopub)!.push(this.#wire.encode({ ...message, identities: [message.type] }));
  }

  /** Resolves when everything that was sent has been handed to ZMQ. */
  async flush(): Promise<void> {
    await Promise.all([...this.#queues.values()].map((queue) => queue.drained));
  }

  async #serve(channel: Channel, receive: Receive): Promise<void> {
    for await (const frames of this.#routers[channel]) {
      const message = this.#wire.decode(frames);
      if (message) receive(channel, message);
    }
  }

  async #beat(): Promise<void> {
    for await (const frames of this.#heartbeat) await this.#heartbeat.send(frames);
  }
}

class SendQueue {
  readonly #socket: Router | Publisher;
  readonly #onPressure: (isHigh: boolean) => void;
  readonly #waiting: (Buffer | string)[][] = [];
  drained: Promise<void> = Promise.resolve();
  #sending = false;
  #bytes = 0;
  #isHigh = false;
  #isStalled = false;

  constructor(socket: Router | Publisher, onPressure: (isHigh: boolean) => void = () => {}) {
    this.#socket = socket;
    this.#onPressure = onPressure;
  }

  push(frames: (Buffer | string)[]): void {
    this.#waiting.push(frames);
    this.#weigh(byteLength(frames));
    if (!this.#sending) this.drained = this.#drain();
  }

  async #drain(): Promise<void> {
    this.#sending = true;
    for (let frames = this.#waiting.shift(); frames; frames = this.#waiting.shift()) {
      await this.#send(frames);
      this.#weigh(-byteLength(frames));
    }
    this.#sending = false;
  }

  async #send(frames: (Buffer | string)[]): Promise<void> {
    const startMs = performance.now();
    for (;;) {
      try {
        await this.#socket.send(frames);
        this.#isStalled = false;
        return;
      } catch (error) {
        const isFull = (error as NodeJS.ErrnoException).code === "EAGAIN" && this.#socket instanceof Publisher;
        // A router: the front end that this was for has gone.
        if (!isFull) return;
      }
      if (this.#isStalled || performance.now() - startMs > STALLED_MS) return this.#sendToOthers(frames);
      await sleep(RETRY_MS);
    }
  }

  /** ZMQ then leaves it out for whoever is behind. */
  async #sendToOthers(frames: (Buffer | string)[]): Promise<void> {
    const socket = this.#socket as Publisher;
    this.#isStalled = true;
    socket.noDrop = false;
    await socket.send(frames).catch(() => {});
    socket.noDrop = true;
  }

  #weigh(bytes: number): void {
    this.#bytes += bytes;
    const isHigh = this.#bytes > (this.#isHigh ? PRESSURE.low : PRESSURE.high);
    if (isHigh === this.#isHigh) return;
    this.#isHigh = isHigh;
    this.#onPressure(isHigh);
  }
}

function byteLength(frames: (Buffer | string)[]): number {
  return frames.reduce((sum, frame) => sum + frame.length, 0);
}
