// The inner loops of the numeric sort, in the part of TypeScript that compile.ts turns into WebAssembly.
//
// Elements are sorted by keys, whole numbers in the order of the elements. The elements, at address x, lie in the memory
// of the array; all other addresses are of the scratch memory. sample-sort.ts tells what is done in which order, and where
// it comes from.

type Key = bigint;
type Address = number;

declare function element(x: Address, i: number): Key;
declare function setElement(x: Address, i: number, bits: Key): void;
declare function at(p: Address, i: number): Key;
declare function put(p: Address, i: number, key: Key): void;
declare function word(p: Address, i: number): number;
declare function setWord(p: Address, i: number, value: number): void;
declare function half(p: Address, i: number): number;
declare function setHalf(p: Address, i: number, value: number): void;
declare function copy(to: Address, from: Address, keys: number): void;
declare function clear(p: Address, words: number): void;
declare function zeros(value: number): number;
declare function keyZeros(key: Key): number;
declare function low(key: Key): number;
declare function wide(value: number): Key;
/** Without sign. */
declare function shifted(key: Key, by: Key): Key;
/** Macros: the key of an element, and back. */
declare function ordered(bits: Key): Key;
declare function plain(key: Key): Key;
/** The key, where NaN is none. */
declare function roughly(bits: Key): Key;

declare const KEY_BYTES: number;
declare const KEY_BITS: number;
/** The greatest key. */
declare const GREATEST: Key;
/** So many are sorted by insertion. */
declare const FEW: number;

function insertion(to: Address, m: number): void {
  for (let i = 1; i < m; i++) {
    const key = at(to, i);
    let before = at(to, i - 1);
    if (before <= key) continue;
    let j = i;
    do {
      put(to, j, before);
      j--;
      if (j === 0) break;
      before = at(to, j - 1);
    } while (before > key);
    put(to, j, key);
  }
}

/**
 * Sorts the keys at `from`, which stay as they are, to `to`: by their highest bits in which they differ, counted into
 * about as many cells as there are keys; full cells again by the bits below; the rest by insertion. Room from `room` up
 * to `end` is for counters and copies of cells: 96 bytes for each key, and COUNTERS, are enough. Gives 0 if it was not.
 */
function spread(from: Address, to: Address, m: number, room: Address, end: Address): number {
  if (m <= FEW) {
    copy(to, from, m);
    insertion(to, m);
    return 1;
  }
  let least = at(from, 0);
  let greatest = least;
  for (let i = 1; i < m; i++) {
    const key = at(from, i);
    least = key < least ? key : least;
    greatest = key > greatest ? key : greatest;
  }
  if (least === greatest) {
    copy(to, from, m);
    return 1;
  }
  const bits = KEY_BITS - keyZeros(greatest - least);
  let wanted = 32 - zeros(m - 1);
  if (wanted > 14) wanted = m > 262144 ? 10 : 14;
  const shift = bits > wanted ? bits - wanted : 0;
  const by = wide(shift);
  const cells = low(shifted(greatest - least, by)) + 1;
  clear(room, cells);
  for (let i = 0; i < m; i++) {
    const cell = low(shifted(at(from, i) - least, by));
    setWord(room, cell, word(room, cell) + 1);
  }
  let sum = 0;
  let most = 0;
  for (let cell = 0; cell < cells; cell++) {
    const count = word(room, cell);
    most = count > most ? count : most;
    setWord(room, cell, sum);
    sum += count;
  }
  for (let i = 0; i < m; i++) {
    const key = at(from, i);
    const cell = low(shifted(key - least, by));
    const place = word(room, cell);
    setWord(room, cell, place + 1);
    put(to, place, key);
  }
  if (shift === 0) return 1;
  if (most > FEW) {
    // The keys that lie at `rest` meanwhile, and the counters of their cells.
    const rest = room + (((cells + 1) >> 1) << 3);
    let start = 0;
    for (let cell = 0; cell < cells; cell++) {
      const stop = word(room, cell);
      const count = stop - start;
      if (count > FEW) {
        if (rest + count * 16 + 64 > end) return 0;
        copy(rest, to + start * KEY_BYTES, count);
        if (spread(rest, to + start * KEY_BYTES, count, rest + count * 8, end) === 0) return 0;
      }
      start = stop;
    }
  }
  insertion(to, m);
  return 1;
}

/** Makes elements of m keys. */
function finish(x: Address, keys: Address, m: number): void {
  for (let i = 0; i < m; i++) setElement(x, i, plain(at(keys, i)));
}

/** Sorts n elements with room for as many keys at `y` and at `sorted`. */
function sortHere(x: Address, n: number, y: Address, sorted: Address, room: Address, end: Address): void {
  for (let i = 0; i < n; i++) put(y, i, ordered(element(x, i)));
  spread(y, sorted, n, room, end);
  finish(x, sorted, n);
}

/**
 * 1 where an element from `first` up to `last` is less than the one before it, or with `falling` greater. NaN has its place
 * by its sign here, which spares making one key of all.
 */
function isBroken(x: Address, first: number, last: number, falling: number): number {
  const turn = wide(0) - wide(falling);
  let broken = 0;
  let before = roughly(element(x, first)) ^ turn;
  let i = first + 1;
  while (i < last && broken === 0) {
    const stop = i + 256 < last ? i + 256 : last;
    for (; i < stop; i++) {
      const key = roughly(element(x, i)) ^ turn;
      broken = broken | (before > key ? 1 : 0);
      before = key;
    }
  }
  return broken;
}

/** Swaps the elements from `first` up to `last` with those as far from the end. */
function reverse(x: Address, n: number, first: number, last: number): void {
  for (let i = first; i < last; i++) {
    const bits = element(x, i);
    setElement(x, i, element(x, n - 1 - i));
    setElement(x, n - 1 - i, bits);
  }
}

/**
 * Chooses 2 ** levels splitters from a sample, 16 for each, or all values of the sample if they are fewer, and makes a
 * search tree of them. Gives the levels of the tree. `sample` has room for twice the sample.
 */
function plan(
  x: Address,
  n: number,
  sample: Address,
  tree: Address,
  splitters: Address,
  levels: number,
  room: Address,
  end: Address,
): number {
  let count = 1 << levels;
  const size = count << 4;
  const sorted = sample + size * KEY_BYTES;
  let random = 0x1e3779b9;
  for (let i = 0; i < size; i++) {
    random = random ^ (random << 13);
    random = random ^ (random >>> 17);
    random = random ^ (random << 5);
    put(sample, i, ordered(element(x, random % n)));
  }
  spread(sample, sorted, size, room, end);
  let values = 1;
  for (let i = 1; i < size; i++) values += at(sorted, i) !== at(sorted, i - 1) ? 1 : 0;
  if (values < count) {
    levels = 32 - zeros(values);
    count = 1 << levels;
    put(splitters, 0, at(sorted, 0));
    let j = 1;
    for (let i = 1; i < size; i++) {
      if (at(sorted, i) !== at(sorted, i - 1)) {
        put(splitters, j, at(sorted, i));
        j++;
      }
    }
    for (; j < count; j++) put(splitters, j, GREATEST);
  } else {
    for (let j = 0; j < count - 1; j++) put(splitters, j, at(sorted, (j << 4) + 15));
    put(splitters, count - 1, GREATEST);
  }
  for (let i = 1; i < count; i++) {
    const depth = 31 - zeros(i);
    const j = i - (1 << depth);
    put(tree, i, at(splitters, ((j * 2 + 1) << (levels - depth - 1)) - 1));
  }
  return levels;
}

export function note(ids: Address, counts: Address, i: number, j: number, key: Key, splitters: Address): void {
  const id = (j << 1) + (at(splitters, j) === key ? 1 : 0);
  setHalf(ids, i, id);
  setWord(counts, id, word(counts, id) + 1);
}

/**
 * Finds the bucket of each element: 2 j holds what lies before splitter j, 2 j + 1 what is equal to it. Notes it at
 * `ids`, and how many there are of each at `counts`. Four searches run side by side: each waits for its own loads.
 */
function classify(
  x: Address,
  ids: Address,
  first: number,
  last: number,
  tree: Address,
  splitters: Address,
  levels: number,
  counts: Address,
): void {
  const count = 1 << levels;
  clear(counts, count * 2);
  let i = first;
  for (; i + 4 <= last; i += 4) {
    const p = ordered(element(x, i));
    const q = ordered(element(x, i + 1));
    const r = ordered(element(x, i + 2));
    const s = ordered(element(x, i + 3));
    let a = 1;
    let b = 1;
    let c = 1;
    let d = 1;
    for (let level = 0; level < levels; level++) {
      a = (a << 1) + (at(tree, a) < p ? 1 : 0);
      b = (b << 1) + (at(tree, b) < q ? 1 : 0);
      c = (c << 1) + (at(tree, c) < r ? 1 : 0);
      d = (d << 1) + (at(tree, d) < s ? 1 : 0);
    }
    note(ids, counts, i, a - count, p, splitters);
    note(ids, counts, i + 1, b - count, q, splitters);
    note(ids, counts, i + 2, c - count, r, splitters);
    note(ids, counts, i + 3, d - count, s, splitters);
  }
  for (; i < last; i++) {
    const p = ordered(element(x, i));
    let a = 1;
    for (let level = 0; level < levels; level++) a = (a << 1) + (at(tree, a) < p ? 1 : 0);
    note(ids, counts, i, a - count, p, splitters);
  }
}

/** Makes of the counts of all blocks where the elements of each begin, and of each bucket at `starts`. */
function place(counts: Address, starts: Address, buckets: number, blocks: number): void {
  let sum = 0;
  for (let bucket = 0; bucket < buckets; bucket++) {
    setWord(starts, bucket, sum);
    for (let block = 0; block < blocks; block++) {
      const i = block * buckets + bucket;
      const count = word(counts, i);
      setWord(counts, i, sum);
      sum += count;
    }
  }
  setWord(starts, buckets, sum);
}

/** Puts the keys of a block where its buckets are at `y`; those that are equal to a splitter are not needed. */
function scatter(x: Address, y: Address, ids: Address, first: number, last: number, counts: Address): void {
  for (let i = first; i < last; i++) {
    const id = half(ids, i);
    if (id & 1) continue;
    const to = word(counts, id);
    setWord(counts, id, to + 1);
    put(y, to, ordered(element(x, i)));
  }
}

/**
 * Sorts the buckets from `first` up to `last` from `y`, which stays as it is, to `x`, and ticks them off at `done`. There is
 * room for `most` keys at `keys`. Gives the first bucket that needs more, or `last`.
 */
function finishBuckets(
  x: Address,
  y: Address,
  starts: Address,
  splitters: Address,
  done: Address,
  first: number,
  last: number,
  keys: Address,
  most: number,
  end: Address,
): number {
  let bucket = first;
  for (; bucket < last; bucket++) {
    const start = word(starts, bucket);
    const m = word(starts, bucket + 1) - start;
    if (bucket & 1) fill(x, start, m, splitters, bucket >> 1);
    else {
      if (m > most) break;
      if (spread(y + start * KEY_BYTES, keys, m, keys + most * KEY_BYTES, end) === 0) break;
      finish(x + start * KEY_BYTES, keys, m);
    }
    setWord(done, bucket, 1);
  }
  return bucket;
}

function fill(x: Address, start: number, m: number, splitters: Address, splitter: number): void {
  const bits = plain(at(splitters, splitter));
  for (let i = start; i < start + m; i++) setElement(x, i, bits);
}

/** Puts the elements of a bucket back to where they belong, in some order. */
function restore(x: Address, y: Address, starts: Address, splitters: Address, bucket: number): void {
  const start = word(starts, bucket);
  const m = word(starts, bucket + 1) - start;
  if (bucket & 1) fill(x, start, m, splitters, bucket >> 1);
  else finish(x + start * KEY_BYTES, y + start * KEY_BYTES, m);
}

export const functions = [
  insertion,
  spread,
  finish,
  fill,
  sortHere,
  isBroken,
  reverse,
  plan,
  classify,
  place,
  scatter,
  finishBuckets,
  restore,
];

/** What a module of these functions exports. */
export interface Kernel {
  readonly sortHere: typeof sortHere;
  readonly isBroken: typeof isBroken;
  readonly reverse: typeof reverse;
  readonly plan: typeof plan;
  readonly classify: typeof classify;
  readonly place: typeof place;
  readonly scatter: typeof scatter;
  readonly finishBuckets: typeof finishBuckets;
  readonly restore: typeof restore;
}
