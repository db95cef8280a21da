// The cells as TypeScript modules in the language server's memory. A cell that declares names becomes a module of its
// own; each name is imported from the cell that declared it last, so declaring a name again needs nothing special.
//
// Two things make this fast. New text in a module whose imports stay the same costs TypeScript a third of a new module or
// a new import: so modules are made ahead, in blocks, and import from one index a block, which exports every name under
// the number of its module (`x` of module 3 is `x$3`). And it is so only if one module has changed since TypeScript last
// looked: so each change is followed by a question. What stands before a cell is on a line of its own.

import type { CompiledCell, NameKind } from "./compile.ts";
import type { LspClient } from "./lsp-client.ts";

/** The text that someone edits: completed, explained, never declared. */
export const EDITED_FILE = "__cell_edit.ts";
const QUIET_FILE = "__cell_quiet.ts";
/** How many modules are made ahead: few at first, because someone waits, then more, in a quiet moment. */
const FIRST_BLOCK = 2;
const BLOCK = 8;
const SCARCE = 4;
const QUIET_MS = 40;

interface Declared {
  module: number;
  kind: NameKind;
}

export class Cells {
  readonly #server: LspClient;
  readonly #names = new Map<string, Declared>();
  /** By the front end's id of a cell: the module of its newest run. */
  readonly #moduleOfCell = new Map<string, number>();
  /** For each module: its block, and what the index of that says of it. */
  readonly #modules: { block: number; exports: string }[] = [];
  #blocks = 0;
  #addingSoon: NodeJS.Timeout | undefined;
  /** The modules before this one hold cells; this one holds the cell that was checked last. */
  #next = 0;
  #settled: Promise<void> = Promise.resolve();

  constructor(server: LspClient) {
    this.#server = server;
    this.#addBlock(FIRST_BLOCK);
  }

  get names(): IterableIterator<string> {
    return this.#names.keys();
  }

  /** Resolves when the server has taken in what was declared: asking it earlier takes longer. */
  get settled(): Promise<void> {
    return this.#settled;
  }

  /** All variables are gone. Their modules stay, so that nothing is made again. */
  clear(): void {
    this.#names.clear();
    this.#moduleOfCell.clear();
  }

  /** Writes a cell as the module that it will be. Returns the module's file; the cell's first line is line 1 (from 0). */
  writeChecked({ checked, names }: CompiledCell): string {
    this.#server.write(fileOf(this.#next), this.#module(checked, names));
    return fileOf(this.#next);
  }

  /** Writes a text as EDITED_FILE, likewise. */
  writeEdited(text: string, own: Iterable<string>): void {
    this.#server.write(EDITED_FILE, this.#module(text, new Map([...own].map((name) => [name, "const"]))));
  }

  /** The cell that was checked last is going to run: later cells see its names. */
  declare(cell: CompiledCell, cellId?: string): void {
    if (cellId !== undefined) this.forget(cellId);
    if (cell.names.size === 0) return;
    const module = this.#next++;
    for (const [name, kind] of cell.names) this.#names.set(name, { module, kind });
    if (cellId !== undefined) this.#moduleOfCell.set(cellId, module);
    const names = [...cell.names.keys()].map((name) => `${name} as ${name}$${module}`);
    const { block } = this.#modules[module]!;
    this.#modules[module] = { block, exports: `export {${names}} from "./${fileOf(module)}";` };
    this.#then(() => this.#writeIndex(block));
    const left = this.#modules.length - this.#next;
    clearTimeout(this.#addingSoon);
    if (left === 0) this.#then(() => this.#addBlock(BLOCK));
    else if (left < SCARCE)
      this.#addingSoon = setTimeout(() => this.#then(() => this.#addBlock(BLOCK)), QUIET_MS).unref();
  }

  /** The cell is gone: later cells no longer see its names. */
  forget(cellId: string): void {
    const module = this.#moduleOfCell.get(cellId);
    this.#moduleOfCell.delete(cellId);
    for (const [name, declared] of this.#names) if (declared.module === module) this.#names.delete(name);
  }

  /** A text with the names that it mentions imported; a `let` may be assigned, so it is declared by its type. */
  #module(text: string, own: ReadonlyMap<string, NameKind>): string {
    const imports: string[][] = Array.from({ length: this.#blocks }, () => []);
    let assignable = "";
    for (const name of new Set(text.match(/[\p{ID_Start}$_][\p{ID_Continue}$]*/gu))) {
      const declared = this.#names.get(name);
      if (!declared || own.has(name)) continue;
      const version = `${name}$${declared.module}`;
      imports[this.#modules[declared.module]!.block]!.push(declared.kind === "let" ? version : `${version} as ${name}`);
      if (declared.kind === "let") assignable += `declare let ${name}: typeof ${version};`;
    }
    const header = imports.map((names, block) => `import {${names}} from "./${indexOf(block)}";`).join("");
    return `${header}${assignable}\n${text}\nexport {${[...own.keys()]}}`;
  }

  #addBlock(size: number): void {
    const block = this.#blocks++;
    const first = this.#modules.length;
    for (let module = first; module < first + size; module++)
      this.#modules.push({ block, exports: `export {} from "./${fileOf(module)}";` });
    const empty = this.#module("", new Map());
    for (let module = first; module < first + size; module++) this.#server.write(fileOf(module), empty);
    for (const file of [EDITED_FILE, QUIET_FILE]) this.#server.write(file, empty);
    this.#writeIndex(block);
  }

  #writeIndex(index: number): void {
    const lines = this.#modules.flatMap(({ block, exports }) => (block === index ? [exports] : []));
    this.#server.write(indexOf(index), [...lines, "export {}"].join("\n"));
  }

  /** One change, after which the server has to look. */
  #then(change: () => void): void {
    this.#settled = this.#settled.then(async () => {
      change();
      await this.#server.errors(QUIET_FILE).catch(() => {});
    });
  }
}

function fileOf(module: number): string {
  return `__cell${module}.ts`;
}

function indexOf(block: number): string {
  return `__cells${block}.ts`;
}
