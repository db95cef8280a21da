// A thread of its own: what it gives back, to who blocks and who awaits; and that nobody waits for one that is dead.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { CancelledError, CaptureError, move, Pool, shared, spawn, ThreadCrashedError } from "../../lib/index.ts";
import { NotSendableError, TimeoutError } from "../../lib/errors.ts";

class Point {
  readonly x: number;
  constructor(x: number) {
    this.x = x;
  }
  twice(): number {
    return this.x * 2;
  }
}

describe("a spawned thread", () => {
  it("gives its result each time it is joined, in either way and in any order", async () => {
    const offset = 5;
    const small = spawn((n: number) => n + offset, 1);
    expect([small.join(), small.join(), await small.joinAsync()]).toEqual([6, 6, 6]);
    const big = spawn(() => new Map([["list", Array.from({ length: 10_000 }, (_, i) => i)]]));
    expect((await big.joinAsync()).get("list")).toHaveLength(10_000);
    expect(big.join().get("list")![9999]).toBe(9999);
    const later = spawn(async () => {
      await new Promise((go) => setTimeout(go, 20));
      return "later";
    });
    const both = later.joinAsync();
    expect(later.join()).toBe("later");
    expect(await both).toBe("later");
  });

  it("runs beside others, with what it captures", () => {
    const cells = shared(Int32Array, 4);
    const threads = [0, 1, 2, 3].map((i) =>
      spawn(() => {
        Atomics.add(cells, i, 1);
        // Until all of them run.
        while (cells.some((cell) => cell === 0));
        return new Point(i).twice();
      }),
    );
    expect(threads.map((thread) => thread.join())).toEqual([0, 2, 4, 6]);
    expect(new Set(threads.map(({ id }) => id)).size).toBe(4);
  });

  it("gives instances of classes, and takes what is moved", async () => {
    const bytes = new Uint8Array([1, 2, 3]);
    const thread = spawn((data: Uint8Array) => new Point(data.length), move(bytes));
    expect(bytes.length).toBe(0);
    expect((await thread.joinAsync()).twice()).toBe(6);
  });

  it("throws what its function threw, class and stack kept", async () => {
    const thread = spawn((n: number): number => {
      throw new RangeError(`no ${n}`);
    }, 7);
    expect(() => thread.join()).toThrow(new RangeError("no 7"));
    await expect(thread.joinAsync()).rejects.toThrow(RangeError);
    const unsendable = spawn(() => new WeakMap() as unknown as number);
    expect(() => unsendable.join()).toThrow(NotSendableError);
  });

  it("is refused before it starts where something can't cross", () => {
    let written = 0;
    expect(() => spawn(() => void written++)).toThrow(CaptureError);
    expect(() => spawn("text" as never)).toThrow('Expected the first argument to be a function, got "text".');
    expect(written).toBe(0);
  });

  it.each<[string, () => never, RegExp]>([
    ["exits", () => process.exit(3), /exited with code 3/],
    [
      "runs out of memory",
      () => {
        const all: number[][] = [];
        for (;;) all.push(Array.from({ length: 1e5 }, (_, i) => i));
      },
      /ran out of memory/,
    ],
    [
      "has an error that escapes",
      (() => (
        setTimeout(() => {
          throw new Error("escaped");
        }),
        new Promise(() => setInterval(() => {}, 1000))
      )) as unknown as () => never,
      /an error escaped: escaped/,
    ],
  ])("that %s wakes who blocks, and tells who awaits why", async (_, dies, why) => {
    const isHuge = why.source.includes("memory");
    if (isHuge) setFlagsFromString("--max-old-space-size=64");
    try {
      const thread = spawn(dies);
      expect(() => thread.join()).toThrow(ThreadCrashedError);
      const other = spawn(dies);
      await expect(other.joinAsync()).rejects.toThrow(why);
      await expect(other.joinAsync()).rejects.toBeInstanceOf(ThreadCrashedError);
      expect(() => other.join()).toThrow(why);
    } finally {
      if (isHuge) setFlagsFromString("--max-old-space-size=4096");
    }
  });

  it("can be waited for with a limit, and joined after it", async () => {
    const gate = shared(Int32Array, 1);
    const thread = spawn(() => {
      while (Atomics.load(gate, 0) === 0);
      return "done";
    });
    expect(() => thread.join({ timeoutMs: 30 })).toThrow(TimeoutError);
    await expect(thread.joinAsync({ timeoutMs: 10 })).rejects.toThrow("Out of time: the task took longer than 10 ms.");
    const giveUp = new AbortController();
    const waiting = thread.joinAsync({ signal: giveUp.signal });
    giveUp.abort("enough");
    await expect(waiting).rejects.toMatchObject({ constructor: CancelledError, cause: "enough" });
    await expect(thread.joinAsync({ signal: AbortSignal.abort(1) })).rejects.toBeInstanceOf(CancelledError);
    gate[0] = 1;
    expect(thread.join({ timeoutMs: 60_000 })).toBe("done");
    expect(() => thread.join({ timeoutMs: -1 })).toThrow(RangeError);
    expect(() => thread.join({ timeout: 1 } as never)).toThrow(/join\(\) has no option "timeout"/);
  });

  it("can be terminated wherever it is, also when it is done", async () => {
    const spins = spawn(() => {
      for (;;);
    });
    const waiting = expect(spins.joinAsync()).rejects.toBeInstanceOf(CancelledError);
    await spins.terminate();
    await waiting;
    expect(() => spins.join()).toThrow(CancelledError);
    await spins.terminate();
    const done = spawn(() => 1);
    expect(done.join()).toBe(1);
    await done.terminate();
    expect(await done.joinAsync()).toBe(1);
  });

  it("can be joined in a task, where another takes the place of the thread that blocks", async () => {
    await using pool = new Pool({ threads: 1 });
    expect(await pool.run(() => spawn((n: number) => n + 1, 1).join())).toBe(2);
    const gate = shared(Int32Array, 1);
    const blocked = pool.run(() =>
      spawn(() => {
        while (Atomics.load(gate, 0) === 0);
        return "opened";
      }).join(),
    );
    await pool.run(() => void Atomics.store(gate, 0, 1));
    expect(await blocked).toBe("opened");
  });

  it("that failed unseen is told when nobody can join it any more", async () => {
    setFlagsFromString("--expose-gc");
    const gc = runInNewContext("gc") as () => void;
    const warned = new Promise<string>((resolve) => {
      process.on("warning", function listen({ message }) {
        if (!message.includes("nobody joined")) return;
        process.off("warning", listen);
        resolve(message);
      });
    });
    const ended = (() => {
      const thread = spawn(() => {
        throw new Error("unseen");
      });
      const { id } = thread;
      return id;
    })();
    const collecting = setInterval(gc, 5);
    expect(await warned).toMatch(new RegExp(`^Thread ${ended} failed, and nobody joined it: Error: unseen`));
    clearInterval(collecting);
  });
});
