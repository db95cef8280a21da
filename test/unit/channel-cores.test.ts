// Whether threads can run at the same time, where some of them have been given a core.

import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { canRunAtOnce } from "../../lib/channel/cores.ts";

const CORES = pathToFileURL("lib/channel/cores.ts").href;
const canPin = availableParallelism() > 1 && spawnSync("taskset", ["-c", "0", "true"]).status === 0;

/** What a thread of another program finds that has just been given the first core. */
function found(...command: readonly string[]): unknown {
  const thread = `
    const { readlinkSync } = require("node:fs");
    const own = readlinkSync("/proc/thread-self").split("/").at(-1);
    require("node:child_process").spawnSync("taskset", ["-pc", "0", own]);
    import(${JSON.stringify(CORES)}).then(({ canRunAtOnce }) => console.log(canRunAtOnce()));
  `;
  const program = `new (require("node:worker_threads").Worker)(${JSON.stringify(thread)}, { eval: true })`;
  const [file, ...args] = [...command, process.execPath, "-e", program];
  const { stdout, stderr } = spawnSync(file, args, { encoding: "utf8", timeout: 60_000 });
  return stdout.trim() || stderr;
}

it("is so where this thread has several cores", () => {
  expect(canRunAtOnce()).toBe(availableParallelism() > 1);
});

describe.skipIf(!canPin)("a thread that has one core", () => {
  it("may wait for those that have others", () => {
    expect(found()).toBe("true");
  });

  it("shares it with all threads of a program that has no other", () => {
    expect(found("taskset", "-c", "0")).toBe("false");
  });
});
