// Kernels against the functions that they are made of, bit by bit: random functions, adversarial numbers, chunks that end
// anywhere.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { shared, type Numbers } from "../../lib/index.ts";
import type { Ending, Operands, Stage } from "../../lib/par/plan.ts";
import { kernelLoop } from "../../lib/par/simd/kernel.ts";
import { prepare } from "../../lib/par/simd/prepare.ts";

// Large enough for memories of their own; the tests use the first elements.
const SIZE = 8192;
const USED = 90;
const TYPES = { f64: Float64Array, f32: Float32Array, i32: Int32Array } as const;
type Type = keyof typeof TYPES;

const EDGES = [
  ...[0, -0, NaN, Infinity, -Infinity, 5e-324, -5e-324, 2.2250738585072014e-308, 1e-310, 1.4e-45, 1.2e-38],
  ...[0.5, -0.5, 0.49999999999999994, 1.5, 2.5, -2.5, 1, -1, 2, 3, -3, 7, 100, 0.1, -0.7, 1e300, -1e300, 1e19, -1e19],
  ...[2 ** 31, 2 ** 31 - 1, -(2 ** 31), -(2 ** 31) - 1, 2 ** 32, 2 ** 32 - 1, 2 ** 32 + 1.5, 2 ** 52, 2 ** 52 + 1],
  ...[
    2 ** 53,
    2 ** 53 - 1,
    2 ** 53 + 2,
    -(2 ** 53),
    2 ** 63,
    2 ** 64,
    3.4028235e38,
    3.4028236e38,
    16777217,
    1e9,
    123456.789,
  ],
];
const numbers = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...EDGES) },
  { weight: 1, arbitrary: fc.double() },
  { weight: 2, arbitrary: fc.integer({ min: -1000, max: 1000 }) },
  { weight: 2, arbitrary: fc.double({ min: -100, max: 100 }) },
);
const data = fc.array(numbers, { minLength: USED, maxLength: USED });

const sources: Record<Type, Numbers> = {
  f64: shared(Float64Array, SIZE),
  f32: shared(Float32Array, SIZE),
  i32: shared(Int32Array, SIZE),
};
const other = shared(Float64Array, SIZE);
const outs: Record<Type, Numbers> = {
  f64: shared(Float64Array, SIZE),
  f32: shared(Float32Array, SIZE),
  i32: shared(Int32Array, SIZE),
};

const VARIABLES = ["a", "b", "c"];
/** Expressions in the variables x, i, k, ys and a few that statements declare. */
const code = fc.letrec<{ number: string; truth: string; statement: string; block: string }>((tie) => {
  const number = tie("number");
  const truth = tie("truth");
  const leaf = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.constantFrom("x", "x", "i", "k", "n", "ys[i]", "ys[i + 1]", "ys[x & 63]", ...VARIABLES),
    },
    { weight: 2, arbitrary: fc.integer({ min: -9, max: 40 }).map((n) => (n < 0 ? `(${n})` : `${n}`)) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        "0.5",
        "1e10",
        "4294967295",
        "Math.PI",
        "Infinity",
        "(-0)",
        "0.1",
        "NaN",
        "2147483647",
      ),
    },
  );
  const binary = fc
    .tuple(number, fc.constantFrom("+", "-", "*", "/", "%", "+", "-", "*", "&", "|", "^"), number)
    .map(([a, operator, b]) => `(${a} ${operator} ${b})`);
  const shift = fc
    .tuple(number, fc.constantFrom("<<", ">>", ">>>"), fc.constantFrom("0", "1", "5", "31", "n", "33"))
    .map(([a, operator, b]) => `(${a} ${operator} ${b})`);
  const call = fc
    .tuple(
      fc.constantFrom(
        "abs",
        "sqrt",
        "floor",
        "ceil",
        "trunc",
        "round",
        "sign",
        "fround",
        "fround",
        "sin",
        "exp",
        "clz32",
      ),
      number,
    )
    .map(([name, a]) => `Math.${name}(${a})`);
  const pair = fc
    .tuple(fc.constantFrom("Math.min", "Math.max", "Math.imul", "Math.hypot", "Math.pow", "helper"), number, number)
    .map(([name, a, b]) => `${name}(${a}, ${b})`);
  const unary = fc.tuple(fc.constantFrom("-", "+", "~"), number).map(([operator, a]) => `(${operator} ${a})`);
  const choice = fc.tuple(truth, number, number).map(([test, a, b]) => `(${test} ? ${a} : ${b})`);
  const either = fc.tuple(number, fc.constantFrom("&&", "||"), number).map(([a, o, b]) => `(${a} ${o} ${b})`);
  const compare = fc
    .tuple(number, fc.constantFrom("<", ">", "<=", ">=", "===", "!==", "==", "!="), number)
    .map(([a, operator, b]) => `(${a} ${operator} ${b})`);
  const both = fc.tuple(truth, fc.constantFrom("&&", "||"), truth).map(([a, operator, b]) => `(${a} ${operator} ${b})`);
  const assign = fc
    .tuple(fc.constantFrom(...VARIABLES), fc.constantFrom("=", "=", "+=", "*=", "-=", "|=", "^="), number)
    .map(([name, operator, value]) => `${name} ${operator} ${value};`);
  const decide = truth.map((test) => `t = ${test};`);
  const count = fc.constantFrom("a++;", "b--;", "c += 2;");
  const when = fc
    .tuple(truth, tie("block"), fc.option(tie("block")))
    .map(([test, then, otherwise]) => `if (${test}) ${then}${otherwise === null ? "" : ` else ${otherwise}`}`);
  let loops = 0;
  const rounds = fc
    .tuple(
      fc.oneof(
        fc.integer({ min: 0, max: 5 }).map(String),
        number.map((n) => `(${n} & 3)`),
      ),
      fc.option(truth),
      tie("block"),
    )
    .map(([times, test, body]) => {
      const j = `j${++loops}`;
      return `for (let ${j} = 0; ${j} < ${times}${test === null ? "" : ` && ${test}`}; ${j}++) { a += ${j}; ${body} }`;
    });
  const jump = fc
    .tuple(
      truth,
      fc.oneof(
        number.map((n) => `return ${n};`),
        fc.constantFrom("JUMP", "JUMP"),
      ),
    )
    .map(([test, what]) => `if (${test}) ${what}`);
  return {
    number: fc.oneof(
      { maxDepth: 5, depthSize: "small" },
      leaf,
      binary,
      binary,
      call,
      pair,
      unary,
      choice,
      shift,
      either,
    ),
    truth: fc.oneof(
      { maxDepth: 4, depthSize: "small" },
      fc.constantFrom("t", "t", "true"),
      compare,
      compare,
      both,
      truth.map((a) => `!${a}`),
      number.map((a) => `(${a} !== 0)`),
    ),
    statement: fc.oneof({ maxDepth: 3, depthSize: "small" }, assign, assign, decide, count, when, rounds, jump),
    block: fc.array(tie("statement"), { minLength: 1, maxLength: 3 }).map((list) => `{ ${list.join(" ")} }`),
  };
});

const bodies = fc
  .tuple(fc.array(code.statement, { maxLength: 4 }), code.number, code.number)
  .map(([statements, first, result]) =>
    `(x, i) => { let a = ${first}, b = 0, c = x, t = false; ${jumps(statements.join(" "))} return ${result}; }`.replaceAll(
      // What is declared is not read before it is.
      /let a = (.*?), b = 0/g,
      (_, value: string) => `let a = ${value.replace(/\b[abc]\b/g, "x").replace(/\bt\b/g, "(k < 3)")}, b = 0`,
    ),
  );

/** A jump out of a loop only inside of one. */
function jumps(text: string): string {
  const depths: boolean[] = [];
  let isLoop = false;
  let count = 0;
  return text.replace(/for \(|[{}]|JUMP/g, (found) => {
    if (found === "for (") isLoop = true;
    else if (found === "{") {
      depths.push(isLoop);
      isLoop = false;
    } else if (found === "}") depths.pop();
    else return depths.includes(true) ? (++count % 2 === 0 ? "break;" : "continue;") : "a = 1;";
    return found;
  });
}

interface Case {
  /** Several: V8 takes its time to tell what a new script's functions capture. */
  readonly texts: readonly string[];
  readonly k: number;
  readonly n: number;
  readonly values: readonly number[];
  readonly from: Type | "range";
  readonly to: Type;
  readonly first: number;
  readonly end: number;
}

type Fn = (x: number, i: number) => number;

function closures({ texts, k, n }: Pick<Case, "texts" | "k" | "n">): Fn[] {
  const make = new Function(
    ...["k", "n", "ys"],
    `const helper = (p, q) => { if (p < q) return p - q; let r = p; for (let s = 0; s < 3; s++) r = r / 2 + k; return r; };\nreturn [${texts.join()}];`,
  );
  return make(k, n, other) as Fn[];
}

function fill(values: readonly number[]): void {
  for (const type of ["f64", "f32", "i32"] as const) sources[type].set(values);
  for (let i = 0; i < USED; i++) other[i] = values[USED - 1 - i]!;
}

function operandsOf(from: Type | "range", out: Numbers | undefined, offset = 0): Operands {
  const source = from === "range" ? undefined : sources[from];
  return { kind: from === "range" ? "range" : "array", source, offset, cols: 0, out };
}

let made = 0;
let refused = 0;

function check(one: Case): void {
  fill(one.values);
  closures(one).forEach((fn) => checkOne(fn, one));
}

function checkOne(fn: Fn, { k, n, from, to, first, end }: Case): void {
  const out = outs[to];
  const offset = from === "range" ? n : 0;
  const operands = operandsOf(from, out, offset);
  const plan = { stages: [["map", fn]] as Stage[], ending: "into" as const };
  const kernel = prepare(plan, operands);
  if (typeof kernel === "string") {
    refused++;
    return;
  }
  made++;
  out.fill(77);
  kernelLoop({ ...plan, backend: "simd", kernel }, operands)(first, end);
  const wanted = new TYPES[to](USED).fill(77);
  for (let i = first; i < end; i++) wanted[i] = fn(from === "range" ? offset + i : sources[from][i]!, i);
  for (let i = 0; i < USED; i++)
    if (!Object.is(out[i], wanted[i]))
      throw new Error(
        `${fn} at ${i} of ${from} for x = ${from === "range" ? i + offset : sources[from][i]}, k = ${k}, n = ${n}: ${out[i]} instead of ${wanted[i]}`,
      );
}

describe("SIMD kernels", () => {
  it("give bit for bit what the functions give", { timeout: 60_000 }, () => {
    const cases = fc.record({
      texts: fc.array(bodies, { minLength: 1, maxLength: 12 }),
      k: numbers,
      n: fc.integer({ min: 0, max: 40 }),
      values: data,
      from: fc.constantFrom("f64", "f32", "i32", "range"),
      to: fc.constantFrom("f64", "f32", "i32"),
      first: fc.integer({ min: 0, max: 20 }),
      end: fc.integer({ min: 20, max: USED }),
    });
    const runs = Number(process.env["BRAID_FUZZ_RUNS"] ?? 60);
    fc.assert(
      fc.property(cases, (one) => check(one as Case)),
      { numRuns: runs, interruptAfterTimeLimit: 45_000 },
    );
    expect(made).toBeGreaterThan(refused / 2);
  });

  it("count, compare and add as a plain loop does, from any place to any", () => {
    const run = (ending: Ending, source: Numbers, stages: readonly Stage[]): unknown => {
      const operands: Operands = { kind: "array", source, offset: 0, cols: 0, out: undefined };
      const kernel = prepare({ stages, ending }, operands);
      if (typeof kernel === "string") throw new Error(kernel);
      return kernelLoop({ stages, ending, backend: "simd", kernel }, operands)(0, source.length);
    };
    const best = (values: readonly number[], of: (...all: number[]) => number): number | undefined =>
      values.length === 0 ? undefined : of(...values);
    fc.assert(
      fc.property(
        fc.constantFrom<Type[]>("f64", "f32", "i32"),
        data,
        fc.integer({ min: 0, max: 40 }),
        fc.integer({ min: 0, max: 50 }),
        numbers,
        (type, values, first, length, limit) => {
          fill(values);
          const source = sources[type].subarray(first, first + length);
          const all = Array.from(source);
          const filter: Stage = ["filter", (x: number) => !(x < limit)];
          const map: Stage = ["map", (x: number) => -x];
          const left = all.filter((x) => !(x < limit));
          const negated = left.map((x) => -x);
          expect(run("count", source, [filter])).toBe(left.length);
          expect(run("min", source, [])).toBe(best(all, Math.min));
          expect(run("max", source, [filter])).toBe(best(left, Math.max));
          expect(run("min", source, [filter, map])).toBe(best(negated, Math.min));
          const whole: Stage = ["map", (x: number) => (x | 0) % 1000];
          expect(run("sum", source, [filter, whole])).toBe(left.reduce((sum, x) => sum + ((x | 0) % 1000), 0));
        },
      ),
      { numRuns: 100, interruptAfterTimeLimit: 30_000 },
    );
  });

  it("work on rows as a plain loop does, however many and long they are", () => {
    const shapes = fc.record({ rows: fc.integer({ min: 1, max: 20 }), cols: fc.integer({ min: 1, max: 12 }) });
    const choices = fc.constantFrom(
      (row: Float64Array, i: number) => {
        let s = i;
        for (let j = 0; j < row.length; j++) s += row[j]! * other[j]!;
        return s;
      },
      (row: Float64Array) => {
        let least = Infinity;
        for (const x of row) if (x < least) least = x;
        return least;
      },
      (row: Float64Array) => {
        for (let j = 0; j < row.length; j++) if (row[j]! > 10) return j;
        return -1;
      },
      // Perhaps there is no second one.
      (row: Float64Array) => row[1]! + row[0]! * row[row.length - 1]!,
    );
    const many = fc.array(numbers, { minLength: 240, maxLength: 240 });
    fc.assert(
      fc.property(shapes, choices, many, fc.integer({ min: 0, max: 5 }), ({ rows, cols }, fn, values, start) => {
        sources.f64.set(values);
        const source = sources.f64.subarray(start, start + rows * cols);
        const operands: Operands = { kind: "rows", source, offset: 0, cols, out: outs.f64 };
        const plan = { stages: [["map", fn]] as unknown as Stage[], ending: "into" as const };
        const kernel = prepare(plan, operands);
        if (typeof kernel === "string") throw new Error(kernel);
        kernelLoop({ ...plan, backend: "simd", kernel }, operands)(0, rows);
        for (let i = 0; i < rows; i++) {
          const wanted = fn((source as Float64Array).subarray(i * cols, (i + 1) * cols), i);
          expect(outs.f64[i]).toBe(wanted);
        }
      }),
      { numRuns: 100, interruptAfterTimeLimit: 30_000 },
    );
  });
});
