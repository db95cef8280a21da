// The store, on each server that is here: the same answers from all, from every thread and process, and nothing left.

import { execFile, spawn } from "node:child_process";
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { descendants, signal } from "../../kernel/front/process-tree.ts";
import { keyValueStore, type KeyValueStore, peers, Pool, StoreError, TimeoutError } from "../../lib/index.ts";

const LIBRARY = new URL("../../lib/index.ts", import.meta.url).href;
const folder = mkdtempSync(path.join(tmpdir(), "braid-test-store-"));
const PATH = process.env["PATH"]!;
const pool = new Pool({ threads: 2 });
afterAll(async () => {
  process.env["PATH"] = PATH;
  await pool.close();
  rmSync(folder, { recursive: true });
});

function find(program: string): string | undefined {
  return PATH.split(path.delimiter)
    .map((one) => path.join(one, program))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** Until nobody listens there any more, and its files are gone. */
async function gone(url: string): Promise<void> {
  const [, file, name, port] = /^(?:.+\+unix:\/\/(.+)|nats:\/\/\w+@(.+):(\d+))$/.exec(url)!;
  if (file) {
    while (existsSync(path.dirname(file))) await new Promise((go) => setTimeout(go, 10));
    return;
  }
  for (;;) {
    const socket = connect(Number(port), name!);
    const isThere = await new Promise((resolve) => {
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    });
    socket.destroy();
    if (!isThere) return;
    await new Promise((go) => setTimeout(go, 10));
  }
}

describe.each(["built-in", "redis", "valkey", "nats"] as const)("%s", (kind) => {
  const program = kind === "built-in" ? undefined : find(`${kind}-server`);
  const isHere = kind === "built-in" || program !== undefined;
  const test = it.skipIf(!isHere);
  const bin = path.join(folder, kind);
  let store: KeyValueStore;

  beforeAll(async () => {
    if (!isHere) return;
    mkdirSync(bin);
    if (program) symlinkSync(program, path.join(bin, path.basename(program)));
    process.env["PATH"] = bin;
    store = await keyValueStore();
    process.env["PATH"] = PATH;
  });
  afterAll(() => store?.close());

  test("says which it is and why", () => {
    expect(store.kind).toBe(kind);
    expect(store.why).toMatch(program ? `${kind}-server from the PATH` : /^Not installed: .* our own server/);
  });

  test("keeps bytes and JSON by any name", async () => {
    const numbers = Float64Array.of(1, -2.5, Infinity);
    await store.put("a", numbers);
    const bytes = (await store.get("a"))!;
    expect(new Float64Array(bytes.buffer)).toEqual(numbers);
    expect(await store.get("b")).toBeUndefined();
    await store.put("a", new Uint8Array(0));
    expect(await store.get("a")).toEqual(new Uint8Array(0));
    const all = Uint8Array.from({ length: 256 }, (_, i) => i);
    await store.put("ü * > . \n", all.buffer);
    await store.put("part", new Uint16Array(all.buffer, 4, 2));
    await store.put("shared", new Uint8Array(new SharedArrayBuffer(2)).fill(7));
    expect(await store.get("ü * > . \n")).toEqual(all);
    expect(await store.get("part")).toEqual(all.slice(4, 8));
    expect(await store.get("shared")).toEqual(Uint8Array.of(7, 7));
    const value = { id: "ü", list: [1, null, { x: "\r\n" }] };
    await store.putJson("json", value);
    expect(await store.getJson("json")).toEqual(value);
    expect(await store.getJson("none")).toBeUndefined();
    expect([await store.delete("json"), await store.delete("json")]).toEqual([true, false]);
    expect(await store.get("json")).toBeUndefined();
    await store.putJson("json", 2);
    expect(await store.getJson("json")).toBe(2);
    await Promise.all(Array.from({ length: 300 }, (_, i) => store.putJson(`many-${i}`, i)));
    const many = await Promise.all(Array.from({ length: 300 }, (_, i) => store.getJson(`many-${i}`)));
    expect(many).toEqual(many.map((_, i) => i));
  });

  test("keeps large values whole, while they are replaced by others", async () => {
    const sizes = [70_000, 5e6, 9_000_001, 100, 1e6];
    await store.put("large", new Uint8Array(1e6).fill(255));
    const writers = [0, 1].map((thread) =>
      pool.run(
        async (thread, sizes) => {
          for (const [i, size] of sizes.entries()) await store.put("large", new Uint8Array(size).fill(2 * i + thread));
        },
        thread,
        sizes,
      ),
    );
    let isOver = false;
    const all = Promise.all(writers).finally(() => (isOver = true));
    while (!isOver) {
      const value = (await store.get("large"))!;
      const of = value[0]! === 255 ? 1e6 : sizes[value[0]! >> 1];
      expect(value.length).toBe(of);
      expect(value.every((byte) => byte === value[0])).toBe(true);
    }
    await all;
    expect((await store.get("large"))!.length).toBe(1e6);
    expect(await store.delete("large")).toBe(true);
    expect(await store.get("large")).toBeUndefined();
  });

  test("is the same on a pool's threads: an id goes there and an id comes back", async () => {
    const numbers = Float64Array.from({ length: 1000 }, (_, i) => i / 3);
    await store.put("data_123", numbers);
    const double = async (id: string): Promise<string> => {
      const data = new Float64Array((await store.get(id))!.buffer);
      await store.put(
        `${id}_doubled`,
        data.map((x) => x * 2),
      );
      return `${id}_doubled`;
    };
    expect(await pool.run(double, "data_123")).toBe("data_123_doubled");
    const doubled = (await store.get("data_123_doubled"))!;
    expect(new Float64Array(doubled.buffer)).toEqual(numbers.map((x) => x * 2));
    expect(await pool.run((sent: KeyValueStore) => sent, store)).toBe(store);
    const ids = await pool.map(
      Array.from({ length: 40 }, (_, i) => i),
      async (i) => {
        await store.putJson(`from-${i}`, i * i);
        return `from-${i}`;
      },
    );
    expect(await Promise.all(ids.map((id) => store.getJson(id)))).toEqual(ids.map((_, i) => i * i));
  });

  test("is reached from another process", async () => {
    await store.putJson("question", 20);
    const main = `
      import { keyValueStore } from ${JSON.stringify(LIBRARY)};
      const store = await keyValueStore({ url: process.argv[1] });
      await store.putJson("answer", (await store.getJson("question")) + 1);
      console.log(store.kind);`;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", main, store.url]);
    expect(stdout.trim()).toBe(kind);
    expect(await store.getJson("answer")).toBe(21);
  });

  it.skipIf(!isHere || kind === "nats")("is reached from Python", async ({ skip }) => {
    await store.put("to-python", Float64Array.of(1.5, 2, -3));
    const file = new URL("../../notebooks/peers/store-double.py", import.meta.url);
    const result = await peers.python(file, { args: [store.url, "to-python"] });
    if (!result.installed) return skip(result.message);
    expect(result).toMatchObject({ ok: true, value: { id: "to-python_doubled" } });
    expect(new Float64Array((await store.get("to-python_doubled"))!.buffer)).toEqual(Float64Array.of(3, 4, -6));
  });

  test("that is closed is an error for all who ask", async () => {
    process.env["PATH"] = bin;
    const other = await keyValueStore();
    process.env["PATH"] = PATH;
    await other.put("a", new Uint8Array(1e6));
    const task = async (): Promise<number> => (await other.get("a"))!.length;
    expect(await pool.run(task)).toBe(1e6);
    const asked = Promise.allSettled([other.get("a"), other.get("a")]);
    await other.close();
    for (const one of await asked) if (one.status === "rejected") expect(one.reason).toBeInstanceOf(StoreError);
    await expect(other.get("a")).rejects.toThrow(StoreError);
    await expect(other.put("a", new Uint8Array(1))).rejects.toThrow("was closed");
    await expect(pool.run(task)).rejects.toThrow(StoreError);
    await other.close();
    await gone(other.url);
    expect(await store.getJson("question")).toBe(20);
  });

  test.each(["ends", "is killed", "is killed with its children"])("leaves nothing when the program %s", async (how) => {
    const main = `
      import { keyValueStore } from ${JSON.stringify(LIBRARY)};
      const store = await keyValueStore();
      await store.putJson("a", 1);
      console.log(store.kind, store.url);
      ${how === "ends" ? "" : "setInterval(() => {}, 1000);"}`;
    const node = spawn(process.execPath, ["--input-type=module", "-e", main], {
      env: { ...process.env, PATH: bin },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const line = await new Promise<string>((resolve) => {
      node.stdout.setEncoding("utf8").on("data", (text: string) => text.endsWith("\n") && resolve(text.trim()));
    });
    expect(line.split(" ")[0]).toBe(kind);
    // The last is how a kernel ends the process of its cells.
    if (how !== "ends") signal([...(how === "is killed" ? [] : descendants(node.pid!)), node.pid!], "SIGKILL");
    await gone(line.split(" ")[1]!);
  });
});

describe("a server that does not behave", () => {
  const serve = async (name: string, answer?: string): Promise<{ server: Server; store: KeyValueStore }> => {
    const file = path.join(folder, name);
    const server = createServer((socket) => {
      socket.on("error", () => {});
      if (answer !== undefined) socket.on("data", () => socket.write(answer));
    });
    await new Promise<void>((resolve) => server.listen(file, resolve));
    return { server, store: await keyValueStore({ url: `redis+unix://${file}` }) };
  };

  it("does not make anybody wait for ever", async () => {
    const { server, store } = await serve("silent");
    await expect(store.get("a", { timeoutMs: 20 })).rejects.toThrow(TimeoutError);
    const stop = new AbortController();
    const waiting = store.get("a", { signal: stop.signal });
    stop.abort();
    await expect(waiting).rejects.toThrow('Cancelled: get("a").');
    const asked = store.get("a");
    await store.close();
    await expect(asked).rejects.toThrow("was closed");
    server.close();
  });

  it.each([
    ["garbage", "hello\r\n", "sent what is not understood"],
    ["refusing", "-OOM command not allowed\r\n", "refused: OOM command not allowed."],
    ["huge", "$99999999999\r\n", "a value of 99999999999 bytes was announced"],
  ])("is told of: %s", async (name, answer, message) => {
    const { server, store } = await serve(name, answer);
    const failed: unknown = await store.get("a").catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(StoreError);
    expect((failed as StoreError).message).toContain(message);
    await store.close();
    server.close();
  });
});

it("what is no key, value or option is refused", async () => {
  await using store = await keyValueStore({ builtIn: true });
  expect([store.kind, store.why]).toEqual([
    "built-in",
    "Our own server on a thread of this process, as was asked for.",
  ]);
  await expect(store.get(1 as never)).rejects.toThrow("Expected key to be a string, got 1 (number).");
  await expect(store.get("")).rejects.toThrow('Expected key to be a text of 1 to 1024 bytes, got "".');
  await expect(store.put("a", "text" as never)).rejects.toThrow(
    'Expected the value to be bytes (a typed array or an ArrayBuffer), got "text".',
  );
  await expect(store.putJson("a", () => {})).rejects.toThrow("Expected a value that JSON can say, got a function.");
  await expect(store.get("a", { timeout: 1 } as never)).rejects.toThrow('get() has no option "timeout"');
  await expect(keyValueStore({ url: "http://localhost" })).rejects.toThrow("Expected url to be that of a store");
  await expect(keyValueStore({ builtIn: 1 as never })).rejects.toThrow("Expected builtIn to be true or false");
});
