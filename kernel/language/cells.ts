// The cells as TypeScript modules in the language server's memory. A cell that declares names becomes a module of its
// own; each name is imported from the cell that declared it last, so declaring a name again needs nothing special.
//
// Checking a text in a standing module whose imports never change costs TypeScript a third of checking a new module:
// so a cell is checked as `__check.ts`, which imports from the aggregate `__cells.ts` only, and gets its lasting module
// after it has run. All these lines stand before the cell's first line, on a line of their own.

import type { CompiledCell, NameKind } from "./compile.ts";
import type { LspClient } from "./lsp-client.ts";

export const CHECKED_FILE = "__cell_check.ts";
export const EDITED_FILE = "__cell_edit.ts";
const AGGREGATE = "__cells.ts";

interface Declared {
  module: string;
  kind: NameKind;
}

export class Cells {
  readonly #server: LspClient;
  readonly #names = new Map<string, Declared>();
  /** By the front end's id of a cell: the module of its newest run. */
  readonly #moduleOfCell = new Map<string, string>();
  #modules = 0;

  constructor(server: LspClient) {
    this.#server = server;
    this.#writeAggregate();
  }

  get names(): IterableIterator<string> {
    return this.#names.keys();
  }

  /** Writes a text as the module to be asked about. Its first line is line 1 (from 0) there. */
  write(file: string, text: string, own: Iterable<string>): void {
    this.#server.write(file, `${this.#header(text, new Set(own), () => AGGREGATE)}\n${text}\nexport {}`);
  }

  /** The cell has passed its check: later cells see its names. */
  declare(cell: CompiledCell, cellId?: string): void {
    const before = cellId === undefined ? undefined : this.#moduleOfCell.get(cellId);
    if (before !== undefined) this.#drop(before);
    if (cell.names.size === 0) return before === undefined ? undefined : this.#writeAggregate();
    const module = `__cell${++this.#modules}.ts`;
    const header = this.#header(cell.checked, new Set(cell.names.keys()), (declared) => declared.module);
    this.#server.write(module, `${header}\n${cell.checked}\nexport {${[...cell.names.keys()]}}`);
    for (const [name, kind] of cell.names) this.#names.set(name, { module, kind });
    if (cellId !== undefined) this.#moduleOfCell.set(cellId, module);
    this.#writeAggregate();
  }

  /** The cell is gone: later cells no longer see its names. */
  forget(cellId: string): void {
    const module = this.#moduleOfCell.get(cellId);
    if (module === undefined) return;
    this.#moduleOfCell.delete(cellId);
    this.#drop(module);
    this.#writeAggregate();
  }

  #drop(module: string): void {
    for (const [name, declared] of this.#names) if (declared.module === module) this.#names.delete(name);
  }

  /** The names that a text mentions, from where they are declared; a `let` may be assigned, so it isn't imported. */
  #header(text: string, own: Set<string>, from: (declared: Declared) => string): string {
    const imports = new Map<string, string[]>();
    let assignable = "";
    for (const name of new Set(text.match(/[\p{ID_Start}$_][\p{ID_Continue}$]*/gu))) {
      const declared = this.#names.get(name);
      if (!declared || own.has(name)) continue;
      const module = from(declared);
      if (declared.kind === "let") assignable += `declare let ${name}: typeof import("./${module}").${name};`;
      else imports.set(module, [...(imports.get(module) ?? []), name]);
    }
    if (imports.size === 0) imports.set(AGGREGATE, []);
    return [...imports].map(([module, names]) => `import {${names}} from "./${module}";`).join("") + assignable;
  }

  #writeAggregate(): void {
    const modules = new Map<string, string[]>();
    for (const [name, { module }] of this.#names) modules.set(module, [...(modules.get(module) ?? []), name]);
    const lines = [...modules].map(([module, names]) => `export {${names}} from "./${module}";`);
    this.#server.write(AGGREGATE, [...lines, "export {}"].join("\n"));
  }
}
