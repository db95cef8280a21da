// The five sockets of a kernel. Nothing is ever dropped (no high-water mark), and each socket sends one message at a
// time, in order, as zeromq.js demands.

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

export class Sockets {
  readonly #wire: Wire;
  readonly #routers: Record<Channel, Router>;
  readonly #iopub = new Publisher({ linger: LINGER_MS, sendHighWaterMark: 0 });
  readonly #heartbeat = new Reply();
  readonly #queues = new Map<Router | Publisher, SendQueue>();

  constructor({ key, signature_scheme }: Connection) {
    this.#wire = new Wire(key, signature_scheme);
    // Handover: a front end that connects again under its old name takes its place over.
    const router = () =>
      new Router({ linger: LINGER_MS, sendHighWaterMark: 0, receiveHighWaterMark: 0, handover: true });
    this.#routers = { shell: router(), control: router(), stdin: router() };
    for (const socket of [...Object.values(this.#routers), this.#iopub])
      this.#queues.set(socket, new SendQueue(socket));
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
  readonly #waiting: (Buffer | string)[][] = [];
  drained: Promise<void> = Promise.resolve();
  #sending = false;

  constructor(socket: Router | Publisher) {
    this.#socket = socket;
  }

  push(frames: (Buffer | string)[]): void {
    this.#waiting.push(frames);
    if (!this.#sending) this.drained = this.#drain();
  }

  async #drain(): Promise<void> {
    this.#sending = true;
    for (let frames = this.#waiting.shift(); frames; frames = this.#waiting.shift()) {
      try {
        await this.#socket.send(frames);
      } catch {
        // The front end that this was for has gone.
      }
    }
    this.#sending = false;
  }
}
