// The library as a plain Node program uses it: sources run as they are, local imports, the debugger's view of modules.

import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(import.meta.dirname, ".ship-plain-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function run(
  files: Record<string, string>,
  main: string,
): Promise<{ stdout: string; stderr: string; ms: number }> {
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const begin = performance.now();
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [join(folder, main)], { timeout: 30_000 });
  return { stdout, stderr, ms: performance.now() - begin };
}

it("runs closures of a module with local and built-in imports, classes and recursion", async () => {
  const { stdout, stderr } = await run(
    {
      "helper.ts": `
        let calls = 0;
        export const table: number[] = [10, 20, 30];
        export function help(x: number): number { calls++; return x + table.length; }
        export function seen(): number { return calls; }
        export class Oops extends TypeError { readonly n: number; constructor(n: number) { super("oops " + n); this.n = n; } }
        export function blow(n: number): never { throw new Oops(n); }
        export default class Point { x: number; constructor(x: number) { this.x = x; } twice(): number { return this.x * 2; } }
        export const log = { lines: [] as string[], add(line: string): number { return this.lines.push(line); } };`,
      "main.ts": `
        import { strict as assert } from "node:assert";
        import os, { cpus as processors } from "node:os";
        import * as path from "node:path";
        import { Pool, par, shared, TaskError } from "../../../lib/index.ts";
        import Point, { blow, help, log, Oops, seen, table } from "./helper.ts";
        import * as helper from "./helper.ts";
        import { isMainThread, threadId as me } from "node:worker_threads";

        await using pool = new Pool({ threads: 1 });
        const k = 3;
        const fib = (n: number): number => (n < 2 ? n : fib(n - 1) + fib(n - 2));
        class Counter { n: number; constructor(n: number) { this.n = n; } plus(m: number): Counter { return new Counter(this.n + m * k); } }

        assert.equal(await pool.run((n: number) => fib(n) + k, 10), 58);
        assert.deepEqual(await pool.run(() => [typeof os.cpus, processors().length, path.sep]), ["function", os.cpus().length, path.sep]);
        // Imported again over there: its state is the thread's own. Data goes by value.
        assert.deepEqual(await pool.run(() => [help(1), help(2), seen(), table[1]]), [4, 5, 2, 20]);
        assert.equal(seen(), 0);
        assert.equal(await pool.run(() => helper.help(1) + new Point(4).twice()), 12);
        assert.equal(await pool.run(() => log.add("x")), 1);
        const counter = await pool.run((c: Counter) => c.plus(2), new Counter(1));
        assert.ok(counter instanceof Counter);
        assert.equal(counter.n, 7);
        // Classes of an imported module are the same on the way back.
        const point = await pool.run((x: number) => new Point(x), 6);
        assert.ok(point instanceof Point);
        const error = await pool.run(() => blow(3)).catch((e: unknown) => e);
        assert.ok(error instanceof Oops && error.n === 3, String(error));
        assert.match(error.stack!, /TypeError: oops 3[^]*helper\\.ts:7:[^]*main\\.ts:\\d+:\\d+[^]*at thread \\d+$/);
        assert.ok(!error.stack!.includes("/lib/"), error.stack);
        const failure = await pool.map([1, 2, 3], (x) => { if (x === 2) blow(x); return x; }).catch((e: unknown) => e);
        assert.ok(failure instanceof TaskError && failure.index === 1 && failure.cause instanceof Oops);
        // What differs from thread to thread is that of the thread.
        assert.deepEqual(await pool.run(() => [isMainThread, me > 0]), [false, true]);
        // An import() means what it means here.
        assert.equal(await pool.run(async () => (await import("./helper.ts")).help(5)), 8);
        assert.equal(await par.range(0, 1000).map((x) => help(x) * 0 + x).sum(), 499500);
        const out = shared(Int32Array, 4);
        await pool.run(() => { out[2] = fib(10); });
        assert.deepEqual([...out], [0, 0, 55, 0]);
        // The library inside of a task.
        assert.equal(await pool.run(async () => { await using inner = new Pool({ threads: 1 }); return inner.run((x: number) => x * k, 5); }), 15);
        console.log("all well");`,
    },
    "main.ts",
  );
  expect(stderr).toBe("");
  expect(stdout).toBe("all well\n");
}, 40_000);

it("ends when only idle pools are left, and waits for one that works", async () => {
  const { stdout } = await run(
    {
      "idle.ts": `
        import { Pool, par } from "../../../lib/index.ts";
        const pool = new Pool({ threads: 2 });
        new Pool({ threads: 1 });
        void par.range(0, 10).sum().then((sum) => console.log("sum", sum));
        void pool.run(async () => { await new Promise((go) => setTimeout(go, 300)); return "done"; }).then(console.log);`,
    },
    "idle.ts",
  );
  expect(stdout).toContain("sum 45\n");
  expect(stdout).toContain("done\n");
}, 40_000);

it("prints what fails when the task that left it behind is over, and the thread lives on", async () => {
  const { stdout, stderr } = await run(
    {
      "late.ts": `
        import { Pool, ThreadCrashedError } from "../../../lib/index.ts";
        const pool = new Pool({ threads: 1 });
        const me = () => process.threadId ?? import("node:worker_threads").then((w) => w.threadId);
        const before = await pool.run(me);
        await pool.run(() => { setTimeout(() => { throw new RangeError("late timer"); }, 20); });
        await pool.run(() => { void Promise.reject(new TypeError("late promise", { cause: new Error("its cause") })); });
        await pool.run(() => { setTimeout(() => { void Promise.reject(7); }, 20); });
        await new Promise((go) => setTimeout(go, 300));
        console.log(before === await pool.run(me) ? "lives on" : "was replaced");
        // While a task runs, it fails.
        const error = await pool.run(() => new Promise((go) => { setTimeout(() => { throw new Error("at work"); }, 5); setTimeout(go, 5000); })).catch((e) => e);
        console.log(error instanceof ThreadCrashedError, error.message);
        console.log(before === await pool.run(me) ? "lives on" : "was replaced");
        // A handler of the user's own is the only one.
        await pool.run(() => { process.once("uncaughtException", (e) => console.log("mine:", e.message)); setTimeout(() => { throw new Error("for me"); }, 5); });
        await new Promise((go) => setTimeout(go, 200));`,
    },
    "late.ts",
  );
  expect(stderr).toMatch(/^Uncaught error in a callback: RangeError: late timer\n {4}at .*late\.ts:6:/m);
  expect(stderr).toMatch(
    /^Unhandled rejection: TypeError: late promise\n {4}at .*late\.ts:7:[^]*^Caused by: Error: its cause/m,
  );
  expect(stderr).toMatch(/^Unhandled rejection: 7$/m);
  expect(stderr).not.toMatch(/at work|for me|node:/);
  expect(stdout).toMatch(
    /^lives on\ntrue Thread \d+ died while it ran the task: an error escaped: at work\.\nwas replaced\nmine: for me\n$/,
  );
}, 40_000);

it("leaves an unawaited failure to the program, as any promise does", async () => {
  const failed = run(
    {
      "unhandled.ts": `import { Pool } from "../../../lib/index.ts"; void new Pool({ threads: 1 }).run(() => { throw new RangeError("nobody awaits"); });`,
    },
    "unhandled.ts",
  );
  await expect(failed).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining("RangeError: nobody awaits") as string,
  });
}, 40_000);

it("ships what cells declare at their top level, with another session open", async () => {
  const { stdout, stderr } = await run(
    {
      "cells.ts": `
        import inspector from "node:inspector";
        import { strict as assert } from "node:assert";
        import { Pool } from "../../../lib/index.ts";
        const session = new inspector.Session();
        session.connect();
        let n = 0;
        const cell = (expression: string): Promise<any> => new Promise((resolve) =>
          session.post("Runtime.evaluate", { expression: expression + "\\n//# sourceURL=cell-" + ++n + ".ts", replMode: true, awaitPromise: true, returnByValue: true },
            (error, reply: any) => resolve(reply?.exceptionDetails?.exception?.description ?? reply?.result?.value ?? error)));
        Object.assign(globalThis, { pool: new Pool({ threads: 1 }) });
        await cell("const scale = 3; let crypto = { mine: 7 }; class A { v = scale; get() { return this.v * scale } }");
        await cell("let f = function f(x) { return x > 5 ? x : g(x + 1) }; let g = (x) => f(x) * scale; class B extends A {}; let total = 0; globalThis.loose = 2");
        assert.equal(await cell("await pool.run((x) => g(x), 4)"), 162);
        assert.equal(await cell("await pool.run(() => new B().get() + crypto.mine + loose)"), 18);
        assert.equal(await cell("(await pool.run(() => new B())) instanceof A"), true);
        assert.match(await cell("await pool.run(() => { total += 1 })"), /CaptureError: The closure at cell-6\\.ts:1:16 writes the captured variable "total"/);
        assert.match(await cell("await pool.run(() => { throw new Error('at ' + scale) })"), /Error: at 3\\n    at cell-7\\.ts:1:30\\n    at thread \\d+/);
        assert.match(await cell("await pool.run(() => early); let early = 1"), /"early" is captured by .*before its declaration ran/);
        await cell("class Base { hi() { return 'v1' } }; class Der extends Base {}; const inst = new Der()");
        await cell("class Base { hi() { return 'v2' } }");
        assert.equal(await cell("(await pool.run(() => [inst.hi(), inst instanceof Base, new Base().hi()])).join()"), "v1,false,v2");
        await cell("scale2 = 1; let scale2 = 2");
        console.log("all well");`,
    },
    "cells.ts",
  );
  expect(stderr).toBe("");
  expect(stdout).toBe("all well\n");
}, 40_000);
