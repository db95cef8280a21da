import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, it } from "vitest";
import { ExecutorHost } from "../../kernel/front/executor-host.ts";
import { compileCell } from "../../kernel/language/compile.ts";
import type { Outcome, Report } from "../../kernel/link/messages.ts";

const reports: Report[] = [];
let displays = 0;
let onReport: (report: Report) => void = () => {};
const host = new ExecutorHost({
  output: () => {},
  display: () => void displays++,
  report: (report) => {
    reports.push(report);
    onReport(report);
  },
  died: () => {},
});
afterAll(() => host.stop());

let runs = 0;

function run(source: string): Promise<Outcome> {
  const compiled = compileCell(source);
  if (!compiled.ok) throw new Error(compiled.problems[0]!.message);
  const { declarations, body, showsValue, names } = compiled.cell;
  const run = ++runs;
  return host.run({
    run,
    file: `cell-${run}.ts`,
    showsValue,
    names: [...names.keys()].map((name) => ({ name })),
    ...(declarations === undefined ? {} : { declarations }),
    ...(body === undefined ? {} : { body }),
  });
}

const two = { status: "ok", data: { "text/plain": "2" } };

describe("a cell ends", () => {
  it("though what it shows is no JSON", async () => {
    const shows = (bundle: string) => run(`({ [Symbol.for("Jupyter.display")]: () => (${bundle}) })`);
    expect(await shows(`{ "application/json": 1n }`)).toMatchObject({ status: "error", ename: "TypeError" });
    expect(await shows(`{ "a/b": { toJSON() { throw new RangeError("no") } } }`)).toMatchObject({
      ename: "RangeError",
    });
    const inspected = `[Symbol.for("nodejs.util.inspect.custom")]() { throw new RangeError("no") }`;
    expect(await shows(`{ notMime: 1, ${inspected} }`)).toMatchObject({ ename: "RangeError" });
    expect(await run("1 + 1")).toEqual(two);
  });

  it("though nobody can answer what it asks: also when it asks after its end", async () => {
    onReport = ({ type }) => type === "input" && host.input(null);
    expect(await run(`prompt("name?")`)).toMatchObject({
      status: "error",
      evalue: expect.stringContaining("nobody can be asked"),
    });
    await run(`setTimeout(() => prompt("late?"), 10)`);
    await sleep(50);
    expect(await run("1 + 1")).toEqual(two);
    onReport = () => {};
  });

  it("interrupted in the middle of a long display, and its variables are kept", async () => {
    await run("let kept = 2");
    for (let i = 0; i < 5; i++) {
      const shown = displays;
      const running = run(`
        const kernel = globalThis[Symbol.for("braid.kernel")]
        while (true) kernel.display({ "text/plain": "x".repeat(300_000) }, {})`);
      while (displays < shown + 3) await sleep(5);
      await sleep(i);
      host.interrupt();
      expect(await running).toMatchObject({ status: "error", ename: "KeyboardInterrupt" });
    }
    expect(await run("kept")).toEqual(two);
  });

  it("when its process ends, though a child process holds the pipes open", async () => {
    const child = `require("node:child_process").spawn("sleep", ["5"], { stdio: "inherit", detached: true })`;
    const startedMs = performance.now();
    expect(await run(`${child}; process.exit(3)`)).toMatchObject({ ename: "ExecutorDied", evalue: "exit code 3" });
    expect(performance.now() - startedMs).toBeLessThan(4000);
    expect(await run("1 + 1")).toEqual(two);
  });
});

it("a cell that has ended keeps nothing alive that no name refers to", async () => {
  await run(`
    require("node:v8").setFlagsFromString("--expose-gc")
    const collect = require("node:vm").runInNewContext("gc")
    const made = new Map()
    function make(name) { const value = {}; made.set(name, new WeakRef(value)); return value }`);
  await run(`make("shown")`);
  await run(`{ make("value of a block") }`);
  await run(`throw Object.assign(new Error("no"), { value: make("thrown") })`);
  await run(`console.log(make("logged"))`);
  await run(`await new Promise((resolve) => setTimeout(resolve, 10)); collect()`);
  const alive = await run(`[...made.keys()].filter((name) => made.get(name).deref()).join()`);
  expect(alive).toEqual({ status: "ok", data: { "text/plain": "''" } });
});
