// Kernels made at random compute on every backend what the same text computes as plain TypeScript.

import fc from "fast-check";
import { expect, it } from "vitest";
import { gpu, gpuBackends, type BackendName, type KernelFunction } from "../../lib/index.ts";

const WIDTH = 33;
const xs = Array.from({ length: WIDTH }, (_, i) => ((i * 7) % 11) - 5);
const rows = Array.from({ length: 4 }, (_, y) => Float64Array.from({ length: WIDTH }, (_, x) => x - y * 3));

/** Expressions whose values stay small enough to be exact in 32 bits as well as in 64. */
const { number, test } = fc.letrec<{ number: string; index: string; test: string }>((tie) => ({
  number: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom("x", "a", "b", "2", "0.5", "-3", "xs[x]", "rows[a & 3][x]", "xs.length", "rows[0].length", "K"),
    fc.tuple(tie("number"), fc.constantFrom("+", "-"), tie("number")).map(([l, o, r]) => `(${l} ${o} ${r})`),
    tie("number").map((n) => `(${n} * 0.5)`),
    tie("number").map((n) => `-(${n})`),
    tie("number").map((n) => `half(${n})`),
    tie("index").map((n) => `xs[${n}]`),
    tie("index").map((n) => `(${n} * 3)`),
    fc.tuple(tie("test"), tie("number"), tie("number")).map(([t, l, r]) => `(${t} ? ${l} : ${r})`),
    fc.tuple(tie("number"), tie("number")).map(([l, r]) => `Math.max(${l}, ${r})`),
    tie("number").map((n) => `Math.floor(${n})`),
    tie("number").map((n) => `Math.abs(${n})`),
    fc.tuple(tie("test"), tie("number")).map(([t, n]) => `+(${t} && ${n})`),
    fc.tuple(tie("number"), tie("number")).map(([l, r]) => `(${l} || ${r})`),
  ),
  index: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom("x", "a", "i", "7"),
    fc
      .tuple(tie("index"), fc.constantFrom("&", "|", "^", "+"), tie("index"))
      .map(([l, o, r]) => `((${l} ${o} ${r}) & 31)`),
    tie("index").map((n) => `(~${n} & 15)`),
    tie("index").map((n) => `((${n} << 2) >>> 1 & 31)`),
  ),
  test: fc.oneof(
    { maxDepth: 3 },
    fc
      .tuple(tie("number"), fc.constantFrom("<", "<=", ">", ">=", "===", "!=="), tie("number"))
      .map(([l, o, r]) => `(${l} ${o} ${r})`),
    fc.tuple(tie("test"), fc.constantFrom("&&", "||"), tie("test")).map(([l, o, r]) => `(${l} ${o} ${r})`),
    tie("test").map((t) => `!${t}`),
  ),
}));

const { statement } = fc.letrec<{ statement: string }>((tie) => ({
  statement: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    number.map((n) => `a = Math.floor(${n}) & 31;`),
    number.map((n) => `b = ${n};`),
    fc.constantFrom("a++;", "b++;", "b += 0.25;", "b -= x;", "i = i + 1 & 15;", "a ^= x;"),
    fc.tuple(test, tie("statement"), tie("statement")).map(([t, l, r]) => `if ${`(${t})`} { ${l} } else { ${r} }`),
    tie("statement").map((s) => `for (let k = 0; k < 4; k++) { ${s} }`),
    fc.tuple(test, tie("statement")).map(([t, s]) => `for (let k = 3; k >= 0; k--) { if (${t}) continue; ${s} }`),
    fc
      .tuple(test, tie("statement"))
      .map(([t, s]) => `for (let k = x & 3; k < xs.length; k += 9) { ${s} if (${t}) break; }`),
    fc.tuple(test, number).map(([t, n]) => `if (${t}) return ${n};`),
    tie("statement").map((s) => `{ let a = x & 7; ${s} b += a; }`),
    fc.tuple(tie("statement"), tie("statement")).map(([s, t]) => `${s} ${t}`),
  ),
}));

const kernels = fc
  .tuple(statement, number)
  .map(([body, result]) => `(({ x }, xs, rows) => { let a = x & 7, b = 1; let i = 0; ${body} return ${result}; })`);

const backends: BackendName[] = ["cpu", "simd"];
const [webgpu] = await gpuBackends();
if (webgpu!.available) backends.push("webgpu");

it.each(backends)("random kernels on %s", async (backend) => {
  await fc.assert(
    fc.asyncProperty(kernels, async (text) => {
      // oxlint-disable-next-line no-new-func
      const make = new Function("K", "half", `return ${text}`) as (k: number, half: object) => KernelFunction;
      const kernel = gpu(
        make(5, (n: number) => n / 2),
        { output: [WIDTH], backend },
      );
      try {
        const { maxError, largest } = await kernel.verify(xs, rows);
        if (largest < 2 ** 16) expect(maxError).toBeLessThanOrEqual(1e-3);
      } finally {
        kernel.destroy();
      }
    }),
    { numRuns: Number(process.env["BRAID_TRIES"] ?? 40) },
  );
});
