// What must and what must not compile, by the compiler itself.

import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";

const HEAD = `
import net from "node:net";
import { move, Pool, shared, ship, par, asCompleted, type Send } from "../../../lib/index.ts";
declare const pool: Pool;
class Hash { #n = 0; add(): void { this.#n++; } }
class Priv { private n = 0; get(): number { return this.n; } }
class Point { x: number; constructor(x: number) { this.x = x; } length(): number { return this.x; } }
class Hooked { #n = 0; [ship](): object { return { n: this.#n }; } }
interface Tree { value: number; kids: Tree[] }
type Json = string | number | boolean | null | Json[] | { [key: string]: Json }
declare const tree: Tree; declare const json: Json; declare const any: any; declare const unknown: unknown; declare const maybe: string | undefined;
`;

const LEGAL = [
  "const a: Promise<number> = pool.run((x: number) => x + 1, 5);",
  "const a: Promise<string> = pool.run(async (s: string, n: number) => s + n, 'a', 1);",
  "const a: Promise<void> = pool.run(() => {});",
  "pool.run((p: Point) => p.length(), new Point(1));",
  "pool.run((t: Tree) => t.kids.length, tree); pool.run((x: unknown) => x, unknown); pool.run((x: unknown) => x, any);",
  "pool.run((s: string | undefined) => s, maybe); pool.run((f: (x: number) => number) => f(1), (x) => x);",
  "pool.run((b: Float64Array) => b.length, move(new Float64Array(3))); pool.run((h: Hooked) => 1, new Hooked());",
  "pool.run((j: Json, l: Json[]) => j, json, [json]); pool.map([json], (j) => j); pool.run((t: [number, string]) => t[1], [1, 'a']);",
  "pool.run((m: Map<string, Date[]>, s: Set<bigint>) => m.size, new Map([['a', [new Date()]]]), new Set([1n]));",
  "const a: Promise<number[]> = pool.map([1, 2], (x, i) => x * i);",
  "const a: Promise<Point> = pool.run(() => new Point(1)); const b: Promise<Tree> = pool.run(async () => tree); pool.run(() => unknown);",
  "const a: Promise<Json> = pool.run(() => json); const b: Promise<Hooked> = pool.run(() => new Hooked()); pool.run(() => any);",
  "const a: Promise<(x: number) => number> = pool.run(() => (x: number) => x); pool.run(() => { throw new Error('no'); });",
  "const a: Promise<string | undefined> = pool.run(() => maybe); const b: Promise<Pool> = pool.run(() => pool);",
  "async function f<T>(x: T & Send<T>): Promise<T> { return pool.run((y: T & Send<T>) => y as never, x as never); } void f;",
  "const a: Promise<{ v: number }[]> = pool.map(new Set(['a']), async (x) => ({ v: x.length }));",
  "const a: Promise<number> = par(['a']).map((s) => s.length).filter((n, i) => n > i).sum();",
  "const a: Promise<bigint | undefined> = par([1n]).min(); const b: Promise<number | undefined> = par(new Uint8Array(2)).max();",
  "const a: Promise<number> = par([any]).sum(); const b: Promise<1 | 2 | undefined> = par<1 | 2>([1]).max(); par<number>([]).sum();",
  "const a: Promise<Int32Array> = par.range(0, 3).into(shared(Int32Array, 3));",
  "const a: Promise<number> = par(any).sum(); const b: Promise<string[]> = par(any).map((x) => `${x}`).toArray();",
  "function f<A extends Int8Array | Float64Array>(type: new (n: number) => A): A { return shared(type, 3); } void f;",
  "for await (const t of asCompleted([pool.submit(() => 1)])) { const n: number = await t.result; const s: string = t.state; }",
];

const ILLEGAL: [source: string, message: string][] = [
  [
    "pool.run((p: Promise<number>) => 1, Promise.resolve(1));",
    "a Promise settles in its own thread; await it and send the result",
  ],
  [
    "pool.run((o: { a: { p: Promise<number> } }) => 1, { a: { p: Promise.resolve(1) } });",
    "a Promise settles in its own thread",
  ],
  [
    "pool.run((w: WeakMap<object, number>) => 1, new WeakMap<object, number>());",
    "identities of its own thread's heap",
  ],
  ["pool.run((h: Hash) => 1, new Hash());", "private state can't be read"],
  ["pool.run((h: Priv) => 1, new Priv());", "private state can't be read"],
  ["pool.submit((s: net.Socket) => 1, new net.Socket());", "belongs to the thread that opened it"],
  ["pool.run((s: symbol) => 1, Symbol('u'));", "a unique symbol has its identity only in its own thread"],
  ["pool.map([new WeakSet()], () => 1);", "identities of its own thread's heap"],
  ["pool.map([{ p: Promise.resolve(1) }], () => 1);", "a Promise settles in its own thread"],
  ["pool.run(() => new WeakMap<object, number>());", "identities of its own thread's heap"],
  ["pool.run(async () => new Hash());", "private state can't be read"],
  ["pool.submit(() => ({ s: new net.Socket() }));", "belongs to the thread that opened it"],
  ["pool.map([1], () => Symbol('u') as symbol);", "a unique symbol has its identity only in its own thread"],
  ["pool.run((x: number) => x, 'a');", "not assignable"],
  ["pool.run((x: number) => x);", "Expected 2 arguments"],
  ["const a: Promise<string> = pool.run(() => 1);", "not assignable"],
  ["shared(Array, 3);", "not assignable"],
  ["par.range(0, 3).into([1]);", "not assignable"],
  ["move(5);", "not assignable"],
  ["par([1, 2, 3]).map(async (x) => x).sum();", "'Par<Promise<number>>' is not assignable"],
  ["par(['a']).sum();", "'Par<string>' is not assignable"],
  ["par([1n]).sum();", "'Par<bigint>' is not assignable"],
  ["par([1, undefined]).sum();", "is not assignable"],
  ["par([{ a: 1 }]).max();", "is not assignable"],
  ["par(['a']).min();", "is not assignable"],
  ["par([unknown]).min();", "is not assignable"],
  ["par([1, 2]).reduce((a, b) => a + b);", "Expected 2 arguments"],
];

it("says at compile time what can't cross", async () => {
  const folder = await mkdtemp(join(import.meta.dirname, ".send-"));
  try {
    const cases = [...LEGAL, ...ILLEGAL.map(([source]) => source)];
    await Promise.all(cases.map((source, n) => writeFile(join(folder, `case${n}.ts`), `${HEAD}\n${source}\n`)));
    const config = {
      extends: "../../../tsconfig.json",
      compilerOptions: { noUnusedLocals: false, noUnusedParameters: false },
      files: cases.map((_, n) => `case${n}.ts`),
      include: [],
    };
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config));
    const tsc = join(import.meta.dirname, "../../node_modules/typescript/bin/tsc");
    const output = await new Promise<string>((resolve) =>
      execFile(process.execPath, [tsc, "-p", folder, "--pretty", "false"], { maxBuffer: 1e8 }, (_, stdout) =>
        resolve(stdout),
      ),
    );
    const errors = (n: number): string =>
      output
        .split(/\n(?=\S)/)
        .filter((line) => line.includes(`case${n}.ts(`))
        .join("\n");
    for (const n of LEGAL.keys()) expect(errors(n), LEGAL[n]).toBe("");
    for (const [i, [source, message]] of ILLEGAL.entries()) {
      const error = errors(LEGAL.length + i);
      expect(error, source).toContain(message);
      // At the offending line, and not because of something before it.
      expect(error.split("\n")[0], source).toMatch(/^[^(]*\(13,/);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}, 60_000);
