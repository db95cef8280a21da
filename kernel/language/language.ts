// The language side of the kernel: checks cells, completes, explains. Runs beside the executor, so all of it works while
// a cell runs. The front calls this; TypeScript itself runs in a process of its own.

import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { Cells, CHECKED_FILE, EDITED_FILE } from "./cells.ts";
import { type Compiled, compileCell, type CompiledCell } from "./compile.ts";
import { isGlobal } from "./globals.ts";
import { type Diagnostic, type FileChange, FileEvent, LanguageServerGone, LspClient } from "./lsp-client.ts";
import { parseCell, patternNames, place } from "./syntax.ts";
import { ambientTypes, compilerConfig } from "./compiler-config.ts";

/** A place in a cell, counted from 1, and what is wrong there. */
export interface Problem {
  code: string;
  message: string;
  line: number;
  column: number;
}

export type Checked =
  { ok: true; cell: CompiledCell } | { ok: false; kind: "SyntaxError" | "TypeScriptError"; problems: Problem[] };

export class Language {
  readonly #folder: string;
  #server: LspClient | undefined;
  #cells: Cells | undefined;
  #ready: Promise<void>;
  /** Globals whose names cells have declared. */
  readonly #hidden = new Set<string>();
  readonly #localFolders = new Set<string>();
  #localFiles = new Map<string, number>();
  /** Told once, by the first cell that runs unchecked because checking has become impossible. */
  readonly #onLost: (why: string) => void;
  #untoldLoss: string | undefined;

  constructor(folder: string, onLost: (why: string) => void) {
    this.#folder = folder;
    this.#onLost = onLost;
    this.#ready = this.#start();
  }

  /** Forgets every cell: their variables are gone. */
  reset(): void {
    this.#hidden.clear();
    if (!this.#server) return;
    const server = this.#server;
    this.#ready = this.#ready.then(() => {
      this.#cells = new Cells(server);
    });
  }

  stop(): void {
    this.#server?.stop();
    this.#server = undefined;
  }

  compile(source: string): Compiled {
    return compileCell(source, this.#hidden);
  }

  /** Compiles a cell and checks its types. `// @ts-nocheck` in it turns the type check off. */
  async check(source: string): Promise<Checked> {
    const compiled = this.compile(source);
    if (!compiled.ok) {
      const problems = compiled.problems.map(({ message, line, column }) => ({ code: "", message, line, column }));
      return { ok: false, kind: "SyntaxError", problems };
    }
    const { cell } = compiled;
    const problems = /^\s*\/\/ *@ts-nocheck\b/m.test(source) ? [] : await this.#typeProblems(cell);
    return problems.length > 0 ? { ok: false, kind: "TypeScriptError", problems } : { ok: true, cell };
  }

  /** Makes the names of a checked cell known to later cells. */
  declare(cell: CompiledCell): void {
    for (const [name, kind] of cell.names) if (kind !== "type" && isGlobal(name)) this.#hidden.add(name);
    this.#cells?.declare(cell);
    if (!this.#server || !this.#cells) return;
    // The check after this one then finds the program already rebuilt.
    this.#cells.write(CHECKED_FILE, "", []);
    void this.#server.errors(CHECKED_FILE).catch(() => {});
  }

  /** Names that may stand at `offset` (UTF-16 units), and the range that they replace. */
  async complete(source: string, offset: number): Promise<{ matches: string[]; start: number; end: number }> {
    const word = /[\p{ID_Continue}$]*$/u.exec(source.slice(0, offset))![0];
    const start = offset - word.length;
    const nothing = { matches: [], start, end: offset };
    if (!(await this.#isReady())) return nothing;
    this.#edit(source);
    const found = await this.#server!.completions(EDITED_FILE, toServer(source, offset)).catch(() => []);
    const matches = new Set<string>();
    for (const { label } of found.sort((a, b) => (a.sortText ?? a.label).localeCompare(b.sortText ?? b.label))) {
      const name = label.replace(/\?$/, "");
      if (name.startsWith(word)) matches.add(name);
    }
    const isMember = /\.\s*$/.test(source.slice(0, start));
    if (!isMember) for (const name of this.#cells?.names ?? []) if (name.startsWith(word)) matches.add(name);
    return { matches: [...matches], start, end: offset };
  }

  /** Markdown about what stands at `offset`. */
  async inspect(source: string, offset: number): Promise<string | undefined> {
    if (!(await this.#isReady())) return undefined;
    this.#edit(source);
    for (const at of [offset, offset - 1]) {
      if (at < 0) continue;
      const text = await this.#server?.hover(EDITED_FILE, toServer(source, at)).catch(() => undefined);
      if (text) return text;
    }
    return undefined;
  }

  async #typeProblems(cell: CompiledCell): Promise<Problem[]> {
    if (!(await this.#isReady())) return this.#unchecked();
    this.#cells!.write(CHECKED_FILE, cell.checked, cell.names.keys());
    this.#watch(cell.specifiers.filter((specifier) => specifier.startsWith(".")));
    try {
      return (await this.#server!.errors(CHECKED_FILE)).map(toProblem);
    } catch {
      return this.#unchecked();
    }
  }

  #unchecked(): Problem[] {
    if (this.#untoldLoss !== undefined) this.#onLost(this.#untoldLoss);
    this.#untoldLoss = undefined;
    return [];
  }

  #edit(source: string): void {
    this.#cells!.write(EDITED_FILE, source, declaredNames(source));
  }

  async #isReady(): Promise<boolean> {
    await this.#ready;
    return this.#server !== undefined;
  }

  async #start(): Promise<void> {
    const lost = (error: unknown) => {
      this.stop();
      this.#cells = undefined;
      this.#untoldLoss = error instanceof Error ? error.message : String(error);
    };
    try {
      const server = new LspClient(this.#folder, (error) => {
        if (this.#server === server) lost(error);
      });
      this.#server = server;
      await server.initialize();
      server.write("tsconfig.json", JSON.stringify(compilerConfig()), "json");
      server.write("__globals.d.ts", ambientTypes);
      this.#cells = new Cells(server);
      this.#cells.write(CHECKED_FILE, "", []);
      this.#cells.write(EDITED_FILE, "", []);
      await server.errors(CHECKED_FILE);
    } catch (error) {
      // If the server has ended, that has been told.
      if (this.#server || !(error instanceof LanguageServerGone)) lost(error);
    }
  }

  /** The server keeps what it has read of local files, and that a file was missing: tell it what changed since. */
  #watch(localImports: string[]): void {
    for (const specifier of localImports) this.#localFolders.add(path.dirname(path.resolve(this.#folder, specifier)));
    const now = new Map([...this.#localFolders].flatMap(sourceTimes));
    const changes: FileChange[] = [];
    for (const [file, time] of now) {
      const before = this.#localFiles.get(file);
      if (before === undefined) changes.push({ uri: pathToFileURL(file).href, type: FileEvent.created });
      else if (before !== time) changes.push({ uri: pathToFileURL(file).href, type: FileEvent.changed });
    }
    for (const file of this.#localFiles.keys()) {
      if (!now.has(file)) changes.push({ uri: pathToFileURL(file).href, type: FileEvent.deleted });
    }
    this.#localFiles = now;
    this.#server?.changedOnDisk(changes);
  }
}

/** The TypeScript files of a folder, each with the time it was changed (ms). */
function sourceTimes(folder: string): [string, number][] {
  try {
    const names = fs.readdirSync(folder).filter((name) => /\.[mc]?tsx?$/.test(name));
    return names.map((name) => [path.join(folder, name), fs.statSync(path.join(folder, name)).mtimeMs]);
  } catch {
    return [];
  }
}

/** What a text that may not be whole declares, as far as it can be read. */
function declaredNames(source: string): Iterable<string> {
  const compiled = compileCell(source);
  if (compiled.ok) return compiled.cell.names.keys();
  const { program } = parseCell(source);
  const names = program.body.flatMap((statement) =>
    statement.type === "VariableDeclaration" ? statement.declarations.flatMap(({ id }) => [...patternNames(id)]) : [],
  );
  for (const [, name] of source.matchAll(/\b(?:let|const|var|function|class|enum|interface|type)\s+([\w$]+)/g))
    names.push(name!);
  return names;
}

// One line stands before the cell in its module.
function toServer(source: string, offset: number): { line: number; character: number } {
  const { line, column } = place(source, offset);
  return { line, character: column - 1 };
}

function toProblem({ range, code, message }: Diagnostic): Problem {
  return { code: `TS${code}`, message: shorten(message), line: range.start.line, column: range.start.character + 1 };
}

/** The types that refuse what can't cross threads carry the reason as text; that is all a person needs. */
function shorten(message: string): string {
  const reason = /NotSendable<"(.*?)">/.exec(message)?.[1];
  return reason ? `cannot be sent to another thread: ${reason}` : message;
}
