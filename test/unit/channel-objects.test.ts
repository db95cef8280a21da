// Messages that are plain objects of the same fields, or follow a schema: they are written at once where they are read from.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { Channel, ChannelFullError, spawn } from "../../lib/index.ts";

describe("objects that are alike", () => {
  const parcel = (n: number): object => ({
    id: n,
    name: `parcel ${n}`,
    at: { x: n / 2, isOn: n % 2 === 0 },
    values: [n, -n],
  });

  it("come whole and in order, with others between them, to whoever asks", async () => {
    const channel = new Channel<unknown>(Infinity);
    const sent = Array.from({ length: 300 }, (_, n) =>
      n % 7 === 0 ? [n] : n % 5 === 0 ? { other: `${n}` } : parcel(n),
    );
    sent.forEach((one, n) => (n % 3 === 0 ? channel.trySend(one) : channel.send(one)));
    await Promise.all(sent.map((one) => channel.sendAsync(one)));
    channel.close();
    expect(await spawn(() => Array.from({ length: 300 }, () => channel.recv())).joinAsync()).toEqual(sent);
    // Who comes late finds what they look like.
    expect(await spawn(() => [...channel]).joinAsync()).toEqual(sent);
  });

  it("are longer and longer, also than the memory has room for", () => {
    const channel = new Channel<object>(Infinity, { byteLength: 2 ** 20 });
    const message = (n: number): object => ({ n, text: "é".repeat(n), values: new Array<number>(n).fill(n) });
    for (let n = 0; n < 2000; n += 7) {
      channel.send(message(n));
      expect(channel.recv()).toEqual(message(n));
    }
    const sent: object[] = [];
    const fill = (): void => {
      for (;;) {
        channel.send(message(sent.length));
        sent.push(message(sent.length));
      }
    };
    expect(fill).toThrow(ChannelFullError);
    for (const one of sent) expect(channel.recv()).toEqual(one);
    expect(channel.tryRecv()).toEqual({ ok: false, closed: false });
  });

  it("may send something themselves while they are written", () => {
    for (const options of [{}, { schema: { id: "i32", inner: "f64[]" } }]) {
      const channel = new Channel<{ id: number; inner: unknown[] }>(100, options);
      const plain = { id: 1, inner: [1, 2, 3] };
      for (let n = 0; n < 40; n++) channel.send(plain);
      for (let n = 0; n < 40; n++) expect(channel.recv()).toEqual(plain);
      const inner = [1, 2, 3];
      Object.defineProperty(inner, 1, { get: () => (channel.send(plain), 2), enumerable: true });
      channel.send({ id: 2, inner });
      const got = Array.from({ length: channel.length }, () => channel.recv());
      expect(got.at(-1)).toEqual({ id: 2, inner: [1, 2, 3] });
      for (const one of got.slice(0, -1)) expect(one).toEqual(plain);
    }
  });

  it("come through where no source may be compiled", async () => {
    const script = `
      import { Channel } from "braid";
      const parcel = (n) => ({ id: n, name: "parcel " + n, at: { x: n / 2, isOn: n % 2 === 0 }, values: [n, -n] });
      const schema = { id: "i32", name: "string", at: { x: "f64", isOn: "bool" }, values: "f64[]" };
      for (const channel of [new Channel(8), new Channel(8, { schema })])
        for (let n = 0; n < 100; n++) {
          channel.send(parcel(n));
          if (JSON.stringify(channel.recv()) !== JSON.stringify(parcel(n))) throw new Error("changed");
        }
      try { new Channel(8, { schema }).send({ ...parcel(1), values: [1, ""] }) } catch (error) { console.log(error.message) }`;
    const { stdout } = await promisify(execFile)(process.execPath, [
      "--conditions=braid-source",
      "--disallow-code-generation-from-strings",
      "--disable-warning=ExperimentalWarning",
      "--input-type=module",
      "--eval",
      script,
    ]);
    expect(stdout).toBe('Expected message.values[1] to be a number (f64), got "".\n');
  });
});
