// The instructions for operations on lanes and on scalars, by the type of what they work on.

import { bytesOfF32, bytesOfF64, bytesOfI32, F32, F64, I32 } from "./bytes.ts";
import type { Type } from "./nodes.ts";

type Numeric = "f64" | "f32" | "i32";

/** [vector, scalar] */
const OPERATIONS: Record<string, Partial<Record<Numeric, readonly [number, number | undefined]>>> = {
  add: { f64: [0xf0, 0xa0], f32: [0xe4, 0x92], i32: [0xae, 0x6a] },
  sub: { f64: [0xf1, 0xa1], f32: [0xe5, 0x93], i32: [0xb1, 0x6b] },
  mul: { f64: [0xf2, 0xa2], f32: [0xe6, 0x94], i32: [0xb5, 0x6c] },
  div: { f64: [0xf3, 0xa3], f32: [0xe7, 0x95] },
  min: { f64: [0xf4, 0xa4], f32: [0xe8, 0x96], i32: [0xb6, undefined] },
  max: { f64: [0xf5, 0xa5], f32: [0xe9, 0x97], i32: [0xb8, undefined] },
  abs: { f64: [0xec, 0x99], f32: [0xe0, 0x8b] },
  neg: { f64: [0xed, 0x9a], f32: [0xe1, 0x8c] },
  sqrt: { f64: [0xef, 0x9f], f32: [0xe3, 0x91] },
  ceil: { f64: [0x74, 0x9b], f32: [0x67, 0x8d] },
  floor: { f64: [0x75, 0x9c], f32: [0x68, 0x8e] },
  trunc: { f64: [0x7a, 0x9d], f32: [0x69, 0x8f] },
  eq: { f64: [0x47, 0x61], f32: [0x41, 0x5b], i32: [0x37, 0x46] },
  ne: { f64: [0x48, 0x62], f32: [0x42, 0x5c], i32: [0x38, 0x47] },
  lt: { f64: [0x49, 0x63], f32: [0x43, 0x5d], i32: [0x39, 0x48] },
  gt: { f64: [0x4a, 0x64], f32: [0x44, 0x5e], i32: [0x3b, 0x4a] },
  le: { f64: [0x4b, 0x65], f32: [0x45, 0x5f], i32: [0x3d, 0x4c] },
  ge: { f64: [0x4c, 0x66], f32: [0x46, 0x60], i32: [0x3f, 0x4e] },
  /** As numbers without a sign. */
  ltu: { i32: [0x3a, 0x49] },
  shl: { i32: [0xab, 0x74] },
  shr: { i32: [0xac, 0x75] },
  shru: { i32: [0xad, 0x76] },
};
/** Of all bits. */
const BITWISE: Record<string, readonly [number, number]> = {
  and: [0x4e, 0x71],
  or: [0x50, 0x72],
  xor: [0x51, 0x73],
};

export function vectorCode(op: string, type: Type): number {
  const code = op in BITWISE ? BITWISE[op]![0] : OPERATIONS[op]?.[type as Numeric]?.[0];
  if (code === undefined) throw new Error(`No vector instruction for ${op} of ${type}`);
  return code;
}

export function scalarCode(op: string, type: Type): number {
  const code = op in BITWISE ? BITWISE[op]![1] : OPERATIONS[op]?.[type as Numeric]?.[1];
  if (code === undefined) throw new Error(`No scalar instruction for ${op} of ${type}`);
  return code;
}

interface Facts {
  /** Of a scalar. */
  readonly scalar: number;
  readonly bytes: number;
  readonly splat: number;
  readonly extract: number;
  /** Of one lane from memory: the first, with zeros for the others; any, others kept; to memory. */
  readonly loadZero: number;
  readonly loadLane: number;
  readonly storeLane: number;
  readonly load: number;
  bytesOf(value: number): number[];
}

const f64: Facts = {
  scalar: F64,
  bytes: 8,
  splat: 0x14,
  extract: 0x21,
  loadZero: 0x5d,
  loadLane: 0x57,
  storeLane: 0x5b,
  load: 0x2b,
  bytesOf: bytesOfF64,
};
const four = { bytes: 4, loadZero: 0x5c, loadLane: 0x56, storeLane: 0x5a };
const f32: Facts = { ...four, scalar: F32, splat: 0x13, extract: 0x1f, load: 0x2a, bytesOf: bytesOfF32 };
const i32: Facts = { ...four, scalar: I32, splat: 0x11, extract: 0x1b, load: 0x28, bytesOf: bytesOfI32 };
/** Truth values: the scalar is 0 or 1. */
const truth = (bytes: number): Facts => ({ ...i32, bytesOf: (value) => Array<number>(bytes).fill(value ? 0xff : 0) });

export const FACTS: Record<Type, Facts> = { f64, f32, i32, b64: truth(8), b32: truth(4) };

export const CONST = { f64: 0x44, f32: 0x43 } as const;
