// One lock in one task, in a process of its own: `child.ts task way count`. "alone": ns an increment by one thread;
// "contended": ms for `count` increments by each of ten threads. The number is checked each time.

import { AtomicI32, Mutex, Pool, shared, SpinLock } from "braid";
import { rival } from "../pool/tasks/rival.mjs";
import { repeat, report } from "../repeat.ts";

const THREADS = 10;
const EACH = Array.from({ length: THREADS }, (_, n) => n);

interface Way {
  /** Increments so often; it goes to threads. */
  increment: (count: number) => void;
  get(): number;
}

/** Not as one function for all: what a closure captures is what it locks. */
const WAYS: Record<string, () => Way> = {
  Mutex() {
    const [lock, cell] = [new Mutex(), shared(Int32Array, 1)];
    const increment = (count: number): void => {
      for (let i = 0; i < count; i++) {
        const guard = lock.lock();
        try {
          cell[0]! += 1;
        } finally {
          guard[Symbol.dispose]();
        }
      }
    };
    return { increment, get: () => cell[0]! };
  },
  "Mutex-using"() {
    const [lock, cell] = [new Mutex(), shared(Int32Array, 1)];
    const increment = (count: number): void => {
      for (let i = 0; i < count; i++) {
        using guard = lock.lock();
        if (guard) cell[0]! += 1;
      }
    };
    return { increment, get: () => cell[0]! };
  },
  SpinLock() {
    const [lock, cell] = [new SpinLock(), shared(Int32Array, 1)];
    const increment = (count: number): void => {
      for (let i = 0; i < count; i++) {
        const guard = lock.lock();
        try {
          cell[0]! += 1;
        } finally {
          guard[Symbol.dispose]();
        }
      }
    };
    return { increment, get: () => cell[0]! };
  },
  AtomicI32() {
    const n = new AtomicI32();
    const increment = (count: number): void => {
      for (let i = 0; i < count; i++) n.add(1);
    };
    return { increment, get: () => n.load() };
  },
  plain() {
    const cell = shared(Int32Array, 1);
    const increment = (count: number): void => {
      for (let i = 0; i < count; i++) cell[0]! += 1;
    };
    return { increment, get: () => cell[0]! };
  },
};

const isRight = (way: string, counted: number, expected: number): void => {
  if (way !== "plain" && counted !== expected) throw new Error(`counted ${counted} of ${expected}`);
};

function alone(way: string, count: number): Promise<number> {
  return repeat(() => {
    const { increment, get } = WAYS[way]!();
    const start = performance.now();
    increment(count);
    const took = performance.now() - start;
    isRight(way, get(), count);
    return (took / count) * 1e6;
  });
}

async function contended(way: string, count: number): Promise<[figure: number, note?: string]> {
  const pool = new Pool({ threads: THREADS });
  let counted = 0;
  const figure = await repeat(async () => {
    const { increment, get } = WAYS[way]!();
    const start = performance.now();
    await pool.map(EACH, () => increment(count), { chunk: 1 });
    const took = performance.now() - start;
    counted = get();
    isRight(way, counted, THREADS * count);
    return took;
  });
  await pool.close();
  return way === "plain" ? [figure, `counted ${counted} of ${THREADS * count}`] : [figure];
}

interface RivalMutex {
  blockingLock(): { value: Int32Array; dispose(): void };
}
interface Multithreading {
  initRuntime(config: { maxWorkers: number }): void;
  move(...args: unknown[]): unknown;
  spawn(args: unknown, fn: (...args: never[]) => unknown): { join(): Promise<{ ok: boolean; error?: unknown }> };
  Mutex: new (value: Int32Array) => RivalMutex;
}

/** Its locks go only to threads that it has started itself. */
function multithreading(threads: number, count: number): Promise<number> {
  const { initRuntime, move, spawn, Mutex: Lock } = rival("multithreading") as Multithreading;
  initRuntime({ maxWorkers: threads });
  return repeat(async () => {
    const cell = new Int32Array(new SharedArrayBuffer(4));
    const lock = new Lock(cell);
    const start = performance.now();
    const all = Array.from({ length: threads }, async () => {
      const thread = spawn(move(lock, count), (mutex: RivalMutex, times: number) => {
        const begin = performance.now();
        for (let i = 0; i < times; i++) {
          const guard = mutex.blockingLock();
          guard.value[0]! += 1;
          guard.dispose();
        }
        return performance.now() - begin;
      });
      const outcome = (await thread.join()) as { ok: boolean; value: number; error?: unknown };
      if (!outcome.ok) throw outcome.error;
      return outcome.value;
    });
    const inside = await Promise.all(all);
    const took = performance.now() - start;
    if (cell[0] !== threads * count) throw new Error(`counted ${cell[0]} of ${threads * count}`);
    return threads === 1 ? (inside[0]! / count) * 1e6 : took;
  });
}

const [task = "", way = "", text = ""] = process.argv.slice(2);
const count = Number(text);
if (way === "multithreading") report(await multithreading(task === "alone" ? 1 : THREADS, count));
else if (task === "alone") report(await alone(way, count));
else report(...(await contended(way, count)));
