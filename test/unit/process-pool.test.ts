// Pools of processes: results, what crosses, what is refused, and how tasks end with their process.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import {
  CancelledError,
  CaptureError,
  move,
  NotSendableError,
  Pool,
  PoolClosedError,
  ProcessCrashedError,
  ProcessPool,
  Semaphore,
  shared,
  TaskError,
  ThreadLocal,
  TimeoutError,
} from "../../lib/index.ts";

const pool = new ProcessPool({ processes: 2 });
afterAll(() => pool.close());

class Point {
  x: number;
  constructor(x: number) {
    this.x = x;
  }
  double(): number {
    return this.x * 2;
  }
}

class OwnError extends Error {
  detail = 5;
}

const thrown = (promise: PromiseLike<unknown>): Promise<unknown> =>
  Promise.resolve(promise).then(
    () => expect.unreachable("nothing was thrown"),
    (error: unknown) => error,
  );

describe("tasks", () => {
  it("run in other processes, with what they capture", async () => {
    const k = 3;
    const triple = (n: number): number => n * k;
    expect(await pool.run((n) => triple(n) + 1, 2)).toBe(7);
    const [pid, ppid] = await pool.run(() => [process.pid, process.ppid] as const);
    expect(pid).not.toBe(process.pid);
    expect(ppid).toBe(process.pid);
    expect(await pool.run(() => fs.existsSync(os.tmpdir()))).toBe(true);
  });

  it("four at a time have four process ids", async () => {
    await using four = new ProcessPool({ processes: 4 });
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "braid-process-"));
    onTestFinished(() => fs.rmSync(folder, { recursive: true }));
    const task = async (name: string): Promise<string> => {
      fs.writeFileSync(path.join(folder, name), "");
      while (fs.readdirSync(folder).length < 4) await sleep(5);
      return `${name} ${process.pid}`;
    };
    const said = await four.map(["Worker-0", "Worker-1", "Worker-2", "Worker-3"], task, { chunk: 1 });
    expect(said.map((line) => line.split(" ")[0])).toEqual(["Worker-0", "Worker-1", "Worker-2", "Worker-3"]);
    expect(new Set(said.map((line) => line.split(" ")[1])).size).toBe(4);
  });

  it("take and give whatever can be copied, as it was", async () => {
    const buffer = new ArrayBuffer(16);
    const sent = {
      point: new Point(3),
      map: new Map([[1, new Set(["a"])]]),
      views: [new Uint8Array(buffer, 0, 4), new Float64Array(buffer)] as const,
      float: new Float16Array([1.5]),
      bytes: Buffer.from("hey"),
      odd: [undefined, -0, 10n, NaN, new Array(1), new Date(5), /a/g, new URL("http://a/b")],
      error: new OwnError("e", { cause: 1 }),
      abort: new DOMException("m", "AbortError"),
      times: (n: number) => n * 2,
    };
    const got = await pool.run(
      (all) => {
        all.views[1].fill(1);
        return { ...all, isOneBuffer: all.views[0].buffer === all.views[1].buffer, length: all.bytes.length };
      },
      sent as never as typeof sent,
    );
    expect(got).toMatchObject({ isOneBuffer: true, length: 3, map: sent.map, float: sent.float, bytes: sent.bytes });
    expect(got.odd).toEqual(sent.odd);
    expect(got.odd).toHaveLength(8);
    expect(got.point).toBeInstanceOf(Point);
    expect(got.point.double()).toBe(6);
    expect(got.views[0].buffer).toBe(got.views[1].buffer);
    expect(got.views[1]).toEqual(new Float64Array([1, 1]));
    expect(sent.views[1]).toEqual(new Float64Array([0, 0]));
    expect(got.error).toBeInstanceOf(OwnError);
    expect(got.error).toMatchObject({ message: "e", detail: 5, cause: 1 });
    expect(got.abort).toBeInstanceOf(DOMException);
    expect(got.abort).toMatchObject({ name: "AbortError", code: 20 });
    expect(got.times).toBe(sent.times);
  });

  it("give back functions, which work here", async () => {
    const k = 4;
    expect((await pool.run(() => (n: number) => n + k))(1)).toBe(5);
  });

  it("throw errors of their class, with code and stack", async () => {
    const error = await thrown(
      pool.run(() => {
        throw new OwnError("bad");
      }),
    );
    expect(error).toBeInstanceOf(OwnError);
    expect((error as Error).stack).toMatch(/process-pool\.test\.ts.*\n\s+at process \d+/s);
    expect(await thrown(pool.run(() => fs.readFileSync("/no/such/file")))).toMatchObject({ code: "ENOENT" });
  });

  it("map in order, tell of progress, and name the item that failed", async () => {
    const told: number[] = [];
    const options = { chunk: 2, onProgress: (done: number) => void told.push(done) };
    expect(await pool.map([1, 2, 3, 4, 5], (n, i) => n * 10 + i, options)).toEqual([10, 21, 32, 43, 54]);
    expect(told.toSorted((a, b) => a - b).at(-1)).toBe(5);
    const error = await thrown(
      pool.map([1, 2, 3], (n) => {
        if (n === 2) throw new RangeError("two");
        return n;
      }),
    );
    expect(error).toBeInstanceOf(TaskError);
    expect(error).toMatchObject({ index: 1, cause: { message: "two" } });
  });

  it("use the pool that they run on, on one process, too, and pools of threads", async () => {
    await using one = new ProcessPool({ processes: 1 });
    await using threads = new Pool({ threads: 1 });
    const result = await one.run(async () => {
      const inner = await one.run(async () => (await one.map([1, 2], (n) => n * 2)).length);
      return inner + (await threads.run(() => 40));
    });
    expect(result).toBe(42);
    const crossed = await threads.run(async () => one.run(() => process.pid));
    expect(crossed).not.toBe(process.pid);
  });

  it("keep a ThreadLocal for each process", async () => {
    await using one = new ProcessPool({ processes: 1 });
    const local = new ThreadLocal(() => ({ count: 0 }));
    const count = (): number => ++local.get().count;
    expect([await one.run(count), await one.run(count), count()]).toEqual([1, 2, 1]);
  });

  it("are seen by submit, stats and trace", async () => {
    await using traced = new ProcessPool({ processes: 1, trace: true });
    const task = traced.submit(function work() {
      return process.pid;
    });
    expect(task.state).toBe("queued");
    expect(await task).toBe(task.thread);
    expect(task.state).toBe("done");
    expect(task.endedMs!).toBeGreaterThanOrEqual(task.startedMs!);
    expect(traced.stats()).toMatchObject({ threads: 1, running: 0, queued: 0, done: 1, failed: 0 });
    expect(traced.trace().map(({ kind, label }) => `${kind} ${label}`)).toEqual([
      "enqueue work",
      "start work",
      "end work",
    ]);
    expect(traced.processes).toBe(1);
  });

  it("go to the process that the schedule says", async () => {
    await using pinned = new ProcessPool({ processes: 2, schedule: "static" });
    const pids = await pinned.map([0, 1, 2, 3], () => process.pid, { chunk: 1 });
    expect(pids[0]).toBe(pids[1]);
    expect(pids[2]).toBe(pids[3]);
    expect(pids[0]).not.toBe(pids[2]);
    pinned.resize(1);
    expect(new Set(await pinned.map([0, 1], () => process.pid, { chunk: 1 })).size).toBe(1);
  });
});

describe("what can't cross is refused before anything runs", () => {
  const numbers = shared(Float64Array, 2);
  const memory = new SharedArrayBuffer(8);
  const { port1: port, port2 } = new MessageChannel();
  const blob = new Blob(["x"]);
  const permits = new Semaphore(1);
  afterAll(() => {
    port.close();
    port2.close();
  });

  it("with the variable's name and a remedy", async () => {
    const refused: [Promise<unknown>, RegExp][] = [
      [pool.run(() => numbers[0]), /"numbers".*shared memory \(Float64Array\).*or send a copy/],
      [pool.run(() => memory.byteLength), /"memory".*SharedArrayBuffer/],
      [pool.run(() => port.close()), /"port".*MessagePort.*ipc\.connect/],
      [pool.run(() => permits.available), /"permits", which .* is a Semaphore, with shared memory/],
      [pool.run(() => blob.size), /"blob".*Blob.*arrayBuffer/],
    ];
    for (const [promise, words] of refused) {
      const error = await thrown(promise);
      expect(error).toBeInstanceOf(CaptureError);
      expect((error as Error).message).toMatch(words);
    }
    const deep = await thrown(pool.run((all) => all, { list: [1, numbers] } as never));
    expect(deep).toBeInstanceOf(NotSendableError);
    expect(deep).toMatchObject({ path: "args[0].list[1]" });
    const moved = move(new Uint8Array(4));
    expect(await thrown(pool.run((bytes) => bytes.length, moved))).toMatchObject({
      message: expect.stringContaining("leave move() out"),
    });
    expect(moved.length).toBe(4);
    expect(await thrown(pool.map([numbers], (all) => all.length))).toMatchObject({ path: "items[0]" });
    expect(await thrown(pool.map([1], () => numbers.length))).toBeInstanceOf(CaptureError);
  });

  it("a view over shared memory is not taken for one of its words, nor for a copy", async () => {
    let count = 0;
    const error = await thrown(pool.run(() => count++));
    expect((error as Error).message).toMatch(/every process would change a copy/);
    expect((error as Error).message).not.toContain("shared()");
    const result = await thrown(pool.run(() => new Int32Array(new SharedArrayBuffer(4))));
    expect(result).toMatchObject({ path: "result", code: "ERR_BRAID_NOT_SENDABLE" });
  });

  it("by a task's own call, too", async () => {
    await using threads = new Pool({ threads: 1 });
    const error = await thrown(threads.run(() => pool.run(() => numbers[0])));
    expect((error as Error).message).toMatch(/"numbers".*shared memory.*which processes/);
  });
});

describe("a process that dies", () => {
  it("fails its own task, with exit code and signal told apart", async () => {
    const bystander = pool.run(async () => {
      await new Promise((go) => setTimeout(go, 200));
      return "unharmed";
    });
    const exited = await thrown(pool.run(() => process.exit(3)));
    expect(exited).toBeInstanceOf(ProcessCrashedError);
    expect(exited).toMatchObject({ exitCode: 3, signal: undefined, retryable: true });
    expect((exited as Error).message).toMatch(/it exited with code 3/);
    const killed = await thrown(
      pool.run(() => {
        process.kill(process.pid, "SIGSEGV");
        for (;;);
      }),
    );
    expect(killed).toMatchObject({ exitCode: undefined, signal: "SIGSEGV" });
    expect(await bystander).toBe("unharmed");
    expect(await pool.run(() => "replaced")).toBe("replaced");
  });

  it("by an error that escapes tells it", async () => {
    const error = await thrown(
      pool.run(
        () =>
          new Promise(() => {
            setTimeout(() => {
              throw new OwnError("late");
            }, 1);
          }),
      ),
    );
    expect(error).toMatchObject({ name: "ProcessCrashedError", exitCode: 1, cause: { message: "late", detail: 5 } });
  });

  it("in the middle of a map tells the item", async () => {
    const error = await thrown(pool.map([1, 2, 3], (n) => (n === 3 ? process.exit(7) : n), { chunk: 1 }));
    expect(error).toMatchObject({ name: "TaskError", index: 2, cause: { exitCode: 7 } });
  });

  it("out of memory", async () => {
    await using small = new ProcessPool({ processes: 1, maxHeapMb: 30 });
    const error = await thrown(
      small.run(() => {
        // What it prints then is not for this test's output.
        fs.closeSync(2);
        const all: number[][] = [];
        for (;;) all.push(new Array(1e5).fill(1.5));
      }),
    );
    expect(error).toMatchObject({ name: "ProcessCrashedError", message: expect.stringContaining("maxHeapMb") });
  });

  it("before it runs is tried again a few times, then what waits fails with the reason", async () => {
    await using broken = new ProcessPool({ processes: 2 });
    process.execArgv.push("--import=data:text/javascript,process.exit(1)");
    const results = await Promise.allSettled([broken.run(() => 1), broken.run(() => 2), broken.run(() => 3)]);
    process.execArgv.pop();
    for (const result of results) {
      expect(result).toMatchObject({ status: "rejected", reason: { name: "ProcessCrashedError", exitCode: 1 } });
      expect((result as PromiseRejectedResult).reason.message).toMatch(/No process could be started.*5 times in a row/);
    }
    expect(await broken.run(() => "started")).toBe("started");
  });
});

describe("tasks are ended", () => {
  it("by cancel, wherever they are", async () => {
    const flag = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "braid-process-")), "spins");
    const task = pool.submit(() => {
      fs.writeFileSync(flag, "");
      for (;;);
    });
    while (!fs.existsSync(flag)) await sleep(5);
    const queued = [pool.submit(() => 1), pool.submit(() => 2)];
    const second = thrown(queued[1]!);
    queued[1]!.cancel("no");
    const running = thrown(task);
    task.cancel("enough");
    expect(await running).toMatchObject({ name: "CancelledError", cause: "enough" });
    expect(task.state).toBe("cancelled");
    expect(await queued[0]).toBe(1);
    expect(await second).toBeInstanceOf(CancelledError);
    fs.rmSync(path.dirname(flag), { recursive: true });
  });

  it("one of several in a process, and the others go on", async () => {
    await using one = new ProcessPool({ processes: 1 });
    const outer = one.submit(async () => {
      const inner = one.submit(() => new Promise(() => {}));
      setTimeout(() => inner.cancel("inner"), 20);
      return inner.result.catch((error: Error) => error.name);
    });
    expect(await outer).toBe("CancelledError");
  });

  it("by a time limit and by a signal", async () => {
    const spin = (): never => {
      for (;;);
    };
    expect(await thrown(pool.map([1, 2], spin, { timeoutMs: 50 }))).toBeInstanceOf(TimeoutError);
    const signal = AbortSignal.timeout(50);
    expect(await thrown(pool.map([1, 2], spin, { signal }))).toBeInstanceOf(CancelledError);
    expect(await pool.run(() => 1)).toBe(1);
  });

  it("by terminate; close lets them end", async () => {
    const first = new ProcessPool({ processes: 1 });
    const spinning = thrown(
      first.run(() => {
        for (;;);
      }),
    );
    await first.terminate();
    expect(await spinning).toBeInstanceOf(PoolClosedError);
    const second = new ProcessPool({ processes: 1 });
    const results = [second.run(() => process.pid), second.run(() => process.pid)];
    await second.close();
    const [pid] = await Promise.all(results);
    expect(() => process.kill(pid!, 0)).toThrow("ESRCH");
    expect(await thrown(second.run(() => 1))).toBeInstanceOf(PoolClosedError);
    // Never used: there is nothing to end.
    await new ProcessPool().close();
  });
});

describe("a sandbox", () => {
  it("refuses what is not allowed", async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "braid-process-"));
    const file = path.join(folder, "allowed.txt");
    fs.writeFileSync(file, "text");
    await using sandbox = new ProcessPool({ processes: 1, permission: { fsRead: [folder, file] } });
    expect(await sandbox.run(() => fs.readFileSync(file, "utf8"))).toBe("text");
    const read = await thrown(sandbox.run(() => fs.readFileSync("/etc/passwd", "utf8")));
    expect(read).toMatchObject({ code: "ERR_ACCESS_DENIED", permission: "FileSystemRead", resource: "/etc/passwd" });
    const written = await thrown(sandbox.run(() => fs.writeFileSync(file, "")));
    expect(written).toMatchObject({ code: "ERR_ACCESS_DENIED", permission: "FileSystemWrite" });
    const spawned = await thrown(
      sandbox.run(async () => {
        const { execFileSync } = await import("node:child_process");
        execFileSync("true");
      }),
    );
    expect(spawned).toMatchObject({ code: "ERR_ACCESS_DENIED", permission: "ChildProcess" });
    // Objects of classes that came from here go back; those of its own stay.
    expect(await sandbox.run(() => new Point(2))).toBeInstanceOf(Point);
    const kept = await thrown(
      sandbox.run(() => {
        class Own {}
        return new Own() as object;
      }),
    );
    expect(kept).toMatchObject({ message: expect.stringContaining('permission "inspector"') });
    fs.rmSync(folder, { recursive: true });
  });
});

it("a larger stack is one", async () => {
  const deep = new Function("let n = 0; const f = () => { n++; f(); }; try { f(); } catch {} return n;");
  await using large = new ProcessPool({ processes: 1, stackSizeMb: 16 });
  const depth = await large.run(deep as () => number);
  expect(depth).toBeGreaterThan(4 * (await pool.run(deep as () => number)));
});

it("a wrong option is told in one sentence", () => {
  const wrong: [object, RegExp][] = [
    [{ processes: 0 }, /processes to be a whole number from 1 to 1024, got 0/],
    [{ processes: 2, threads: 3 }, /threads, where given, to be processes \(2\), got 3/],
    [{ workers: 2 }, /ProcessPool has no option "workers"/],
    [{ permission: { fsRead: "/" } }, /permission\.fsRead to be an array of paths/],
    [{ permission: { net: true } }, /permission has no option "net"/],
    [{ stackSizeMb: 0.5 }, /stackSizeMb to be a whole number/],
    [{ schedule: "fair" }, /schedule to be one of/],
  ];
  for (const [options, words] of wrong) expect(() => new ProcessPool(options)).toThrow(words);
});
