// Scopes of a piece of JavaScript, by its syntax tree: which names it uses that nothing in it declares.

import type { Node } from "acorn";

/** ESTree as acorn gives it; the fields depend on `type`. */
// oxlint-disable-next-line typescript/no-explicit-any
export type Tree = Node & Record<string, any>;

export interface FreeName {
  readonly name: string;
  /** The source assigns to it somewhere. */
  written: boolean;
  /** The members read from it, where every use is `name.member`; otherwise undefined. */
  members: Set<string> | undefined;
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

/** Walks a source once; then tells which names no scope of it declares. */
export class Walker {
  readonly outer = new Set<string>();
  #scope = new Scope(undefined, { holdsVar: true });
  readonly #top = this.#scope;
  /** Functions around the current point that have their own `this`. */
  #thisDepth = 0;
  /** `super` used no deeper than this is one from outside. */
  #superDepth = 0;
  readonly #strict: boolean;

  constructor(strict: boolean) {
    this.#strict = strict;
  }

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
        if (!this.#strict) this.#declareVar(node!.id.name);
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
