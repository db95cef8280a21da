// Parallel regions and ledgers, one step after the other in one thread.

import { expect, it } from "vitest";
import { Board } from "../../lib/engine/board.ts";
import { Entry, Ledger } from "../../lib/engine/ledger.ts";
import { REGIONS, type RegionCall } from "../../lib/engine/regions.ts";

const CALL: RegionCall = {
  ...{ number: 7, parts: 3, limit: 2, kernel: 11, ledger: 12, origin: -1, publisher: -1 },
  ...{ operands: [21, 22], args: [0.5, -0] },
};

function opened(call: Partial<RegionCall> = {}) {
  const { regions, seats } = Board.make(1);
  seats.used = 40;
  const region = regions.claim(call.publisher ?? CALL.publisher);
  regions.write(region, { ...CALL, ...call });
  regions.open(region);
  return { regions, region };
}

it("hands out each part once, to so many helpers", () => {
  const { regions, region } = opened();
  expect(regions.find(0)).toBe(region);
  expect([regions.enter(region, 3), regions.enter(region, 39), regions.enter(region, 5)]).toEqual([true, true, false]);
  expect(regions.inside(region, 40)).toEqual([3, 39]);
  expect(regions.find(0)).toBe(-1);
  expect([regions.operands(region), regions.args(region).slice(0, 2)]).toEqual([
    [21, 22],
    [0.5, -0],
  ]);
  expect([1, 2, 3, 4].map(() => regions.take(region))).toEqual([0, 1, 2, -1]);
  expect(regions.isOver(region)).toBe(false);
  expect([regions.leave(region, 3), regions.leave(region, 39), regions.leave(region, 39)]).toEqual([true, true, false]);
  expect([regions.isOver(region), regions.isAnyOpen]).toEqual([true, false]);
  regions.free(region);
  expect(regions.used()).toEqual([]);
});

it("lets nobody in who comes too late", () => {
  const { regions, region } = opened();
  while (regions.take(region) >= 0);
  expect(regions.isOver(region)).toBe(true);
  expect([regions.find(0), regions.enter(region, 1), regions.inside(region, 40)]).toEqual([-1, false, []]);
});

it("lets another in for one that leaves early", () => {
  const { regions, region } = opened({ limit: 1 });
  expect(regions.enter(region, 1)).toBe(true);
  regions.returnTicket(region);
  regions.leave(region, 1);
  expect([regions.find(0), regions.enter(region, 2)]).toEqual([region, true]);
});

it("ends where a helper dies, and is given back where its publisher does", () => {
  const { regions, region } = opened({ publisher: 9 });
  regions.enter(region, 1);
  regions.enter(region, 2);
  expect(regions.forget(1)).toBe(true);
  expect([regions.hasLost(region), regions.take(region), regions.isOver(region)]).toEqual([true, -1, false]);
  expect(regions.forget(9)).toBe(false);
  expect(regions.used()).toEqual([region]);
  regions.leave(region, 2);
  expect(regions.used()).toEqual([]);
});

it("has so many regions", () => {
  const { regions } = Board.make(1);
  expect(Array.from({ length: REGIONS }, () => regions.claim(-1)).sort((a, b) => a - b)).toEqual(
    Array.from({ length: REGIONS }, (_, region) => region),
  );
  expect(regions.claim(-1)).toBe(-1);
  regions.free(17);
  expect([regions.claim(-1), regions.claim(-1)]).toEqual([17, -1]);
});

it("keeps numbers, pairs of them and nothing; the rest is told by message", () => {
  const ledger = new Ledger(new SharedArrayBuffer(Ledger.bytes(5)));
  expect(ledger.capacity).toBe(5);
  const results = [-0, undefined, [NaN, 2], 5e-324];
  expect(results.map((result, part) => ledger.write(part, result))).toEqual([true, true, true, true]);
  expect(results.map((_, part) => new Ledger(ledger.memory).read(part))).toEqual(results);
  for (const result of ["1", 1n, null, [1], [1, "2"], [1, 2, 3], {}]) expect(ledger.write(4, result)).toBe(false);
  expect(ledger.entry(4)).toBe(Entry.missing);
  ledger.clear(5);
  expect(ledger.entry(0)).toBe(Entry.missing);
});

it("belongs to who has claimed it, though what is written there is still the call of another that is gone", () => {
  const { regions, region } = opened({ publisher: 6 });
  regions.stop(region);
  regions.free(region);
  expect(regions.claim(4)).toBe(region);
  regions.forget(6);
  expect(regions.used()).toEqual([region]);
  regions.forget(4);
  expect(regions.used()).toEqual([]);
  // In the place of what was never written.
  expect(regions.claim(4)).toBe(region);
  regions.forget(0);
  expect(regions.used()).toEqual([region]);
});
