// TypeScript that is more than types on JavaScript: enums, namespaces, parameter properties, decorators, `import x =`.
// A top-level statement with any of it is transformed by itself; all others are only erased.

import { createRequire } from "node:module";
import type * as Esbuild from "esbuild";
import type { Node, Program, Statement } from "oxc-parser";
import { transformSync } from "oxc-transform";
import { blank, parseCell, walk } from "./syntax.ts";

const UNERASABLE = new Set([
  "TSEnumDeclaration",
  "TSModuleDeclaration",
  "TSParameterProperty",
  "TSImportEqualsDeclaration",
  "Decorator",
]);

export function findUnerasable(program: Program): Statement[] {
  return program.body.filter((statement) => {
    let found = false;
    walk(statement, (node) => {
      if ((node as { declare?: boolean }).declare === true) return "skip";
      found ||= UNERASABLE.has(node.type);
      return found ? "skip" : undefined;
    });
    return found;
  });
}

/** JavaScript with as many line breaks as the statement had; its top-level name is a `let`. */
export function transformUnerasable(statement: string): string {
  const { program } = parseCell(statement);
  if (hasDecorator(program)) return withoutDecorators(statement, program.body[0]!);
  const { code } = transformSync("cell.ts", withoutComments(statement), {
    lang: "ts",
    typescript: { onlyRemoveTypeImports: true },
  });
  const script = code
    .replace(/^export (default )?/gm, "")
    .replace(/^\{\s*\};?$/gm, "")
    .trim()
    .replace(/^(var|const) /, "let ")
    .replace(/\(([\p{ID_Continue}$]+) \|\| \{\}\);?$/u, "({});")
    .replace(/^(abstract )?class ([\p{ID_Continue}$]+)/u, "let $2=class $2")
    .replace(/^((?:async )?function\*?) ([\p{ID_Continue}$]+)/u, "let $2=$1 $2");
  const lines = statement.split("\n").length;
  const oneLine = hasLongTemplate(program) ? script : script.replace(/\n\s*/g, " ");
  return oneLine + ";" + "\n".repeat(Math.max(0, lines - oneLine.split("\n").length));
}

/** The standard's decorators, which V8 does not have yet. What esbuild needs for them stays inside. */
function withoutDecorators(source: string, statement: Statement): string {
  if (statement.type !== "ClassDeclaration" || !statement.id)
    throw new Error("decorators work on the classes that a cell declares at its top level, and in imported files");
  const { name } = statement.id;
  const { transformSync } = createRequire(import.meta.url)("esbuild") as typeof Esbuild;
  const { code } = transformSync(source, {
    loader: "ts",
    target: "esnext",
    supported: { decorators: false },
    minifyWhitespace: true,
    legalComments: "none",
  });
  const newlines = "\n".repeat(source.split("\n").length - code.trimEnd().split("\n").length);
  return `let ${name}=(()=>{${code.trimEnd()} return ${name}})();${newlines}`;
}

function hasDecorator(program: Program): boolean {
  let found = false;
  walk(program, (node) => void (found ||= node.type === "Decorator"));
  return found;
}

function withoutComments(source: string): string {
  const ranges: Node[] = [];
  walk(parseCell(source).program, (node) => void (node.type === "TemplateElement" && ranges.push(node)));
  const inTemplate = (at: number) => ranges.some(({ start, end }) => at >= start && at < end);
  return source.replace(/"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|\/\/[^\n]*|\/\*[^]*?\*\//g, (match, at: number) =>
    /^["']/.test(match) || inTemplate(at) ? match : blank(match),
  );
}

function hasLongTemplate(program: Program): boolean {
  let found = false;
  walk(program, (node) => void (found ||= node.type === "TemplateElement" && node.value.raw.includes("\n")));
  return found;
}
