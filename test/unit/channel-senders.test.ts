// channel(): it closes with its last sender, whatever becomes of that.

import type { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { channel, ChannelClosedError, spawn, Pool, watch } from "../../lib/index.ts";

describe("the last sender", () => {
  it("closes the channel, and not before", async () => {
    const [sender, receiver] = channel<number>(4);
    const clone = sender.clone();
    sender.send(1);
    sender[Symbol.dispose]();
    sender[Symbol.dispose]();
    expect(() => sender.send(2)).toThrow(expect.objectContaining({ name: "ChannelClosedError", value: 2 }) as Error);
    expect(() => sender.clone()).toThrow(ChannelClosedError);
    await clone.sendAsync(3);
    expect(clone.trySend(4)).toBe(true);
    clone.sendMany([5]);
    const waiting = (async () => {
      const got: number[] = [];
      for await (const value of receiver) got.push(value);
      return got;
    })();
    clone[Symbol.dispose]();
    expect(await waiting).toEqual([1, 3, 4, 5]);
    expect(receiver.tryRecv()).toEqual({ ok: false, closed: true });
  });

  it("that is kept keeps a reader waiting, and watch says for what", async () => {
    const [sender, receiver] = channel<number>(4);
    let reading: Promise<number> | undefined;
    const watching = watch({ timeoutMs: 300 }, () => (reading = receiver.recvAsync()));
    await expect(watching).rejects.toMatchObject({
      name: "DeadlockError",
      cycle: [expect.objectContaining({ holds: "", waitsFor: "a message" })],
    });
    sender[Symbol.dispose]();
    await expect(reading).rejects.toThrow(ChannelClosedError);
  });

  it("may be in another thread", async () => {
    const [sender, receiver] = channel<number>();
    const threads = [1, 2, 3].map((n) =>
      spawn(() => {
        using own = sender.clone();
        for (let i = 0; i < 10; i++) own.send(n);
        sender[Symbol.dispose]();
      }),
    );
    // Those that are on their way count.
    sender[Symbol.dispose]();
    let sum = 0;
    for (const value of receiver) sum += value;
    expect(sum).toBe(60);
    await Promise.all(threads.map((thread) => thread.joinAsync()));
  });

  it("may end with its thread, by itself or not", async () => {
    const [sender, receiver] = channel<number>(1);
    const ending = spawn(() => sender.send(1));
    const endless = spawn(() => {
      for (;;) sender.send(2);
    });
    sender[Symbol.dispose]();
    const seen = new Set<number>();
    while (seen.size < 2) seen.add(receiver.recv());
    await ending.joinAsync();
    expect(receiver.recv()).toBeGreaterThan(0);
    await endless.terminate();
    const rest = [...receiver];
    expect(rest.length).toBeLessThan(3);
    await expect(receiver.recvAsync()).rejects.toThrow(ChannelClosedError);
  });

  it("may be in a thread that is terminated while this one is blocked", async () => {
    const online = new Promise((heard) => process.once("worker", (worker: Worker) => worker.once("online", heard)));
    const [sender, receiver] = channel<number>(1);
    const thread = spawn(() => {
      sender.send(1);
      for (;;);
    });
    sender[Symbol.dispose]();
    expect(await receiver.recvAsync()).toBe(1);
    // Of a thread of which this one has heard nothing yet it can't be told.
    await online;
    void thread.terminate();
    expect(() => receiver.recv()).toThrow(ChannelClosedError);
  });

  it("may go through a pool and through a channel", async () => {
    await using pool = new Pool({ threads: 2 });
    const [sender, receiver] = channel<number>(10);
    const [post, letters] = channel<typeof sender>(1);
    const done = pool.run(() => {
      using got = letters.recv();
      got.send(7);
    });
    post.send(sender);
    sender[Symbol.dispose]();
    expect(await receiver.recvAsync()).toBe(7);
    await expect(receiver.recvAsync()).rejects.toThrow(ChannelClosedError);
    await done;
  });
});
