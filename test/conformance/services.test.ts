// The kernel through a real Jupyter server, seen by @jupyterlab/services.

import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startKernel, type TestKernel } from "./client.ts";
import { startServer } from "./server.ts";

let server: Awaited<ReturnType<typeof startServer>>;
let kernel: TestKernel;

beforeAll(async () => {
  // Below the package, so that cells find its packages; ignored by git.
  const root = path.resolve(".artefacts", "services");
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root, { recursive: true });
  server = await startServer({ root });
  kernel = await startKernel(server);
}, 120_000);

afterAll(async () => {
  await kernel?.stop();
  await server?.stop();
});

describe("names across cells", () => {
  it("binds late: a function sees what a later cell assigned", async () => {
    await kernel.ok("let x = 1; function inc() { x++; return x }");
    expect((await kernel.ok("x = 10; inc()")).result).toBe("11");
  });

  it("lets any name be declared again, by any kind", async () => {
    const declarations = [
      ["const again = 1", "1"],
      ["let again = 2", "2"],
      ["function again() { return 3 }", "[Function: again]"],
      ["class again {}", "[class again]"],
      ["var again = 5", "5"],
      ["enum again { A = 6 }", "{ '6': 'A', A: 6 }"],
      ["import again from 'node:path'; const sep = again.sep", undefined],
      ["const { again } = { again: 7 }", "7"],
    ] as const;
    for (const [declaration, shown] of declarations) {
      await kernel.ok(declaration);
      if (shown !== undefined) expect((await kernel.ok("again")).result, declaration).toBe(shown);
    }
  });

  it("keeps them in functions that threads send on to threads, again and again", async () => {
    const { result } = await kernel.ok(`
      import { Pool } from "braid"
      await using nested = new Pool({ threads: 2 });
      const count = async (n: number): Promise<number> => {
        if (n === 0) return 1;
        const [a, b] = await Promise.all([nested.run(() => count(n - 1)), nested.run(() => count(n - 1))]);
        return a! + b!;
      };
      await count(4)`);
    expect(result).toBe("16");
  });

  it("lets cells take the names of globals, which the kernel and the library go on using", async () => {
    const own = await startKernel(server);
    await own.ok("const JSON = 5; class Map { hi() { return { JSON } } }");
    await own.ok("const Promise: any = 3, { Object, process = 7 } = { Object: 4 } as any; enum Error { A = 1 }");
    await own.ok("function String(n: number) { return `${n}!` } const __import = 8, setTimeout = 9");
    const { result } = await own.ok(`
      import { Pool } from "braid"
      import { threadId as Buffer } from "node:worker_threads"
      await using pool = new Pool({ threads: 1 });
      [await pool.run(() => [JSON, String(2), Buffer > 0]), new Map().hi(), Promise, Object, process, Error.A, __import, setTimeout]`);
    expect(result!.replaceAll(/\s+/g, " ")).toBe("[ [ 5, '2!', true ], { JSON: 5 }, 3, 4, 7, 1, 8, 9 ]");
    expect((await own.run("throw new RangeError('as ever')")).error!.ename).toBe("RangeError");
    await own.stop();
  });

  it("sees a redefined function from an older one", async () => {
    await kernel.ok("function leaf(): string { return 'old' } function branch() { return leaf() }");
    await kernel.ok("function leaf(): string { return 'new' }");
    expect((await kernel.ok("branch()")).result).toBe("'new'");
  });

  it("keeps types: an interface and a generic of one cell are used in another", async () => {
    await kernel.ok("interface Point { x: number }\nfunction first<T>(xs: T[]): T { return xs[0]! }");
    expect((await kernel.ok("const point: Point = first([{ x: 4 }]); point.x")).result).toBe("4");
  });
});

describe("running", () => {
  it("awaits at the top level, loops over async iterables, and disposes of what is held", async () => {
    expect((await kernel.ok("await Promise.resolve(40) + 2")).result).toBe("42");
    const { outputs, text } = await kernel.ok(`
      using held = { [Symbol.dispose]() { console.log("disposed") } };
      for await (const part of [1, 2]) console.log(part)`);
    expect(text("stdout")).toBe("1\n2\ndisposed\n");
    expect(outputs.every((output) => output.type === "stream")).toBe(true);
  });

  it("imports built-in modules, ESM-only packages, relative .ts files and braid", async () => {
    await kernel.ok(`
      import { writeFileSync } from "node:fs"
      writeFileSync("helper.ts", "export enum Level { Low = 3 }\\nexport const twice = (n: number): number => n * 2\\n")`);
    const { result } = await kernel.ok(`
      import { readFileSync } from "node:fs"
      import * as path from "node:path"
      import MagicString from "magic-string"
      import { shared } from "braid"
      import { html } from "braid/notebook"
      import * as helper from "./helper.ts";
      [typeof readFileSync, path.basename("a/b"), new MagicString("ab").remove(0, 1).toString(), typeof shared, typeof html,
       helper.twice(helper.Level.Low)]`);
    expect(result!.replaceAll(/\s+/g, " ")).toBe("[ 'function', 'b', 'b', 'function', 'function', 6 ]");
    await kernel.ok(`writeFileSync("helper.ts", "export const twice = (n: number) => n * 20")`);
    expect((await kernel.ok(`import { twice } from "./helper.ts"; twice(1)`)).result).toBe("20");
  });

  it("shows results and displays in order, and none for a statement", async () => {
    const { outputs } = await kernel.ok(`
      import { display, html } from "braid/notebook"
      console.log("before"); html("<b>x</b>"); console.log("after");
      ({ [Symbol.for("Jupyter.display")]: () => ({ "text/markdown": "*me*" }) })`);
    expect(outputs.map((output) => output.type)).toEqual(["stream", "display_data", "stream", "execute_result"]);
    expect((await kernel.ok("const quiet = 1")).outputs).toEqual([]);
  });

  it("streams output while the cell runs, also while its thread is blocked", async () => {
    const seen: { text: string; atMs: number }[] = [];
    const started = performance.now();
    const ran = kernel.start(
      `console.log("now"); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500); console.error("later")`,
      (output) => output.type === "stream" && seen.push({ text: output.text, atMs: performance.now() - started }),
    );
    await ran;
    expect(seen.map(({ text }) => text)).toEqual(["now\n", "later\n"]);
    expect(seen[1]!.atMs - seen[0]!.atMs).toBeGreaterThan(1000);
  });

  it("loses no line and lets none come after idle", async () => {
    const { text } = await kernel.ok("for (let i = 0; i < 10000; i++) console.log('line ' + i)");
    expect(text("stdout").split("\n").length - 1).toBe(10_000);
    expect(text("stdout").endsWith("line 9999\n")).toBe(true);
  });

  it("prints at once what a worker thread prints while the main thread is blocked", async () => {
    const { text } = await kernel.ok(`
      import { Worker } from "node:worker_threads"
      const gate = new Int32Array(new SharedArrayBuffer(4))
      const worker = new Worker("require('node:worker_threads').workerData[0]; console.log('from the thread'); Atomics.store(require('node:worker_threads').workerData, 0, 1); Atomics.notify(require('node:worker_threads').workerData, 0)", { eval: true, workerData: gate })
      Atomics.wait(gate, 0, 0, 5000)
      console.log("unblocked", gate[0])`);
    expect(text("stdout")).toBe("from the thread\nunblocked 1\n");
  });
});

describe("TypeScript", () => {
  it("runs what erasing can't: enums, namespaces, parameter properties, assertions, decorators", async () => {
    const { text, result } = await kernel.ok(`
      enum Level { Low = 1, High }
      namespace Space { export const inner = 3 }
      class Point { constructor(readonly x: number, private y = 2) {} get sum() { return this.x + this.y } }
      function log(value: unknown, { kind, name }: DecoratorContext): any { console.log(kind, name) }
      @log class Decorated {
        @log method() { return "called" }
        @log accessor field = 4
      }
      [Level.High, Space.inner, new Point(1).sum, new Decorated().method(), new Decorated().field, <number>5]`);
    expect(text("stdout")).toBe("method method\naccessor field\nclass Decorated\n");
    expect(result).toBe("[ 2, 3, 3, 'called', 4, 5 ]");
  });

  it("takes what is exported like what is not, and imports interfaces without a word", async () => {
    const { result } = await kernel.ok(`
      import { InspectOptions, inspect } from "node:util"
      export enum Exported { A = 4 }
      export namespace Names { export const inner = 1 }
      export class Held { constructor(public a: number) {} }
      export default class { unused = 1 }
      namespace Outer.Inner { export const deep = 3 }
      const options: InspectOptions = { depth: 1 };
      [Exported.A, Names.inner, new Held(2).a, typeof inspect, options.depth]`);
    expect(result).toBe("[ 4, 1, 2, 'function', 1 ]");
    expect((await kernel.ok("Outer.Inner.deep")).result).toBe("3");
  });

  it("says of JSX and of what it can't transform where it stands", async () => {
    expect((await kernel.run("const a = 1\nconst el = <div>hi</div>")).error!.evalue).toMatch(
      /^cell-\d+\.ts:2:\d+.*JSX/,
    );
    const { error } = await kernel.run("function f() { @log class Inner {} }");
    expect(error!.evalue).toMatch(/decorators work on the classes that a cell declares at its top level/);
  });

  it("refuses to import what a module doesn't have, as ESM does", async () => {
    const { error } = await kernel.run("// @ts-nocheck\nimport nothing from 'braid'; nothing");
    expect(error!.evalue).toBe("The requested module 'braid' does not provide an export named 'default'");
  });
});

describe("errors", () => {
  it("stops a cell with a type error before it runs, with line and column", async () => {
    const { error, reply, text } = await kernel.run(`console.log("ran")\nconst wrong: number = "text"`);
    expect(reply.status).toBe("error");
    expect(text("stdout")).toBe("");
    expect(error!.ename).toBe("TypeScriptError");
    expect(error!.evalue).toMatch(/^cell-\d+\.ts:2:7 - TS2322: /);
  });

  it("checks names across cells and after a failed cell", async () => {
    const { error } = await kernel.run("point.z");
    expect(error!.evalue).toMatch(/:1:7 - TS2339: Property 'z' does not exist on type 'Point'/);
    expect((await kernel.ok("point.x + 1")).result).toBe("5");
  });

  it("tells where a run-time error was thrown, in lines and columns of the cell", async () => {
    const { error, reply } = await kernel.run(
      `import os from "node:os"; function fail(n: number): never {\n  throw new RangeError("too big: " + n)\n}\n\nfail(3)`,
    );
    expect(error!.ename).toBe("RangeError");
    expect(error!.evalue).toBe("too big: 3");
    const lines = error!.traceback.split("\n");
    expect(lines[1]).toMatch(/^ {4}at fail \(cell-\d+\.ts:2:9\)$/);
    expect(lines[2]).toMatch(/^ {4}at cell-\d+\.ts:5:1$/);
    expect(lines.filter((line) => /^\s+at /.test(line))).toHaveLength(2);
    expect(reply).toMatchObject({ status: "error", ename: "RangeError" });
  });

  it("finds the place of a syntax error", async () => {
    const { error } = await kernel.run("const fine = 1\nconst = 2");
    expect(error!.ename).toBe("SyntaxError");
    expect(error!.evalue).toMatch(/^cell-\d+\.ts:2:7/);
  });

  it("shows what fails after the cell has ended, and lives on", async () => {
    await kernel.ok(
      "setTimeout(() => { throw new Error('too late') }, 10); void Promise.reject(new Error('nobody cares'))",
    );
    await sleep(100);
    expect((await kernel.ok("1 + 1")).result).toBe("2");
  });

  it("aborts the cells queued behind an error, and only those", async () => {
    const replies = await Promise.all(["throw new Error('first')", "1", "2"].map((code) => kernel.run(code)));
    expect(replies.map(({ reply }) => String(reply.status))).toEqual(["error", "aborted", "aborted"]);
    expect((await kernel.ok("3")).result).toBe("3");
  });
});

describe("language help", () => {
  it("completes members, names of other cells, and names of this cell that has not run", async () => {
    const complete = async (code: string) => {
      const { content } = await kernel.connection.requestComplete({ code, cursor_pos: Array.from(code).length });
      if (content.status !== "ok") throw new Error("no completion");
      return content;
    };
    expect((await complete("const list = [1, 2]; list.fla")).matches).toEqual(
      expect.arrayContaining(["flat", "flatMap"]),
    );
    await kernel.ok("const unmistakable = { inner: 1 }");
    expect((await complete("unmistak")).matches).toContain("unmistakable");
    expect((await complete("unmistakable.")).matches).toContain("inner");
    const astral = await complete(`const s = "𝒳𝒴"; unmistak`);
    expect(astral.matches).toContain("unmistakable");
    expect([astral.cursor_start, astral.cursor_end]).toEqual([16, 24]);
  });

  it("explains what stands at the cursor", async () => {
    const { content } = await kernel.connection.requestInspect({
      code: "Math.max(1, 2)",
      cursor_pos: 7,
      detail_level: 0,
    });
    if (content.status !== "ok") throw new Error("no inspection");
    expect(content.found).toBe(true);
    expect(String(content.data["text/plain"])).toMatch(/max\(\.\.\.values: number\[\]\): number/);
  });

  it("knows whole, unfinished and wrong cells apart", async () => {
    const status = async (code: string) => (await kernel.connection.requestIsComplete({ code })).content.status;
    expect(await status("const a = 1")).toBe("complete");
    expect(await status("function f() {")).toBe("incomplete");
    expect(await status("const t = `open")).toBe("incomplete");
    expect(await status("const = 3")).toBe("invalid");
  });
});

describe("a busy cell", () => {
  const stuck = {
    spins: "while (true) {}",
    "sits in Atomics.wait": "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)",
    "awaits for ever": "await new Promise(() => {})",
    "spins after an await": "await 1; while (true) {}",
    "spins in a timer": "setTimeout(() => { while (true) {} }, 1); await new Promise(() => {})",
    "sleeps again and again": "while (true) await new Promise((resolve) => setTimeout(resolve, 1))",
  };

  for (const [what, code] of Object.entries(stuck)) {
    it(`that ${what} still lets the kernel answer, is interrupted, and keeps its state`, async () => {
      await kernel.ok("let kept = 'kept'");
      const running = kernel.run(code);
      await sleep(300);
      const asked = performance.now();
      const completion = await kernel.connection.requestComplete({ code: "Math.ma", cursor_pos: 7 });
      expect(completion.content.status).toBe("ok");
      expect(performance.now() - asked).toBeLessThan(5000);
      await kernel.connection.interrupt();
      const { error, reply } = await running;
      expect(reply.status).toBe("error");
      expect(error!.ename).toBe("KeyboardInterrupt");
      expect((await kernel.ok("kept")).result).toBe("'kept'");
    });
  }

  it("is replaced when its process ends, and says so", async () => {
    await kernel.ok("let lost = 1");
    const { error } = await kernel.run("console.log('bye'); process.exit(3)");
    expect(error!.ename).toBe("ExecutorDied");
    expect(error!.evalue).toBe("exit code 3");
    expect((await kernel.run("lost")).error!.evalue).toMatch(/TS2304: Cannot find name 'lost'/);
    expect((await kernel.ok("1 + 1")).result).toBe("2");
  });
});

describe("without the language server", () => {
  it("cells run unchecked, the first of them says so, and everything is answered", async () => {
    const own = await startKernel(server);
    await own.ok("const unmistakable = 1");
    await own.ok(`
      import { execFileSync } from "node:child_process"
      execFileSync("pkill", ["-KILL", "-P", String(process.ppid), "tsc"])`);
    const { text, result } = await own.ok("const wrong: number = 'text'; wrong");
    expect(result).toBe("'text'");
    expect(text("stderr")).toMatch(/the TypeScript language server ended \(SIGKILL\): cells run without type checking/);
    expect((await own.ok("unmistakable")).text("stderr")).toBe("");
    const { content } = await own.connection.requestComplete({ code: "unmi", cursor_pos: 4 });
    expect(content.status).toBe("ok");
    await own.stop();
  });
});

describe("the end", () => {
  it("leaves no process behind at restart and at shutdown", async () => {
    const own = await startKernel(server);
    const pids = async () => (JSON.parse((await own.ok(pidsCell)).result!.slice(1, -1)) as number[]).filter(Boolean);
    const first = await pids();
    expect(first.filter(isAlive)).toEqual(first);
    await own.connection.restart();
    await own.connection.info;
    const second = await pids();
    expect(second.some((pid) => first.includes(pid))).toBe(false);
    await own.stop();
    await waitUntil(() => ![...first, ...second].some(isAlive));
  });
});

/** The executor, the front, and the language server (the front's other child). */
const pidsCell = `
import { readFileSync } from "node:fs"
const children = process.platform === "linux" ? readFileSync("/proc/" + process.ppid + "/task/" + process.ppid + "/children", "utf8").trim().split(" ").map(Number) : []
JSON.stringify([...new Set([process.pid, process.ppid, ...children])])`;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !execFileSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" }).startsWith("Z");
  } catch {
    return false;
  }
}

async function waitUntil(holds: () => boolean, timeoutMs = 5000): Promise<void> {
  for (const started = performance.now(); !holds(); await sleep(20)) {
    if (performance.now() - started > timeoutMs) throw new Error(`it did not become true within ${timeoutMs} ms`);
  }
}
