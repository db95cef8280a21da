// Comparators that are known by their text: `(a, b) => a - b` and `(a, b) => b - a`, as arrows or functions.

import type { Compare } from "./merge-sort.ts";

const SPACE = String.raw`\s*`;
const [X, Y] = [String.raw`([A-Za-z_$][\w$]*)`, String.raw`([A-Za-z_$][\w$]*)`];
const DIFFERENCE = String.raw`([\w$]+)\s*-\s*([\w$]+)`;
const SHAPES = [
  [`\\(`, X, `,`, Y, `\\)`, `=>`, DIFFERENCE],
  [`\\(`, X, `,`, Y, `\\)`, `=>`, `\\{`, `return\\s`, DIFFERENCE, `;?`, `\\}`],
  [`function`, `(?:\\s[\\w$]+)?`, `\\(`, X, `,`, Y, `\\)`, `\\{`, `return\\s`, DIFFERENCE, `;?`, `\\}`],
].map((words) => new RegExp(`^${words.join(SPACE)}$`));

/**
 * Whether a comparator orders numbers upwards (1) or downwards (-1) by their difference, and does nothing else; 0 where
 * that can't be told. Its text is all that such a function is: it reads nothing but its parameters.
 */
export function directionOf(compare: Compare): 1 | -1 | 0 {
  const text = Function.prototype.toString.call(compare);
  for (const shape of SHAPES) {
    const found = shape.exec(text);
    if (!found) continue;
    const [, a, b, left, right] = found;
    if (a === b) return 0;
    if (left === a && right === b) return 1;
    return left === b && right === a ? -1 : 0;
  }
  return 0;
}

/**
 * Whether the difference orders these as TypedArray.prototype.sort does: it makes NaN equal to all, and -0 to 0.
 */
export function areOrderedByDifference(numbers: ArrayLike<number>): boolean {
  for (let i = 0; i < numbers.length; i++) {
    const x = numbers[i]!;
    if (x !== x || (x === 0 && Object.is(x, -0))) return false;
  }
  return true;
}

/** By UTF-16 code units, as Array.prototype.sort orders texts. */
export function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
