// Arena: exact counts, what it refuses, and one arena in all threads.

import { afterAll, expect, it } from "vitest";
import { Arena, ArenaFullError, Pool, shared } from "../../lib/index.ts";

const pool = new Pool({ threads: 2 });
afterAll(() => pool.close());

it("counts what was asked for: five integers are 20 bytes, and none when they are freed", () => {
  const arena = new Arena(1 << 16);
  const five = arena.alloc(Int32Array, 5);
  expect(five).toBeInstanceOf(Int32Array);
  expect([...five]).toEqual([0, 0, 0, 0, 0]);
  expect(arena.stats()).toEqual({ byteLength: 65536, liveBytes: 20, peakBytes: 20, reservedBytes: 64, blocks: 1 });
  arena.free(five);
  expect(arena.stats()).toEqual({ byteLength: 65536, liveBytes: 0, peakBytes: 20, reservedBytes: 0, blocks: 0 });
});

it("zeroes what others have used, aligns, and takes blocks of no bytes", () => {
  const arena = new Arena(1 << 14);
  const first = arena.alloc(100).fill(7);
  const at = first.byteOffset;
  arena.free(first);
  const second = arena.alloc(120);
  expect(second.byteOffset).toBe(at);
  expect(second.every((byte) => byte === 0)).toBe(true);
  for (const align of [1, 8, 256, 4096]) expect(arena.alloc(10, align).byteOffset % align).toBe(0);
  const nothing = arena.alloc(Float64Array, 0);
  expect(nothing.length).toBe(0);
  arena.free(nothing);
  expect(arena.stats().blocks).toBe(5);
});

it("gives all of its memory, also of a size that is no power of two, and joins what is freed", () => {
  const arena = new Arena(11 * 64);
  const blocks = Array.from({ length: 11 }, () => arena.alloc(64));
  expect(new Set(blocks.map(({ byteOffset }) => byteOffset)).size).toBe(11);
  expect(Math.max(...blocks.map(({ byteOffset }) => byteOffset))).toBe(10 * 64);
  expect(() => arena.alloc(1)).toThrow(ArenaFullError);
  blocks.forEach((block) => arena.free(block));
  arena.free(arena.alloc(512));
  const error = (() => {
    try {
      return arena.alloc(513);
    } catch (error) {
      return error;
    }
  })();
  expect(error).toMatchObject({
    code: "ERR_BRAID_ARENA_FULL",
    message: "The arena has no room for 513 bytes: 704 are free, at most 512 of them in one piece.",
    asked: 513,
    free: 704,
    largest: 512,
  });
  expect(arena.stats().liveBytes).toBe(0);
});

it("refuses to free twice, what is not its own, and a part", () => {
  const arena = new Arena(4096);
  const block = arena.alloc(Float64Array, 10);
  const sameBytes = new Uint8Array(block.buffer, block.byteOffset, block.byteLength);
  expect(() => arena.free(block.subarray(0, 5))).toThrow("got 40 bytes at 0 of the arena");
  expect(() => arena.free(block.subarray(8))).toThrow("as alloc() gave it");
  expect(() => arena.free(block.subarray(1, 10))).toThrow("as alloc() gave it");
  arena.free(sameBytes);
  expect(() => arena.free(block)).toThrow("freed before");
  const next = arena.alloc(Float64Array, 10);
  expect(next.byteOffset).toBe(block.byteOffset);
  // The place is another's now, but this very view was freed.
  expect(() => arena.free(sameBytes)).toThrow("freed before");
  arena.free(next);
  for (const foreign of [new Uint8Array(4096), shared(Uint8Array, 8), new Arena(4096).alloc(80), 5])
    expect(() => arena.free(foreign as never)).toThrow("Expected free() to get a view that this arena has given");
});

it("is one arena in all threads, and a block may be freed by another", async () => {
  const arena = new Arena(1 << 16);
  expect(await pool.run(() => arena)).toBe(arena);
  const block = await pool.run(() => {
    const mine = arena.alloc(Int32Array, 100);
    mine.fill(3);
    return mine;
  });
  expect(block[99]).toBe(3);
  expect(arena.stats().liveBytes).toBe(400);
  // Without the arena in the same message the memory comes as another object.
  arena.free(block);
  const mine = arena.alloc(Int32Array, 10);
  await pool.run((view: Int32Array) => arena.free(view), mine);
  expect(arena.stats().liveBytes).toBe(0);
  await expect(pool.run(() => void arena.alloc(1 << 20))).rejects.toThrow(ArenaFullError);
});

it.each([
  [() => new Arena(63), RangeError, "Expected byteLength to be a whole number from 64 to 1073741824, got 63."],
  [() => new Arena(null as never), TypeError, "got null"],
  [() => new Arena(64).alloc(-1), RangeError, "got -1"],
  [() => new Arena(64).alloc("5" as never), TypeError, "got string"],
  [() => new Arena(64).alloc(Array as never, 5), TypeError, "a typed array class"],
  [() => new Arena(64).alloc(8, 3), RangeError, "Expected align to be a power of two, got 3."],
  [() => new Arena(64).alloc(Int32Array, 1.5), RangeError, "got 1.5"],
])("refuses what it can't take: %s", (act, type, message) => {
  expect(act).toThrow(type);
  expect(act).toThrow(message);
});
