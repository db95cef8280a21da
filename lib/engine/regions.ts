// Parallel regions, as OpenMP calls them: loops that threads of a pool run together. One thread publishes a loop of so
// many parts; parts are handed out by fetch-and-add (P. Tang, P.-C. Yew, "Processor self-scheduling for multiple nested
// parallel loops", ICPP 1986), and whoever has nothing else to do helps.
//
//   publisher                                helper
//   claims a region, writes the call there
//   opens it, wakes sleepers                 notes that it is in; looks whether the region is open: if not, out again
//   takes parts, too, where it blocks        takes parts until there are none, or the region is stopped
//   closes it                                closes it; what it wrote comes before:
//   waits until nobody is in                 notes that it is out, wakes the publisher
//
// Who is in is told by a bit for each seat, so that one that dies can be taken out by the pool's owner. A helper notes that
// it is in before it looks, and the publisher closes before it looks who is in: one of the two sees the other.

import { add, and, load, notify, or, replace, store, type Words } from "../atomics.ts";
import { SeatSet } from "./seat-set.ts";
import type { Seats } from "./seats.ts";

/** A bit of a word each. */
export const REGIONS = 32;
export const MAX_ARGS = 16;
export const MAX_OPERANDS = 8;

// Words of the header: regions that take helpers, regions that belong to a publisher, numbers given, threads that came.
const OPEN = 0;
const USED = 16;
const NUMBERS = 32;
const ARRIVALS = 48;
/** Threads that look for work and will see a region without being woken. */
const SPINNING = 64;
const REGIONS_AT = SPINNING + SeatSet.WORDS;

// Words of a region. What changes while it runs is on cache lines of its own.
const NEXT = 0;
const TICKETS = 16;
const EPOCH = 32;
const WAITS = 33;
/** One died in it. */
const LOST = 34;
/** Its publisher is gone: the last helper gives it back. */
const ORPHAN = 35;
/** The publisher's seat and 1, from when it has it until it is given back; 0: the owner's, or nobody's. */
const HOLDER = 36;
const CALL = 48;
const ARGS = CALL + 16;
const INSIDE = ARGS + MAX_ARGS * 2;
const REGION_WORDS = INSIDE + SeatSet.WORDS;

/** The words of the call, from CALL on. */
const Field = { number: 0, parts: 1, limit: 2, kernel: 3, ledger: 4, origin: 5, publisher: 6, operands: 7 } as const;

/** A call, as its publisher writes it. Kernel, ledger and operands are numbers that threads know (lib/pool/definitions.ts). */
export interface RegionCall {
  readonly number: number;
  readonly parts: number;
  /** So many helpers at most. */
  readonly limit: number;
  readonly kernel: number;
  readonly ledger: number;
  readonly origin: number;
  /** Its seat, or -1 for the pool's owner. */
  readonly publisher: number;
  readonly operands: readonly number[];
  readonly args: readonly number[];
}

export class Regions {
  readonly #words: Words;
  readonly #at: number;
  readonly #inside: SeatSet[];
  readonly #args: Float64Array[];
  readonly spinning: SeatSet;

  /** @param at even */
  constructor(words: Words, at: number, seats: Seats) {
    this.#words = words;
    this.#at = at;
    this.spinning = new SeatSet(words, at + SPINNING, seats);
    const all = Array.from({ length: REGIONS }, (_, region) => this.#region(region));
    this.#inside = all.map((start) => new SeatSet(words, start + INSIDE, seats));
    this.#args = all.map((start) => new Float64Array(words.buffer, (start + ARGS) * 4, MAX_ARGS));
  }

  static readonly WORDS: number = REGIONS_AT + REGIONS * REGION_WORDS;

  /** A number that nothing else in this pool has. */
  nextNumber(): number {
    return add(this.#words, this.#at + NUMBERS, 1) + 1;
  }

  /** Counts the threads that have come: who came later has missed what was told before. */
  get arrivals(): number {
    return load(this.#words, this.#at + ARRIVALS);
  }

  /** Publishers that wait are told: those that knew of their calls may have gone. */
  arrive(): void {
    add(this.#words, this.#at + ARRIVALS, 1);
    for (const region of this.used()) this.#tell(region);
  }

  // ---- by the publisher

  /** A region for one call of that publisher; -1: all are in use. */
  claim(publisher: number): number {
    for (;;) {
      const used = load(this.#words, this.#at + USED);
      if (used === -1) return -1;
      const region = 31 - Math.clz32(~used & -~used);
      if (!replace(this.#words, this.#at + USED, used, used | (1 << region))) continue;
      store(this.#words, this.#region(region) + HOLDER, publisher + 1);
      return region;
    }
  }

  write(region: number, call: RegionCall): void {
    const words = this.#words;
    const at = this.#region(region);
    for (const word of [NEXT, TICKETS, LOST, ORPHAN, WAITS]) words[at + word] = 0;
    const { number, parts, limit, kernel, ledger, origin, publisher, operands } = call;
    words[at + CALL + Field.number] = number;
    words[at + CALL + Field.parts] = parts;
    words[at + CALL + Field.limit] = limit;
    words[at + CALL + Field.kernel] = kernel;
    words[at + CALL + Field.ledger] = ledger;
    words[at + CALL + Field.origin] = origin;
    words[at + CALL + Field.publisher] = publisher;
    for (let i = 0; i < MAX_OPERANDS; i++) words[at + CALL + Field.operands + i] = operands[i] ?? 0;
    const args = this.#args[region]!;
    for (let i = 0; i < MAX_ARGS; i++) args[i] = call.args[i] ?? 0;
  }

  open(region: number): void {
    or(this.#words, this.#at + OPEN, 1 << region);
  }

  /** Nobody comes in any more. Also by helpers that find no part. */
  close(region: number): void {
    and(this.#words, this.#at + OPEN, ~(1 << region));
  }

  /** From now on `leave` wakes who waits in `changed`. */
  announceWait(region: number): void {
    store(this.#words, this.#region(region) + WAITS, 1);
  }

  /** The word that changes when one leaves while someone waits, and its value. */
  epochAt(region: number): number {
    return this.#region(region) + EPOCH;
  }

  /** By the publisher: all parts are handed out, and nobody is in. Closes it where all are handed out. */
  isOver(region: number): boolean {
    const at = this.#region(region);
    if (load(this.#words, at + NEXT) < this.#words[at + CALL + Field.parts]!) return false;
    this.close(region);
    return this.#inside[region]!.isEmpty;
  }

  hasLost(region: number): boolean {
    return load(this.#words, this.#region(region) + LOST) !== 0;
  }

  /** The publisher is done with it. Only when it is over. */
  free(region: number): void {
    store(this.#words, this.#region(region) + HOLDER, 0);
    and(this.#words, this.#at + USED, ~(1 << region));
  }

  /** The publisher leaves it as it is: it ends when the last helper is out. */
  abandon(region: number): void {
    store(this.#words, this.#region(region) + ORPHAN, 1);
    this.stop(region);
    this.#freeOrphan(region);
  }

  // ---- by anyone who is in

  /** The next part; -1: there is none. */
  take(region: number): number {
    const at = this.#region(region);
    const part = add(this.#words, at + NEXT, 1);
    return part < this.#words[at + CALL + Field.parts]! ? part : -1;
  }

  /** No more parts are handed out. */
  stop(region: number): void {
    const at = this.#region(region);
    store(this.#words, at + NEXT, this.#words[at + CALL + Field.parts]!);
    this.close(region);
  }

  /** Nobody is left who could help: all are lost. Publishers that wait are told. */
  loseAll(): void {
    for (const region of this.used()) {
      store(this.#words, this.#region(region) + LOST, 1);
      this.stop(region);
      this.#tell(region);
    }
  }

  // ---- by helpers

  get isAnyOpen(): boolean {
    return load(this.#words, this.#at + OPEN) !== 0;
  }

  /** The next open region from this one on that has parts and wants helpers; -1: there is none. */
  find(from: number): number {
    let open = from >= REGIONS ? 0 : load(this.#words, this.#at + OPEN) & (-1 << from);
    for (; open !== 0; open &= open - 1) {
      const region = 31 - Math.clz32(open & -open);
      const at = this.#region(region);
      const isWanted = load(this.#words, at + TICKETS) < this.#words[at + CALL + Field.limit]!;
      if (isWanted && load(this.#words, at + NEXT) < this.#words[at + CALL + Field.parts]!) return region;
    }
    return -1;
  }

  /** True: it is in, and may take parts; `leave` has to follow. */
  enter(region: number, seat: number): boolean {
    const at = this.#region(region);
    this.#inside[region]!.add(seat);
    const isOpen = (load(this.#words, this.#at + OPEN) & (1 << region)) !== 0;
    if (isOpen && add(this.#words, at + TICKETS, 1) < this.#words[at + CALL + Field.limit]!) return true;
    this.leave(region, seat);
    return false;
  }

  /** Another may come in its place. */
  returnTicket(region: number): void {
    add(this.#words, this.#region(region) + TICKETS, -1);
  }

  /** Also by the owner, for one that is gone. True: it was in. */
  leave(region: number, seat: number): boolean {
    const wasIn = this.#inside[region]!.delete(seat);
    this.#tell(region);
    if (load(this.#words, this.#region(region) + ORPHAN) !== 0) this.#freeOrphan(region);
    return wasIn;
  }

  field(region: number, field: keyof typeof Field): number {
    return this.#words[this.#region(region) + CALL + Field[field]]!;
  }

  operands(region: number): number[] {
    const at = this.#region(region) + CALL + Field.operands;
    return Array.from(this.#words.subarray(at, at + MAX_OPERANDS)).filter((number) => number !== 0);
  }

  args(region: number): number[] {
    return Array.from(this.#args[region]!);
  }

  // ---- by the owner

  /** The seat's thread is gone: what it published or was in ends. True: it was in one. */
  forget(seat: number): boolean {
    this.spinning.delete(seat);
    let wasIn = false;
    for (const region of this.used()) {
      const inside = this.#inside[region]!;
      if (inside.has(seat)) {
        wasIn = true;
        store(this.#words, this.#region(region) + LOST, 1);
        this.stop(region);
        this.leave(region, seat);
      }
      // What is written there may be of the one before, until the next publisher has written its own.
      if (replace(this.#words, this.#region(region) + HOLDER, seat + 1, 0)) this.abandon(region);
      // It may have been about to.
      this.#tell(region);
    }
    return wasIn;
  }

  used(): number[] {
    const used = load(this.#words, this.#at + USED);
    return Array.from({ length: REGIONS }, (_, region) => region).filter((region) => (used & (1 << region)) !== 0);
  }

  /** The seats whose threads are in. */
  inside(region: number, seats: number): number[] {
    const inside = this.#inside[region]!;
    return Array.from({ length: seats }, (_, seat) => seat).filter((seat) => inside.has(seat));
  }

  #tell(region: number): void {
    const at = this.#region(region);
    if (load(this.#words, at + WAITS) === 0) return;
    add(this.#words, at + EPOCH, 1);
    notify(this.#words, at + EPOCH);
  }

  #freeOrphan(region: number): void {
    if (this.isOver(region) && replace(this.#words, this.#region(region) + ORPHAN, 1, 0)) this.free(region);
  }

  #region(region: number): number {
    return this.#at + REGIONS_AT + region * REGION_WORDS;
  }
}
