// The sort of numbers of 8 and 16 bits: how many there are of each value says it all.

export type SmallNumbers = Int16Array | Uint16Array | Int8Array | Uint8Array;

export function countingSort(xs: SmallNumbers, descending: boolean): void {
  const values = 2 ** (xs.BYTES_PER_ELEMENT * 8);
  const least = xs instanceof Int8Array || xs instanceof Int16Array ? -values / 2 : 0;
  const counts = new Uint32Array(values);
  for (let i = 0; i < xs.length; i++) counts[xs[i]! - least]!++;
  let at = 0;
  for (let place = 0; place < values; place++) {
    const value = descending ? values - 1 - place : place;
    const end = at + counts[value]!;
    xs.fill(value + least, at, end);
    at = end;
  }
}
