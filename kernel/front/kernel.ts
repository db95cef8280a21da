// The front: sockets on one side, executor and language on the other. It never runs user code, so it always answers.

import { Language } from "../language/language.ts";
import { completeness } from "../language/syntax.ts";
import { Comms } from "./comms.ts";
import { Execution } from "./execution.ts";
import { ExecutorHost, type ExecutorReport } from "./executor-host.ts";
import { History, historyFile, type HistoryRequest } from "./history.ts";
import { kernelInfo } from "./kernel-info.ts";
import { Outbox } from "./outbox.ts";
import { type Channel, type Connection, Sockets } from "./sockets.ts";
import { charactersToOffset, offsetToCharacters } from "./offsets.ts";
import { Usage } from "./usage.ts";
import type { Message } from "./wire.ts";

type Content = Record<string, unknown>;
type Handler = (content: Content, message: Message) => Content | void | Promise<Content | void>;

export class Kernel {
  readonly #sockets: Sockets;
  readonly #outbox: Outbox;
  readonly #language: Language;
  readonly #history: History;
  readonly #comms: Comms;
  readonly #usage: Usage;
  readonly #execution: Execution;
  readonly #executor: ExecutorHost;
  readonly #onShutdown: () => void;

  /** @param folder the notebook's folder: imports resolve from here */
  constructor(connection: Connection, folder: string, onShutdown: () => void) {
    this.#onShutdown = onShutdown;
    this.#history = new History(historyFile());
    this.#language = new Language(folder, (why) =>
      this.#printNotice(`${why}: cells run without type checking from here on`),
    );
    this.#sockets = new Sockets(connection, (isHigh) => this.#executor.holdOutput(isHigh));
    this.#outbox = new Outbox((message) => this.#sockets.publish(message));
    this.#execution = new Execution({
      outbox: this.#outbox,
      reply: (channel, message) => this.#sockets.send(channel, message),
      language: this.#language,
      history: this.#history,
    });
    this.#executor = new ExecutorHost({
      output: (name, text, run) => this.#outbox.stream(name, text, this.#execution.parentOf(run)),
      display: (type, content, run) => this.#outbox.publish({ type, content, parent: this.#execution.parentOf(run) }),
      report: (report, run, buffers) => this.#report(report, run, buffers),
      died: (told, running) => {
        this.#language.reset();
        this.#comms.closeAll(this.#execution.parentOf(0));
        this.#execution.tellLoss(told, running);
      },
    });
    this.#execution.attach(this.#executor);
    this.#comms = new Comms({
      publish: (message) => this.#outbox.publish(message),
      toExecutor: (command, { header }) => this.#executor.comm({ ...command, run: this.#execution.newRun(header) }),
    });
    this.#usage = new Usage();
  }

  async start(connection: Connection): Promise<void> {
    await this.#sockets.bind(connection);
    this.#sockets.listen((channel, message) => void this.#receive(channel, message));
    this.#outbox.status("starting");
  }

  interrupt(request?: Message): void {
    this.#execution.interrupt(request?.header);
  }

  /** Ends every process of the kernel but this one. */
  async stop(): Promise<void> {
    this.#executor.stop();
    this.#language.stop();
    this.#history.close();
    this.#outbox.flush();
    await this.#sockets.flush();
  }

  readonly #handlers: Record<string, Handler> = {
    kernel_info_request: () => kernelInfo(),
    complete_request: ({ code, cursor_pos }) => this.#complete(String(code), cursor_pos),
    inspect_request: ({ code, cursor_pos }) => this.#inspect(String(code), cursor_pos),
    is_complete_request: ({ code }) => ({ ...completeness(String(code)) }),
    history_request: (content) => ({ history: this.#history.answer(content as HistoryRequest) }),
    comm_info_request: ({ target_name }) => this.#comms.info(target_name),
    comm_open: (_content, message) => this.#comms.receive(message),
    comm_msg: (_content, message) => this.#comms.receive(message),
    comm_close: (_content, message) => this.#comms.receive(message),
    usage_request: () => this.#usage.measure(),
    input_reply: ({ value }) => this.#executor.input(String(value ?? "")),
    interrupt_request: (_content, request) => {
      this.interrupt(request);
      return {};
    },
    shutdown_request: ({ restart }) => {
      setImmediate(this.#onShutdown);
      return { restart: restart === true };
    },
  };

  async #receive(channel: Channel, message: Message): Promise<void> {
    const { header, content, identities } = message;
    if (header.msg_type === "execute_request") return this.#execution.enqueue(message);
    const handler = this.#handlers[header.msg_type];
    if (!handler) return;
    this.#outbox.status("busy", header);
    const type = header.msg_type.replace(/_request$/, "_reply");
    try {
      const answer = await handler(content, message);
      if (answer)
        this.#sockets.send(channel, { type, content: { status: "ok", ...answer }, parent: header, identities });
    } catch (error) {
      const failure = { status: "error", ename: "KernelError", evalue: String(error), traceback: [] };
      if (type !== header.msg_type) this.#sockets.send(channel, { type, content: failure, parent: header, identities });
    }
    this.#outbox.status("idle", header);
  }

  #report(report: ExecutorReport, run: number, buffers: Buffer[]): void {
    const parent = this.#execution.parentOf(run);
    switch (report.type) {
      case "clear":
        return this.#outbox.publish({ type: "clear_output", content: { wait: report.wait }, parent });
      case "comm":
        return this.#comms.report(report, buffers, parent);
      case "comm_target":
        return this.#comms.setTarget(report.target, report.open);
      case "type_check":
        this.#language.typeCheck = report.check;
        return;
      case "input":
        return this.#askForInput(report);
    }
  }

  #askForInput({ prompt, password }: { prompt: string; password: boolean }): void {
    this.#outbox.flush();
    const request = this.#execution.current;
    if (!request || request.content["allow_stdin"] === false) {
      return this.#executor.input(null);
    }
    const { header: parent, identities } = request;
    this.#sockets.send("stdin", { type: "input_request", content: { prompt, password }, parent, identities });
  }

  async #complete(code: string, cursor: unknown): Promise<Content> {
    const offset = charactersToOffset(code, Number(cursor ?? code.length));
    const { matches, start, end } = await this.#language.complete(code, offset);
    return {
      matches,
      cursor_start: offsetToCharacters(code, start),
      cursor_end: offsetToCharacters(code, end),
      metadata: {},
    };
  }

  async #inspect(code: string, cursor: unknown): Promise<Content> {
    const markdown = await this.#language.inspect(code, charactersToOffset(code, Number(cursor ?? 0)));
    if (markdown === undefined) return { found: false, data: {}, metadata: {} };
    const data = { "text/markdown": markdown, "text/plain": markdown.replace(/^```\w*\n?/gm, "") };
    return { found: true, data, metadata: {} };
  }

  #printNotice(text: string): void {
    this.#outbox.stream("stderr", `${text}\n`, this.#execution.parentOf(0));
  }
}
