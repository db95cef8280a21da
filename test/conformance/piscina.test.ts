// What piscina's own tests ask of a pool of threads, asked of Pool: piscina's interface over it (piscina-adapter.ts), and
// its tests retold, one behaviour each. Where Pool means to behave differently, the difference is what is tested.

import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { EventEmitter, getEventListeners, once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { MessageChannel, threadId, type Worker } from "node:worker_threads";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { CancelledError, NotSendableError, PoolClosedError, shared, ThreadCrashedError } from "../../lib/index.ts";
import { Piscina, type PiscinaOptions } from "./piscina-adapter.ts";

/** By "file: behaviour" of piscina's tests: why it is not asked here. */
const NOT_APPLICABLE: Record<string, string> = {
  "abort-task: an EventEmitter as signal": "the adapter takes AbortSignals; the same is asked with those",
  "abort-task: abortable tasks share no thread with others": "a thread of a Pool runs one task at a time",
  "affinity-balancer: a key leads tasks to the same worker (12 tests)": "which thread runs a task is the Pool's to say",
  "async-context: the async hooks of a task's resource": "a Pool makes no AsyncResource; the context itself is asked",
  "atomics-optimization: two of four tasks wait in Atomics.wait":
    "a Pool starts spare threads in their place; see below",
  "fixed-queue: length, removal, circular buffers (7 tests)": "the queue of a Pool is not public",
  "generics: types of task and result": "Pool.run has its own types, see test/types",
  "histogram: times of runs and waits, by pool and worker (6 tests)":
    "a Pool keeps no histograms; trace() has each task",
  "iterators: a stream for what an iterator gives (7 tests)": "a result is a value; an iterator is refused, see below",
  "jest/ready-message: threads start under Jest": "the tests of this project run in one runner",
  "load-with-esm: the exports of the package": "it is about piscina's package",
  "messages: a worker's own messages come as events": "a Pool has no events; that they do no harm is asked",
  "move-test: marks and symbols of what is movable (5 tests)": "Piscina.move's own protocol; moving itself is asked",
  "nice: the priority of threads (3 tests)": "a Pool doesn't set priorities",
  "option-validation: types of name, filename, idleTimeout, maxQueue": "options of the adapter only",
  "option-validation: concurrentTasksPerWorker, atomics, taskQueue, niceIncrement, stricterFIFO, trackUnmanagedFds":
    "a Pool has no such options",
  "option-validation: filename and name from a polluted prototype": "options of the adapter only",
  "pool: which events tell of new and ended workers": "a Pool has no events; the number of threads is asked",
  "post-task: types of transferList, filename, name and options": "options of the adapter only",
  "post-task: default numbers of threads": "a Pool has as many as the machine runs at a time, see test/unit",
  "queued-task-prefers-ready-worker: not the one that is still starting": "no code of the user's can hold up a start",
  "queues: unshift of both queue classes": "the queue of a Pool is not public",
  "ready-message: a pool that starts with no threads": "a Pool has at least one",
  "simple-test: version, Piscina.Piscina, isWorkerThread of the main thread": "it is about piscina's package",
  "simple-test: options env, argv, execArgv": "a thread of a Pool has those of its parent, which is asked",
  "simple-test: workerData (4 tests)": "data goes to threads as arguments and captures",
  "task-queue: a queue of the user's own": "the queue of a Pool is not public",
  "task-queue: tasks that share a worker (3 tests)": "a thread of a Pool runs one task at a time",
  "test-uncaught-exception-from-handler: an error after the task is an event": "it is printed, which is asked",
  "thread-count: minThreads and maxThreads that conflict, or set each other": "options of the adapter only",
  "worker-id: an environment variable with the worker's number (6 tests)": "never in a release; threadId tells",
  "workers: flags of destroyed workers": "the threads of a Pool are not public; their replacement is asked",
};

const file = (name: string): string => fileURLToPath(new URL(`./fixtures/piscina/${name}`, import.meta.url));
const TASKS = file("tasks.mjs");

const made: Piscina[] = [];
function poolOf(options: PiscinaOptions = {}): Piscina {
  const pool = new Piscina({ filename: TASKS, ...options });
  made.push(pool);
  return pool;
}

let started = 0;
const live = new Set<Worker>();
const count = (message: unknown): void => {
  const { worker } = message as { worker: Worker };
  started++;
  live.add(worker);
  worker.once("exit", () => live.delete(worker));
};
beforeEach(() => {
  started = 0;
  subscribe("worker_threads", count);
});
afterEach(async () => {
  unsubscribe("worker_threads", count);
  await Promise.all(made.splice(0).map((pool) => pool.destroy()));
});

const until = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await sleep(2);
};
const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => expect.fail(`it gave ${String(value)}`),
    (error: unknown) => error,
  );
interface Where {
  threadId: number;
  isMainThread: boolean;
}
const where = async (pool: Piscina): Promise<number> => ((await pool.run(null, { name: "where" })) as Where).threadId;

const common = new Piscina({ filename: TASKS, maxThreads: 2 });
// Both of its threads, before any are counted.
beforeAll(() => Promise.all([common.run(1, { name: "twice" }), common.run(2, { name: "twice" })]));
afterAll(() => common.close());

it("says for each behaviour that is not asked why", () => {
  for (const [what, why] of Object.entries(NOT_APPLICABLE)) {
    expect(what).toMatch(/^[\w/-]+: \S/);
    expect(why.trim()).not.toBe("");
  }
});

describe("a run", () => {
  it("gives what the handler returns", async () => {
    expect(await common.run(21, { name: "twice" })).toBe(42);
  });

  it("gives what the handler's promise gives", async () => {
    expect(await common.run(21, { name: "twiceLater" })).toBe(42);
  });

  it("is on another thread", async () => {
    const { isMainThread, threadId: there } = (await common.run(null, { name: "where" })) as Where;
    expect(isMainThread).toBe(false);
    expect(there).not.toBe(threadId);
  });

  it("without a name is of the default export, or of the one that the pool names", async () => {
    expect(await common.run("same")).toBe("same");
    expect(await poolOf({ maxThreads: 1, name: "twice" }).run(4)).toBe(8);
  });

  it("takes its file when it is made, where the pool has none", async () => {
    for (const filename of [undefined, null])
      expect(await poolOf({ ...(filename === null && { filename }), maxThreads: 1 }).run(1, { filename: TASKS })).toBe(
        1,
      );
    await expect(poolOf({ filename: null, maxThreads: 1 }).run(1)).rejects.toThrow(/filename/);
  });

  it("takes its file as a URL, too", async () => {
    expect(await common.run(5, { filename: new URL("./fixtures/piscina/tasks.mjs", import.meta.url).href })).toBe(5);
  });

  it("loads CommonJS, with its several exports", async () => {
    expect(await common.run(5, { filename: file("common.cjs") })).toBe(7);
    expect(await common.run(5, { filename: file("common.cjs"), name: "more" })).toBe(8);
  });

  it("waits for modules that take their time, and for handlers that are promised", async () => {
    expect(await common.run(1, { filename: file("late.mjs"), name: "ready" })).toBe(2);
    expect(await common.run(1, { filename: file("late.mjs") })).toBe(2);
  });

  it("fails where the module can't be loaded, is not there, or lacks the export; the thread lives", async () => {
    const pool = poolOf({ maxThreads: 1 });
    const before = await where(pool);
    await expect(pool.run(1, { filename: file("broken.mjs") })).rejects.toThrow(new SyntaxError("broken on purpose"));
    await expect(pool.run(1, { filename: file("none.mjs") })).rejects.toMatchObject({ code: "ERR_MODULE_NOT_FOUND" });
    await expect(pool.run(1, { name: "nothing" })).rejects.toBeInstanceOf(TypeError);
    expect(await where(pool)).toBe(before);
  });

  it("goes on in the async context of its caller", async () => {
    const context = new AsyncLocalStorage<number>();
    const seen = await Promise.all(
      [1, 2, 3].map((n) => context.run(n, async () => (await common.run(n), context.getStore()))),
    );
    expect(seen).toEqual([1, 2, 3]);
  });

  it("of ten thousand at once ends, each with its own result", async () => {
    const all = await Promise.all(Array.from({ length: 10_000 }, (_, i) => common.run(i, { name: "twice" })));
    expect(all.every((value, i) => value === 2 * i)).toBe(true);
  });

  it("sees the environment and the arguments of the program, and changes its own copy only", async () => {
    process.env["BRAID_CONFORMANCE"] = "of the parent";
    const pool = poolOf({ maxThreads: 1 });
    delete process.env["BRAID_CONFORMANCE"];
    await pool.run("BRAID_CONFORMANCE_TOO", { name: "setEnv" });
    const seen = (await pool.run(null, { name: "surroundings" })) as Pick<typeof process, "env" | "argv" | "execArgv">;
    expect(seen.env).toMatchObject({
      BRAID_CONFORMANCE: "of the parent",
      BRAID_CONFORMANCE_TOO: "set in the thread",
    });
    expect(process.env["BRAID_CONFORMANCE_TOO"]).toBeUndefined();
    expect(seen.execArgv).toEqual(process.execArgv);
    expect(seen.argv[0]).toBe(process.argv[0]);
  });

  it("may post messages of its own", async () => {
    expect(await common.run(null, { name: "postOwnMessage" })).toBe("posted");
    expect(await common.run(1)).toBe(1);
  });

  it("prints, though the program ends with it", async () => {
    const args = ["--conditions=braid-source", "--disable-warning=ExperimentalWarning"];
    const { stdout } = await promisify(execFile)(process.execPath, [...args, file("print.mjs")]);
    expect(stdout).toBe("A\nB\n");
  });
});

describe("an error", () => {
  it("that is thrown keeps class, message and cause", async () => {
    const error = await failure(common.run("wrong", { name: "fail" }));
    expect(error).toBeInstanceOf(RangeError);
    expect(error).toMatchObject({ message: "wrong", cause: "a cause" });
    expect((error as Error).stack).toMatch(/tasks\.mjs/);
  });

  it("that a promise is rejected with keeps them, too, and what it carries", async () => {
    const error = await failure(common.run("later", { name: "failLater" }));
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({ message: "later", code: "E_OWN", at: [1, 2] });
  });

  it("may be any value", async () => {
    expect(await failure(common.run(null, { name: "failByValue" }))).toBe("only words");
  });

  it("of another context keeps class and message", async () => {
    const error = await failure(common.run("throw new TypeError('foreign')", { name: "elsewhere" }));
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({ name: "TypeError", message: "foreign" });
  });

  it("that can't be sent is told in words; the thread lives", async () => {
    const pool = poolOf({ maxThreads: 1 });
    const before = await where(pool);
    await expect(pool.run(null, { name: "unsendableError" })).rejects.toThrow(/with a port/);
    expect(await where(pool)).toBe(before);
  });

  it("fails its own run only", async () => {
    const all = await Promise.allSettled(
      ["fail", "twice", "failLater", "twice"].map((name, i) => common.run(i, { name })),
    );
    expect(all.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "rejected", "fulfilled"]);
  });
});

describe("an error that escapes", () => {
  it.each([
    ["from a callback", "escapeNow"],
    ["as a rejection that nobody handles", "rejectNow"],
  ])("%s fails the run that is on, and its thread is replaced", async (_, name) => {
    const pool = poolOf({ maxThreads: 1 });
    const before = await where(pool);
    const error = await failure(pool.run("not caught", { name }));
    expect(error).toBeInstanceOf(ThreadCrashedError);
    expect(error).toMatchObject({ message: expect.stringMatching(/not caught/) as string, retryable: true });
    expect((error as Error).cause).toMatchObject({ message: "not caught" });
    expect(await where(pool)).not.toBe(before);
  });

  it("when the run is over is printed, and its thread lives on", async () => {
    const pool = poolOf({ maxThreads: 1 });
    const thread = await pool.run("not caught", { name: "escapeSoon" });
    let printed = "";
    await until(() => {
      void pool.run(null, { name: "whatWasPrinted" }).then((text) => (printed = text as string));
      return printed !== "";
    });
    expect(printed).toMatch(/^Uncaught error in a callback: Error: not caught\n/);
    expect(await where(pool)).toBe(thread);
  });
});

describe("process.exit", () => {
  it("fails the run, with the code, and the thread is replaced", async () => {
    const pool = poolOf({ maxThreads: 1 });
    const before = await where(pool);
    const [died, next] = [failure(pool.run(null, { name: "exit" })), where(pool)];
    expect(await died).toBeInstanceOf(ThreadCrashedError);
    expect(await died).toMatchObject({
      exitCode: 1,
      message: expect.stringMatching(/exited with code 1/) as string,
    });
    expect(await next).not.toBe(before);
  });

  it("that an earlier run left behind fails the one that is on", async () => {
    const pool = poolOf({ maxThreads: 1 });
    const before = await pool.run(null, { name: "exitSoon" });
    await expect(pool.run(null, { name: "never" })).rejects.toMatchObject({ exitCode: 1 });
    expect(await where(pool)).not.toBe(before);
  });

  it("between runs fails none", async () => {
    const pool = poolOf({ maxThreads: 1 });
    const before = await pool.run(null, { name: "exitSoon" });
    await until(() => ![...live].some((worker) => worker.threadId === before));
    expect(await where(pool)).not.toBe(before);
  });
});

describe("limits of memory", () => {
  it("fail the run that is over them, and the pool lives", async () => {
    const pool = poolOf({ maxThreads: 1, resourceLimits: { maxOldGenerationSizeMb: 16 } });
    const died = failure(pool.run(null, { name: "exhaust" }));
    const next = pool.run("alive");
    expect(await died).toBeInstanceOf(ThreadCrashedError);
    expect(await died).toMatchObject({
      message: expect.stringMatching(/out of memory/) as string,
      cause: { code: "ERR_WORKER_OUT_OF_MEMORY" },
    });
    expect(await next).toBe("alive");
  });

  it("spare the threads that keep to them", async () => {
    const pool = poolOf({ maxThreads: 2, resourceLimits: { maxOldGenerationSizeMb: 16 } });
    const cells = shared(Int32Array, 3);
    const held = pool.run(cells, { name: "hold" });
    await until(() => cells[0] === 1);
    await expect(pool.run(null, { name: "exhaust" })).rejects.toThrow(/out of memory/);
    cells[1] = 1;
    expect(await held).toBeGreaterThan(0);
  });

  it("of the stack make an error that can be caught", async () => {
    const pool = poolOf({ maxThreads: 1, resourceLimits: { stackSizeMb: 1 } });
    const before = await where(pool);
    await expect(pool.run(null, { name: "recurse" })).rejects.toBeInstanceOf(RangeError);
    expect(await where(pool)).toBe(before);
  });

  it("are checked when the pool is made", () => {
    expect(() => new Piscina({ resourceLimits: { maxOldGenerationSizeMb: -1 } })).toThrow(RangeError);
    expect(() => new Piscina({ resourceLimits: { stackSizeMb: "4" as never } })).toThrow(TypeError);
  });
});

describe("an AbortSignal", () => {
  it("that is aborted already lets nothing run and nothing move", async () => {
    const cells = shared(Int32Array, 1);
    const bytes = new ArrayBuffer(8);
    const reason = new Error("the reason");
    const options = { name: "set", signal: AbortSignal.abort(reason), transferList: [bytes] };
    const error = await failure(common.run(cells, options));
    expect(error).toBeInstanceOf(CancelledError);
    expect((error as Error).cause).toBe(reason);
    expect(bytes.byteLength).toBe(8);
    await common.run(1);
    expect(cells[0]).toBe(0);
  });

  it("takes a run out of the queue", async () => {
    const pool = poolOf({ maxThreads: 1 });
    const cells = shared(Int32Array, 3);
    const flag = shared(Int32Array, 1);
    const held = pool.run(cells, { name: "hold" });
    await until(() => cells[0] === 1);
    const control = new AbortController();
    const waiting = failure(pool.run(flag, { name: "set", signal: control.signal }));
    expect(pool.queueSize).toBe(1);
    control.abort("not needed");
    expect(await waiting).toMatchObject({ constructor: CancelledError, cause: "not needed" });
    expect(pool.queueSize).toBe(0);
    cells[1] = 1;
    expect(await held).toBe(await where(pool));
    expect(flag[0]).toBe(0);
  });

  it.each(["spin", "block"])("stops a run that would %s for ever, and its thread is replaced", async (name) => {
    const pool = poolOf({ maxThreads: 1 });
    const before = await where(pool);
    const cells = shared(Int32Array, 2);
    const control = new AbortController();
    const reason = new Error("the reason");
    const running = failure(pool.run(cells, { name, signal: control.signal }));
    const next = where(pool);
    await until(() => cells[0] !== 0);
    control.abort(reason);
    expect(await running).toBeInstanceOf(CancelledError);
    expect(((await running) as Error).cause).toBe(reason);
    expect(await next).not.toBe(before);
    await until(() => ![...live].some((worker) => worker.threadId === before));
  });

  it("costs one thread, and the other runs end", async () => {
    const pool = poolOf({ maxThreads: 3 });
    const control = new AbortController();
    const cells = shared(Int32Array, 1);
    const aborted = failure(pool.run(cells, { name: "spin", signal: control.signal }));
    const others = Array.from({ length: 10 }, (_, i) => pool.run(i, { name: "twiceLater" }));
    await until(() => cells[0] !== 0);
    control.abort();
    expect(await aborted).toBeInstanceOf(CancelledError);
    expect(await Promise.all(others)).toEqual(Array.from({ length: 10 }, (_, i) => 2 * i));
    await pool.close();
    expect(started).toBe(4);
    expect(live.size).toBe(0);
  });

  it("may end many runs, each with the reason", async () => {
    const pool = poolOf({ maxThreads: 2 });
    const control = new AbortController();
    const all = Array.from({ length: 20 }, () => pool.run(null, { name: "never", signal: control.signal }));
    const settled = Promise.allSettled(all);
    control.abort("all");
    for (const result of await settled)
      expect(result).toMatchObject({ status: "rejected", reason: { constructor: CancelledError, cause: "all" } });
    expect(await pool.run("alive")).toBe("alive");
    expect(pool.completed).toBe(21);
  });

  it("has no listener left when the run is over, and does nothing then", async () => {
    const control = new AbortController();
    expect(await common.run(1, { signal: control.signal })).toBe(1);
    expect(getEventListeners(control.signal, "abort").length).toBe(0);
    control.abort();
    expect(await common.run(2)).toBe(2);
  });
});

describe("what can't be sent", () => {
  it("as a task is refused before anything runs", async () => {
    const pool = poolOf({ maxThreads: 1 });
    const { port1, port2 } = new MessageChannel();
    const error = await failure(pool.run({ inside: [port1] }));
    port2.close();
    expect(error).toBeInstanceOf(NotSendableError);
    expect(error).toMatchObject({ path: expect.stringMatching(/inside\[0\]$/) as string });
    expect(pool.queueSize).toBe(0);
    expect(await pool.run(1)).toBe(1);
    expect(pool.completed).toBe(1);
  });

  it("as a result fails the run, and the thread lives", async () => {
    const pool = poolOf({ maxThreads: 1 });
    const before = await where(pool);
    const error = await failure(pool.run(null, { name: "unsendable" }));
    expect(error).toMatchObject({ constructor: NotSendableError, path: "result.inside.map" });
    expect(await where(pool)).toBe(before);
  });

  it("includes iterators, whose values would come later", async () => {
    const values = [1, 2].values();
    await expect(common.run(values)).rejects.toBeInstanceOf(NotSendableError);
  });
});

describe("what is moved", () => {
  it("leaves an empty ArrayBuffer behind", async () => {
    const bytes = new ArrayBuffer(40);
    expect(await common.run({ byteLength: 0, bytes }, { transferList: [bytes] })).toMatchObject({
      bytes: { byteLength: 40 },
    });
    expect(bytes.byteLength).toBe(0);
  });

  it("may be marked where it is given", async () => {
    const bytes = new ArrayBuffer(10);
    const numbers = new Float64Array(4);
    expect(await common.run(Piscina.move(bytes), { name: "byteLength" })).toBe(10);
    expect(await common.run(Piscina.move(numbers), { name: "byteLength", transferList: [] })).toBe(32);
    expect([bytes.byteLength, numbers.length]).toEqual([0, 0]);
  });

  it("may be a port, which works in the thread", async () => {
    const { port1, port2 } = new MessageChannel();
    const running = common.run(port2, { name: "answerBy", transferList: [port2] });
    port1.postMessage("there");
    expect((await once(port1, "message"))[0]).toBe("there!");
    await running;
  });

  it("may wait in the queue", async () => {
    const pool = poolOf({ maxThreads: 1 });
    const cells = shared(Int32Array, 3);
    const held = pool.run(cells, { name: "hold" });
    await until(() => cells[0] === 1);
    const bytes = new ArrayBuffer(24);
    const waiting = pool.run(Piscina.move(bytes), { name: "byteLength" });
    expect(bytes.byteLength).toBe(0);
    cells[1] = 1;
    await held;
    expect(await waiting).toBe(24);
  });

  it("comes back the same way: the thread keeps nothing of it", async () => {
    const pool = poolOf({ maxThreads: 1 });
    expect(await pool.run(null, { name: "sendMoved" })).toMatchObject({ byteLength: 128 });
    expect(await pool.run(null, { name: "lengthsLeft" })).toEqual([0]);
  });

  it("comes back inside of others, too", async () => {
    const pool = poolOf({ maxThreads: 1 });
    expect(await pool.run(null, { name: "sendMovedInside" })).toMatchObject({
      name: "inside",
      bytes: { byteLength: 64 },
    });
    expect(await pool.run(null, { name: "lengthsLeft" })).toEqual([0]);
  });

  it("is what can be: a mark on another value is refused or does nothing", () => {
    expect([null, 1, false, "text"].map((value) => Piscina.move(value))).toEqual([null, 1, false, "text"]);
    expect(() => Piscina.move(new Map())).toThrow(TypeError);
    expect(() => Piscina.move(shared(Int32Array, 1))).toThrow(/shared memory/);
  });
});

describe("the queue", () => {
  it("is in the order of the runs", async () => {
    const pool = poolOf({ maxThreads: 1 });
    const log = shared(Int32Array, 21);
    await Promise.all(Array.from({ length: 20 }, (_, n) => pool.run({ log, n }, { name: "note" })));
    expect([...log.subarray(1)]).toEqual(Array.from({ length: 20 }, (_, n) => n));
  });

  it("holds what no thread is free for, and no more", async () => {
    const pool = poolOf({ maxThreads: 2 });
    expect(pool.queueSize).toBe(0);
    const cells = shared(Int32Array, 3);
    const all = Array.from({ length: 5 }, () => pool.run(cells, { name: "hold" }));
    await until(() => cells[0] === 2);
    expect(pool.queueSize).toBe(3);
    cells[1] = 1;
    await Promise.all(all);
    expect(pool.queueSize).toBe(0);
    expect(cells[2]).toBe(2);
  });

  it("empties into threads that come later", async () => {
    const pool = poolOf({ minThreads: 1, maxThreads: 3 });
    expect(pool.threads).toBe(1);
    const cells = shared(Int32Array, 3);
    const all = Array.from({ length: 4 }, () => pool.run(cells, { name: "hold" }));
    expect(pool.threads).toBe(3);
    await until(() => cells[0] === 3);
    expect(pool.queueSize).toBe(1);
    cells[1] = 1;
    expect(new Set(await Promise.all(all)).size).toBe(3);
  });

  it.each([2, 0])("of at most %i refuses what comes then", async (maxQueue) => {
    const pool = poolOf({ maxThreads: 1, maxQueue });
    const cells = shared(Int32Array, 1);
    const all = Array.from({ length: 1 + maxQueue }, () => failure(pool.run(cells, { name: "spin" })));
    await until(() => cells[0] !== 0);
    expect(pool.queueSize).toBe(maxQueue);
    await expect(pool.run(cells, { name: "spin" })).rejects.toThrow(/queue is full/);
    await pool.destroy();
    for (const error of await Promise.all(all)) expect(error).toBeInstanceOf(PoolClosedError);
  });

  it("tells when it has emptied", async () => {
    const pool = poolOf({ maxThreads: 1 });
    expect(pool).toBeInstanceOf(EventEmitter);
    let drains = 0;
    pool.on("drain", () => {
      drains++;
      expect([pool.needsDrain, pool.queueSize]).toEqual([false, 0]);
    });
    await Promise.all([1, 2, 3].map((n) => pool.run(n)));
    expect(drains).toBe(1);
  });

  it("tells when it is full", async () => {
    const pool = poolOf({ maxThreads: 1, maxQueue: 3 });
    const [full, drained] = [once(pool, "needsDrain"), once(pool, "drain")];
    const all = [1, 2, 3, 4].map((n) => pool.run(n));
    expect(pool.needsDrain).toBe(true);
    await Promise.all([full, drained, ...all]);
    expect(pool.needsDrain).toBe(false);
  });
});

describe("counts", () => {
  it("are of runs that ended, whether well or not", async () => {
    const pool = poolOf({ maxThreads: 2 });
    expect(pool.completed).toBe(0);
    await Promise.allSettled(["twice", "fail", "twiceLater", "failLater", "exit"].map((name) => pool.run(1, { name })));
    expect(pool.completed).toBe(5);
  });

  it("of time are more than nothing, and less than all", async () => {
    const pool = poolOf({ maxThreads: 2 });
    expect(pool.utilization).toBe(0);
    await Promise.all([1, 2, 3].map((n) => pool.run(n, { name: "twiceLater" })));
    expect(pool.utilization).toBeGreaterThan(0);
    expect(pool.utilization).toBeLessThan(1);
  });
});

describe("threads", () => {
  it("start as they are needed, up to maxThreads", async () => {
    const pool = poolOf({ minThreads: 2, maxThreads: 4 });
    expect([pool.minThreads, pool.maxThreads, pool.threads]).toEqual([2, 4, 2]);
    const cells = shared(Int32Array, 3);
    const seen: number[] = [];
    const all = Array.from({ length: 6 }, () => {
      const run = pool.run(cells, { name: "hold" });
      seen.push(pool.threads);
      return run;
    });
    expect(seen).toEqual([2, 2, 3, 4, 4, 4]);
    await until(() => cells[0] === 4);
    await sleep(20);
    expect([cells[0], started]).toEqual([4, 4]);
    cells[1] = 1;
    await Promise.all(all);
    expect(cells[2]).toBe(4);
  });

  it("that are idle for long end, down to minThreads", async () => {
    const pool = poolOf({ minThreads: 1, maxThreads: 2, idleTimeout: 50 });
    const meet = async (): Promise<Set<unknown>> => {
      const cells = shared(Int32Array, 3);
      const both = [pool.run(cells, { name: "hold" }), pool.run(cells, { name: "hold" })];
      expect(pool.threads).toBe(2);
      await until(() => cells[0] === 2);
      cells[1] = 1;
      return new Set(await Promise.all(both));
    };
    const early = await meet();
    expect(live.size).toBe(2);
    await until(() => live.size === 1);
    expect(pool.threads).toBe(1);
    const late = await meet();
    expect(early.union(late).size).toBe(3);
  });

  it("that are idle stay where no time is given", async () => {
    const pool = poolOf({ minThreads: 1, maxThreads: 2 });
    const cells = shared(Int32Array, 3);
    const both = [pool.run(cells, { name: "hold" }), pool.run(cells, { name: "hold" })];
    await until(() => cells[0] === 2);
    cells[1] = 1;
    await Promise.all(both);
    await sleep(100);
    expect([pool.threads, live.size, started]).toEqual([2, 2, 2]);
  });

  it("are a whole number, 1 or more", () => {
    for (const maxThreads of [0, -1, 1.5]) expect(() => new Piscina({ maxThreads })).toThrow(RangeError);
    expect(() => new Piscina({ maxThreads: "2" as never })).toThrow(TypeError);
  });

  it("that wait in Atomics.wait keep no others from running", async () => {
    const pool = poolOf({ maxThreads: 2 });
    const cells = shared(Int32Array, 2);
    const all = Array.from({ length: 4 }, () => pool.run(cells, { name: "block" }));
    // All four wait, on two threads and two in their place.
    await until(() => cells[0] === 4);
    expect(await pool.run("between")).toBe("between");
    Atomics.store(cells, 1, 1);
    Atomics.notify(cells, 1);
    for (const how of await Promise.all(all)) expect(["ok", "not-equal"]).toContain(how);
    await until(() => live.size === 2);
  });

  it("go on when this one, blocked meanwhile, wakes those that wait", async () => {
    const pool = poolOf({ maxThreads: 2 });
    const cells = shared(Int32Array, 2);
    const both = [pool.run(cells, { name: "block" }), pool.run(cells, { name: "block" })];
    for (let n; (n = Atomics.load(cells, 0)) < 2;) Atomics.wait(cells, 0, n, 5);
    Atomics.store(cells, 1, 1);
    Atomics.notify(cells, 1);
    for (const how of await Promise.all(both)) expect(["ok", "not-equal"]).toContain(how);
  });

  it("wait by Atomics.waitAsync, too", async () => {
    const pool = poolOf({ maxThreads: 1 });
    const cells = shared(Int32Array, 2);
    const waiting = pool.run(cells, { name: "blockAsync" });
    await until(() => cells[0] === 1);
    Atomics.store(cells, 1, 1);
    Atomics.notify(cells, 1);
    expect(await waiting).toBe("ok");
  });
});

describe("close", () => {
  it("of a pool without work ends its threads", async () => {
    const pool = poolOf({ maxThreads: 2 });
    await pool.close();
    expect([pool.threads, live.size]).toEqual([0, 0]);
  });

  it("waits for what runs and what waits, and tells", async () => {
    const pool = poolOf({ maxThreads: 1 });
    const all = [1, 2, 3].map((n) => pool.run(n, { name: "twiceLater" }));
    const told = once(pool, "close");
    let ended = 0;
    for (const run of all) void run.then(() => ended++);
    await pool.close();
    expect(ended).toBe(3);
    await told;
    expect(await Promise.all(all)).toEqual([2, 4, 6]);
  });

  it("refuses new work from then on", async () => {
    const pool = poolOf({ maxThreads: 1 });
    const running = pool.run(1, { name: "twiceLater" });
    const closed = pool.close();
    await expect(pool.run(1)).rejects.toBeInstanceOf(PoolClosedError);
    expect(await running).toBe(2);
    await closed;
    await expect(pool.run(1)).rejects.toBeInstanceOf(PoolClosedError);
  });

  it("by force cancels what has not started, and waits for what has", async () => {
    const pool = poolOf({ maxThreads: 1 });
    const cells = shared(Int32Array, 3);
    const running = pool.run(cells, { name: "hold" });
    await until(() => cells[0] === 1);
    const waiting = [1, 2].map((n) => failure(pool.run(n)));
    const closed = pool.close({ force: true });
    for (const error of await Promise.all(waiting))
      expect(error).toMatchObject({ constructor: CancelledError, cause: "The pool closes." });
    cells[1] = 1;
    expect(await running).toBeGreaterThan(0);
    await closed;
    expect(live.size).toBe(0);
  });

  it("that takes too long ends what runs", async () => {
    const pool = poolOf({ maxThreads: 1, closeTimeout: 30 });
    const all = [1, 2].map(() => failure(pool.run(null, { name: "never" })));
    await pool.close();
    for (const error of await Promise.all(all)) expect(error).toBeInstanceOf(PoolClosedError);
    expect(live.size).toBe(0);
  });
});

describe("destroy", () => {
  it("rejects what runs and what waits, and ends all threads", async () => {
    const pool = poolOf({ maxThreads: 2 });
    const cells = shared(Int32Array, 1);
    const all = Array.from({ length: 5 }, () => failure(pool.run(cells, { name: "spin" })));
    await until(() => cells[0] !== 0);
    await pool.destroy();
    for (const error of await Promise.all(all)) expect(error).toBeInstanceOf(PoolClosedError);
    expect([pool.threads, pool.queueSize, live.size]).toEqual([0, 0, 0]);
  });

  it("may come when a run has ended, while others are on", async () => {
    const pool = poolOf({ maxThreads: 1 });
    const first = pool.run(1, { name: "twiceLater" }).then(() => pool.destroy());
    const rest = [failure(pool.run(null, { name: "never" })), failure(pool.run(2))];
    await first;
    for (const error of await Promise.all(rest)) expect(error).toBeInstanceOf(PoolClosedError);
  });
});
