// A kernel as @jupyterlab/services sees it: the client of JupyterLab, which no one here wrote.

import { type Kernel, KernelManager, type KernelMessage, ServerConnection } from "@jupyterlab/services";

export type Output =
  | { type: "stream"; name: string; text: string }
  | {
      type: "display_data" | "execute_result" | "update_display_data";
      data: Record<string, unknown>;
      metadata: Record<string, unknown>;
    }
  | { type: "error"; ename: string; evalue: string; traceback: string }
  | { type: "clear_output" };

export interface Ran {
  reply: KernelMessage.IExecuteReplyMsg["content"];
  outputs: Output[];
  /** Everything printed on one stream. */
  text(name: "stdout" | "stderr"): string;
  /** The text of the result, if there is one. */
  result: string | undefined;
  error: Extract<Output, { type: "error" }> | undefined;
}

const MANAGERS = new Set<KernelManager>();

export async function startKernel(server: { baseUrl: string; token: string }): Promise<TestKernel> {
  const serverSettings = ServerConnection.makeSettings({
    baseUrl: server.baseUrl,
    wsUrl: server.baseUrl.replace(/^http/, "ws"),
    token: server.token,
    appendToken: true,
  });
  const manager = new KernelManager({ serverSettings });
  MANAGERS.add(manager);
  await manager.ready;
  const connection = await manager.startNew({ name: "braid" });
  await connection.info;
  return new TestKernel(connection, manager);
}

export class TestKernel {
  readonly connection: Kernel.IKernelConnection;
  readonly #manager: KernelManager;

  constructor(connection: Kernel.IKernelConnection, manager: KernelManager) {
    this.connection = connection;
    this.#manager = manager;
  }

  /** Sends a cell; `onOutput` sees each output as it comes. */
  start(code: string, onOutput: (output: Output) => void = () => {}): Promise<Ran> {
    const outputs: Output[] = [];
    const future = this.connection.requestExecute({ code, stop_on_error: true }, true);
    future.onIOPub = (message) => {
      const output = toOutput(message);
      if (!output) return;
      outputs.push(output);
      onOutput(output);
    };
    return future.done.then(({ content: reply }) => ({
      reply,
      outputs,
      text: (name) =>
        outputs.map((output) => (output.type === "stream" && output.name === name ? output.text : "")).join(""),
      result: outputs.flatMap((output) =>
        output.type === "execute_result" ? [String(output.data["text/plain"])] : [],
      )[0],
      error: outputs.find((output) => output.type === "error"),
    }));
  }

  run(code: string): Promise<Ran> {
    return this.start(code);
  }

  /** Runs a cell, and fails unless it ends well. */
  async ok(code: string): Promise<Ran> {
    const ran = await this.run(code);
    if (ran.error) throw new Error(`the cell failed: ${ran.error.ename}: ${ran.error.evalue}`);
    return ran;
  }

  async stop(): Promise<void> {
    await this.#manager.shutdown(this.connection.id).catch(() => {});
    this.connection.dispose();
    this.#manager.dispose();
    MANAGERS.delete(this.#manager);
  }
}

function toOutput({ header, content }: KernelMessage.IIOPubMessage): Output | undefined {
  const body = content as Record<string, never>;
  switch (header.msg_type as string) {
    case "stream":
      return { type: "stream", name: body["name"]!, text: body["text"]! };
    case "display_data":
    case "execute_result":
    case "update_display_data":
      return { type: header.msg_type as "display_data", data: body["data"]!, metadata: body["metadata"]! };
    case "error":
      return {
        type: "error",
        ename: body["ename"]!,
        evalue: body["evalue"]!,
        traceback: (body["traceback"]! as string[]).join("\n"),
      };
    case "clear_output":
      return { type: "clear_output" };
    default:
      return undefined;
  }
}
