// What Go's tests of channels (BSD-3-Clause; test/chan and runtime/chan_test.go) ask, by their names. Written anew by
// behaviour, goroutines as asynchronous tasks of this thread, and as threads where that is the point.
//
// Not here, because there is nothing of the kind:
// - perm: directions in types; a Sender can't receive, which TypeScript checks.
// - select2, and all about stacks that shrink or move while something waits: memory and stacks are V8's.
// - select5: the order in which operands are evaluated is JavaScript's.
// - select4, select8, sendstmt, zerosize: syntax, and sizes of types.
// - powser1, powser2, sieve2: long programs of the same operations as sieve1.
// - nil channels: never() is one.
// - panics of a send on a closed channel: ChannelClosedError, in test/unit/channel.test.ts.

import { afterAll, describe, expect, it } from "vitest";
import { Channel, never, otherwise, Pool, select, selectAsync } from "../../lib/index.ts";

const pool = new Pool({ threads: 3 });
afterAll(() => pool.close());

it.each([
  ["AsynchFifo", 10],
  ["SynchFifo", 0],
])("fifo: %s", async (_, capacity) => {
  const made = new Channel<number>(capacity);
  const sending = (async () => {
    for (let n = 0; n < 10; n++) await made.sendAsync(n);
  })();
  for (let n = 0; n < 10; n++) expect(await made.recvAsync()).toBe(n);
  await sending;
  // A chain: each passes on what it gets once the one before it has.
  let before = new Channel<number>(capacity);
  const start = before;
  const links: Promise<void>[] = [];
  for (let i = 0; i < 10; i++) {
    const [from, to] = [before, new Channel<number>(capacity)];
    links.push(from.recvAsync().then((n) => to.sendAsync(n + 1)));
    before = to;
  }
  await start.sendAsync(0);
  expect(await before.recvAsync()).toBe(10);
  await Promise.all(links);
});

it("goroutines: a long chain", async () => {
  const links = 1000;
  const first = new Channel<number>();
  let left = first;
  for (let i = 0; i < links; i++) {
    const [to, from] = [left, new Channel<number>()];
    void from.recvAsync().then((n) => to.sendAsync(n + 1));
    left = from;
  }
  void left.sendAsync(0);
  expect(await first.recvAsync()).toBe(links);
});

it("nonblock", async () => {
  for (const value of [1, "text", { x: 1 }, true]) {
    const made = new Channel<unknown>();
    expect(made.tryRecv().ok).toBe(false);
    expect(made.trySend(value)).toBe(false);
    const receiving = made.recvAsync();
    expect(made.trySend(value)).toBe(true);
    expect(await receiving).toEqual(value);
    const sending = made.sendAsync(value);
    expect(made.tryRecv()).toEqual({ ok: true, value });
    await sending;
    const buffered = new Channel<unknown>(1);
    expect([buffered.trySend(value), buffered.trySend(value)]).toEqual([true, false]);
    expect([buffered.tryRecv().ok, buffered.tryRecv().ok]).toEqual([true, false]);
  }
});

it("select: each value goes one of two ways", async () => {
  const [one, other] = [new Channel<number>(), new Channel<number>()];
  const sending = (async () => {
    for (let n = 0; n < 20; n++) await selectAsync([one.onSend(n, () => 0), other.onSend(n, () => 0)]);
  })();
  const got: number[] = [];
  for (let n = 0; n < 20; n++) got.push(await (n % 3 === 0 ? one : other).recvAsync());
  expect(got).toEqual(Array.from({ length: 20 }, (_, n) => n));
  await sending;
});

describe("select3: what waits and what does not", () => {
  const waits = async (make: () => Promise<unknown>): Promise<boolean> => {
    let done = false;
    make().then(
      () => (done = true),
      () => (done = true),
    );
    for (let n = 0; n < 10; n++) await new Promise(setImmediate);
    return !done;
  };

  it.each([
    ["receive from nil", () => never().recvAsync(), true],
    ["receive from empty", () => new Channel(1).recvAsync(), true],
    ["receive from unbuffered", () => new Channel().recvAsync(), true],
    ["send to unbuffered", () => new Channel<number>().sendAsync(7), true],
    ["send to a full one", () => filled().sendAsync(8), true],
    ["send where there is room", () => new Channel<number>(10).sendAsync(7), false],
    ["receive where something is", () => filled().recvAsync(), false],
    ["receive from closed", () => closed().recvAsync(), false],
    ["select over nil", () => selectAsync([never().onRecv(() => 0)]), true],
    ["select with default", () => selectAsync([never().onRecv(() => 0), otherwise(() => 1)]), false],
    [
      "select over empty ones",
      () => selectAsync([new Channel(1).onRecv(() => 0), new Channel().onRecv(() => 0)]),
      true,
    ],
    ["select where one is closed", () => selectAsync([closed().onRecv(() => 0), new Channel().onRecv(() => 0)]), false],
    ["select that sends to a full one", () => selectAsync([filled().onSend(1, () => 0)]), true],
    ["select that sends where there is room", () => selectAsync([new Channel<number>(1).onSend(1, () => 0)]), false],
  ])("%s", async (_, make, isWaiting) => {
    expect(await waits(make)).toBe(isWaiting);
  });

  function filled(): Channel<number> {
    const made = new Channel<number>(1);
    made.send(1);
    return made;
  }

  function closed(): Channel<number> {
    const made = new Channel<number>(1);
    made.close();
    return made;
  }
});

it("select6: one that gives up keeps nothing from the next", async () => {
  const [one, other] = [new Channel<boolean>(), new Channel<boolean>()];
  const first = selectAsync([one.onRecv(() => "first"), other.onRecv(() => "other")]);
  const second = one.recvAsync();
  await other.sendAsync(true);
  expect(await first).toBe("other");
  await one.sendAsync(true);
  expect(await second).toBe(true);
});

it("select7: a receiver in a select meets senders of each kind", async () => {
  const receive = (made: Channel<number>, k: number): Promise<unknown> =>
    k === 0
      ? made.recvAsync()
      : selectAsync(k === 1 ? [made.onRecv((n) => n)] : [made.onRecv((n) => n), never().onRecv(() => -1)]);
  const send = (made: Channel<number>, k: number): Promise<unknown> =>
    k === 0
      ? made.sendAsync(5)
      : selectAsync(k === 1 ? [made.onSend(5, () => 0)] : [made.onSend(5, () => 0), never().onRecv(() => -1)]);
  for (const capacity of [0, 1, 10])
    for (let r = 0; r < 3; r++)
      for (let s = 0; s < 3; s++) {
        const [early, late] = [new Channel<number>(capacity), new Channel<number>(capacity)];
        const got = receive(early, r);
        await send(early, s);
        expect(await got).toBe(5);
        const sent = send(late, s);
        expect(await receive(late, r)).toBe(5);
        await sent;
      }
});

it("sieve1", async () => {
  const primes = new Channel<number>();
  const stop = new AbortController();
  const { signal } = stop;
  const quiet = (work: Promise<void>): void => void work.catch(() => {});
  const filter = async (from: Channel<number>, to: Channel<number>, prime: number): Promise<void> => {
    for (;;) {
      const n = await from.recvAsync({ signal });
      if (n % prime !== 0) await to.sendAsync(n, { signal });
    }
  };
  quiet(
    (async () => {
      let chain = new Channel<number>();
      const numbers = chain;
      quiet(
        (async () => {
          for (let n = 2; ; n++) await numbers.sendAsync(n, { signal });
        })(),
      );
      for (;;) {
        const prime = await chain.recvAsync({ signal });
        await primes.sendAsync(prime, { signal });
        const next = new Channel<number>();
        quiet(filter(chain, next, prime));
        chain = next;
      }
    })(),
  );
  const got: number[] = [];
  for (let n = 0; n < 10; n++) got.push(await primes.recvAsync());
  stop.abort();
  expect(got).toEqual([2, 3, 5, 7, 11, 13, 17, 19, 23, 29]);
});

it("doubleselect: a value is sent once, whichever way", async () => {
  const ways = Array.from({ length: 4 }, () => new Channel<number>(1));
  const count = 400;
  const sending = pool.run((count: number) => {
    for (let n = 0; n < count; n++) select(ways.map((way) => way.onSend(n, () => 0)));
    for (const way of ways) way.close();
  }, count);
  const got: number[] = [];
  await Promise.all(
    ways.map(async (way) => {
      for await (const n of way) got.push(n);
    }),
  );
  expect(got.sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, n) => n));
  await sending;
});

describe("chan_test", () => {
  it("TestNonblockRecvRace", async () => {
    for (let n = 0; n < 100; n++) {
      const made = new Channel<number>(1);
      made.send(1);
      const closing = pool.run(() => made.close());
      expect(made.tryRecv()).toEqual({ ok: true, value: 1 });
      await closing;
    }
  });

  it("TestNonblockSelectRace", async () => {
    for (let n = 0; n < 100; n++) {
      const [one, other] = [new Channel<number>(1), new Channel<number>(1)];
      one.send(1);
      // There is always something in one of the two.
      const looking = pool.run(() =>
        select([one.onRecv(() => true), other.onRecv(() => true), otherwise(() => false)]),
      );
      other.send(1);
      one.tryRecv();
      expect(await looking).toBe(true);
    }
  });

  it.each([0, 10])("TestSelfSelect, capacity %s", async (capacity) => {
    const made = new Channel<number>(capacity);
    const work = (id: number): void => {
      for (let n = 0; n < 100; n++)
        select<unknown>([
          made.onSend(id, () => 0),
          made.onRecv((from) => {
            if (capacity === 0 && from === id) throw new Error("It got its own.");
          }),
        ]);
    };
    // By rendezvous both have done as much when they are done.
    await Promise.all([pool.run(work, 0), pool.run(work, 1)]);
  });

  it("TestSelectStress", async () => {
    const made = [0, 0, 2, 3].map((capacity) => new Channel<number>(capacity));
    const count = 100;
    const sending = pool.run((count: number) => {
      const left = made.map(() => count);
      for (let total = count * made.length; total > 0; total--)
        select(made.flatMap((one, i) => (left[i]! > 0 ? [one.onSend(left[i]!, () => left[i]!--)] : [])));
    }, count);
    const left = made.map(() => count);
    for (let total = count * made.length; total > 0; total--)
      select(made.flatMap((one, i) => (left[i]! > 0 ? [one.onRecv((n) => expect(n).toBe(left[i]!--))] : [])));
    await sending;
  });

  it("TestSelectFairness", async () => {
    const [one, other] = [new Channel<number>(1), new Channel<number>(1)];
    const hits = [0, 0];
    for (let n = 0; n < 1000; n++) {
      one.trySend(0);
      other.trySend(0);
      select([one.onRecv(() => hits[0]!++), other.onRecv(() => hits[1]!++)]);
    }
    expect(Math.min(...hits)).toBeGreaterThan(300);
  });

  it("TestPseudoRandomSend", async () => {
    for (const capacity of [0, 100]) {
      const made = new Channel<number>(capacity);
      const bits: number[] = [];
      const receiving = (async () => {
        for (let n = 0; n < 100; n++) bits.push(await made.recvAsync());
      })();
      for (let n = 0; n < 100; n++) await selectAsync([made.onSend(0, () => 0), made.onSend(1, () => 0)]);
      await receiving;
      const ones = bits.reduce((sum, bit) => sum + bit, 0);
      expect(ones).toBeGreaterThan(10);
      expect(ones).toBeLessThan(90);
    }
  });

  it("TestMultiConsumer", async () => {
    const [work, results] = [new Channel<number>(10), new Channel<number>(10)];
    const consuming = [0, 1].map(() =>
      pool.run(() => {
        for (const n of work) results.send(n);
      }),
    );
    const primes = [2, 3, 7, 1, 5, 11];
    const feeding = pool
      .run((primes: number[]) => {
        for (let n = 0; n < 600; n++) work.send(primes[n % primes.length]!);
        work.close();
      }, primes)
      .then(() => Promise.all(consuming))
      .then(() => results.close());
    let sum = 0;
    for await (const n of results) sum += n;
    expect(sum).toBe(100 * primes.reduce((sum, n) => sum + n, 0));
    await feeding;
  });

  it("TestSelectDuplicateChannel", async () => {
    const [one, other] = [new Channel<number>(), new Channel<number>()];
    const twice = selectAsync([one.onRecv(() => 1), one.onRecv(() => 2), other.onRecv(() => 3)]);
    const after = one.recvAsync();
    await other.sendAsync(0);
    expect(await twice).toBe(3);
    await one.sendAsync(4);
    expect(await after).toBe(4);
  });
});
