// plot.waitGraph: who holds what and waits for what; a circle of it is a deadlock. The graph is R. C. Holt's (Some Deadlock
// Properties of Computer Systems, 1972): an arrow leads from what can't go on to what it needs.

import { boxesFigure, NOTE_FONT, sizeOf, type PlacedArrow, type PlacedBox } from "./boxes.ts";
import type { Figure } from "./figure.ts";
import { checkArray, checkOptions, isRecord, say } from "./input.ts";
import type { FigureOptions } from "./style.ts";
import { colour } from "./style.ts";
import { textWidth } from "./svg-text.ts";

/** One thread: what it holds, what it waits for. Locks go by their names. */
export interface WaitEdge {
  /** A number is drawn as "thread 3". */
  thread: string | number;
  holds?: string | readonly string[];
  /** A lock, or another thread by its name. */
  waitsFor?: string | readonly string[] | undefined;
  /** Where in the program it waits. */
  where?: string | undefined;
}

export type WaitGraphInput = readonly WaitEdge[] | { readonly cycle: readonly WaitEdge[] };

interface Node {
  id: string;
  isThread: boolean;
  where: string | undefined;
}

interface Edge {
  from: string;
  to: string;
  kind: "waits for" | "is held by";
}

/**
 * Draws threads and locks as boxes on a ring, an arrow from each thread to what it waits for and from each lock to the thread
 * that holds it. What lies on a circle is outlined and its arrows coloured: none of those threads can go on.
 *
 * Waits: never. Takes the threads, or a DeadlockError, whose `cycle` has them.
 * Throws: TypeError on what is no such thread, RangeError on none, and where none holds or waits for anything.
 * @example
 * plot.waitGraph([{ thread: 1, holds: "A", waitsFor: "B" }, { thread: 2, holds: "B", waitsFor: "A" }]);
 * plot.waitGraph(error); // a DeadlockError
 */
export function waitGraph(input: WaitGraphInput, options: FigureOptions = {}): Figure {
  checkOptions("plot.waitGraph", options);
  const { nodes, edges } = readGraph(input);
  const reached = new Map([...nodes.keys()].map((id) => [id, reach(id, edges)]));
  const isOnCircle = (id: string): boolean => reached.get(id)!.has(id);
  const order = ringOrder(nodes, edges, isOnCircle);
  const sizes = order.map((id) => sizeOf(id, 18));
  const [width, height] = [Math.max(...sizes.map((size) => size.width)), Math.max(...sizes.map((size) => size.height))];
  const across = Math.max(170, order.length * 34);
  const down = Math.max(78, order.length * 19);
  const notes = new Map(
    [...nodes.values()].flatMap(({ id, where }) => (where === undefined ? [] : [[id, shortPlace(where)] as const])),
  );
  /** How far a note may stand out to the side. */
  const beside = Math.max(0, ...[...notes.values()].map((note) => textWidth(note, NOTE_FONT) - width / 2));
  const boxes = new Map(
    order.map((id, index): [string, PlacedBox] => {
      const { isThread, where } = nodes.get(id)!;
      const angle = Math.PI - (2 * Math.PI * index) / order.length;
      return [
        id,
        {
          x: beside + across + width / 2 + Math.cos(angle) * across,
          y: down + height / 2 + 4 - Math.sin(angle) * down,
          width,
          height: sizes[index]!.height,
          lines: sizes[index]!.lines,
          fill: isThread ? colour(0) : colour(1),
          isMarked: isOnCircle(id),
          note: notes.get(id),
          noteSide: Math.abs(Math.cos(angle)) < 0.1 ? undefined : Math.cos(angle) < 0 ? "left" : "right",
          hover: `${isThread ? "" : "lock "}${id}${where === undefined ? "" : `\nat ${where}`}`,
        },
      ];
    }),
  );
  const arrows = edges.map(({ from, to, kind }): PlacedArrow => {
    const isMarked = reached.get(to)!.has(from);
    const isBoth = edges.some((other) => other.from === to && other.to === from);
    return {
      from: boxes.get(from)!,
      to: boxes.get(to)!,
      isMarked,
      kind: isMarked ? `${kind}, in a circle` : kind,
      dash: kind === "waits for" ? "dash" : undefined,
      bend: isBoth ? 18 : 0,
    };
  });
  const circle = order.filter(isOnCircle);
  return boxesFigure(
    [...boxes.values()],
    arrows,
    {
      width: 2 * (across + beside) + width,
      height: 2 * down + height + 28,
    },
    options,
    `${options.title ?? "Wait-for graph"}: ${edges.map(({ from, to, kind }) => `${from} ${kind} ${to}`).join(", ")}${
      circle.length === 0 ? "; no circle" : `; in a circle: ${circle.join(", ")}`
    }`,
  );
}

function readGraph(input: unknown): { nodes: Map<string, Node>; edges: Edge[] } {
  const threads = isRecord(input) && "cycle" in input ? input["cycle"] : input;
  const nodes = new Map<string, Node>();
  const edges: Edge[] = [];
  const rows = checkArray<WaitEdge>("plot.waitGraph", threads, "threads { thread, holds, waitsFor }").map(
    (row, index) => {
      if (typeof row.thread !== "string" && typeof row.thread !== "number")
        throw new TypeError(
          `plot.waitGraph: \`thread\` of entry ${index} needs to be a name or a number; got ${say(row.thread)}.`,
        );
      const id = typeof row.thread === "number" ? `thread ${row.thread}` : row.thread;
      const where = row.where ? String(row.where) : nodes.get(id)?.where;
      nodes.set(id, { id, isThread: true, where });
      return { id, holds: names("holds", row.holds, index), waitsFor: names("waitsFor", row.waitsFor, index) };
    },
  );
  for (const { id, holds, waitsFor } of rows) {
    for (const name of [...holds, ...waitsFor])
      if (!nodes.has(name)) nodes.set(name, { id: name, isThread: false, where: undefined });
    for (const to of waitsFor) add(edges, { from: id, to, kind: "waits for" });
    for (const from of holds) add(edges, { from, to: id, kind: "is held by" });
  }
  if (edges.length === 0) throw new RangeError("plot.waitGraph got threads none of which holds or waits for anything.");
  return { nodes, edges };
}

function names(key: string, value: unknown, index: number): readonly string[] {
  if (value === undefined || value === null) return [];
  const list: unknown[] = Array.isArray(value) ? value : [value];
  list.forEach((name) => {
    if (typeof name !== "string")
      throw new TypeError(`plot.waitGraph: \`${key}\` of entry ${index} needs names; got ${say(name)}.`);
  });
  return (list as string[]).filter((name) => name !== "");
}

function add(edges: Edge[], edge: Edge): void {
  if (!edges.some(({ from, to, kind }) => from === edge.from && to === edge.to && kind === edge.kind)) edges.push(edge);
}

/** What can be come to from a node along the arrows. */
function reach(id: string, edges: readonly Edge[]): Set<string> {
  const found = new Set<string>();
  const next = [id];
  while (next.length > 0) {
    const at = next.pop()!;
    for (const { from, to } of edges) {
      if (from !== at || found.has(to)) continue;
      found.add(to);
      next.push(to);
    }
  }
  return found;
}

/** Nodes along the arrows, those on circles first, so that a circle is drawn as one. */
function ringOrder(
  nodes: ReadonlyMap<string, Node>,
  edges: readonly Edge[],
  isOnCircle: (id: string) => boolean,
): string[] {
  const order: string[] = [];
  const visit = (id: string): void => {
    if (order.includes(id)) return;
    order.push(id);
    const next = edges.filter(({ from }) => from === id).map(({ to }) => to);
    for (const to of next.sort((a, b) => Number(isOnCircle(b)) - Number(isOnCircle(a)))) visit(to);
  };
  const ids = [...nodes.keys()];
  for (const id of [...ids.filter(isOnCircle), ...ids]) visit(id);
  return order;
}

/** "take (file:///a/b/c.ts:3:5)", as stacks say it, is "take, c.ts:3:5" here. */
function shortPlace(where: string): string {
  const [, name, place = where] = /^(.*) \((.*)\)$/.exec(where) ?? [];
  const last = place.slice(Math.max(place.lastIndexOf("/"), place.lastIndexOf("\\")) + 1);
  const text = name === undefined ? last : `${name}, ${last}`;
  return text.length > 34 ? `${text.slice(0, 33)}…` : text;
}
