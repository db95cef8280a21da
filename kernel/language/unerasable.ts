// TypeScript that is more than types on JavaScript: enums, namespaces, parameter properties, decorators, `import x =`.
// A top-level statement with any of it is transformed by itself; all others are only erased.

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
  const { code } = transformSync("cell.ts", withoutComments(statement), {
    lang: "ts",
    typescript: { onlyRemoveTypeImports: true },
  });
  const script = code
    .replace(/^export (default )?/gm, "")
    .replace(/^\{\s*\};?$/gm, "")
    .trim()
    .replace(/^(var|const) /, "let ")
    .replace(/\((\w+) \|\| \{\}\);?$/, "({});")
    .replace(/^(abstract )?class (\w+)/, "let $2=class $2")
    .replace(/^((?:async )?function\*?) (\w+)/, "let $2=$1 $2");
  const lines = statement.split("\n").length;
  const oneLine = hasLongTemplate(program) ? script : script.replace(/\n\s*/g, " ");
  return oneLine + ";" + "\n".repeat(Math.max(0, lines - oneLine.split("\n").length));
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
