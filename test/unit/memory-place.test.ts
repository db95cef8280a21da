// Where shared arrays lie, how they travel, and that their memory comes back.

import { once } from "node:events";
import { setImmediate as turn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { MessageChannel, receiveMessageOnPort, Worker } from "node:worker_threads";
import { afterAll, describe, expect, it } from "vitest";
import { Pool, scratch, shared, SharedMemoryFullError, spawn } from "../../lib/index.ts";
import { placeOf, Places, type SharedPlace } from "../../lib/memory/place.ts";

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc") as () => void;

const pool = new Pool({ threads: 2 });
afterAll(() => pool.close());

const holder = (byteLength: number): { type: string; length: number; byteLength: number; where: string } => ({
  type: "Uint8Array",
  length: byteLength,
  byteLength,
  where: "",
});

describe("a large shared array", () => {
  it("has a WebAssembly memory of its own, and begins where that begins", () => {
    const [one, other] = [shared(Float64Array, 5000), shared(Float32Array, new Float32Array(20_000).fill(1.5))];
    expect(placeOf(one)?.memory.buffer).toBe(one.buffer);
    expect(placeOf(other)?.memory).not.toBe(placeOf(one)?.memory);
    expect([one.length, one.byteOffset, one.buffer.byteLength]).toEqual([5000, 0, 65536]);
    expect(one.every((x) => x === 0)).toBe(true);
    expect([other.length, other.buffer.byteLength, other[19_999]]).toEqual([20_000, 131_072, 1.5]);
    expect(placeOf(one.subarray(3))).toEqual({ memory: placeOf(one)!.memory, byteOffset: 24 });
    expect(placeOf(new DataView(one.buffer, 8))?.byteOffset).toBe(8);
  });

  it("is the same memory in a task, and when it comes back", async () => {
    const xs = shared(Int32Array, 10_000);
    const sent = { xs, part: xs.subarray(5, 8), buffer: xs.buffer, view: new DataView(xs.buffer, 16, 8), more: [xs] };
    const came = await pool.run((it) => {
      it.part[0] = 7;
      it.view.setInt32(0, 8, true);
      return it;
    }, sent);
    expect([xs[5], xs[4]]).toEqual([7, 8]);
    came.xs[1] = 9;
    expect(xs[1]).toBe(9);
    expect(came.buffer).toBe(came.xs.buffer);
    expect(placeOf(came.part)?.memory.buffer).toBe(came.buffer);
    expect((await pool.run((it) => it, xs)).buffer).toBe(came.buffer);
    expect([came.part.byteOffset, came.part.length, came.view.byteOffset, came.view.byteLength]).toEqual([
      20, 3, 16, 8,
    ]);
    expect(came.more[0]).toBe(came.xs);
  });

  it("is known again by a thread that has it", async () => {
    const xs = shared(Float64Array, 10_000);
    const module = new URL("../../lib/memory/place.ts", import.meta.url).href;
    await using one = new Pool({ threads: 1 });
    const look = async (array: Float64Array): Promise<boolean[]> => {
      const { placeOf } = (await import(module)) as {
        placeOf: (array: Float64Array) => { memory: object } | undefined;
      };
      const known = globalThis as { first?: object };
      const { memory } = placeOf(array)!;
      const before = known.first;
      known.first ??= memory;
      return [before === memory, (memory as { buffer: unknown }).buffer === array.buffer];
    };
    expect(await one.run(look, xs)).toEqual([false, true]);
    expect(await one.run(look, xs.subarray(4))).toEqual([true, true]);
    expect(await one.run(look, shared(Float64Array, 10_000))).toEqual([false, true]);
  });

  it("made in a task and returned lies in its memory here", async () => {
    const made = await pool.run(() => shared(Float64Array, 6000).fill(2));
    expect(placeOf(made)?.memory.buffer).toBe(made.buffer);
    expect(made.every((x) => x === 2)).toBe(true);
    expect(await spawn(() => shared(Float64Array, 6000).fill(3)).joinAsync()).toHaveLength(6000);
  });

  it("is shared, without its place, where it is posted by other ways", async () => {
    const xs = shared(Float64Array, 10_000);
    const { port1, port2 } = new MessageChannel();
    port1.postMessage(xs.subarray(2));
    const { message } = receiveMessageOnPort(port2) as { message: Float64Array };
    message[0] = 9;
    expect([xs[2], placeOf(message)]).toEqual([9, undefined]);
    port1.close();
    const worker = new Worker("require('worker_threads').workerData[1] = 5", { eval: true, workerData: xs });
    await once(worker, "exit");
    expect(xs[1]).toBe(5);
  });
});

it("small arrays, and those that no memory can hold, are plain shared memory", () => {
  const small = shared(Float64Array, 100);
  expect([placeOf(small), small.buffer.byteLength]).toEqual([undefined, 800]);
  expect(placeOf(new Float64Array(10_000))).toBe(undefined);
  const places = new Places(Infinity, 2);
  const buffers = Array.from({ length: 5 }, () => places.take(holder(40_000)));
  expect(buffers.map((buffer) => places.of(buffer) !== undefined)).toEqual([true, true, true, false, false]);
  const most = 2 ** 32;
  expect(places.of(places.take(holder(most + 1)))).toBe(undefined);
});

describe("memory comes back", () => {
  const MEGABYTE = 2 ** 20;

  it("when it was received in a job that goes on", () => {
    const made = new Places(Infinity);
    const places = new Places(600e6);
    const send = (buffer: SharedArrayBuffer): SharedPlace => structuredClone(made.of(buffer)!);
    for (let round = 0; round < 12; round++) places.receive(send(made.take(holder(100e6))));
    expect(places.take(holder(1e6)).byteLength).toBeGreaterThan(1e6);
  });

  it("not while a part of it, or its buffer, is still in use somewhere", async () => {
    const made = (): [Float64Array, ArrayBufferLike, Worker] => {
      const xs = shared(Float64Array, MEGABYTE).fill(1);
      const worker = new Worker(
        `const { parentPort, workerData } = require("worker_threads");
         parentPort.once("message", () => parentPort.postMessage(workerData.every((x) => x === 1)));`,
        { eval: true, workerData: xs.subarray(MEGABYTE / 2) },
      );
      return [
        shared(Float64Array, MEGABYTE).fill(2).subarray(5),
        shared(Float64Array, MEGABYTE).fill(3).buffer,
        worker,
      ];
    };
    const [part, buffer, worker] = made();
    for (let round = 0; round < 20; round++) {
      shared(Float64Array, MEGABYTE).fill(4);
      gc();
      await turn();
    }
    worker.postMessage(0);
    expect((await once(worker, "message"))[0]).toBe(true);
    await worker.terminate();
    expect(part.every((x) => x === 2)).toBe(true);
    expect(new Float64Array(buffer, 0, MEGABYTE).every((x) => x === 3)).toBe(true);
  });

  it("at the end of a block, by using: zeroed, and only for another scratch array", async () => {
    const first = scratch(Float64Array, 10_000);
    await pool.run(() => void first.fill(7));
    first[Symbol.dispose]();
    expect(shared(Float64Array, 10_000).buffer).not.toBe(first.buffer);
    {
      using again = scratch(Float64Array, 9_500);
      expect(again.buffer).toBe(first.buffer);
      expect([again.length, again.every((x) => x === 0)]).toEqual([9500, true]);
      // That it was disposed of before gives nothing of another's back.
      first[Symbol.dispose]();
      expect(scratch(Float64Array, 9_500).buffer).not.toBe(again.buffer);
      expect(await pool.run(() => again.fill(1).length)).toBe(9500);
    }
    using filled = scratch(Float64Array, new Float64Array(9_500).fill(2));
    expect([filled.buffer === first.buffer, filled[9_499]]).toEqual([true, 2]);
    const [one, two] = [scratch(Int8Array, 3), scratch(Int8Array, 3)];
    one[Symbol.dispose]();
    expect([two.length, scratch(Int8Array, 3).buffer === one.buffer]).toEqual([3, false]);
    expect(() => scratch(Array as never, 3)).toThrow(/^scratch\(\) expects a typed array class/);
  });
});

describe("where there is no more", () => {
  const LIMIT = 100e6;

  it("the error names the largest holders", () => {
    const places = new Places(LIMIT);
    const held = [places.take({ type: "Float64Array", length: 5e6, byteLength: 40e6, where: "a.ts:1:2" })];
    for (let i = 0; i < 3; i++)
      held.push(places.take({ type: "Int8Array", length: 15e6, byteLength: 15e6, where: "b.ts:3:4" }));
    const error = (() => {
      try {
        return places.take(holder(20e6));
      } catch (error) {
        return error;
      }
    })() as SharedMemoryFullError;
    expect(error).toBeInstanceOf(SharedMemoryFullError);
    expect(error).toMatchObject({ code: "ERR_BRAID_SHARED_MEMORY_FULL", asked: 20e6, held: 85e6, retryable: true });
    expect(error.message).toBe(
      "There is no shared memory for 20000000 bytes more: the arrays that this thread holds have 85000000. The largest:\n" +
        "  45 MB: 3 x Int8Array of length 15000000 from b.ts:3:4\n" +
        "  40 MB: 1 x Float64Array of length 5000000 from a.ts:1:2",
    );
    expect(error.holders.map(({ count }) => count)).toEqual([3, 1]);
    expect(places.take(holder(15e6)).byteLength).toBeGreaterThan(15e6);
    expect(held).toHaveLength(4);
    expect(() => places.take(holder(LIMIT + 1))).toThrow(RangeError);
  });

  it("garbage, and memory that waits to be used again, make room", () => {
    const places = new Places(LIMIT);
    for (let i = 0; i < 10; i++) places.take(holder(60e6));
    places.giveBack(places.take(holder(60e6)));
    expect(places.take(holder(80e6)).byteLength).toBeGreaterThan(80e6);
  });

  it("it is told where an array was made, and by whom it was received", async () => {
    const places = new Places(LIMIT);
    const here = new Places(LIMIT);
    const theirs = places.take(holder(60e6));
    expect(here.receive(places.of(theirs)!)).toBe(theirs);
    expect(here.receive(places.of(theirs)!)).toBe(theirs);
    expect(() => here.take(holder(50e6))).toThrow(/60 MB: 1 x Uint8Array/);
    const xs = shared(Float64Array, 2e5);
    const { places: own } = await import("../../lib/memory/place.ts");
    expect(own.of(xs.buffer)?.holder.where).toMatch(/memory-place\.test\.ts.*:\d+:\d+$/);
    expect(own.of(shared(Float64Array, 2e4).buffer)?.holder.where).toBe("");
  });
});
