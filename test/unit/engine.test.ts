// The parts of the pool's engine in shared memory, one by one: small values as bytes, deques, the board.

import { afterEach, describe, expect, it } from "vitest";
import { Board } from "../../lib/engine/board.ts";
import { Deque } from "../../lib/engine/deque.ts";
import { MAX_SEATS } from "../../lib/engine/seats.ts";
import { SLOTS, State, VALUE_BYTES } from "../../lib/engine/slots.ts";
import { SmallValueReader, SmallValueWriter } from "../../lib/ship/small-values.ts";

describe("small values", () => {
  const bytes = new Uint8Array(new SharedArrayBuffer(4096));
  const writer = new SmallValueWriter(bytes.buffer);
  const reader = new SmallValueReader(bytes.buffer);
  const crosses = (value: unknown, room = 2000): boolean => writer.write(value, 100, 100 + room);

  const nested = { a: [1, { b: [[], {}, [null, undefined]] }], c: { d: { e: "é" } } };
  it.each<[string, unknown]>([
    ["undefined", undefined],
    ["null", null],
    ["true", true],
    ["false", false],
    ["0", 0],
    ["-0", -0],
    ["NaN", NaN],
    ["Infinity", Infinity],
    ["the smallest number", Number.MIN_VALUE],
    ["0.1", 0.1],
    ["the greatest int32", 2 ** 31 - 1],
    ["one more", 2 ** 31],
    ["the least int32", -(2 ** 31)],
    ["one less", -(2 ** 31) - 1],
    ["2 ** 32", 2 ** 32],
    ["a bigint", -12n],
    ["the greatest bigint", 2n ** 63n - 1n],
    ["the least bigint", -(2n ** 63n)],
    ["an empty string", ""],
    ["latin1", "ÿ\0 abc é"],
    ["the first beyond latin1", "aĀ"],
    ["utf16", "aĀ€ 你好 🧵"],
    ["a lone surrogate", "x\ud83e"],
    ["another", "\uddf5\ud83e"],
    ["[]", []],
    ["{}", {}],
    ["an array with undefined", [undefined, undefined]],
    ["nested ones", nested],
    ["keys of all kinds", { "": 1, 7: 2, "-1": 3, ключ: 4, constructor: 5, toString: 6, length: 7 }],
    ["an own __proto__", JSON.parse('{"__proto__":{"x":1},"y":2}')],
    ["what is frozen", Object.freeze([Object.freeze({ a: 1 })])],
    ["equal strings and numbers", ["s", "s", 5, 5, null, null]],
  ])("%s crosses", (_, value) => {
    bytes.fill(0xaa);
    expect(crosses(value)).toBe(true);
    const read = reader.read(100);
    expect(read).toStrictEqual(value);
    expect(Object.is(read, value)).toBe(typeof value !== "object" || value === null);
    // Not a byte outside.
    expect(bytes.subarray(0, 100).every((byte) => byte === 0xaa)).toBe(true);
    expect(Object.getPrototypeOf(read ?? {})).toBe(Object.getPrototypeOf(value ?? {}));
  });

  it("keeps the order of keys, and their properties are ordinary", () => {
    expect(crosses({ z: 1, a: 2, 1: 3 })).toBe(true);
    const read = reader.read(100) as object;
    expect(Object.keys(read)).toEqual(["1", "z", "a"]);
    const proto: unknown = JSON.parse('{"__proto__":1}');
    for (const value of [{ a: 1 }, proto]) {
      expect(crosses(value)).toBe(true);
      expect(Object.getOwnPropertyDescriptors(reader.read(100))).toEqual(Object.getOwnPropertyDescriptors(value));
    }
  });

  let trapped = 0;
  const trap = new Proxy({}, { get: () => () => void trapped++ });
  const cycle: unknown[] = [];
  cycle.push([cycle]);
  const twice = {};
  const getter = {
    get a(): number {
      return ++trapped;
    },
  };
  const onPrototype = Object.setPrototypeOf(
    { a: 1 },
    {
      get b() {
        return ++trapped;
      },
    },
  ) as object;
  it("a getter in the place of an item is called once, as structured clone calls it", () => {
    let calls = 0;
    const array = Object.defineProperty([1], 0, { get: () => ++calls, enumerable: true });
    expect(writer.write(array, 0, bytes.length)).toBe(true);
    expect(reader.read(0)).toEqual([1]);
    expect(calls).toBe(1);
  });
  it.each<[string, unknown]>([
    ["a hole", [1, , 3]], // oxlint-disable-line no-sparse-arrays
    ["an empty array with a length", new Array(3)],
    ["a hole made up for by a property", Object.assign([1, , 3], { x: 1 })], // oxlint-disable-line no-sparse-arrays
    ["an array with a property", Object.assign([1], { x: 1 })],
    ["a getter", getter],
    ["a setter", { set a(_: number) {} }],
    ["a property that is not enumerable", Object.defineProperty({}, "a", { value: 1 })],
    ["a symbol", Symbol.iterator],
    ["a symbol as key", { [Symbol.iterator]: 1 }],
    ["a symbol on an array", Object.assign([1], { [Symbol("s")]: 1 })],
    ["a function", () => 1],
    ["a function inside", { a: [(): number => 1] }],
    ["a null prototype", Object.create(null)],
    ["another prototype", onPrototype],
    ["an instance", new (class A {})()],
    ["an array of a class of its own", new (class Own extends Array {})()],
    ["a Date", new Date()],
    ["a Map", new Map()],
    ["a Set", new Set()],
    ["a RegExp", /x/],
    ["an error", new Error("x")],
    ["a typed array", new Int8Array(1)],
    ["an ArrayBuffer", new ArrayBuffer(1)],
    ["a boxed number", Object(1)],
    ["a promise", Promise.resolve()],
    ["Math", Math],
    [
      "arguments",
      (function () {
        return arguments; // oxlint-disable-line prefer-rest-params
      })(),
    ],
    ["a proxy", new Proxy({ a: 1 }, trap)],
    ["a proxy of an array", new Proxy([1], trap)],
    ["a proxy inside", { a: [new Proxy({}, trap)] }],
    ["a cycle", cycle],
    ["an object that is met twice", [twice, twice]],
    ["a bigint of 65 bits", 2n ** 63n],
    ["a negative one", -(2n ** 63n) - 1n],
    ["nine levels", JSON.parse("[".repeat(9) + "]".repeat(9))],
  ])("%s does not, and nothing of it runs", (_, value) => {
    trapped = 0;
    expect(crosses(value)).toBe(false);
    expect(writer.writeList([1, value], 100, 1000)).toBe(false);
    expect(trapped).toBe(0);
    // What was met is forgotten.
    expect(crosses([twice])).toBe(true);
  });

  it("eight levels cross", () => {
    const deep: unknown = JSON.parse("[".repeat(8) + "]".repeat(8));
    expect(crosses(deep)).toBe(true);
    expect(reader.read(100)).toEqual(deep);
  });

  it("what is too long is refused, and nothing is written beyond the end", () => {
    const values = [
      1.5,
      7n,
      "x".repeat(50),
      "€".repeat(50),
      Array.from({ length: 20 }, (_, i) => i),
      Array.from({ length: 40 }, () => true),
      { abcdefghijkl: 1, m: "nopqrstuvw", x: null },
      { "€€€€": "€€" },
      [[], {}, [[]], [{}]],
      "x".repeat(70_000),
    ];
    for (const value of values) {
      let fits = 0;
      for (let room = 0; room < 300; room++) {
        bytes.fill(0xaa);
        if (crosses(value, room)) {
          fits ||= room;
          expect(reader.read(100)).toEqual(value);
        } else expect(fits).toBe(0);
        expect(bytes.subarray(100 + room).every((byte) => byte === 0xaa)).toBe(true);
      }
      expect(fits > 0).toBe(typeof value !== "string" || value.length < 1000);
    }
    const long = Array.from({ length: 70_000 }, () => true);
    const room = new Uint8Array(200_000);
    expect(new SmallValueWriter(room.buffer).write(long, 0, room.length)).toBe(false);
    expect(new SmallValueWriter(room.buffer).writeList(long, 0, room.length)).toBe(false);
  });

  it("lists are arrays", () => {
    for (const list of [[], [1, "a", { b: 1 }]]) {
      expect(writer.writeList(list, 8, 100)).toBe(true);
      expect(reader.read(8)).toEqual(list);
    }
    expect(writer.writeList([], 8, 10)).toBe(false);
    expect(writer.writeList([1, 2], 8, 17)).toBe(false);
  });

  it("what no writer has written is told", () => {
    bytes[0] = 99;
    expect(() => reader.read(0)).toThrow("No value starts with the byte 99.");
  });
});

describe("deque", () => {
  const AT = 5;
  const CAPACITY = 8;
  const make = (counter = 0): { words: Int32Array<SharedArrayBuffer>; deque: Deque } => {
    const words = new Int32Array(new SharedArrayBuffer((AT + Deque.words(CAPACITY) + 3) * 4));
    // Both counters: TOP and BOTTOM.
    words[AT] = words[AT + 16] = counter;
    return { words, deque: new Deque(words, AT, CAPACITY) };
  };
  const take = (deque: Deque): number => deque.take(() => {});

  it.each([0, 5, 2 ** 31 - 3, -(2 ** 31), -3])(
    "gives what it got, the oldest first, with counters from %d",
    (start) => {
      const { words, deque } = make(start);
      expect(deque.isEmpty).toBe(true);
      expect(take(deque)).toBe(-1);
      let [next, last] = [0, 0];
      // Filled and emptied by other amounts each time, across the wrap.
      for (let round = 0; round < 40; round++) {
        for (let n = 0; n <= round % CAPACITY; n++) if (deque.push(last)) last++;
        expect(deque.isEmpty).toBe(false);
        while (last - next > (round * 3) % 5) expect(take(deque)).toBe(next++);
        expect(deque.isEmpty).toBe(next === last);
      }
      while (next < last) expect(take(deque)).toBe(next++);
      expect(take(deque)).toBe(-1);
      expect(words[AT]).toBe((start + last) | 0);
      expect([...words.subarray(0, AT), ...words.subarray(AT + Deque.words(CAPACITY))]).toEqual(Array(AT + 3).fill(0));
    },
  );

  it.each([0, 2 ** 31 - 4])("refuses what it has no room for, with counters from %d", (start) => {
    const { deque } = make(start);
    for (let i = 0; i < CAPACITY; i++) expect(deque.push(i)).toBe(true);
    expect(deque.push(99)).toBe(false);
    expect(take(deque)).toBe(0);
    expect(deque.push(8)).toBe(true);
    expect(deque.push(99)).toBe(false);
    expect(Array.from({ length: 9 }, () => take(deque))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, -1]);
  });

  it("announces an item before it is taken, and another one where someone else was faster", () => {
    const { deque } = make();
    for (const item of [7, 8, 9]) deque.push(item);
    const announced: number[] = [];
    const taken = deque.take((item) => {
      announced.push(item);
      // Another taker, in between.
      if (item === 7) expect(take(deque)).toBe(7);
    });
    expect([taken, announced]).toEqual([8, [7, 8]]);
    expect(take(deque)).toBe(9);
    deque.push(10);
    expect(deque.take((item) => item === 10 && take(deque))).toBe(-1);
  });
});

describe("board", () => {
  const real = { ...atomics() };
  afterEach(() => void Object.assign(Atomics, real));

  /**
   * Runs `one`, and before its step-th operation on shared memory all of `other`, as another thread would that is faster.
   * False: it has not that many operations.
   */
  function between(step: number, one: () => void, other: () => void): boolean {
    let left = step;
    for (const [name, operation] of Object.entries(real))
      Object.assign(Atomics, {
        [name]: (...args: never[]) => {
          if (left-- === 0) {
            Object.assign(Atomics, real);
            other();
          }
          return (operation as (...args: never[]) => unknown)(...args);
        },
      });
    one();
    Object.assign(Atomics, real);
    return left < 0;
  }

  /** Tries every place for `other` between the operations of `one`. */
  function everywhere(round: () => { one: () => void; other: () => void; check: () => void }): void {
    let step = 0;
    for (let more = true; more; step++) {
      const { one, other, check } = round();
      more = between(step, one, other);
      if (more) check();
    }
    expect(step).toBeGreaterThan(1);
  }

  it("a slot keeps what is written to it, to itself", () => {
    const board = Board.make(2);
    const same = new Board(board);
    for (const slot of [0, 1, SLOTS - 1]) {
      board.slots.prepare(slot, 3_000_000_000, -1);
      expect(board.slots.writeList(slot, [slot, "a"])).toBe(true);
      board.slots.setEnded(slot, 2.5);
      board.slots.setStolen(slot, 0);
    }
    for (const slot of [0, 1, SLOTS - 1]) {
      expect(same.slots.functionOf(slot)).toBe(3_000_000_000);
      expect(same.slots.originOf(slot)).toBe(-1);
      expect(same.slots.started(slot)).toBe(0);
      expect(same.slots.ended(slot)).toBe(2.5);
      expect(same.slots.read(slot)).toEqual([slot, "a"]);
      expect(same.slots.stolenFrom(slot)).toBe(0);
      same.slots.setStarted(slot, 1.5);
      same.slots.setMeant(slot, 1);
      expect([board.slots.started(slot), board.slots.meantFor(slot), board.slots.ended(slot)]).toEqual([1.5, 1, 2.5]);
      expect(same.slots.write(slot, { done: slot })).toBe(true);
    }
    for (const slot of [0, 1, SLOTS - 1]) {
      expect(board.slots.read(slot)).toEqual({ done: slot });
      board.slots.prepare(slot, 1, 5);
      expect([board.slots.stolenFrom(slot), board.slots.started(slot), board.slots.originOf(slot)]).toEqual([
        undefined,
        0,
        5,
      ]);
    }
    const most = "x".repeat(VALUE_BYTES - 3);
    expect(board.slots.write(0, most)).toBe(true);
    expect(board.slots.write(0, `${most}x`)).toBe(false);
    expect(board.slots.read(1)).toEqual({ done: 1 });
  });

  it("bytes of another writer are a slot's value", () => {
    const board = Board.make(1);
    const bytes = new Uint8Array(VALUE_BYTES);
    expect(new SmallValueWriter(bytes.buffer).writeList([1, "zwei"], 0, VALUE_BYTES)).toBe(true);
    board.slots.writeBytes(4, bytes);
    expect(board.slots.read(4)).toEqual([1, "zwei"]);
  });

  it("a claim is given once, and names the seat", () => {
    const board = Board.make(1);
    for (const seat of [0, 1, MAX_SEATS - 1]) {
      expect(board.slots.claim(9, seat)).toBe(false);
      board.slots.setState(9, State.queued);
      expect(board.slots.claim(9, seat)).toBe(true);
      expect([board.slots.state(9), board.slots.seat(9)]).toEqual([State.running, seat]);
      expect(board.slots.claim(9, 2)).toBe(false);
      expect(board.slots.revoke(9)).toBe(false);
      board.slots.setState(9, State.done, seat);
      expect([board.slots.state(9), board.slots.seat(9)]).toEqual([State.done, seat]);
      expect(board.slots.claim(9, 2)).toBe(false);
      board.slots.setState(9, State.free);
    }
    board.slots.setState(9, State.queued);
    expect(board.slots.revoke(9)).toBe(true);
    expect(board.slots.claim(9, 1)).toBe(false);
    expect(board.slots.state(9)).toBe(State.free);
  });

  it("of a claim and what comes in between, a claim or a revocation, one wins", () => {
    for (const other of [(board: Board) => board.slots.claim(3, 2), (board: Board) => board.slots.revoke(3)])
      everywhere(() => {
        const board = Board.make(1);
        board.slots.setState(3, State.queued);
        const won: boolean[] = [];
        return {
          one: () => won.push(board.slots.claim(3, 1)),
          other: () => won.push(other(board)),
          check: () => expect(won.filter(Boolean).length).toBe(1),
        };
      });
    everywhere(() => {
      const board = Board.make(1);
      board.slots.setState(3, State.queued);
      const won: boolean[] = [];
      return {
        one: () => won.push(board.slots.revoke(3)),
        other: () => won.push(board.slots.claim(3, 1)),
        check: () => expect(won.filter(Boolean).length).toBe(1),
      };
    });
  });

  it("what is done comes in order, each once", () => {
    const board = Board.make(1);
    expect(board.done.takeAll()).toEqual([]);
    for (const slot of [4, 0, SLOTS - 1, 2]) board.done.push(slot);
    expect(board.done.takeAll()).toEqual([4, 0, SLOTS - 1, 2]);
    expect(board.done.takeAll()).toEqual([]);
    board.done.push(0);
    expect(board.done.takeAll()).toEqual([0]);
  });

  it("nothing done is lost or doubled, whatever happens while it is pushed", () => {
    const others: ((board: Board, taken: number[]) => void)[] = [
      (board) => board.done.push(2),
      (board, taken) => taken.push(...board.done.takeAll()),
      // The same head again, over another stack.
      (board, taken) => {
        taken.push(...board.done.takeAll());
        board.done.push(3);
        board.done.push(1);
      },
    ];
    for (const other of others)
      everywhere(() => {
        const board = Board.make(1);
        const taken: number[] = [];
        board.done.push(1);
        const got: number[] = [];
        return {
          one: () => board.done.push(5),
          other: () => {
            other(board, taken);
          },
          check: () => {
            got.push(...taken, ...board.done.takeAll());
            const expected = other === others[0] ? [1, 2, 5] : other === others[1] ? [1, 5] : [1, 1, 3, 5];
            expect(got.toSorted((a, b) => a - b)).toEqual(expected);
          },
        };
      });
  });

  it("the owner is woken by what is done, also where that comes while it lies down", async () => {
    const waits: Promise<unknown>[] = [];
    everywhere(() => {
      const board = Board.make(1);
      let waiting: Promise<unknown> | undefined;
      return {
        one: () => void (waiting = board.done.untilSome()),
        other: () => board.done.push(1),
        check: () => {
          if (waiting) waits.push(waiting);
          expect(board.done.takeAll()).toEqual([1]);
        },
      };
    });
    await Promise.all(waits);
    const board = Board.make(1);
    const waiting = board.done.untilSome()!;
    board.done.push(1);
    await waiting;
    expect(board.done.untilSome()).toBeUndefined();
    board.done.takeAll();
    const stopped = board.done.untilSome()!;
    board.done.stopWaiting();
    await stopped;
  });

  it("a sleeper is woken once, by one, who says what for", async () => {
    const board = Board.make(1);
    expect(board.seats.wake(3)).toBe(false);
    for (const forMessage of [false, true]) {
      board.seats.sleep(3);
      expect([board.seats.isAsleep(3), board.seats.sleepers]).toEqual([true, 1]);
      const slept = board.seats.slept(3)!;
      expect(board.seats.wake(3, forMessage)).toBe(true);
      expect([board.seats.wake(3), board.seats.wake(3, true)]).toEqual([false, false]);
      await slept;
      expect([board.seats.isAsleep(3), board.seats.isForMessage(3), board.seats.sleepers]).toEqual([
        false,
        forMessage,
        0,
      ]);
      expect(board.seats.slept(3)).toBeUndefined();
      board.seats.gotMessage(3);
      expect(board.seats.isForMessage(3)).toBe(false);
    }
    everywhere(() => {
      const woken: boolean[] = [];
      board.seats.sleep(3);
      return {
        one: () => woken.push(board.seats.wake(3)),
        other: () => woken.push(board.seats.wake(3, true)),
        check: () => {
          expect(woken.filter(Boolean).length).toBe(1);
          expect(board.seats.sleepers).toBe(0);
          board.seats.clear(3);
        },
      };
    });
  });

  // What the owner does after it has pushed a task, and what a thread does that has found none.
  const offer = (board: Board, seat: number): void => {
    board.push(0, 7);
    if (board.seats.sleepers !== 0 && board.seats.isAsleep(seat)) board.seats.wake(seat);
  };
  const lieDown = (board: Board, seat: number): boolean => {
    board.seats.sleep(seat);
    return board.isEmpty(0) || !board.seats.wake(seat);
  };

  it("no task comes between a thread that lies down and its sleep", () => {
    everywhere(() => {
      const board = Board.make(1);
      let sleeps = false;
      return {
        one: () => void (sleeps = lieDown(board, 1)),
        other: () => offer(board, 1),
        check: () => expect(sleeps && board.seats.isAsleep(1)).toBe(false),
      };
    });
    everywhere(() => {
      const board = Board.make(1);
      let sleeps = false;
      return {
        one: () => offer(board, 1),
        other: () => void (sleeps = lieDown(board, 1)),
        check: () => expect(sleeps && board.seats.isAsleep(1)).toBe(false),
      };
    });
  });

  it("a thread that is woken while it lies down does not hide another that sleeps", () => {
    everywhere(() => {
      const board = Board.make(1);
      board.seats.sleep(1);
      let sleepers = 0;
      return {
        one: () => board.seats.sleep(2),
        other: () => {
          board.seats.wake(2);
          sleepers = board.seats.sleepers;
        },
        check: () => {
          expect(board.seats.isAsleep(1)).toBe(true);
          expect(sleepers).not.toBe(0);
        },
      };
    });
    // Nor one that dies there, half asleep.
    everywhere(() => {
      const board = Board.make(1);
      board.seats.sleep(1);
      const one = (): void => {
        try {
          board.seats.sleep(2);
        } catch {
          board.seats.wake(2);
        }
      };
      const other = (): never => {
        throw new Error("terminated");
      };
      return { one, other, check: () => expect(board.seats.sleepers).toBeGreaterThan(0) };
    });
  });

  it("a hand holds what is taken, from before it is taken until it is put down", () => {
    const board = Board.make(2);
    expect(board.seats.inHand(1)).toBeUndefined();
    expect(board.take(1, 1)).toBe(-1);
    expect(board.seats.inHand(1)).toBeUndefined();
    board.push(1, 0);
    board.push(1, SLOTS - 1);
    expect(board.isEmpty(0)).toBe(true);
    expect([board.take(1, 1), board.seats.inHand(1), board.seats.inHand(0)]).toEqual([0, 0, undefined]);
    expect([board.take(1, 1), board.seats.inHand(1)]).toEqual([SLOTS - 1, SLOTS - 1]);
    board.seats.putDown(1);
    expect(board.seats.inHand(1)).toBeUndefined();
    // A thread that ends anywhere in between has left the slot in the lane or in its hand.
    everywhere(() => {
      board.seats.clear(2);
      expect(board.isEmpty(0)).toBe(true);
      board.push(0, 6);
      const end = new Error("terminated");
      return {
        one: () => {
          try {
            board.take(0, 2);
          } catch (error) {
            expect(error).toBe(end);
          }
        },
        other: () => {
          throw end;
        },
        check: () => {
          const left = board.take(0, 3);
          expect(left === 6 || board.seats.inHand(2) === 6).toBe(true);
        },
      };
    });
  });

  const seats = [0, 31, 32, 40, 100, 101];
  const limited = (limit: number, used = 102): Board => {
    const board = Board.make(1);
    board.seats.used = used;
    board.running.limit = limit;
    return board;
  };

  it("as many run as may, whatever their seats", () => {
    const board = limited(2);
    const { running } = board;
    const enter = (): boolean[] => seats.map((seat) => running.enter(seat));
    expect(enter()).toEqual([true, true, false, false, false, false]);
    expect(seats.map((seat) => running.mayEnter(seat))).toEqual([true, true, false, false, false, false]);
    running.leave(0);
    expect(running.enter(100)).toBe(true);
    expect(enter()).toEqual([false, true, false, false, true, false]);
    // One that is blocked makes room, and one that is gone.
    running.block(100);
    expect(running.blocked).toBe(1);
    expect(running.enter(40)).toBe(true);
    running.forget(31);
    running.unblock(100, 1e6);
    expect([running.blocked, running.isAwaited]).toEqual([0, false]);
    expect(enter()).toEqual([false, false, false, true, true, false]);
    running.limit = 4;
    expect(enter()).toEqual([true, true, false, true, true, false]);
    // Who is no longer waited for runs on in the end, though there is no room.
    running.block(0);
    expect(running.enter(32)).toBe(true);
    running.unblock(0, 0);
    expect(running.enter(0)).toBe(true);
  });

  it("also the last seat counts", () => {
    const { running } = limited(1, MAX_SEATS);
    expect([running.enter(MAX_SEATS - 1), running.enter(0), running.isAwaited]).toEqual([true, false, false]);
    running.block(MAX_SEATS - 1);
    expect([running.enter(0), running.blocked]).toEqual([true, 1]);
  });

  it("a thread that finds no room is woken when there is", () => {
    for (const [one, two] of [
      [0, 1],
      [3, 100],
      [100, 3],
    ] as const) {
      // What a thread does that has nothing more to do, and one that has work and no place.
      const lieDown = (board: Board): void => {
        board.running.leave(one);
        board.seats.sleep(one);
      };
      const seek = (board: Board): boolean => {
        if (board.running.enter(two)) return true;
        board.running.leave(two);
        board.running.starve(two);
        board.seats.sleep(two);
        return board.running.mayEnter(two) && board.seats.wake(two) && board.running.enter(two);
      };
      const round = (): { board: Board; check(): void } => {
        const board = limited(1);
        board.running.enter(one);
        return { board, check: () => expect(runs || !board.seats.isAsleep(two)).toBe(true) };
      };
      let runs = false;
      everywhere(() => {
        const { board, check } = round();
        return { one: () => lieDown(board), other: () => void (runs = seek(board)), check };
      });
      everywhere(() => {
        const { board, check } = round();
        return { one: () => void (runs = seek(board)), other: () => lieDown(board), check };
      });
    }
  });

  it("of two that come at the same time one has the last place", () => {
    for (const [one, two] of [
      [0, 1],
      [3, 100],
      [100, 3],
    ] as const)
      everywhere(() => {
        const { running } = limited(1);
        const came: boolean[] = [];
        return {
          one: () => came.push(running.enter(one)),
          other: () => came.push(running.enter(two)),
          check: () => {
            expect(came.filter(Boolean).length).toBeLessThan(2);
            // Neither, at worst: then there is room for who comes next.
            if (!came.includes(true)) expect(running.enter(two)).toBe(true);
          },
        };
      });
  });

  it("a lane holds more hints than there are slots", () => {
    const board = Board.make(1);
    let hints = 0;
    while (board.push(0, hints % SLOTS)) hints++;
    expect(hints).toBe(SLOTS * 2);
    for (let i = 0; i < hints; i++) if (board.take(0, 0) !== i % SLOTS) expect.fail(`not in order at ${i}`);
    expect(board.take(0, 0)).toBe(-1);
  });

  it("a seat is cleared for who comes next, and only that", () => {
    const board = Board.make(1);
    for (const seat of [0, 1, 2]) {
      board.seats.pickUp(seat, 5);
      board.seats.setStop(seat, true);
    }
    board.seats.clear(1);
    expect([0, 1, 2].map((seat) => board.seats.inHand(seat))).toEqual([5, undefined, 5]);
    expect([0, 1, 2].map((seat) => board.seats.isStopped(seat))).toEqual([true, false, true]);
  });
});

function atomics(): Partial<typeof Atomics> {
  const { load, store, add, and, or, exchange, compareExchange, notify } = Atomics;
  return { load, store, add, and, or, exchange, compareExchange, notify };
}
