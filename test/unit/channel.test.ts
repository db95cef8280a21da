// Channels within one thread and between threads: every form of sending and receiving, every kind of value, the end.

import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import {
  Channel,
  ChannelClosedError,
  ChannelFullError,
  CancelledError,
  move,
  NotSendableError,
  Pool,
  Semaphore,
  shared,
  spawn,
  TimeoutError,
} from "../../lib/index.ts";

const FLAVOURS = [
  ["rendezvous", 0],
  ["of one", 1],
  ["of many", 100],
  ["without a limit", Infinity],
] as const;

describe.each(FLAVOURS)("a channel %s", (_, capacity) => {
  it("gives what was sent, in order, and ends when it is closed and empty", async () => {
    const channel = new Channel<number>(capacity);
    const got: number[] = [];
    const reading = (async () => {
      for await (const value of channel) got.push(value);
    })();
    for (let n = 0; n < 300; n++) await channel.sendAsync(n);
    channel.close();
    await reading;
    expect(got).toEqual(Array.from({ length: 300 }, (_, n) => n));
    expect(channel.isClosed).toBe(true);
    expect(channel.length).toBe(0);
    expect(() => channel.recv()).toThrow(ChannelClosedError);
    await expect(channel.recvAsync()).rejects.toThrow(ChannelClosedError);
    expect(channel.tryRecv()).toEqual({ ok: false, closed: true });
    expect([...channel]).toEqual([]);
  });

  it("hands back the value that can't be sent any more, and is closed once", async () => {
    const channel = new Channel<object>(capacity);
    channel.close();
    const value = { n: 1 };
    for (const send of [() => channel.send(value), () => channel.trySend(value), () => channel.sendMany([value])])
      expect(send).toThrow(expect.objectContaining({ code: "ERR_BRAID_CHANNEL_CLOSED", value }) as Error);
    await expect(channel.sendAsync(value)).rejects.toMatchObject({ code: "ERR_BRAID_CHANNEL_CLOSED", value });
    expect(() => channel.close()).toThrow(ChannelClosedError);
  });

  it("lets blocked threads talk to each other and to this one", async () => {
    const [there, back] = [new Channel<number>(capacity), new Channel<number>(capacity)];
    const thread = spawn(() => {
      for (const n of there) back.send(n * 2);
      back.close();
    });
    const sending = spawn(() => {
      for (let n = 0; n < 200; n++) there.send(n);
      there.close();
    });
    expect([...back]).toEqual(Array.from({ length: 200 }, (_, n) => n * 2));
    await Promise.all([thread.joinAsync(), sending.joinAsync()]);
  });

  it("ends a wait that takes too long, is aborted, or waits for a channel that is closed", async () => {
    const channel = new Channel<number>(capacity);
    expect(() => channel.recv({ timeoutMs: 1 })).toThrow(TimeoutError);
    expect(() => channel.recv({ timeoutMs: 0 })).toThrow(TimeoutError);
    await expect(channel.recvAsync({ timeoutMs: 1 })).rejects.toThrow(TimeoutError);
    await expect(channel.recvAsync({ timeoutMs: 0 })).rejects.toThrow(TimeoutError);
    const abort = new AbortController();
    const aborted = channel.recvAsync({ signal: abort.signal });
    abort.abort();
    await expect(aborted).rejects.toThrow(CancelledError);
    await expect(channel.recvAsync({ signal: abort.signal })).rejects.toThrow(CancelledError);
    const waiting = channel.recvAsync();
    const blocked = spawn(() => channel.recv());
    channel.close();
    await expect(waiting).rejects.toThrow(ChannelClosedError);
    await expect(blocked.joinAsync()).rejects.toThrow(ChannelClosedError);
  });

  it("carries every kind of value", async () => {
    const channel = new Channel<unknown>(capacity);
    const values = [
      ...[
        0,
        -0,
        NaN,
        Infinity,
        2 ** 53,
        1n,
        -(2n ** 100n),
        "",
        "text",
        "ü€",
        "\u{1F600}",
        true,
        false,
        null,
        undefined,
      ],
      ...[[], [1, [2, ["x"]]], {}, { a: { b: 1 } }, new Date(5), /x/gi, new Map([[1, { two: 2 }]]), new Set([1])],
      ...[
        new Float64Array([1, 2]),
        new Error("told"),
        "long".repeat(50_000),
        Array.from({ length: 20_000 }, (_, n) => n),
      ],
    ];
    const got: unknown[] = [];
    const reading = (async () => {
      for await (const value of channel) got.push(value);
    })();
    for (const value of values) await channel.sendAsync(value);
    channel.close();
    await reading;
    expect(got).toEqual(values);
    expect(Object.is(got[1], -0)).toBe(true);
  });
});

describe("room", () => {
  it("is what the capacity says", () => {
    for (const capacity of [1, 2, 3, 255, 256, 1000]) {
      const channel = new Channel<number>(capacity);
      for (let round = 0; round < 3; round++) {
        for (let n = 0; n < capacity; n++) expect(channel.trySend(n)).toBe(true);
        expect(channel.trySend(-1)).toBe(false);
        expect(channel.length).toBe(capacity);
        for (let n = 0; n < capacity; n++) expect(channel.recv()).toBe(n);
        expect(channel.tryRecv()).toEqual({ ok: false, closed: false });
      }
    }
  });

  it("is waited for", async () => {
    const channel = new Channel<string>(1);
    channel.send("first");
    expect(() => channel.send("late", { timeoutMs: 1 })).toThrow(TimeoutError);
    await expect(channel.sendAsync("late", { timeoutMs: 1 })).rejects.toThrow(TimeoutError);
    const sending = ["second", "third"].map((value) => channel.sendAsync(value));
    expect([await channel.recvAsync(), await channel.recvAsync(), await channel.recvAsync()]).toEqual([
      "first",
      "second",
      "third",
    ]);
    await Promise.all(sending);
    expect(channel.length).toBe(0);
  });

  it("of a rendezvous is where somebody waits; what nobody took is not sent", async () => {
    const channel = new Channel<number>();
    expect(channel.capacity).toBe(0);
    expect(channel.trySend(1)).toBe(false);
    expect(() => channel.send(1, { timeoutMs: 1 })).toThrow(TimeoutError);
    const abort = new AbortController();
    const sending = channel.sendAsync(2, { signal: abort.signal });
    expect(channel.length).toBe(0);
    abort.abort();
    await expect(sending).rejects.toThrow(CancelledError);
    expect(channel.tryRecv()).toEqual({ ok: false, closed: false });
    const receiving = channel.recvAsync();
    expect(channel.trySend(3)).toBe(true);
    expect(await receiving).toBe(3);
    const offered = channel.sendAsync(4);
    expect(channel.recv()).toBe(4);
    await offered;
  });

  it("of a rendezvous: who waits to send when it is closed gets the value back", async () => {
    const channel = new Channel<number>();
    const sending = channel.sendAsync(7);
    channel.close();
    await expect(sending).rejects.toMatchObject({ code: "ERR_BRAID_CHANNEL_CLOSED", value: 7 });
    expect(channel.tryRecv()).toEqual({ ok: false, closed: true });
  });

  it("without a limit grows, and what doesn't fit any more is refused", () => {
    const channel = new Channel<number | Uint8Array>(Infinity, { byteLength: 2 ** 22 });
    for (let n = 0; n < 5000; n++) channel.send(n);
    expect(channel.length).toBe(5000);
    for (let n = 0; n < 5000; n++) expect(channel.recv()).toBe(n);
    const value = new Uint8Array(2 ** 17);
    let sent = 0;
    try {
      for (; sent < 64; sent++) channel.send(value);
    } catch (error) {
      expect(error).toBeInstanceOf(ChannelFullError);
      expect((error as ChannelFullError).value).toBe(value);
    }
    expect(sent).toBeGreaterThan(2);
    expect(sent).toBeLessThan(64);
    for (let n = 0; n < sent; n++) expect((channel.recv() as Uint8Array).length).toBe(2 ** 17);
    channel.send(1);
    expect(channel.recv()).toBe(1);
  });
});

describe("values", () => {
  it("are as they were when they were sent", async () => {
    const channel = new Channel<number[]>(1);
    const value = [1];
    const sending = [channel.sendAsync(value), channel.sendAsync(value)];
    value.push(2);
    expect([await channel.recvAsync(), await channel.recvAsync()]).toEqual([[1], [1]]);
    await Promise.all(sending);
  });

  it("that are moved are gone here", () => {
    const channel = new Channel<unknown>(1);
    const array = new Float64Array([1, 2, 3]);
    channel.send({ array: move(array) });
    expect(array.length).toBe(0);
    expect(channel.recv()).toEqual({ array: new Float64Array([1, 2, 3]) });
  });

  it("that can't be sent are refused, with their place, before anything is sent", async () => {
    const channel = new Channel<unknown>(1);
    const wrong = { list: [1, new WeakMap()] };
    for (const send of [() => channel.send(wrong), () => channel.trySend(wrong)])
      expect(send).toThrow(
        expect.objectContaining({ code: "ERR_BRAID_NOT_SENDABLE", path: "message.list[1]" }) as Error,
      );
    await expect(channel.sendAsync(Promise.resolve())).rejects.toThrow(NotSendableError);
    expect(() => channel.send(move(new MessageChannel().port1 as unknown as object))).toThrow(NotSendableError);
    expect(channel.length).toBe(0);
  });

  it("that are shared, primitives and functions are the same on the other side", async () => {
    await using pool = new Pool({ threads: 2 });
    const channel = new Channel<unknown>(4);
    const semaphore = new Semaphore(0);
    const memory = shared(Int32Array, 1);
    const answer = new Channel<number>(1);
    const base = 40;
    const done = pool.run(() => {
      const [one, two, f, back] = channel.recv() as [Semaphore, Int32Array, (n: number) => number, Channel<number>];
      two[0] = 7;
      one.release();
      back.send(f(2));
    });
    channel.send([semaphore, memory, (n: number) => n + base, answer]);
    await semaphore.acquireAsync();
    expect(memory[0]).toBe(7);
    expect(await answer.recvAsync()).toBe(42);
    await done;
    channel.send({ channel, semaphore });
    const same = channel.recv() as { channel: unknown; semaphore: unknown };
    // Not toEqual, which would iterate.
    expect(same.channel === channel && same.semaphore === semaphore).toBe(true);
  });

  it("follow a schema", () => {
    const schema = { id: "i32", name: "string", values: "f64[]", flags: "bool[]", at: { x: "f32", n: "u8" } };
    const channel = new Channel<object>(4, { schema });
    const value = { id: -5, name: "ü€", values: [1.5, NaN], flags: [true, false], at: { x: 0.5, n: 255 } };
    channel.send(value);
    channel.send({ ...value, name: "", values: new Float64Array(0), more: 1 });
    expect(channel.recv()).toEqual(value);
    expect(channel.recv()).toEqual({ ...value, name: "", values: [] });
    expect(() => channel.send({ ...value, id: "5" })).toThrow(
      new TypeError('Expected message.id to be a number (i32), got "5".'),
    );
    expect(() => channel.send({ ...value, at: { x: 1, n: 256 } })).toThrow(RangeError);
    expect(() => channel.send({ ...value, values: ["1"] })).toThrow("message.values[0]");
    expect(channel.length).toBe(0);
    expect(() => new Channel(1, { schema: { id: "int" } })).toThrow(TypeError);
  });
});

it("says what is wrong with its arguments", () => {
  for (const capacity of [-1, 1.5, NaN, 2 ** 23]) expect(() => new Channel(capacity)).toThrow(RangeError);
  expect(() => new Channel("1" as never)).toThrow(TypeError);
  expect(() => new Channel(1, { size: 1 } as never)).toThrow('Channel has no option "size"');
  const channel = new Channel<number>(1);
  expect(() => channel.recv({ timeoutMs: -1 })).toThrow(RangeError);
  expect(() => channel.recv({ signal: new AbortController().signal } as never)).toThrow(TypeError);
  expect(() => channel.sendMany(1 as never)).toThrow(TypeError);
});

it("blocks this thread while a pool's threads send", async () => {
  await using pool = new Pool({ threads: 2 });
  const channel = new Channel<number>(2);
  const sending = [0, 1].map((thread) =>
    pool.run(() => {
      for (let n = 0; n < 100; n++) channel.send(thread);
    }),
  );
  // The pool's threads get their tasks by this thread's event loop.
  while (channel.length === 0) await turn();
  let sum = 0;
  for (let n = 0; n < 200; n++) sum += channel.recv();
  expect(sum).toBe(100);
  await Promise.all(sending);
});

describe("batches", () => {
  it("go when they are full, at the end of the code, before it blocks, and on close", async () => {
    const channel = new Channel<unknown>(12, { batch: 4 });
    for (let n = 0; n < 4; n++) channel.send(n);
    expect([0, 1, 2, 3].map(() => channel.recv())).toEqual([0, 1, 2, 3]);
    channel.send(5);
    expect(channel.tryRecv().ok).toBe(false);
    await turn();
    expect(channel.recv()).toBe(5);
    channel.send({ a: 1 });
    channel.send("x");
    channel.send(undefined);
    // It blocks, and so gets its own.
    expect([channel.recv(), channel.recv(), channel.recv()]).toEqual([{ a: 1 }, "x", undefined]);
    for (const value of [1, 2.5, "x", 3]) channel.send(value);
    expect([0, 1, 2, 3].map(() => channel.recv())).toEqual([1, 2.5, "x", 3]);
    const value = [1];
    channel.sendMany([value, 7]);
    value.push(2);
    channel.close();
    expect([...channel]).toEqual([[1], 7]);
    expect(() => channel.send(1)).toThrow(ChannelClosedError);
  });

  it("hold back who sends, and arrive in order between threads", async () => {
    const channel = new Channel<number>(64, { batch: 16 });
    const thread = spawn(() => {
      for (let n = 0; n < 1000; n++) channel.send(n);
      channel.close();
    });
    const got: number[] = [];
    for await (const n of channel) got.push(n);
    expect(got).toEqual(Array.from({ length: 1000 }, (_, n) => n));
    await thread.joinAsync();
    const full = new Channel<number>(2, { batch: 2 });
    const sent = [1, 2, 3, 4].map((n) => full.trySend(n));
    expect(sent).toEqual([true, true, true, true]);
    expect(full.trySend(5)).toBe(false);
    expect(() => full.send(5, { timeoutMs: 1 })).toThrow(TimeoutError);
    expect([1, 2, 3, 4].map(() => full.recv())).toEqual([1, 2, 3, 4]);
    expect(() => new Channel(0, { batch: 2 })).toThrow(RangeError);
    expect(() => new Channel(1, { batch: 0 })).toThrow(RangeError);
  });
});
