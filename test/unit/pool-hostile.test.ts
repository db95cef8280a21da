// Tasks that do what nobody should: each harms itself at most.

// oxlint-disable unicorn/no-thenable

import { execFile } from "node:child_process";
import { mkdtempSync, mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { Pool, type Task } from "../../lib/index.ts";

const pool = new Pool({ threads: 2 });
const one = new Pool({ threads: 1 });
afterAll(() => Promise.all([pool.close(), one.close()]));

describe("a task whose value", () => {
  it("looks like a promise every second time is answered once, and to its own caller", async () => {
    const odd = (): unknown => ({
      get then() {
        const here = globalThis as { looks?: number };
        here.looks = (here.looks ?? 0) + 1;
        return here.looks % 2
          ? undefined
          : (resolve: (value: string) => void) => setTimeout(() => resolve("of another"), 30);
      },
    });
    await one.run(odd).catch(() => {});
    expect(await one.run(async () => new Promise((resolve) => setTimeout(() => resolve(2), 80)))).toBe(2);
  });

  it.each<[string, (bad: boolean) => unknown]>([
    [
      "has a then that throws",
      (bad) =>
        bad
          ? {
              get then() {
                throw new Error("x");
              },
            }
          : 1,
    ],
    [
      "is thrown and has a message that throws",
      (bad) => {
        if (bad)
          throw Object.defineProperty(new Error("x"), "message", {
            get() {
              throw new Error("y");
            },
          });
        return 1;
      },
    ],
    [
      "is thrown and is a revoked proxy",
      (bad) => {
        const { proxy, revoke } = Proxy.revocable({}, {});
        revoke();
        if (bad) throw proxy;
        return 1;
      },
    ],
  ])("%s fails, and the next ones run", async (_, task) => {
    expect(await one.run(task, false)).toBe(1);
    expect(
      await one.run(task, true).then(
        () => "done",
        (error: unknown) => error instanceof Error,
      ),
    ).toBe(true);
    expect(await one.run(() => 7)).toBe(7);
  });
});

describe("a function that is sent again", () => {
  it("and can see itself starts anew each time", async () => {
    const count = function counter(): number {
      const self = counter as { n?: number };
      return (self.n = (self.n ?? 0) + 1);
    };
    for (let i = 0; i < 3; i++) expect(await one.run(count)).toBe(1);
    const reads = function reader(): unknown {
      return (reader as { mark?: number }).mark;
    };
    expect(await one.run(reads)).toBeUndefined();
    Object.assign(reads, { mark: 5 });
    expect(await one.run(reads)).toBe(5);
  });

  it("and changes what it captures by eval starts anew, too", async () => {
    let k = 1;
    const ev = (): unknown => {
      void k;
      return eval("++k"); // oxlint-disable-line no-eval
    };
    for (let i = 0; i < 3; i++) expect(await one.run(ev)).toBe(2);
    k = 1;
  });

  it("sees what was put in the place of a global", async () => {
    const ask = (): unknown => (Date as unknown as { fake?: number }).fake;
    expect(await one.run(ask)).toBeUndefined();
    const { Date: real } = globalThis;
    class Fake extends real {
      static fake = 1;
    }
    globalThis.Date = Fake as unknown as DateConstructor;
    try {
      expect(await one.run(ask)).toBe(1);
    } finally {
      globalThis.Date = real;
    }
    expect(await one.run(ask)).toBeUndefined();
  });

  it("imports relative to its own file, also where another has the same text", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "braid-import-"));
    for (const name of ["a", "b"]) {
      mkdirSync(path.join(folder, name));
      writeFileSync(path.join(folder, name, "data.mjs"), `export default "${name}";`);
      writeFileSync(
        path.join(folder, name, "x.mjs"),
        `export const go = (pool) => pool.run(() => import("./data.mjs").then((m) => m.default));`,
      );
    }
    const [a, b] = (await Promise.all(["a", "b"].map((name) => import(path.join(folder, name, "x.mjs"))))) as {
      go(pool: Pool): Promise<string>;
    }[];
    for (let i = 0; i < 6; i++) expect([await a!.go(one), await b!.go(one)]).toEqual(["a", "b"]);
  });
});

it("a pool that is reached by a global is waited for like any", async () => {
  await using own = new Pool({ threads: 1 });
  await own.run((same: Pool) => void Object.assign(globalThis, { reached: same }), own);
  expect(await own.run(async () => (globalThis as unknown as { reached: Pool }).reached.run(() => 5))).toBe(5);
});

it("cancelling what is done already does not undo it", async () => {
  const tasks: Task<number>[] = Array.from({ length: 5000 }, (_, i) => pool.submit((n: number) => n, i));
  while (pool.stats().queued > 0);
  for (const task of tasks) task.cancel();
  const ended = await Promise.allSettled(tasks.map(({ result }) => result));
  expect(ended.filter(({ status }) => status === "fulfilled").length).toBeGreaterThan(4000);
});

it("what tasks print is not lost when the pool is closed, or the program ends", async () => {
  const library = new URL("../../lib/index.ts", import.meta.url).href;
  for (const end of ["await pool.close();", ""]) {
    const program = `import { Pool } from ${JSON.stringify(library)}; const pool = new Pool({ threads: 1 });
      await pool.run((n) => { for (let i = 0; i < n; i++) console.log("line " + i); }, 500); ${end}`;
    const run = promisify(execFile)(process.execPath, [
      "--conditions=braid-source",
      "--input-type=module",
      "-e",
      program,
    ]);
    expect((await run).stdout.trim().split("\n")).toHaveLength(500);
  }
});

it("threads that can't start are not tried for ever: the tasks fail with the reason, the next ones try again", async () => {
  const preload = path.join(mkdtempSync(path.join(tmpdir(), "braid-preload-")), "die.cjs");
  writeFileSync(preload, `if (!require("node:worker_threads").isMainThread) throw new Error("no thread here");`);
  const library = new URL("../../lib/index.ts", import.meta.url).href;
  const program = `import { Pool } from ${JSON.stringify(library)}; const pool = new Pool({ threads: 2 }); const x = new Float64Array(100);
    for (const call of [() => pool.run((n) => n, 1), () => pool.run((a) => a.length, x), () => pool.map([1, 2], (n) => n)])
      await call().catch((error) => console.log(error.name, /no thread here/.test(error.message + error.cause?.message)));`;
  const flags = ["--conditions=braid-source", "--disable-warning=BraidWarning", `--require=${preload}`];
  const run = await promisify(execFile)(process.execPath, [...flags, "--input-type=module", "-e", program]);
  expect(run.stdout).toBe("ThreadCrashedError true\nThreadCrashedError true\nTaskError true\n");
});
