import { readFileSync } from "node:fs";
import os, { cpus } from "node:os";
import * as path from "node:path";
import vm from "node:vm";
import { afterAll, describe, expect, it } from "vitest";
import { move, Pool, shared, ship } from "../../lib/index.ts";

const pool = new Pool({ threads: 1 });
afterAll(() => pool.close());

const k = 5;
const even = (n: number): boolean => n === 0 || odd(n - 1);
function odd(n: number): boolean {
  return n !== 0 && even(n - 1);
}

class Shape {
  static unit = 2;
  static made: string[] = [];
  width: number;
  constructor(width: number) {
    this.width = width;
  }
  area(): number {
    return this.width * k;
  }
  get double(): number {
    return this.width * 2;
  }
  static of(width: number): Shape {
    return new this(width);
  }
}
class Square extends Shape {
  override area(): number {
    return super.area() + Square.unit;
  }
  *[Symbol.iterator](): Generator<number> {
    yield this.width;
  }
}
class Failure extends RangeError {
  readonly detail: { deep: number[] };
  constructor(deep: number[]) {
    super("the work failed");
    this.detail = { deep };
  }
}

describe("a closure takes along", () => {
  it("consts, functions that call each other, factory closures", async () => {
    const times = (n: number) => (x: number) => x * n + k;
    const list = [times(2), times(10)];
    expect(await pool.run((x: number) => list.map((f) => f(x)), 3)).toEqual([11, 35]);
    expect(await pool.run((x: number) => [even(x), odd(x)], 7)).toEqual([false, true]);
  });

  it("classes: inheritance, super, statics, accessors, instances, iterators", async () => {
    Shape.made.push("here");
    const square = new Square(4);
    const seen = await pool.run(() => {
      const other = Square.of(3);
      return [square.area(), square.double, square instanceof Shape, other instanceof Square, [...square], Shape.made];
    });
    expect(seen).toEqual([22, 8, true, true, [4], ["here"]]);
  });

  it("classes that extend what they did when they were made, whatever the name says now", async () => {
    let Base: any = class {
      hi(): string {
        return "v1";
      }
    };
    const names = { Base };
    const mixin = (Parent: any): any =>
      class extends Parent {
        mixed = true;
      };
    class Plain extends Base {}
    class Uses extends Base {
      other(): string {
        return new Base().hi() as string;
      }
    }
    class Member extends names.Base {}
    class Mixed extends mixin(Base) {
      static place = new Error("here").stack!.split("\n")[1]!.replace(/.*:(\d+:\d+).*/, "$1");
      where(): string {
        return new Error("where").stack!.split("\n")[1]!.replace(/.*:(\d+:\d+).*/, "$1");
      }
    }
    const objects = [new Plain(), new Uses(), new Member(), new Mixed()] as any[];
    const seen = (): unknown => [objects.map((o) => o.hi()), objects[1].other(), objects[0] instanceof Base];
    expect(await pool.run(seen)).toEqual([["v1", "v1", "v1", "v1"], "v1", true]);
    Base = class {
      hi(): string {
        return "v2";
      }
    };
    names.Base = Base;
    await using fresh = new Pool({ threads: 1 });
    for (const one of [pool, fresh]) {
      expect(await one.run(seen)).toEqual([["v1", "v1", "v1", "v1"], "v2", false]);
      expect(await one.run(() => [objects[3].mixed, objects[3].where()])).toEqual([true, objects[3].where()]);
    }
    // On from a thread to one inside of it, and home again.
    const back = await fresh.run(async () => {
      const { Pool } = await import("../../lib/index.ts");
      await using inner = new Pool({ threads: 1 });
      return [await inner.run(() => objects.map((o) => o.hi())), objects[3]] as const;
    });
    expect(back[0]).toEqual(["v1", "v1", "v1", "v1"]);
    expect(back[1]).toBeInstanceOf(Mixed);
  });

  it("however deep: functions that capture functions, objects that hold them", async () => {
    let chain: () => number = () => 0;
    let list: { f: () => number; next: unknown } | undefined;
    for (let i = 0; i < 5000; i++) {
      const inner = chain;
      // Not each calls the next, or the stack of the thread would be the limit.
      chain = i % 10 === 0 ? () => (typeof inner === "function" ? 7 : 0) : () => inner();
      list = { f: () => k, next: list };
    }
    expect(await pool.run(chain)).toBe(chain());
    const length = await pool.run(() => {
      let n = 0;
      for (let at: any = list; at; at = at.next) n += at.f();
      return n;
    });
    expect(length).toBe(25000);
    const back = await pool.run((l: unknown) => l as typeof list, list);
    let deep = 0;
    for (let at: any = back; at; at = at.next) deep++;
    expect(deep).toBe(5000);
  });

  it("what the static fields of a class need, before it is made", async () => {
    const table = { base: 2, log: [] as string[], twice: (n: number): number => n * table.base };
    const helper = (n: number): number => table.twice(n) + k;
    class Static {
      static value = helper(10);
      static {
        table.log.push("made");
      }
    }
    const registry = { kinds: [Static], helper };
    table.log.length = 0;
    expect(await pool.run(() => [registry.kinds[0] === Static, Static.value, registry.helper(1), table.log])).toEqual([
      true,
      25,
      7,
      ["made"],
    ]);
  });

  it("and an instance that comes home is one of the class here", async () => {
    const back = await pool.run((width: number) => new Square(width), 9);
    expect(back).toBeInstanceOf(Square);
    expect(back.area()).toBe(47);
    // The second time the thread has the class already, and sees what has become of its statics.
    Shape.unit = 100;
    expect(await pool.run((s: Square) => s.area(), new Square(1))).toBe(105);
    Shape.unit = 2;
  });

  it("functions sent there and back are the same again", async () => {
    const echo = await pool.run((f: typeof odd) => ({ f, again: [f] }), odd);
    expect(echo.f).toBe(odd);
    expect(echo.again[0]).toBe(odd);
  });

  it("object methods, accessors, computed names, generators, async functions", async () => {
    const key = "made" + k;
    const ops = {
      base: 100,
      add(x: number): number {
        return this.base + x;
      },
      get twice(): number {
        return this.base * 2;
      },
      [key](): string {
        return "computed";
      },
    };
    function* count(n: number): Generator<number> {
      for (let i = 0; i < n; i++) yield i;
    }
    const later = async (x: number): Promise<number> => (await Promise.resolve(), x);
    const all = await pool.run(async () =>
      [ops.add(1), ops.twice, (ops as never)["made5"], [...count(3)], await later(4)].map((x) =>
        typeof x === "function" ? (x as () => unknown)() : x,
      ),
    );
    expect(all).toEqual([101, 200, "computed", [0, 1, 2], 4]);
  });

  it("built-in modules, however they are imported, and globals by name", async () => {
    const seen = await pool.run(() => [
      typeof os.cpus()[0],
      cpus().length,
      path.join("a", "b"),
      readFileSync(process.execPath).length > 0,
      Math.max(1, 2),
      structuredClone([1]),
    ]);
    expect(seen).toEqual(["object", os.cpus().length, "a/b", true, 2, [1]]);
    const { max } = Math;
    const slice = Array.prototype.slice;
    expect(await pool.run(() => [max(3, 9), slice.call([1, 2, 3], 1)])).toEqual([9, [2, 3]]);
  });

  it("data of every kind, with its identity and circles", async () => {
    const twin = { n: 1 };
    const circle: { f: () => number; self?: unknown; twins: unknown[] } = { f: () => k, twins: [twin, twin] };
    circle.self = circle;
    const data = {
      map: new Map<unknown, unknown>([[1, new Set([2])]]),
      date: new Date(0),
      re: /x+/gi,
      big: 10n ** 20n,
      bytes: new Uint8Array([1, 2]),
      nan: NaN,
      minus: -0,
      none: undefined,
    };
    const back = await pool.run(
      (d: typeof data) => ({ d, ok: circle.self === circle && circle.twins[0] === circle.twins[1], k: circle.f() }),
      data,
    );
    expect(back.ok).toBe(true);
    expect(back.k).toBe(5);
    expect(back.d).toEqual(data);
    expect(Object.is(back.d.minus, -0)).toBe(true);
    class Words extends Map<string, number> {
      total(): number {
        return [...this.values()].reduce((a, b) => a + b, 0);
      }
    }
    const words = new Words([
      ["a", 1],
      ["b", 2],
    ]);
    expect(await pool.run(() => [words.total(), words instanceof Map, new TextEncoder().encode("ä").length])).toEqual([
      3,
      true,
      2,
    ]);
    const url = new URL("http://a.b/c");
    const buffer = Buffer.from("hello");
    expect(await pool.run(() => url.pathname + buffer.toString("hex"))).toBe("/c68656c6c6f");
  });

  it("shared memory as the same memory, moved memory without a copy", async () => {
    const cells = shared(Int32Array, 2);
    await pool.run(() => void Atomics.add(cells, 1, 7));
    expect(cells[1]).toBe(7);
    const data = new Float64Array([1, 2, 3]);
    expect(
      await pool.run((xs: Float64Array) => [xs.constructor === Float64Array, xs.length, xs[2]], move(data)),
    ).toEqual([true, 3, 3]);
    expect(data.length).toBe(0);
    const back = await pool.run(() => move(new Uint8Array(5)));
    expect(back).toBeInstanceOf(Uint8Array);
    expect(back.length).toBe(5);
  });

  it("user types by the ship hook", async () => {
    const fetched = await pool.run((box: { value: number }) => box.value, new Hooked(20));
    expect(fetched).toBe(21);
  });

  it("names, so that they can be read in charts", async () => {
    const named = (): string => "x";
    function Declared(): void {}
    const anonymous = ((f: unknown) => f)(() => 1) as () => number;
    expect(await pool.run(() => [named.name, Declared.name, anonymous.name, Shape.name])).toEqual([
      "named",
      "Declared",
      "",
      "Shape",
    ]);
  });
});

class Hooked {
  readonly #value: number;
  constructor(value: number) {
    this.#value = value;
  }
  [ship](): unknown {
    return {
      module:
        "data:text/javascript," +
        encodeURIComponent(`export const box = { [Symbol.for("braid.unship")]: (n) => ({ value: n + 1 }) }`),
      export: "box",
      data: this.#value,
    };
  }
  get value(): number {
    return this.#value;
  }
}

describe("an error that a task throws", () => {
  it("keeps its class, its fields and its cause", async () => {
    const thrown = await pool
      .run(() => {
        throw new Failure([1, 2]);
      })
      .catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(Failure);
    expect(thrown).toBeInstanceOf(RangeError);
    expect(thrown).toMatchObject({ message: "the work failed", detail: { deep: [1, 2] } });
    const caused = await pool
      .run(() => {
        throw new TypeError("outer", { cause: new Failure([]) });
      })
      .catch((error: unknown) => error as Error);
    expect(caused).toBeInstanceOf(TypeError);
    expect(caused.cause).toBeInstanceOf(Failure);
    const system = await pool.run(() => readFileSync("/does/not/exist")).catch((error: unknown) => error);
    expect(system).toBeInstanceOf(Error);
    expect(system).toMatchObject({ code: "ENOENT", path: "/does/not/exist" });
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors
    await expect(pool.run(() => Promise.reject(7 as never))).rejects.toBe(7);
  });

  it("has the stack of where it was written, and one line for the thread", async () => {
    // A script at a place that is known: line 11, column 5 and on.
    const source =
      "(function make() { const c = 1;\n  const fail = function () {\n    throw new Error('here' + c) };\n  return { fail, arrow: () => { throw new Error('there' + c) },\n meth(a) { fail(a) } } })()";
    const { fail, arrow, meth } = vm.runInThisContext(source, {
      filename: "cell-7.ts",
      lineOffset: 10,
      columnOffset: 4,
    }) as Record<string, () => void>;
    const frames = async (f: () => void): Promise<string[]> => {
      const error = await pool.run(f).catch((error: unknown) => error as Error);
      const here = (() => {
        try {
          f();
        } catch (e) {
          return e as Error;
        }
      })()!;
      const cut = (stack: string): string[] => stack.split("\n").filter((line) => line.includes("cell-7.ts"));
      const lines = error!.stack!.split("\n");
      expect(lines.at(-1)).toMatch(/^ {4}at thread \d+$/);
      expect(lines.slice(1, -1).every((line) => line.includes("cell-7.ts"))).toBe(true);
      expect(cut(error!.stack!).map((line) => /cell-7.*\d/.exec(line)![0])).toEqual(
        cut(here.stack!).map((line) => /cell-7.*\d/.exec(line)![0]),
      );
      return lines;
    };
    expect((await frames(fail!))[1]).toContain("cell-7.ts:13:11");
    await frames(arrow!);
    expect((await frames(meth!)).length).toBe(4);
  });
});
