// Colours for numbers: a scale from low to high, and the ink that can be read on a colour. The scale is viridis, by Nathaniel
// Smith and Stéfan van der Walt (matplotlib, 2015), at nine places: readable without colour vision, and in grey.

import { colour } from "./style.ts";

const STOPS = [
  [0x44, 0x01, 0x54],
  [0x47, 0x2d, 0x7b],
  [0x3b, 0x52, 0x8b],
  [0x2c, 0x72, 0x8e],
  [0x21, 0x91, 0x8c],
  [0x28, 0xae, 0x80],
  [0x5e, 0xc9, 0x62],
  [0xad, 0xdc, 0x30],
  [0xfd, 0xe7, 0x25],
] as const;

/** The colour at `share`, from 0 to 1, as plotly blends it: straight between the stops. */
export function ramp(share: number): string {
  const at = Math.min(1, Math.max(0, share)) * (STOPS.length - 1);
  const [low, high] = [STOPS[Math.floor(at)]!, STOPS[Math.ceil(at)]!];
  return hex(low.map((part, i) => part + (high[i]! - part) * (at - Math.floor(at))));
}

/** Plotly's colorscale. */
export function rampScale(): [number, string][] {
  return STOPS.map((stop, i) => [i / (STOPS.length - 1), hex(stop)]);
}

/** A colour for each of `count` names: the palette while it lasts, then the scale. */
export function categoryColours(count: number): string[] {
  return Array.from({ length: count }, (_, i) => (count <= 6 ? colour(i) : ramp(i / (count - 1))));
}

/** Dark or light text, whichever can be read on this colour (#rrggbb). */
export function inkOn(background: string): string {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(background.slice(at, at + 2), 16) / 255);
  return 0.299 * red! + 0.587 * green! + 0.114 * blue! > 0.55 ? "#1f2328" : "#ffffff";
}

/** "#rgb" and "#rrggbb" are colours whose brightness can be told. */
export function asHex(text: string): string | undefined {
  if (/^#[0-9a-f]{6}$/i.test(text)) return text.toLowerCase();
  if (/^#[0-9a-f]{3}$/i.test(text)) return text.replace(/[0-9a-f]/gi, "$&$&").toLowerCase();
  return undefined;
}

function hex(parts: readonly number[]): string {
  return `#${parts.map((part) => Math.round(part).toString(16).padStart(2, "0")).join("")}`;
}
