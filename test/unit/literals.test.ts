// The function literals that the compiler marks for the library: which, and that what it notes of them is right.

import { describe, expect, it } from "vitest";
import { compileCell } from "../../kernel/language/compile.ts";

function body(source: string): string {
  const compiled = compileCell(source);
  if (!compiled.ok) throw new Error(compiled.problems[0]!.message);
  const { declarations, body: rest } = compiled.cell;
  return `${declarations ?? ""}\n${rest ?? ""}`;
}

/** What is noted of the literals that the cell's code makes, in the order in which they are made. */
function noted(source: string): Record<string, unknown>[] {
  const found: Record<string, unknown>[] = [];
  const literal = (_: number, captures: () => Record<string, unknown>, fn: unknown): unknown => {
    found.push(captures());
    return fn;
  };
  const pool = { run: (fn: (...args: unknown[]) => unknown, ...args: unknown[]) => fn(...args), map: () => [] };
  new Function("__literal", "pool", body(source))(literal, pool);
  return found;
}

describe("function literals in parallel calls", () => {
  it("bring the local variables that they capture, as they are now", () => {
    expect(noted("for (let i = 0; i < 3; i++) { const j = i * i; pool.run(() => i + j); }")).toEqual([
      { i: 0, j: 0 },
      { i: 1, j: 1 },
      { i: 2, j: 4 },
    ]);
    expect(noted("(function (a: number, [b]: number[]) { pool.run((x: number) => x + a + b, 1); })(1, [2]);")).toEqual([
      { a: 1, b: 2 },
    ]);
    expect(noted("f(1, { b: 2 }); function f(a: number, { b }: { b: number }) { pool.run(() => a + b); }")).toEqual([
      { a: 1, b: 2 },
    ]);
    expect(noted("class C { m(a: number) { pool.run(() => a); } } new C().m(3);")).toEqual([{ a: 3 }]);
    expect(noted("try { throw 7 } catch (e) { pool.run(() => e) }")).toEqual([{ e: 7 }]);
  });

  it("don't count what is their own, the cells', or only a type", () => {
    expect(noted("const k = 1; { const x = 5; pool.run((x: number) => { const y = x + k; return y }, 1); }")).toEqual([
      {},
    ]);
    expect(noted("{ type T = number; const u = 2; pool.run((x: T): T => x as T, u); }")).toEqual([{}]);
  });

  it("use a name that is bound inside, too, in its right meaning", () => {
    expect(noted("{ const x = 5; pool.run(() => { { const x = 1; void x } return x }); }")).toEqual([{ x: 5 }]);
  });

  it("are left alone where a name may be the cells' or a local one", () => {
    expect(body("const n = 1; { const n = 2; pool.run(() => n) }")).not.toContain("__literal");
  });

  it("are only those that are passed straight to such a call", () => {
    expect(body("const f = () => 1; g(() => 2); pool.run(f); pool[run](() => 3)")).not.toContain("__literal");
    for (const name of ["spawn", "spawnBlocking", "join", "joinSync"])
      expect(body(`${name}(() => 1)`)).toContain("__literal");
    for (const name of ["parSort", "parSortSync"])
      expect(body(`${name}(numbers, (a: number, b: number) => b - a)`)).toContain("__literal");
    for (const name of ["filter", "reduce", "reduceSync", "forEach", "forEachSync", "stage"])
      expect(body(`it.${name}((x: number) => x)`)).toContain("__literal");
    expect(body("joinSync(() => 1, () => 2)").match(/__literal/g)).toHaveLength(2);
  });

  it("keep the columns of errors", () => {
    const source = "for (const i of [1]) { pool.map([i], () => i); missing() }";
    const compiled = compileCell(source);
    if (!compiled.ok) throw new Error("no cell");
    const column = compiled.cell.body!.indexOf("missing") + 1;
    expect(compiled.cell.locate(1, column)).toEqual({ line: 1, column: source.indexOf("missing") + 1 });
  });
});
