// WebAssembly as kernels need it: a few instructions, and a module of a few functions.

import { HEADER, list, section, signed, sized, text, unsigned } from "../wasm-format.ts";

export const F64 = 0x7c;
export const F32 = 0x7d;
export const I32 = 0x7f;
export const V128 = 0x7b;

const VOID = 0x40;
export const BLOCK: readonly number[] = [0x02, VOID];
export const LOOP: readonly number[] = [0x03, VOID];
export const IF: readonly number[] = [0x04, VOID];
export const ELSE = 0x05;
export const END = 0x0b;
export const EQZ = 0x45;

export const bytesOfF64 = (value: number): number[] => [...new Uint8Array(Float64Array.of(value).buffer)];
export const bytesOfF32 = (value: number): number[] => [...new Uint8Array(Float32Array.of(value).buffer)];
export const bytesOfI32 = (value: number): number[] => [...new Uint8Array(Int32Array.of(value).buffer)];

/** An instruction of the vector set. */
export const simd = (code: number, ...rest: number[]): number[] => [0xfd, ...unsigned(code), ...rest];
/** Where a memory is accessed: no alignment is promised. */
export const at = (offset: number, memory = 0): number[] =>
  memory === 0 ? [0, ...unsigned(offset)] : [0x40, ...unsigned(memory), ...unsigned(offset)];
export const i32Const = (value: number): number[] => [0x41, ...signed(value | 0)];
export const get = (local: number): number[] => [0x20, ...unsigned(local)];
export const set = (local: number): number[] => [0x21, ...unsigned(local)];
export const getGlobal = (global: number): number[] => [0x23, ...unsigned(global)];
export const setGlobal = (global: number): number[] => [0x24, ...unsigned(global)];
export const branch = (depth: number): number[] => [0x0c, ...unsigned(depth)];
export const branchIf = (depth: number): number[] => [0x0d, ...unsigned(depth)];
export const call = (index: number): number[] => [0x10, ...unsigned(index)];

export interface WasmFunction {
  /** "": it is not exported. */
  readonly name: string;
  readonly parameters: readonly number[];
  /** The types of its local variables, in order. */
  readonly locals: readonly number[];
  readonly code: readonly number[];
}

/** A function of JavaScript that takes so many doubles and gives one. */
export interface WasmImport {
  readonly name: string;
  readonly arity: number;
}

/**
 * A module that imports so many memories, named by their numbers, and functions, and exports those of its own functions that
 * have a name. Each of them gives a double. It has so many 32-bit globals, which are 0 at first.
 */
export function wasmModule(
  memories: number,
  imports: readonly WasmImport[],
  functions: readonly WasmFunction[],
  globals: number,
): Uint8Array<ArrayBuffer> {
  const types = [
    ...imports.map(({ arity }) => functionType(Array<number>(arity).fill(F64))),
    ...functions.map(({ parameters }) => functionType(parameters)),
  ];
  // Shared, of any size.
  const memory = (n: number): number[] => [
    ...text("memory"),
    ...text(`${n}`),
    0x02,
    0x03,
    ...unsigned(1),
    ...unsigned(65536),
  ];
  const imported = imports.map(({ name }, n) => [...text("math"), ...text(name), 0x00, ...unsigned(n)]);
  const exported = functions.flatMap(({ name }, n) =>
    name === "" ? [] : [[...text(name), 0x00, ...unsigned(imports.length + n)]],
  );
  return new Uint8Array([
    ...HEADER,
    ...section(1, types),
    ...section(2, [...Array.from({ length: memories }, (_, n) => memory(n)), ...imported]),
    ...section(
      3,
      functions.map((_, n) => unsigned(imports.length + n)),
    ),
    ...section(
      6,
      Array.from({ length: globals }, () => [I32, 0x01, ...i32Const(0), END]),
    ),
    ...section(7, exported),
    ...section(10, functions.map(body)),
  ]);
}

const functionType = (parameters: readonly number[]): number[] => [...[0x60, ...sized(parameters)], ...[1, F64]];

function body({ locals, code }: WasmFunction): number[] {
  const runs: number[][] = [];
  for (let from = 0; from < locals.length;) {
    let to = from;
    while (to < locals.length && locals[to] === locals[from]) to++;
    runs.push([...unsigned(to - from), locals[from]!]);
    from = to;
  }
  return sized([...list(runs), ...code, END]);
}
