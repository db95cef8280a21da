import { createServer } from "node:net";
import { MessageChannel } from "node:worker_threads";
import { afterAll, describe, expect, it } from "vitest";
import { CaptureError, move, NotSendableError, Pool } from "../../lib/index.ts";

const pool = new Pool({ threads: 1 });
afterAll(() => pool.close());

const k = 1;
let total = 0;
const weak = new WeakMap();
const promise = Promise.resolve(1);
class Private {
  #x = 1;
  get(): number {
    return this.#x;
  }
}
const hidden = new Private();
const unique = Symbol("unique");
const proxy = new Proxy({}, {});
const options = { list: [{ cache: weak }] };
const bound = function (this: unknown): unknown {
  return this;
}.bind(null);
function* numbers(): Generator<number> {
  yield 1;
}
const running = numbers();
const server = createServer();
const inner = (): number => ++total;
const pair = new MessageChannel();
afterAll(() => pair.port1.close());

async function refused(f: () => unknown): Promise<CaptureError & NotSendableError> {
  const before = pool.stats().done;
  const error = await pool.run(f as () => never).then(
    () => expect.fail("it was not refused"),
    (error: unknown) => error,
  );
  // Nothing has run: the pool did not even count it.
  expect(pool.stats().done).toBe(before);
  return error as never;
}

describe("refused before anything runs, naming the variable", () => {
  it.each<[string, () => unknown, string, RegExp]>([
    [
      "a write",
      () => (total += k),
      "total",
      /^The closure at ship-refusals\.test\.ts:\d+:\d+ writes the captured variable "total"/,
    ],
    [
      "a write in a function that it calls",
      () => inner(),
      "total",
      /^The function "inner" \(.*writes the captured variable "total"/,
    ],
    ["a WeakMap", () => weak, "weak", /"weak", which the closure at .* captures, is a WeakMap.*use a Map/],
    ["one deep inside", () => options.list, "options", /"options\.list\[0\]\.cache", which .* is a WeakMap/],
    ["a Promise", () => promise, "promise", /is a Promise.*await it/],
    ["private state", () => hidden.get(), "hidden", /of the class Private, whose #private state.*braid\.ship/],
    ["a unique symbol", () => unique, "unique", /Symbol\(unique\).*Symbol\.for/],
    ["a Proxy", () => proxy, "proxy", /a Proxy/],
    ["a bound function", () => bound(), "bound", /bound function.*arrow function/],
    ["a generator object", () => running.next(), "running", /generator object.*generator function/],
    ["a socket", () => server.address(), "server", /a?n? ?(object of the class Server|Server).*inside the function/],
    ["a port", () => pair.port1, "pair", /"pair\.port[12]"|"pair"/],
  ])("%s", async (_, f, variable, text) => {
    const error = await refused(f);
    expect(error).toBeInstanceOf(CaptureError);
    expect(error.message).toMatch(text);
    expect(error.variable).toBe(variable);
    expect(error.code).toBe("ERR_BRAID_CAPTURE");
  });

  it("a name used too early", async () => {
    const error = await refused(() => later);
    expect(error.message).toMatch(/^"later" is captured by the closure at .* before its declaration ran/);
    const later = 1;
    expect(await pool.run(() => later)).toBe(1);
  });

  it("this, arguments, super, new.target of the code around, and import.meta", async () => {
    function around(this: unknown): (() => unknown)[] {
      // eslint-disable-next-line prefer-rest-params
      return [() => this, () => arguments, () => new.target];
    }
    const names = [];
    for (const f of around.call({ x: 1 })) names.push((await refused(f)).variable);
    expect(names).toEqual(["this", "arguments", "new.target"]);
    const method = {
      m(): string {
        return super.toString();
      },
    }.m;
    expect((await refused(method)).variable).toBe("super");
  });

  it("an argument by its path, an item by its index", async () => {
    const at = async (value: unknown): Promise<string> =>
      (
        (await pool
          .run((v: unknown) => v, value)
          .catch((error: unknown) => error as NotSendableError)) as NotSendableError
      ).path;
    expect(await at({ options: { cache: weak } })).toBe("args[0].options.cache");
    expect(await at(new Map([["key", [promise]]]))).toBe('args[0].get("key")[0]');
    expect(await at(bound)).toBe("args[0]");
    const items = [1, 2, 3, 4, 5, 6, 7, weak as never];
    await expect(pool.map(items, (x) => x, { chunk: 3 })).rejects.toMatchObject({
      path: "items[7]",
      message: expect.stringMatching(/^items\[7\] is a WeakMap/) as string,
    });
    await expect(pool.run(bound as never)).rejects.toThrow("fn is a bound function");
  });

  it("a result by its path, and the thread lives on", async () => {
    const id = await pool.run(async () => (await import("node:worker_threads")).threadId);
    const error = await pool.run(() => ({ a: [new WeakSet()] }) as never).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(NotSendableError);
    expect(error).toMatchObject({ path: "result.a[0]" });
    expect(await pool.run(async () => (await import("node:worker_threads")).threadId)).toBe(id);
    const odd = await pool
      .run(() => {
        throw Object.assign(new RangeError("odd"), { p: Promise.resolve() });
      })
      .catch((error: unknown) => error as Error);
    expect((odd as Error).message).toMatch(/^RangeError: odd .*Promise/);
  });

  it("plain data that is nested too deeply, in words", async () => {
    let deep: unknown = [];
    for (let i = 0; i < 100_000; i++) deep = [deep];
    const text = /nested too deeply/;
    const error = await pool.run((x: unknown) => x === 1, deep).catch((e: unknown) => e as Error);
    expect(error).toBeInstanceOf(NotSendableError);
    expect((error as Error).message).toMatch(text);
    expect((error as Error).message).not.toMatch(/call stack/);
    await expect(pool.map([1], () => deep === 1)).rejects.toThrow(text);
    await expect(Promise.all([1, 2, 3].map(() => pool.run((x: unknown) => x, deep)))).rejects.toThrow(text);
    const back = pool.run(() => {
      let far: unknown = [];
      for (let i = 0; i < 1_000_000; i++) far = [far];
      return far;
    });
    await expect(back).rejects.toThrow(text);
    expect(await pool.run(() => 1)).toBe(1);
  });

  it("what move() can't move", () => {
    expect(() => move(new Int32Array(new SharedArrayBuffer(4)))).toThrow(/shared memory.*already sees/);
    expect(() => move({ a: 1 })).toThrow(/expects an ArrayBuffer.*got an object of class Object/);
    expect(() => move(5 as never)).toThrow(TypeError);
    const spent = new Uint8Array(4);
    structuredClone(spent, { transfer: [spent.buffer] });
    expect(() => move(spent)).toThrow(/moved already/);
    return expect(
      pool.map(
        [1, 2],
        (
          (b) => () =>
            b.length
        )(move(new Uint8Array(3))),
      ),
    ).rejects.toThrow(/several threads/);
  });
});
