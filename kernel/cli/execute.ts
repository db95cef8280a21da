// Runs the cells of one notebook on a kernel of a Jupyter server, one after the other, and fills in their outputs.

import { KernelAPI, KernelConnection, ServerConnection } from "@jupyterlab/services";
import { withQuietClient } from "./client.ts";
import { codeCells, type Cell, type MimeData, type Notebook } from "./notebook.ts";
import { OutputCollector } from "./outputs.ts";
import type { Server } from "./server.ts";

export interface Execution {
  server: Server;
  /** The kernelspec's name. */
  kernel: string;
  /** The working directory, relative to the server's root. */
  folder: string;
  /** For each cell; no limit if it is missing. */
  timeoutMs?: number | undefined;
  signal: AbortSignal;
  onStart(cell: Cell, index: number, count: number): void;
  onEnd(ok: boolean, ms: number): void;
}

export type Outcome =
  | { state: "done" }
  | { state: "interrupted" }
  /** `index` counts code cells that hold code, from 0. */
  | { state: "failed" | "timeout"; index: number; cell: Cell }
  | { state: "dead"; index: number | undefined; why: string };

const INTERRUPT_MS = 5_000;
const START_MS = 60_000;

export async function execute(notebook: Notebook, execution: Execution): Promise<Outcome> {
  return withQuietClient(() => onNewKernel(notebook, execution));
}

async function onNewKernel(notebook: Notebook, execution: Execution): Promise<Outcome> {
  const { baseUrl, token } = execution.server;
  const wsUrl = baseUrl.replace(/^http/, "ws");
  const serverSettings = ServerConnection.makeSettings({ baseUrl, wsUrl, token, appendToken: true });
  const request = { name: execution.kernel, path: execution.folder };
  const model = await KernelAPI.startNew(request, serverSettings);
  const kernel = new KernelConnection({ model, serverSettings, handleComms: false });
  try {
    return await runCells(notebook, execution, kernel);
  } finally {
    await kernel.shutdown().catch(() => {}); // it may be dead; the server is stopped in any case
    kernel.dispose();
  }
}

async function runCells(notebook: Notebook, execution: Execution, kernel: KernelConnection): Promise<Outcome> {
  const { signal, server, timeoutMs } = execution;
  const stopped = new Promise<"interrupted">((resolve) => {
    if (signal.aborted) resolve("interrupted");
    signal.addEventListener("abort", () => resolve("interrupted"), { once: true });
  });
  const died = death(kernel, server);
  const ready = await Promise.race([kernel.info, died, stopped, delay(START_MS)]);
  if (ready === "interrupted") return { state: "interrupted" };
  if (ready === undefined)
    return { state: "dead", index: undefined, why: `it did not answer within ${START_MS / 1000} s` };
  if ("why" in ready) return { state: "dead", index: undefined, why: ready.why };
  notebook.metadata.language_info = ready.language_info as unknown as MimeData;

  const cells = codeCells(notebook);
  const collector = new OutputCollector();
  for (const cell of notebook.cells) {
    if (cell.cell_type === "code") Object.assign(cell, { outputs: [], execution_count: null });
  }
  for (const [index, cell] of cells.entries()) {
    execution.onStart(cell, index, cells.length);
    const startMs = performance.now();
    const done = requestCell(kernel, cell, collector);
    const first = await Promise.race([done, died, stopped, ...(timeoutMs ? [delay(timeoutMs)] : [])]);
    const end = (ok: boolean): void => execution.onEnd(ok, performance.now() - startMs);
    if (first === "ok") {
      end(true);
      continue;
    }
    if (first === undefined || first === "interrupted") {
      await Promise.race([kernel.interrupt().catch(() => {}), delay(INTERRUPT_MS)]);
      await Promise.race([done, died, delay(INTERRUPT_MS)]);
    }
    end(false);
    if (first === "interrupted") return { state: "interrupted" };
    if (first === undefined) return { state: "timeout", index, cell };
    if (first === "error") return { state: "failed", index, cell };
    return { state: "dead", index, why: first.why };
  }
  return { state: "done" };
}

/** Never rejects: when the kernel goes, `death` tells. The future stays, so that late output finds its cell. */
async function requestCell(kernel: KernelConnection, cell: Cell, collector: OutputCollector): Promise<"ok" | "error"> {
  const content = { code: cell.source, stop_on_error: true, allow_stdin: false };
  const future = kernel.requestExecute(content, false, { cellId: cell.id });
  const collect = collector.cell((cell.outputs ??= []));
  future.onIOPub = ({ header, content }) => collect({ type: header.msg_type, content: content as MimeData });
  try {
    const reply = await future.done;
    cell.execution_count = reply.content.execution_count;
    return reply.content.status === "ok" ? "ok" : "error";
  } catch {
    return new Promise(() => {});
  }
}

/** Resolves when the kernel or its server is gone. */
async function death(kernel: KernelConnection, server: Server): Promise<{ why: string }> {
  return new Promise((resolve) => {
    kernel.statusChanged.connect((_, status) => {
      if (status === "dead") resolve({ why: "its process ended and could not be started again" });
      if (status === "restarting" || status === "autorestarting") resolve({ why: "its process ended" });
    });
    void server.exited.then(() => resolve({ why: "the Jupyter server ended" }));
  });
}

async function delay(ms: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(resolve, ms, undefined).unref());
}
