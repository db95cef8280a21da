// Values as code: a scalar where all elements have it in common, otherwise as many vectors as a group needs.

import { at, call, EQZ, F64, get, I32, i32Const, set, simd, V128 } from "./bytes.ts";
import { CONST, FACTS, scalarCode, vectorCode } from "./instructions.ts";
import {
  constant,
  isBoolean,
  LANES,
  type Local,
  type Outcome,
  type Statement,
  type Type,
  type Value,
} from "./nodes.ts";

/** An array that a kernel reads or writes. */
export interface Stream {
  readonly type: "f64" | "f32" | "i32";
}

export interface Program {
  readonly statements: readonly Statement[];
  readonly outcome: Outcome;
  readonly streams: readonly Stream[];
  /** How many numbers it is given. */
  readonly params: number;
  readonly imports: readonly string[];
  /** Elements in a group. */
  readonly group: number;
}

const NOT = 0x4d;
export const ANY = 0x53;
export const BITSELECT = 0x52;
/** Of four lanes. */
const ALL = 0xa3;
const SHUFFLE = 0x0d;
const bytes = (...from: number[]): number[] => from.flatMap((first) => Array.from({ length: 8 }, (_, n) => first + n));
const LOW_HALVES = simd(SHUFFLE, ...bytes(0, 16));
const HIGH_TO_LOW = simd(SHUFFLE, ...bytes(8, 24));
/** The lower 32 bits of each of the four 64-bit lanes. */
const EVEN_WORDS = simd(SHUFFLE, ...[0, 8, 16, 24].flatMap((first) => [first, first + 1, first + 2, first + 3]));
const SIGN_OF_F64 = [...Array<number>(7).fill(0), 0x80];

/** The parameters that every kernel has. */
export const [FIRST, LAST] = [0, 1];

export class Vectors {
  protected readonly program: Program;
  protected readonly isPartial: boolean;
  protected readonly locals: number[] = [];
  readonly #slots = new Map<Local, number[]>();
  /** What is set once, before the first group. */
  protected readonly before: number[] = [];
  /** What is set at the start of each group. */
  protected readonly start: number[] = [];
  readonly #kept = new Map<string, number>();
  protected readonly parameters: number[];
  protected readonly at: number;

  constructor(program: Program, isPartial: boolean) {
    this.program = program;
    this.isPartial = isPartial;
    const { streams, params } = program;
    this.parameters = [...Array<number>(2 + 2 * streams.length).fill(I32), ...Array<number>(params).fill(F64)];
    this.at = this.local(I32);
  }

  protected local(type: number): number {
    this.locals.push(type);
    return this.parameters.length + this.locals.length - 1;
  }

  protected vectors(type: Type): number {
    return this.program.group / LANES[type];
  }

  /** A local that `make` fills the first time that it is asked for, in `where`. */
  protected once(key: string, type: number, where: number[], make: () => number[]): number {
    let kept = this.#kept.get(key);
    if (kept === undefined) {
      kept = this.local(type);
      this.#kept.set(key, kept);
      where.push(...make(), ...set(kept));
    }
    return kept;
  }

  protected slotsOf(local: Local): number[] {
    let slots = this.#slots.get(local);
    if (!slots) {
      const { type, uniform } = local;
      slots = uniform
        ? [this.local(FACTS[type].scalar)]
        : Array.from({ length: this.vectors(type) }, () => this.local(V128));
      this.#slots.set(local, slots);
    }
    return slots;
  }

  // -- scalars: what all elements of a group have in common

  protected scalar(value: Value): number[] {
    const { op, type, args } = value;
    const all = (): number[] => args.flatMap((one) => this.scalar(one));
    switch (op) {
      case "const":
        return FACTS[type].scalar === I32
          ? i32Const(value.value!)
          : [CONST[type as keyof typeof CONST], ...FACTS[type].bytesOf(value.value!)];
      case "param": {
        const raw = get(2 + 2 * this.program.streams.length + value.index!);
        return type === "f64" ? raw : type === "f32" ? [...raw, 0xb6] : [...raw, 0xfc, 0x02];
      }
      case "local":
        return get(this.slotsOf(value.local!)[0]!);
      case "length":
        return get(3 + 2 * value.index!);
      case "fetch":
        return [...get(2 + 2 * value.index!), ...all(), 0x6a, FACTS[type].load, ...at(0, value.index)];
      case "all":
        return this.#all(args[0]!);
      case "within":
        return this.#within(value);
      case "call":
        return [...all(), ...call(this.program.imports.indexOf(value.name!))];
      case "f64.of.i32":
      case "f64.of.bool":
        return [...all(), 0xb7];
      case "f64.of.u32":
        return [...all(), 0xb8];
      case "f64.of.f32":
        return [...all(), 0xbb];
      case "f32.of.f64":
        return [...all(), 0xb6];
      case "i32.of.f64":
        return [...all(), 0xfc, 0x02];
      case "u32.of.f64":
        return [...all(), 0xfc, 0x03];
      case "not":
        return [...all(), EQZ];
      case "copysign":
        return [...all(), 0xa6];
      case "select": {
        const [test, yes, no] = args as [Value, Value, Value];
        return [...this.scalar(yes), ...this.scalar(no), ...this.scalar(test), 0x1b];
      }
    }
    return [...all(), scalarCode(op, args[0]!.type)];
  }

  // -- vectors

  /** Puts the k-th vector of a value on the stack. */
  protected vector(value: Value, k: number): number[] {
    if (value.uniform) return this.spread(value);
    const { op, type, args } = value;
    const [first] = args;
    const all = (): number[] => args.flatMap((one) => this.vector(one, k));
    const both = (convert: number[], combine: number[]): number[] => [
      ...[...this.vector(first!, 2 * k), ...convert],
      ...[...this.vector(first!, 2 * k + 1), ...convert, ...combine],
    ];
    /** The half of four narrow lanes from which two wide ones are made. */
    const half = (convert: number): number[] => [
      ...this.vector(first!, k >> 1),
      ...(k % 2 === 1 ? [...this.vector(first!, k >> 1), ...HIGH_TO_LOW] : []),
      ...simd(convert),
    ];
    switch (op) {
      case "local":
        return get(this.slotsOf(value.local!)[k]!);
      case "index":
        return this.indices("i32", k);
      case "load":
        return this.#load(value, k);
      case "shifted":
        return this.#load(value, k);
      case "gather":
        return this.#anywhere(value, k);
      case "cell":
        return this.#gather(value, k, (lane) => [...get(this.#row(value.index!, lane)), ...this.scalar(first!), 0x6a]);
      case "call":
        return this.#call(value, k);
      case "f64.of.i32":
        return first!.op === "index" ? this.indices("f64", k) : half(0xfe);
      case "f64.of.u32":
        return half(0xff);
      case "f64.of.f32":
        return half(0x5f);
      case "f64.of.bool":
        return [...this.vector(first!, k), ...this.spread(constant(1)), ...simd(vectorCode("and", "f64"))];
      case "f32.of.f64":
        return both(simd(0x5e), LOW_HALVES);
      case "i32.of.f64":
        return both(simd(0xfc), LOW_HALVES);
      case "u32.of.f64":
        return both(simd(0xfd), LOW_HALVES);
      case "b32.of.b64":
        return both([], EVEN_WORDS);
      case "b64.of.b32":
        return [...this.vector(first!, k >> 1), ...simd(k % 2 === 0 ? 0xc7 : 0xc8)];
      case "not":
        return [...all(), ...simd(NOT)];
      case "andnot":
        return [...all(), ...simd(0x4f)];
      case "copysign": {
        const sign = this.once("sign", V128, this.before, () => simd(0x0c, ...SIGN_OF_F64, ...SIGN_OF_F64));
        return [...this.vector(args[1]!, k), ...this.vector(first!, k), ...get(sign), ...simd(BITSELECT)];
      }
      case "select": {
        const [test, yes, no] = args as [Value, Value, Value];
        return [...[yes, no, test].flatMap((one) => this.vector(one, k)), ...simd(BITSELECT)];
      }
      case "shl":
      case "shr":
      case "shru":
        return [...this.vector(first!, k), ...this.scalar(args[1]!), ...simd(vectorCode(op, type))];
    }
    return [...all(), ...simd(vectorCode(op, args[0]!.type))];
  }

  /** One scalar in all lanes. */
  protected spread(value: Value): number[] {
    const { op, type } = value;
    const { splat, bytesOf } = FACTS[type];
    const lanes = isBoolean(value)
      ? (): number[] => [...i32Const(0), ...this.scalar(value), 0x6b, ...simd(splat)]
      : (): number[] => [...this.scalar(value), ...simd(splat)];
    if (op === "const") {
      const one = bytesOf(value.value!);
      const vector = (): number[] => simd(0x0c, ...Array.from({ length: 16 / one.length }, () => one).flat());
      return get(this.once(`${type} ${one.join()}`, V128, this.before, vector));
    }
    if (op === "param") return get(this.once(`${type} parameter ${value.index}`, V128, this.before, lanes));
    return lanes();
  }

  protected indices(type: "i32" | "f64", k: number): number[] {
    const n = LANES[type];
    const offsets = Array.from({ length: n }, (_, lane) => FACTS[type].bytesOf(k * n + lane)).flat();
    const steps = this.once(`steps ${type} ${k}`, V128, this.before, () => simd(0x0c, ...offsets));
    const from = type === "f64" ? [...get(this.at), 0xb7] : get(this.at);
    return [...from, ...simd(FACTS[type].splat), ...get(steps), ...simd(vectorCode("add", type))];
  }

  /** Where the element at the group's start is. */
  protected pointer(stream: number): number {
    const shift = FACTS[this.program.streams[stream]!.type].bytes === 8 ? 3 : 2;
    return this.once(`pointer ${stream}`, I32, this.start, () => [
      ...[...get(2 + 2 * stream), ...get(this.at), ...i32Const(shift), 0x74, 0x6a],
    ]);
  }

  /** The place of an element of the group; of one that isn't there, the last's. */
  protected lane(lane: number): number {
    return this.once(`lane ${lane}`, I32, this.start, () => {
      const place = [...get(this.at), ...i32Const(lane), 0x6a];
      if (!this.isPartial) return place;
      const last = [...get(LAST), ...i32Const(1), 0x6b];
      return [...place, ...last, ...place, ...get(LAST), 0x48, 0x1b];
    });
  }

  /** Where the row of this element starts. */
  #row(stream: number, lane: number): number {
    const place = this.lane(lane);
    const shift = FACTS[this.program.streams[stream]!.type].bytes === 8 ? 3 : 2;
    return this.once(`row ${stream} ${lane}`, I32, this.start, () => [
      ...[...get(place), ...get(3 + 2 * stream), 0x6c, ...i32Const(shift), 0x74, ...get(2 + 2 * stream), 0x6a],
    ]);
  }

  /** At the element's own place, or so many bytes off. */
  #load(value: Value, k: number): number[] {
    const { type, index, args } = value;
    const off = args.flatMap((one) => [...this.scalar(one), 0x6a]);
    if (!this.isPartial) return [...get(this.pointer(index!)), ...off, ...simd(0x00, ...at(16 * k, index))];
    const shift = FACTS[type].bytes === 8 ? 3 : 2;
    return this.#gather(value, k, (lane) => [
      ...[...get(2 + 2 * index!), ...get(this.lane(lane)), ...i32Const(shift), 0x74, 0x6a, ...off],
    ]);
  }

  #anywhere(value: Value, k: number): number[] {
    const { type, index, args } = value;
    const n = LANES[type];
    const shift = FACTS[type].bytes === 8 ? 3 : 2;
    return this.#gather(value, k, (lane) => [
      ...[...this.vector(args[0]!, n === 2 ? k >> 1 : k), ...simd(FACTS.i32.extract, lane % 4)],
      ...[...i32Const(shift), 0x74, ...get(2 + 2 * index!), 0x6a],
    ]);
  }

  /** Is the whole group there, so far off? */
  #within({ args, index }: Value): number[] {
    const way = this.scalar(args[0]!);
    const end = this.isPartial ? get(LAST) : [...get(this.at), ...i32Const(this.program.group), 0x6a];
    return [
      ...[...get(this.at), 0xb7, ...way, 0xa0, ...this.scalar(constant(0)), 0x66],
      ...[...end, 0xb7, ...way, 0xa0, ...get(3 + 2 * index!), 0xb7, 0x65, 0x71],
    ];
  }

  #all(mask: Value): number[] {
    if (mask.uniform) return this.scalar(mask);
    const all = Array.from({ length: this.vectors(mask.type) }, (_, k) => [
      ...this.vector(mask, k),
      ...(k > 0 ? simd(vectorCode("and", mask.type)) : []),
    ]);
    return [...all.flat(), ...simd(ALL)];
  }

  /** The k-th vector of elements, each with an address of its own. */
  #gather({ type, index }: Value, k: number, address: (lane: number) => number[]): number[] {
    const n = LANES[type];
    const { loadZero, loadLane } = FACTS[type];
    const vector = this.once("gathered", V128, [], () => []);
    let code = [...address(k * n), ...simd(loadZero, ...at(0, index))];
    for (let lane = 1; lane < n; lane++)
      code = [
        ...code,
        ...set(vector),
        ...address(k * n + lane),
        ...get(vector),
        ...simd(loadLane, ...at(0, index), lane),
      ];
    return code;
  }

  #call({ args, name }: Value, k: number): number[] {
    const { extract } = FACTS.f64;
    const one = (lane: number): number[] => [
      ...args.flatMap((arg) => (arg.uniform ? this.scalar(arg) : [...this.vector(arg, k), ...simd(extract, lane)])),
      ...call(this.program.imports.indexOf(name!)),
    ];
    return [...one(0), ...simd(FACTS.f64.splat), ...one(1), ...simd(0x22, 1)];
  }
}
