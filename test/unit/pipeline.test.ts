// pipeline(): order, back-pressure, errors, and that nothing of it is left behind.

import { describe, expect, it } from "vitest";
import { Channel, pipeline, shared, StageError } from "../../lib/index.ts";

function* numbers(count: number, log: { taken: number; isClosed: boolean }): Generator<number> {
  try {
    for (let n = 0; n < count; n++) {
      log.taken++;
      yield n;
    }
  } finally {
    log.isClosed = true;
  }
}

it("takes items through its stages", async () => {
  const offset = 100;
  const results = pipeline([1, 2, 3, 4])
    .stage((n) => n * 2)
    .stage(async (n) => `${n + offset}`);
  expect(await results.toArray()).toEqual(["102", "104", "106", "108"]);
  expect(results.queues()).toEqual([
    { name: "stage 1", length: 0 },
    { name: "stage 2", length: 0 },
    { name: "results", length: 0 },
  ]);
  await expect(results.toArray()).rejects.toThrow(TypeError);
  expect(await pipeline(new Set([1, 2])).toArray()).toEqual([1, 2]);
  expect(
    await pipeline([])
      .stage((n: number) => n)
      .toArray(),
  ).toEqual([]);
});

it("keeps the order where it is asked to, with several threads", async () => {
  const input = Array.from({ length: 60 }, (_, n) => n);
  const uneven = (n: number): number => {
    for (let i = 0; i < (n % 7) * 20_000; i++);
    return n;
  };
  const ordered = pipeline(input)
    .stage(uneven, { threads: 3, ordered: true })
    .stage(uneven, { threads: 2, ordered: true });
  expect(await ordered.toArray()).toEqual(input);
  const loose = await pipeline(input).stage(uneven, { threads: 3 }).toArray();
  expect(loose.sort((a, b) => a - b)).toEqual(input);
});

it("holds back a source that is too fast", async () => {
  const log = { taken: 0, isClosed: false };
  const gate = new Channel<number>(0);
  const results = pipeline(numbers(1000, log)).stage(
    (n) => {
      gate.recv();
      return n;
    },
    { capacity: 4, name: "slow" },
  );
  const reading = results.toArray();
  for (let n = 0; n < 100; n++) {
    await gate.sendAsync(n);
    // In the queue, in the stage, behind it, and on the way in.
    expect(log.taken).toBeLessThanOrEqual(n + 1 + 4 + 4 + 3);
    expect(results.queues()[0]!.length).toBeLessThanOrEqual(4);
  }
  const opening = (async () => {
    for (let n = 100; n < 1000; n++) await gate.sendAsync(n);
  })();
  expect((await reading).length).toBe(1000);
  await opening;
  expect(log.isClosed).toBe(true);
});

describe("ends", () => {
  it("when a stage fails, with its name and the item's index", async () => {
    const log = { taken: 0, isClosed: false };
    const results = pipeline(numbers(1e9, log))
      .stage((n) => n + 1, { name: "first" })
      .stage(
        (n) => {
          if (n === 8) throw new RangeError("eight");
          return n;
        },
        { name: "second" },
      );
    const got: number[] = [];
    const error: unknown = await (async () => {
      for await (const n of results) got.push(n);
    })().catch((error: unknown) => error);
    expect(error).toBeInstanceOf(StageError);
    expect(error).toMatchObject({ stage: "second", index: 7, cause: { name: "RangeError", message: "eight" } });
    expect(got).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(log.isClosed).toBe(true);
  });

  it("when a thread dies, or the source fails", async () => {
    const dying = pipeline([1])
      .stage(() => process.exit(3), { name: "dying" })
      .toArray();
    await expect(dying).rejects.toMatchObject({ name: "StageError", stage: "dying", index: undefined });
    const failing = (async function* () {
      yield 1;
      throw new RangeError("source");
    })();
    await expect(
      pipeline(failing)
        .stage((n) => n)
        .toArray(),
    ).rejects.toThrow(new RangeError("source"));
  });

  it("when its reader stops early, with all threads, also one that would never end", async () => {
    const log = { taken: 0, isClosed: false };
    const beats = shared(Int32Array, 1);
    const results = pipeline(numbers(1e9, log)).stage(
      (n) => {
        if (n < 3) return n;
        for (;;) Atomics.add(beats, 0, 1);
      },
      { threads: 2 },
    );
    for await (const n of results) if (n === 2) break;
    expect(log.isClosed).toBe(true);
    const before = beats[0];
    for (let n = 0; n < 1e6; n++);
    expect(beats[0]).toBe(before);
  });
});

it("says what is wrong with its arguments", () => {
  expect(() => pipeline(1 as never)).toThrow(TypeError);
  expect(() => pipeline([]).stage(1 as never)).toThrow(TypeError);
  const stage = (options: object) => () => pipeline([1]).stage((n) => n, options);
  expect(stage({ threads: 0 })).toThrow(RangeError);
  expect(stage({ capacity: -1 })).toThrow(RangeError);
  expect(stage({ size: 1 })).toThrow(TypeError);
  expect(stage({ ordered: 1 })).toThrow(TypeError);
});
