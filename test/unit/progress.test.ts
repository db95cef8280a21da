// The bar of progress(): what it shows, and that it does not draw itself at any rate.

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { progress } from "../../kernel/notebook/index.ts";
import { Pool } from "../../lib/index.ts";

const shown: string[] = [];
beforeEach(() => {
  shown.length = 0;
  vi.spyOn(console, "log").mockImplementation((text: string) => void shown.push(text));
});
afterEach(() => vi.restoreAllMocks());

it("starts empty, ends full, and skips what comes too fast", () => {
  const done = progress(1000, "files");
  for (let i = 1; i <= 1000; i++) done(i);
  expect(shown[0]).toBe(`[${"-".repeat(30)}] files: 0 of 1000`);
  expect(shown.at(-1)).toMatch(/^\[#{30}\] files: 1000 of 1000, \d+\.\d s$/);
  expect(shown.length).toBeLessThan(50);
});

it("is fed by a pool's map", async () => {
  await using pool = new Pool({ threads: 1 });
  await pool.map([1, 2, 3, 4], (n) => n, { chunk: 1, onProgress: progress(4) });
  expect(shown.at(-1)).toContain("4 of 4");
});

it("takes nothing to do, and refuses what is no count", () => {
  progress(0)(0);
  expect(shown[0]).toContain("#".repeat(30));
  expect(() => progress(-1)).toThrow("Expected total to be a whole number from 0");
  expect(() => progress("3" as never)).toThrow(TypeError);
});
