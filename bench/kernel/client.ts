// A Jupyter front end on bare ZMQ, for any kernel: starts its process from a kernelspec's argv, or joins one that runs.

import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { Dealer, Request, Subscriber } from "zeromq";
import { type Header, type Message, Wire } from "../../kernel/front/wire.ts";
import type { Connection } from "../../kernel/front/sockets.ts";

export interface KernelSpec {
  /** How it wants to be interrupted; by message where nothing is said. */
  interrupts?: "message" | "signal";
  /** The program, "{connection_file}" standing for the file's path. */
  argv: readonly string[];
  env?: Record<string, string>;
  cwd?: string;
}

export interface Executed {
  reply: Message;
  /** Everything on iopub that belongs to the cell, `busy` and `idle` included. */
  messages: Message[];
  /** From sending to the reply and to idle. */
  replyMs: number;
  idleMs: number;
  text(stream?: "stdout" | "stderr"): string;
  /** The text of the result. */
  result: string | undefined;
  error: { ename: string; evalue: string; traceback: string[] } | undefined;
}

export interface RequestOptions {
  metadata?: Record<string, unknown>;
  buffers?: Buffer[];
  timeoutMs?: number;
}

type Channel = "shell" | "control" | "stdin";

/** One front end of a kernel. */
export class Client {
  readonly connection: Connection;
  readonly wire: Wire;
  readonly #sockets: Record<Channel, Dealer>;
  readonly #iopub = new Subscriber({ receiveHighWaterMark: 0 });
  readonly #heartbeat = new Request();
  readonly #listeners = new Set<(channel: Channel | "iopub", message: Message, atMs: number) => void>();
  #sending: Promise<void> = Promise.resolve();

  constructor(connection: Connection) {
    this.connection = connection;
    this.wire = new Wire(connection.key, connection.signature_scheme);
    // One identity for all three: a kernel sends its input requests to who sent the cell.
    const routingId = randomUUID();
    const dealer = () => new Dealer({ routingId, linger: 0, receiveHighWaterMark: 0 });
    this.#sockets = { shell: dealer(), control: dealer(), stdin: dealer() };
    const address = (port: number) => `${connection.transport}://${connection.ip}:${port}`;
    for (const channel of ["shell", "control", "stdin"] as const) {
      this.#sockets[channel].connect(address(connection[`${channel}_port`]));
      void this.#listen(channel, this.#sockets[channel]);
    }
    this.#iopub.subscribe();
    this.#iopub.connect(address(connection.iopub_port));
    void this.#listen("iopub", this.#iopub);
    this.#heartbeat.connect(address(connection.hb_port));
  }

  on(listener: (channel: Channel | "iopub", message: Message, atMs: number) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves to the id of the message. */
  async send(
    channel: Channel,
    type: string,
    content: object,
    options: RequestOptions & { parent?: Header } = {},
  ): Promise<string> {
    const { metadata = {}, buffers = [], parent } = options;
    const frames = this.wire.encode({ type, content, metadata, buffers, parent });
    await this.sendFrames(channel, frames);
    return idOf(frames);
  }

  async sendFrames(channel: Channel, frames: (Buffer | string)[]): Promise<void> {
    this.#sending = this.#sending.then(() => this.#sockets[channel].send(frames));
    await this.#sending;
  }

  /** Resolves to the next message that fits. */
  next(fits: (channel: Channel | "iopub", message: Message) => boolean, timeoutMs = 30_000): Promise<Message> {
    return new Promise((resolve, reject) => {
      const stop = this.on((channel, message) => {
        if (!fits(channel, message)) return;
        clearTimeout(timer);
        stop();
        resolve(message);
      });
      const timer = setTimeout(() => {
        stop();
        reject(new Error(`no such message came within ${timeoutMs} ms`));
      }, timeoutMs);
    });
  }

  /** Sends a request and resolves to its reply, and how long that took. */
  async request(
    channel: "shell" | "control",
    type: string,
    content: object = {},
    { metadata = {}, buffers = [], timeoutMs }: RequestOptions = {},
  ): Promise<Message & { tookMs: number }> {
    const frames = this.wire.encode({ type, content, metadata, buffers });
    const sentMs = performance.now();
    const id = idOf(frames);
    const reply = this.next((from, { parentHeader }) => from === channel && parentHeader.msg_id === id, timeoutMs);
    await this.sendFrames(channel, frames);
    return { ...(await reply), tookMs: performance.now() - sentMs };
  }

  /** Runs a cell; resolves when both its reply and its idle have come. `onMessage` sees iopub as it comes. */
  execute(
    code: string,
    content: object = {},
    options: RequestOptions & { onMessage?: (message: Message, atMs: number) => void } = {},
  ): Promise<Executed> {
    const frames = this.wire.encode({
      type: "execute_request",
      content: {
        code,
        silent: false,
        store_history: true,
        user_expressions: {},
        allow_stdin: false,
        stop_on_error: true,
        ...content,
      },
      metadata: options.metadata ?? {},
    });
    const id = idOf(frames);
    return new Promise((resolve, reject) => {
      const messages: Message[] = [];
      let reply: Message | undefined;
      let replyMs = 0;
      let idleMs = 0;
      const sentMs = performance.now();
      const stop = this.on((channel, message, atMs) => {
        if (message.parentHeader.msg_id !== id) return;
        if (channel === "shell") {
          reply = message;
          replyMs = atMs - sentMs;
        } else if (channel === "iopub") {
          messages.push(message);
          options.onMessage?.(message, atMs - sentMs);
          if (message.content["execution_state"] === "idle") idleMs = atMs - sentMs;
        }
        if (!reply || idleMs === 0) return;
        clearTimeout(timer);
        stop();
        resolve({ reply, replyMs, idleMs, ...summary(messages) });
      });
      const { timeoutMs = 60_000 } = options;
      const timer = setTimeout(() => {
        stop();
        reject(new Error(`the cell did not end within ${timeoutMs} ms: ${code.slice(0, 200)}`));
      }, timeoutMs);
      void this.sendFrames("shell", frames);
    });
  }

  /** Resolves when iopub is connected: what was published before is lost. */
  async subscribed(): Promise<void> {
    for (let tries = 0; tries < 100; tries++) {
      const status = this.next((channel) => channel === "iopub", 100).catch(() => undefined);
      await this.request("shell", "kernel_info_request");
      if (await status) return;
    }
    throw new Error("nothing came on iopub");
  }

  /** One heartbeat: how long it took. */
  async beat(): Promise<number> {
    const sentMs = performance.now();
    await this.#heartbeat.send("beat");
    await this.#heartbeat.receive();
    return performance.now() - sentMs;
  }

  close(): void {
    for (const socket of [...Object.values(this.#sockets), this.#iopub, this.#heartbeat]) socket.close();
  }

  async #listen(channel: Channel | "iopub", socket: Dealer | Subscriber): Promise<void> {
    for await (const frames of socket) {
      const atMs = performance.now();
      const message = this.wire.decode(frames);
      if (message) for (const listener of this.#listeners) listener(channel, message, atMs);
    }
  }
}

function idOf(frames: (Buffer | string)[]): string {
  return (JSON.parse(String(frames[2])) as Header).msg_id;
}

function summary(messages: Message[]): Pick<Executed, "messages" | "text" | "result" | "error"> {
  const of = (type: string) => messages.filter(({ header }) => header.msg_type === type).map(({ content }) => content);
  const data = of("execute_result")[0]?.["data"] as Record<string, string> | undefined;
  return {
    messages,
    text: (stream = "stdout") =>
      of("stream")
        .map((content) => (content["name"] === stream ? String(content["text"]) : ""))
        .join(""),
    result: data?.["text/plain"],
    error: of("error")[0] as Executed["error"],
  };
}

/** A kernel's process, with a client of it. */
export class KernelProcess {
  readonly child: ChildProcess;
  readonly client: Client;
  readonly connectionFile: string;
  /** From the start of the process to its first kernel_info_reply. */
  readonly startMs: number;
  readonly log: () => string;
  readonly #folder: string;

  private constructor(child: ChildProcess, client: Client, folder: string, startMs: number, log: () => string) {
    this.child = child;
    this.client = client;
    this.connectionFile = path.join(folder, "connection.json");
    this.startMs = startMs;
    this.log = log;
    this.#folder = folder;
  }

  static async start(spec: KernelSpec): Promise<KernelProcess> {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "kernel-"));
    const file = path.join(folder, "connection.json");
    const connection = await makeConnection();
    fs.writeFileSync(file, JSON.stringify(connection), { mode: 0o600 });
    const [program = "", ...args] = spec.argv.map((arg) => arg.replace("{connection_file}", file));
    const startedMs = performance.now();
    const child = spawn(program, args, {
      cwd: spec.cwd ?? folder,
      env: { ...process.env, ...spec.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let log = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => (log = (log + chunk.toString()).slice(-20_000)));
    const client = new Client(connection);
    await client.request("shell", "kernel_info_request", {}, { timeoutMs: 60_000 });
    const startMs = performance.now() - startedMs;
    await client.subscribed();
    return new KernelProcess(child, client, folder, startMs, () => log);
  }

  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.child.once("exit", resolve));
    if (this.child.exitCode === null && this.child.signalCode === null) {
      void this.client.send("control", "shutdown_request", { restart: false });
      const timer = setTimeout(() => this.child.kill("SIGKILL"), 5000);
      await gone;
      clearTimeout(timer);
    }
    this.client.close();
    fs.rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function makeConnection(): Promise<Connection> {
  const [shell_port, control_port, stdin_port, iopub_port, hb_port] = await freePorts(5);
  return {
    transport: "tcp",
    ip: "127.0.0.1",
    key: randomUUID(),
    signature_scheme: "hmac-sha256",
    shell_port: shell_port!,
    control_port: control_port!,
    stdin_port: stdin_port!,
    iopub_port: iopub_port!,
    hb_port: hb_port!,
  };
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = net.createServer().listen(0, "127.0.0.1");
      await new Promise((resolve) => server.once("listening", resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as net.AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
