// Statements of a kernel in the dialect of gpu.js: what it has no words for, and what it gets wrong on one backend or
// another (`continue`, integer variables, names that hide others) is written so that it comes out right on all.

import type { Tree } from "../ship/index.ts";
import type { Expressions } from "./expressions.ts";

/** Steps after which OpenGL in software ends a loop, those of the loops around it counted in. */
const SOFTWARE_GL_STEPS = 65_535;

type Refuse = (node: Tree, why: string) => Error;

/** The lines of a function's body. */
export function statements(body: Tree, expressions: Expressions, refuse: Refuse): string[] {
  if (!returns(body)) throw refuse(body, "may end without a `return`, but every element needs a number");
  return (body.body as Tree[]).flatMap((node) => statement(node, 1));

  /** `steps`: how often the loops around it go round, together. */
  function statement(node: Tree, steps: number): string[] {
    switch (node.type) {
      case "EmptyStatement":
        return [];
      case "BlockStatement":
        return (node.body as Tree[]).flatMap((one) => statement(one, steps));
      case "VariableDeclaration":
        return (node.declarations as Tree[]).flatMap(declaration);
      case "ReturnStatement":
        if (!node.argument) throw refuse(node, "returns nothing, but every element needs a number");
        return [`return ${expressions.value(node.argument)};`];
      case "IfStatement": {
        const otherwise = node.alternate ? ["} else {", ...statement(node.alternate, steps)] : [];
        return [`if ${expressions.condition(node.test)} {`, ...statement(node.consequent, steps), ...otherwise, "}"];
      }
      case "ForStatement":
        return forLoop(node, steps);
      case "WhileStatement":
        note(node, Infinity);
        return [`while ${expressions.condition(node.test)} {`, ...statement(node.body, Infinity), "}"];
      case "DoWhileStatement":
        note(node, Infinity);
        return afterFirst([leaveUnless(node.test)], statement(node.body, Infinity));
      case "BreakStatement":
      case "ContinueStatement":
        if (node.label) throw refuse(node, "jumps to a label, which a kernel doesn't have");
        return [node.type === "BreakStatement" ? "break;" : "continue;"];
      case "ExpressionStatement":
        if (node.directive) return [];
        return [`${effect(node.expression)};`];
    }
    throw refuse(node, "is no statement that a kernel has: write it with if, for, while and return");
  }

  function declaration({ id, init }: Tree): string[] {
    const { code, integer } = expressions.target(id)!;
    // One without a value gets it before it is read.
    if (!init) return [`let ${code} = 0;`];
    // gpu.js takes for an integer what starts with one and is counted up somewhere; its WebAssembly makes a float of it
    // again where it starts with a literal, which the size of the output isn't. Integers make a loop half as fast again.
    return integer
      ? [`let ${code} = this.output.x;`, `${code}++;`, `${code} = ${expressions.exact(init)};`]
      : [`let ${code} = ${expressions.value(init)};`];
  }

  function effect(node: Tree): string {
    const isUpdate = node.type === "UpdateExpression";
    if (!isUpdate && node.type !== "AssignmentExpression")
      throw refuse(node, "has no effect in a kernel, which only assigns to its own variables and returns");
    const place: Tree = isUpdate ? node.argument : node.left;
    const target = expressions.target(place);
    if (!target)
      throw refuse(node, "writes to something else than a variable of the kernel: it can only return a number");
    const { code, integer } = target;
    if (isUpdate && integer) return `${code}${node.operator}`;
    const operator = isUpdate ? node.operator[0] : node.operator.slice(0, -1);
    if (/^(&&|\|\||\?\?)$/.test(operator)) throw refuse(node, "assigns under a condition: write it with `if`");
    const one = { type: "Literal", value: 1, start: node.start, end: node.end };
    const right: Tree =
      operator === ""
        ? node.right
        : { ...node, type: "BinaryExpression", operator, left: place, right: node.right ?? one };
    return `${code} = ${integer ? expressions.exact(right) : expressions.value(right)}`;
  }

  function forLoop(node: Tree, steps: number): string[] {
    const { init, test, update, body: inner } = node as Tree & { init?: Tree; test?: Tree; update?: Tree; body: Tree };
    const head =
      init?.type === "VariableDeclaration" && init.declarations.length === 1 ? init.declarations[0] : undefined;
    const rounds = steps * roundsOf(head, test, update);
    note(node, rounds);
    const lines = statement(inner, rounds);
    const check = test ? expressions.condition(test) : "(1 > 0)";
    const hasContinue = lines.some((line) => line === "continue;");
    const before = !init ? [] : init.type === "VariableDeclaration" ? statement(init, 1) : [`${effect(init)};`];
    const step = update ? [`${effect(update)};`] : [];
    if (!hasContinue) return [...before, `while ${check} {`, ...lines, ...step, "}"];
    return [...before, ...afterFirst(step, [...(test ? [leaveUnless(test)] : []), ...lines])];
  }

  /** A loop whose rounds begin, but for the first, with `step`: `continue` comes there, which it doesn't on all backends. */
  function afterFirst(step: string[], lines: string[]): string[] {
    const first = expressions.names.take("first");
    return [
      `let ${first} = 1;`,
      "while (1 > 0) {",
      `if (${first} < 1) {`,
      ...step,
      "}",
      `${first} = 0;`,
      ...lines,
      "}",
    ];
  }

  function leaveUnless(test: Tree): string {
    return `if (!${expressions.condition(test)}) { break; }`;
  }

  /** How often a loop goes round, where its head tells. */
  function roundsOf(head?: Tree, test?: Tree, update?: Tree): number {
    const start = head?.init ? expressions.fold(head.init) : undefined;
    if (start === undefined || test?.type !== "BinaryExpression" || !/^<=?$/.test(test.operator)) return Infinity;
    const isCounter = test.left.type === "Identifier" && expressions.target(test.left) === expressions.target(head!.id);
    const end = isCounter && update?.type === "UpdateExpression" ? expressions.fold(test.right) : undefined;
    return end === undefined ? Infinity : Math.max(0, Math.ceil(end - start) + 1);
  }

  function note(node: Tree, rounds: number): void {
    if (rounds <= SOFTWARE_GL_STEPS) return;
    expressions.unit.longLoop ??= refuse(node, `may go round more than ${SOFTWARE_GL_STEPS} times`).message;
  }
}

/** Does it always end with a `return`? */
function returns(node: Tree): boolean {
  switch (node.type) {
    case "ReturnStatement":
      return true;
    case "BlockStatement":
      return (node.body as Tree[]).some(returns);
    case "IfStatement":
      return returns(node.consequent) && node.alternate !== null && returns(node.alternate);
    case "ForStatement":
      return !node.test;
    case "WhileStatement":
      return node.test.value === true;
  }
  return false;
}
