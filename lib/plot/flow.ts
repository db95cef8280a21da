// plot.flow: boxes and arrows from left to right: a pipeline, or the questions of a decision.

import { boxesFigure, PAGE, sizeOf, type PlacedArrow, type PlacedBox } from "./boxes.ts";
import type { Figure } from "./figure.ts";
import { checkArray, checkOptions, say } from "./input.ts";
import type { FigureOptions } from "./style.ts";

export interface FlowBox {
  /** What arrows call it. Default: its text. */
  id?: string;
  /** Wrapped where it is long; "\n" begins a new line. */
  text: string;
  /** "#e1f5ff", any CSS colour; only with #rgb and #rrggbb the text's own colour follows. */
  color?: string;
  /** Outlined: a box of the way that was taken. Arrows between two of them are drawn alike. */
  marked?: boolean;
  /** A small line under it: the queue's length just now, a time. */
  note?: string;
}

export interface FlowArrow {
  from: string;
  to: string;
  text?: string;
}

export interface FlowInput {
  boxes: readonly FlowBox[];
  /** Default: one from each box to the next. */
  arrows?: readonly FlowArrow[];
}

const GAP = 44;

/**
 * Draws boxes in columns from left to right, each behind all that lead to it, and arrows between them.
 *
 * Waits: never. Of arrows in a circle the one that comes last leads back; it is bent.
 * Throws: TypeError on what is no box or arrow, RangeError on none, on two boxes of one id and an arrow to an unknown one.
 * @example
 * plot.flow({ boxes: [{ text: "Read", color: "#e1f5ff" }, { text: "Queue 1" }, { text: "Process ×2", color: "#ffe1f5" }] });
 */
export function flow(input: FlowInput, options: FigureOptions = {}): Figure {
  checkOptions("plot.flow", options);
  const { boxes, arrows } = readFlow(input);
  const ids = boxes.map(({ id }) => id);
  const { columns, back } = columnsOf(ids, arrows);
  const count = Math.max(...columns) + 1;
  const labels = Math.max(0, ...arrows.map(({ text }) => (text ?? "").length)) * 6.5;
  const gap = Math.max(GAP, labels + 24);
  // As wide as the page allows: shorter lines where there are many columns.
  const room = PAGE / count - gap;
  const sized = boxes.map((box) => ({ ...box, ...sizeOf(box.text, Math.min(22, Math.max(8, Math.floor(room / 7)))) }));

  const members = Array.from({ length: count }, (_, column) => ids.filter((_, index) => columns[index] === column));
  arrange(members, arrows);
  const rowHeight = Math.max(...sized.map(({ height, note }) => height + (note === undefined ? 0 : 18))) + 18;
  const rows = Math.max(...members.map(({ length }) => length));
  const top = back.size > 0 ? rowHeight * 0.35 : 0;
  const placed = new Map<string, PlacedBox>();
  let left = 0;
  for (const column of members) {
    const inColumn = column.map((id) => sized[ids.indexOf(id)]!);
    const width = Math.max(...inColumn.map((box) => box.width));
    inColumn.forEach((box, row) =>
      placed.set(box.id, {
        x: left + width / 2,
        y: top + rowHeight * (row + 0.5 + (rows - column.length) / 2),
        width,
        height: box.height,
        lines: box.lines,
        fill: box.color,
        isMarked: box.marked === true,
        note: box.note,
        hover: box.note === undefined ? undefined : `${box.text}\n${box.note}`,
      }),
    );
    left += width + gap;
  }
  const words = (id: string): string => sized[ids.indexOf(id)]!.text;
  const drawn = arrows.map((arrow): PlacedArrow => {
    const [from, to] = [placed.get(arrow.from)!, placed.get(arrow.to)!];
    const isMarked = from.isMarked === true && to.isMarked === true;
    return { from, to, text: arrow.text, isMarked, bend: back.has(arrow) ? rowHeight * 0.55 : 0 };
  });
  return boxesFigure(
    [...placed.values()],
    drawn,
    {
      width: left - gap,
      height: top + rowHeight * rows,
    },
    options,
    `${options.title ?? "Flow chart"}: ${arrows
      .map(({ from, to, text }) => `${words(from)} → ${words(to)}${text === undefined ? "" : ` (${text})`}`)
      .join(", ")}`,
  );
}

function readFlow(input: unknown): { boxes: (FlowBox & { id: string })[]; arrows: readonly FlowArrow[] } {
  const { boxes: given, arrows } = (input ?? {}) as Partial<FlowInput>;
  const boxes = checkArray<FlowBox>("plot.flow: boxes", given, "boxes { text }").map((box, index) => {
    if (typeof box.text !== "string")
      throw new TypeError(`plot.flow: box ${index} needs a text; got ${say(box.text)}.`);
    return { ...box, id: box.id ?? box.text };
  });
  const ids = new Set<string>();
  for (const { id } of boxes) {
    if (ids.has(id))
      throw new RangeError(`plot.flow: two boxes are called ${JSON.stringify(id)}; give one of them an id.`);
    ids.add(id);
  }
  if (arrows === undefined) {
    return { boxes, arrows: boxes.slice(1).map(({ id }, index) => ({ from: boxes[index]!.id, to: id })) };
  }
  if (!Array.isArray(arrows))
    throw new TypeError(`plot.flow: arrows needs an array of { from, to }; got ${say(arrows)}.`);
  arrows.forEach((arrow: Partial<FlowArrow> | null, index) => {
    for (const end of [arrow?.from, arrow?.to])
      if (end === undefined || !ids.has(end))
        throw new RangeError(`plot.flow: arrow ${index} needs to lead from a box to a box; got ${say(end)}.`);
  });
  return { boxes, arrows: arrows as readonly FlowArrow[] };
}

/** The column of each box, one more than the largest of those that lead to it, and the arrows that close a circle. */
function columnsOf(ids: readonly string[], arrows: readonly FlowArrow[]): { columns: number[]; back: Set<FlowArrow> } {
  const back = new Set<FlowArrow>();
  const state = new Map<string, "open" | "done">();
  const order: string[] = [];
  const visit = (id: string): void => {
    state.set(id, "open");
    for (const arrow of arrows) {
      if (arrow.from !== id) continue;
      if (state.get(arrow.to) === "open") back.add(arrow);
      else if (!state.has(arrow.to)) visit(arrow.to);
    }
    state.set(id, "done");
    order.unshift(id);
  };
  for (const id of ids) if (!state.has(id)) visit(id);
  const column = new Map(ids.map((id) => [id, 0]));
  for (const id of order)
    for (const arrow of arrows)
      if (arrow.from === id && !back.has(arrow))
        column.set(arrow.to, Math.max(column.get(arrow.to)!, column.get(id)! + 1));
  return { columns: ids.map((id) => column.get(id)!), back };
}

/** Orders each column by where the boxes stand that lead to it, so that arrows cross less. */
function arrange(members: string[][], arrows: readonly FlowArrow[]): void {
  const place = new Map<string, number>();
  for (const column of members) {
    const weight = new Map(
      column.map((id, index) => {
        const from = arrows.filter(({ to }) => to === id).map((arrow) => place.get(arrow.from));
        const known = from.filter((at) => at !== undefined);
        return [id, known.length === 0 ? index / column.length : known.reduce((a, b) => a + b, 0) / known.length];
      }),
    );
    column.sort((a, b) => weight.get(a)! - weight.get(b)!);
    column.forEach((id, index) => place.set(id, (index + 0.5) / column.length));
  }
}
