// The kernels as WebAssembly, for each type of element and each direction.

import { compile } from "./compile.ts";
import { functions, note } from "./kernel.ts";

type Key = bigint;

export type Elements = "f64" | "f32" | "i32" | "u32";

declare const [GREATEST, INFINITE, NOT_A_NUMBER, SIGN, LEAST, TURN]: Key[];
declare function keyOf(bits: Key): Key;
declare function elementOf(key: Key): Key;

/**
 * Keys and elements. The bits of a negative float grow as it falls, so all but the sign are turned round; then -0 comes
 * before 0. NaN, whose bits may be many, becomes one key after all others. The way back is the way there, but for NaN.
 */
const KEYS = {
  float: {
    keyOf: (bits: Key): Key => ((bits & GREATEST) > INFINITE ? NOT_A_NUMBER : bits ^ ((bits >> SIGN) & GREATEST)),
    elementOf: (key: Key): Key => key ^ ((key >> SIGN) & GREATEST),
  },
  signed: { keyOf: (bits: Key): Key => bits, elementOf: (key: Key): Key => key },
  unsigned: { keyOf: (bits: Key): Key => bits ^ LEAST, elementOf: (key: Key): Key => key ^ LEAST },
};
const KINDS = { f64: "float", f32: "float", i32: "signed", u32: "unsigned" } as const;

/** The bytes of the module that sorts such elements, the least first or the greatest first. */
export function kernelBytes(elements: Elements, descending: boolean): Uint8Array<ArrayBuffer> {
  const keyBytes = elements === "f64" ? 8 : 4;
  const bits = keyBytes * 8;
  const least = 1n << BigInt(bits - 1);
  return compile({
    functions,
    keyBytes,
    macros: {
      note,
      ...KEYS[KINDS[elements]],
      ordered: (element: Key): Key => keyOf(element) ^ TURN,
      plain: (key: Key): Key => elementOf(key ^ TURN),
      roughly: (element: Key): Key => elementOf(element) ^ TURN,
    },
    constants: {
      KEY_BYTES: keyBytes,
      KEY_BITS: bits,
      FEW: 24,
      LEAST: least,
      GREATEST: least - 1n,
      INFINITE: keyBytes === 8 ? 0x7ff0n << 48n : 0x7f80n << 16n,
      NOT_A_NUMBER: keyBytes === 8 ? 0x7ff8n << 48n : 0x7fc0n << 16n,
      SIGN: BigInt(bits - 1),
      TURN: descending ? -1n : 0n,
    },
  });
}
