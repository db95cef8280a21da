// The ways between two processes, all in the same words: open one, ask, close it.

import { fork, spawn, type ChildProcess } from "node:child_process";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { ipc, ProcessPool, type Incoming, type Outgoing } from "braid";
import { LARGE, Tally } from "./echo.ts";

export interface OpenWay {
  /** What comes back for these messages: one each where they are small, one for all large ones together. */
  ask(messages: readonly Uint8Array[]): Promise<Uint8Array>;
  close(): Promise<unknown>;
}

export type Way = () => OpenWay | Promise<OpenWay>;

const ECHO = fileURLToPath(new URL("./echo.ts", import.meta.url));
const flags = [...process.execArgv];
const start = (...args: string[]): ChildProcess =>
  spawn(process.execPath, [...flags, ECHO, ...args], { stdio: ["ignore", "inherit", "inherit"] });

const gone = (child: ChildProcess): Promise<unknown> =>
  new Promise((resolve) =>
    child.exitCode === null && child.signalCode === null ? child.once("exit", resolve) : resolve(0),
  );

function overLinks(
  outgoing: Outgoing<Uint8Array>,
  incoming: Incoming<Uint8Array>,
  close: () => Promise<unknown>,
): OpenWay {
  return {
    async ask(messages) {
      for (const message of messages) await outgoing.send(message);
      return (await incoming.receive())!;
    },
    close,
  };
}

async function socket(address: { path: string } | undefined): Promise<OpenWay> {
  const server = await ipc.listen(address, { format: "bytes" });
  const child = start("socket", JSON.stringify(server.address));
  const link = (await server.accept())!;
  return overLinks(link, link, async () => {
    await server.close();
    await gone(child);
  });
}

/** Node's own messages with nothing around them. */
function bareMessages(serialization: "json" | "advanced"): OpenWay {
  const child = fork(ECHO, ["bare messages"], { serialization });
  let answered: (message: unknown) => void = () => {};
  child.on("message", (message) => answered(message));
  const isText = serialization === "json";
  return {
    async ask(messages) {
      const back = new Promise<unknown>((resolve) => (answered = resolve));
      for (const bytes of messages) child.send(isText ? Buffer.from(bytes).toString("latin1") : bytes);
      const message = await back;
      return isText ? Buffer.from(message as string, "latin1") : (message as Uint8Array);
    },
    close() {
      child.disconnect();
      return gone(child);
    },
  };
}

export const WAYS: Record<string, Way> = {
  async "stdio pipe"() {
    const link = await ipc.pipe(process.execPath, [...flags, ECHO, "stdio"], { format: "bytes" });
    return overLinks(link, link, () => link.close());
  },

  /** Without messages: whoever asks knows how many bytes come back. */
  "stdio pipe, bare"() {
    const child = spawn(process.execPath, [...flags, ECHO, "bare stdio"], { stdio: ["pipe", "pipe", "inherit"] });
    let chunks: Buffer[] = [];
    let missing = 0;
    let answered = (): void => {};
    child.stdout.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      missing -= chunk.length;
      if (missing === 0) answered();
    });
    return {
      async ask(messages) {
        missing = messages.reduce((sum, { length }) => sum + length, 0);
        const back = new Promise<void>((resolve) => (answered = resolve));
        for (const message of messages) child.stdin.write(message);
        await back;
        const all = Buffer.concat(chunks);
        chunks = [];
        if (messages.length === 1) return all;
        const tally = new Tally();
        let sum: number | undefined;
        for (let at = 0; at < all.length; at += LARGE) sum = tally.add(all.subarray(at, at + LARGE));
        return new Uint8Array(Uint32Array.of(sum!).buffer);
      },
      close() {
        child.stdin.end();
        return gone(child);
      },
    };
  },

  async FIFO() {
    const [there, back] = [await ipc.fifo(), await ipc.fifo()];
    const incoming = await back.reader({ format: "bytes" });
    const child = start("fifo", there.path, back.path);
    const outgoing = await there.writer({ format: "bytes" });
    return overLinks(outgoing, incoming, async () => {
      await Promise.all([outgoing.close(), incoming.close(), there.close(), back.close()]);
      await gone(child);
    });
  },

  "Unix socket": () => socket({ path: path.join(os.tmpdir(), `braid-bench-${process.pid}`) }),

  "TCP socket": () => socket(undefined),

  /** Both sides look again and again: nobody can be woken by it. */
  async "shared file, polled"() {
    const file = ipc.sharedFile(LARGE + 12);
    const child = start("shared", file.path);
    const words = new Int32Array(2);
    let request = 0;
    const one = (message: Uint8Array): void => {
      file.write(8, Int32Array.of(message.length));
      file.write(12, message);
      file.write(0, Int32Array.of(++request));
      do file.read(0, words);
      while (words[1] !== request);
    };
    return {
      async ask(messages) {
        for (const message of messages) one(message);
        return file.read(12, messages.length === 1 ? messages[0]!.length : 4);
      },
      async close() {
        file.write(0, Int32Array.of(-1));
        await gone(child);
        await file.close();
      },
    };
  },

  "process messages, json, bare": () => bareMessages("json"),
  "process messages, advanced, bare": () => bareMessages("advanced"),

  "process messages": () => {
    const child = fork(ECHO, ["messages"], { serialization: "advanced" });
    const link = ipc.messages<Uint8Array>(child);
    return overLinks(link, link, async () => {
      await link.close();
      await gone(child);
    });
  },

  ProcessPool() {
    const pool = new ProcessPool({ processes: 1 });
    return {
      async ask(messages) {
        if (messages.length === 1) return pool.run((bytes: Uint8Array) => bytes, messages[0]!);
        const tally = new Tally();
        let sum: number | undefined;
        const ends = messages.map((bytes) => pool.run((all: Uint8Array) => [all.length, all[0]!, all.at(-1)!], bytes));
        for (const [length, first, last] of await Promise.all(ends)) {
          const bytes = { length, 0: first, at: () => last };
          sum = tally.add(bytes as unknown as Uint8Array);
        }
        return new Uint8Array(Uint32Array.of(sum!).buffer);
      },
      close: () => pool.close(),
    };
  },
};

/** A call of a function with two numbers. */
export interface OpenCaller {
  call(a: number, b: number): Promise<number>;
  close(): Promise<unknown>;
}

export const CALLERS: Record<string, () => OpenCaller> = {
  "child_process.send, bare"() {
    const child = fork(ECHO, ["bare messages"], { serialization: "advanced" });
    const answers = new Map<number, (value: number) => void>();
    let count = 0;
    child.on("message", ({ id, value }: { id: number; value: number }) => {
      answers.get(id)!(value);
      answers.delete(id);
    });
    return {
      call: (...args) =>
        new Promise((resolve) => {
          answers.set(++count, resolve);
          child.send({ id: count, args });
        }),
      close() {
        child.disconnect();
        return gone(child);
      },
    };
  },

  ProcessPool() {
    const pool = new ProcessPool({ processes: 1 });
    const add = (a: number, b: number): number => a + b;
    return { call: (a, b) => pool.run(add, a, b), close: () => pool.close() };
  },
};
