// The text of a cell to what the executor runs. Types are erased in place, so lines stay where they are; every top-level
// name becomes a `let` of V8's REPL mode, so it may be declared again by any kind and is bound late across cells.
//
// Two scripts come out, with the same layout: first the function declarations (they hoist), then everything else. In
// each, what belongs to the other is blanked. `locate` leads from a place in either back to the place in the cell.

import { stripTypeScriptTypes } from "node:module";
import MagicString from "magic-string";
import type { Node, Program, Statement, VariableDeclaration } from "oxc-parser";
import { markLiterals } from "./literals.ts";
import { isGlobal, renameGlobals, restoreName, usedValues } from "./globals.ts";
import { blank, type SyntaxProblem, parseCell, patternNames, walk } from "./syntax.ts";
import { findUnerasable, transformUnerasable } from "./unerasable.ts";

/** How a name may be used by later cells: a `let` may be assigned, a type has no value. */
export type NameKind = "const" | "let" | "type";

/** A name as the executor knows it, and where it comes from if it is imported; `exported` is "*" for a namespace. */
export interface Binding {
  name: string;
  specifier?: string;
  exported?: string;
}

export interface CompiledCell {
  /** Function declarations, and `var`s of nested blocks. */
  declarations?: string;
  /** Everything else. */
  body?: string;
  /** Does the cell end with an expression, whose value is its result? */
  showsValue: boolean;
  /** What the cell declares, as it is written there. */
  names: Map<string, NameKind>;
  /** The same names at run time. */
  bindings: Binding[];
  /** Those that are names of globals, which they hide from later cells. */
  hides: string[];
  /** The cell as the type checker gets it: without `export`. */
  checked: string;
  /** What it imports from. */
  specifiers: string[];
  locate(line: number, column: number): { line: number; column: number };
}

export type Compiled = { ok: true; cell: CompiledCell } | { ok: false; problems: SyntaxProblem[] };

const STRICT = '"use strict";';

/** @param hidden the names of globals that earlier cells have declared */
export function compileCell(source: string, hidden: ReadonlySet<string> = new Set()): Compiled {
  const { program, problems } = parseCell(source);
  if (problems.length > 0) return { ok: false, problems };
  try {
    const cell = new CellCompiler(source, program).compile();
    const renamed = new Set(cell.hides);
    for (const name of hidden) if (source.includes(name)) renamed.add(name);
    return { ok: true, cell: renamed.size === 0 ? cell : compileRenamed(source, program, cell, renamed) };
  } catch (error) {
    // A transformer met what it doesn't know.
    const message = (error as Error).message.split("\n")[0]!;
    return { ok: false, problems: [{ message, line: 1, column: 1, atEnd: false }] };
  }
}

function compileRenamed(source: string, program: Program, original: CompiledCell, names: Set<string>): CompiledCell {
  const code = renameGlobals(source, program, names);
  const renamed = code.toString();
  const cell = new CellCompiler(renamed, parseCell(renamed).program).compile();
  const locate = makeLocator(code, 0);
  return {
    ...cell,
    names: original.names,
    hides: original.hides,
    checked: original.checked,
    locate(line, column) {
      const place = cell.locate(line, column);
      return locate(place.line, place.column);
    },
  };
}

/** A top-level statement and the script that it goes to. */
interface Piece {
  start: number;
  end: number;
  script: "declarations" | "body";
}

class CellCompiler {
  readonly #source: string;
  readonly #program: Program;
  readonly #names = new Map<string, NameKind>();
  /** The names that exist at run time: not types, and not what is only declared to exist. */
  readonly #withValue = new Set<string>();
  readonly #pieces: Piece[] = [];
  readonly #imports = new Map<string, Binding>();
  readonly #specifiers: string[] = [];
  readonly #usedValues: Set<string>;
  readonly #nestedVars = new Set<string>();
  readonly #code: MagicString;
  #checked: string;

  constructor(source: string, program: Program) {
    this.#source = source;
    this.#program = program;
    this.#checked = source;
    this.#usedValues = usedValues(program);
    const unerasable = findUnerasable(program);
    let erasable = source;
    // `<T>x`, which Node's eraser refuses. What stands before it is no expression, or this would be a comparison.
    walk(program, (node) => {
      if (node.type !== "TSTypeAssertion") return;
      const { start, expression } = node;
      erasable = replaceBy(erasable, start, expression.start, blank(erasable.slice(start, expression.start)));
    });
    for (const { start, end } of unerasable)
      erasable = replaceBy(erasable, start, end, blank(erasable.slice(start, end)));
    this.#code = new MagicString(stripTypeScriptTypes(erasable));
    for (const statement of unerasable) {
      const { start, end } = exported(statement) ?? statement;
      this.#overwrite(start, end, transformUnerasable(source.slice(start, end)));
    }
    const transformed = new Set<Node>(unerasable);
    for (const statement of program.body) this.#statement(statement, transformed.has(statement));
    walk(program, (node) => this.#importExpression(node, unerasable));
    markLiterals(program, this.#code, unerasable);
  }

  compile(): CompiledCell {
    const last = this.#program.body.at(-1);
    return {
      ...this.#scripts(),
      showsValue: last?.type === "ExpressionStatement",
      names: this.#names,
      bindings: [...this.#names.keys()].map((name) => this.#imports.get(name) ?? { name }),
      hides: [...this.#withValue].filter(isGlobal),
      checked: this.#checked,
      specifiers: this.#specifiers,
      locate: makeLocator(this.#code, STRICT.length),
    };
  }

  #statement(statement: Statement, transformed: boolean): void {
    const piece: Piece = { start: statement.start, end: statement.end, script: "body" };
    const inner = this.#withoutExport(statement);
    if (!inner) return;
    this.#declare(inner);
    this.#pieces.push(piece);
    if (transformed) return;
    switch (inner.type) {
      case "ImportDeclaration":
        return this.#import(inner);
      case "VariableDeclaration":
        return this.#variables(inner);
      case "FunctionDeclaration":
        if (!inner.body || !inner.id) return;
        piece.script = "declarations";
        // `let f=function (…) {…};` takes its name from the variable, and calls itself through it: bound late, too.
        this.#code.appendRight(inner.start, `let ${inner.id.name}=`);
        this.#overwrite(inner.id.start, inner.id.end, blank(inner.id.name));
        return void this.#code.appendLeft(inner.end, `;${restoreName(inner.id.name)}`);
      case "ClassDeclaration":
        if (inner.declare || !inner.id) return;
        this.#code.appendRight(inner.start, `let ${inner.id.name}=`);
        return void this.#code.appendLeft(inner.end, `;${restoreName(inner.id.name)}`);
      case "ExpressionStatement":
        // A function that followed is blanked here: the line after it must not go on this one.
        return void this.#code.appendLeft(inner.end, ";");
      default:
        return this.#nestedVariables(inner);
    }
  }

  /** `export` means nothing in a cell: it is blanked, here and for the checker. Pure re-exports vanish. */
  #withoutExport(statement: Statement): Statement | undefined {
    if (!statement.type.startsWith("Export")) return statement;
    const declaration = exported(statement);
    const from = statement.start;
    const to = declaration ? declaration.start : statement.end;
    this.#overwrite(from, to, blank(this.#source.slice(from, to)));
    this.#checked = replaceBy(this.#checked, from, to, blank(this.#checked.slice(from, to)));
    if (statement.type !== "ExportDefaultDeclaration" || (declaration as { id?: Node | null }).id) return declaration;
    // What has no name is only evaluated.
    if (declaration!.type.endsWith("Declaration"))
      this.#checked = replaceBy(this.#checked, from, from + "void".length, "void");
    this.#code.appendRight(to, "(");
    this.#code.appendLeft(declaration!.end, ");");
    this.#pieces.push({ start: statement.start, end: statement.end, script: "body" });
    return undefined;
  }

  #declare(statement: Statement): void {
    const isAmbient = (statement as { declare?: boolean }).declare === true || statement.type === "TSDeclareFunction";
    const add = (name: string, kind: NameKind) => {
      if (kind !== "type" || !this.#names.has(name)) this.#names.set(name, kind);
      if (kind !== "type" && !isAmbient) this.#withValue.add(name);
    };
    switch (statement.type) {
      case "VariableDeclaration":
        for (const { id } of statement.declarations) {
          for (const name of patternNames(id))
            add(name, statement.kind === "let" || statement.kind === "var" ? "let" : "const");
        }
        break;
      case "FunctionDeclaration":
      case "TSDeclareFunction":
      case "ClassDeclaration":
        if (statement.id) add(statement.id.name, "const");
        break;
      case "TSEnumDeclaration":
      case "TSImportEqualsDeclaration":
        add(statement.id.name, "const");
        break;
      case "TSModuleDeclaration":
        add(leftmost(statement.id), "const");
        break;
      case "TSInterfaceDeclaration":
      case "TSTypeAliasDeclaration":
        add(statement.id.name, "type");
        break;
      case "ImportDeclaration":
        for (const one of statement.specifiers) {
          add(one.local.name, "const");
          const isType =
            statement.importKind === "type" || (one.type === "ImportSpecifier" && one.importKind === "type");
          if (isType) this.#withValue.delete(one.local.name);
        }
    }
  }

  #import(statement: Extract<Statement, { type: "ImportDeclaration" }>): void {
    if (statement.importKind === "type") return;
    const specifier = statement.source.value;
    this.#specifiers.push(specifier);
    const values = statement.specifiers.filter((one) => one.type !== "ImportSpecifier" || one.importKind !== "type");
    const named = values.map((one) => ({ local: one.local.name, specifier, exported: exportedName(one) }));
    for (const { local, ...origin } of named) this.#imports.set(local, { name: local, ...origin });
    const options =
      statement.attributes.length > 0
        ? `{with:{${statement.attributes.map(({ start, end }) => this.#source.slice(start, end))}}}`
        : "undefined";
    // An interface may be imported like a value: only what is used as one must be there.
    const needed = named.flatMap(({ local, exported }) =>
      exported !== "*" && this.#usedValues.has(local) ? [exported] : [],
    );
    const call = `await __import(${JSON.stringify(specifier)},${options},${JSON.stringify(needed)})`;
    const namespace = named.find(({ exported }) => exported === "*");
    const picked = named.flatMap(({ local, exported }) =>
      exported === "*" ? [] : [`${JSON.stringify(exported)}:${local}`],
    );
    let code = `${call};`;
    if (namespace)
      code = `let ${namespace.local}=${call}${picked.length > 0 ? `,{${picked}}=${namespace.local}` : ""};`;
    else if (picked.length > 0) code = `let {${picked}}=${call};`;
    this.#overwrite(
      statement.start,
      statement.end,
      code + newlines(this.#source.slice(statement.start, statement.end)),
    );
  }

  readonly #topVars = new Set<string>();

  #variables(statement: VariableDeclaration): void {
    if (statement.declare) return;
    const { start, kind, declarations } = statement;
    if (kind === "using" || kind === "await using") {
      this.#overwrite(start, start + kind.length, "let");
      for (const { init } of declarations) {
        this.#code.appendLeft(init!.start, kind === "using" ? "__using(" : "await __using(");
        this.#code.appendLeft(init!.end, ")");
      }
    } else if (kind === "const") {
      this.#overwrite(start, start + 5, "let");
    } else if (kind === "var") {
      const names = declarations.flatMap(({ id }) => [...patternNames(id)]);
      const again =
        names.every((name) => this.#topVars.has(name)) && declarations.every(({ id }) => id.type === "Identifier");
      for (const name of names) this.#topVars.add(name);
      this.#overwrite(start, start + 3, again ? "" : "let");
    }
    for (const { init } of declarations) if (init) this.#nestedVariables(init);
    this.#code.appendLeft(statement.end, ";");
  }

  /** `var` inside a top-level block belongs to the cell: its name is declared in the first script. */
  #nestedVariables(root: Node): void {
    walk(root, (node) => {
      if (/Function|^Class|^TS/.test(node.type)) return "skip";
      if (node.type !== "VariableDeclaration" || node.kind !== "var") return;
      for (const { id } of node.declarations) {
        for (const name of patternNames(id)) {
          this.#nestedVars.add(name);
          this.#withValue.add(name);
          this.#names.set(name, "let");
        }
      }
      this.#overwrite(node.start, node.start + 3, "");
      const isStatement =
        this.#source[node.end - 1] === ";" || !/^\s*(in|of)\b|^\s*;/.test(this.#source.slice(node.end));
      if (isStatement && node.declarations.some(({ id }) => id.type !== "Identifier")) {
        this.#code.appendRight(node.declarations[0]!.start, "(");
        this.#code.appendLeft(node.declarations.at(-1)!.end, ")");
      }
    });
  }

  #importExpression(node: Node, unerasable: Node[]): "skip" | void {
    if (unerasable.includes(node)) return "skip";
    if (node.type === "ImportExpression") this.#overwrite(node.start, node.start + "import".length, "__import");
    if (node.type === "MetaProperty" && node.meta.name === "import")
      this.#overwrite(node.start, node.end, "__importMeta");
  }

  #overwrite(start: number, end: number, text: string): void {
    if (start === end) return;
    if (text === "") this.#code.remove(start, end);
    else this.#code.overwrite(start, end, text, { contentOnly: true });
  }

  #scripts(): Pick<CompiledCell, "declarations" | "body"> {
    let declarations = STRICT;
    let body = STRICT;
    let at = 0;
    for (const { start, end, script } of this.#pieces) {
      const gap = blank(this.#source.slice(at, start));
      const text = this.#code.slice(start, end);
      const hidden = blank(text);
      declarations += gap + (script === "declarations" ? text : hidden);
      body += gap + (script === "body" ? text : hidden);
      at = end;
    }
    if (this.#nestedVars.size > 0) declarations += `let ${[...this.#nestedVars]};`;
    const has = (script: Piece["script"]) => this.#pieces.some((piece) => piece.script === script);
    return {
      ...(has("declarations") || this.#nestedVars.size > 0 ? { declarations } : {}),
      ...(has("body") ? { body } : {}),
    };
  }
}

function exported(statement: Statement): Statement | undefined {
  if (!statement.type.startsWith("Export")) return undefined;
  return (statement as { declaration?: Statement | null }).declaration ?? undefined;
}

/** The name that `namespace A.B` declares: A. */
function leftmost(id: Node): string {
  if (id.type === "TSQualifiedName") return leftmost(id.left);
  return id.type === "Identifier" ? id.name : "";
}

type ImportSpecifierNode = Extract<Statement, { type: "ImportDeclaration" }>["specifiers"][number];

function exportedName(one: ImportSpecifierNode): string {
  if (one.type === "ImportNamespaceSpecifier") return "*";
  if (one.type === "ImportDefaultSpecifier") return "default";
  return one.imported.type === "Literal" ? one.imported.value : one.imported.name;
}

function replaceBy(text: string, start: number, end: number, by: string): string {
  return text.slice(0, start) + by + text.slice(end);
}

function newlines(text: string): string {
  return "\n".repeat(text.split("\n").length - 1);
}

/** Lines are kept; a column moves by what was put in, or taken out, before it on its line. */
function makeLocator(code: MagicString, prefixLength: number): CompiledCell["locate"] {
  let mappings: number[][][] | undefined;
  return (line, column) => {
    mappings ??= code.generateDecodedMap({ hires: true }).mappings as number[][][];
    const emitted = line === 1 ? column - prefixLength : column;
    const before = mappings[line - 1]?.filter(([at]) => at! <= emitted - 1).at(-1);
    if (!before) return { line, column: Math.max(1, emitted) };
    return { line: before[2]! + 1, column: before[3]! + 1 + (emitted - 1 - before[0]!) };
  };
}
