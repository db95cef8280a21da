// What a function's source text mentions from outside: its free names, which of them it writes, and what it takes from
// the function around it (`this`, `arguments`, `super`, `new.target`). Syntax only, by acorn; cached by source.

import { parse } from "./parse.ts";
import { Walker, type FreeName, type Tree } from "./scope-walker.ts";

export type Shape = "arrow" | "function" | "class" | "method" | "accessor";

export interface SourceFacts {
  readonly shape: Shape;
  /** The source parses in strict mode. */
  readonly strict: boolean;
  /** Offset in the source of the position that V8 gives as the function's location. */
  readonly anchor: number;
  readonly free: ReadonlyMap<string, FreeName>;
  /** What stands after the `extends` of a class, other than `null`. */
  readonly heritage: Heritage | undefined;
  /** What of the surrounding function or module it uses: "this", "arguments", "super", "new.target", "import.meta". */
  readonly outer: ReadonlySet<string>;
  /** Where the text of a method has its `[key]`, brackets included. */
  readonly computedKey: readonly [start: number, end: number] | undefined;
  /** A class whose instances have #private members. */
  readonly hasPrivate: boolean;
}

export interface Heritage {
  /** Offsets in the source. */
  readonly start: number;
  readonly end: number;
  /** `Base` or `ns.Base`; undefined for any other expression. */
  readonly path: readonly string[] | undefined;
  /** The free names of the class without its heritage. */
  readonly free: ReadonlyMap<string, FreeName>;
}

const cache = new Map<string, SourceFacts>();
const CACHE_LIMIT = 5000;

/** Facts about the source text of a function or class. Throws SyntaxError where it can't be parsed. */
export function factsOf(source: string): SourceFacts {
  let facts = cache.get(source);
  if (!facts) {
    if (cache.size >= CACHE_LIMIT) cache.clear();
    cache.set(source, (facts = analyse(source)));
  }
  return facts;
}

// A function's text can stand as an expression, or only as a member of an object. The function around it
// lets `new.target` pass.
const WRAPPERS = [
  { before: "(function(){return (", after: "\n)})", pick: (e: Tree) => e.body.body[0].argument },
  { before: "(function(){return ({", after: "\n})})", pick: (e: Tree) => e.body.body[0].argument.properties[0] },
];

function parseAny(source: string): { node: Tree; strict: boolean; shift: number } {
  let failure: unknown;
  for (const sourceType of ["module", "script"] as const) {
    for (const { before, after, pick } of WRAPPERS) {
      try {
        const program: Tree = parse(before + source + after, {
          ecmaVersion: "latest",
          sourceType,
          allowSuperOutsideMethod: true,
        });
        const node = pick(program.body[0].expression);
        if (node) return { node, strict: sourceType === "module", shift: before.length };
      } catch (error) {
        failure ??= error;
      }
    }
  }
  throw failure;
}

function analyse(source: string): SourceFacts {
  const { node, strict, shift } = parseAny(source);
  const walker = new Walker(strict);
  let shape: Shape;
  let anchor = 0;
  let hasPrivate = false;
  let computedKey: [number, number] | undefined;
  let heritage: Heritage | undefined;
  if (node.type === "Property") {
    shape = node.kind === "get" || node.kind === "set" ? "accessor" : "method";
    // A computed key has been evaluated already: its names are not the function's.
    walker.method(node.value);
    anchor = node.value.start - shift;
    if (node.computed)
      computedKey = [
        source.lastIndexOf("[", node.key.start - shift - 1),
        source.indexOf("]", node.key.end - shift) + 1,
      ];
  } else if (node.type === "ArrowFunctionExpression") {
    shape = "arrow";
    walker.walk(node);
  } else if (node.type === "ClassExpression") {
    shape = "class";
    walker.walk(node);
    for (const member of node.body.body as Tree[]) {
      if (member.kind === "constructor") anchor = member.value.start - shift;
      if (!member.static && member.key?.type === "PrivateIdentifier") hasPrivate = true;
    }
    heritage = heritageOf(node, shift);
  } else if (node.type === "FunctionExpression") {
    shape = "function";
    walker.walk(node);
    const from = node.id ? node.id.end - shift : 0;
    anchor = openingParenthesis(source, from);
  } else {
    throw new SyntaxError(`Expected the source of a function or class, got a ${node.type}.`);
  }
  return {
    shape,
    strict,
    anchor,
    free: walker.finish(),
    heritage,
    outer: walker.outer,
    computedKey,
    hasPrivate,
  };
}

function heritageOf(node: Tree, shift: number): Heritage | undefined {
  const { superClass } = node;
  if (!superClass || superClass.value === null) return undefined;
  const rest = new Walker(true);
  rest.walk({ ...node, superClass: null });
  const { start, end } = superClass as { start: number; end: number };
  return { start: start - shift, end: end - shift, path: pathOf(superClass), free: rest.finish() };
}

function pathOf(node: Tree): string[] | undefined {
  if (node.type === "Identifier") return [node.name];
  if (node.type !== "MemberExpression" || node.computed || node.property.type !== "Identifier") return undefined;
  const above = pathOf(node.object);
  return above && [...above, node.property.name];
}

/** The "(" of the parameters, past comments. */
function openingParenthesis(source: string, from: number): number {
  const token = /\/\*[^]*?\*\/|\/\/[^\n]*|\(/g;
  token.lastIndex = from;
  for (let match = token.exec(source); match; match = token.exec(source)) if (match[0] === "(") return match.index;
  return from;
}
