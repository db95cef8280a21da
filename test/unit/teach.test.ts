// Exercises and the formula for a pool's size.

import { afterEach, expect, it, vi } from "vitest";
import { exercise, optimalPoolSize } from "../../lib/index.ts";
import { registerHost, type Host } from "../../lib/host.ts";

const log = vi.spyOn(console, "log").mockImplementation(() => {});
afterEach(() => {
  registerHost(undefined as never);
  log.mockClear();
});

it("sizes a pool by cores and waiting, to the whole thread", () => {
  expect([0, 0.5, 0.9].map((wait) => optimalPoolSize(4, wait))).toEqual([4, 8, 40]);
  expect([0.8, 0.95, 0.99, 0.7].map((wait) => optimalPoolSize(1, wait))).toEqual([5, 20, 100, 4]);
  expect(() => optimalPoolSize(4, 1)).toThrow(
    new RangeError("optimalPoolSize expects waitFraction to be from 0 up to, not including, 1, got 1."),
  );
  expect(() => optimalPoolSize(4, NaN)).toThrow(/got NaN/);
  expect(() => optimalPoolSize(0, 0.5)).toThrow(
    new RangeError("optimalPoolSize expects cores to be an integer of at least 1, got 0."),
  );
  expect(() => optimalPoolSize("4" as any, 0.5)).toThrow(
    new TypeError("optimalPoolSize expects a number as cores, got string."),
  );
});

it("checks an answer, says what is missing, and fails no cell", async () => {
  const even = exercise("00-1", {
    hint: "Divide by 2.",
    check: (isEven: (n: number) => boolean) => (isEven(4) && !isEven(3)) || "4 is even and 3 is not.",
  });
  even.hint();
  await even.check(() => true);
  expect(even.solved).toBe(false);
  await exercise("00-1").check((n: number) => n % 2 === 0);
  expect(even.solved).toBe(true);
  const throws = () => {
    throw new RangeError("too far");
  };
  await even.check(throws);
  expect(even.solved).toBe(false);
  expect(log.mock.calls.flat()).toEqual([
    "Hint for 00-1: Divide by 2.",
    "✗ 00-1: 4 is even and 3 is not.",
    "✓ 00-1: solved",
    "✗ 00-1: the answer threw RangeError: too far",
  ]);
  const odd = exercise("00-2", { hint: "", check: (async () => undefined) as any });
  await odd.check(1);
  expect(odd.solved).toBe(false);
});

it("keeps the outcome in the output's metadata", async () => {
  const shown: unknown[] = [];
  registerHost({ display: (bundle, metadata) => void shown.push([bundle, metadata]) } as Partial<Host> as Host);
  await exercise("00-3", { hint: "", check: (n: number) => n === 1 || "it is 1" }).check(2);
  expect(shown).toEqual([
    [
      { "text/markdown": "**✗** Exercise 00-3: it is 1", "text/plain": "✗ 00-3: it is 1" },
      { braid: { exercise: "00-3", solved: false } },
    ],
  ]);
});

it("expects an id, a hint and a checker", () => {
  expect(() => exercise("pools")).toThrow(
    new TypeError('exercise() expects an id of chapter and number such as "09-1", got "pools".'),
  );
  expect(() => exercise("99-9")).toThrow(/knows no exercise "99-9" yet: run the cell that makes it first/);
  expect(() => exercise("00-4", {} as any)).toThrow(/expects hint to be a text, got undefined/);
  expect(() => exercise("00-4", { hint: "" } as any)).toThrow(/expects check to be a function, got undefined/);
});
