// The lock between two set-ups: one at a time, and a dead owner is no obstacle.

import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, it } from "vitest";
import { underLock } from "../../lib/lock.ts";

const folder = mkdtempSync(join(tmpdir(), "braid-test-"));
afterAll(() => rmSync(folder, { recursive: true }));
const quiet = (): void => {};

it("lets one in at a time and tells those who wait once", async () => {
  let inside = 0;
  let most = 0;
  let told = 0;
  const enter = async (): Promise<void> =>
    underLock(
      join(folder, "turns"),
      () => told++,
      async () => {
        most = Math.max(most, ++inside);
        await sleep(20);
        inside--;
      },
    );
  await Promise.all([enter(), enter(), enter()]);
  expect({ most, told }).toEqual({ most: 1, told: 2 });
});

it("is free again after work that failed", async () => {
  const lock = join(folder, "failing");
  await expect(underLock(lock, quiet, () => Promise.reject(new Error("on purpose")))).rejects.toThrow("on purpose");
  expect(await underLock(lock, quiet, () => "in")).toBe("in");
});

it("passes over owners that ended or stopped beating", async () => {
  for (const [name, pid, ageMs] of [
    ["ended", spawnSync(process.execPath, ["--version"]).pid, 0],
    ["stopped", process.ppid, 120_000],
  ] as const) {
    const lock = join(folder, name);
    const owner = join(lock, `${pid}-abc`);
    mkdirSync(lock);
    writeFileSync(owner, "");
    utimesSync(owner, new Date(Date.now() - ageMs), new Date(Date.now() - ageMs));
    expect(await underLock(lock, quiet, () => existsSync(owner))).toBe(false);
  }
});

it("keeps several processes apart", async () => {
  const counter = join(folder, "counter");
  writeFileSync(counter, "0");
  const program = `
    import { underLock } from ${JSON.stringify(new URL("../../lib/lock.ts", import.meta.url).href)};
    import { readFileSync, writeFileSync } from "node:fs";
    import { setTimeout as sleep } from "node:timers/promises";
    const counter = ${JSON.stringify(counter)};
    for (let i = 0; i < 4; i++) await underLock(${JSON.stringify(join(folder, "many"))}, () => {}, async () => {
      const before = Number(readFileSync(counter, "utf8"));
      await sleep(5);
      writeFileSync(counter, String(before + 1));
    });`;
  const run = async (): Promise<number | null> => {
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: "inherit" });
    return new Promise((resolve) => child.on("exit", resolve));
  };
  expect(await Promise.all([run(), run(), run()])).toEqual([0, 0, 0]);
  expect(readFileSync(counter, "utf8")).toBe("12");
});
