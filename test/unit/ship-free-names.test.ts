import { describe, expect, it } from "vitest";
import { factsOf } from "../../lib/ship/free-names.ts";

const names = (source: string): string =>
  [...factsOf(source).free.values()]
    .map(({ name, written }) => name + (written ? "!" : ""))
    .sort()
    .join(" ");
const outer = (source: string): string => [...factsOf(source).outer].sort().join(" ");

describe("free names of a source", () => {
  it.each([
    ["x => x + k", "k"],
    ["function f(n) { return n ? f(n - 1) : g(n) }", "g"],
    ["() => { var a = b; { let c = a; function d() { return c } } d(); return c }", "b c d"],
    ["() => { use(v); if (1) { var v = 1 } }", "use"],
    ["({ a, b: { c = dflt } = {}, ...rest }, [p, , q] = xs) => [a, c, rest, p, q, b]", "b dflt xs"],
    ["() => { try { t() } catch ({ message: m }) { return m } finally { m } }", "m t"],
    ["() => { try { t() } catch { e } }", "e t"],
    ["() => { for (let i = 0, n = len; i < n; i++) i; return i }", "i len"],
    ["() => { for (const [k, v] of pairs) k + v; for (key in obj) ; }", "key! obj pairs"],
    ["() => { outer: for (;;) { break outer } }", ""],
    ["() => ({ short, long: value, [computed]: 1, m() { return own } })", "computed own short value"],
    ["() => { x = 1; y += 1; z++; [p, q.r, ...s] = a; ({ t, u: v = w } = b) }", "a b p! q s! t! v! w x! y! z!"],
    ["() => typeof maybe", "maybe"],
    ["() => { switch (a) { case b: let c; default: c } }", "a b"],
    [
      "class A extends Base { f = init; static s = A.t; #p = 1; [key]() { return super.x + this.#p + dep } static { boot(A) } }",
      "Base boot dep init key",
    ],
    ["class A { set(v) { A = v } }", "A!"],
    ["function f() { f = 1 }", "f!"],
    ["get size() { return total }", "total"],
    ["async *walk(n) { for await (const x of src) yield* f(x, n) }", "f src"],
    ["[Symbol.iterator]() { return items }", "items"],
    ["() => new.target", ""],
    ["() => `${a}${tag`x${b}`}`", "a b tag"],
    ["() => a?.b?.[c]", "a c"],
    ["(a = () => b, b = 1) => a", ""],
    ["async x => { await using r = open(x); return r }", "open"],
    ["function (a) { with (a) { b } }", "b"],
    ["x => { import('m'); return x }", ""],
  ])("%s", (source, expected) => {
    expect(names(source)).toBe(expected);
  });

  it("says what is taken from the code around", () => {
    expect(outer("() => this.x + arguments.length")).toBe("arguments this");
    expect(outer("function () { return () => this.x + arguments.length + new.target }")).toBe("");
    expect(outer("() => function () { return this }")).toBe("");
    expect(outer("() => class { x = this; static { this } m() { return super.m() } }")).toBe("");
    expect(outer("() => class extends this.Base {}")).toBe("this");
    expect(outer("() => new.target")).toBe("new.target");
    expect(outer("m() { return super.m() }")).toBe("super");
    expect(outer("m() { return { n() { return super.n() } } }")).toBe("");
    expect(outer("() => import.meta.url")).toBe("import.meta");
  });

  it("finds where V8 says that a function is", () => {
    const anchor = (source: string): string => source.slice(factsOf(source).anchor);
    expect(anchor("async function /* ( */ foo (a) {}")).toBe("(a) {}");
    expect(anchor("function(a) {}")).toBe("(a) {}");
    expect(anchor("async (a) => a")).toBe("async (a) => a");
    expect(anchor("get [f('(')]() { return 1 }")).toBe("() { return 1 }");
    expect(anchor("class A { x = (1); constructor(a) {} }")).toBe("(a) {} }");
  });

  it("tells members that are used of an import, private state, and strictness", () => {
    expect(factsOf("() => m.a + m.b()").free.get("m")!.members).toEqual(new Set(["a", "b"]));
    expect(factsOf("() => m.a + m").free.get("m")!.members).toBeUndefined();
    expect(factsOf("class A { #x }").hasPrivate).toBe(true);
    expect(factsOf("class A { #m() {} }").hasPrivate).toBe(true);
    expect(factsOf("class A { static #x }").hasPrivate).toBe(false);
    expect(factsOf("function (a) { with (a) {} }").strict).toBe(false);
    expect(() => factsOf("function (")).toThrow(SyntaxError);
  });
});
