// Tables as SVG: the header and the cells of one plotly table over the whole plot area.

import type { Layout, Trace } from "./figure.ts";
import type { Frame } from "./svg.ts";
import { escape, plain, px, tspans } from "./svg-text.ts";

const LINE = 18;
const PAD = 8;

export function tableText(trace: Trace, layout: Layout, { width, y0, height, detail }: Frame): string {
  const columns: readonly (readonly unknown[])[] = trace.cells?.values ?? [];
  const headings: readonly unknown[] = trace.header?.values ?? columns.map(() => "");
  if (headings.length === 0) return "";
  const widths: readonly number[] = headings.map((_, c) => Number(trace.columnwidth?.[c] ?? 1));
  const [left, whole] = [12, width - 24];
  const total = widths.reduce((sum, one) => sum + one, 0) || 1;
  const edges = widths.reduce((list, one) => [...list, list.at(-1)! + (one * whole) / total], [left]);
  const count = Math.max(0, ...columns.map((column) => column.length));
  // There is no menu here, and no room for one.
  const first = layout.updatemenus === undefined ? y0 : y0 - 34;
  let top = first;
  let [text, lines] = ["", ""];
  const row = (cells: readonly unknown[], isHeader: boolean): void => {
    const size = Math.max(...cells.map((cell) => plain(cell).split("\n").length)) * LINE + 10;
    if (isHeader) text += `<rect x="${left}" y="${px(top)}" width="${px(whole)}" height="${size}" fill="#eef1f4"/>`;
    cells.forEach((cell, c) => {
      const isRight = (Array.isArray(trace.cells?.align) ? trace.cells.align[c] : trace.cells?.align) === "right";
      const x = isRight ? edges[c + 1]! - PAD : edges[c]! + PAD;
      const style = `${isRight ? ' text-anchor="end"' : ""}${isHeader ? ' font-weight="600"' : ""}`;
      const words = plain(cell);
      text += `<text x="${px(x)}" y="${px(top + 19)}" font-size="12.5"${style}>${words.includes("\n") ? tspans(words.replaceAll("\n", "<br>"), x) : escape(words)}</text>`;
    });
    top += size;
    lines += `M${left} ${px(top)}h${px(whole)}`;
  };
  lines += `M${left} ${px(top)}h${px(whole)}`;
  row(headings, true);
  for (let r = 0; r < count; r++) {
    if (top + 2 * LINE + 20 > height || r > 400 * detail) {
      if (r < count - 1) {
        text += `<text x="${px(left + PAD)}" y="${px(top + 18)}" fill="#57606a">+ ${count - r} more rows</text>`;
        break;
      }
    }
    row(
      columns.map((column) => column[r] ?? ""),
      false,
    );
  }
  for (const edge of edges) lines += `M${px(edge)} ${px(first)}V${px(top)}`;
  return `${text}<path d="${lines}" stroke="#d0d7de" fill="none"/>`;
}
