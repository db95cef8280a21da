// channel(): it closes with its last sender, whatever becomes of that.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { setImmediate as turn } from "node:timers/promises";
import type { Worker } from "node:worker_threads";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  shared,
  CancelledError,
  channel,
  Channel,
  ChannelClosedError,
  Latch,
  move,
  otherwise,
  Pool,
  select,
  spawn,
  TimeoutError,
  watch,
  type Sender,
} from "../../lib/index.ts";

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc") as () => void;

/** Until that has come of what nobody has any more. */
async function collected(isSo: () => boolean): Promise<void> {
  for (let tries = 0; tries < 1000 && !isSo(); tries++) {
    gc();
    await turn();
  }
  expect(isSo()).toBe(true);
}

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

const OVER = { ok: false, closed: true };

describe("a sender in something that is not sent after all", () => {
  /** What is to hold nothing back: the sender is the last one. */
  const REFUSED: Record<string, (sender: Sender<number>, to: Channel<unknown>, full: Channel<unknown>) => unknown> = {
    "a message with something that can't be sent": (sender, to) => to.send([sender, new WeakMap()]),
    "one that V8 can't copy": (sender, to) => to.send([sender, move(new MessageChannel().port1 as never)]),
    "a message that there is no room for": (sender, _, full) => full.trySend([sender]) || Promise.reject(new Error()),
    "one that waits in vain": (sender, _, full) => full.send([sender], { timeoutMs: 1 }),
    "one that waits in vain, without blocking": (sender, _, full) => full.sendAsync([sender], { timeoutMs: 1 }),
    "a rendezvous that nobody comes to": (sender) => new Channel<unknown>().send({ sender }, { timeoutMs: 1 }),
    "one that is aborted": (sender) => new Channel<unknown>().sendAsync({ sender }, { signal: AbortSignal.abort() }),
    "one that is tried": (sender) => new Channel<unknown>().trySend({ sender }) || Promise.reject(new Error()),
    "a channel that is closed": (sender, to) => (to.close(), to.send([sender])),
    "a batch that is lost": async (sender) => {
      const batches = new Channel<unknown>(8, { batch: 4 });
      const [ready, go] = [new Latch(1), new Latch(1)];
      const closing = spawn(() => (ready.countDown(), go.wait(), batches.close()));
      await ready.waitAsync();
      batches.send([sender]);
      go.countDown();
      // Blocking would send it.
      while (!batches.isClosed);
      await closing.joinAsync();
      batches.send(1);
    },
    "a task with something that can't be sent": (sender) => pool.run((a, b) => [a, b], sender, new WeakMap() as never),
    "a thread": (sender) => spawn((a, b) => [a, b], sender, new WeakMap() as never).joinAsync(),
  };
  let pool: Pool;
  beforeAll(() => void (pool = new Pool({ threads: 1 })));
  afterAll(() => pool.close());

  it.each(Object.entries(REFUSED))("counts no longer: %s", async (_, act) => {
    const [sender, receiver] = channel<number>(1);
    const full = new Channel<unknown>(1);
    full.send(0);
    await expect((async () => act(sender, new Channel<unknown>(1), full))()).rejects.toThrow();
    sender.send(1);
    sender[Symbol.dispose]();
    expect([receiver.tryRecv(), receiver.tryRecv()]).toEqual([{ ok: true, value: 1 }, OVER]);
  });

  it("a task that was cancelled before it began", async () => {
    const [sender, receiver] = channel<number>(1);
    const [begun, go] = [new Latch(1), shared(Int32Array, 1)];
    // One that blocks would be stood in for.
    const first = pool.run(() => {
      begun.countDown();
      while (Atomics.load(go, 0) === 0);
    });
    await begun.waitAsync();
    const second = pool.submit((own) => own.send(1), sender);
    sender[Symbol.dispose]();
    second.cancel();
    await expect(second).rejects.toThrow(CancelledError);
    expect(receiver.tryRecv()).toEqual(OVER);
    Atomics.store(go, 0, 1);
    await first;
  });

  it("a case that a select did not choose, once it is garbage", async () => {
    const [sender, receiver] = channel<number>(1);
    expect(select([new Channel<unknown>().onSend([sender], () => 1), otherwise(() => 2)])).toBe(2);
    sender[Symbol.dispose]();
    await collected(() => (receiver as Channel<number>).isClosed);
  });

  it("one that was sent still counts", async () => {
    const [sender, receiver] = channel<number>(1);
    const there = new Channel<[Sender<number>]>(1);
    const cases = [there.onSend([sender], () => 1)];
    select(cases);
    sender[Symbol.dispose]();
    expect(() => receiver.recv({ timeoutMs: 1 })).toThrow(TimeoutError);
    const [arrived] = there.recv();
    arrived.send(5);
    arrived[Symbol.dispose]();
    expect([receiver.tryRecv(), receiver.tryRecv()]).toEqual([{ ok: true, value: 5 }, OVER]);
  });
});

it("senders that are garbage count no longer", async () => {
  const [first, receiver] = channel<number>(4);
  let dropped: Sender<number> | undefined = first.clone();
  dropped.send(1);
  first[Symbol.dispose]();
  expect((receiver as Channel<number>).isClosed).toBe(false);
  dropped = undefined;
  await collected(() => (receiver as Channel<number>).isClosed);
  expect([...receiver]).toEqual([1]);
});
