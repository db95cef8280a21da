// The binary format of WebAssembly, as far as all modules have it in common: numbers, lists and sections. WebAssembly Core
// Specification 2.0, section 5.

export type Bytes = number[];

/** What every module begins with. */
export const HEADER: readonly number[] = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

/** LEB128 of a whole number from 0 to 2^32 - 1. */
export function unsigned(value: number): Bytes {
  const bytes: Bytes = [];
  let rest = value;
  for (; rest > 127; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return [...bytes, rest];
}

/** LEB128 of an integer of 64 bits. */
export function signed(value: number | bigint): Bytes {
  const bytes: Bytes = [];
  let rest = BigInt(value);
  for (; rest < -64n || rest > 63n; rest >>= 7n) bytes.push(Number(rest & 127n) | 0x80);
  return [...bytes, Number(rest & 127n)];
}

export const sized = (bytes: readonly number[]): Bytes => [...unsigned(bytes.length), ...bytes];
export const list = (items: readonly (readonly number[])[]): Bytes => [...unsigned(items.length), ...items.flat()];
export const text = (name: string): Bytes => sized([...Buffer.from(name)]);
export const section = (id: number, items: readonly (readonly number[])[]): Bytes => [id, ...sized(list(items))];
