// watch: what it finds out by itself, and what by the time.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import {
  AtomicI32,
  AtomicI64,
  Barrier,
  Channel,
  Condvar,
  DeadlockError,
  Latch,
  Mutex,
  pipeline,
  Pool,
  select,
  Semaphore,
  spawn,
  TimeoutError,
  watch,
} from "../../lib/index.ts";
import { resumed, woken } from "../../lib/sync/wait-graph.ts";

const FOREVER = { timeoutMs: 1e9 };
const caught = (promise: Promise<unknown>): Promise<DeadlockError> =>
  promise.then(
    () => expect.unreachable(),
    (error: unknown) => error as DeadlockError,
  );

it("gives what its function gives, and throws what it throws", async () => {
  expect(await watch({}, () => 1)).toBe(1);
  expect(await watch(FOREVER, () => Promise.resolve(2))).toBe(2);
  await expect(
    watch(FOREVER, () => {
      throw new RangeError("own");
    }),
  ).rejects.toThrow(RangeError);
  await expect(watch(FOREVER, () => Promise.reject(new TypeError("own")))).rejects.toThrow(TypeError);
});

it("a thread that blocks for what nobody can give is told", async () => {
  await using pool = new Pool({ threads: 1 });
  await pool.run(() => 1);
  const error = await caught(watch(FOREVER, () => void new Semaphore(0).acquire()));
  expect(error).toBeInstanceOf(DeadlockError);
  expect(error.timedOut).toBe(false);
  expect(error.cycle).toEqual([
    { thread: 0, holds: "", waitsFor: "a permit", where: expect.stringContaining("sync-watch.test.ts") },
  ]);
  expect(error.message).toMatch(/^Deadlock: nobody is left to go on: thread 0 waits for a permit \(/);
  const mutex = new Mutex();
  using guard = mutex.lock();
  const unnotified = await caught(watch(FOREVER, () => new Condvar().wait(guard)));
  expect(unnotified.cycle[0]!.waitsFor).toBe("a notify");
  expect(mutex.tryLock()).toBeUndefined();
});

it("a thread that receives from a channel, and one that sends to another, are told", async () => {
  await using pool = new Pool({ threads: 1 });
  const [empty, full] = [new Channel<number>(1), new Channel<number>(1)];
  full.send(1);
  const sending = pool.run(() => full.send(2)).catch(() => {});
  const error = await caught(watch(FOREVER, () => void empty.recv()));
  expect(error.timedOut).toBe(false);
  expect(new Set(error.cycle.map(({ waitsFor }) => waitsFor))).toEqual(new Set(["a message", "room in a channel"]));
  // Nothing was lost or done by that.
  expect([empty.length, full.length]).toEqual([0, 1]);
  expect(full.recv()).toBe(1);
  await sending;
  expect(full.recv()).toBe(2);
});

it("a thread that selects is told, and has done none of its cases", async () => {
  await using pool = new Pool({ threads: 1 });
  const [empty, full] = [new Channel<number>(), new Channel<number>(1)];
  full.send(1);
  const there = pool.run(() => select([full.onSend(2, () => 2)]));
  const error = await caught(
    watch({ timeoutMs: 15_000 }, () => void select([empty.onRecv(() => 1), full.onSend(3, () => 3)])),
  );
  expect(error.timedOut).toBe(false);
  expect(error.cycle.map(({ waitsFor }) => waitsFor)).toEqual(Array(2).fill("a case of select()"));
  expect(empty.tryRecv()).toEqual({ ok: false, closed: false });
  expect(full.recv()).toBe(1);
  expect(await there).toBe(2);
});

it("a loop over messages is told by its place in the program", async () => {
  const channel = new Channel<number>(1);
  const reading = watch({ timeoutMs: 100 }, async function theLoop() {
    for await (const one of channel) if (one === 1) break;
  });
  const first = await caught(reading);
  expect(first.cycle.map(({ where }) => where)).toEqual([
    expect.stringMatching(/^theLoop \(.*sync-watch\.test\.ts.*:\d+:\d+\)$/),
  ]);
  channel.close();
  const later = new Channel<number>(1);
  await later.sendAsync(2);
  const second = await caught(
    watch({ timeoutMs: 100 }, async () => {
      for await (const one of later) if (one === 1) break;
    }),
  );
  expect(second.cycle.map(({ where }) => where)).toEqual([expect.stringContaining("sync-watch.test.ts")]);
  later.close();
  const stages = await caught(
    watch({ timeoutMs: 1 }, async function theReader() {
      for await (const one of pipeline(new Channel<number>(1))) if (one === 1) break;
    }),
  );
  expect(stages.cycle.map(({ where }) => where)).toContainEqual(expect.stringMatching(/^theReader /));
});

it("a thread that waits for a notification is told, and one that comes ends the wait", async () => {
  await using pool = new Pool({ threads: 2 });
  for (const cell of [new AtomicI32(1), new AtomicI64(1n) as unknown as AtomicI32]) {
    const one = cell.load();
    const error = await caught(watch(FOREVER, () => void cell.wait(one)));
    expect([error.timedOut, error.cycle.map(({ waitsFor }) => waitsFor)]).toEqual([false, ["a notification"]]);
    expect(error.cycle[0]!.where).toContain("sync-watch.test.ts");
    const begun = new Latch(2);
    const asleep = pool.map([1, 2], () => {
      begun.countDown();
      return cell.wait(one);
    });
    await begun.waitAsync();
    const both = await caught(watch(FOREVER, () => void cell.wait(one)));
    expect([both.timedOut, both.cycle.map(({ waitsFor }) => waitsFor)]).toEqual([
      false,
      Array(3).fill("a notification"),
    ]);
    expect(cell.notify()).toBe(2);
    expect(await asleep).toEqual(["ok", "ok"]);
    const waking = pool.run(() => {
      // It has looked round before.
      for (const end = performance.now() + 250; performance.now() < end;);
      while (cell.notify(1) === 0);
    });
    expect(await watch(FOREVER, () => cell.wait(one))).toBe("ok");
    await waking;
  }
});

it("all threads are blocked, each for another thing", async () => {
  await using pool = new Pool({ threads: 3 });
  const [semaphore, latch, barrier, mutex] = [new Semaphore(0), new Latch(1), new Barrier(2), new Mutex({ name: "m" })];
  const ready = new Semaphore(0);
  const tasks = [
    pool.run(() => {
      using guard = mutex.lock();
      ready.release(2);
      if (guard) semaphore.acquire();
    }),
    pool.run(() => {
      ready.acquire();
      mutex.lock();
    }),
  ];
  const thread = spawn(() => latch.wait());
  const settled = Promise.allSettled([...tasks, thread.joinAsync()]);
  const error = await caught(watch(FOREVER, () => void barrier.wait()));
  expect(error.timedOut).toBe(false);
  const rows = error.cycle.map(({ holds, waitsFor }) => `${holds}>${waitsFor}`).sort();
  expect(rows).toHaveLength(4);
  expect(rows).toEqual(expect.arrayContaining([">a latch", ">m", "m>a permit"]));
  await Promise.all([pool.terminate(), thread.terminate()]);
  await settled;
});

it("a thread that was stopped before it began is not waited for", async () => {
  await spawn(() => {}).terminate();
  await new Pool({ threads: 1 }).terminate();
  const error = await caught(watch({ timeoutMs: 15_000 }, () => void new Semaphore(0).acquire()));
  expect(error.timedOut).toBe(false);
});

it("a thread that was stopped just as it was woken is not waited for", async () => {
  await using pool = new Pool({ threads: 2 });
  // As it left the count.
  woken(1);
  try {
    const none = new Semaphore(0);
    const error = await caught(
      watch({ timeoutMs: 15_000 }, () => {
        void pool.map([1, 2], () => void none.acquire()).catch(() => {});
        none.acquire();
      }),
    );
    expect(error.timedOut).toBe(false);
    expect(error.cycle.length).toBeGreaterThan(1);
    none.release(2);
  } finally {
    resumed();
  }
});

it("nothing is told while a thread runs that may still give it", async () => {
  await using pool = new Pool({ threads: 2 });
  const [first, second] = [new Semaphore(0), new Semaphore(0)];
  const slow = pool.run(() => {
    for (const end = performance.now() + 600; performance.now() < end;);
    first.release();
    second.acquire();
  });
  await watch(FOREVER, () => void first.acquire());
  second.release();
  await slow;
});

it("the time decides where something may still come, and the error says so", async () => {
  const timer = setTimeout(() => {}, 1e6);
  const error = await caught(watch({ timeoutMs: 250 }, async () => void (await new Semaphore(0).acquireAsync())));
  clearTimeout(timer);
  expect(error).toBeInstanceOf(DeadlockError);
  expect(error.timedOut).toBe(true);
  expect(error.message).toMatch(
    /^Out of time: what was watched took longer than 250 ms, which may be a deadlock: thread 0/,
  );
  expect(error.cycle).toEqual([
    { thread: 0, holds: "", waitsFor: "a permit", where: expect.stringContaining("sync-watch.test.ts") },
  ]);
  const unknown = await caught(watch({ timeoutMs: 1 }, () => new Promise(() => {})));
  expect(unknown.message).toContain("who waits for what is not known");
  // The limit of a wait itself is another thing.
  await expect(watch(FOREVER, () => void new Semaphore(0).acquire({ timeoutMs: 5 }))).rejects.toThrow(TimeoutError);
});

it("an event loop that has nothing left to wait for is told, with all tasks that are blocked", async () => {
  const program = `
    import { Channel, Pool, selectAsync, Semaphore, watch } from ${JSON.stringify(new URL("../../lib/index.ts", import.meta.url).href)};
    const say = (error) => console.log(JSON.stringify([error.name, error.timedOut, error.cycle.map((row) => row.waitsFor)]));
    const none = new Semaphore(0);
    await watch({ timeoutMs: 1e9 }, () => none.acquireAsync()).catch(say);
    await watch({ timeoutMs: 1e9 }, () => new Channel().recvAsync()).catch(say);
    await watch({ timeoutMs: 1e9 }, () => selectAsync([new Channel(1).onRecv(() => 1)])).catch(say);
    const pool = new Pool({ threads: 2 });
    await watch({ timeoutMs: 1e9 }, () => pool.map([1, 2, 3, 4], () => void none.acquire())).catch(say);
    await pool.terminate();
    // One for the wait that was given up by nobody.
    setTimeout(() => none.release(2), 500);
    await watch({ timeoutMs: 1e9 }, () => none.acquireAsync());
    console.log("released");
    process.exit();
  `;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--conditions=braid-source", "--input-type=module", "-e", program],
    { cwd: fileURLToPath(new URL("../..", import.meta.url)) },
  );
  const lines = stdout.trim().split("\n");
  expect(lines[0]).toBe('["DeadlockError",false,["a permit"]]');
  expect(lines[1]).toBe('["DeadlockError",false,["a message"]]');
  expect(lines[2]).toBe('["DeadlockError",false,["a case of select()"]]');
  expect(lines[3]).toMatch(/^\["DeadlockError",false,\["a permit","a permit"/);
  expect(lines[4]).toBe("released");
});

it.each([
  [() => watch(undefined as never, () => 1), "Expected the options of watch() to be an object"],
  [() => watch({ timeoutMs: -1 }, () => 1), "Expected timeoutMs to be 0 or more"],
  [() => watch({ signal: 1 } as never, () => 1), 'watch() has no option "signal"'],
  [() => watch({}, 1 as never), "Expected the second argument of watch() to be a function"],
])("refuses what it can't take: %s", async (act, message) => {
  await expect(act()).rejects.toThrow(message);
});
