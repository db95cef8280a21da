// select: what is chosen, what is not, and the clock's channels.

import { describe, expect, it } from "vitest";
import {
  after,
  CancelledError,
  Channel,
  ChannelClosedError,
  never,
  otherwise,
  select,
  selectAsync,
  spawn,
  tick,
  TimeoutError,
} from "../../lib/index.ts";

describe.each([
  ["rendezvous", 0],
  ["of one", 1],
  ["without a limit", Infinity],
] as const)("over channels %s", (_, capacity) => {
  it("receives from the one that has something, and from no other", async () => {
    const [one, two] = [new Channel<number>(capacity), new Channel<number>(capacity)];
    const cases = [one.onRecv((n) => `one ${n}`), two.onRecv((n) => `two ${n}`)];
    const sending = two.sendAsync(2);
    expect(select(cases)).toBe("two 2");
    await sending;
    const waiting = selectAsync(cases);
    await one.sendAsync(1);
    expect(await waiting).toBe("one 1");
    expect(two.tryRecv()).toEqual({ ok: false, closed: false });
  });

  it("tells of a channel that is closed and empty", async () => {
    const channel = new Channel<number>(capacity);
    const cases = [channel.onRecv((value, ok) => [value, ok])];
    const waiting = selectAsync(cases);
    channel.close();
    expect(await waiting).toEqual([undefined, false]);
    expect(select(cases)).toEqual([undefined, false]);
    expect(() => select([channel.onSend(1, () => 1)])).toThrow(ChannelClosedError);
    await expect(selectAsync([channel.onSend(1, () => 1)])).rejects.toThrow(ChannelClosedError);
  });

  it("sends or receives, whichever another thread is ready for", async () => {
    const [there, back] = [new Channel<number>(capacity), new Channel<number>(capacity)];
    const count = 60;
    const thread = spawn((count: number) => {
      let sum = 0;
      for (let sent = 0, got = 0; sent < count || got < count;) {
        if (sent < count && (got === count || (sent + got) % 2 === 0)) back.send(sent++);
        else {
          sum += there.recv();
          got++;
        }
      }
      return sum;
    }, count);
    let [sent, got] = [0, 0];
    while (sent < count || got < count) {
      const cases = [
        ...(sent < count ? [there.onSend(sent, () => sent++)] : []),
        ...(got < count ? [back.onRecv((n) => expect(n).toBe(got++))] : []),
      ];
      if ((sent + got) % 2 === 0) select<unknown>(cases);
      else await selectAsync<unknown>(cases);
    }
    expect(await thread.joinAsync()).toBe((count * (count - 1)) / 2);
  });

  it("meets another select", async () => {
    const [one, two] = [new Channel<number>(capacity), new Channel<number>(capacity)];
    const other = spawn(() => {
      let got = 0;
      for (let n = 0; n < 50; n++) select<unknown>([one.onRecv(() => got++), two.onSend(n, () => {})]);
      return got;
    });
    let got = 0;
    for (let n = 0; n < 50; n++) select<unknown>([two.onRecv(() => got++), one.onSend(n, () => {})]);
    const there = await other.joinAsync();
    // What was sent and not received is in the channels.
    expect(got + there + one.length + two.length).toBe(50 - got + (50 - there));
  });
});

it("meets another select in the same thread, by rendezvous", async () => {
  const channel = new Channel<number>();
  const sending = selectAsync([channel.onSend(5, () => "sent"), never<string>().onRecv(() => "never")]);
  const receiving = selectAsync([channel.onRecv((n) => n)]);
  expect(await Promise.all([sending, receiving])).toEqual(["sent", 5]);
  const first = selectAsync([channel.onRecv((n) => n)]);
  expect(await selectAsync([channel.onSend(6, () => "sent")])).toBe("sent");
  expect(await first).toBe(6);
});

describe("who doesn't wait meets who does, by rendezvous", () => {
  it("tryRecv and a select with otherwise receive from a select that sends", async () => {
    const [channel, stop] = [new Channel<number>(), new Channel<number>()];
    const thread = spawn(() => {
      let sent = 0;
      while (select([channel.onSend(sent, () => true), stop.onRecv(() => false)])) sent++;
      return sent;
    });
    const got: number[] = [];
    while (got.length < 10) {
      const tried = channel.tryRecv();
      if (tried.ok) got.push(tried.value);
      select<unknown>([channel.onRecv((n) => got.push(n!)), otherwise(() => {})]);
      await selectAsync<unknown>([channel.onRecv((n) => got.push(n!)), otherwise(() => {})]);
    }
    stop.close();
    expect(await thread.joinAsync()).toBe(got.length);
    expect(got).toEqual(got.map((_, i) => i));
  });

  it("a select with otherwise sends to a thread that receives", async () => {
    const channel = new Channel<number>();
    const thread = spawn(() => [...channel]);
    for (let sent = 0; sent < 10;) {
      const [now, later] = [sent, sent + 1];
      if (select([channel.onSend(now, () => true), otherwise(() => false)])) sent++;
      const isNext = sent === later;
      if (await selectAsync([channel.onSend(isNext ? later : now, () => true), otherwise(() => false)])) sent++;
    }
    channel.close();
    const got = await thread.joinAsync();
    expect(got).toEqual(got.map((_, i) => i));
    expect(got.length).toBeGreaterThanOrEqual(10);
  });
});

describe("a select that would send and receive by the same rendezvous", () => {
  const cases = (channel: Channel<number>) => [channel.onSend(1, () => "sent"), channel.onRecv((n) => `got ${n}`)];

  it("leaves the event loop free, and does not meet itself", async () => {
    const channel = new Channel<number>();
    const both = selectAsync(cases(channel));
    await new Promise((resolve) => setImmediate(resolve));
    expect(await channel.recvAsync()).toBe(1);
    expect(await both).toBe("sent");
    const again = selectAsync(cases(channel));
    await channel.sendAsync(2);
    expect(await again).toBe("got 2");
  });

  it("sleeps while nothing comes", () => {
    const channel = new Channel<number>();
    const before = process.cpuUsage();
    expect(select([...cases(channel), after(400, () => "late")])).toBe("late");
    const { user, system } = process.cpuUsage(before);
    expect(user + system).toBeLessThan(200_000);
  });

  it("meets another one, there and here", async () => {
    const channel = new Channel<number>();
    const rounds = (): string[] => Array.from({ length: 500 }, () => select(cases(channel)));
    const threads = [spawn(rounds), spawn(rounds)];
    const done = (await Promise.all(threads.map((thread) => thread.joinAsync()))).flat();
    expect(done.filter((what) => what === "sent")).toHaveLength(500);
    const here = await Promise.all([selectAsync(cases(channel)), selectAsync(cases(channel))]);
    expect(here.sort()).toEqual(["got 1", "sent"]);
  });
});

it("chooses among the ready at random", () => {
  const channels = Array.from({ length: 4 }, () => new Channel<number>(1));
  const counts = channels.map(() => 0);
  for (let round = 0; round < 2000; round++) {
    for (const channel of channels) channel.trySend(round);
    select(channels.map((channel, i) => channel.onRecv(() => counts[i]!++)));
  }
  // 500 each; less than 300 is 10 standard deviations away.
  for (const count of counts) expect(count).toBeGreaterThan(300);
});

it("does something else where nothing can be done, at once or after a time", async () => {
  const channel = new Channel<number>(1);
  const cases = [channel.onRecv(() => "received")];
  expect(select([...cases, otherwise(() => "otherwise")])).toBe("otherwise");
  expect(await selectAsync([...cases, otherwise(() => "otherwise")])).toBe("otherwise");
  expect(select([...cases, after(1, () => "late"), after(10_000, () => "later")])).toBe("late");
  expect(await selectAsync([...cases, after(1, () => "late")])).toBe("late");
  expect(() => select(cases, { timeoutMs: 1 })).toThrow(TimeoutError);
  await expect(selectAsync(cases, { timeoutMs: 1 })).rejects.toThrow(TimeoutError);
  const abort = new AbortController();
  const aborted = selectAsync(cases, { signal: abort.signal });
  abort.abort();
  await expect(aborted).rejects.toThrow(CancelledError);
  channel.send(1);
  expect(select([...cases, otherwise(() => "otherwise")])).toBe("received");
});

it("withdraws an offer that nobody took", async () => {
  const [channel, other] = [new Channel<number>(), new Channel<number>(1)];
  const waiting = channel.recvAsync();
  const abort = new AbortController();
  const offering = selectAsync([channel.onSend(1, () => "sent"), other.onRecv(() => "other")]);
  expect(await waiting).toBe(1);
  expect(await offering).toBe("sent");
  const again = selectAsync([channel.onSend(2, () => "sent")], { signal: abort.signal });
  abort.abort();
  await expect(again).rejects.toThrow(CancelledError);
  expect(channel.tryRecv()).toEqual({ ok: false, closed: false });
});

describe("the clock's channels", () => {
  it("tick", async () => {
    const ticks = tick(2);
    expect(ticks.recv()).toBe(2);
    expect(await ticks.recvAsync()).toBeGreaterThanOrEqual(4);
    expect(select([ticks.onRecv((ms) => ms! % 2)])).toBe(0);
    expect(await selectAsync([ticks.onRecv((ms) => ms! % 2)])).toBe(0);
    const thread = spawn(() => ticks.recv());
    expect((await thread.joinAsync()) % 2).toBe(0);
    ticks.close();
    expect(() => ticks.recv()).toThrow(ChannelClosedError);
    expect(() => tick(1000).send(1)).toThrow(TypeError);
    expect(() => tick(0)).toThrow(RangeError);
  });

  it("leave out ticks that nobody was there for, but for one", () => {
    const ticks = tick(1);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    expect(ticks.length).toBe(1);
    expect(ticks.recv()).toBe(1);
    expect(ticks.recv()).toBeGreaterThan(15);
  });

  it("never", async () => {
    const channel = never<number>();
    expect(channel.tryRecv()).toEqual({ ok: false, closed: false });
    expect(() => channel.recv({ timeoutMs: 1 })).toThrow(TimeoutError);
    await expect(channel.recvAsync({ timeoutMs: 1 })).rejects.toThrow(TimeoutError);
    expect(select([channel.onRecv(() => 1), after(1, () => 2)])).toBe(2);
  });
});

it("says what is wrong with its cases", async () => {
  expect(() => select([])).toThrow(TypeError);
  expect(() => select([1 as never])).toThrow(TypeError);
  await expect(selectAsync([])).rejects.toThrow(TypeError);
  expect(() => after(-1, () => 1)).toThrow(RangeError);
  expect(() => otherwise(1 as never)).toThrow(TypeError);
  expect(() => new Channel().onRecv(1 as never)).toThrow(TypeError);
  expect(() => new Channel<unknown>().onSend(new WeakMap(), () => 1)).toThrow("message");
});
