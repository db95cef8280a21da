// Programs of other languages: what a run gives, what it says when it goes wrong, and that nothing survives it.

import { execFileSync, spawn, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { CancelledError, peers, peerVersions, type PeerResult } from "../../lib/index.ts";
import { registerHost, type Host } from "../../lib/host.ts";

const folder = mkdtempSync(path.join(tmpdir(), "braid-peers-"));
afterAll(() => rmSync(folder, { recursive: true }));
const LIBRARY = new URL("../../lib/index.ts", import.meta.url).href;

const has = (command: string): boolean => spawnSync(command, ["--version"]).status === 0;
const python = describe.skipIf(!has("python3"));
const rust = describe.skipIf(!has("rustc"));
const unix = it.skipIf(!existsSync("/bin/sh"));

type Ran = Extract<PeerResult, { installed: true }>;
async function ran(result: Promise<PeerResult>): Promise<Ran> {
  const done = await result;
  if (!done.installed) throw new Error(done.message);
  return done;
}

/** Until the process has ended: a zombie that nobody waits for has. */
async function gone(pid: number): Promise<void> {
  for (;;) {
    const state = spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" }).stdout.trim();
    if (state === "" || state.startsWith("Z")) return;
    await new Promise((go) => setTimeout(go, 20));
  }
}

async function fileWith(name: string): Promise<string> {
  const file = path.join(folder, name);
  while (!existsSync(file) || !readFileSync(file, "utf8").endsWith("\n")) await new Promise((go) => setTimeout(go, 10));
  return readFileSync(file, "utf8").trim();
}

/** Starts a grandchild, writes its number and its own to a file, and never ends. */
const forEver = (name: string): string => `
import os, subprocess, time
child = subprocess.Popen(["sleep", "1000"])
with open(${JSON.stringify(path.join(folder, name))}, "w") as file:
    print(os.getpid(), child.pid, file=file)
print("started")
while True: time.sleep(1)`;

python("a Python program", () => {
  it("is a text, a path or a URL; gets arguments, input and variables; gives its last line's JSON", async () => {
    const text = `
import json, os, sys
print("not the last line")
print(json.dumps([sys.argv[1:], sys.stdin.read(), os.environ["COLOUR"], "ü"]))
print("  ")`;
    const options = { args: ["a b", "c"], input: "line\n", env: { COLOUR: "green" } };
    const file = path.join(folder, "program.py");
    writeFileSync(file, text);
    const value = [["a b", "c"], "line\n", "green", "ü"];
    for (const source of [text, file, path.relative(process.cwd(), file), pathToFileURL(file)]) {
      const result = await ran(peers.python(source, options));
      expect(result).toMatchObject({ ok: true, value, stderr: "", version: expect.stringMatching(/^\d/) as string });
      expect(result.stdout).toContain("not the last line\n");
      expect(result.ms).toBeGreaterThan(0);
      expect(result.message).toBeUndefined();
    }
    expect((await ran(peers.python("import sys; print(len(sys.stdin.read()))"))).value).toBe(0);
    expect((await ran(peers.python("print('null')"))).value).toBeNull();
  });

  it("that fails, prints no JSON, or nothing, says so", async () => {
    const failed = await ran(peers.python("print(1)\n1 / 0"));
    expect(failed).toMatchObject({
      ok: false,
      value: 1,
      message: expect.stringContaining("exit code 1: ZeroDivision"),
    });
    expect(failed.stderr).toContain('File "main.py", line 2');
    const killed = await ran(peers.python("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"));
    expect(killed).toMatchObject({ ok: false, message: "It was ended by SIGSEGV." });
    const garbage = await ran(peers.python("print('{garbage')"));
    expect(garbage).toMatchObject({ ok: true, message: expect.stringContaining("is no JSON") as string });
    expect("value" in garbage).toBe(false);
    const silent = await ran(peers.python("pass"));
    expect(silent).toMatchObject({ ok: true, stdout: "", message: "It printed nothing, so there is no value." });
  });

  it("that prints too much keeps its beginning and its end, and says what is missing", async () => {
    const text = "import sys\nprint('first')\nfor i in range(40): sys.stdout.write('x' * 2**20)\nprint()\nprint(42)";
    const { ok, value, message, stdout } = await ran(peers.python(text));
    expect({ ok, value }).toEqual({ ok: true, value: 42 });
    expect(stdout.length).toBeLessThan(17 * 2 ** 20);
    expect(stdout.startsWith("first\nxxx")).toBe(true);
    const left = 6 + 40 * 2 ** 20 + 4 - 16 * 2 ** 20;
    expect(message).toBe(`It printed ${left + 16 * 2 ** 20} bytes to stdout: ${left} in the middle are left out.`);
    expect(stdout).toContain(`… ${left} bytes are left out here …`);
  });

  it("that never ends is killed with what it has started, and keeps what it printed", async () => {
    // Until its time is long enough to start at all.
    for (let timeoutMs = 300; ; timeoutMs *= 3) {
      const result = await ran(peers.python(forEver("late"), { timeoutMs }));
      const message = `It did not end within ${timeoutMs} ms (timeoutMs) and was killed.`;
      expect(result).toMatchObject({ ok: false, message });
      if (result.stdout !== "started\n") continue;
      for (const pid of (await fileWith("late")).split(" ")) await gone(Number(pid));
      return;
    }
  });

  it("that ends leaves nothing behind that it has started", async () => {
    const text = `import subprocess\nprint(subprocess.Popen(["sleep", "1000"]).pid)`;
    const { ok, value } = await ran(peers.python(text));
    expect(ok).toBe(true);
    await gone(value as number);
  });

  it("is stopped by a signal, with what it has started", async () => {
    const stop = new AbortController();
    const result = peers.python(forEver("signal"), { signal: stop.signal });
    const pids = (await fileWith("signal")).split(" ").map(Number);
    stop.abort(new Error("enough"));
    await expect(result).rejects.toThrow(CancelledError);
    for (const pid of pids) await gone(pid);
    await expect(peers.python("1", { signal: stop.signal })).rejects.toThrow("Cancelled before it started");
  });

  unix("does not outlive the process that started it, even if that is killed", async () => {
    const main = `
      import { peers } from ${JSON.stringify(LIBRARY)};
      await peers.python(${JSON.stringify(forEver("orphan"))});`;
    const node = spawn(process.execPath, ["--input-type=module", "-e", main], { stdio: "inherit" });
    const pids = (await fileWith("orphan")).split(" ").map(Number);
    node.kill("SIGKILL");
    for (const pid of pids) await gone(pid);
  });

  it("runs on the Python that is asked for", async () => {
    const all = await peers.pythons();
    expect(new Set(all.map(({ version }) => version)).size).toBe(all.length);
    const last = all.at(-1)!;
    const { version, value } = await ran(
      peers.python("import json, platform; print(json.dumps(platform.python_version()))", { version: last.version }),
    );
    expect(version).toBe(last.version);
    expect(last.version).toContain(value);
    expect(await peers.python("print(1)", { version: "2.99" })).toEqual({
      installed: false,
      message: expect.stringMatching(/^Python 2.99 is not installed: found \d/) as string,
    });
    const [row] = await peerVersions();
    expect(row).toMatchObject({ name: "python", installed: true, version: all[0]!.version, all });
  });
});

describe("an interrupt", () => {
  afterEach(() => registerHost(undefined as never));

  it.skipIf(!has("python3"))("stops the programs of the interrupted cell and no other", async () => {
    const listeners = new Set<(origin: number) => void>();
    let origin = 1;
    registerHost({
      origin: () => origin,
      runAs: (_, f) => f(),
      onInterrupt(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      adopt: () => {},
      importedFrom: () => undefined,
      display: () => {},
    } satisfies Host);
    const stopped = peers.python(forEver("interrupted"));
    await using worker = await peers.start("python", "import time\nwhile True: time.sleep(1)");
    const asked = worker.installed ? worker.ask("hello") : undefined;
    const refused = expect(asked).rejects.toThrow(CancelledError);
    origin = 2;
    const kept = ran(peers.python("input(); print(7)", { input: "\n" }));
    const pids = (await fileWith("interrupted")).split(" ").map(Number);
    for (const listener of listeners) listener(1);
    await expect(stopped).rejects.toThrow("Stopped a Python program: the cell that started it was interrupted.");
    await refused;
    for (const pid of pids) await gone(pid);
    expect((await kept).value).toBe(7);
    expect(listeners.size).toBe(0);
  });
});

describe("what is not there", () => {
  const path = process.env["PATH"];
  afterEach(() => void (process.env["PATH"] = path));

  it("is a value that says so", async () => {
    process.env["PATH"] = folder;
    const missing = { installed: false, message: expect.stringContaining("is not installed: no ") as string };
    expect(await peers.python("print(1)")).toEqual(missing);
    expect(await peers.rust("fn main() {}")).toEqual(missing);
    expect(await peers.go("package main")).toEqual(missing);
    expect(await peers.start("go", "package main")).toMatchObject(missing);
    expect(await peers.pythons()).toEqual([]);
    expect(await peerVersions()).toEqual(["python", "rust", "go"].map((name) => ({ name, installed: false })));
  });

  unix("may be there and not run; a free-threaded Python is told apart", async () => {
    const bin = `${folder}/bin`;
    mkdirSync(bin);
    const tool = (name: string, text: string): void => {
      writeFileSync(`${bin}/${name}`, `#!/bin/sh\n${text}\n`);
      chmodSync(`${bin}/${name}`, 0o755);
    };
    tool("rustc", "echo no default toolchain is set >&2; exit 1");
    const said = (version: string, free: boolean): string =>
      `echo '${JSON.stringify({ executable: `${bin}/python${version.slice(0, 4)}${free ? "t" : ""}`, version, pypy: [], implementation: "CPython", free, gil: !free })}'`;
    tool("python3.13", said("3.13.7", false));
    tool("python3.13t", said("3.13.7", true));
    process.env["PATH"] = bin;
    expect(await peers.rust("fn main() {}")).toEqual({
      installed: false,
      message: `Rust is not installed: ${bin}/rustc is there but does not run (no default toolchain is set).`,
    });
    expect((await peers.pythons()).map(({ version, gil }) => [version, gil])).toEqual([
      ["3.13.7", true],
      ["3.13.7t", false],
    ]);
    expect((await ran(peers.python("1", { version: "3.13t" }))).version).toBe("3.13.7t");
    expect((await ran(peers.python("1", { version: "3.13" }))).version).toBe("3.13.7");
    expect(await peers.python("1", { version: "3.1" })).toMatchObject({ installed: false });
  });
});

rust("a Rust program", () => {
  it("that rustc refuses is a result with what rustc says", async () => {
    const refused = await ran(
      peers.rust(`fn main() { let n = 1; std::thread::spawn(|| println!("{}", n)).join().unwrap(); }`),
    );
    expect(refused).toMatchObject({ ok: false, stdout: "", ms: 0 });
    expect(refused.stderr).toContain("main.rs:1");
    expect(refused.message).toMatch(/^It does not compile: error\[E0373\]: closure may outlive/);
  });

  const cargo = it.skipIf(!has("cargo"));
  cargo("with crates is built by cargo; what cargo doesn't have, or doesn't compile, is told apart", async () => {
    const text = `fn main() { println!("{}", std::env::args().count()); }`;
    expect((await ran(peers.rust(text, { crates: {}, args: ["a", "b"] }))).value).toBe(3);
    expect(await peers.rust(text, { crates: { "no-such-crate-of-braid": "1.2" } })).toEqual({
      installed: false,
      message:
        "Rust's no-such-crate-of-braid 1.2 is not installed: cargo keeps it once a project that uses it was built.",
    });
    const refused = await ran(peers.rust("fn main() { 1 + }", { crates: {} }));
    expect(refused).toMatchObject({
      ok: false,
      message: expect.stringMatching(/^It does not compile: error: expected/),
    });
  });

  unix(
    "is compiled once, also by two processes that ask at the same time, and again when its text changes",
    async () => {
      const bin = path.join(folder, "counting");
      mkdirSync(bin);
      const log = path.join(folder, "compiled");
      const real = execFileSync("/bin/sh", ["-c", "command -v rustc"], { encoding: "utf8" }).trim();
      writeFileSync(
        path.join(bin, "rustc"),
        `#!/bin/sh\ncase $1 in -vV) ;; *) echo compiled >> '${log}' ;; esac\nexec '${real}' "$@"\n`,
        { mode: 0o755 },
      );
      const main = `
      import { peers } from ${JSON.stringify(LIBRARY)};
      const program = (n) => peers.rust("fn main() { println!(\\"" + n + "\\"); }", { flags: ["-Cdebuginfo=0"] });
      const all = await Promise.all([program(1), program(1)]);
      console.log(JSON.stringify([...all, await program(1)].map((one) => one.value ?? one)));`;
      const env = { ...process.env, PATH: `${bin}:${process.env["PATH"]}`, XDG_CACHE_HOME: path.join(folder, "cache") };
      const run = (text: string): Promise<string> =>
        new Promise((resolve) => {
          const node = spawn(process.execPath, ["--input-type=module", "-e", text], {
            env,
            stdio: ["ignore", "pipe", "inherit"],
          });
          let out = "";
          node.stdout.setEncoding("utf8").on("data", (chunk: string) => (out += chunk));
          node.on("close", () => resolve(out.trim()));
        });
      expect(await Promise.all([run(main), run(main)])).toEqual(["[1,1,1]", "[1,1,1]"]);
      expect(readFileSync(log, "utf8")).toBe("compiled\n");
      expect(await run(main.replaceAll("(1)", "(2)"))).toBe("[2,2,2]");
      expect(readFileSync(log, "utf8")).toBe("compiled\ncompiled\n");
    },
  );
});

it.each([
  [[1], TypeError, "Expected a Python program (its text, or the path or URL of a .py file), got 1 (number)."],
  [[" \n"], TypeError, "got an empty text."],
  [["nowhere.py"], TypeError, `there is no file ${path.resolve("nowhere.py")}.`],
  [[new URL("https://example.org/a.py")], TypeError, "got https://example.org/a.py, which is no file."],
  [["1", 1], TypeError, "Expected the options of peers.python() to be an object, got 1 (number)."],
  [["1", { timeout: 1 }], TypeError, 'peers.python() has no option "timeout"; its options are args, input, timeoutMs'],
  [["1", { args: "a" }], TypeError, 'Expected args to be an array of strings, got "a".'],
  [["1", { args: ["a", 1] }], TypeError, "Expected args to be an array of strings, got 1 (number) at index 1."],
  [["1", { input: 1 }], TypeError, "Expected input to be a string, got 1 (number)."],
  [["1", { timeoutMs: "1" }], TypeError, 'Expected timeoutMs to be a number of milliseconds, got "1".'],
  [["1", { timeoutMs: 0 }], RangeError, "Expected timeoutMs to be above 0 and at most 2147483647 milliseconds, got 0."],
  [["1", { env: { A: 1 } }], TypeError, "Expected env.A to be a string, got 1 (number)."],
  [["1", { signal: {} }], TypeError, "Expected signal to be an AbortSignal, got an object of class Object."],
] as const)("peers.python(...%j) is refused", async (args, type, message) => {
  const refused = peers.python(...(args as unknown as [string]));
  await expect(refused).rejects.toThrow(type);
  await expect(refused).rejects.toThrow(message);
});

it.each([
  [["rayon"], "Expected crates to be an object of versions by name, got an array."],
  [{ "a]\n[b": "1" }, "Expected crates to have the names of crates"],
  [{ rayon: 1 }, 'Expected crates.rayon to be a version like "1.11", got 1 (number).'],
  [{ rayon: '1"\n' }, "Expected crates.rayon to be a version"],
] as const)("peers.rust() refuses the crates %j", async (crates, message) => {
  const refused = peers.rust("fn main() {}", { crates: crates as any });
  await expect(refused).rejects.toThrow(TypeError);
  await expect(refused).rejects.toThrow(message);
});
