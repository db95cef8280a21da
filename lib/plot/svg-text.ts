// Texts for SVG: plotly's small HTML read as plain text, escaping, numbers, and estimated widths.

const ENTITIES: Record<string, string> = {
  amp: "&",
  lt: "<",
  gt: ">",
  nbsp: "\u00a0",
  times: "×",
  plusmn: "±",
  deg: "°",
};

/** Plotly's text without its markup; `<br>` becomes a line break. */
export function plain(text: unknown): string {
  return String(text ?? "")
    .replace(/<br\s*\/?>/gi, "\n")
    .replace(/<\/?(?:b|i|em|strong|sub|sup|span|s|u|a)(?:\s[^<>]*)?>/gi, "")
    .replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (whole, decimal, hex, name) => {
      const code = decimal !== undefined ? Number(decimal) : hex !== undefined ? parseInt(hex, 16) : undefined;
      if (code !== undefined) return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole;
      return ENTITIES[name] ?? whole;
    });
}

/** Safe as XML text and attribute value: control characters that XML forbids are dropped. */
export function escape(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/** The text's lines, one below the other, each starting at x. */
export function tspans(text: unknown, x: number): string {
  const lines = plain(text).split("\n");
  if (lines.length === 1) return escape(lines[0]!);
  return lines.map((line, i) => `<tspan x="${px(x)}" dy="${i === 0 ? 0 : "1.2em"}">${escape(line)}</tspan>`).join("");
}

/** A pixel position with one decimal, as short as it goes. */
export function px(value: number): string {
  return Number.isFinite(value) ? String(Math.round(value * 10) / 10) : "0";
}

/** About how wide a text is, in pixels: no font is at hand to ask. Wide scripts count double. */
export function textWidth(text: unknown, size: number): number {
  let widest = 0;
  for (const line of plain(text).split("\n")) {
    let width = 0;
    for (const character of line)
      width += /[\u1100-\u11ff\u2e80-\uffdc\u{1f000}-\u{3ffff}]/u.test(character) ? 1 : 0.56;
    widest = Math.max(widest, width * size);
  }
  return widest;
}
