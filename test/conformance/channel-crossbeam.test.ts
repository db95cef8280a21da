// What the tests of crossbeam-channel 0.5 (Rust, MIT or Apache-2.0) ask of a channel, by their names, flavour by flavour:
// array, list and zero; select, after, tick and never; mpsc. Written anew by behaviour.
//
// Not here, because there is nothing of the kind:
// - drops, drop_unreceived, panic_on_drop, into_iter_owned: no destructors; what is garbage is V8's business.
// - select's index based interface and `ready`: a case has its function; send_recv_same_channel of the same case twice.
// - sync_and_clone, send_and_clone, reference, thread_locals: questions of Rust's types and of its threads' locals.
// - same_channel: a channel is one object in each thread, compared by ===.
// - recv_timeout's and send_timeout's lengths of time: that they end is asserted, not when.
// - mpsc's tests that differ from those above only in which of Rust's two channel types they use.

import { afterAll, describe, expect, it } from "vitest";
import {
  after,
  Channel,
  channel,
  ChannelClosedError,
  never,
  otherwise,
  Pool,
  select,
  selectAsync,
  shared,
  spawn,
  tick,
  TimeoutError,
} from "../../lib/index.ts";

const pool = new Pool({ threads: 4 });
afterAll(() => pool.close());

const EMPTY = { ok: false, closed: false };
const GONE = { ok: false, closed: true };

describe.each([
  ["array", 4],
  ["list", Infinity],
  ["zero", 0],
] as const)("%s", (flavour, capacity) => {
  const isZero = capacity === 0;

  it("smoke", async () => {
    const made = new Channel<number>(capacity);
    const first = made.sendAsync(7);
    expect(made.tryRecv()).toEqual({ ok: true, value: 7 });
    const second = made.sendAsync(8);
    expect(made.recv()).toBe(8);
    await Promise.all([first, second]);
    expect(made.tryRecv()).toEqual(EMPTY);
  });

  it("capacity", () => {
    expect(new Channel(capacity).capacity).toBe(capacity);
  });

  it("len_empty_full", () => {
    const made = new Channel<number>(capacity);
    expect(made.length).toBe(0);
    if (!isZero) {
      made.send(0);
      expect(made.length).toBe(1);
      made.recv();
      expect(made.length).toBe(0);
    }
    for (let n = 0; n < 4; n++) made.trySend(n);
    expect(made.length).toBe(isZero ? 0 : 4);
    expect(made.trySend(4)).toBe(flavour === "list");
  });

  it("try_recv", async () => {
    const made = new Channel<number>(capacity);
    expect(made.tryRecv()).toEqual(EMPTY);
    const sending = made.sendAsync(7);
    expect(made.tryRecv()).toEqual({ ok: true, value: 7 });
    await sending;
    expect(made.tryRecv()).toEqual(EMPTY);
    made.close();
    expect(made.tryRecv()).toEqual(GONE);
  });

  it("recv", async () => {
    const made = new Channel<number>(capacity);
    const receiving = pool.run(() => [made.recv(), made.recv()]);
    await made.sendAsync(7);
    await made.sendAsync(8);
    expect(await receiving).toEqual([7, 8]);
    const failing = pool.run(() => made.recv());
    made.close();
    await expect(failing).rejects.toThrow(ChannelClosedError);
  });

  it("recv_timeout", async () => {
    const made = new Channel<number>(capacity);
    expect(() => made.recv({ timeoutMs: 5 })).toThrow(TimeoutError);
    const sending = made.sendAsync(7);
    expect(made.recv({ timeoutMs: 10_000 })).toBe(7);
    await sending;
    made.close();
    expect(() => made.recv({ timeoutMs: 10_000 })).toThrow(ChannelClosedError);
  });

  it("try_send", async () => {
    const made = new Channel<number>(capacity);
    if (isZero) {
      expect(made.trySend(7)).toBe(false);
      const receiving = pool.run(() => made.recv());
      while (!made.trySend(8)) await new Promise(setImmediate);
      expect(await receiving).toBe(8);
    } else {
      for (let n = 0; n < 4; n++) expect(made.trySend(n)).toBe(true);
      expect(made.trySend(4)).toBe(flavour === "list");
    }
    made.close();
    expect(() => made.trySend(9)).toThrow(ChannelClosedError);
  });

  it("send", async () => {
    const made = new Channel<number>(capacity);
    const sending = pool.run(() => {
      for (let n = 0; n < 6; n++) made.send(n);
    });
    for (let n = 0; n < 6; n++) expect(await made.recvAsync()).toBe(n);
    await sending;
  });

  it("send_timeout", () => {
    const made = new Channel<number>(capacity);
    const send = (): void => {
      for (let n = 0; n < 5; n++) made.send(n, { timeoutMs: 5 });
    };
    if (flavour === "list") send();
    else expect(send).toThrow(TimeoutError);
  });

  it("send_after_disconnect", () => {
    const made = new Channel<number>(capacity);
    made.trySend(1);
    made.close();
    expect(() => made.send(2)).toThrow(ChannelClosedError);
    expect(() => made.trySend(2)).toThrow(ChannelClosedError);
    expect(() => made.send(2, { timeoutMs: 5 })).toThrow(ChannelClosedError);
  });

  it("recv_after_disconnect", () => {
    const made = new Channel<number>(capacity);
    const sent = [1, 2, 3].filter((n) => made.trySend(n));
    made.close();
    for (const n of sent) expect(made.recv()).toBe(n);
    expect(() => made.recv()).toThrow(ChannelClosedError);
  });

  it("len", async () => {
    const made = new Channel<number>(capacity);
    const count = 400;
    const receiving = pool.run((count: number) => {
      for (let n = 0; n < count; n++) if (made.recv() !== n || made.length > 4) throw new Error(`${n}, ${made.length}`);
    }, count);
    for (let n = 0; n < count; n++) {
      await made.sendAsync(n);
      if (flavour === "list") while (made.length > 3) await new Promise(setImmediate);
    }
    await receiving;
    expect(made.length).toBe(0);
  });

  it("disconnect_wakes_sender", async () => {
    const made = new Channel<number>(capacity);
    if (flavour === "list") return expect(made.trySend(1)).toBe(true);
    while (made.trySend(0));
    const sending = pool.run(() => made.send(9));
    const here = made.sendAsync(8);
    const ends = Promise.allSettled([sending, here]);
    made.close();
    for (const end of await ends) expect((end as { reason?: unknown }).reason).toBeInstanceOf(ChannelClosedError);
  });

  it("disconnect_wakes_receiver", async () => {
    const made = new Channel<number>(capacity);
    const receiving = [0, 1, 2].map(() => pool.run(() => made.recv()));
    const ends = Promise.allSettled(receiving);
    made.close();
    for (const end of await ends) expect((end as { reason?: unknown }).reason).toBeInstanceOf(ChannelClosedError);
  });

  it("spsc", async () => {
    const made = new Channel<number>(capacity);
    const count = isZero ? 500 : 5000;
    const receiving = pool.run(() => [...made]);
    await pool.run((count: number) => {
      for (let n = 0; n < count; n++) made.send(n);
      made.close();
    }, count);
    expect(await receiving).toEqual(Array.from({ length: count }, (_, n) => n));
  });

  it("mpmc", async () => {
    const made = new Channel<number>(capacity);
    const count = isZero ? 200 : 2000;
    const seen = shared(Int32Array, count);
    const receiving = [0, 1].map(() =>
      pool.run(() => {
        for (const n of made) Atomics.add(seen, n, 1);
      }),
    );
    const send = (count: number): void => {
      for (let n = 0; n < count; n++) made.send(n);
    };
    await Promise.all([0, 1].map(() => pool.run(send, count)));
    made.close();
    await Promise.all(receiving);
    expect(seen.every((times) => times === 2)).toBe(true);
  });

  it("stress_oneshot", async () => {
    for (let n = 0; n < 200; n++) {
      const made = new Channel<number>(isZero ? 0 : 1);
      const [got] = await Promise.all([pool.run(() => made.recv()), pool.run(() => made.send(7))]);
      expect(got).toBe(7);
    }
  });

  it("stress_iter", async () => {
    const [requests, answers] = [new Channel<number>(capacity), new Channel<number>(capacity)];
    const thread = spawn(() => {
      for (const n of requests) answers.send(n + 1);
      answers.close();
    });
    const got: number[] = [];
    for (let n = 0; n < 300; n++) {
      await requests.sendAsync(n);
      got.push(await answers.recvAsync());
    }
    requests.close();
    expect([...answers]).toEqual([]);
    expect(got).toEqual(Array.from({ length: 300 }, (_, n) => n + 1));
    await thread.joinAsync();
  });

  it("linearizable", async () => {
    const made = new Channel<number>(isZero ? 1 : capacity);
    // Who has just put something in finds something to take.
    const tasks = [0, 1, 2, 3].map(() =>
      pool.run(() => {
        for (let n = 0; n < 1000; n++) {
          made.send(0);
          if (!made.tryRecv().ok) throw new Error("nothing there");
        }
      }),
    );
    await Promise.all(tasks);
  });

  it.each(["fairness", "fairness_duplicates"])("%s", async (name) => {
    const [one, two] = [new Channel<number>(capacity), new Channel<number>(capacity)];
    const count = 1200;
    const hits = [0, 0, 0, 0, 0];
    const sending = [one, two].map((made) =>
      pool.run((count: number) => {
        try {
          for (let n = 0; n < count; n++) made.send(n);
        } catch (error) {
          if ((error as { code?: string }).code !== "ERR_BRAID_CHANNEL_CLOSED") throw error;
        }
      }, count),
    );
    const case1 = [one.onRecv(() => hits[0]!++), two.onRecv(() => hits[1]!++)];
    const case2 = name === "fairness" ? [] : [one.onRecv(() => hits[2]!++), two.onRecv(() => hits[3]!++)];
    // All of both: on a busy machine one of the senders may have come to its end before the other begins.
    for (let n = 0; n < 2 * count; n++) select([...case1, ...case2]);
    one.close();
    two.close();
    await Promise.all(sending);
    for (const hit of hits.slice(0, case1.length + case2.length)) expect(hit).toBeGreaterThan(0);
  });

  it("recv_in_send", async () => {
    const made = new Channel<number>(isZero ? 1 : capacity);
    made.send(1);
    // What the case's function does is no part of the choice.
    const chosen = select([made.onRecv((n) => [n, made.trySend(2), made.recv()])]);
    expect(chosen).toEqual([1, true, 2]);
  });

  it("channel_through_channel", async () => {
    const outer = new Channel<unknown>(capacity);
    const receiving = pool.run(() => {
      let inner = outer;
      let depth = 0;
      for (let got = inner.recv(); got !== "end"; got = inner.recv(), depth++) inner = got as typeof outer;
      return depth;
    });
    let inner = outer;
    for (let n = 0; n < 20; n++) {
      const next = new Channel<unknown>(capacity);
      await inner.sendAsync(next);
      inner = next;
    }
    await inner.sendAsync("end");
    expect(await receiving).toBe(20);
  });
});

describe("select", () => {
  const two = (): [Channel<number>, Channel<number>] => [new Channel<number>(Infinity), new Channel<number>(Infinity)];

  it("smoke1, smoke2", () => {
    const many = Array.from({ length: 5 }, () => new Channel<number>(Infinity));
    for (const [i, made] of many.entries()) {
      made.send(i);
      expect(select(many.map((made, at) => made.onRecv((n) => [at, n])))).toEqual([i, i]);
    }
  });

  it("disconnected", async () => {
    const [one, other] = two();
    const closing = pool.run(() => one.close());
    expect(select<unknown>([one.onRecv((_, ok) => ok), other.onRecv(() => "other")])).toBe(false);
    await closing;
    expect(select<unknown>([one.onRecv((_, ok) => ok), after(10_000, () => "late")])).toBe(false);
  });

  it("default, default_when_disconnected, default_only", () => {
    const [one, other] = two();
    const cases = [one.onRecv(() => "one"), other.onRecv(() => "other"), otherwise(() => "default")];
    expect(select(cases)).toBe("default");
    one.close();
    expect(select(cases)).toBe("one");
    expect(select([otherwise(() => "default")])).toBe("default");
  });

  it("timeout, timeout_when_disconnected", () => {
    const [one, other] = two();
    const cases = [one.onRecv(() => "one"), other.onRecv(() => "other"), after(5, () => "late")];
    expect(select(cases)).toBe("late");
    other.close();
    expect(select(cases)).toBe("other");
    expect(select([after(1, () => "late")])).toBe("late");
  });

  it("unblocks", async () => {
    const [one, other] = [new Channel<number>(), new Channel<number>()];
    const sending = pool.run(() => other.send(2));
    expect(select([one.onRecv(() => 1), other.onRecv((n) => n!)])).toBe(2);
    await sending;
    const receiving = pool.run(() => other.recv());
    expect(select([one.onRecv(() => "recv"), other.onSend(5, () => "sent")])).toBe("sent");
    expect(await receiving).toBe(5);
  });

  it("both_ready", async () => {
    const [one, other] = [new Channel<number>(), new Channel<number>()];
    const thread = pool.run(() => {
      for (let n = 0; n < 20; n++) {
        one.send(1);
        other.recv();
      }
    });
    let [received, sent] = [0, 0];
    while (received < 20 || sent < 20) select<unknown>([one.onRecv(() => received++), other.onSend(0, () => sent++)]);
    await thread;
    expect([received, sent]).toEqual([20, 20]);
  });

  it("loop_try", async () => {
    const [one, other] = [new Channel<number>(), new Channel<number>()];
    const sending = pool.run(() => {
      for (let sent = false; !sent;) sent = select([one.onSend(1, () => true), otherwise(() => false)]);
    });
    let got = 0;
    while (got === 0) got = select([one.onRecv((n) => n!), other.onRecv(() => -1), after(2, () => 0)]);
    expect(got).toBe(1);
    await sending;
  });

  it("cloning1, cloning2", async () => {
    const [sender, receiver] = channel<number>(Infinity);
    const clone = sender.clone();
    const waiting = selectAsync([receiver.onRecv((n) => n), after(20_000, () => -1)]);
    sender[Symbol.dispose]();
    clone.send(3);
    expect(await waiting).toBe(3);
    clone[Symbol.dispose]();
  });

  it("preflight", () => {
    const [one] = two();
    one.send(1);
    one.close();
    expect(select([one.onRecv((n, ok) => [n, ok])])).toEqual([1, true]);
    expect(select([one.onRecv((n, ok) => [n, ok])])).toEqual([undefined, false]);
  });

  it("nesting", () => {
    const [one, other] = two();
    one.send(1);
    other.send(2);
    const inner = (): unknown => select([other.onRecv((n) => n)]);
    expect(select([one.onRecv((n) => [n, inner()])])).toEqual([1, 2]);
  });

  it.each(["stress_recv", "stress_send", "stress_mixed"])("%s", async (name) => {
    const [one, other] = [new Channel<number>(1), new Channel<number>()];
    const thread = pool.run(
      (isRecv: boolean, isSend: boolean) => {
        for (let n = 0; n < 150; n++) {
          if (isSend) one.send(n);
          else one.recv();
          if (isRecv) other.recv();
          else other.send(n);
        }
      },
      name !== "stress_recv",
      name !== "stress_send",
    );
    for (let n = 0; n < 150; n++)
      for (let k = 0; k < 2; k++) {
        const first = name === "stress_send" ? one.onSend(n, () => 0) : one.onRecv((got) => expect(got).toBe(n));
        const second = name === "stress_recv" ? other.onRecv((got) => expect(got).toBe(n)) : other.onSend(n, () => 0);
        select<unknown>([k === 0 ? first : second]);
      }
    await thread;
  });

  it("matching, matching_with_leftover", async () => {
    for (const threads of [4, 3]) {
      const made = new Channel<number>();
      const tasks = Array.from({ length: threads }, (_, i) =>
        pool.run((i: number) => select<number>([made.onRecv((from) => from!), made.onSend(i, () => -1)]), i),
      );
      if (threads % 2 === 1) await made.sendAsync(-2);
      const from = await Promise.all(tasks);
      expect(from.filter((one) => one === -1).length).toBe(Math.floor(threads / 2));
      expect(made.tryRecv()).toEqual(EMPTY);
    }
  });
});

describe("after", () => {
  it("fire, recv", async () => {
    expect(select([after(1, () => "fired")])).toBe("fired");
    expect(await selectAsync([after(1, () => "fired")])).toBe("fired");
  });

  it("select, fairness: what is there comes before the clock", () => {
    const made = new Channel<number>(1);
    made.send(1);
    expect(select([after(0, () => "late"), made.onRecv(() => "received")])).toBe("received");
    expect(select([after(0, () => "late"), made.onRecv(() => "received")])).toBe("late");
  });
});

describe("tick", () => {
  it("fire, intervals, recv", () => {
    const ticks = tick(3);
    const got = [ticks.recv(), ticks.recv(), ticks.recv()];
    expect(got).toEqual([...got].sort((a, b) => a - b));
    expect(got.every((ms) => ms % 3 === 0)).toBe(true);
  });

  it("capacity, len_empty_full, try_recv", () => {
    const ticks = tick(100_000);
    expect([ticks.capacity, ticks.length, ticks.tryRecv()]).toEqual([1, 0, EMPTY]);
  });

  it("recv_timeout", () => {
    expect(() => tick(100_000).recv({ timeoutMs: 2 })).toThrow(TimeoutError);
    expect(tick(1).recv({ timeoutMs: 10_000 })).toBe(1);
  });

  it("recv_two, recv_race: each tick has one receiver", async () => {
    const ticks = tick(2);
    const take = (): number[] => [ticks.recv(), ticks.recv(), ticks.recv()];
    const lists = await Promise.all([pool.run(take), pool.run(take)]);
    expect(new Set(lists.flat()).size).toBe(6);
  });

  it("fairness", () => {
    const [one, other] = [tick(1), tick(1)];
    const hits = [0, 0];
    for (let n = 0; n < 40; n++) select([one.onRecv(() => hits[0]!++), other.onRecv(() => hits[1]!++)]);
    expect(hits.every((hit) => hit > 0)).toBe(true);
  });
});

describe("never", () => {
  it("smoke, len_empty_full, try_recv, recv_timeout", () => {
    const made = never<number>();
    expect([made.length, made.tryRecv()]).toEqual([0, EMPTY]);
    expect(select([made.onRecv(() => 1), otherwise(() => 2)])).toBe(2);
    expect(() => made.recv({ timeoutMs: 1 })).toThrow(TimeoutError);
  });
});

describe("mpsc", () => {
  it("drop_full, drop_full_shared, oneshot_single_thread_close_chan_first", () => {
    const [sender, receiver] = channel<number>(Infinity);
    sender.send(1);
    sender.clone()[Symbol.dispose]();
    sender[Symbol.dispose]();
    expect([...receiver]).toEqual([1]);
  });

  it("chan_gone_concurrent, smoke_threads, shared_chan_stress", async () => {
    const [sender, receiver] = channel<number>(Infinity);
    const sending = [0, 1, 2].map(() => {
      const own = sender.clone();
      const task = pool.run(() => {
        using mine = own;
        for (let n = 0; n < 500; n++) mine.send(1);
      });
      own[Symbol.dispose]();
      return task;
    });
    sender[Symbol.dispose]();
    let sum = 0;
    for await (const n of receiver) sum += n;
    expect(sum).toBe(1500);
    await Promise.all(sending);
  });

  it("recv_into_iter_borrowed, recv_try_iter, iter_break", () => {
    const made = new Channel<number>(Infinity);
    for (const n of [1, 2, 10, 3]) made.send(n);
    let sum = 0;
    for (const n of made) {
      if (n === 10) break;
      sum += n;
    }
    expect([sum, made.recv()]).toEqual([3, 3]);
    expect(made.tryRecv()).toEqual(EMPTY);
  });
});
