// Channels under many threads, and under threads that end at any moment.

import { describe, expect, it } from "vitest";
import { Channel, ChannelClosedError, Pool, spawn, TimeoutError } from "../../lib/index.ts";

const FLAVOURS = [
  ["rendezvous", 0, 1500],
  ["of one", 1, 4000],
  ["of eight", 8, 10_000],
  ["of 1000", 1000, 20_000],
  ["without a limit", Infinity, 20_000],
] as const;

interface Parcel {
  n: number;
  name?: string;
  list?: number[];
}

/** Numbers, and objects of two kinds, by turns: sender times a million plus a count. */
function send(channel: Channel<number | Parcel>, sender: number, count: number): void {
  for (let n = 0; n < count; n++) {
    const value = sender * 1_000_000 + n;
    if (n % 3 === 0) channel.send({ n: value });
    else if (n % 3 === 1) channel.send(value);
    else channel.send({ n: value, name: `parcel ${value}`.repeat(1 + (n % 4)), list: new Array(n % 9).fill(value) });
  }
}

/** The number of a message, if all of it is of that number. */
function numberOf(message: number | Parcel): number {
  if (typeof message === "number") return message;
  const { n, name = "", list = [] } = message;
  return list.every((one) => one === n) && name.replaceAll(`parcel ${n}`, "") === "" ? n : NaN;
}

function receive(channel: Channel<number | Parcel>): number[] {
  const got: number[] = [];
  for (const value of channel) got.push(numberOf(value));
  return got;
}

describe.each(FLAVOURS)("a channel %s", (_, capacity, count) => {
  it("gives each message to one receiver, those of a sender in order", async () => {
    await using pool = new Pool({ threads: 6 });
    const channel = new Channel<number | Parcel>(capacity);
    const receiving = [0, 1, 2].map(() => pool.run(receive, channel));
    const here = (async () => {
      const got: number[] = [];
      for await (const value of channel) got.push(numberOf(value));
      return got;
    })();
    const sending = [0, 1, 2].map((sender) => pool.run(send, channel, sender, count));
    for (let n = 0; n < 500; n++) await channel.sendAsync(3_000_000 + n);
    await Promise.all(sending);
    channel.close();
    const lists = await Promise.all([...receiving, here]);
    for (const list of lists) {
      const last = new Map<number, number>();
      for (const value of list) {
        const sender = Math.floor(value / 1_000_000);
        expect(value).toBeGreaterThan(last.get(sender) ?? -1);
        last.set(sender, value);
      }
    }
    const all = lists.flat().sort((a, b) => a - b);
    const sent = [0, 1, 2, 3].flatMap((sender) =>
      Array.from({ length: sender === 3 ? 500 : count }, (_, n) => sender * 1_000_000 + n),
    );
    expect(all).toEqual(sent);
  });

  it("goes on for the others when threads end in the midst of it", async () => {
    for (let round = 0; round < 4; round++) {
      const channel = new Channel<number | Parcel>(capacity);
      const forever = 1e9;
      const senders = [1, 2].map((sender) => spawn(send, channel, sender, forever));
      const receiver = spawn(receive, channel);
      const got: number[] = [];
      const take = (most: number): void => {
        for (let n = 0; n < most; n++) {
          const value = channel.recv();
          got.push(numberOf(value));
        }
      };
      // All of them are at it.
      take(50);
      for (let n = 0; n < 1000 * round; n++);
      await Promise.all([senders[0]!.terminate(), receiver.terminate()]);
      take(50);
      // At any moment, seen from here.
      const ending = senders[1]!.terminate();
      while (channel.tryRecv().ok);
      await ending;
      while (channel.tryRecv().ok);
      // The channel is as good as before.
      const survivor = spawn(
        (sender: number, count: number) => {
          for (let n = 0; n < count; n++) channel.send(sender * 1_000_000 + n);
          channel.close();
        },
        5,
        100,
      );
      expect(receive(channel)).toEqual(Array.from({ length: 100 }, (_, n) => 5_000_000 + n));
      await survivor.joinAsync();
      for (const sender of [1, 2]) {
        const own = got.filter((value) => Math.floor(value / 1_000_000) === sender);
        expect(own).toEqual([...own].sort((a, b) => a - b));
        expect(new Set(own).size).toBe(own.length);
      }
    }
  });

  it("loses nothing where those that wait give up at any moment", async () => {
    const channel = new Channel<number | Parcel>(capacity);
    const count = 300;
    const sending = spawn((count: number) => {
      for (let n = 0; n < count; n++)
        for (let sent = false; !sent;)
          try {
            if (n % 2 === 0) channel.send(n, { timeoutMs: (n % 5) * 0.1 });
            else channel.send({ n }, { timeoutMs: (n % 7) * 0.1 });
            sent = true;
          } catch (error) {
            if ((error as { code?: string }).code !== "ERR_BRAID_TIMEOUT") throw error;
          }
      channel.close();
    }, count);
    const got: number[] = [];
    for (let turn = 0; ; turn++)
      try {
        const value =
          turn % 2 === 0
            ? channel.recv({ timeoutMs: (turn % 4) * 0.1 })
            : await channel.recvAsync({ timeoutMs: turn % 3 });
        got.push(numberOf(value));
      } catch (error) {
        if (error instanceof ChannelClosedError) break;
        if (!(error instanceof TimeoutError)) throw error;
      }
    await sending.joinAsync();
    expect(got).toEqual(Array.from({ length: count }, (_, n) => n));
  });
});

it("loses nothing in batches", async () => {
  await using pool = new Pool({ threads: 4 });
  const channel = new Channel<number | Parcel>(256, { batch: 16 });
  const count = 20_000;
  // By their number: the last batches may come after the tasks that gathered them have ended.
  const receiving = pool.run(
    (count: number) => Array.from({ length: count }, () => numberOf(channel.recv())),
    3 * count,
  );
  // Numbers alone, and with others.
  const numbers = pool.run(() => {
    for (let n = 0; n < count; n++) channel.send(n);
  });
  await Promise.all([numbers, ...[1, 2].map((sender) => pool.run(send, channel, sender, count))]);
  const got = await receiving;
  const own = (sender: number): number[] => got.filter((value) => Math.floor(value / 1_000_000) === sender);
  for (const sender of [0, 1, 2])
    expect(own(sender)).toEqual(Array.from({ length: count }, (_, n) => sender * 1_000_000 + n));
});
