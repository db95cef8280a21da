// From statements to the code of a WebAssembly function that works on groups of elements. A value is as many vectors as
// a group needs; each statement is written for all of them in turn, which keeps several independent chains under way.

import {
  at,
  BLOCK,
  branch,
  branchIf,
  call,
  ELSE,
  END,
  EQZ,
  F64,
  get,
  getGlobal,
  I32,
  i32Const,
  IF,
  LOOP,
  set,
  setGlobal,
  simd,
  V128,
  type WasmFunction,
} from "./bytes.ts";
import { CONST, FACTS, scalarCode, vectorCode } from "./instructions.ts";
import { constant, FOUND, GAVE_UP, LANES, type Outcome, type Statement, type Type, type Value } from "./nodes.ts";
import { ANY, BITSELECT, FIRST, LAST, type Program, Vectors } from "./vectors.ts";

/**
 * The code for all whole groups of [first, end), or for one group of which only the elements before `end` are there. Its
 * parameters: first, end; address and length of each stream; numbers.
 */
export function emit(program: Program, isPartial: boolean): WasmFunction {
  return new Emitter(program, isPartial).function();
}

/** The code for the elements of [first, end): `run` takes the whole groups, `rest` those that fill none. */
export function emitChunk(
  { parameters }: WasmFunction,
  group: number,
  to: Outcome["to"],
  imports: number,
): WasmFunction {
  const [whole, others] = [parameters.length, parameters.slice(2).flatMap((_, n) => get(2 + n))];
  const result = whole + 1;
  const joined = (from: number, end: number, fn: number): number[] => [
    ...[...get(from), ...get(end), 0x47, ...IF],
    ...[...get(result), ...get(from), ...get(end), ...others, ...call(imports + fn)],
    ...[scalarCode(opOf(to), "f64"), ...set(result), END],
  ];
  const code = [
    ...[...i32Const(0), ...setGlobal(FOUND), ...i32Const(0), ...setGlobal(GAVE_UP)],
    ...[...get(FIRST), ...get(LAST), ...get(FIRST), 0x6b, ...i32Const(-group), 0x71, 0x6a, ...set(whole)],
    ...[CONST.f64, ...FACTS.f64.bytesOf(neutralOf(to, "f64")), ...set(result)],
    ...[...joined(FIRST, whole, 0), ...joined(whole, LAST, 1), ...get(result)],
  ];
  return { name: "chunk", parameters, locals: [I32, F64], code };
}

/** Gives what there is to tell of the last chunk: a bit for FOUND, and one for GAVE_UP. */
export const TELL: WasmFunction = {
  name: "tell",
  parameters: [],
  locals: [],
  code: [...getGlobal(FOUND), ...getGlobal(GAVE_UP), ...i32Const(GAVE_UP), 0x74, 0x72, 0xb7],
};

const opOf = (to: Outcome["to"]): string => (to === "product" ? "mul" : to === "min" || to === "max" ? to : "add");

class Emitter extends Vectors {
  function(): WasmFunction {
    const { statements, outcome, group } = this.program;
    const { before, each, after } = this.#outcome(outcome);
    const work = [...this.#block(statements), ...each];
    const start = this.start;
    const next = [...get(this.at), ...i32Const(group), 0x6a];
    const all = this.isPartial
      ? [...start, ...work]
      : [
          ...[...BLOCK, ...LOOP],
          ...[...next, ...get(LAST), 0x4a, ...branchIf(1)],
          ...[...start, ...work],
          ...[...next, ...set(this.at), ...branch(0)],
          ...[END, END],
        ];
    return {
      name: "",
      parameters: this.parameters,
      locals: this.locals,
      code: [...get(FIRST), ...set(this.at), ...this.before, ...before, ...all, ...after],
    };
  }

  // -- statements

  #block(statements: readonly Statement[]): number[] {
    const code: number[] = [];
    // One by one: spread arguments have a limit.
    for (const statement of statements) for (const byte of this.#statement(statement)) code.push(byte);
    return code;
  }

  #statement(statement: Statement): number[] {
    switch (statement.do) {
      case "set": {
        const slots = this.slotsOf(statement.local);
        if (statement.local.uniform) return [...this.scalar(statement.value), ...set(slots[0]!)];
        return slots.flatMap((slot, k) => [...this.vector(statement.value, k), ...set(slot)]);
      }
      case "if": {
        const { test, body, otherwise } = statement;
        const rest = otherwise.length > 0 ? [ELSE, ...this.#block(otherwise)] : [];
        return [...this.scalar(test), ...IF, ...this.#block(body), ...rest, END];
      }
      case "if-any":
        return [...this.#any(statement.mask), ...IF, ...this.#block(statement.body), END];
      case "loop":
        return [...BLOCK, ...LOOP, ...this.#block(statement.body), ...branch(0), END, END];
      case "leave-unless":
        return [...this.scalar(statement.test), EQZ, ...branchIf(1)];
      case "leave-unless-any":
        return [...this.#any(statement.mask), EQZ, ...branchIf(1)];
      case "give-up-unless":
        return [
          ...[...this.scalar(statement.test), EQZ, ...IF],
          ...[...i32Const(1), ...setGlobal(GAVE_UP), ...this.scalar(constant(0)), 0x0f],
          END,
        ];
    }
  }

  #any(mask: Value): number[] {
    if (mask.uniform) return this.scalar(mask);
    const all = Array.from({ length: this.vectors(mask.type) }, (_, k) => [
      ...this.vector(mask, k),
      ...(k > 0 ? simd(vectorCode("or", mask.type)) : []),
    ]);
    return [...all.flat(), ...simd(ANY)];
  }

  // -- what becomes of the elements

  #outcome(outcome: Outcome): { before: number[]; each: number[]; after: number[] } {
    if (outcome.to === "array") return { before: [], each: this.#store(outcome), after: this.scalar(constant(0)) };
    const { to, value, mask } = outcome;
    const { type } = value;
    const op = opOf(to);
    const neutral = constant(neutralOf(to, type), type);
    const sums = Array.from({ length: this.vectors(type) }, () => this.local(V128));
    const before = sums.flatMap((sum) => [...this.spread(neutral), ...set(sum)]);
    const found = this.local(V128);
    const isBest = to === "min" || to === "max";
    const counts = this.#counted(type, mask);
    const each: number[] = [];
    const one = to === "count" ? constant(1) : value;
    sums.forEach((sum, k) => {
      const element = this.vector(one, k);
      each.push(...get(sum));
      if (!counts) each.push(...element);
      else if (op === "add") each.push(...element, ...counts(k), ...simd(vectorCode("and", type)));
      else each.push(...element, ...this.spread(neutral), ...counts(k), ...simd(BITSELECT));
      each.push(...simd(vectorCode(op, type)), ...set(sum));
      if (isBest && counts) each.push(...get(found), ...counts(k), ...simd(vectorCode("or", type)), ...set(found));
    });
    const after: number[] = [];
    for (const sum of sums.slice(1))
      after.push(...get(sums[0]!), ...get(sum), ...simd(vectorCode(op, type)), ...set(sums[0]!));
    if (isBest) {
      const isFound = counts ? [...get(found), ...simd(ANY)] : i32Const(1);
      after.push(...isFound, ...getGlobal(FOUND), 0x72, ...setGlobal(FOUND));
    }
    // The lanes, as doubles.
    const toF64 = type === "f32" ? [0xbb] : type === "i32" ? [0xb7] : [];
    for (let lane = 0; lane < LANES[type]; lane++) {
      after.push(...get(sums[0]!), ...simd(FACTS[type].extract, lane), ...toF64);
      if (lane > 0) after.push(scalarCode(op, "f64"));
    }
    return { before, each, after };
  }

  /** The mask of the elements that count, where not all do. */
  #counted(type: Type, mask: Value | undefined): ((k: number) => number[]) | undefined {
    const own = mask && ((k: number): number[] => this.vector(mask, k));
    if (!this.isPartial) return own;
    const lanes = type === "f64" ? "f64" : "i32";
    const inside = (k: number): number[] => {
      const end = lanes === "f64" ? [...get(LAST), 0xb7] : get(LAST);
      return [...this.indices(lanes, k), ...end, ...simd(FACTS[lanes].splat), ...simd(vectorCode("lt", lanes))];
    };
    return (k) => (own ? [...own(k), ...inside(k), ...simd(vectorCode("and", "i32"))] : inside(k));
  }

  #store({ value, index }: Outcome & { to: "array" }): number[] {
    const { type } = value;
    const n = LANES[type];
    const code: number[] = [];
    const pointer = this.pointer(index);
    const vector = this.local(V128);
    for (let k = 0; k < this.vectors(type); k++) {
      if (!this.isPartial) {
        code.push(...get(pointer), ...this.vector(value, k), ...simd(0x0b, ...at(16 * k, index)));
        continue;
      }
      code.push(...this.vector(value, k), ...set(vector));
      for (let lane = 0; lane < n; lane++) {
        const place = k * n + lane;
        code.push(...get(this.at), ...i32Const(place), 0x6a, ...get(LAST), 0x48, ...IF);
        const offset = at(place * FACTS[type].bytes, index);
        code.push(...get(pointer), ...get(vector), ...simd(FACTS[type].storeLane, ...offset, lane), END);
      }
    }
    return code;
  }
}

/** What changes nothing. */
function neutralOf(to: string, type: Type): number {
  if (to === "product") return 1;
  if (to !== "min" && to !== "max") return 0;
  const most = type === "i32" ? 2 ** 31 - 1 : Infinity;
  return to === "min" ? most : type === "i32" ? -(2 ** 31) : -Infinity;
}
