// Programs of other languages that stay and answer lines: in order, or with an error, and never not at all.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { PeerError, peers, TimeoutError } from "../../lib/index.ts";

const LIBRARY = new URL("../../lib/index.ts", import.meta.url).href;
const python = describe.skipIf(spawnSync("python3", ["--version"]).error !== undefined);
const unix = it.skipIf(!existsSync("/bin/sh"));

/** Until the process has ended: a zombie that nobody waits for has. */
async function gone(pid: number): Promise<void> {
  for (;;) {
    const state = spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" }).stdout.trim();
    if (state === "" || state.startsWith("Z")) return;
    await new Promise((go) => setTimeout(go, 20));
  }
}

python("a program that answers lines", () => {
  const echo = `import sys\nfor line in sys.stdin:\n    print(line.strip().upper(), flush=True)`;

  it("answers in the order of the questions, and ends when it is disposed of", async () => {
    let pid = 0;
    {
      await using worker = await peers.start("python", echo);
      if (!worker.installed) throw new Error(worker.message);
      pid = worker.pid;
      expect(await Promise.all(["a", "b ü", ""].map((line) => worker.ask(line)))).toEqual(["A", "B Ü", ""]);
      const long = "x".repeat(1e6);
      expect(await worker.ask(long)).toBe(long.toUpperCase());
      await expect(worker.ask("a\nb")).rejects.toThrow("Expected line to be a single line");
      await expect(worker.ask(1 as never)).rejects.toThrow("Expected line to be a string, got 1 (number).");
    }
    await gone(pid);
  });

  it("that ends instead of answering, or is too late, is an error and not a wait", async () => {
    const worker = await peers.start("python", "import sys\ninput()\nprint('one')\nsys.exit('broken')");
    if (!worker.installed) throw new Error(worker.message);
    const first = worker.ask("a");
    const second = worker.ask("b");
    expect(await first).toBe("one");
    await expect(second).rejects.toThrow(new PeerError("The Python program ended with exit code 1: broken"));
    await expect(worker.ask("c")).rejects.toThrow(PeerError);
    await worker.stop();

    await using late = await peers.start("python", "import time\nwhile True: time.sleep(1)");
    if (!late.installed) throw new Error(late.message);
    const [slow, other] = [late.ask("a", { timeoutMs: 50 }), late.ask("b")];
    await expect(slow).rejects.toThrow(TimeoutError);
    await expect(other).rejects.toThrow("did not answer within 50 ms");
    await gone(late.pid);
  });

  unix("does not keep a program alive that asks no more", async () => {
    const main = `
      import { peers } from ${JSON.stringify(LIBRARY)};
      const worker = await peers.start("python", ${JSON.stringify(echo)});
      console.log(await worker.ask("hi"), worker.pid);`;
    const { stdout, status } = spawnSync(process.execPath, ["--input-type=module", "-e", main], { encoding: "utf8" });
    expect([status, stdout]).toEqual([0, expect.stringMatching(/^HI \d+\n$/)]);
    await gone(Number(stdout.split(" ")[1]));
  });
});
