// What a function's source text mentions from outside: its free names, which of them it writes, and what it takes from
// the function around it (`this`, `arguments`, `super`, `new.target`). Syntax only, by acorn; cached by source.

import type { Node } from "acorn";
import { parse } from "./parse.ts";

export interface FreeName {
  readonly name: string;
  /** The source assigns to it somewhere. */
  written: boolean;
  /** The members read from it, where every use is `name.member`; otherwise undefined. */
  members: Set<string> | undefined;
}

export type Shape = "arrow" | "function" | "class" | "method" | "accessor";

export interface SourceFacts {
  readonly shape: Shape;
  /** The source parses in strict mode. */
  readonly strict: boolean;
  /** Offset in the source of the position that V8 gives as the function's location. */
  readonly anchor: number;
  readonly free: ReadonlyMap<string, FreeName>;
  /** The name of the class that a class extends, if it is a plain name. */
  readonly superName: string | undefined;
  /** What of the surrounding function or module it uses: "this", "arguments", "super", "new.target", "import.meta". */
  readonly outer: ReadonlySet<string>;
  /** Where the text of a method has its `[key]`, brackets included. */
  readonly computedKey: readonly [start: number, end: number] | undefined;
  /** A class whose instances have #private members. */
  readonly hasPrivate: boolean;
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

/** ESTree as acorn gives it; the fields depend on `type`. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Tree = Node & Record<string, any>;

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
  const walker = new Walker();
  let shape: Shape;
  let anchor = 0;
  let hasPrivate = false;
  let computedKey: [number, number] | undefined;
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
    superName: node.superClass?.type === "Identifier" ? node.superClass.name : undefined,
    outer: walker.outer,
    computedKey,
    hasPrivate,
  };
}

/** The "(" of the parameters, past comments. */
function openingParenthesis(source: string, from: number): number {
  const token = /\/\*[^]*?\*\/|\/\/[^\n]*|\(/g;
  token.lastIndex = from;
  for (let match = token.exec(source); match; match = token.exec(source)) if (match[0] === "(") return match.index;
  return from;
}

interface Use {
  name: string;
  write: boolean;
  member: string | undefined;
}

class Scope {
  readonly names = new Set<string>();
  readonly uses: Use[] = [];
  readonly children: Scope[] = [];
  readonly up: Scope | undefined;
  /** `var` stops here. */
  readonly holdsVar: boolean;
  /** The name of the function or class itself, where the scope holds nothing else: writing it writes the one outside. */
  readonly own: boolean;
  constructor(up: Scope | undefined, { holdsVar = false, own = false } = {}) {
    this.up = up;
    this.holdsVar = holdsVar;
    this.own = own;
    up?.children.push(this);
  }
}

class Walker {
  readonly outer = new Set<string>();
  #scope = new Scope(undefined, { holdsVar: true });
  readonly #top = this.#scope;
  /** Functions around the current point that have their own `this`. */
  #thisDepth = 0;
  /** `super` used no deeper than this is one from outside. */
  #superDepth = 0;

  finish(): Map<string, FreeName> {
    const free = new Map<string, FreeName>();
    const visit = (scope: Scope): void => {
      for (const use of scope.uses) {
        let at: Scope | undefined = scope;
        while (at && !(at.names.has(use.name) && !(use.write && at.own))) at = at.up;
        if (at) continue;
        const known = free.get(use.name);
        if (!known) {
          const members = use.member === undefined ? undefined : new Set([use.member]);
          free.set(use.name, { name: use.name, written: use.write, members });
        } else {
          known.written ||= use.write;
          if (use.member === undefined) known.members = undefined;
          else known.members?.add(use.member);
        }
      }
      scope.children.forEach(visit);
    };
    visit(this.#top);
    return free;
  }

  #within(scope: Scope, body: () => void): void {
    const before = this.#scope;
    this.#scope = scope;
    body();
    this.#scope = before;
  }

  #use(name: string, write: boolean, member?: string): void {
    if (name === "arguments" && this.#thisDepth === 0) this.outer.add("arguments");
    else if (name !== "arguments") this.#scope.uses.push({ name, write, member });
  }

  #declareVar(name: string): void {
    let scope = this.#scope;
    while (!scope.holdsVar && scope.up) scope = scope.up;
    scope.names.add(name);
  }

  /** Declares the names of a pattern and walks what it evaluates: defaults and computed keys. */
  #pattern(node: Tree | null, declare: (name: string) => void): void {
    switch (node?.type) {
      case "Identifier":
        return declare(node.name);
      case "ObjectPattern":
        for (const property of node.properties as Tree[]) {
          if (property.computed) this.walk(property.key);
          this.#pattern(property.type === "RestElement" ? property.argument : property.value, declare);
        }
        return;
      case "ArrayPattern":
        for (const element of node.elements as (Tree | null)[]) this.#pattern(element, declare);
        return;
      case "AssignmentPattern":
        this.#pattern(node.left, declare);
        return this.walk(node.right);
      case "RestElement":
        return this.#pattern(node.argument, declare);
    }
  }

  /** The left side of an assignment: its names are written. */
  #target(node: Tree | null): void {
    switch (node?.type) {
      case undefined:
        return;
      case "ObjectPattern":
      case "ArrayPattern":
      case "AssignmentPattern":
      case "RestElement":
        return (this.#pattern(node, (name) => this.#use(name, true)), this.#memberTargets(node));
      case "Identifier":
        return this.#use(node!.name, true);
      default:
        return this.walk(node);
    }
  }

  /** `[a.b, c[d]] = …`: the members inside a pattern read their objects. */
  #memberTargets(node: Tree | null): void {
    switch (node?.type) {
      case "MemberExpression":
        return this.walk(node);
      case "ObjectPattern":
        for (const p of node.properties as Tree[]) this.#memberTargets(p.type === "RestElement" ? p.argument : p.value);
        return;
      case "ArrayPattern":
        for (const element of node.elements as (Tree | null)[]) this.#memberTargets(element);
        return;
      case "AssignmentPattern":
        return this.#memberTargets(node.left);
      case "RestElement":
        return this.#memberTargets(node.argument);
    }
  }

  /** Hoists what a block declares: let, const, class, function. */
  #hoist(body: Tree[]): void {
    for (const statement of body) {
      if ((statement.type === "FunctionDeclaration" || statement.type === "ClassDeclaration") && statement.id)
        this.#scope.names.add(statement.id.name);
      else if (statement.type === "VariableDeclaration" && statement.kind !== "var") this.#declareNames(statement);
    }
  }

  #declareNames(declaration: Tree): void {
    const add = (node: Tree | null): void => {
      switch (node?.type) {
        case "Identifier":
          this.#scope.names.add(node.name);
          return;
        case "ObjectPattern":
          for (const p of node.properties as Tree[]) add(p.type === "RestElement" ? p.argument : p.value);
          return;
        case "ArrayPattern":
          return (node.elements as (Tree | null)[]).forEach(add);
        case "AssignmentPattern":
          return add(node.left);
        case "RestElement":
          return add(node.argument);
      }
    };
    for (const declarator of declaration.declarations as Tree[]) add(declarator.id);
  }

  #block(body: Tree[]): void {
    this.#within(new Scope(this.#scope), () => {
      this.#hoist(body);
      body.forEach((statement) => this.walk(statement));
    });
  }

  /** A method by itself: its `super` is that of an object that does not go along. */
  method(node: Tree): void {
    this.#superDepth = 1;
    this.function(node);
  }

  function(node: Tree): void {
    const arrow = node.type === "ArrowFunctionExpression";
    if (!arrow) this.#thisDepth++;
    const named = node.type === "FunctionExpression" && node.id ? (node.id.name as string) : undefined;
    let around = this.#scope;
    if (named !== undefined) {
      around = new Scope(around, { own: true });
      around.names.add(named);
    }
    // Parameters and body share one scope: a default that names what the body declares by `var` is told as local, which
    // only matters to code that no one writes.
    this.#within(new Scope(around, { holdsVar: true }), () => {
      const declare = (name: string): void => void this.#scope.names.add(name);
      for (const parameter of node.params as Tree[]) this.#pattern(parameter, declare);
      if (node.body.type === "BlockStatement") {
        this.#hoist(node.body.body);
        (node.body.body as Tree[]).forEach((statement) => this.walk(statement));
      } else this.walk(node.body);
    });
    if (!arrow) this.#thisDepth--;
  }

  #class(node: Tree): void {
    const scope = new Scope(this.#scope, { own: true });
    if (node.id) scope.names.add(node.id.name);
    this.#within(scope, () => {
      this.walk(node.superClass);
      for (const member of node.body.body as Tree[]) {
        if (member.type === "StaticBlock") {
          this.#thisDepth++;
          this.#within(new Scope(this.#scope, { holdsVar: true }), () => {
            this.#hoist(member.body);
            (member.body as Tree[]).forEach((statement) => this.walk(statement));
          });
          this.#thisDepth--;
          continue;
        }
        if (member.computed) this.walk(member.key);
        this.#thisDepth++;
        this.walk(member.value);
        this.#thisDepth--;
      }
    });
  }

  walk(node: Tree | null | undefined): void {
    switch (node?.type) {
      case undefined:
      case "BreakStatement":
      case "ContinueStatement":
        return;
      case "Identifier":
        return this.#use(node!.name, false);
      case "ThisExpression":
        if (this.#thisDepth === 0) this.outer.add("this");
        return;
      case "Super":
        if (this.#thisDepth <= this.#superDepth) this.outer.add("super");
        return;
      case "MetaProperty":
        if (node!.meta.name === "import") this.outer.add("import.meta");
        else if (this.#thisDepth === 0) this.outer.add("new.target");
        return;
      case "LabeledStatement":
        return this.walk(node!.body);
      case "MemberExpression":
        if (node!.object.type === "Identifier" && !node!.computed)
          return this.#use(node!.object.name, false, node!.property.name);
        this.walk(node!.object);
        if (node!.computed) this.walk(node!.property);
        return;
      case "Property":
        if (node!.computed) this.walk(node!.key);
        return this.walk(node!.value);
      case "FunctionDeclaration":
        // In sloppy code a function in a block is also a `var` of the function around it.
        this.#declareVar(node!.id.name);
        return this.function(node!);
      case "FunctionExpression":
      case "ArrowFunctionExpression":
        return this.function(node!);
      case "ClassDeclaration":
      case "ClassExpression":
        return this.#class(node!);
      case "VariableDeclaration":
        for (const declarator of node!.declarations as Tree[]) {
          const declare =
            node!.kind === "var"
              ? (name: string) => this.#declareVar(name)
              : (name: string) => void this.#scope.names.add(name);
          this.#pattern(declarator.id, declare);
          this.walk(declarator.init);
        }
        return;
      case "AssignmentExpression":
        // `a += 1` reads as well, which a write includes.
        this.#target(node!.left);
        return this.walk(node!.right);
      case "UpdateExpression":
        return this.#target(node!.argument);
      case "BlockStatement":
        return this.#block(node!.body);
      case "ForStatement":
        this.#within(new Scope(this.#scope), () => {
          this.walk(node!.init);
          this.walk(node!.test);
          this.walk(node!.update);
          this.walk(node!.body);
        });
        return;
      case "ForInStatement":
      case "ForOfStatement":
        this.#within(new Scope(this.#scope), () => {
          if (node!.left.type === "VariableDeclaration") this.walk(node!.left);
          else this.#target(node!.left);
          this.walk(node!.right);
          this.walk(node!.body);
        });
        return;
      case "SwitchStatement":
        this.walk(node!.discriminant);
        this.#within(new Scope(this.#scope), () => {
          for (const one of node!.cases as Tree[]) this.#hoist(one.consequent);
          for (const one of node!.cases as Tree[]) {
            this.walk(one.test);
            (one.consequent as Tree[]).forEach((statement) => this.walk(statement));
          }
        });
        return;
      case "CatchClause":
        this.#within(new Scope(this.#scope), () => {
          this.#pattern(node!.param, (name) => void this.#scope.names.add(name));
          this.walk(node!.body);
        });
        return;
    }
    for (const key in node) {
      const value: unknown = node[key];
      if (Array.isArray(value)) value.forEach((child) => this.walk(child as Tree | null));
      else if (value !== null && typeof value === "object" && typeof (value as Tree).type === "string")
        this.walk(value as Tree);
    }
  }
}
