// Notebook files: reading with the checks that a runner needs, writing as Jupyter writes them, never half.

import { randomBytes } from "node:crypto";
import { accessSync, constants, existsSync, readFileSync, realpathSync, renameSync, rmSync } from "node:fs";
import { statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { CliError, reason } from "./errors.ts";

export type MimeData = Record<string, unknown>;

export type Output =
  | { output_type: "stream"; name: string; text: string }
  | { output_type: "display_data"; data: MimeData; metadata: MimeData }
  | { output_type: "execute_result"; data: MimeData; metadata: MimeData; execution_count: number | null }
  | { output_type: "error"; ename: string; evalue: string; traceback: string[] };

export interface CellMetadata extends MimeData {
  tags?: string[];
}

/** A cell in memory: multi-line strings are joined. */
export interface Cell {
  id: string;
  cell_type: "code" | "markdown" | "raw";
  source: string;
  metadata: CellMetadata;
  outputs?: Output[];
  execution_count?: number | null;
  attachments?: MimeData;
}

export interface NotebookMetadata extends MimeData {
  kernelspec?: { name?: string; display_name?: string; language?: string };
  language_info?: MimeData;
}

export interface Notebook {
  cells: Cell[];
  metadata: NotebookMetadata;
  nbformat: 4;
  nbformat_minor: number;
}

const OURS = ["braid", "tslab"];

/** Reads a notebook that is written for one of `kernels`. */
export function readNotebook(file: string, kernels: readonly string[] = OURS): Notebook {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    throw new CliError(missing ? `there is no notebook ${file}.` : `${file} can't be read (${reason(error)}).`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    throw new CliError(`${file} is not a notebook: it is not JSON (${reason(error)}).`);
  }
  const notebook = fromJson(value, file);
  const name = notebook.metadata.kernelspec?.name;
  if (name !== undefined && !kernels.includes(name)) {
    const wanted = `not for "${kernels[0]}"; open it in JupyterLab and choose the kernel "TypeScript (Braid)"`;
    throw new CliError(`${file} is written for the kernel "${name}", ${wanted}.`);
  }
  return notebook;
}

/** Checks the parts that are relied on, and joins what the file format splits into lines. */
export function fromJson(value: unknown, file: string): Notebook {
  const { cells, metadata, nbformat } = (value ?? {}) as Record<string, unknown>;
  if (!Array.isArray(cells) || typeof nbformat !== "number") {
    const old = typeof nbformat === "number" && nbformat < 4;
    const why = old ? `it is in the old format ${nbformat}; save it once in JupyterLab` : "it has no cells";
    throw new CliError(`${file} is not a notebook that can be run: ${why}.`);
  }
  if (nbformat !== 4) throw new CliError(`${file} is in the notebook format ${nbformat}, and only 4 is known here.`);
  const ids = new Set<string>();
  return {
    cells: cells.map((cell, index) => cellFromJson(cell, index, file, ids)),
    metadata: { ...(metadata as NotebookMetadata | undefined) },
    nbformat: 4,
    nbformat_minor: 5,
  };
}

function cellFromJson(value: unknown, index: number, file: string, ids: Set<string>): Cell {
  const cell = (value ?? {}) as Partial<Omit<Cell, "source" | "outputs">> & { source?: unknown; outputs?: unknown };
  if (cell.cell_type !== "code" && cell.cell_type !== "markdown" && cell.cell_type !== "raw") {
    throw new CliError(`${file} is not a notebook that can be run: its cell ${index + 1} has no known cell_type.`);
  }
  const id = typeof cell.id === "string" && !ids.has(cell.id) ? cell.id : newCellId();
  ids.add(id);
  const { attachments, metadata = {}, cell_type } = cell;
  const common = { id, cell_type, source: joined(cell.source), metadata, ...(attachments && { attachments }) };
  if (cell_type !== "code") return common;
  const outputs = Array.isArray(cell.outputs) ? cell.outputs.map(outputFromJson) : [];
  return { ...common, outputs, execution_count: cell.execution_count ?? null };
}

function outputFromJson(value: Output): Output {
  if (value.output_type === "stream") return { ...value, text: joined(value.text) };
  if (value.output_type === "error") return value;
  const whole = ([type, data]: [string, unknown]): [string, unknown] => [type, isText(type) ? joined(data) : data];
  return { ...value, data: Object.fromEntries(Object.entries(value.data).map(whole)) };
}

export function newCellId(): string {
  return randomBytes(4).toString("hex");
}

/** The code cells that hold code. */
export function codeCells(notebook: Notebook): Cell[] {
  return notebook.cells.filter((cell) => cell.cell_type === "code" && cell.source.trim() !== "");
}

/** The text of the file, laid out as Jupyter does it: sorted keys, one space of indent, one string a line. */
export function toText(notebook: Notebook): string {
  const cells = notebook.cells.map((cell) => ({
    ...cell,
    source: lines(cell.source),
    ...(cell.outputs && { outputs: cell.outputs.map(outputToJson) }),
  }));
  return `${JSON.stringify(sorted({ ...notebook, cells }), undefined, 1)}\n`;
}

function outputToJson(output: Output): unknown {
  if (output.output_type === "stream") return { ...output, text: lines(output.text) };
  if (output.output_type === "error") return output;
  const split = ([type, data]: [string, unknown]): [string, unknown] => [
    type,
    isText(type) && typeof data === "string" ? lines(data) : data,
  ];
  return { ...output, data: Object.fromEntries(Object.entries(output.data).map(split)) };
}

function isText(type: string): boolean {
  return type.startsWith("text/") || type === "application/javascript" || type === "image/svg+xml";
}

function joined(text: unknown): string {
  return Array.isArray(text) ? text.join("") : typeof text === "string" ? text : "";
}

function lines(text: string): string[] {
  return text === "" ? [] : text.split(/(?<=\n)/);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, part]) => [key, sorted(part)]));
}

/** Throws unless a file can be written there. */
export function checkWritable(file: string): void {
  const target = existsSync(file) ? realpathSync(file) : file;
  const folder = dirname(target);
  const cannot = (why: string): never => {
    throw new CliError(`${file} can't be written: ${why}.`);
  };
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) cannot(`there is no folder ${folder}`);
  if (statSync(target, { throwIfNoEntry: false })?.isDirectory()) cannot("it is a folder");
  for (const path of existsSync(target) ? [folder, target] : [folder]) {
    try {
      accessSync(path, constants.W_OK);
    } catch {
      cannot(`${path} is read-only`);
    }
  }
}

/** Writes to a temporary file beside it, then renames: a reader sees the old text or the new one. */
export function writeWhole(file: string, content: string): void {
  const target = existsSync(file) ? realpathSync(file) : file;
  const fresh = join(dirname(target), `.braid-${process.pid}-${randomBytes(4).toString("hex")}.tmp`);
  try {
    writeFileSync(fresh, content, { mode: statSync(target, { throwIfNoEntry: false })?.mode ?? 0o666 });
    renameSync(fresh, target);
  } catch (error) {
    throw new CliError(`${file} could not be written (${reason(error)}).`);
  } finally {
    rmSync(fresh, { force: true });
  }
}
