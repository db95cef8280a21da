// Arena against a list of the blocks that are live.

import fc from "fast-check";
import { expect, it } from "vitest";
import { Arena, ArenaFullError } from "../../lib/index.ts";

const LINE = 64;
const roundUp = (bytes: number): number => 2 ** Math.ceil(Math.log2(Math.max(1, Math.ceil(bytes / LINE)))) * LINE;

const step = fc.oneof(
  fc.record({
    bytes: fc.oneof(fc.nat({ max: 200 }), fc.nat({ max: 3000 })),
    align: fc.integer({ min: 0, max: 9 }).map((log) => 2 ** log),
  }),
  fc.nat({ max: 30 }),
);

it("an arena is a list of pieces that do not overlap, each at a multiple of its size", () => {
  let refused = 0;
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 80 }), fc.array(step, { maxLength: 80 }), (lines, steps) => {
      const arena = new Arena(lines * LINE);
      const live: { view: Uint8Array; size: number; fill: number }[] = [];
      let [peak, fill] = [0, 0];
      const room = (size: number): boolean => {
        for (let at = 0; at + size <= lines * LINE; at += size)
          if (live.every(({ view, size: taken }) => view.byteOffset >= at + size || view.byteOffset + taken <= at))
            return true;
        return false;
      };
      for (const one of steps) {
        if (typeof one === "number") {
          const [gone] = live.splice(one, 1);
          if (gone) arena.free(gone.view);
        } else {
          const size = roundUp(Math.max(one.bytes, one.align));
          // It finds room exactly when there is some.
          if (!room(size)) {
            refused++;
            expect(() => arena.alloc(one.bytes, one.align)).toThrow(ArenaFullError);
          } else {
            const view = arena.alloc(one.bytes, one.align);
            expect(view.byteLength).toBe(one.bytes);
            expect(view.byteOffset % Math.max(one.align, size)).toBe(0);
            expect(view.every((byte) => byte === 0)).toBe(true);
            live.push({ view: view.fill((fill = (fill % 255) + 1)), size, fill });
          }
        }
        const bytes = live.reduce((sum, { view }) => sum + view.byteLength, 0);
        peak = Math.max(peak, bytes);
        expect(arena.stats()).toEqual({
          byteLength: lines * LINE,
          liveBytes: bytes,
          peakBytes: peak,
          reservedBytes: live.reduce((sum, { size }) => sum + size, 0),
          blocks: live.length,
        });
      }
      for (const { view, fill } of live) expect(view.every((byte) => byte === fill)).toBe(true);
      for (const { view } of live) arena.free(view);
      // All has come together again.
      const largest = 2 ** Math.floor(Math.log2(lines)) * LINE;
      expect(arena.alloc(largest).byteLength).toBe(largest);
    }),
    { numRuns: 400 },
  );
  expect(refused).toBeGreaterThan(100);
});
