// What is used against its rules: each time an error of the right class, which says what came and what was expected, and
// nobody waits for ever.

import { expect, it } from "vitest";
import {
  after,
  AtomicI32,
  Barrier,
  channel,
  Channel,
  Condvar,
  DeadlockError,
  Guarded,
  Latch,
  Mutex,
  never,
  NotSendableError,
  Once,
  otherwise,
  pipeline,
  RwLock,
  select,
  selectAsync,
  Semaphore,
  spawn,
  SpinLock,
  ThreadLocal,
  tick,
  WaitGroup,
  watch,
} from "../../lib/index.ts";

/** A thing that something was done with. */
function having<T>(thing: T, act: (thing: T) => unknown): T {
  act(thing);
  return thing;
}
const closed = <T>(capacity: number): Channel<T> => having(new Channel<T>(capacity), (it) => it.close());
const unlocked = having(new Mutex({ name: "m" }).lock(), (guard) => guard[Symbol.dispose]());
const [sender] = channel<number>(1);
sender[Symbol.dispose]();
const mine = new Condvar();
{
  using guard = new Mutex({ name: "first" }).lock();
  expect(() => mine.wait(guard, { timeoutMs: 0 })).toThrow("Out of time");
}
const other = new Mutex({ name: "other" }).lock();
const held = { mutex: new Mutex({ name: "m" }), spin: new SpinLock(), rw: new RwLock({ name: "rw" }) };
const kept = [held.mutex.lock(), held.spin.lock(), held.rw.write()];
const guarded = new Guarded(1, { name: "g" });

const CASES: [what: string, act: () => unknown, name: string, message: string | RegExp][] = [
  [
    "a channel's capacity below 0",
    () => new Channel(-1),
    "RangeError",
    "Expected capacity to be a whole number from 0 to 4194304, got -1.",
  ],
  [
    "of a counted channel",
    () => channel(-1),
    "RangeError",
    "Expected capacity to be a whole number from 0 to 4194304, got -1.",
  ],
  [
    "of a stage",
    () => pipeline([]).stage(String, { capacity: -1 }),
    "RangeError",
    "Expected capacity to be a whole number from 0 to 4194304, got -1.",
  ],
  [
    "that is text",
    () => new Channel("4" as never),
    "TypeError",
    'Expected capacity to be a whole number from 0 to 4194304, got "4".',
  ],
  [
    "null for options",
    () => new Channel(1, null as never),
    "TypeError",
    "Expected the options of Channel to be an object, got null.",
  ],
  [
    "no iterable",
    () => new Channel(1).sendMany(5 as never),
    "TypeError",
    "Expected values to be iterable (an array, a Set, …), got 5 (number).",
  ],
  [
    "no iterable for a sender",
    () => channel<number>(1)[0].sendMany({} as never),
    "TypeError",
    "Expected values to be iterable (an array, a Set, …), got an object of class Object.",
  ],
  [
    "send on closed",
    () => closed(1).send(1),
    "ChannelClosedError",
    "The channel is closed: nothing can be sent on it.",
  ],
  [
    "send on closed, by rendezvous",
    () => closed(0).send(1),
    "ChannelClosedError",
    "The channel is closed: nothing can be sent on it.",
  ],
  [
    "sendAsync on closed",
    () => closed(1).sendAsync(1),
    "ChannelClosedError",
    "The channel is closed: nothing can be sent on it.",
  ],
  [
    "trySend on closed",
    () => closed(Infinity).trySend(1),
    "ChannelClosedError",
    "The channel is closed: nothing can be sent on it.",
  ],
  [
    "a select that sends on closed",
    () => select([closed(0).onSend(1, () => 1)]),
    "ChannelClosedError",
    "The channel is closed: nothing can be sent on it.",
  ],
  [
    "recv from closed",
    () => closed(1).recv(),
    "ChannelClosedError",
    "The channel is closed and empty: nothing can be received from it.",
  ],
  ["closed twice", () => closed(1).close(), "ChannelClosedError", "The channel was closed before."],
  [
    "a clock's channel closed twice",
    () => having(tick(5), (it) => it.close()).close(),
    "ChannelClosedError",
    "The channel was closed before.",
  ],
  ["send on a clock", () => never<number>().send(1), "TypeError", "Only the clock sends on this channel."],
  [
    "a sender that was disposed of",
    () => sender.send(1),
    "ChannelClosedError",
    "This sender was disposed of: nothing can be sent with it.",
  ],
  [
    "and sendAsync",
    () => sender.sendAsync(1),
    "ChannelClosedError",
    "This sender was disposed of: nothing can be sent with it.",
  ],
  [
    "and shipped",
    () => spawn(() => sender.send(1)).joinAsync(),
    "ChannelClosedError",
    "This sender was disposed of: nothing can be sent with it.",
  ],
  [
    "a value that isn't Send",
    () => new Channel<unknown>(1).send({ a: [new WeakSet()] }),
    "NotSendableError",
    /^message\.a\[0\].*WeakSet/,
  ],
  ["in a select", () => new Channel<unknown>(1).onSend(new WeakSet(), () => 1), "NotSendableError", /WeakSet/],
  [
    "against a schema",
    () => new Channel<object>(1, { schema: { n: "i32" } }).send({ n: "5" }),
    "TypeError",
    'Expected message.n to be a number (i32), got "5".',
  ],
  [
    "in a Guarded",
    () => new Guarded(() => 1),
    "NotSendableError",
    /^The value of a Guarded is copied into shared memory/,
  ],
  ["a guard", () => new Channel<unknown>(1).send(other), "NotSendableError", /LockGuard/],
  [
    "select of nothing",
    () => select([]),
    "TypeError",
    "Expected select() to get an array of at least one case, such as channel.onRecv(f).",
  ],
  [
    "select of no case",
    () => selectAsync([1 as never]),
    "TypeError",
    /^Expected a case of select\(\) to be made by onRecv\(\), onSend\(\), after\(\) or otherwise\(\), got /,
  ],
  [
    "a case without a function",
    () => new Channel(1).onRecv(undefined as never),
    "TypeError",
    "Expected f to be a function, got undefined (undefined).",
  ],
  [
    "otherwise without a function",
    () => otherwise(1 as never),
    "TypeError",
    "Expected f to be a function, got 1 (number).",
  ],
  ["after a time below 0", () => after(-1, () => 1), "RangeError", "Expected ms to be 0 or more milliseconds, got -1."],
  ["ticks at no distance", () => tick(0), "RangeError", "Expected ms to be more than 0, and finite, got 0."],
  [
    "a pipeline of no iterable",
    () => pipeline(5 as never),
    "TypeError",
    /^Expected the source of a pipeline to be iterable \(an array, a channel, …\), got /,
  ],
  [
    "a stage of no thread",
    () => pipeline([]).stage(String, { threads: 0 }),
    "RangeError",
    "Expected threads to be a whole number from 1 to 1024, got 0.",
  ],
  ["unlocked twice", () => unlocked[Symbol.dispose](), "LockError", "This guard has unlocked already."],
  [
    "a value without its lock",
    () => having(guarded.lock(), (it) => it[Symbol.dispose]()).value,
    "LockError",
    "The value of a Guarded is out of reach: its guard has unlocked.",
  ],
  [
    "a mutex locked again",
    () => held.mutex.lock(),
    "DeadlockError",
    /^Deadlock: thread \d+ holds m and waits for it \(.*sync-misuse/,
  ],
  [
    "a spin lock locked again",
    () => held.spin.lock(),
    "DeadlockError",
    /^Deadlock: thread \d+ holds SpinLock \d+ and waits for it/,
  ],
  [
    "a lock read by its writer",
    () => held.rw.read(),
    "DeadlockError",
    /^Deadlock: thread \d+ holds rw and waits for it/,
  ],
  [
    "with a limit, too",
    () => held.mutex.lock({ timeoutMs: 1000 }),
    "DeadlockError",
    /^Deadlock: thread \d+ holds m and waits for it/,
  ],
  [
    "a mutex named by a number",
    () => new Mutex({ name: 1 as never }),
    "TypeError",
    "Expected name to be a string that is not empty, got 1 (number).",
  ],
  [
    "an unknown option",
    () => new Semaphore(0).acquire({ timeout: 1 } as never),
    "TypeError",
    'acquire() has no option "timeout"; its options are timeoutMs.',
  ],
  [
    "a signal where the thread blocks",
    () => new Latch(1).wait({ signal: AbortSignal.abort() } as never),
    "TypeError",
    'wait() has no option "signal"; its options are timeoutMs.',
  ],
  [
    "a time that is NaN",
    () => new Latch(1).wait({ timeoutMs: NaN }),
    "RangeError",
    "Expected timeoutMs to be 0 or more milliseconds, got NaN.",
  ],
  [
    "a signal that is none",
    () => new Latch(1).waitAsync({ signal: 1 as never }),
    "TypeError",
    "Expected signal to be an AbortSignal, got 1 (number).",
  ],
  [
    "a barrier of 0",
    () => new Barrier(0),
    "RangeError",
    "Expected n to be a whole number from 1 to 2147483647, got 0.",
  ],
  [
    "a barrier without a number",
    () => new Barrier(undefined as never),
    "TypeError",
    "Expected n to be a whole number from 1 to 2147483647, got undefined (undefined).",
  ],
  [
    "permits below 0",
    () => new Semaphore(-1),
    "RangeError",
    "Expected permits to be a whole number from 0 to 2147483647, got -1.",
  ],
  [
    "0 permits released",
    () => new Semaphore(1).release(0),
    "RangeError",
    "Expected n to be a whole number from 1 to 2147483647, got 0.",
  ],
  [
    "permits beyond all numbers",
    () => new Semaphore(2 ** 31 - 1).release(),
    "RangeError",
    /^A semaphore holds up to 2147483647 permits; 1 more than the 2147483647/,
  ],
  [
    "a latch below 0",
    () => new Latch(1).countDown(2),
    "RangeError",
    "A latch that 1 is missing to can't be counted down by 2.",
  ],
  [
    "a group below 0",
    () => new WaitGroup().done(),
    "RangeError",
    "A wait group counts down to 0: 1 are done where 0 are under way.",
  ],
  [
    "a once of nothing",
    () => new Once().run(undefined as never),
    "TypeError",
    "Expected the argument of run() to be a function, got undefined (undefined).",
  ],
  [
    "a once of a promise",
    () => new Once().run((async () => {}) as () => void),
    "TypeError",
    /^Expected the function of run\(\) to be done when it returns, got a promise/,
  ],
  [
    "a once in itself",
    () => having(new Once({ name: "o" }), (it) => it.run(() => it.run(() => {}))),
    "DeadlockError",
    /^Deadlock: thread \d+ holds o and waits for it/,
  ],
  [
    "a condvar of another lock",
    () => mine.wait(other),
    "LockError",
    "A condvar belongs to the lock that it was first used with; other is another one.",
  ],
  [
    "a condvar with no guard",
    () => mine.wait({} as never),
    "TypeError",
    /^Expected guard to be what lock\(\) of a Mutex or a Guarded gave/,
  ],
  [
    "a condvar with a reader's guard",
    () => mine.wait(kept[2]!),
    "TypeError",
    /^Expected guard to be what lock\(\) of a Mutex or a Guarded gave/,
  ],
  ["a condvar without the lock", () => mine.waitAsync(unlocked), "LockError", "This guard has unlocked already."],
  [
    "an atomic of 2^31",
    () => new AtomicI32(2 ** 31),
    "RangeError",
    "Expected value to be a whole number from -2147483648 to 2147483647, got 2147483648.",
  ],
  [
    "an atomic of half",
    () => new AtomicI32().add(0.5),
    "RangeError",
    "Expected n to be a whole number from -2147483648 to 2147483647, got 0.5.",
  ],
  ["a value for each thread, by none", () => new ThreadLocal(1 as never), "TypeError", /function, got 1 \(number\)/],
  [
    "watch of nothing",
    () => watch({}, 1 as never),
    "TypeError",
    "Expected the second argument of watch() to be a function, got 1 (number).",
  ],
];

it.each(CASES)("%s", async (_, act, name, message) => {
  let error: unknown;
  try {
    await act();
  } catch (thrown) {
    error = thrown;
  }
  expect(String(error)).toContain(name);
  expect((error as Error).constructor.name).toBe(name);
  if (typeof message === "string") expect((error as Error).message).toBe(message);
  else expect((error as Error).message).toMatch(message);
});

it("a channel that is dropped with senders alive ends the wait by the limit, or by watch", async () => {
  const [alive, receiver] = channel<number>(1);
  await expect(receiver.recvAsync({ timeoutMs: 1 })).rejects.toThrow("Out of time: the wait for a message");
  expect(() => receiver.recv({ timeoutMs: 1 })).toThrow("Out of time: the wait for a message");
  await expect(watch({ timeoutMs: 200 }, () => receiver.recvAsync())).rejects.toThrow(DeadlockError);
  // Whose receiver is gone it still has room, and then says that it has none.
  expect(alive.trySend(1)).toBe(true);
  expect(alive.trySend(2)).toBe(false);
  expect(() => alive.send(2, { timeoutMs: 1 })).toThrow("Out of time: the wait for room in a channel");
  expect(() => alive.send(new WeakMap() as never)).toThrow(NotSendableError);
});
