import { Session } from "node:inspector";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compileCell, type CompiledCell } from "../../kernel/language/compile.ts";
import { completeness } from "../../kernel/language/syntax.ts";

function compile(source: string): CompiledCell {
  const compiled = compileCell(source);
  if (!compiled.ok) throw new Error(compiled.problems[0]!.message);
  return compiled.cell;
}

/** Evaluates cells one after the other as the executor does; gives the last value. */
const session = new Session();
beforeAll(() => session.connect());
afterAll(() => session.disconnect());

async function evaluate(...sources: string[]): Promise<unknown> {
  let value: unknown;
  for (const { declarations, body } of sources.map(compile)) {
    for (const code of [declarations, body]) {
      if (code === undefined) continue;
      value = await new Promise((resolve, reject) =>
        session.post(
          "Runtime.evaluate",
          { expression: code, replMode: true, awaitPromise: true, returnByValue: true },
          (failure, reply) => {
            const { exceptionDetails, result } = reply as {
              exceptionDetails?: { exception?: { description?: string } };
              result: { value: unknown };
            };
            if (failure ?? exceptionDetails) reject(new Error(exceptionDetails?.exception?.description));
            else resolve(result.value);
          },
        ),
      );
    }
  }
  return value;
}

describe("compileCell", () => {
  it("keeps every line where it was, in both scripts", () => {
    const source =
      "interface A {\n  x: number\n}\nfunction f(a: A): number {\n  return a.x\n}\nenum E {\n  One,\n  Two,\n}\nconst y = f({ x: 1 })\n";
    const { declarations, body } = compile(source);
    expect(declarations!.split("\n")[4]!.trim()).toBe("return a.x");
    expect(body!.split("\n")[10]!.trim()).toBe("let y = f({ x: 1 });");
  });

  it("leads a place in the compiled text back to the cell", () => {
    const source = 'import { sep } from "node:path"; const t: string = sep; missing(t)';
    const { body, locate } = compile(source);
    const column = body!.indexOf("missing") + 1;
    expect(locate(1, column)).toEqual({ line: 1, column: source.indexOf("missing") + 1 });
    const two = "function f() { return 1 } function g() { throw 2 }";
    const { declarations, locate: locateTwo } = compile(two);
    expect(locateTwo(1, declarations!.indexOf("throw") + 1)).toEqual({ line: 1, column: two.indexOf("throw") + 1 });
  });

  it("tells the names it declares and how later cells may use them", () => {
    const { names } = compile(`
      let a = 1, { b, ...c } = o; var d; const e = 2; function f() {} class G {} enum H { X } interface I {} type J = 1
      import k, { l as m } from "x"; import * as n from "y"; import type { P } from "z"; for (var q of []) { var [r] = [1] }`);
    const kinds = Object.fromEntries(names);
    expect(kinds).toEqual({
      ...{
        a: "let",
        b: "let",
        c: "let",
        d: "let",
        e: "const",
        f: "const",
        G: "const",
        H: "const",
        I: "type",
        J: "type",
      },
      ...{ k: "const", m: "const", n: "const", P: "const", q: "let", r: "let" },
    });
  });

  it("shows the value of a cell that ends with an expression only", () => {
    expect(compile("1 + 1").showsValue).toBe(true);
    expect(compile("const a = 1").showsValue).toBe(false);
    expect(compile("if (true) { 5 }").showsValue).toBe(false);
  });

  it("reports syntax errors with their place", () => {
    const compiled = compileCell("const fine = 1\nconst = 2");
    expect(compiled.ok).toBe(false);
    if (!compiled.ok) expect(compiled.problems[0]).toMatchObject({ line: 2, column: 7 });
  });

  it("does not join the lines around a function that moves to the other script", async () => {
    expect(await evaluate("const aa = 1\nfunction between() {}\n;[aa][0]\nlet bb = aa\nfunction more() {}\n(bb)")).toBe(
      1,
    );
  });

  it.each([
    ["hoisted functions", "early() + 1\nfunction early() { return 41 }", 41 + 1],
    [
      "mutual recursion",
      "function even(n: number): boolean { return n === 0 || odd(n - 1) }\nfunction odd(n: number): boolean { return n !== 0 && even(n - 1) }\neven(10)",
      true,
    ],
    [
      "an abstract class with parameter properties",
      "abstract class Base { constructor(protected readonly v: number) {} abstract get(): number }\nclass Leaf extends Base { get() { return this.v } }\nnew Leaf(7).get()",
      7,
    ],
    [
      "a class with comments and parameter properties",
      "class Commented {\n  // first\n  constructor(public url = 'http://x') {} /* last */\n}\nnew Commented().url",
      "http://x",
    ],
    [
      "enums, string and computed",
      "enum Dir { Up = 'u', Down = 'd' }\nenum Bits { A = 1 << 1, B = A | 4 }\nDir.Up + Bits.B",
      "u6",
    ],
    [
      "a namespace",
      "namespace Deep { export const v = 3; export namespace In { export const w = 4 } }\nDeep.v + Deep.In.w",
      7,
    ],
    [
      "generics, satisfies, as, non-null",
      "const id = <T,>(x: T) => x; const o = { a: 1 } satisfies Record<string, number>; id<number>(o.a as number)!",
      1,
    ],
    [
      "overloads",
      "function over(a: string): string\nfunction over(a: number): number\nfunction over(a: unknown) { return a }\nover(5)",
      5,
    ],
    [
      "var in blocks, loops and patterns",
      "if (true) { var { va } = { va: 1 } }\nfor (var vb = 0; vb < 3; vb++) {}\nfor (var [vc] of [[5]]) {}\nva + vb + vc",
      9,
    ],
    ["var twice", "var twice = 1; var twice = twice + 1; twice", 2],
    [
      "top-level await and for await",
      "let total = 0; for await (const v of [1, Promise.resolve(2)]) total += await v; total",
      3,
    ],
    ["export", "export const exported = 1; export default exported + 1; export { exported as other }; exported", 1],
    [
      "generators and async functions",
      "async function* gen() { yield 1 }\nlet got = 0; for await (const v of gen()) got = v; got",
      1,
    ],
    ["strict mode", "(function () { return this === undefined })()", true],
    [
      "types that look like code",
      "type T = { a: string }[]\ndeclare const nothing: T\ndeclare function alsoNothing(): void\n1",
      1,
    ],
  ])("runs %s", async (_what, source, value) => {
    expect(await evaluate(source)).toBe(value);
  });

  it("binds late and lets any kind follow any other", async () => {
    await evaluate("let lx = 1; function linc() { lx++; return lx }");
    expect(await evaluate("lx = 10; linc()")).toBe(11);
    for (const again of [
      "const lx = 1",
      "class lx {}",
      "function lx() {}",
      "enum lx { A }",
      "var lx = 1",
      "let lx = 5",
    ])
      await evaluate(again);
    expect(await evaluate("linc()")).toBe(6);
  });
});

describe("completeness", () => {
  it.each([
    ["const a = 1", "complete"],
    ["", "complete"],
    ["function f() {", "incomplete"],
    ["const a =", "incomplete"],
    ["foo(1,", "incomplete"],
    ["const t = `open ${1}", "incomplete"],
    ["/* open", "incomplete"],
    ["const = 3", "invalid"],
    ["let s = 'open\n1", "invalid"],
  ])("judges %j", (source, status) => {
    expect(completeness(source).status).toBe(status);
  });
});
