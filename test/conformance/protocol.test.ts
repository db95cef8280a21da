// The protocol message by message, on bare ZMQ: what a Jupyter server would smooth over.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import { Subscriber } from "zeromq";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Client, KernelProcess } from "../../bench/kernel/client.ts";
import { sourceKernel } from "../../bench/kernel/source-kernel.ts";
import { descendants } from "../../kernel/front/process-tree.ts";
import { type Message, Wire } from "../../kernel/front/wire.ts";

const main = fileURLToPath(new URL("../../kernel/front/main.ts", import.meta.url));
const folder = mkdtempSync(path.join(os.tmpdir(), "braid-protocol-"));
const history = path.join(folder, "state", "history.sqlite");

let kernel: KernelProcess;
let client: Client;

const startKernel = () =>
  KernelProcess.start(
    sourceKernel({ cwd: folder, env: { BRAID_HISTORY: history, NODE_OPTIONS: "--max-old-space-size=600" } }),
  );

beforeAll(async () => {
  kernel = await startKernel();
  client = kernel.client;
});

afterAll(async () => {
  await kernel?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A front end's iopub that takes nothing until it is told to. */
class SlowSubscriber {
  readonly #socket = new Subscriber({ receiveHighWaterMark: 1 });

  constructor({ connection }: Client) {
    this.#socket.subscribe("stream");
    this.#socket.connect(`tcp://${connection.ip}:${connection.iopub_port}`);
  }

  async subscribed(client: Client): Promise<void> {
    const first = this.#socket.receive();
    while (!(await Promise.race([first.then(() => true), sleep(50).then(() => false)])))
      await client.execute("console.log('are you there?')");
  }

  /** Counts the x and y printed, until both stop coming. */
  async read(): Promise<{ x: number; y: number }> {
    const count = { x: 0, y: 0 };
    for (;;) {
      const frames = await Promise.race([this.#socket.receive(), sleep(3000).then(() => undefined)]);
      if (!frames) return count;
      const { text = "" } = JSON.parse(String(frames.at(-1))) as { text?: string };
      for (const name of ["x", "y"] as const) count[name] += text.split(name).length - 1;
    }
  }

  close(): void {
    this.#socket.close();
  }
}

function residentMb(pid: number): number {
  return process.platform === "linux" ? Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]) / 256 : 0;
}

const byNumber = (a: number, b: number) => a - b;
const types = (messages: Message[]) => messages.map(({ header }) => header.msg_type);

describe("execute_request", () => {
  it("is answered in the order of the protocol, every message with the request as its parent", async () => {
    const { messages, reply } = await client.execute("console.log('out'); 6 * 7");
    expect(types(messages)).toEqual(["status", "execute_input", "stream", "execute_result", "status"]);
    expect(messages[1]!.content).toMatchObject({ code: "console.log('out'); 6 * 7" });
    expect(messages[3]!.content).toMatchObject({ data: { "text/plain": "42" }, metadata: {} });
    expect(messages[1]!.content["execution_count"]).toBe(messages[3]!.content["execution_count"]);
    expect(reply.content).toMatchObject({ status: "ok", payload: [], user_expressions: {} });
  });

  it("counts what is stored, and neither silent nor unstored cells", async () => {
    const count = async (content: object) =>
      Number((await client.execute("1", content)).reply.content["execution_count"]);
    const first = await count({});
    expect(await count({ store_history: false })).toBe(first);
    expect(await count({ silent: true })).toBe(first);
    expect(await count({})).toBe(first + 1);
  });

  it("shows nothing of a silent cell but what it prints", async () => {
    const { messages } = await client.execute("console.log('printed'); 'value'", { silent: true });
    expect(types(messages)).toEqual(["status", "stream", "status"]);
    const { messages: failed, reply } = await client.execute("throw new Error('x')", { silent: true });
    expect(types(failed)).toEqual(["status", "status"]);
    expect(reply.content).toMatchObject({ status: "error", ename: "Error", evalue: "x" });
  });

  it("evaluates user_expressions after the cell, each with its own verdict", async () => {
    const user_expressions = {
      sum: "base + 1",
      typed: "(base as number) * 2",
      wrong: "missing",
      broken: "1 +",
      none: "",
    };
    const { reply } = await client.execute("const base = 20", { user_expressions });
    expect(reply.content["user_expressions"]).toMatchObject({
      sum: { status: "ok", data: { "text/plain": "21" }, metadata: {} },
      typed: { status: "ok", data: { "text/plain": "40" } },
      wrong: { status: "error", ename: "ReferenceError" },
      broken: { status: "error", ename: "SyntaxError" },
      none: { status: "error" },
    });
    const alone = await client.execute("", { silent: true, user_expressions: { base: "base" } });
    expect(alone.reply.content["user_expressions"]).toMatchObject({ base: { data: { "text/plain": "20" } } });
  });

  it("aborts the cells behind an error, but not those that ask it not to stop, and none that come later", async () => {
    const cells = [client.execute("throw new Error('first')"), client.execute("1"), client.execute("2")];
    expect((await Promise.all(cells)).map(({ reply }) => reply.content["status"])).toEqual([
      "error",
      "aborted",
      "aborted",
    ]);
    const go = [client.execute("throw new Error('go on')", { stop_on_error: false }), client.execute("3")];
    expect((await Promise.all(go)).map(({ reply }) => reply.content["status"])).toEqual(["error", "ok"]);
  });
});

describe("input", () => {
  const nextRequest = () => client.next((channel) => channel === "stdin");
  let asked: Promise<Message>;
  const answer = async (value: string) => {
    const request = await asked;
    // Before it is answered: the next one may come at once.
    asked = nextRequest();
    asked.catch(() => {});
    await client.send("stdin", "input_reply", { value, status: "ok" }, { parent: request.header });
    return request.content;
  };

  it("asks who sent the cell, passwords hidden, by input() and prompt()", async () => {
    asked = nextRequest();
    const ran = client.execute(
      `import { input } from "braid/notebook"; [input("name? "), prompt("word? ", true), input("secret: ", { password: true })]`,
      { allow_stdin: true },
    );
    expect(await answer("Ada 𝒳")).toEqual({ prompt: "name? ", password: false });
    expect(await answer("")).toEqual({ prompt: "word? ", password: true });
    expect(await answer("s3")).toEqual({ prompt: "secret: ", password: true });
    expect((await ran).result).toBe("[ 'Ada 𝒳', '', 's3' ]");
  });

  it("fails where nobody may be asked", async () => {
    const { error } = await client.execute("prompt('?')", { allow_stdin: false });
    expect(error!.evalue).toMatch(/nobody can be asked/);
  });

  it("can be interrupted while it waits", async () => {
    asked = nextRequest();
    const ran = client.execute("prompt('?')", { allow_stdin: true });
    await asked;
    await client.request("control", "interrupt_request");
    expect((await ran).error!.ename).toBe("KeyboardInterrupt");
    expect((await client.execute("'alive'")).result).toBe("'alive'");
  });
});

describe("comms", () => {
  const comm =
    (type: string, id?: string) =>
    (channel: string, { header, content }: Message) =>
      channel === "iopub" && header.msg_type === type && (id === undefined || content["comm_id"] === id);

  it("closes one whose target nobody knows", async () => {
    const closed = client.next(comm("comm_close", "unknown"));
    await client.send("shell", "comm_open", { comm_id: "unknown", target_name: "nobody", data: {} });
    await closed;
    expect((await client.request("shell", "comm_info_request")).content).toMatchObject({ status: "ok", comms: {} });
  });

  it("opened by a front end: messages go both ways, binary buffers too, and it is told of the end", async () => {
    await client.execute(`
      import { registerCommTarget } from "braid/notebook"
      const closings: unknown[] = []
      registerCommTarget("echo", (comm, { data }) => {
        comm.send({ opened: data })
        comm.onMessage(({ data, metadata, buffers }) => comm.send({ data, metadata }, { buffers: buffers.map((b) => b.toReversed()), metadata: { back: true } }))
        comm.onClose(({ data }) => closings.push(data))
      })`);
    const opened = client.next(comm("comm_msg", "c1"));
    await client.send("shell", "comm_open", { comm_id: "c1", target_name: "echo", data: { hello: 1 } });
    expect((await opened).content["data"]).toEqual({ opened: { hello: 1 } });
    const info = await client.request("shell", "comm_info_request", { target_name: "echo" });
    expect(info.content["comms"]).toEqual({ c1: { target_name: "echo" } });
    const echoed = client.next(comm("comm_msg", "c1"));
    const buffers = [Buffer.from([1, 2, 3]), Buffer.alloc(0), Buffer.from([9])];
    await client.send("shell", "comm_msg", { comm_id: "c1", data: { x: 1 } }, { buffers, metadata: { m: 2 } });
    const echo = await echoed;
    expect(echo.content["data"]).toEqual({ data: { x: 1 }, metadata: { m: 2 } });
    expect(echo.metadata).toEqual({ back: true });
    expect(echo.buffers.map((buffer) => [...buffer])).toEqual([[3, 2, 1], [], [9]]);
    await client.send("shell", "comm_close", { comm_id: "c1", data: { bye: 1 } });
    expect((await client.execute("closings")).result).toBe("[ { bye: 1 } ]");
    expect((await client.request("shell", "comm_info_request")).content["comms"]).toEqual({});
  });

  it("opened by a cell: told to the front end under that cell, and sends nothing once it is closed", async () => {
    const { messages, error } = await client.execute(`
      import { openComm } from "braid/notebook"
      const own = openComm("mine", { a: 1 }, { buffers: [new Uint16Array([258])], metadata: { v: 1 } })
      own.send({ b: 2 }); own.close({ c: 3 }); own.close()
      own.send({})`);
    const sent = messages.filter(({ header }) => header.msg_type.startsWith("comm_"));
    expect(types(sent)).toEqual(["comm_open", "comm_msg", "comm_close"]);
    expect(sent[0]).toMatchObject({ content: { target_name: "mine", data: { a: 1 } }, metadata: { v: 1 } });
    expect([...sent[0]!.buffers[0]!]).toEqual([2, 1]);
    expect(error!.evalue).toMatch(/is closed: it can't send/);
  });

  it("callbacks print under the message that called them, run when a busy cell yields, and can be interrupted", async () => {
    await client.execute(`
      import { registerCommTarget as register } from "braid/notebook"
      let got: unknown[] = []
      register("log", (comm) => comm.onMessage(({ data }) => {
        console.log("got", data["n"]); got.push(data["n"])
        if (data["n"] === "spin") while (true) {}
        if (data["n"] === "throw") throw new Error("in the callback")
      }))`);
    await client.send("shell", "comm_open", { comm_id: "c2", target_name: "log", data: {} });
    const say = (n: unknown) => client.send("shell", "comm_msg", { comm_id: "c2", data: { n } });
    const printed = (id: string) =>
      client.next((_, { header, parentHeader }) => header.msg_type === "stream" && parentHeader.msg_id === id);
    const id = say(1);
    expect((await printed(await id)).content["text"]).toBe("got 1\n");

    const started = client.next(
      (_, { header, content }) => header.msg_type === "stream" && content["text"] === "started\n",
    );
    const busy = client.execute(
      "console.log('started'); const until = Date.now() + 400; while (Date.now() < until) {}; const before = got.length; await null; await new Promise((r) => setTimeout(r, 50)); [before, got.length]",
    );
    await started;
    const taken = client.next(
      (_, { header, content, parentHeader }) =>
        header.msg_type === "status" && content["execution_state"] === "idle" && parentHeader.msg_type === "comm_msg",
      300,
    );
    await say(2);
    await taken;
    expect((await busy).result).toBe("[ 1, 2 ]");

    const spins = client.next(
      (_, { header, content }) => header.msg_type === "stream" && String(content["text"]).includes("spin"),
    );
    await say("spin");
    await spins;
    const stopped = client.next((_, { content }) => content["name"] === "stderr");
    await client.request("control", "interrupt_request");
    expect((await stopped).content["text"]).toMatch(/In a comm callback: KeyboardInterrupt/);
    const thrown = client.next((_, { content }) => content["name"] === "stderr");
    await say("throw");
    expect((await thrown).content["text"]).toMatch(/In a comm callback: Error: in the callback/);
    expect((await client.execute("got")).result).toBe("[ 1, 2, 'spin', 'throw' ]");
  });

  it("of widgets: the front keeps their state, and tells it also while a cell spins", async () => {
    const { messages } = await client.execute(`
      import { openComm as open } from "braid/notebook"
      const slider = open("jupyter.widget", { state: { _model_name: "IntSliderModel", _model_module: "m", _model_module_version: "2", value: 1, max: 9 } })
      slider.send({ method: "update", state: { value: 2 } })`);
    const id = String(messages.find(({ header }) => header.msg_type === "comm_open")!.content["comm_id"]);
    const busy = client.execute("while (true) {}");
    await client.next((_, { header }) => header.msg_type === "execute_input");
    await client.send("shell", "comm_msg", { comm_id: id, data: { method: "update", state: { value: 7 } } });
    await client.send("shell", "comm_open", { comm_id: "ctl", target_name: "jupyter.widget.control", data: {} });
    const states = client.next(comm("comm_msg", "ctl"));
    await client.send("shell", "comm_msg", { comm_id: "ctl", data: { method: "request_states" } });
    expect((await states).content["data"]).toMatchObject({
      method: "update_states",
      states: { [id]: { model_name: "IntSliderModel", state: { value: 7, max: 9 } } },
    });
    const own = client.next(comm("comm_msg", id));
    await client.send("shell", "comm_msg", { comm_id: id, data: { method: "request_state" } });
    expect((await own).content["data"]).toMatchObject({ method: "update", state: { value: 7 } });
    await client.request("control", "interrupt_request");
    await busy;
  });
});

describe("displays", () => {
  it("with an id are updated wherever they stand, also by a later cell", async () => {
    const shown = await client.execute(
      `import { display } from "braid/notebook"; const place = display({ "text/plain": "1" })`,
    );
    const updated = await client.execute(`place.update({ "text/html": "<b>2</b>" })`);
    const [first] = shown.messages.filter(({ header }) => header.msg_type === "display_data");
    const [second] = updated.messages.filter(({ header }) => header.msg_type === "update_display_data");
    expect(second!.content).toMatchObject({
      data: { "text/html": "<b>2</b>" },
      transient: first!.content["transient"] as object,
    });
  });

  it("go with binary and very large outputs", async () => {
    const { messages } = await client.execute(`
      import { image, display as show } from "braid/notebook"
      image(new Uint8Array([137, 80, 78, 71])); show({ "text/html": "x".repeat(50_000_000) }); undefined`);
    const displays = messages
      .filter(({ header }) => header.msg_type === "display_data")
      .map(({ content }) => content["data"] as Record<string, string>);
    expect(displays[0]!["image/png"]).toBe("iVBORw==");
    expect(displays[1]!["text/html"]).toHaveLength(50_000_000);
  });
});

describe("output", () => {
  it("of a million lines arrives whole and in order before idle, and the front keeps little of it", async () => {
    let most = 0;
    const timer = setInterval(() => (most = Math.max(most, residentMb(kernel.child.pid!))), 50);
    const before = residentMb(kernel.child.pid!);
    const ran = await client.execute("for (let i = 0; i < 1_000_000; i++) console.log('line', i)");
    clearInterval(timer);
    const lines = ran.text().split("\n");
    expect(lines).toHaveLength(1_000_001);
    expect(lines.findIndex((line, i) => line !== `line ${i}` && i < 1_000_000)).toBe(-1);
    expect(ran.messages.at(-1)!.content["execution_state"]).toBe("idle");
    expect(most - before).toBeLessThan(250);
  });

  it("waits for a front end that is behind, worker threads too, and loses nothing", async () => {
    const slow = new SlowSubscriber(client);
    try {
      await slow.subscribed(client);
      const ran = client.execute(`
        import { Worker as Printer } from "node:worker_threads"
        const chunk = "x".repeat(9_999)
        const printer = new Printer("const chunk = 'y'.repeat(9_999); for (let i = 0; i < 8_000; i++) console.log(chunk)", { eval: true })
        const over = new Promise((resolve) => printer.on("exit", resolve))
        for (let i = 0; i < 8_000; i++) console.log(chunk)
        await over; "done"`);
      await sleep(3000);
      // 160 MB are to be printed: the executor waits, and the front has not taken it all in.
      expect(residentMb(kernel.child.pid!)).toBeLessThan(400);
      const seen = slow.read();
      expect((await ran).result).toBe("'done'");
      const { x, y } = await seen;
      expect([x, y]).toEqual([8_000 * 9_999, 8_000 * 9_999]);
    } finally {
      slow.close();
    }
  });

  it("of both streams keeps its order, and late output goes to the cell that it comes from", async () => {
    const { messages } = await client.execute(
      "for (let i = 0; i < 50; i++) { console.log('o' + i); console.error('e' + i) }",
    );
    const texts = messages
      .filter(({ header }) => header.msg_type === "stream")
      .map(({ content }) => String(content["text"]));
    expect(texts.join("").split("\n").slice(0, -1)).toEqual(
      Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? "o" : "e") + (i >> 1)),
    );
    const late: Message[] = [];
    const stop = client.on((_, message) => void (message.header.msg_type === "stream" && late.push(message)));
    const first = await client.execute(`
      import { Worker as Late } from "node:worker_threads"
      setTimeout(() => console.log("timer of 1"), 150)
      new Late("setTimeout(() => console.log('worker of 1'), 150)", { eval: true }).unref(); undefined`);
    const second = await client.execute("await new Promise((resolve) => setTimeout(resolve, 500)); console.log('2')");
    stop();
    const parentOf = (text: string) =>
      late.find(({ content }) => String(content["text"]).includes(text))!.parentHeader.msg_id;
    expect([parentOf("timer of 1"), parentOf("worker of 1")]).toEqual([
      first.reply.parentHeader.msg_id,
      first.reply.parentHeader.msg_id,
    ]);
    expect(parentOf("2\n")).toBe(second.reply.parentHeader.msg_id);
  });
});

describe("history", () => {
  const ask = async (content: object, of = client) =>
    (await of.request("shell", "history_request", { output: false, raw: true, ...content })).content["history"] as [
      number,
      number,
      string,
    ][];

  it("gives a range, the tail, and what a pattern finds, each once if asked", async () => {
    for (const code of ["'needle [1]'", "'hay'", "'needle [1]'"]) await client.execute(code);
    expect((await ask({ hist_access_type: "tail", n: 2 })).map(([, , code]) => code)).toEqual([
      "'hay'",
      "'needle [1]'",
    ]);
    const search = { hist_access_type: "search", pattern: "'needle [[]?]*", n: 10 };
    expect(await ask({ ...search, pattern: "'needle [?]*" })).toHaveLength(2);
    expect(await ask({ ...search, pattern: "'needle [?]*", unique: true })).toHaveLength(1);
    const [, line] = (await ask({ hist_access_type: "tail", n: 1 }))[0]!;
    expect(await ask({ hist_access_type: "range", session: 0, start: line - 1, stop: line + 1 })).toEqual([
      [0, line - 1, "'hay'"],
      [0, line, "'needle [1]'"],
    ]);
    expect((await ask({ hist_access_type: "tail", n: 1, output: true }))[0]![2]).toEqual(["'needle [1]'", null]);
  });

  it("outlives the kernel, in a file that only the user may read", async () => {
    const other = await startKernel();
    try {
      await other.client.execute("'other session'");
      const tail = await ask({ hist_access_type: "tail", n: 2 }, other.client);
      expect(tail.map(([, , code]) => code)).toEqual(["'needle [1]'", "'other session'"]);
      const [session] = tail[0]!;
      expect((await ask({ hist_access_type: "range", session: -1, start: 1 }, other.client)).at(-1)).toEqual([
        -1,
        tail[0]![1],
        "'needle [1]'",
      ]);
      expect((await ask({ hist_access_type: "range", session, start: 1 }, other.client)).at(-1)![2]).toBe(
        "'needle [1]'",
      );
    } finally {
      await other.stop();
    }
    expect(statSync(history).mode & 0o077).toBe(0);
  });
});

describe("a history file that is none", () => {
  it("is left as it is, and the session's own inputs are kept", async () => {
    const broken = path.join(folder, "broken.sqlite");
    writeFileSync(broken, "this is no database, and long enough to be told from an empty one".repeat(20));
    const other = await KernelProcess.start(sourceKernel({ cwd: folder, env: { BRAID_HISTORY: broken } }));
    try {
      await other.client.execute("'kept in memory'");
      const { content } = await other.client.request("shell", "history_request", { hist_access_type: "tail", n: 5 });
      expect(content).toMatchObject({ status: "ok", history: [[1, 1, "'kept in memory'"]] });
      expect(readFileSync(broken, "utf8")).toMatch(/^this is no database/);
    } finally {
      await other.stop();
    }
  });
});

describe("the channels", () => {
  it("answer kernel_info on control as on shell, and usage with the threads' memory", async () => {
    for (const channel of ["shell", "control"] as const) {
      const { content } = await client.request(channel, "kernel_info_request");
      expect(content).toMatchObject({ status: "ok", implementation: "braid", language_info: { name: "typescript" } });
    }
    const usage = async () => (await client.request("control", "usage_request")).content as Record<string, number>;
    const before = await usage();
    expect(before["kernel_memory"]).toBeGreaterThan(50e6);
    await client.execute(`
      import { Worker } from "node:worker_threads"
      const spinner = new Worker("let kept = new Uint8Array(80e6).fill(1); while (kept.length) {}", { eval: true })
      await new Promise((resolve) => setTimeout(resolve, 500))`);
    const during = await usage();
    expect(during["kernel_memory"]! - before["kernel_memory"]!).toBeGreaterThan(60e6);
    expect(during["kernel_cpu"]).toBeGreaterThan(20);
    await client.execute("await spinner.terminate()");
  });

  it("survive what is malformed, and ignore what is signed with another key", async () => {
    const foreign = new Wire("another key").encode({
      type: "execute_request",
      content: { code: "globalThis.hacked = 1" },
    });
    const good = client.wire.encode({ type: "execute_request", content: { code: "globalThis.hacked = 1" } });
    const broken = [
      foreign,
      ["<IDS|MSG>"],
      ["no delimiter at all"],
      [],
      [...good.slice(0, 5), "{not json"],
      good.slice(0, 4),
      client.wire.encode({ type: "no_such_request", content: {} }),
      client.wire.encode({ type: "execute_request", content: [] }),
      client.wire.encode({ type: "complete_request", content: { code: 3, cursor_pos: "x" } }),
      client.wire.encode({ type: "inspect_request", content: {} }),
      client.wire.encode({ type: "comm_msg", content: { comm_id: "none", data: null } }),
      client.wire.encode({ type: "history_request", content: { hist_access_type: "range", start: "x", stop: {} } }),
    ];
    for (const channel of ["shell", "control"] as const)
      for (const frames of broken)
        if (frames.length > 0) await client.sendFrames(channel, frames as (string | Buffer)[]);
    expect((await client.execute("typeof (globalThis as any).hacked")).result).toBe("'undefined'");
    expect(await client.beat()).toBeLessThan(5000);
  });

  it("serve two front ends at once: both see everything, each gets its own replies", async () => {
    const other = new Client(client.connection);
    try {
      await other.subscribed();
      const seen: string[] = [];
      const stop = other.on((channel, { header, parentHeader }) =>
        seen.push(`${channel} ${header.msg_type} ${parentHeader.session === client.wire.session}`),
      );
      const [mine, theirs] = await Promise.all([client.execute("'mine'"), other.execute("'theirs'")]);
      stop();
      expect([mine.result, theirs.result]).toEqual(["'mine'", "'theirs'"]);
      expect(seen).toContain("iopub execute_result true");
      expect(seen.filter((line) => line.startsWith("shell"))).toEqual(["shell execute_reply false"]);
    } finally {
      other.close();
    }
  });

  it("count characters as Jupyter does behind astral ones", async () => {
    const code = "const s = '😀😀'; s.toUpp";
    const { content } = await client.request("shell", "complete_request", {
      code,
      cursor_pos: Array.from(code).length,
    });
    expect(content["matches"]).toContain("toUpperCase");
    expect([content["cursor_start"], content["cursor_end"]]).toEqual([18, 23]);
  });

  it("listen where the connection file says and nowhere else; the key is nowhere to be seen", async () => {
    const pids = [kernel.child.pid!, ...descendants(kernel.child.pid)];
    const ports = Object.entries(client.connection)
      .filter(([name]) => name.endsWith("_port"))
      .map(([, port]) => Number(port));
    if (process.platform === "linux") {
      const inodes = new Set(
        pids.flatMap(
          (pid) => execFileSync("ls", ["-l", `/proc/${pid}/fd`], { encoding: "utf8" }).match(/socket:\[\d+\]/g) ?? [],
        ),
      );
      const listening = readFileSync("/proc/net/tcp", "utf8")
        .split("\n")
        .concat(readFileSync("/proc/net/tcp6", "utf8").split("\n"))
        .map((line) => line.trim().split(/\s+/))
        .filter((fields) => fields[3] === "0A" && inodes.has(`socket:[${fields[9]}]`))
        .map((fields) => fields[1]!.split(":"));
      expect(listening.map(([, port]) => Number.parseInt(port!, 16)).toSorted(byNumber)).toEqual(
        ports.toSorted(byNumber),
      );
      expect(listening.every(([address]) => address === "0100007F")).toBe(true);
      for (const pid of pids) {
        expect(readFileSync(`/proc/${pid}/cmdline`, "utf8")).not.toContain(client.connection.key);
        expect(readFileSync(`/proc/${pid}/environ`, "utf8")).not.toContain(client.connection.key);
      }
    }
    expect(
      (await client.execute("JSON.stringify([process.env, process.argv, process.execArgv])")).result,
    ).not.toContain(client.connection.key);
    expect(kernel.log()).not.toContain(client.connection.key);
  });
});

describe("a process that dies", () => {
  const deaths = {
    "process.exit(3)": "exit code 3",
    "process.abort()": "SIGABRT",
    "process.kill(process.pid, 'SIGSEGV'); while (true) {}": "SIGSEGV",
    "process.kill(process.pid, 'SIGKILL'); while (true) {}": "SIGKILL",
  };
  for (const [code, why] of Object.entries(deaths)) {
    it(`${code.split(";")[0]}: the cell says so, the next one runs and is told what was lost`, async () => {
      await client.execute("let lost = 1");
      const { error, text } = await client.execute(`console.log("bye"); ${code}`);
      expect(error!.ename).toBe("ExecutorDied");
      expect(error!.evalue).toContain(why);
      expect(text()).toBe("bye\n");
      const next = await client.execute("1 + 1");
      expect(next.result).toBe("2");
      expect(next.text("stderr")).toMatch(/all variables are gone/);
      const after = await client.execute("lost");
      expect(after.error!.evalue).toMatch(/Cannot find name 'lost'/);
      expect(after.text("stderr")).toBe("");
    });
  }

  it("out of memory: likewise", async () => {
    const { error } = await client.execute(
      "const all: unknown[] = []; while (true) all.push(new Array(1e6).fill(0).map((_, i) => ({ i })))",
      {},
      { timeoutMs: 100_000 },
    );
    expect(error!.ename).toBe("ExecutorDied");
    expect(error!.evalue).toMatch(/out of memory/);
    expect((await client.execute("'alive'")).result).toBe("'alive'");
  });

  it("a worker thread that exits, fails or runs out of memory ends alone", async () => {
    const { result } = await client.execute(`
      import { Worker as Thread } from "node:worker_threads"
      const fate = (code: string, options = {}) => new Promise((resolve) => {
        let error = ""
        new Thread(code, { eval: true, ...options }).on("error", (e) => (error = (e as { code?: string }).code ?? e.message)).on("exit", (exit) => resolve([exit, error].join(" ")))
      })
      await Promise.all([fate("process.exit(5)"), fate("throw new Error('thrown')"), fate("let a = []; while (true) a.push(new Array(1e5).fill({}))", { resourceLimits: { maxOldGenerationSizeMb: 20 } })])`);
    expect(result).toBe("[ '5 ', '1 thrown', '1 ERR_WORKER_OUT_OF_MEMORY' ]");
  });

  it("between two cells: told under the last one and to the next", async () => {
    await client.execute("let gone = 1; setTimeout(() => process.exit(4), 20)");
    const notice = await client.next((_, { content }) => content["name"] === "stderr");
    expect(notice.content["text"]).toMatch(/exit code 4.*all variables are gone/);
    expect((await client.execute("2")).text("stderr")).toMatch(/all variables are gone/);
  });
});

it("writes a connection's file name only: an unreadable file is told in a sentence", () => {
  const bad = path.join(folder, "bad.json");
  writeFileSync(bad, "{");
  const run = (file: string) => {
    try {
      execFileSync(process.execPath, ["--no-warnings", "--conditions=braid-source", main, file], {
        encoding: "utf8",
        stdio: "pipe",
      });
    } catch (error) {
      return String((error as { stderr: string }).stderr);
    }
    return "";
  };
  expect(run(path.join(folder, "none.json"))).toMatch(/^expected a connection file, got .*none\.json: ENOENT/);
  expect(run(bad)).toMatch(/^expected a connection file, got .*bad\.json: .*JSON/);
});

describe("the language side", () => {
  const errorOf = async (code: string, metadata: Record<string, unknown> = {}) =>
    (await client.execute(code, {}, { metadata })).error?.evalue;

  it("suggests the import of a name that is missing", async () => {
    expect(await errorOf("readFileSync('x')")).toMatch(
      /TS2304: Cannot find name 'readFileSync'\. Try: import \{ readFileSync \} from "node:fs"/,
    );
    expect(await errorOf("new Pool()")).toMatch(/Try: import \{ Pool \} from "braid"/);
  });

  it("tells first and last of a long explanation, and cuts long types", async () => {
    const message = await errorOf(
      "const deep: { a: { b: { c: { d: number } } } } = { a: { b: { c: { d: 1 } } } }; declare const wrong: { a: { b: { c: { d: string } } } }; const again: typeof deep = wrong",
    );
    expect(message!.split("\n")).toHaveLength(2);
    expect(message).toMatch(/is not assignable to type[^]*Type 'string' is not assignable to type 'number'/);
  });

  it("gives types, documentation and, between the brackets of a call, its signature", async () => {
    const inspect = async (code: string, cursor_pos: number) =>
      String(
        (
          (await client.request("shell", "inspect_request", { code, cursor_pos, detail_level: 0 })).content[
            "data"
          ] as never
        )["text/markdown"],
      );
    expect(await inspect("Math.max", 7)).toMatch(/max\(\.\.\.values: number\[\]\): number[^]*Returns the larger/);
    expect(await inspect("Math.max(1, )", 12)).toMatch(/max\(\.\.\.values: number\[\]\)[^]*\*\*\.\.\.values/);
  });

  it("forgets what a cell no longer declares: run again without it, or deleted", async () => {
    expect(await errorOf("const first = 1; const second = 2", { cellId: "a" })).toBeUndefined();
    expect(await errorOf("const first = 1", { cellId: "a" })).toBeUndefined();
    expect(await errorOf("first")).toBeUndefined();
    expect(await errorOf("second")).toMatch(/Cannot find name 'second'/);
    expect(await errorOf("1", { cellId: "b", deletedCells: ["a"] })).toBeUndefined();
    expect(await errorOf("first")).toMatch(/Cannot find name 'first'/);
  });

  it("stops a cell for a type error, tells of it, or does not look, as the notebook says", async () => {
    const wrong = "const n: number = 'text'; n";
    expect(await errorOf(wrong)).toMatch(/TS2322/);
    await client.execute(`import { typeCheck } from "braid/notebook"; typeCheck("warn")`);
    const warned = await client.execute(wrong);
    expect([warned.result, warned.error]).toEqual(["'text'", undefined]);
    expect(warned.text("stderr")).toMatch(/Warning[^]*:1:7 - TS2322/);
    await client.execute(`typeCheck("off")`);
    expect((await client.execute(wrong)).messages.filter(({ header }) => header.msg_type === "stream")).toEqual([]);
    expect(await errorOf(`typeCheck("loud" as any)`)).toMatch(/expected "error", "warn" or "off", got 'loud'/);
    await client.execute(`typeCheck("error")`);
    expect(await errorOf("// @ts-nocheck\nconst unchecked: number = 'text'")).toBeUndefined();
  });

  it("knows what unchecked cells declare, however many come at once", async () => {
    const other = await KernelProcess.start(sourceKernel({ cwd: folder, env: { BRAID_TYPE_CHECK: "off" } }));
    try {
      const cells = Array.from({ length: 40 }, (_, i) => other.client.execute(`const a${i} = ${i}`));
      expect((await Promise.all(cells)).flatMap(({ error }) => error ?? [])).toEqual([]);
      await other.client.execute(`import { typeCheck } from "braid/notebook"; typeCheck("error")`);
      expect((await other.client.execute("const y: number = 'rejected'")).error!.evalue).toMatch(/TS2322/);
      await other.client.execute("// @ts-nocheck\nconst y: string = 'text'");
      expect((await other.client.execute("y.toUpperCase() + a0 + a39")).result).toBe("'TEXT039'");
    } finally {
      await other.stop();
    }
  });

  it("lets a global come back when the cell that took its name is changed or deleted", async () => {
    const other = await KernelProcess.start(sourceKernel({ cwd: folder }));
    const run = async (code: string, metadata = {}) => {
      const { result, error } = await other.client.execute(code, {}, { metadata });
      return result ?? error?.evalue;
    };
    try {
      await run("const fetch = 3", { cellId: "a" });
      expect(await run("fetch")).toBe("3");
      await run("const fetched = 3", { cellId: "a" });
      expect(await run("typeof fetch")).toBe("'function'");
      await run("class URL {}", { cellId: "b" });
      expect(await run("URL.name + new URL().constructor.name")).toBe("'URLURL'");
      expect(await run("new URL('http://x/y').pathname", { cellId: "c", deletedCells: ["b"] })).toBe("'/y'");
      expect(
        await run(
          "declare const require: any; declare const process: { pid: number }; require('node:fs') && process.pid > 0",
        ),
      ).toBe("true");
      expect(await run("process.pid > 0")).toBe("true");
      await run(
        "const atob = 5; namespace N { export const atob = 1 } class P { constructor(public atob: number) {} } enum E { atob = 1, b = atob + 1 }",
      );
      expect(await run("[N.atob, new P(3).atob, E.b, atob]")).toBe("[ 1, 3, 2, 5 ]");
    } finally {
      await other.stop();
    }
  });

  it("imports JSON, WebAssembly, and packages from the notebook's folder upwards", async () => {
    mkdirSync(path.join(folder, "node_modules", "local-package"), { recursive: true });
    writeFileSync(
      path.join(folder, "node_modules", "local-package", "package.json"),
      '{"name":"local-package","main":"i.js","types":"i.d.ts"}',
    );
    writeFileSync(path.join(folder, "node_modules", "local-package", "i.js"), "exports.answer = 42");
    writeFileSync(path.join(folder, "node_modules", "local-package", "i.d.ts"), "export const answer: number");
    writeFileSync(path.join(folder, "data.json"), '{"list":[1,2]}');
    writeFileSync(
      path.join(folder, "add.wasm"),
      Buffer.from("AGFzbQEAAAABBwFgAn9/AX8DAgEABwcBA2FkZAAACgkBBwAgACABags=", "base64"),
    );
    const { result, error } = await client.execute(`
      import data from "./data.json"
      import same from "./data.json" with { type: "json" }
      import { add } from "./add.wasm"
      import { answer } from "local-package";
      [data.list.length, same.list[1], add(2, 3), answer, import.meta.dirname === __dirname]`);
    expect(error).toBeUndefined();
    expect(result).toBe("[ 2, 2, 5, 42, true ]");
  });

  it("honours a tsconfig.json beside the notebook, comments and all", async () => {
    const own = mkdtempSync(path.join(os.tmpdir(), "braid-tsconfig-"));
    writeFileSync(path.join(own, "base.json"), '{ "compilerOptions": { "strict": false } }');
    writeFileSync(
      path.join(own, "tsconfig.json"),
      '{ // loose\n "extends": "./base.json", "compilerOptions": { "noUnusedLocals": true, "paths": { "mine": ["./mine.ts"] }, }, }',
    );
    const other = await KernelProcess.start(sourceKernel({ cwd: own }));
    try {
      const loose = await other.client.execute("let unset: number = null; function any(x) { return x } any(1)");
      expect(loose.error).toBeUndefined();
      expect((await other.client.execute("const n: number = 'x'")).error!.evalue).toMatch(/TS2322/);
    } finally {
      await other.stop();
      rmSync(own, { recursive: true, force: true });
    }
  });
});

describe("a notebook written for tslab", () => {
  it("shows, replaces and tells versions by the module that it imports, and is checked as loosely as there", async () => {
    const other = await KernelProcess.start(sourceKernel({ cwd: folder }));
    const run = async (code: string) => {
      const { messages, error } = await other.client.execute(code);
      expect(error).toBeUndefined();
      return messages
        .filter(({ header }) => /display_data|execute_result|stream/.test(header.msg_type))
        .map(({ header, content }) => [header.msg_type, content["data"] ?? content["text"]]);
    };
    try {
      const kinds = `for (const kind of ["javascript", "html", "markdown", "latex", "svg", "text"] as const) tslab.display[kind](kind)`;
      expect(await run(`import * as tslab from "tslab"; ${kinds}`)).toEqual(
        Object.entries({
          "text/javascript": "javascript",
          "text/html": "html",
          "text/markdown": "markdown",
          "text/latex": "latex",
          "image/svg+xml": "svg",
          "text/plain": "text",
        }).map(([type, value]) => ["display_data", { [type]: value }]),
      );
      const binary = `for (const kind of ["png", "jpeg", "gif", "pdf"] as const) tslab.display[kind](new Uint8Array([1, 2]))`;
      expect((await run(binary)).map(([, data]) => Object.entries(data as object)[0])).toEqual(
        ["image/png", "image/jpeg", "image/gif", "application/pdf"].map((type) => [type, "AQI="]),
      );
      expect(
        await run(
          `import { newDisplay } from "tslab"; { const d = newDisplay(); d.text("1"); d.html("2"); d.raw("text/x", "3") }`,
        ),
      ).toEqual([
        ["display_data", { "text/plain": "1" }],
        ["update_display_data", { "text/html": "2" }],
        ["update_display_data", { "text/x": "3" }],
      ]);
      await run("async function train(epochs, size) { let last; return epochs * size }");
      expect(await run(`const same = require("tslab"); Object.keys(same.versions)`)).toEqual([
        ["execute_result", { "text/plain": "[ 'tslab', 'typescript', 'node' ]" }],
      ]);
      expect(
        await run("let sleep = (ms: number) => new Promise(resolve => setTimeout(resolve, ms)); sleep(5)"),
      ).toEqual([["execute_result", { "text/plain": "Promise { <pending> }" }]]);
    } finally {
      await other.stop();
    }
  });
});
