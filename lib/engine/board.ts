// What a pool's owner and its threads share: a board of slots, each with one task that is on its way, and deques that say
// which slots wait. A task is claimed by changing the state of its slot; what stands in a deque is a hint where to look,
// so a hint that is stale or doubled does no harm, and one that was lost with a thread is given again.
//
//   owner                         thread
//   fills a slot, state = queued
//   pushes it to a lane's deque   takes it from the deque, of its own lane or another's
//                                 state: queued -> running, by compare-and-exchange: this is the claim
//                                 runs it, writes the result in its place, state = done
//   collects what is done   <-    pushes it to the stack of what is done, wakes the owner if it sleeps

import {
  add,
  and,
  exchange,
  load,
  notify,
  or,
  replace,
  store,
  waitAsync,
  waitUncounted,
  type Words,
} from "../atomics.ts";
import { Deque } from "./deque.ts";
import { SmallValueReader, SmallValueWriter } from "./small-values.ts";

export const SLOTS = 1 << 15;
const SLOT_BYTES = 256;
const HEAD_BYTES = 32;
export const VALUE_BYTES = SLOT_BYTES - HEAD_BYTES;
export const MAX_SEATS = 2048;
export const MAX_LANES = 64;

/** The low bits of a slot's state; above them, from `running` on, the seat of the thread that has it. */
export const State = { free: 0, queued: 1, running: 2, done: 3, posted: 4 } as const;
const SEAT_SHIFT = 3;
const STATE_MASK = 7;

// Words of the header, each on a cache line of its own.
const DONE_STACK = 0;
const OWNER_SLEEPS = 16;
const SLEEPERS = 32;
const LANES_USED = 48;
/** A bit a seat: the threads that may run, those that wait to run on, and those that sleep for lack of room. */
const RUNNING = 64;
const RETURNING = 80;
const HUNGRY = 96;
/** How many may run. */
const LIMIT = 112;
const SEATS_USED = 128;
/** A bit a seat, of all seats: the threads that are blocked in a task. */
const BLOCKED = 144;
const SEATS_AT = 208;

// Words of a seat.
const SEAT_WORDS = 16;
const ASLEEP = 0;
const HAND = 1;
const STOP = 2;

const STATES_AT = SEATS_AT + MAX_SEATS * SEAT_WORDS;
const LINKS_AT = STATES_AT + SLOTS;
const LANES_AT = LINKS_AT + SLOTS;
/** Cancelled tasks leave their hints behind: there may be more hints than slots. */
const HINTS = SLOTS * 2;

// A slot, in bytes: function u32, origin i32, lane it was stolen from + 1 as i32, lane it is meant for as i32, started and ended as f64 in
// ms of the common clock; then the value, arguments first and the result afterwards.
const FUNCTION = 0;
const ORIGIN = 4;
const STOLEN = 8;
const MEANT = 12;
const STARTED = 16;
const ENDED = 24;

export interface BoardMemory {
  readonly memory: SharedArrayBuffer;
  readonly lanes: number;
}

export class Board implements BoardMemory {
  readonly memory: SharedArrayBuffer;
  readonly lanes: number;
  readonly #words: Words;
  readonly #slots: DataView;
  readonly #slotsAt: number;
  readonly #deques: Deque[];
  readonly #writer: SmallValueWriter;
  readonly #reader: SmallValueReader;

  constructor({ memory, lanes }: BoardMemory) {
    this.memory = memory;
    this.lanes = lanes;
    this.#words = new Int32Array(memory);
    this.#slots = new DataView(memory);
    this.#slotsAt = slotsAt(lanes);
    const at = (lane: number): number => LANES_AT + lane * Deque.words(HINTS);
    this.#deques = Array.from({ length: lanes + MAX_LANES }, (_, lane) => new Deque(this.#words, at(lane), HINTS));
    this.#writer = new SmallValueWriter(memory);
    this.#reader = new SmallValueReader(memory);
  }

  /** Some thirty MiB of address space, of which the system gives what is touched. */
  static make(lanes: number): Board {
    return new Board({ memory: new SharedArrayBuffer(slotsAt(lanes) + SLOTS * SLOT_BYTES), lanes });
  }

  // ---- slots

  state(slot: number): number {
    return load(this.#words, STATES_AT + slot) & STATE_MASK;
  }

  seat(slot: number): number {
    return load(this.#words, STATES_AT + slot) >> SEAT_SHIFT;
  }

  setState(slot: number, state: number, seat = 0): void {
    store(this.#words, STATES_AT + slot, state | (seat << SEAT_SHIFT));
  }

  /** The claim: true for exactly one of those who try. */
  claim(slot: number, seat: number): boolean {
    return replace(this.#words, STATES_AT + slot, State.queued, State.running | (seat << SEAT_SHIFT));
  }

  /** Takes back what no thread has claimed. */
  revoke(slot: number): boolean {
    return replace(this.#words, STATES_AT + slot, State.queued, State.free);
  }

  /** @param fn number of the function, 0 where the task comes by message */
  prepare(slot: number, fn: number, origin: number): void {
    const at = this.#slotsAt + slot * SLOT_BYTES;
    this.#slots.setUint32(at + FUNCTION, fn, true);
    this.#slots.setInt32(at + ORIGIN, origin, true);
    this.#slots.setInt32(at + STOLEN, 0, true);
    this.#slots.setFloat64(at + STARTED, 0, true);
  }

  functionOf(slot: number): number {
    return this.#slots.getUint32(this.#slotsAt + slot * SLOT_BYTES + FUNCTION, true);
  }

  originOf(slot: number): number {
    return this.#slots.getInt32(this.#slotsAt + slot * SLOT_BYTES + ORIGIN, true);
  }

  /** False: the value is not small enough, or of another kind. */
  write(slot: number, value: unknown): boolean {
    const at = this.#slotsAt + slot * SLOT_BYTES;
    return this.#writer.write(value, at + HEAD_BYTES, at + SLOT_BYTES);
  }

  /** The same for a list of arguments. */
  writeList(slot: number, values: readonly unknown[]): boolean {
    const at = this.#slotsAt + slot * SLOT_BYTES;
    return this.#writer.writeList(values, at + HEAD_BYTES, at + SLOT_BYTES);
  }

  /** What a SmallValueWriter has written elsewhere. */
  writeBytes(slot: number, bytes: Uint8Array): void {
    new Uint8Array(this.memory).set(bytes, this.#slotsAt + slot * SLOT_BYTES + HEAD_BYTES);
  }

  read(slot: number): unknown {
    return this.#reader.read(this.#slotsAt + slot * SLOT_BYTES + HEAD_BYTES);
  }

  /** The lane whose hint counts, where threads keep to their own: one in another may be left from an earlier task. */
  meantFor(slot: number): number {
    return this.#slots.getInt32(this.#slotsAt + slot * SLOT_BYTES + MEANT, true);
  }

  setMeant(slot: number, lane: number): void {
    this.#slots.setInt32(this.#slotsAt + slot * SLOT_BYTES + MEANT, lane, true);
  }

  setStarted(slot: number, ms: number): void {
    this.#slots.setFloat64(this.#slotsAt + slot * SLOT_BYTES + STARTED, ms, true);
  }

  setEnded(slot: number, ms: number): void {
    this.#slots.setFloat64(this.#slotsAt + slot * SLOT_BYTES + ENDED, ms, true);
  }

  /** 0: it has not started. */
  started(slot: number): number {
    return this.#slots.getFloat64(this.#slotsAt + slot * SLOT_BYTES + STARTED, true);
  }

  ended(slot: number): number {
    return this.#slots.getFloat64(this.#slotsAt + slot * SLOT_BYTES + ENDED, true);
  }

  /** The lane that it was stolen from, if it was. */
  stolenFrom(slot: number): number | undefined {
    const lane = this.#slots.getInt32(this.#slotsAt + slot * SLOT_BYTES + STOLEN, true);
    return lane === 0 ? undefined : lane - 1;
  }

  setStolen(slot: number, lane: number): void {
    this.#slots.setInt32(this.#slotsAt + slot * SLOT_BYTES + STOLEN, lane + 1, true);
  }

  // ---- lanes: the hints

  push(lane: number, slot: number): boolean {
    return this.#deques[lane]!.push(slot);
  }

  /** The lane of what is for the thread in this seat only. */
  ownLane(seat: number): number {
    return this.lanes + (seat % MAX_LANES);
  }

  /** A slot that waited in this lane, or -1. It is in the seat's hand until `putDown`. */
  take(lane: number, seat: number): number {
    return this.#deques[lane]!.take((slot) => this.pickUp(seat, slot));
  }

  isEmpty(lane: number): boolean {
    return this.#deques[lane]!.isEmpty;
  }

  /** Lanes from this one on are not in use. */
  get lanesUsed(): number {
    return load(this.#words, LANES_USED);
  }

  set lanesUsed(count: number) {
    store(this.#words, LANES_USED, count);
  }

  get seatsUsed(): number {
    return load(this.#words, SEATS_USED);
  }

  set seatsUsed(count: number) {
    store(this.#words, SEATS_USED, count);
  }

  // ---- seats: a thread's own words

  /** What the thread is about to claim, or waits for: the owner looks here when the thread is gone. */
  pickUp(seat: number, slot: number): void {
    store(this.#words, seatAt(seat) + HAND, slot + 1);
  }

  putDown(seat: number): void {
    store(this.#words, seatAt(seat) + HAND, 0);
  }

  inHand(seat: number): number | undefined {
    const hand = load(this.#words, seatAt(seat) + HAND);
    return hand === 0 ? undefined : hand - 1;
  }

  /** A new thread takes the seat. */
  clearSeat(seat: number): void {
    for (let i = 0; i < SEAT_WORDS; i++) store(this.#words, seatAt(seat) + i, 0);
  }

  /** From now on the thread starts nothing, until this is taken back. */
  setStop(seat: number, stop: boolean): void {
    store(this.#words, seatAt(seat) + STOP, stop ? 1 : 0);
  }

  isStopped(seat: number): boolean {
    return load(this.#words, seatAt(seat) + STOP) === 1;
  }

  get sleepers(): number {
    return load(this.#words, SLEEPERS);
  }

  isAsleep(seat: number): boolean {
    return load(this.#words, seatAt(seat) + ASLEEP) === 1;
  }

  /** By the thread: from now on it waits to be woken. */
  sleep(seat: number): void {
    // In this order: more may be counted than sleep, but never fewer, or nobody would be looked for who has to be woken.
    add(this.#words, SLEEPERS, 1);
    store(this.#words, seatAt(seat) + ASLEEP, 1);
  }

  /** Resolves when someone has woken the thread; undefined: that has happened already. */
  slept(seat: number): Promise<unknown> | undefined {
    return waitAsync(this.#words, seatAt(seat) + ASLEEP, 1);
  }

  /**
   * True for exactly one of those who try: this one decides what the thread does next. It looks for work, or, with
   * `forMessage`, waits for the task that comes by message.
   */
  wake(seat: number, forMessage = false): boolean {
    if (!replace(this.#words, seatAt(seat) + ASLEEP, 1, forMessage ? 2 : 0)) return false;
    add(this.#words, SLEEPERS, -1);
    notify(this.#words, seatAt(seat) + ASLEEP);
    return true;
  }

  isForMessage(seat: number): boolean {
    return load(this.#words, seatAt(seat) + ASLEEP) === 2;
  }

  /** By the thread: the message is here. */
  gotMessage(seat: number): void {
    store(this.#words, seatAt(seat) + ASLEEP, 0);
  }

  // ---- who may run: as many threads as the pool has, also where more have been started because some are blocked

  get limit(): number {
    return load(this.#words, LIMIT);
  }

  set limit(threads: number) {
    store(this.#words, LIMIT, threads);
    notify(this.#words, RUNNING);
    this.#feed();
  }

  /** By the thread: from now on it may run, if this gives true. Seats beyond the 32nd always may. */
  enter(seat: number): boolean {
    if (seat >= COUNTED_SEATS) return true;
    const bit = 1 << seat;
    for (;;) {
      const running = load(this.#words, RUNNING);
      if ((running & bit) !== 0) return true;
      if (bitCount(running) >= this.limit) return false;
      if (replace(this.#words, RUNNING, running, running | bit)) return true;
    }
  }

  mayEnter(seat: number): boolean {
    return seat >= COUNTED_SEATS || bitCount(load(this.#words, RUNNING) & ~(1 << seat)) < this.limit;
  }

  get hasRoom(): boolean {
    return bitCount(load(this.#words, RUNNING)) < this.limit;
  }

  /** By the thread, or by the owner for one that is gone. */
  leave(seat: number): void {
    this.#clear(RUNNING, seat);
    if (this.isAwaited) notify(this.#words, RUNNING);
    else this.#feed();
  }

  /** By the thread, which is going to sleep: it finds no room, and wants to be woken when there is. */
  starve(seat: number): void {
    this.#set(HUNGRY, seat);
  }

  #feed(): void {
    for (let seat = 0; load(this.#words, HUNGRY) !== 0 && seat < COUNTED_SEATS; seat++) {
      if (this.isAwaited || !this.hasRoom) return;
      const bit = 1 << seat;
      if ((and(this.#words, HUNGRY, ~bit) & bit) !== 0) this.wake(seat);
    }
  }

  /** Does a thread that was blocked wait to run on? */
  get isAwaited(): boolean {
    return load(this.#words, RETURNING) !== 0;
  }

  get blocked(): number {
    let count = 0;
    for (let at = 0; at * COUNTED_SEATS < this.seatsUsed; at++) count += bitCount(load(this.#words, BLOCKED + at));
    return count;
  }

  #setBlocked(seat: number, isBlocked: boolean): void {
    const at = BLOCKED + Math.floor(seat / COUNTED_SEATS);
    const bit = 1 << (seat % COUNTED_SEATS);
    if (isBlocked) or(this.#words, at, bit);
    else and(this.#words, at, ~bit);
  }

  /** By the thread: it is about to wait for something in a task, and another may run meanwhile. */
  block(seat: number): void {
    this.#setBlocked(seat, true);
    this.leave(seat);
  }

  /**
   * By the thread: it runs on, when another has made room. At most for so long: that one may be waiting for this one
   * without saying so, in a loop.
   */
  unblock(seat: number, patienceMs: number): void {
    this.#set(RETURNING, seat);
    for (const endMs = performance.now() + patienceMs; !this.enter(seat);) {
      const leftMs = endMs - performance.now();
      if (leftMs <= 0) {
        this.#set(RUNNING, seat);
        break;
      }
      const running = load(this.#words, RUNNING);
      if (bitCount(running) >= this.limit) waitUncounted(this.#words, RUNNING, running, leftMs);
    }
    this.#clear(RETURNING, seat);
    this.#setBlocked(seat, false);
    this.#feed();
  }

  /** By the owner: the seat's thread is gone. */
  forgetSeat(seat: number): void {
    this.wake(seat);
    this.#setBlocked(seat, false);
    this.#clear(RETURNING, seat);
    this.#clear(HUNGRY, seat);
    this.leave(seat);
  }

  #set(word: number, seat: number): void {
    if (seat < COUNTED_SEATS) or(this.#words, word, 1 << seat);
  }

  #clear(word: number, seat: number): void {
    if (seat < COUNTED_SEATS) and(this.#words, word, ~(1 << seat));
  }

  // ---- what is done: a stack of slots, linked (R. K. Treiber, 1986), of which the owner takes all at once

  /** By the thread. */
  pushDone(slot: number): void {
    for (;;) {
      const head = load(this.#words, DONE_STACK);
      store(this.#words, LINKS_AT + slot, head);
      if (replace(this.#words, DONE_STACK, head, slot + 1)) break;
    }
    if (replace(this.#words, OWNER_SLEEPS, 1, 0)) notify(this.#words, OWNER_SLEEPS);
  }

  /** By the owner: the slots that were done since, in the order in which they were. */
  takeDone(): number[] {
    const slots: number[] = [];
    for (let link = exchange(this.#words, DONE_STACK, 0); link !== 0; link = load(this.#words, LINKS_AT + link - 1))
      slots.push(link - 1);
    return slots.reverse();
  }

  /** By the owner: resolves when something is done; undefined where something is already. */
  untilDone(): Promise<unknown> | undefined {
    store(this.#words, OWNER_SLEEPS, 1);
    if (load(this.#words, DONE_STACK) === 0) return waitAsync(this.#words, OWNER_SLEEPS, 1);
    store(this.#words, OWNER_SLEEPS, 0);
    return undefined;
  }

  /** By the owner: what `untilDone` has given resolves. */
  stopWaiting(): void {
    store(this.#words, OWNER_SLEEPS, 0);
    notify(this.#words, OWNER_SLEEPS);
  }
}

/** How many bits a word has. */
const COUNTED_SEATS = 32;

function bitCount(word: number): number {
  let count = 0;
  for (let rest = word; rest !== 0; rest &= rest - 1) count++;
  return count;
}

function slotsAt(lanes: number): number {
  return (LANES_AT + (lanes + MAX_LANES) * Deque.words(HINTS)) * 4;
}

function seatAt(seat: number): number {
  return SEATS_AT + seat * SEAT_WORDS;
}
