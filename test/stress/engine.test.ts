// The parts of the pool's engine under threads that do all they can at the same time.

import { Worker } from "node:worker_threads";
import { expect, it } from "vitest";
import type * as BoardModule from "../../lib/engine/board.ts";
import { Board } from "../../lib/engine/board.ts";
import type * as DequeModule from "../../lib/engine/deque.ts";
import { Deque } from "../../lib/engine/deque.ts";
import type * as SlotsModule from "../../lib/engine/slots.ts";
import { SLOTS, State } from "../../lib/engine/slots.ts";

type Modules = typeof BoardModule & typeof DequeModule & typeof SlotsModule;

/** Runs a function, by its text, on a thread of its own. */
async function onThread<D, R>(main: (data: D, modules: Modules) => R | Promise<R>, data: D): Promise<R> {
  const urls = ["board", "deque", "slots"].map((name) => new URL(`../../lib/engine/${name}.ts`, import.meta.url).href);
  const code = `const { parentPort, workerData: { data, urls } } = require("node:worker_threads");
    // Who sleeps on shared memory alone does not keep a thread alive.
    setInterval(() => {}, 1e6);
    (async () => {
      const modules = Object.assign({}, ...(await Promise.all(urls.map((url) => import(url)))));
      parentPort.postMessage(await (${main})(data, modules));
    })();`;
  const worker = new Worker(code, { eval: true, workerData: { data, urls } });
  try {
    return await new Promise<R>((resolve, reject) => {
      worker.on("message", resolve);
      worker.on("error", reject);
      worker.on("exit", (exitCode) => reject(new Error(`The thread ended with code ${exitCode}.`)));
    });
  } finally {
    await worker.terminate();
  }
}

const turn = (): Promise<void> => new Promise((go) => setImmediate(go));

it("of one pusher and three takers each item is taken once, in order", async () => {
  const ITEMS = 200_000;
  const CAPACITY = 256;
  const TAKERS = 3;
  const words = new Int32Array(new SharedArrayBuffer((Deque.words(CAPACITY) + 2) * 4));
  const at = { ready: Deque.words(CAPACITY), end: Deque.words(CAPACITY) + 1 };
  // The counters wrap on the way.
  words[0] = words[16] = 2 ** 31 - ITEMS / 2;
  const takers = Array.from({ length: TAKERS }, () =>
    onThread(
      ({ words, CAPACITY, at }, { Deque }) => {
        const deque = new Deque(words, 0, CAPACITY);
        const taken: number[] = [];
        let announced = -1;
        let wrong = 0;
        const announce = (item: number): void => void (announced = item);
        Atomics.add(words, at.ready, 1);
        for (;;) {
          // Before it looks: what is empty after the last push stays so.
          const isEnd = Atomics.load(words, at.end) === 1;
          const item = deque.take(announce);
          if (item >= 0) {
            taken.push(item);
            if (announced !== item) wrong++;
          } else if (isEnd) return { taken: Int32Array.from(taken), wrong };
        }
      },
      { words, CAPACITY, at },
    ),
  );
  const deque = new Deque(words, 0, CAPACITY);
  while (Atomics.load(words, at.ready) < TAKERS) await turn();
  for (let item = 0; item < ITEMS;) {
    if (deque.push(item)) item++;
    // The pusher has no core for itself.
    else await turn();
  }
  Atomics.store(words, at.end, 1);
  const seen = new Uint8Array(ITEMS);
  for (const { taken, wrong } of await Promise.all(takers)) {
    expect(wrong).toBe(0);
    expect(taken.every((item, i) => i === 0 || item > taken[i - 1]!)).toBe(true);
    for (const item of taken) seen[item]!++;
  }
  expect(seen.every((times) => times === 1)).toBe(true);
  expect(deque.isEmpty).toBe(true);
  expect(deque.take(() => {})).toBe(-1);
});

it("of what three threads push as done nothing is lost, and nothing comes twice", async () => {
  const THREADS = 3;
  const SLOTS_EACH = 50;
  const ROUNDS = 300;
  const board = Board.make(1);
  // A slot is pushed again as soon as it has been taken: the head of the stack is often an old one.
  const pushers = Array.from({ length: THREADS }, (_, thread) =>
    onThread(
      ({ memory, thread, SLOTS_EACH, ROUNDS }, { Board, State }) => {
        const board = new Board({ memory, lanes: 1 });
        const from = thread * SLOTS_EACH;
        for (let round = 1; round <= ROUNDS; round++)
          for (let slot = from; slot < from + SLOTS_EACH; slot++) {
            while (board.slots.state(slot) !== State.free);
            board.slots.write(slot, round);
            board.slots.setState(slot, State.done, thread);
            board.done.push(slot);
          }
        return true;
      },
      { memory: board.memory, thread, SLOTS_EACH, ROUNDS },
    ),
  );
  const rounds = new Uint32Array(THREADS * SLOTS_EACH);
  let wrong = 0;
  for (let left = rounds.length * ROUNDS; left > 0;) {
    // As a pool's owner waits.
    await board.done.untilSome();
    for (const slot of board.done.takeAll()) {
      left--;
      const isNext = board.slots.read(slot) === ++rounds[slot]! && board.slots.state(slot) === State.done;
      if (!isNext || board.slots.seat(slot) !== Math.floor(slot / SLOTS_EACH)) wrong++;
      board.slots.setState(slot, State.free);
    }
  }
  expect(await Promise.all(pushers)).toEqual([true, true, true]);
  expect(wrong).toBe(0);
  expect(board.done.takeAll()).toEqual([]);
  expect(rounds.every((count) => count === ROUNDS)).toBe(true);
});

it("of threads that claim the same slots, and an owner that takes them back, one has each", async () => {
  const THREADS = 3;
  const ROUNDS = 60;
  const COUNT = 1000;
  expect(COUNT).toBeLessThan(SLOTS);
  const board = Board.make(1);
  const wins = new Int32Array(new SharedArrayBuffer(COUNT * 4));
  // Threads meet at the beginning of each round, and at its end.
  const gate = new Int32Array(new SharedArrayBuffer(8));
  const claimers = Array.from({ length: THREADS }, (_, seat) =>
    onThread(
      ({ memory, seat, wins, gate, ROUNDS }, { Board }) => {
        const board = new Board({ memory, lanes: 1 });
        let won = 0;
        for (let round = 1; round <= ROUNDS; round++) {
          for (let seen; (seen = Atomics.load(gate, 0)) < round;) Atomics.wait(gate, 0, seen);
          for (let slot = 0; slot < wins.length; slot++)
            if (board.slots.claim(slot, seat)) {
              won++;
              Atomics.add(wins, slot, 1);
              if (board.slots.seat(slot) !== seat) Atomics.add(wins, slot, 1000);
            }
          Atomics.add(gate, 1, 1);
        }
        return won;
      },
      { memory: board.memory, seat: seat + 1, wins, gate, ROUNDS },
    ),
  );
  let revoked = 0;
  for (let round = 1; round <= ROUNDS; round++) {
    for (let slot = 0; slot < COUNT; slot++) board.slots.setState(slot, State.queued);
    wins.fill(0);
    Atomics.store(gate, 1, 0);
    Atomics.store(gate, 0, round);
    Atomics.notify(gate, 0);
    const back = new Set<number>();
    for (let slot = COUNT - 1; slot >= 0; slot -= 3) if (board.slots.revoke(slot)) back.add(slot);
    while (Atomics.load(gate, 1) < THREADS) await turn();
    revoked += back.size;
    const wrong = wins.findIndex((times, slot) => times !== (back.has(slot) ? 0 : 1));
    expect([round, wrong]).toEqual([round, -1]);
    for (let slot = 0; slot < COUNT; slot++)
      if (board.slots.state(slot) !== (back.has(slot) ? State.free : State.running)) expect.fail(`slot ${slot}`);
  }
  const won = await Promise.all(claimers);
  expect(won.reduce((a, b) => a + b) + revoked).toBe(ROUNDS * COUNT);
});

it("a thread that is given work whenever it sleeps has slept through none of it", async () => {
  const ITEMS = 20_000;
  const THREADS = 2;
  const board = Board.make(THREADS);
  const sleepers = Array.from({ length: THREADS }, (_, lane) =>
    onThread(
      async ({ memory, lane, ITEMS, THREADS }, { Board }) => {
        const board = new Board({ memory, lanes: THREADS });
        let taken = 0;
        while (taken < ITEMS) {
          if (board.take(lane, lane) >= 0) {
            taken++;
            board.done.push(lane * ITEMS + taken - 1);
          } else {
            board.seats.sleep(lane);
            if (board.isEmpty(lane) || !board.seats.wake(lane)) await board.seats.slept(lane);
          }
        }
        return board.seats.isAsleep(lane);
      },
      { memory: board.memory, lane, ITEMS: ITEMS / 2, THREADS },
    ),
  );
  const done = new Set<number>();
  let pushed = 0;
  while (done.size < ITEMS) {
    for (let n = pushed % 3; n >= 0 && pushed < ITEMS; n--, pushed++) {
      const lane = pushed % THREADS;
      expect(board.push(lane, pushed)).toBe(true);
      // As a pool's owner does, it looks at the count first.
      if (board.seats.sleepers !== 0) board.seats.wake(lane);
    }
    // All at once at times, and at times not before something is done.
    if (done.size < pushed && (pushed === ITEMS || pushed % 7 === 0)) await board.done.untilSome();
    for (const slot of board.done.takeAll()) done.add(slot);
  }
  expect(await Promise.all(sleepers)).toEqual([false, false]);
  expect(board.seats.sleepers).toBe(0);
});

it("of threads in seats far apart no more run at a time than may, and none waits for ever", async () => {
  const ROUNDS = 3000;
  const SEATS = [0, 31, 32, 500];
  const LIMIT = 2;
  const board = Board.make(1);
  board.seats.used = 501;
  board.running.limit = LIMIT;
  const counts = new Int32Array(new SharedArrayBuffer(8));
  const threads = SEATS.map((seat) =>
    onThread(
      async ({ memory, counts, seat, ROUNDS, LIMIT }, { Board }) => {
        const { running, seats } = new Board({ memory, lanes: 1 });
        for (let round = 0; round < ROUNDS;) {
          if (running.enter(seat)) {
            if (Atomics.add(counts, 0, 1) >= LIMIT) Atomics.add(counts, 1, 1);
            Atomics.sub(counts, 0, 1);
            // At times as one that blocks in a task.
            if (round % 5 === 0) {
              running.block(seat);
              running.unblock(seat, 1e6);
            }
            running.leave(seat);
            round++;
            continue;
          }
          running.leave(seat);
          running.starve(seat);
          seats.sleep(seat);
          if (!running.mayEnter(seat) || !seats.wake(seat)) await seats.slept(seat);
        }
        return true;
      },
      { memory: board.memory, counts, seat, ROUNDS, LIMIT },
    ),
  );
  expect(await Promise.all(threads)).toEqual([true, true, true, true]);
  expect([...counts]).toEqual([0, 0]);
  expect([board.running.blocked, board.running.isAwaited]).toEqual([0, false]);
});
