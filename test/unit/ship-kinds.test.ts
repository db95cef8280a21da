// What arrives is what was sent: holes, properties beside the items, kinds and shared memory. Getters are sent, not run.

import { runInNewContext } from "node:vm";
import { afterAll, describe, expect, it } from "vitest";
import { move, Pool } from "../../lib/index.ts";

const pool = new Pool({ threads: 1 });
afterAll(() => pool.close());

class Point {
  x: number;
  constructor(x: number) {
    this.x = x;
  }
  twice(): number {
    return this.x * 2;
  }
}
const there = (value: unknown): Promise<any> => pool.run((it) => it, value as object);

describe.each([
  ["plain", 1],
  ["with a function", () => 1],
  ["with an instance", new Point(1)],
])("an array %s", (_, first) => {
  it("keeps its holes and its length", async () => {
    const sent: unknown[] = [];
    [sent[0], sent[2], sent.length] = [first, 3, 4];
    const came = (await there(sent)) as unknown[];
    expect([came.length, 0 in came, 1 in came, 2 in came, 3 in came]).toEqual([4, true, false, true, false]);
  });

  it.each([2, 200])("of %d items keeps other properties, and their classes", async (length) => {
    const sent = Object.assign(new Array(length).fill(first) as unknown[], { tag: "x", point: new Point(4) });
    const came = (await there(sent)) as typeof sent;
    expect([came.length, came.tag, came.point.twice()]).toEqual([length, "x", 8]);
    expect(Object.keys(came).length).toBe(length + 2);
  });
});

it("an array with holes is complete before a class that needs it is made", async () => {
  const list: Point[] = [];
  [list[0], list[2]] = [new Point(1), new Point(3)];
  const K = class {
    static sum = list.reduce((sum, point) => sum + point.twice(), 0);
  };
  expect(await pool.run(() => K.sum)).toBe(8);
});

it("a subclass of Array keeps its properties", async () => {
  class Tagged extends Array<number> {
    tag = "t";
  }
  const came = (await there(Tagged.of(1, 2))) as Tagged;
  expect([came instanceof Tagged, came.length, came.tag, came[1]]).toEqual([true, 2, "t", 2]);
});

it("getters in the place of items and beside them stay getters", async () => {
  const sent = [() => 1, 2, 3];
  for (const key of ["1", "late"])
    Object.defineProperty(sent, key, { get: () => performance.now(), enumerable: true, configurable: true });
  const came = (await there(sent)) as typeof sent & { late: number };
  expect([came.length, came[2], typeof came[1], typeof came.late]).toEqual([3, 3, "number", "number"]);
  for (const key of ["1", "late"]) expect(Object.getOwnPropertyDescriptor(came, key)!.get).toBeTypeOf("function");
});

it("maps and sets keep their own properties", async () => {
  const map = await there(Object.assign(new Map([[1, 2]]), { tag: "m" }));
  const set = await there(Object.assign(new Set([1]), { point: new Point(2) }));
  expect([map.get(1), map.tag, set.has(1), set.point.twice()]).toEqual([2, "m", true, 4]);
});

it("a regular expression keeps where it is", async () => {
  const sent = /a/g;
  expect((await there(sent)).lastIndex).toBe(0);
  sent.lastIndex = 3;
  expect(await pool.run((it) => [it.source, it.flags, it.lastIndex], sent)).toEqual(["a", "g", 3]);
});

describe("a Buffer", () => {
  it("that is moved arrives as a Buffer, and this one is empty", async () => {
    const sent = Buffer.from(new ArrayBuffer(8));
    sent[2] = 7;
    const came = await pool.run((it) => [Buffer.isBuffer(it), it.length, it[2]], move(sent));
    expect(came).toEqual([true, 8, 7]);
    expect(sent.length).toBe(0);
  });

  it("over shared memory shares it", async () => {
    const sent = Buffer.from(new SharedArrayBuffer(8), 4, 2);
    await pool.run((it) => void (it[1] = 9), sent);
    expect([...sent]).toEqual([0, 9]);
  });

  it("of common memory is copied, without its neighbours", async () => {
    const sent = Buffer.from("abc");
    expect(await pool.run((it) => [it.toString(), it.buffer.byteLength], sent)).toEqual(["abc", 3]);
  });
});

it("an error whose class has #private fields comes as the nearest class without any", async () => {
  class Open extends RangeError {
    code = 5;
  }
  class Private extends Open {
    #secret = 1;
    get secret(): number {
      return this.#secret;
    }
  }
  class Below extends Private {
    detail = "d";
  }
  const error = await pool
    .run(() => {
      throw new Below("no");
    })
    .catch((e: unknown) => e as Below);
  expect(error).toBeInstanceOf(Open);
  expect(error).not.toBeInstanceOf(Private);
  expect(error).toMatchObject({ message: "no", code: 5, detail: "d" });
  expect((error as { secret?: number }).secret).toBeUndefined();
});

it("an error of another context keeps its class by name", async () => {
  const came = await Promise.all(
    ["TypeError", "Error", "SyntaxError"].map((name) => there(runInNewContext(`new ${name}("foreign", { cause: 1 })`))),
  );
  expect(came.map((error: Error) => error.constructor)).toEqual([TypeError, Error, SyntaxError]);
  expect(came[0]).toMatchObject({ name: "TypeError", message: "foreign", cause: 1 });
});
