import { expect, it } from "vitest";
import { shared } from "../../lib/index.ts";

it("makes zeroed and filled arrays over shared memory", () => {
  const zeroed = shared(Float64Array, 3);
  expect(zeroed).toBeInstanceOf(Float64Array);
  expect(zeroed.buffer).toBeInstanceOf(SharedArrayBuffer);
  expect([...zeroed]).toEqual([0, 0, 0]);
  expect([...shared(Int16Array, [1, 2.7, 70000])]).toEqual([1, 2, 4464]);
  expect([...shared(Uint8Array, new Set([5, 6]))]).toEqual([5, 6]);
  expect(shared(Int32Array, new Int32Array(new SharedArrayBuffer(8))).length).toBe(2);
  expect(shared(Int8Array, 0).length).toBe(0);
});

it("refuses other types, lengths and sources", () => {
  expect(() => shared(Array as never, 3)).toThrow(/typed array class such as Float64Array/);
  for (const length of [-1, 1.5, NaN]) expect(() => shared(Int8Array, length)).toThrow(RangeError);
  expect(() => shared(Int8Array, {} as never)).toThrow(TypeError);
  expect(() => shared(Float64Array, 2 ** 50)).toThrow(/can't get 9007199254740992 bytes/);
});
