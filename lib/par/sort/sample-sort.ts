// The numeric sort: a sample sort whose buckets are sorted by counting.
//
// 1. Is it sorted already, upwards or downwards? If the first thousand are, all blocks are looked at.
// 2. Splitters are taken from a sample, and each element finds its bucket in a tree of them, without a branch. A value
//    that comes often becomes a splitter, and what is equal to a splitter has a bucket of its own, which is only filled.
// 3. Blocks are scattered to the buckets, at places that come from the counts of all blocks.
// 4. Buckets, which now fit into a cache, are sorted by counting (kernel.ts, `spread`), each by one thread.
//
// Steps 1 to 3: P. Sanders, S. Winkel, "Super Scalar Sample Sort", 2004; the equality buckets as in M. Axtmann, S. Witt,
// D. Ferizovic, P. Sanders, "In-place Parallel Super Scalar Samplesort (IPS4o)", 2017. Unlike the latter it takes memory:
// 10 bytes for each number of 8, 6 for each of 4. Step 4 is a radix sort from the highest bits on (P. McIlroy, K. Bostic,
// M. D. McIlroy, "Engineering Radix Sort", 1993) over the bits in which the keys of a bucket differ.
//
// Chosen by measuring: a radix sort from the lowest bits on, compiled just so, takes longer, for it moves all elements six
// times, however few values they have; in JavaScript, which has no fast 64-bit integers, finding the buckets does.
//
// Steps 1 to 3 only read the elements; 4 writes a bucket in one go and ticks it off. So where a thread dies the rest is put
// back, and the array holds what it held, in another order.

import { add, type Words } from "../../atomics.ts";
import { inLibrary } from "../../library.ts";
import { placeOf } from "../../memory/place.ts";
import type { Numbers } from "../../memory/shared.ts";
import { Instance, Module, type WasmMemory, type WasmModule } from "../../wasm.ts";
import { kernelBytes, type Elements } from "./kernel-module.ts";
import type { Kernel } from "./kernel.ts";

/** What is sorted, and which way. */
export interface Kind {
  readonly elements: Elements;
  readonly descending: boolean;
  readonly module: WasmModule;
}

/** Where: any array in the memory of the elements, and the scratch memory, which may be the same. */
export type Ground = readonly [home: Numbers | Words, scratch: Words];

/** Which elements: the address of the first, and how many. */
export interface Range {
  readonly x: number;
  readonly n: number;
}

/** What the threads do together; when all are done it goes on. */
export interface Phase {
  readonly parts: number;
  readonly args: readonly number[];
}

const [LOOK, REVERSE, CLASSIFY, SCATTER, FINISH] = [0, 1, 2, 3, 4] as const;

/** Up to so many one thread sorts by itself. */
export const MOST_HERE = 32768;
/** So many elements of a bucket fit into a cache. */
const BUCKET = 8192;
const MOST_LEVELS = 11;
/** Larger blocks would keep V8 longer from putting its best code in: it does that between two calls. */
const BLOCK = 2 ** 18;
/** What `spread` needs at most, for each key and besides; and what it has for each key of a bucket, mostly too much. */
const [MOST_ROOM, COUNTERS, ROOM] = [96, 131072, 16];
/** How far it is looked whether it is worth looking further. */
const GLANCE = 1000;

const TYPES = { f64: Float64Array, f32: Float32Array, i32: Int32Array, u32: Uint32Array };

export function keyBytesOf(elements: Elements): number {
  return TYPES[elements].BYTES_PER_ELEMENT;
}

/** The next bucket that nobody has: a word at the beginning of the scratch memory. */
const NEXT = 0;

/** Where what lies in the scratch memory: bytes from its beginning. Follows from what all threads know. */
class Layout {
  readonly #key: string;
  readonly blocks: number;
  /** How many threads sort buckets. */
  readonly lanes: number;
  #end = 64;
  readonly flags: number;
  readonly starts: number;
  readonly done: number;
  readonly tree: number;
  readonly splitters: number;
  readonly counts: number;
  readonly y: number;
  readonly ids: number;
  readonly rooms: number;
  /** Of one lane: the keys of a bucket and what sorting them takes. */
  readonly roomBytes: number;
  readonly mostKeys: number;

  constructor(n: number, levels: number, threads: number, keyBytes: number) {
    this.#key = `${n} ${levels} ${threads}`;
    const splitters = 2 ** levels;
    const buckets = splitters * 2;
    this.blocks = Math.min(128, Math.max(16, threads * 4, Math.ceil(n / BLOCK)));
    this.flags = this.#take(this.blocks * 4);
    this.starts = this.#take((buckets + 1) * 4);
    this.done = this.#take(buckets * 4);
    this.tree = this.#take(splitters * keyBytes);
    this.splitters = this.#take(splitters * keyBytes);
    this.counts = this.#take(this.blocks * buckets * 4);
    this.y = this.#take(n * keyBytes);
    this.ids = this.#take(n * 2);
    this.mostKeys = Math.max(2 * BUCKET, 4 * Math.ceil(n / splitters));
    this.roomBytes = this.mostKeys * (keyBytes + ROOM) + COUNTERS;
    this.lanes = Math.min(threads, Math.ceil(n / BUCKET));
    // The sample is sorted in the rooms of all.
    this.rooms = this.#take(Math.max(this.roomBytes * this.lanes, splitters * 16 * MOST_ROOM + COUNTERS));
  }

  isFor(n: number, levels: number, threads: number): boolean {
    return this.#key === `${n} ${levels} ${threads}`;
  }

  #take(bytes: number): number {
    const start = this.#end;
    this.#end = Math.ceil((start + bytes) / 64) * 64;
    return start;
  }

  get byteLength(): number {
    return this.#end;
  }
}

const levelsOf = (n: number): number => Math.min(MOST_LEVELS, Math.max(4, Math.round(Math.log2(n / BUCKET))));

/** The scratch memory that a sort of so many elements takes. */
export function scratchBytes(n: number, threads: number, elements: Elements): number {
  const keyBytes = keyBytesOf(elements);
  return n <= MOST_HERE
    ? n * (2 * keyBytes + MOST_ROOM) + COUNTERS + 64
    : new Layout(n, levelsOf(n), threads, keyBytes).byteLength;
}

export function kindOf(elements: Elements, descending: boolean): Kind {
  return { elements, descending, module: new Module(kernelBytes(elements, descending)) };
}

/** By the memory of the elements, the scratch memory, and the module. */
const instances = new WeakMap<WasmMemory, WeakMap<WasmMemory, Map<WasmModule, Kernel>>>();

function kernelOn({ module }: Kind, [home, scratch]: Ground): Kernel {
  const [scratchMemory, elementMemory] = [placeOf(scratch)!.memory, placeOf(home)!.memory];
  const byScratch = instances.get(elementMemory) ?? new WeakMap<WasmMemory, Map<WasmModule, Kernel>>();
  instances.set(elementMemory, byScratch);
  const byModule = byScratch.get(scratchMemory) ?? new Map<WasmModule, Kernel>();
  byScratch.set(scratchMemory, byModule);
  const kernel =
    byModule.get(module) ??
    (new Instance(module, { env: { scratch: scratchMemory, elements: elementMemory } }).exports as unknown as Kernel);
  byModule.set(module, kernel);
  return kernel;
}

/** What each thread does of a phase. */
export function makeSorter(kind: Kind): (part: number, args: readonly number[], operands: readonly unknown[]) => void {
  const { elements, descending } = kind;
  const keyBytes = keyBytesOf(elements);
  let layout: Layout | undefined;

  /** One that is larger than any sample made likely: V8's own sort takes it. */
  function sortBucket([home, scratch]: Ground, x: number, { starts, done }: Layout, bucket: number): void {
    const [start, stop] = [scratch[starts / 4 + bucket]!, scratch[starts / 4 + bucket + 1]!];
    const bucketKeys = new TYPES[elements](home.buffer as never, x + start * keyBytes, stop - start).sort();
    if (descending) bucketKeys.reverse();
    scratch[done / 4 + bucket] = 1;
  }

  return (part, args, operands) => {
    const ground = operands as unknown as Ground;
    const [phase, x, n, levels, threads, detail] = args as [number, number, number, number, number, number];
    const [, scratch] = ground;
    const kernel = kernelOn(kind, ground);
    if (!layout?.isFor(n, levels, threads)) layout = new Layout(n, levels, threads, keyBytes);
    const { flags, starts, done, tree, splitters, counts, y, ids, rooms, roomBytes, mostKeys, blocks } = layout;
    const length = phase === REVERSE ? n >> 1 : n;
    const first = Math.floor((length * part) / blocks);
    const last = Math.floor((length * (part + 1)) / blocks);
    const used = 2 << detail;
    const blockCounts = counts + part * used * 4;
    switch (phase) {
      case LOOK:
        scratch[flags / 4 + part] = kernel.isBroken(x, Math.max(0, first - 1), last, detail);
        break;
      case REVERSE:
        kernel.reverse(x, n, first, last);
        break;
      case CLASSIFY:
        kernel.classify(x, ids, first, last, tree, splitters, detail, blockCounts);
        break;
      case SCATTER:
        kernel.scatter(x, y, ids, first, last, blockCounts);
        break;
      case FINISH: {
        const room = rooms + part * roomBytes;
        const step = Math.max(2, used >> 6);
        for (let from = add(scratch, NEXT, step); from < used; from = add(scratch, NEXT, step)) {
          const to = Math.min(used, from + step);
          for (let bucket = from; bucket < to; bucket++) {
            const end = room + roomBytes;
            bucket = kernel.finishBuckets(x, y, starts, splitters, done, bucket, to, room, mostKeys, end);
            if (bucket === to) break;
            kernel.restore(x, y, starts, splitters, bucket);
            sortBucket(ground, x, layout, bucket);
          }
        }
      }
    }
  };
}

/** Sorts up to MOST_HERE elements on this thread. */
export function sortHere(kind: Kind, ground: Ground, { x, n }: Range): void {
  const bytes = n * keyBytesOf(kind.elements);
  const [y, sorted, room] = [64, 64 + bytes, 64 + 2 * bytes];
  kernelOn(kind, ground).sortHere(x, n, y, sorted, room, room + n * MOST_ROOM + COUNTERS);
}

/** What the threads have to do so that the elements are sorted. */
export function* sampleSort(kind: Kind, ground: Ground, { x, n }: Range, threads: number): Generator<Phase, void> {
  const [, scratch] = ground;
  const kernel = kernelOn(kind, ground);
  const levels = levelsOf(n);
  const layout = new Layout(n, levels, threads, keyBytesOf(kind.elements));
  const { flags, starts, done, tree, splitters, counts, y, rooms, blocks, lanes } = layout;
  // In detail: the levels of the tree, or 1 to look whether all fall.
  const args = (phase: number, detail = 0): number[] => [phase, x, n, levels, threads, detail];

  for (const falling of [0, 1]) {
    if (kernel.isBroken(x, 0, GLANCE, falling) === 1) continue;
    yield { parts: blocks, args: args(LOOK, falling) };
    const numbers = new TYPES[kind.elements](ground[0].buffer as never, x, n);
    const least = falling === 1 ? numbers[n - 1] : numbers[0];
    if (scratch.subarray(flags / 4, flags / 4 + blocks).includes(1) || Number.isNaN(least)) continue;
    if (falling === 1) yield { parts: blocks, args: args(REVERSE) };
    return;
  }
  // The keys have not come to y yet: the sample lies there meanwhile.
  const treeLevels = kernel.plan(x, n, y, tree, splitters, levels, rooms, layout.byteLength);
  const used = 2 << treeLevels;
  yield { parts: blocks, args: args(CLASSIFY, treeLevels) };
  kernel.place(counts, starts, used, blocks);
  yield { parts: blocks, args: args(SCATTER, treeLevels) };
  scratch.fill(0, done / 4, done / 4 + used);
  scratch[NEXT] = 0;
  try {
    yield { parts: lanes, args: args(FINISH, treeLevels) };
  } catch (error) {
    for (let bucket = 0; bucket < used; bucket++)
      if (scratch[done / 4 + bucket] === 0) kernel.restore(x, y, starts, splitters, bucket);
    throw error;
  }
}

inLibrary(import.meta.url, { makeSorter });
