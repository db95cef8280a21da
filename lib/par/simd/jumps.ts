// What statements of JavaScript do, as far as their text tells.

import type { Tree } from "../../ship/index.ts";
import { childrenOf } from "./closures.ts";

export interface Jumps {
  readonly break: boolean;
  readonly continue: boolean;
  readonly return: boolean;
}

/** The jumps that leave a statement. */
export function jumpsOf(node: Tree, isInLoop = false): Jumps {
  switch (node.type) {
    case "ReturnStatement":
      return { break: false, continue: false, return: true };
    case "BreakStatement":
      return { break: !isInLoop, continue: false, return: false };
    case "ContinueStatement":
      return { break: false, continue: !isInLoop, return: false };
  }
  const inner = isInLoop || /^(For|While|DoWhile)/.test(node.type);
  const all = childrenOf(node).map((child) => jumpsOf(child, inner));
  return {
    break: all.some((one) => one.break),
    continue: all.some((one) => one.continue),
    return: all.some((one) => one.return),
  };
}

export function isWorthSkipping(node: Tree): boolean {
  if (/^(For|While|DoWhile|Return|Break|Continue)/.test(node.type) || node.type === "CallExpression") return true;
  return childrenOf(node).some(isWorthSkipping);
}

export function assigns(node: Tree, name: string): boolean {
  const target = (
    node.type === "AssignmentExpression" ? node.left : node.type === "UpdateExpression" ? node.argument : {}
  ) as Tree;
  return target.name === name || childrenOf(node).some((child) => assigns(child, name));
}

/** Does it always end with a `return`? */
export function returns(node: Tree): boolean {
  switch (node.type) {
    case "ReturnStatement":
    // Whatever it does, it is refused.
    case "SwitchStatement":
    case "ThrowStatement":
    case "TryStatement":
      return true;
    case "BlockStatement":
      return (node.body as Tree[]).some(returns);
    case "IfStatement":
      return returns(node.consequent) && node.alternate !== null && returns(node.alternate);
    case "ForStatement":
    case "WhileStatement":
      return (!node.test || node.test.value === true) && !jumpsOf(node.body).break;
  }
  return false;
}
