// `-p name=value`: finds what a notebook's "parameters" cell declares and puts a cell behind it that assigns the values.

import { parseSync } from "oxc-parser";
import { CliError, UsageError } from "./errors.ts";
import { newCellId, type Cell, type Notebook } from "./notebook.ts";

export type Parameters = ReadonlyMap<string, unknown>;

/** "name=value", where the value is JSON or else a string as it stands. */
export function parseParameter(text: string): [name: string, value: unknown] {
  const at = text.indexOf("=");
  const name = text.slice(0, at);
  if (at < 0 || !/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name)) {
    throw new UsageError(`-p expects name=value, got \`${text}\``);
  }
  const value = text.slice(at + 1);
  try {
    return [name, JSON.parse(value)];
  } catch {
    return [name, value];
  }
}

/** Adds the cell that assigns the parameters, in place of one from an earlier run. */
export function inject(notebook: Notebook, parameters: Parameters, file: string, isTypeScript = true): void {
  if (parameters.size === 0) return;
  const tagged = (tag: string) => (cell: Cell) => cell.cell_type === "code" && cell.metadata.tags?.includes(tag);
  notebook.cells = notebook.cells.filter((cell) => !tagged("injected-parameters")(cell));
  const at = notebook.cells.findIndex(tagged("parameters"));
  const cell = notebook.cells[at];
  const [first] = parameters.keys();
  if (!cell) throw new CliError(`${file} has no cell tagged "parameters", so ${first} can't be set.`);
  if (isTypeScript) checkDeclared(cell.source, parameters, file);
  notebook.cells.splice(at + 1, 0, {
    id: newCellId(),
    cell_type: "code",
    source: [...parameters].map(([name, value]) => `${name} = ${JSON.stringify(value)};`).join("\n"),
    metadata: { tags: ["injected-parameters"] },
    outputs: [],
    execution_count: null,
  });
}

function checkDeclared(source: string, parameters: Parameters, file: string): void {
  const declared = declaredVariables(source);
  for (const name of parameters.keys()) {
    const kind = declared.get(name);
    if (kind === "const") {
      throw new CliError(`${name} is a const in ${file}; declare it with let there, so that -p can set it.`);
    }
    if (kind === undefined) {
      const names = [...declared.keys()].join(", ") || "none";
      throw new CliError(`${file} has no parameter ${name}; it declares: ${names}.`);
    }
  }
}

/** The variables that a piece of code declares at its top level, and how. */
export function declaredVariables(source: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const statement of parseSync("parameters.ts", source).program.body) {
    if (statement.type !== "VariableDeclaration") continue;
    for (const { id } of statement.declarations) if (id.type === "Identifier") found.set(id.name, statement.kind);
  }
  return found;
}
