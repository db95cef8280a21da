// What is known of a cell from its syntax alone: the tree, the problems, and whether more text is to come.

import { type BindingPattern, type Node, type ParamPattern, type Program, parseSync } from "oxc-parser";

export interface SyntaxProblem {
  message: string;
  /** Counted from 1. */
  line: number;
  column: number;
  /** The text ends where something is still open. */
  atEnd: boolean;
}

export function parseCell(source: string): { program: Program; problems: SyntaxProblem[] } {
  const { program, errors } = parseSync("cell.ts", source, { lang: "ts", sourceType: "module", astType: "ts" });
  const end = source.trimEnd().length;
  const problems = errors
    .filter((error) => error.severity === "Error")
    .map((error) => {
      const label = error.labels[0];
      const open = /Unterminated (template|multi-?line comment)|Unterminated multiline/i.test(error.message);
      return { message: error.message, ...place(source, label?.start ?? 0), atEnd: open || (label?.end ?? 0) >= end };
    });
  const jsx = problems.length > 0 && source.includes("<") ? firstJsx(source) : undefined;
  if (jsx !== undefined) {
    const message = "JSX is not supported: a cell is TypeScript without it";
    return { program, problems: [{ message, ...place(source, jsx), atEnd: false }] };
  }
  return { program, problems };
}

/** Where a text that is no TypeScript has JSX, if that is what it has. */
function firstJsx(source: string): number | undefined {
  const { program, errors } = parseSync("cell.tsx", source, { lang: "tsx", sourceType: "module", astType: "ts" });
  if (errors.length > 0) return undefined;
  let at: number | undefined;
  walk(program, (node) => {
    if (node.type === "JSXElement" || node.type === "JSXFragment") at ??= node.start;
  });
  return at;
}

/** Is this text a whole cell, the beginning of one, or neither? */
export function completeness(source: string): { status: "complete" | "incomplete" | "invalid"; indent?: string } {
  const { problems } = parseCell(source);
  if (problems.length === 0) return { status: "complete" };
  if (!problems.some((problem) => problem.atEnd)) return { status: "invalid" };
  const depth = source
    .split("")
    .reduce((open, char) => open + ("{[(".includes(char) ? 1 : "}])".includes(char) ? -1 : 0), 0);
  return { status: "incomplete", indent: "  ".repeat(Math.max(0, depth)) };
}

/** Line and column, counted from 1, of an offset in UTF-16 units. */
export function place(source: string, offset: number): { line: number; column: number } {
  const before = source.slice(0, offset);
  return { line: before.split("\n").length, column: offset - before.lastIndexOf("\n") };
}

/** The same text with every character but the line breaks made a space. */
export function blank(text: string): string {
  return text.replace(/[^\n]/g, " ");
}

/** Visits a tree from the top; a visitor that returns "skip" keeps out of the node's children. */
export function walk(node: Node, visit: (node: Node) => "skip" | void): void {
  if (visit(node) === "skip") return;
  forEachChild(node, (child) => walk(child, visit));
}

export function forEachChild(node: Node, visit: (child: Node) => void): void {
  for (const [key, value] of Object.entries(node)) {
    if (key === "parent") continue;
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) visit(child);
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && typeof (value as Node).type === "string";
}

/** The names that a pattern binds. */
export function* patternNames(pattern: BindingPattern | ParamPattern): Generator<string> {
  switch (pattern.type) {
    case "Identifier":
      yield pattern.name;
      break;
    case "ObjectPattern":
      for (const property of pattern.properties) {
        yield* patternNames(property.type === "RestElement" ? property.argument : property.value);
      }
      break;
    case "ArrayPattern":
      for (const element of pattern.elements) if (element) yield* patternNames(element as BindingPattern);
      break;
    case "AssignmentPattern":
      yield* patternNames(pattern.left);
      break;
    case "RestElement":
      yield* patternNames(pattern.argument);
  }
}
