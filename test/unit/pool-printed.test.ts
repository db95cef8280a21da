// What a task prints in plain Node: all of it arrives, though the program or the pool ends with the task.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, it } from "vitest";

async function run(body: string): Promise<{ stdout: string; stderr: string }> {
  const source = `import { Pool, shared } from ${JSON.stringify(new URL("../../lib/index.ts", import.meta.url).href)};
    const pool = new Pool({ threads: 1 });
    ${body}`;
  const args = ["--disable-warning=ExperimentalWarning", "--eval", source];
  return promisify(execFile)(process.execPath, args);
}

const PRINT = `console.log("a"); console.error("b"); console.log("c"); console.error("d");`;

it.each([
  ["at the end of the program", `await pool.run(() => { ${PRINT} });`],
  ["at the end of the pool", `await pool.run(() => { ${PRINT} }); await pool.close();`],
  ["of a task that awaits", `await pool.run(async () => { await 0; ${PRINT} }); await pool.terminate();`],
  ["of a task that throws", `await pool.run(() => { ${PRINT} throw 1; }).catch(() => pool.terminate());`],
  ["of a task that is rejected", `await pool.run(async () => { ${PRINT} throw 1; }).catch(() => pool.terminate());`],
  ["of a task with data", `await pool.run((data) => { ${PRINT} }, { data: [] }); await pool.terminate();`],
  ["of a map", `await pool.map([1], () => { ${PRINT} }); await pool.terminate();`],
])("%s", async (_, body) => {
  expect(await run(body)).toEqual({ stdout: "a\nc\n", stderr: "b\nd\n" });
});

it("but tasks go on while the thread that would print it is busy", async () => {
  const { stdout } = await run(`
    const ended = shared(Int32Array, 1);
    // Captures nothing: its tasks need no message.
    const print = (i) => { console.log(i, 1); console.log(i, 2); Atomics.add(globalThis.ended, 0, 1); };
    await pool.run((cells) => void (globalThis.ended = cells), ended);
    await pool.run(print, 0);
    const all = Promise.all([1, 2, 3].map((i) => pool.run(print, i)));
    for (const end = Date.now() + 15_000; Atomics.load(ended, 0) < 4 && Date.now() < end;);
    console.log("ended", ended[0]);
    await all;`);
  expect(stdout).toContain("ended 4\n");
  expect(stdout.split("\n")).toHaveLength(10);
});
