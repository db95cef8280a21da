// mapLimit, spawnBlocking, debounce, the bounded queue and the server that is slow.

import { setImmediate as turn, setTimeout as sleep } from "node:timers/promises";
import { threadId } from "node:worker_threads";
import { afterEach, describe, expect, it } from "vitest";
import {
  BoundedQueue,
  CancelledError,
  debounce,
  latencyServer,
  mapLimit,
  Semaphore,
  spawnBlocking,
  TaskError,
  TimeoutError,
} from "../../lib/index.ts";
import { registerHost, type Host } from "../../lib/host.ts";

/** A host whose cell 1 can be interrupted. */
function interruptible(): { interrupt(): void; listeners: number } {
  const listeners = new Set<(origin: number) => void>();
  registerHost({
    origin: () => 1,
    importedFrom: () => undefined,
    onInterrupt(listener: (origin: number) => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  } as unknown as Host);
  return {
    interrupt: () => listeners.forEach((listener) => listener(1)),
    get listeners() {
      return listeners.size;
    },
  };
}
afterEach(() => registerHost(undefined as never));

describe("mapLimit", () => {
  it.each([1, 3, 100, Infinity])("keeps the order, with at most %d at a time", async (limit) => {
    let [inside, most] = [0, 0];
    const results = await mapLimit(
      (function* () {
        for (let i = 0; i < 20; i++) yield i;
      })(),
      limit,
      async (n, index) => {
        most = Math.max(most, ++inside);
        for (let i = 0; i <= (n * 7) % 5; i++) await turn();
        inside--;
        return n * 10 + (n === index ? 0 : NaN);
      },
    );
    expect(results).toEqual(Array.from({ length: 20 }, (_, i) => i * 10));
    expect(most).toBe(Math.min(limit, 20));
  });

  it("takes no items, and functions that give no promise", async () => {
    expect(await mapLimit([], 2, async () => 1)).toEqual([]);
    expect(await mapLimit([1, 2], 1, ((n: number) => n + 1) as never)).toEqual([2, 3]);
  });

  it("begins nothing more when one fails, and says which", async () => {
    const begun: number[] = [];
    let isClosed = false;
    const source = (function* () {
      try {
        for (let i = 0; ; i++) yield i;
      } finally {
        isClosed = true;
      }
    })();
    const failing = mapLimit(source, 3, async (n) => {
      begun.push(n);
      await turn();
      if (n === 4) throw new RangeError("four");
      if (n > 4) throw new Error("not heard");
    });
    const error = await failing.catch((error: unknown) => error);
    expect(error).toBeInstanceOf(TaskError);
    expect(error).toMatchObject({ index: 4, message: "Item 4 failed: four", cause: expect.any(RangeError) });
    for (let i = 0; i < 5; i++) await turn();
    // Those that ran beside it had begun; perhaps one more, when the one before it had ended.
    expect(begun).toEqual(begun.map((_, i) => i));
    expect(begun.length).toBeLessThanOrEqual(7);
    expect(isClosed).toBe(true);
  });

  it("passes on what the items throw, after those before have begun", async () => {
    const source = (function* () {
      yield 1;
      throw new Error("no more");
    })();
    await expect(mapLimit(source, 5, async () => sleep(1e6, 0, { ref: false }))).rejects.toThrow("no more");
  });

  it("ends by signal, time and interrupt", async () => {
    let begun = 0;
    const wait = async (): Promise<void> => {
      begun++;
      await sleep(1e6, undefined, { ref: false });
    };
    const abort = new AbortController();
    const aborted = mapLimit([1, 2, 3], 2, wait, { signal: abort.signal });
    abort.abort("why");
    await expect(aborted).rejects.toMatchObject({ code: "ERR_BRAID_CANCELLED", cause: "why" });
    await expect(mapLimit([1], 1, wait, { signal: AbortSignal.abort() })).rejects.toThrow(CancelledError);
    await expect(mapLimit([1, 2], 1, wait, { timeoutMs: 3 })).rejects.toThrow(TimeoutError);
    const cell = interruptible();
    const stopped = mapLimit([1, 2], 1, wait);
    cell.interrupt();
    await expect(stopped).rejects.toThrow("the cell that started it was interrupted");
    expect(cell.listeners).toBe(0);
    expect(begun).toBe(4);
  });

  it("refuses what it can't take", async () => {
    const one = async (): Promise<number> => 1;
    await expect(mapLimit(1 as never, 1, one)).rejects.toThrow("Expected items to be iterable");
    await expect(mapLimit([], 0, one)).rejects.toThrow(RangeError);
    await expect(mapLimit([], 1, 1 as never)).rejects.toThrow("Expected the third argument to be a function");
    await expect(mapLimit([], 1, one, { chunk: 1 } as never)).rejects.toThrow('no option "chunk"');
  });
});

describe("spawnBlocking", () => {
  it("runs a closure on another thread, while this one's event loop goes on", async () => {
    const gate = new Semaphore(0);
    const factor = 21;
    const answer = spawnBlocking(() => {
      gate.acquire();
      return { value: factor * 2, thread: threadId };
    });
    // Were this thread blocked, nobody would come here.
    gate.release();
    const { value, thread } = await answer;
    expect(value).toBe(42);
    expect(thread).not.toBe(threadId);
    await expect(
      spawnBlocking(() => {
        throw new RangeError("there");
      }),
    ).rejects.toThrow(RangeError);
  });
});

describe("debounce", () => {
  it("runs once for a burst, with the last arguments, and answers all", async () => {
    const seen: number[] = [];
    const last = debounce((n: number) => seen.push(n) && n * 2, 1);
    expect(await Promise.all([last(1), last(2), last(3)])).toEqual([6, 6, 6]);
    expect(await last(4)).toBe(8);
    expect(seen).toEqual([3, 4]);
  });

  it("flushes, cancels and is disposed of, and nobody is left waiting", async () => {
    const seen: string[] = [];
    const last = debounce(async (text: string) => seen.push(text) && text, 1e6);
    expect(last.flush()).toBeUndefined();
    const first = last("a");
    expect(await last.flush()).toBe("a");
    expect(await first).toBe("a");
    const ignored = last("b");
    last.cancel("changed my mind");
    await expect(ignored).rejects.toMatchObject({ code: "ERR_BRAID_CANCELLED", cause: "changed my mind" });
    void last("c");
    last[Symbol.dispose]();
    last.cancel();
    const cell = interruptible();
    const interrupted = last("d");
    cell.interrupt();
    await expect(interrupted).rejects.toThrow(CancelledError);
    expect(cell.listeners).toBe(0);
    expect(seen).toEqual(["a"]);
  });

  it("runs one after the other, and tells each caller what its run threw", async () => {
    const gate = Promise.withResolvers<void>();
    const order: string[] = [];
    const last = debounce(async (n: number) => {
      order.push(`start ${n}`);
      if (n === 1) await gate.promise;
      order.push(`end ${n}`);
      if (n === 1) throw new RangeError("one");
      return n;
    }, 1e6);
    const [first] = [last(1), last.flush()];
    const [second] = [last(2), last.flush()];
    await turn();
    gate.resolve();
    await expect(first).rejects.toThrow("one");
    expect(await second).toBe(2);
    expect(order).toEqual(["start 1", "end 1", "start 2", "end 2"]);
  });

  it("refuses what it can't take", () => {
    expect(() => debounce(1 as never, 1)).toThrow("Expected the first argument to be a function");
    expect(() => debounce(() => 1, -1)).toThrow(RangeError);
  });
});

describe("BoundedQueue", () => {
  it("holds back who puts, in order, and never holds more than it may", async () => {
    const queue = new BoundedQueue<number>(3, { record: true });
    const load = async (): Promise<void> => {
      for (let i = 0; i < 50; i++) await queue.put(i);
      queue.close();
    };
    const out: number[] = [];
    const infer = async (): Promise<void> => {
      for await (const item of queue) {
        if (item % 3 === 0) await turn();
        out.push(item);
      }
    };
    await Promise.all([load(), infer()]);
    expect(out).toEqual(Array.from({ length: 50 }, (_, i) => i));
    const lengths = queue.lengths();
    expect(lengths).toHaveLength(101);
    expect(Math.max(...lengths.map(({ length }) => length))).toBe(3);
    expect(lengths.at(-1)!.length).toBe(0);
    expect(lengths).toEqual(lengths.toSorted((a, b) => a.atMs - b.atMs));
  });

  it("stands between a loader and inference on a thread: a hundred items, never more than ten in between", async () => {
    const queue = new BoundedQueue<Float32Array>(10, { record: true });
    const load = async (): Promise<void> => {
      for (let i = 0; i < 100; i++) {
        if (i % 20 === 0) await turn();
        await queue.put(new Float32Array(100).fill(i));
      }
      queue.close();
    };
    const sums: number[] = [];
    const infer = async (): Promise<void> => {
      for await (const batch of queue) sums.push(await spawnBlocking(() => batch.reduce((sum, x) => sum + x, 0)));
    };
    await Promise.all([load(), infer()]);
    expect(sums).toEqual(Array.from({ length: 100 }, (_, i) => i * 100));
    expect(Math.max(...queue.lengths().map(({ length }) => length))).toBe(10);
  });

  it("serves who waits, and ends all waits when it is closed", async () => {
    const queue = new BoundedQueue<string | undefined>(1);
    const early = queue.take();
    await queue.put(undefined);
    expect(await early).toBeUndefined();
    await queue.put("in");
    const late = queue.put("late");
    const abort = new AbortController();
    const cancelled = queue.put("no", { signal: abort.signal });
    abort.abort();
    await expect(cancelled).rejects.toThrow(CancelledError);
    await expect(queue.put("no", { timeoutMs: 1 })).rejects.toThrow(TimeoutError);
    queue.close();
    await expect(late).rejects.toMatchObject({ code: "ERR_BRAID_QUEUE_CLOSED" });
    expect([queue.length, queue.isClosed]).toEqual([1, true]);
    expect(await queue.take()).toBe("in");
    await expect(queue.take()).rejects.toThrow("take() found the queue closed.");
    expect(await Array.fromAsync(queue)).toEqual([]);
    expect(() => new BoundedQueue(0)).toThrow(RangeError);
  });
});

describe("latencyServer", () => {
  it("answers as slowly as it is told, and remembers what it was asked", async () => {
    await using server = await latencyServer({ latencyMs: 5, bytes: 50 });
    const get = async (path: string): Promise<string> => (await fetch(server.url + path)).text();
    const pages = await mapLimit(Array(10).keys(), 4, (i) => get(`/${i}`));
    expect(pages.every((page, i) => page.length === 50 && page.startsWith(`page /${i}\n`))).toBe(true);
    expect(server.maxInFlight).toBeLessThanOrEqual(4);
    expect((await get("/?bytes=4000&bytesPerSecond=200000&latencyMs=0")).length).toBe(4000);
    expect(await get("/?bytes=0")).toBe("");
    expect(await get("/?bytes=-1")).toContain("Expected bytes to be a whole number");
    expect(await get("/?speed=1")).toContain('no option "speed"');
    expect(server.requests).toHaveLength(14);
    expect(server.requests.every(({ isAborted }) => !isAborted)).toBe(true);
  });

  it("sees a client that goes away, and closes with requests open", async () => {
    const server = await latencyServer({ latencyMs: 1e8 });
    const abort = new AbortController();
    const gone = fetch(server.url, { signal: abort.signal });
    while (server.inFlight < 1) await turn();
    abort.abort();
    await expect(gone).rejects.toThrow();
    while (server.inFlight > 0) await turn();
    expect(server.requests[0]!.isAborted).toBe(true);
    const open = fetch(server.url);
    while (server.inFlight < 1) await turn();
    await Promise.all([server.close(), server.close(), expect(open).rejects.toThrow()]);
    await expect(fetch(server.url)).rejects.toThrow();
  });

  it("is closed when its cell is interrupted, and refuses bad options", async () => {
    const cell = interruptible();
    const server = await latencyServer();
    cell.interrupt();
    await expect(fetch(server.url)).rejects.toThrow();
    expect(cell.listeners).toBe(0);
    await expect(latencyServer({ latencyMs: -1 })).rejects.toThrow(RangeError);
    await expect(latencyServer({ speed: 1 } as never)).rejects.toThrow('no option "speed"');
  });
});
