// Interrupts, again and again: of whatever a cell can hang in, and at random moments. State is kept, every time, and the
// next cell is never hit. BRAID_TRIES sets how often each is tried.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Client, KernelProcess } from "../../bench/kernel/client.ts";
import { sourceKernel } from "../../bench/kernel/source-kernel.ts";

const TRIES = Number(process.env["BRAID_TRIES"] ?? 12);
const RANDOM_TRIES = 25 * TRIES;

const HANGS: Record<string, string> = {
  "a loop": "while (true) {}",
  "a loop after an await": "await 1; while (true) {}",
  "a loop in a timer": "setTimeout(() => { while (true) {} }, 0); await new Promise(() => {})",
  "a loop in a microtask": "queueMicrotask(() => { while (true) {} }); await new Promise(() => {})",
  "a loop in setImmediate": "setImmediate(() => { while (true) {} }); await new Promise(() => {})",
  "microtasks without end":
    "const again = () => void Promise.resolve().then(again); again(); await new Promise(() => {})",
  "Atomics.wait": "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)",
  "a catastrophic RegExp": "/(a+)+$/.test('a'.repeat(60) + 'b')",
  "an await that never settles": "await new Promise(() => {})",
  "sleeps without end": "while (true) await new Promise((resolve) => setTimeout(resolve, 1))",
  execSync: "import { execSync } from 'node:child_process'; execSync('sleep 30')",
  "a loop that catches everything": "while (true) { try { while (true) {} } catch {} finally {} }",
  "an inspect hook": "({ [Symbol.for('nodejs.util.inspect.custom')]() { while (true) {} } })",
  "a display hook": "({ [Symbol.for('Jupyter.display')]() { while (true) {} } })",
  "a disposer": "using held = { [Symbol.dispose]() { while (true) {} } }",
  "a pool whose threads spin": "await pool.map([1, 2], () => { while (true) {} })",
  "small tasks without end": "for (let i = 0; ; i++) await pool.run((x) => x, i)",
  "a thread that is joined": "import { spawn } from 'braid'; spawn(() => { while (true) {} }).join()",
  "a thread that is awaited": "import { spawn } from 'braid'; await spawn(() => { while (true) {} }).joinAsync()",
  "a permit that nobody releases": "await new Semaphore(0).acquireAsync()",
  "a permit that nobody releases, blocked": "new Semaphore(0).acquire()",
  "a permit that nobody releases, blocked, while tasks need this thread": `const one = () => [1];
     const again = async () => { for (;;) await pool.run(() => one()); };
     for (let i = 0; i < 3; i++) void pool.run(again).catch(() => {});
     new Semaphore(0).acquire()`,
  "tasks that wait for a permit": "const none = new Semaphore(0); await pool.map([1, 2], () => void none.acquire())",
  "tasks that wait for a mutex":
    "const m = new Mutex(); const g = m.lock(); await pool.map([1, 2], () => void m.lock())",
  "a mutex that a thread keeps": `const m = new Mutex(), ready = new Semaphore(0);
     void pool.run(() => { m.lock(); ready.release(); while (true) {} });
     await ready.acquireAsync(); await m.lockAsync()`,
  "a mutex that a thread keeps, blocked": `const m = new Mutex(), ready = new Semaphore(0);
     void pool.run(() => { m.lock(); ready.release(); while (true) {} });
     await ready.acquireAsync(); m.lock()`,
  "a writer that a reader keeps out": "const l = new RwLock(); const g = l.read(); await l.writeAsync()",
  "a condvar that nobody notifies": "const m = new Mutex(); await new Condvar().waitAsync(m.lock())",
  "a condvar that nobody notifies, blocked": "const m = new Mutex(); new Condvar().wait(m.lock())",
  "a message that nobody sends": "await new Channel(1).recvAsync()",
  "a message that nobody sends, blocked": "new Channel(1).recv()",
  "a loop over messages": "for await (const one of kept2) void one",
  "a loop over messages, blocked": "for (const one of kept2) void one",
  "room that nobody makes": "const full = new Channel<number>(1); full.send(1); await full.sendAsync(2)",
  "room that nobody makes, blocked": "const full = new Channel<number>(1); full.send(1); full.send(2)",
  "a rendezvous that nobody comes to": "await kept0.sendAsync(-1)",
  "a rendezvous that nobody comes to, blocked": "kept0.send(-1)",
  "a batch that there is no room for": "for (let n = 0; ; n++) batches.send(n)",
  "a select": "await selectAsync([kept2.onRecv(() => 1), kept0.onSend(-1, () => 2)])",
  "a select, blocked": "select([kept2.onRecv(() => 1), kept0.onSend(-1, () => 2)])",
  "a select that goes both ways, blocked": "select([kept0.onRecv(() => 1), kept0.onSend(-1, () => 2)])",
  "ticks without end": "for (const ms of tick(1)) void ms",
  "tasks that wait for messages": "await pool.map([1, 2], () => kept2.recv())",
  "a pipeline whose stages spin":
    "await pipeline([1, 2, 3]).stage(() => { while (true) {} }, { threads: 2 }).toArray()",
  "a pipeline whose source never ends": "await pipeline(kept2).stage((x) => x).toArray()",
  "the notification of an atomic, blocked": "new AtomicI32(1).wait(1)",
  "a spin lock that is kept":
    "import { SpinLock } from 'braid'; const s = new SpinLock(), l = new Latch(1); void pool.run(() => { s.lock(); l.countDown(); while (true) {} }); await l.waitAsync(); s.lock()",
  "a GPU kernel in this thread": "await kernels.cpu.run(1)",
  "a GPU kernel on threads": "await Promise.all([kernels.simd.run(1), kernels.simd.run(1)])",
  "a parallel loop": "await par.range(0, 8).forEach(() => { while (true) {} })",
  "a parallel loop, blocked": "par.range(0, 8).forEachSync(() => { while (true) {} })",
  "a parallel loop that waits for its helper":
    "const there = shared(Int32Array, 1); par.range(0, 2).forEachSync(() => { Atomics.or(there, 0, isMain() ? 0 : 1); while (!isMain() || Atomics.load(there, 0) === 0) {} })",
  "a parallel loop in tasks": "await pool.map([1, 2], () => par.range(0, 8).forEachSync(() => { while (true) {} }))",
  "parallel functions": "await join(() => { while (true) {} }, () => { while (true) {} })",
  "output without end": "while (true) console.log('line')",
};

/** Those that cells have waited for are as they were: nothing is in them, and nobody waits any more. */
const CHANNELS = `kept2.send(1); const got = kept2.recv();
  const there = pool.run(() => kept0.recv({ timeoutMs: 10_000 })); await kept0.sendAsync(2);
  [got, await there, select([kept0.onRecv(() => "me"), kept2.onRecv(() => "me"), otherwise(() => "nobody")]),
   await pool.run(() => { kept2.send(3); return kept2.recv(); }), !kept0.trySend(4), kept2.length === 0]`;

let kernel: KernelProcess;
let client: Client;

const SETUP = `import { AtomicI32, Channel, Condvar, gpu, join, Latch, Mutex, otherwise, par, pipeline, Pool, RwLock, select, selectAsync, Semaphore, shared, tick } from "braid";
     const [kept0, kept2, batches] = [new Channel<number>(), new Channel<number>(2), new Channel<number>(8, { batch: 4 })];
     const isMain = () => process.getBuiltinModule("node:worker_threads").isMainThread; const pool = new Pool({ threads: 2 }); let kept = 0; await pool.run(() => 1);
     const make = (backend: "cpu" | "simd") => gpu(({ x }, n) => {
       let s = 0;
       while (n > 0) s = s + x > 1e6 ? 0 : s + 1;
       return x;
     }, { output: [5000], backend });
     const kernels = { cpu: make("cpu"), simd: make("simd") };`;

beforeAll(async () => {
  kernel = await KernelProcess.start(sourceKernel());
  client = kernel.client;
});

// Also where a test that failed has cost the executor its life.
beforeEach(async () => {
  const { result } = await client.execute("typeof kernels");
  if (result !== "'object'") await client.execute(SETUP);
});

afterAll(() => kernel?.stop());

describe("interrupts", () => {
  for (const [what, code] of Object.entries(HANGS)) {
    it(`${what}: ${TRIES} times`, async () => {
      for (let tries = 1; tries <= TRIES; tries++) {
        const running = client.execute(code);
        await client.next((_, { header }) => header.msg_type === "execute_input");
        await sleep(30 + Math.random() * 20);
        await client.send("control", "interrupt_request", {});
        const { error } = await running;
        expect(error?.ename, JSON.stringify(error)).toBe("KeyboardInterrupt");
        const { result } = await client.execute(`kept = ${tries}; [kept, await pool.run((n: number) => n + 1, kept)]`);
        expect(result).toBe(`[ ${tries}, ${tries + 1} ]`);
        const channels = await client.execute(CHANNELS);
        expect(channels.result, JSON.stringify(channels.error)).toBe(`[ 1, 2, 'nobody', 3, true, true ]`);
        if (what.startsWith("parallel") || what.startsWith("a parallel")) {
          const sums = await client.execute("[par.range(0, 1000).sumSync(), await par.range(0, 1000).sum()]");
          expect(sums.result, JSON.stringify(sums.error)).toBe("[ 499500, 499500 ]");
        }
        if (!what.includes("GPU")) continue;
        const again = await client.execute(
          "[(await kernels.cpu.run(0)).value[9], (await kernels.simd.run(0)).value[9]]",
        );
        expect(again.result, JSON.stringify(again.error)).toBe("[ 9, 9 ]");
      }
    });
  }

  it.each([
    ["in a loop", "while (true) {}"],
    ["awaiting", "await new Promise(() => {})"],
    ["in a task", "await pool.run(() => { using guard = lock.lock(); while (guard) {} })", ""],
  ])("a lock that an interrupted cell held, %s, is poisoned", async (_, hang, take = "const held = lock.lock();") => {
    await client.execute("const lock = new Mutex(); const lock2 = new RwLock()");
    const running = client.execute(`${take} const held2 = lock2.write(); ${hang}`);
    await client.next((_, { header }) => header.msg_type === "execute_input");
    await sleep(400);
    await client.send("control", "interrupt_request", {});
    expect((await running).error?.ename).toBe("KeyboardInterrupt");
    for (const code of [
      "lock.lock()",
      "await lock.lockAsync()",
      "await pool.run(() => void lock.lock())",
      "lock2.read()",
      "lock2.tryWrite()",
    ]) {
      const { error } = await client.execute(code);
      expect([code, error?.ename]).toEqual([code, "PoisonedError"]);
    }
    const { result, error } = await client.execute(
      `lock.recover(); lock2.recover(); { using a = lock.lock(), b = await lock2.writeAsync(); }
       await pool.run(() => { using a = lock.lock(), b = lock2.read(); return 1; })`,
    );
    expect(result, JSON.stringify(error)).toBe("1");
  });

  it("a cell that deadlocks shows so", async () => {
    const self = await client.execute("const one = new Mutex({ name: 'one' }); const g1 = one.lock();\none.lock()");
    expect(self.error?.ename).toBe("DeadlockError");
    expect(self.error?.evalue).toMatch(/^Deadlock: thread 0 holds one and waits for it \(.*:2:5\)?/);
    const { result, error } = await client.execute(
      `const [a, b] = [new Mutex({ name: "a" }), new Mutex({ name: "b" })];
       const [inA, inB] = [new Semaphore(0), new Semaphore(0)];
       const tasks = [
         pool.run(() => { using one = a.lock(); inA.release(); inB.acquire(); using two = b.lock(); }),
         pool.run(() => { using one = b.lock(); inB.release(); inA.acquire(); using two = a.lock(); }),
       ];
       const { reason } = (await Promise.allSettled(tasks)).find(({ status }) => status === "rejected") as any;
       [reason.name, reason.cycle.length, reason.message]`,
    );
    expect(result, JSON.stringify(error)).toMatch(
      /'DeadlockError',\s+2,\s+'Deadlock: thread \d+ holds [ab] and waits for [ab] \(cell-\d+\.ts:[45]:\d+\); thread/,
    );
    const watched = await client.execute(
      `import { watch } from "braid"; const none = new Semaphore(0); await using own = new Pool({ threads: 2 });
       try { await watch({ timeoutMs: 5000 }, () => own.map([1, 2], () => void none.acquire())); } finally { await own.terminate(); }`,
    );
    // Where a thread was stopped just as it was woken, as in the tests above, watch has to go by the time.
    expect(watched.error?.evalue).toMatch(
      /^(Deadlock: nobody is left to go on|Out of time: .* may be a deadlock): .*thread \d+ waits for a permit \(cell-\d+\.ts:2:/,
    );
  });

  it("what an interrupted cell has left behind may use a pool: the next cell's tasks are answered as ever", async () => {
    const running = client.execute(`// @ts-nocheck
      globalThis.left = Promise.withResolvers();
      left.promise.then(async () => { for (let i = 0; i < 300; i++) await pool.run((x) => x, i); });
      await new Promise(() => {})`);
    await client.next((_, { header }) => header.msg_type === "execute_input");
    await sleep(100);
    await client.send("control", "interrupt_request", {});
    expect((await running).error?.ename).toBe("KeyboardInterrupt");
    const { result, error } = await client.execute(
      `// @ts-nocheck
      left.resolve(); let total = 0; for (let i = 0; i < 300; i++) total += await pool.run((x) => x, i); total`,
    );
    expect(result, JSON.stringify(error)).toBe("44850");
  });

  it.each([
    ["required", "cjs", "exports.first = 1;", "exports.second = 2;", "require(file)"],
    ["imported", "ts", "export const first = 1;", "export const second = 2;", "await import(file)"],
  ])("a module that is being %s is loaded whole the next time", async (_, extension, first, second, load) => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "braid-interrupted-"));
    const file = path.join(folder, `slow.${extension}`);
    try {
      fs.writeFileSync(file, `${first}\nwhile (globalThis["isSlow"]) {}\n${second}\n`);
      await client.execute(`Object.assign(globalThis, { isSlow: true, file: ${JSON.stringify(file)} });`);
      const running = client.execute(`// @ts-nocheck\n${load}`);
      await client.next((_, { header }) => header.msg_type === "execute_input");
      await sleep(200);
      await client.send("control", "interrupt_request", {});
      expect((await running).error?.ename).toBe("KeyboardInterrupt");
      const { result } = await client.execute(`// @ts-nocheck\nisSlow = false; (${load}).second`);
      expect(result).toBe("2");
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  });

  it(`at random moments around short cells, ${RANDOM_TRIES} times: no wrong state, no other cell hit`, async () => {
    await client.execute("let count = 0");
    let expected = 0;
    for (let tries = 0; tries < RANDOM_TRIES; tries++) {
      const ms = 1 + Math.random() * 20;
      const running = client.execute(
        `{ const end = performance.now() + ${ms}; while (performance.now() < end) {} }; count++`,
      );
      await sleep(Math.random() * 30);
      await client.request("control", "interrupt_request");
      const [{ reply }, next] = [await running, await client.execute("count")];
      expect(next.error).toBeUndefined();
      const count = Number(next.result);
      // Interrupted at its very end, it may have counted.
      if (reply.content["status"] === "ok") expect(count).toBe(expected + 1);
      else expect([expected, expected + 1]).toContain(count);
      expected = count;
    }
  });
});
