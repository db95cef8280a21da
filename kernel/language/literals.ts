// Function literals that are passed straight to a parallel call: `pool.run(() => x * k)`. Each is marked with a number
// and a way to the local variables that it captures, so that the library doesn't have to ask V8 for them, which takes
// fifty microseconds, each time. A literal where the names can't be told apart by the text alone is left as it is.

import type MagicString from "magic-string";
import type { Node, ParamPattern, Program } from "oxc-parser";
import { factsOf } from "../../lib/ship/free-names.ts";
import { forEachChild, patternNames, walk } from "./syntax.ts";

/** Methods whose function may go to another thread. */
const PARALLEL = new Set([
  ...["run", "submit", "map", "filter", "reduce", "reduceSync", "forEach", "forEachSync", "stage"],
]);
const FUNCTIONS = ["spawn", "spawnBlocking", "join", "joinSync", "parSort", "parSortSync"];
for (const name of FUNCTIONS) PARALLEL.add(name);

/** Numbers the places of all cells. */
let places = 0;

/**
 * @param code of which the original is JavaScript with everything at its place
 * @param skip what has been transformed as a whole
 */
export function markLiterals(program: Program, code: MagicString, skip: readonly Node[]): void {
  const found: Node[] = [];
  walk(program, (node) => {
    if (skip.includes(node) || (node.type.startsWith("TS") && node.type.endsWith("Declaration"))) return "skip";
    if (node.type !== "CallExpression" || !PARALLEL.has(calledName(node.callee))) return;
    for (const argument of node.arguments)
      if (argument.type === "ArrowFunctionExpression" || argument.type === "FunctionExpression") found.push(argument);
  });
  if (found.length === 0) return;
  const top = new Set(program.body.flatMap(declaredBy));
  const local = new Set(program.body.flatMap((statement) => localNames(statement, true)));
  for (const { start, end } of found) {
    const captured = localCaptures(code.original.slice(start, end), top, local);
    if (!captured) continue;
    code.appendRight(start, `__literal(${++places},()=>({${captured}}),`);
    code.appendLeft(end, ")");
  }
}

function calledName(callee: Node): string {
  if (callee.type === "Identifier") return FUNCTIONS.includes(callee.name) ? callee.name : "";
  if (callee.type !== "MemberExpression" || callee.computed || callee.property.type !== "Identifier") return "";
  return callee.property.name;
}

/** The local variables that a literal captures; undefined where a name may be one of those or one of the cells'. */
function localCaptures(text: string, top: Set<string>, local: Set<string>): string[] | undefined {
  const captured = [...factsOf(text).free.keys()].filter((name) => local.has(name));
  return captured.some((name) => top.has(name)) ? undefined : captured;
}

/** The names that are declared in a node; with `isTop` not those that it declares for the whole cell. */
function localNames(node: Node, isTop: boolean): string[] {
  const names = isTop ? parameterNames(node) : [...declaredBy(node), ...parameterNames(node)];
  forEachChild(node, (child) => names.push(...localNames(child, isTop && node.type.startsWith("Export"))));
  return names;
}

/** For the code around it; an expression, for itself. */
function declaredBy(node: Node): string[] {
  switch (node.type) {
    case "VariableDeclaration":
      return node.declarations.flatMap(({ id }) => [...patternNames(id)]);
    case "FunctionDeclaration":
    case "FunctionExpression":
    case "ArrowFunctionExpression":
    case "ClassDeclaration":
    case "ClassExpression":
    case "TSEnumDeclaration": {
      const id = (node as { id?: Node | null }).id;
      return id?.type === "Identifier" ? [id.name] : [];
    }
    case "CatchClause":
      return node.param ? [...patternNames(node.param)] : [];
    case "ImportDeclaration":
      return node.specifiers.map(({ local }) => local.name);
    case "ExportNamedDeclaration":
    case "ExportDefaultDeclaration":
      return node.declaration ? declaredBy(node.declaration as Node) : [];
    default:
      return [];
  }
}

function parameterNames(node: Node): string[] {
  const params = "params" in node && Array.isArray(node.params) ? (node.params as readonly Node[]) : [];
  return params.flatMap((one) => [...patternNames(parameterPattern(one))]);
}

function parameterPattern(node: Node): ParamPattern {
  return (node.type === "TSParameterProperty" ? node.parameter : node) as ParamPattern;
}
