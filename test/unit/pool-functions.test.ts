// Functions that threads know by number: which are taken for the same, and which must not be.

import { afterAll, describe, expect, it } from "vitest";
import { Pool } from "../../lib/index.ts";
import { SharedFunctions } from "../../lib/pool/shared-functions.ts";

const pool = new Pool({ threads: 1 });
afterAll(() => pool.close());

describe("functions of equal text", () => {
  const global = (): (() => number) => () => parseInt("7");
  const captured = (): (() => number) => {
    const parseInt = (text: string): number => Number(text) * 100;
    return () => parseInt("7");
  };

  it("are what they capture, whatever ran before them", async () => {
    for (let i = 0; i < 6; i++) expect(await pool.run(global())).toBe(7);
    for (let i = 0; i < 6; i++) expect(await pool.run(captured())).toBe(700);
    expect(await pool.run(global())).toBe(7);
    const of =
      (k: unknown): (() => unknown) =>
      () =>
        k;
    for (let k = 0; k < 8; k++) expect(await pool.run(of(k))).toBe(k);
  });

  it("have one number from the fourth on, where nothing tells them apart", () => {
    const functions = new SharedFunctions(() => {});
    const make = (): (() => number) => () => 1;
    const numbers = Array.from({ length: 6 }, () => functions.numberOf(make()));
    expect(numbers).toEqual([1, 2, 3, 3, 3, 3]);
    const others = Array.from({ length: 6 }, () => functions.numberOf(global()));
    expect(others).toEqual([4, 5, 6, 6, 6, 6]);
    expect(functions.numberOf(captured())).toBe(0);
    expect(functions.wireOf(3)).toBeDefined();
    expect(functions.wireOf(7)).toBeUndefined();
  });

  it("are others by another name or property, and with `this` of their own", () => {
    const functions = new SharedFunctions(() => {});
    const one = (): number => 5;
    const two = (): number => 5;
    expect(functions.numberOf(one)).toBe(1);
    expect(functions.numberOf(one)).toBe(1);
    expect(functions.numberOf(two)).toBe(2);
    for (let i = 0; i < 5; i++) expect(functions.numberOf(Object.assign(() => 5, { i }))).toBe(0);
    const bound = function (this: unknown): () => unknown {
      return () => this;
    };
    for (let i = 0; i < 5; i++) expect(functions.numberOf(bound.call({ i }))).toBe(0);
  });
});

it("functions that capture or name what is nowhere have no number, natives have", () => {
  const functions = new SharedFunctions(() => {});
  const k = Math.random();
  expect(functions.numberOf(() => k)).toBe(0);
  expect(functions.numberOf(() => undefinedSomewhere)).toBe(0);
  expect(functions.numberOf(Math.max)).toBe(1);
  expect(functions.numberOf(Math.max)).toBe(1);
});
declare const undefinedSomewhere: unknown;

it("a thread that comes later knows them, and errors keep their class and words", async () => {
  await using other = new Pool({ threads: 1 });
  const double = (n: number): number => n * 2;
  expect(await other.run(double, 1)).toBe(2);
  const dying = other.run(() => process.exit(4));
  await expect(dying).rejects.toMatchObject({ exitCode: 4 });
  expect(await other.run(double, 2)).toBe(4);
  other.resize(3);
  expect(await Promise.all([3, 4, 5, 6, 7, 8].map((n) => other.run(double, n)))).toEqual([6, 8, 10, 12, 14, 16]);
  const bad = (n: number): never => {
    throw new RangeError(`no ${n}`);
  };
  await expect(other.run(bad, 5)).rejects.toThrow(new RangeError("no 5"));
});
