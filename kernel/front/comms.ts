// The front's end of comms. It takes what a front end sends also while the executor is busy, and keeps the state of
// widgets, so that a page that is opened or reloaded meanwhile gets them drawn.

import type { CommCommand, CommEvent } from "../link/messages.ts";
import type { Header, Message, Outgoing } from "./wire.ts";

const WIDGET = "jupyter.widget";
const WIDGET_CONTROL = "jupyter.widget.control";

type State = Record<string, unknown>;
type BufferPath = (string | number)[];

interface OpenComm {
  target: string;
  /** Of a widget: every attribute as it was last told, and those of them that are binary. */
  state: State;
  buffers: { path: BufferPath; bytes: Buffer }[];
}

export interface CommParts {
  publish(message: Outgoing): void;
  /** Resolves when the callbacks have run, or have to wait for the running cell. */
  toExecutor(command: Omit<CommCommand, "type" | "run">, request: Message): Promise<void>;
}

export class Comms {
  readonly #parts: CommParts;
  readonly #open = new Map<string, OpenComm>();
  readonly #targets = new Set<string>();

  constructor(parts: CommParts) {
    this.#parts = parts;
  }

  /** The content of a comm_info_reply. */
  info(target: unknown): { comms: Record<string, { target_name: string }> } {
    const wanted = [...this.#open].filter(([, comm]) => typeof target !== "string" || comm.target === target);
    return { comms: Object.fromEntries(wanted.map(([id, comm]) => [id, { target_name: comm.target }])) };
  }

  /** comm_open, comm_msg or comm_close of a front end. */
  async receive(request: Message): Promise<void> {
    const { content, metadata, buffers, header } = request;
    const id = String(content["comm_id"]);
    const data = (content["data"] ?? {}) as Record<string, unknown>;
    const event = ({ comm_open: "open", comm_close: "close" } as const)[header.msg_type] ?? "message";
    if (event === "open") {
      const target = String(content["target_name"]);
      // The protocol's answer to a target that nobody knows.
      if (target !== WIDGET_CONTROL && !this.#targets.has(target)) return this.#publish("close", id, {}, header);
      this.#add(id, target, data, buffers);
    }
    const comm = this.#open.get(id);
    if (!comm) return;
    if (event === "close") this.#open.delete(id);
    if (comm.target === WIDGET_CONTROL) {
      if (data["method"] === "request_states") this.#publishStates(id, header);
      return;
    }
    if (event === "message" && data["method"] === "request_state") return this.#publishState(id, comm, header);
    if (event === "message") update(comm, data, buffers);
    const encoded = buffers.map((buffer) => buffer.toString("base64"));
    const target = event === "open" ? { target: comm.target } : {};
    await this.#parts.toExecutor({ event, id, ...target, data, metadata, buffers: encoded }, request);
  }

  /** A cell did something with a comm. */
  report({ event, id, target = "", data, metadata }: CommEvent, buffers: Buffer[], parent: Header | undefined): void {
    if (event === "open") this.#add(id, target, data, buffers);
    const comm = this.#open.get(id);
    if (event === "close") this.#open.delete(id);
    if (event === "message" && comm) update(comm, data, buffers);
    this.#publish(event, id, data, parent, { ...(event === "open" ? { target } : {}), metadata, buffers });
  }

  setTarget(target: string, open: boolean): void {
    if (open) this.#targets.add(target);
    else this.#targets.delete(target);
  }

  /** The executor is gone and its ends of all comms with it. */
  closeAll(parent: Header | undefined): void {
    for (const id of this.#open.keys()) this.#publish("close", id, {}, parent);
    this.#open.clear();
    this.#targets.clear();
  }

  #add(id: string, target: string, data: Record<string, unknown>, buffers: Buffer[]): void {
    const comm: OpenComm = { target, state: {}, buffers: [] };
    this.#open.set(id, comm);
    if (target === WIDGET) update(comm, { ...data, method: "update" }, buffers);
  }

  #publishState(id: string, { state, buffers }: OpenComm, parent: Header): void {
    const data = { method: "update", state, buffer_paths: buffers.map(({ path }) => path) };
    this.#publish("message", id, data, parent, { buffers: buffers.map(({ bytes }) => bytes) });
  }

  #publishStates(control: string, parent: Header): void {
    const widgets = [...this.#open].filter(([, { target }]) => target === WIDGET);
    const states = widgets.map(([id, { state }]) => {
      const { _model_name, _model_module, _model_module_version } = state;
      return [
        id,
        { model_name: _model_name, model_module: _model_module, model_module_version: _model_module_version, state },
      ];
    });
    const binary = widgets.flatMap(([id, comm]) =>
      comm.buffers.map(({ path, bytes }) => ({ path: [id, "state", ...path], bytes })),
    );
    const data = {
      method: "update_states",
      states: Object.fromEntries(states) as object,
      buffer_paths: binary.map(({ path }) => path),
    };
    this.#publish("message", control, data, parent, { buffers: binary.map(({ bytes }) => bytes) });
  }

  #publish(
    event: CommEvent["event"],
    id: string,
    data: object,
    parent: Header | undefined,
    more: { target?: string; metadata?: Record<string, unknown> | undefined; buffers?: Buffer[] } = {},
  ): void {
    const type = { open: "comm_open", message: "comm_msg", close: "comm_close" }[event];
    const content = { comm_id: id, ...(more.target === undefined ? {} : { target_name: more.target }), data };
    this.#parts.publish({ type, content, parent, metadata: more.metadata ?? {}, buffers: more.buffers ?? [] });
  }
}

/** Takes over a widget's `update`, from either side. */
function update(comm: OpenComm, data: Record<string, unknown>, buffers: Buffer[]): void {
  const state = data["state"];
  if (comm.target !== WIDGET || data["method"] !== "update" || typeof state !== "object" || state === null) return;
  Object.assign(comm.state, state);
  const paths = (data["buffer_paths"] ?? []) as BufferPath[];
  const changed = new Set([...Object.keys(state), ...paths.map(([attribute]) => String(attribute))]);
  const kept = comm.buffers.filter(({ path }) => !changed.has(String(path[0])));
  comm.buffers = [...kept, ...paths.map((path, index) => ({ path, bytes: buffers[index]! }))];
}
