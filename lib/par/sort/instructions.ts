// What the sort's kernels are made of: WebAssembly's opcodes, as far as compile.ts needs them. WebAssembly Core
// Specification 2.0, section 5.

import type { Bytes } from "../wasm-format.ts";

export type Kind = "word" | "key" | "none";

export const [I32, I64, EMPTY] = [0x7f, 0x7e, 0x40];

/** By operator: the opcode for words, and for keys of 64 bits. */
export const OPERATORS: Record<string, readonly [word: number, key: number]> = {
  "+": [0x6a, 0x7c],
  "-": [0x6b, 0x7d],
  "*": [0x6c, 0x7e],
  "%": [0x70, 0x82], // without sign
  "&": [0x71, 0x83],
  "|": [0x72, 0x84],
  "^": [0x73, 0x85],
  "<<": [0x74, 0x86],
  ">>": [0x75, 0x87],
  ">>>": [0x76, 0x88],
};
export const COMPARISONS: Record<string, readonly [word: number, key: number]> = {
  "===": [0x46, 0x51],
  "!==": [0x47, 0x52],
  "<": [0x48, 0x53],
  ">": [0x4a, 0x55],
  "<=": [0x4c, 0x57],
  ">=": [0x4e, 0x59],
};

export interface Intrinsic {
  readonly takes: readonly Kind[];
  readonly gives: Kind;
  /** Reads or writes item i from address p on: of what size, by which opcodes for keys of 32 and of 64 bits, and where. */
  readonly access?: {
    readonly bits: 16 | 32 | "key";
    readonly codes: readonly [number, number];
    readonly memory: 0 | 1;
  };
  /** Otherwise what follows its arguments, for keys of 2 ** shift bytes. */
  readonly code?: (shift: number) => Bytes;
}

type Access = NonNullable<Intrinsic["access"]>;
const reads = (gives: Kind, bits: Access["bits"], codes: Access["codes"], memory: 0 | 1 = 0): Intrinsic => ({
  takes: ["word", "word"],
  gives,
  access: { bits, codes, memory },
});
const writes = (takes: Kind, bits: Access["bits"], codes: Access["codes"], memory: 0 | 1 = 0): Intrinsic => ({
  takes: ["word", "word", takes],
  gives: "none",
  access: { bits, codes, memory },
});
const wide = (bytes: Bytes) => (shift: number) => (shift === 3 ? bytes : []);

export const INTRINSICS: Record<string, Intrinsic> = {
  // (x, i) and (x, i, bits): an element, in the second memory
  element: reads("key", "key", [0x28, 0x29], 1),
  setElement: writes("key", "key", [0x36, 0x37], 1),
  // (p, i) and (p, i, value): in the first
  at: reads("key", "key", [0x28, 0x29]),
  put: writes("key", "key", [0x36, 0x37]),
  word: reads("word", 32, [0x28, 0x28]),
  setWord: writes("word", 32, [0x36, 0x36]),
  half: reads("word", 16, [0x2f, 0x2f]),
  setHalf: writes("word", 16, [0x3b, 0x3b]),
  // (to, from, how many keys), (p, how many words)
  copy: { takes: ["word", "word", "word"], gives: "none", code: (shift) => [0x41, shift, 0x74, 0xfc, 0x0a, 0, 0] },
  clear: { takes: ["word", "word"], gives: "none", code: () => [0x41, 2, 0x74, 0xfc, 0x0b, 0] },
  // How many bits from the highest on are 0.
  zeros: { takes: ["word"], gives: "word", code: () => [0x67] },
  keyZeros: { takes: ["key"], gives: "word", code: (shift) => (shift === 3 ? [0x79, 0xa7] : [0x67]) },
  // The low 32 bits of a key; a key of a word; a key shifted to the right: all without sign.
  low: { takes: ["key"], gives: "word", code: wide([0xa7]) },
  wide: { takes: ["word"], gives: "key", code: wide([0xad]) },
  shifted: { takes: ["key", "key"], gives: "key", code: (shift) => [shift === 3 ? 0x88 : 0x76] },
};
