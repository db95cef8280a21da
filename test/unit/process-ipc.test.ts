// The five ways between processes, each with another process at the other end.

import { fork } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { CancelledError, ipc, IpcError, ProcessPool, TimeoutError, type Incoming } from "../../lib/index.ts";

const pool = new ProcessPool({ processes: 2 });
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "braid-ipc-"));
afterAll(async () => {
  await pool.close();
  fs.rmSync(folder, { recursive: true });
});

const LINES = ["Hello", "World", "Done"];
const all = async <T>(link: Incoming<T>): Promise<T[]> => {
  const got: T[] = [];
  for await (const message of link) got.push(message);
  return got;
};
const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.unreachable("nothing was thrown"),
    (error: unknown) => error,
  );

describe("a pipe", () => {
  const library = fileURLToPath(new URL("../../lib/index.ts", import.meta.url));
  const flags = ["--conditions=braid-source", "--disable-warning=ExperimentalWarning", "--input-type=module"];

  it("carries lines to any program and back", async () => {
    await using child = await ipc.pipe("cat", [], { format: "text" });
    for (const line of LINES) await child.send(line);
    await child.end();
    expect(await all(child)).toEqual(LINES);
    expect(await child.ended).toEqual({ exitCode: 0, signal: undefined });
  });

  it("carries JSON between two programs with the library", async () => {
    const source = `import { ipc } from ${JSON.stringify(library)};
      const parent = ipc.stdio();
      for await (const { n } of parent) await parent.send({ twice: n * 2 });`;
    await using child = await ipc.pipe(process.execPath, [...flags, "-e", source]);
    for (const n of [1, 2, 3]) {
      await child.send({ n });
      expect(await child.receive()).toEqual({ twice: n * 2 });
    }
    await child.close();
    expect(await child.ended).toEqual({ exitCode: 0, signal: undefined });
    expect(() => process.kill(child.pid, 0)).toThrow("ESRCH");
  });

  it("kills a child that won't end", async () => {
    const child = await ipc.pipe(process.execPath, ["-e", "for (;;);"], { format: "text" });
    await child.close();
    expect(await child.ended).toEqual({ exitCode: undefined, signal: "SIGKILL" });
    expect(await child.receive()).toBeUndefined();
    expect(await failure(child.send("late"))).toBeInstanceOf(IpcError);
  });

  it("tells of a program that is not there, and of one that has gone", async () => {
    const error = await failure(ipc.pipe("no-such-program"));
    expect(error).toBeInstanceOf(IpcError);
    expect((error as Error).message).toBe(`Can't start "no-such-program": there is no such program.`);
    await using gone = await ipc.pipe("true", [], { format: "text" });
    await gone.ended;
    expect(
      await failure(
        (async () => {
          for (;;) await gone.send("anybody?");
        })(),
      ),
    ).toMatchObject({ code: "ERR_BRAID_IPC" });
  });

  it("takes a last line without an end", async () => {
    await using child = await ipc.pipe("printf", ["one\\ntwo"], { format: "text" });
    expect(await all(child)).toEqual(["one", "two"]);
  });
});

describe("a FIFO", () => {
  it("carries messages from a process to another, and its file is removed", async () => {
    const fifo = await ipc.fifo();
    const reader = await fifo.reader({ format: "text" });
    const sent = pool.run(async (lines) => {
      await using writer = await fifo.writer({ format: "text" });
      for (const line of lines) await writer.send(line);
    }, LINES);
    expect(await all(reader)).toEqual(LINES);
    await sent;
    await reader.close();
    await fifo.close();
    expect(fs.existsSync(path.dirname(fifo.path))).toBe(false);
  });

  it("can be opened by its path, and bytes keep their ends", async () => {
    await using fifo = await ipc.fifo(path.join(folder, "bytes"));
    const sent = pool.run(async (at) => {
      await using reader = await ipc.openFifo(at).reader({ format: "bytes" });
      const sizes: number[] = [];
      for await (const bytes of reader) sizes.push(bytes.length, bytes.at(-1) ?? -1);
      return sizes;
    }, fifo.path);
    const writer = await fifo.writer({ format: "bytes" });
    for (const size of [3, 0, 200_000, 70_000]) await writer.send(new Uint8Array(size).fill(size % 251));
    await writer.close();
    expect(await sent).toEqual([3, 3, 0, -1, 200_000, 200_000 % 251, 70_000, 70_000 % 251]);
  });

  it("a path that exists, and one that is no FIFO, are told in a sentence", async () => {
    const file = path.join(folder, "file");
    fs.writeFileSync(file, "");
    expect(await failure(ipc.fifo(file))).toMatchObject({
      name: "IpcError",
      message: `Can't make the FIFO "${file}": the path exists already.`,
    });
    expect(await failure(ipc.openFifo(file).reader())).toMatchObject({
      message: expect.stringContaining("something else"),
    });
    expect(fs.existsSync(file)).toBe(true);
  });

  it("a writer waits for a reader, as long as it is told to", async () => {
    await using fifo = await ipc.fifo();
    expect(await failure(fifo.writer({ timeoutMs: 20 }))).toBeInstanceOf(TimeoutError);
    expect(await failure(fifo.writer({ signal: AbortSignal.timeout(20) }))).toBeInstanceOf(CancelledError);
    const writer = fifo.writer();
    await using reader = await fifo.reader();
    await (await writer).send([1]);
    expect(await reader.receive()).toEqual([1]);
    await (await writer).close();
    expect(await reader.receive()).toBeUndefined();
  });

  it("a reader that nobody writes to ends when it is closed", async () => {
    await using fifo = await ipc.fifo();
    const reader = await fifo.reader();
    const received = reader.receive();
    await reader.close();
    expect(await received).toBeUndefined();
  });
});

describe("a socket", () => {
  for (const kind of ["TCP", "Unix"]) {
    it(`of ${kind} carries the same lines each way, from several processes`, async () => {
      const at = path.join(folder, "socket");
      const server = await ipc.listen(kind === "Unix" ? { path: at } : undefined, { format: "text" });
      const { address } = server;
      const echo = async (name: string): Promise<string[]> => {
        await using link = await ipc.connect(address, { format: "text" });
        for (const line of LINES) await link.send(line);
        await link.end();
        const got = [name];
        for await (const line of link) got.push(line);
        return got;
      };
      const clients = pool.map(["a", "b"], echo, { chunk: 1 });
      for (let i = 0; i < 2; i++) {
        const link = (await server.accept())!;
        for await (const line of link) await link.send(line);
        await link.close();
      }
      expect(await clients).toEqual([
        ["a", ...LINES],
        ["b", ...LINES],
      ]);
      await server.close();
      expect(await server.accept()).toBeUndefined();
      expect(fs.existsSync(at)).toBe(false);
      expect(await failure(ipc.connect(address))).toMatchObject({
        message: expect.stringMatching(/: nobody listens\.$/),
      });
    });
  }

  it("at an address in use is told in a sentence", async () => {
    await using server = await ipc.listen();
    const { port } = server.address as { port: number };
    expect(await failure(ipc.listen({ port }))).toMatchObject({
      name: "IpcError",
      message: `Can't listen at 127.0.0.1:${port}: it is in use.`,
    });
    await using unix = await ipc.listen({ path: path.join(folder, "taken") });
    expect(await failure(ipc.listen(unix.address))).toMatchObject({
      message: expect.stringMatching(/: it is in use\.$/),
    });
  });

  it("closes its connections with the server, and who waits there wakes", async () => {
    const server = await ipc.listen();
    const link = await ipc.connect(server.address);
    const accepted = (await server.accept())!;
    const [here, there] = [link.receive(), accepted.receive()];
    await server.close();
    expect(await there).toBeUndefined();
    expect(await here).toBeUndefined();
    await link.close();
  });

  it("a torn message, and a line that is no JSON, are errors of the receiver", async () => {
    await using server = await ipc.listen({ port: 0 }, { format: "bytes" });
    const raw = net.connect(server.address as { port: number });
    raw.end(Buffer.from([9, 0, 0, 0, 1, 2]));
    await using torn = (await server.accept())!;
    expect(await failure(torn.receive())).toMatchObject({
      message: expect.stringContaining("in the middle of a message"),
    });
    await using lines = await ipc.listen();
    const other = net.connect(lines.address as { port: number });
    other.write('{"a":1}\n{oops\n');
    await using link = (await lines.accept())!;
    expect(await link.receive()).toEqual({ a: 1 });
    expect(await failure(link.receive())).toMatchObject({ message: 'A line that came is no JSON: "{oops".' });
    other.destroy();
  });

  it("makes a sender wait for a receiver that is behind", async () => {
    await using server = await ipc.listen({ port: 0 }, { format: "bytes" });
    const sender = await ipc.connect(server.address, { format: "bytes" });
    await using receiver = (await server.accept())!;
    let sent = 0;
    const sending = (async () => {
      for (let i = 0; i < 300; i++, sent++) await sender.send(new Uint8Array(100_000).fill(i));
      await sender.close();
    })();
    let before = -1;
    while (sent !== before) {
      before = sent;
      await new Promise((go) => setTimeout(go, 50));
    }
    expect(sent).toBeLessThan(300);
    let received = 0;
    for await (const bytes of receiver) expect(bytes[99_999]).toBe(received++ % 256);
    expect(received).toBe(300);
    await sending;
  });

  it("refuses what a format does not take", async () => {
    await using server = await ipc.listen({ port: 0 }, { format: "text" });
    await using link = await ipc.connect(server.address, { format: "text" });
    await expect(link.send(5 as never)).rejects.toThrow(/to be a string, got number/);
    await expect(link.send("a\nb")).rejects.toThrow(/one line/);
    await using json = await ipc.connect(server.address);
    await expect(json.send(undefined)).rejects.toThrow(/JSON value, got undefined/);
    await using bytes = await ipc.connect(server.address, { format: "bytes" });
    await expect(bytes.send("text" as never)).rejects.toThrow(/Uint8Array, got string/);
    await expect(ipc.connect(server.address, { format: "xml" as never })).rejects.toThrow(/format to be one of/);
    await expect(ipc.listen({ port: -1 })).rejects.toThrow(/port to be a whole number/);
  });
});

describe("a shared file", () => {
  it("is seen by another process, at offsets", async () => {
    const file = ipc.sharedFile(64);
    file.write(8, new Float64Array([1.5, 2.5]));
    const sum = await pool.run(() => {
      const numbers = file.read(8, new Float64Array(2));
      file.write(0, new Float64Array([numbers[0]! + numbers[1]!]));
      return file.byteLength;
    });
    expect(sum).toBe(64);
    expect(file.read(0, new Float64Array(1))).toEqual(new Float64Array([4]));
    expect(file.read(62, 2)).toEqual(new Uint8Array(2));
    const same = ipc.openSharedFile(file.path);
    same.write(62, new Uint8Array([7, 8]));
    await same.close();
    expect(file.read(62, 2)).toEqual(new Uint8Array([7, 8]));
    expect(() => file.read(63, 2)).toThrow(/Expected 2 bytes at offset 63 to be within the 64/);
    expect(() => file.write(-1, new Uint8Array(1))).toThrow(RangeError);
    await file.close();
    expect(fs.existsSync(file.path)).toBe(false);
    expect(() => file.read(0, 1)).toThrow(IpcError);
    expect(() => ipc.openSharedFile(file.path)).toThrow(/Can't open the shared file/);
  });
});

describe("process messages", () => {
  const echo = path.join(folder, "echo.cjs");
  fs.writeFileSync(
    echo,
    'process.on("message", (m) => process.send({ m, isShared: m.buffer instanceof SharedArrayBuffer }))',
  );

  it("go both ways, as the serialization says", async () => {
    const memory = new SharedArrayBuffer(8);
    {
      await using link = ipc.messages(fork(echo, { execArgv: [] }));
      await link.send({ memory, map: new Map([[1, 2]]) });
      expect(await link.receive()).toEqual({ m: { memory: {}, map: {} }, isShared: false });
    }
    const child = fork(echo, { execArgv: [], serialization: "advanced" });
    const link = ipc.messages<{ m: unknown; isShared: boolean }>(child);
    await link.send({ map: new Map([[1, 2]]) } as never);
    expect(await link.receive()).toEqual({ m: { map: new Map([[1, 2]]) }, isShared: false });
    await expect(link.send({ memory } as never)).rejects.toThrow("could not be cloned");
    // A silent copy, of which ProcessPool warns: the view is not over shared memory any more.
    await link.send(new Int32Array(memory) as never);
    expect((await link.receive())!.isShared).toBe(false);
    const waiting = link.receive();
    await link.close();
    expect(await waiting).toBeUndefined();
    expect(await failure(link.send(1 as never))).toBeInstanceOf(IpcError);
    if (child.exitCode === null) await new Promise((gone) => child.once("exit", gone));
    expect(() => ipc.messages(child)).toThrow(/There is no channel/);
  });
});
