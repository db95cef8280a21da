// The language side of the kernel: checks cells, completes, explains. Runs beside the executor, so all of it works while
// a cell runs. The front calls this; TypeScript itself runs in a process of its own.

import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { Cells, EDITED_FILE } from "./cells.ts";
import { type Compiled, compileCell, type CompiledCell } from "./compile.ts";
import {
  type Diagnostic,
  type FileChange,
  FileEvent,
  LanguageServerGone,
  LspClient,
  type SignatureHelp,
} from "./lsp-client.ts";
import { builtinSource, missingName, type Problem, sourceOfFix, toProblem } from "./problems.ts";
import { parseCell, patternNames, place } from "./syntax.ts";
import { ambientTypes, compilerConfig } from "./compiler-config.ts";

/** `warnings` is what the type checker found where that does not stop a cell. */
export type Checked =
  | { ok: true; cell: CompiledCell; warnings: Problem[] }
  | { ok: false; kind: "SyntaxError" | "TypeScriptError"; problems: Problem[] };

const OWN_MODULES = ["braid", "braid/notebook"];
const OWN_FILE = "__cell_own.ts";
const QUIET_MS = 300;

export const TYPE_CHECKS = ["error", "warn", "off"] as const;
export type TypeCheck = (typeof TYPE_CHECKS)[number];

export class Language {
  readonly #folder: string;
  #server: LspClient | undefined;
  #cells: Cells | undefined;
  #ready: Promise<void>;
  #isStrict = true;
  #ownExports: Promise<(readonly [source: string, names: Set<string>])[]> | undefined;
  /** Globals whose names cells have declared, and which cell did. */
  readonly #hidden = new Map<string, string | undefined>();
  readonly #localFolders = new Set<string>();
  #localFiles = new Map<string, number>();
  /** Told once, by the first cell that runs unchecked because checking has become impossible. */
  readonly #onLost: (why: string) => void;
  #untoldLoss: string | undefined;

  /** What a type error does: stops the cell, is told while it runs, or is not looked for. */
  typeCheck: TypeCheck = defaultTypeCheck();

  constructor(folder: string, onLost: (why: string) => void) {
    this.#folder = folder;
    this.#onLost = onLost;
    this.#ready = this.#start();
  }

  /** Forgets every cell: their variables are gone. */
  reset(): void {
    this.#hidden.clear();
    this.#cells?.clear();
  }

  stop(): void {
    this.#server?.stop();
    this.#server = undefined;
  }

  compile(source: string): Compiled {
    return compileCell(source, new Set(this.#hidden.keys()));
  }

  /** Compiles a cell and checks its types. `// @ts-nocheck` in it turns the type check off. */
  async check(source: string): Promise<Checked> {
    const compiled = this.compile(source);
    if (!compiled.ok) {
      const problems = compiled.problems.map(({ message, line, column }) => ({ code: "", message, line, column }));
      return { ok: false, kind: "SyntaxError", problems };
    }
    const { cell } = compiled;
    const isChecked = this.typeCheck !== "off" && !/^\s*\/\/ *@ts-nocheck\b/m.test(source);
    const problems = await this.#typeProblems(cell, isChecked);
    if (problems.length === 0 || this.typeCheck === "warn") return { ok: true, cell, warnings: problems };
    return { ok: false, kind: "TypeScriptError", problems };
  }

  /**
   * Makes the names of the cell that was checked last known to later cells. The front end's id of the cell, if it gives one, tells that
   * this is the same cell again: what it declared before, and now does not, is forgotten.
   */
  declare(cell: CompiledCell, cellId?: string): void {
    if (cellId !== undefined) this.#unhide(cellId);
    for (const name of cell.hides) this.#hidden.set(name, cellId);
    this.#cells?.declare(cell, cellId);
  }

  /** The front end has deleted these cells: what they declared is forgotten by the checker. */
  forget(cellIds: readonly string[]): void {
    for (const id of cellIds) {
      this.#unhide(id);
      this.#cells?.forget(id);
    }
  }

  #unhide(cellId: string): void {
    for (const [name, by] of this.#hidden) if (by === cellId) this.#hidden.delete(name);
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
    const server = this.#server!;
    for (const at of [offset, offset - 1]) {
      if (at < 0) continue;
      const text = await server.hover(EDITED_FILE, toServer(source, at)).catch(() => undefined);
      if (text) return text;
    }
    const help = await server.signatures(EDITED_FILE, toServer(source, offset)).catch(() => undefined);
    return help && signaturesAsMarkdown(help);
  }

  /** Also a cell that is not checked becomes a module: later cells see its names. */
  async #typeProblems(cell: CompiledCell, isChecked: boolean): Promise<Problem[]> {
    if (!(await this.#isReady())) return this.#unchecked();
    if (this.#isStrict && cell.specifiers.includes("tslab")) this.#beLoose();
    this.#watch(cell.specifiers.filter((specifier) => specifier.startsWith(".")));
    try {
      await this.#cells!.settled;
      const file = this.#cells!.writeChecked(cell);
      if (!isChecked) return [];
      const errors = await this.#server!.errors(file);
      return await Promise.all(errors.map(async (error) => toProblem(error, await this.#importSource(file, error))));
    } catch {
      return this.#unchecked();
    }
  }

  /** Where a missing name might be imported from. */
  async #importSource(file: string, error: Diagnostic): Promise<string | undefined> {
    const name = missingName(error.message);
    if (name === undefined) return undefined;
    this.#ownExports ??= Promise.all(
      OWN_MODULES.map(async (source) => [source, await this.#exportsOf(source)] as const),
    );
    const own = (await this.#ownExports).find(([, names]) => names.has(name));
    if (own) return own[0];
    return builtinSource(name) ?? sourceOfFix(await this.#server!.fixes(file, error).catch(() => []));
  }

  async #exportsOf(source: string): Promise<Set<string>> {
    this.#edit(`import {  } from "${source}"`);
    const found = await this.#server!.completions(EDITED_FILE, { line: 1, character: 9 }).catch(() => []);
    return new Set(found.map(({ label }) => label));
  }

  /** A notebook that was written for tslab, which checks less strictly. */
  #beLoose(): void {
    this.#isStrict = false;
    this.#server!.write("tsconfig.json", JSON.stringify(compilerConfig(this.#folder, false)), "json");
  }

  #unchecked(): Problem[] {
    if (this.#untoldLoss !== undefined) this.#onLost(this.#untoldLoss);
    this.#untoldLoss = undefined;
    return [];
  }

  #edit(source: string): void {
    this.#cells!.writeEdited(source, declaredNames(source));
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
      server.write("tsconfig.json", JSON.stringify(compilerConfig(this.#folder, this.#isStrict)), "json");
      server.write("__globals.d.ts", ambientTypes);
      this.#cells = new Cells(server);
      await server.errors(EDITED_FILE);
      setTimeout(() => this.#readOwnModules(server), QUIET_MS).unref();
    } catch (error) {
      // If the server has ended, that has been told.
      if (this.#server || !(error instanceof LanguageServerGone)) lost(error);
    }
  }

  /** So that the first cell that imports them doesn't have to wait. */
  #readOwnModules(server: LspClient): void {
    if (this.#server !== server) return;
    server.write(OWN_FILE, OWN_MODULES.map((source) => `import "${source}";\n`).join(""));
    server.errors(OWN_FILE).catch(() => {});
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

function defaultTypeCheck(): TypeCheck {
  const named = process.env["BRAID_TYPE_CHECK"];
  return TYPE_CHECKS.find((check) => check === named) ?? "error";
}

function signaturesAsMarkdown({ signatures, activeSignature = 0, activeParameter = 0 }: SignatureHelp): string {
  const active = signatures[activeSignature] ?? signatures[0];
  if (!active) return "";
  const parameter = active.parameters?.[active.activeParameter ?? activeParameter];
  const others =
    signatures.length > 1 ? [`${signatures.length - 1} more overload${signatures.length > 2 ? "s" : ""}`] : [];
  const described = parameter ? [`**${parameter.label}** ${plain(parameter.documentation)}`.trim()] : [];
  const code = "```typescript\n" + active.label + "\n```";
  return [code, ...described, plain(active.documentation), ...others].filter((part) => part !== "").join("\n\n");
}

function plain(documentation: string | { value: string } = ""): string {
  return typeof documentation === "string" ? documentation : documentation.value;
}
