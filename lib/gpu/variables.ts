// The local variables of a kernel: each gets a name of its own, because gpu.js mixes up those that shadow each other,
// and is told to be an integer or a float.

import type { Tree } from "../ship/index.ts";

/** A variable that the kernel declares itself. */
export interface Variable {
  readonly name: string;
  /** Its name in the translation. */
  readonly code: string;
  readonly init: Tree | null;
  /** What is assigned to it; `undefined` stands for a step that can't overflow: by one, or of a loop's counter. */
  readonly assigned: (Tree | undefined)[];
  /** It is declared in the head of a loop, whose end is no more than 2³¹. */
  readonly isCounter: boolean;
  /** Whether all that it gets is an integer that can't overflow. */
  integer: boolean;
}

export interface Locals {
  /** By the identifier in the tree, also where it is declared. */
  readonly of: ReadonlyMap<Tree, Variable>;
  /** The parameters that are assigned to. */
  readonly assignedParameters: ReadonlySet<string>;
}

class Scope {
  readonly variables = new Map<string, Variable>();
  readonly up: Scope | undefined;
  constructor(up?: Scope) {
    this.up = up;
  }
  find(name: string): Variable | undefined {
    return this.variables.get(name) ?? this.up?.find(name);
  }
}

/** Gives names out: ASCII, each once. */
export class Names {
  readonly #taken = new Set<string>();
  take(wanted: string): string {
    const plain = wanted.replace(/[^A-Za-z0-9]/g, "") || "v";
    const base = /^\d/.test(plain) ? `v${plain}` : plain;
    let name = base;
    for (let i = 2; this.#taken.has(name); i++) name = `${base}n${i}`;
    this.#taken.add(name);
    return name;
  }
}

/** Resolves what a function's body declares. `refuse` makes the error for what a kernel can't hold. */
export function localsOf(body: Tree, names: Names, refuse: (node: Tree, why: string) => Error): Locals {
  const of = new Map<Tree, Variable>();
  const assignedParameters = new Set<string>();

  const declare = (scope: Scope, statements: readonly Tree[], isCounter = false): void => {
    for (const { type, declarations } of statements) {
      if (type !== "VariableDeclaration") continue;
      for (const { id, init } of declarations as Tree[]) {
        if (id.type !== "Identifier") throw refuse(id, "takes something apart: declare one variable at a time");
        const code = names.take(id.name);
        const variable: Variable = { name: id.name, code, init, assigned: [], isCounter, integer: false };
        scope.variables.set(id.name, variable);
        of.set(id, variable);
      }
    }
  };
  const assign = (scope: Scope, target: Tree, value: Tree | undefined): void => {
    const variable = target.type === "Identifier" ? scope.find(target.name) : undefined;
    if (variable) variable.assigned.push(value);
    else if (target.type === "Identifier") assignedParameters.add(target.name);
  };
  const walk = (node: Tree | null, scope: Scope): void => {
    if (!node) return;
    switch (node.type) {
      case "Identifier": {
        const variable = scope.find(node.name);
        if (variable && !of.has(node)) of.set(node, variable);
        return;
      }
      case "MemberExpression":
        walk(node.object, scope);
        if (node.computed) walk(node.property, scope);
        return;
      case "BlockStatement": {
        const inner = new Scope(scope);
        declare(inner, node.body);
        for (const statement of node.body as Tree[]) walk(statement, inner);
        return;
      }
      case "ForStatement": {
        const inner = new Scope(scope);
        if (node.init) declare(inner, [node.init], node.test !== null);
        for (const part of [node.init, node.test, node.update, node.body]) walk(part, inner);
        return;
      }
      case "AssignmentExpression": {
        const isSum = /^[+-]=$/.test(node.operator) && Number.isInteger(node.right.value);
        const isStep = isSum && (node.right.value === 1 || scope.find(node.left.name)?.isCounter);
        assign(scope, node.left, node.operator === "=" ? node.right : isStep ? undefined : node);
        break;
      }
      case "UpdateExpression":
        assign(scope, node.argument, undefined);
        break;
      case "FunctionDeclaration":
      case "FunctionExpression":
      case "ArrowFunctionExpression":
        throw refuse(node, "is a function inside the kernel: declare it outside, it is taken along");
    }
    for (const key in node) {
      const child: unknown = node[key];
      if (Array.isArray(child)) child.forEach((one) => walk(one as Tree | null, scope));
      else if (child !== null && typeof child === "object" && "type" in child) walk(child as Tree, scope);
    }
  };
  walk(body, new Scope());
  return { of, assignedParameters };
}

/**
 * Tells which variables are integers: those that only get what can't overflow (`isSafe`: literals, indices, results of
 * bitwise operators, other such variables) or are counted up. All others are floats, so that no product and no sum of
 * integers wraps round.
 */
export function settleIntegers(locals: Locals, isSafe: (node: Tree) => boolean): void {
  const all = new Set(locals.of.values());
  for (const variable of all) variable.integer = variable.init !== null;
  // What was taken for an integer may stand on one that turns out to be none.
  for (let changed = true; changed;) {
    changed = false;
    for (const variable of all) {
      if (!variable.integer) continue;
      const { init, assigned } = variable;
      if ([init!, ...assigned].every((node) => node === undefined || isSafe(node))) continue;
      variable.integer = false;
      changed = true;
    }
  }
}
