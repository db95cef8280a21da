// plot.tree: what branches: a mind map, a recursion, a decision.

import { boxesFigure, PAGE, sizeOf, type PlacedArrow, type PlacedBox } from "./boxes.ts";
import type { Figure } from "./figure.ts";
import { checkOptions, isRecord, say } from "./input.ts";
import type { FigureOptions } from "./style.ts";

export interface TreeNode {
  text: string;
  children?: readonly TreeNode[];
  /** On the branch that leads to it: "yes". */
  label?: string;
  color?: string;
  /** Outlined: a node of the way that was taken. A branch between two of them is drawn alike. */
  marked?: boolean;
}

const MOST = 400;

/**
 * Draws a tree from left to right: the root at the left, each node's children in their order, leaves evenly spaced.
 *
 * Waits: never. Throws: TypeError on what is no node, RangeError on more than 400 nodes.
 * @example
 * plot.tree({ text: "fib(3)", children: [{ text: "fib(2)", children: [{ text: "fib(1)" }, { text: "fib(0)" }] }, { text: "fib(1)" }] });
 */
export function tree(root: TreeNode, options: FigureOptions = {}): Figure {
  checkOptions("plot.tree", options);
  const levels: number[] = [];
  const longest = longestLine(root, 0, { count: 0 }, levels);
  const gap = Math.max(36, longest * 6.5 + 26);
  const most = Math.max(10, Math.min(26, Math.floor((PAGE / levels.length - gap) / 7)));
  const widths: number[] = [];
  measure(root, 0, most, widths);
  const boxes: PlacedBox[] = [];
  const branches: PlacedArrow[] = [];
  let down = 0;

  const place = (node: TreeNode, depth: number): PlacedBox => {
    const { lines, height } = sizeOf(node.text, most);
    const box: PlacedBox = {
      x: widths.slice(0, depth).reduce((sum, width) => sum + width + gap, 0) + widths[depth]! / 2,
      y: 0,
      width: widths[depth]!,
      height,
      lines,
      fill: node.color,
      isMarked: node.marked === true,
    };
    const [index, above] = [boxes.push(box), down];
    const below = (node.children ?? []).map((child) => ({ child, box: place(child, depth + 1) }));
    if (below.length === 0) {
      box.y = down + height / 2;
      down += height + 12;
    } else box.y = (below[0]!.box.y + below.at(-1)!.box.y) / 2;
    // A parent higher than all its children keeps clear of what is above and below it.
    const missing = Math.max(0, above + height / 2 - box.y);
    for (const one of [box, ...boxes.slice(index)]) one.y += missing;
    down = Math.max(down + missing, box.y + height / 2 + 12);
    for (const { child, box: to } of below)
      branches.push({
        from: box,
        to,
        text: child.label,
        isMarked: box.isMarked === true && to.isMarked === true,
        isHeadless: true,
      });
    return box;
  };
  place(root, 0);
  const top = Math.min(...boxes.map(({ y, height }) => y - height / 2));
  for (const box of boxes) box.y += 6 - top;
  return boxesFigure(
    boxes,
    branches,
    {
      width: widths.reduce((sum, width) => sum + width + gap, -gap),
      height: Math.max(...boxes.map(({ y, height }) => y + height / 2)) + 6,
    },
    options,
    `${options.title ?? "Tree"}: ${boxes.map(({ lines }) => lines.join(" ")).join(", ")}`,
  );
}

/** Checks the nodes; gives the length of the longest label. */
function longestLine(node: unknown, depth: number, seen: { count: number }, levels: number[]): number {
  if (!isRecord(node) || typeof node["text"] !== "string")
    throw new TypeError(
      `plot.tree needs nodes { text, children? }; got ${say(isRecord(node) ? node["text"] : node)} at depth ${depth}.`,
    );
  const { children = [], label = "" } = node;
  if (!Array.isArray(children))
    throw new TypeError(
      `plot.tree: the children of ${JSON.stringify(node["text"])} need to be an array; got ${say(children)}.`,
    );
  // A node that is its own descendant ends here, too.
  if (++seen.count > MOST) throw new RangeError(`plot.tree draws at most ${MOST} nodes; got more.`);
  levels[depth] = (levels[depth] ?? 0) + 1;
  return Math.max(String(label).length, ...children.map((child) => longestLine(child, depth + 1, seen, levels)));
}

function measure(node: TreeNode, depth: number, most: number, widths: number[]): void {
  widths[depth] = Math.max(widths[depth] ?? 0, sizeOf(node.text, most).width);
  for (const child of node.children ?? []) measure(child, depth + 1, most, widths);
}
