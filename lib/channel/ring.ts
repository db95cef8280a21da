// A bounded queue for many senders and many receivers, in shared memory, in which no thread ever holds anything: one that
// dies at any moment leaves the queue whole, and nobody waits for it.
//
// Positions count up for ever; position p has the slot p modulo the number of slots. A slot is one word, its tag: which
// lap around the ring it is of, what kind of message is there, and whose. The message itself is in a cell of its sender:
// each sending thread, a _lane_, has a row of cells of its own, as long as the ring, so that it can write where nobody
// else does. A message is sent by one compare-and-exchange of the tag, and received by one of the head, after its cell
// was read. Both are the whole of it: before, nothing has happened; afterwards, it has. A cell is free again when the
// head is past it, so nothing is given back either.
//
// After D. Vyukov, Bounded MPMC queue, 2010 (a lap in each slot), and P. Tsigas and Y. Zhang, A simple, fast and scalable
// non-blocking concurrent FIFO queue for shared memory multiprocessor systems, 2001 (a slot takes an item by one
// compare-and-exchange; the tail is found, not stored). The cells of lanes are this library's.
//
// For a rendezvous the message is only offered: who takes it puts GONE into the slot first, then moves the head; its
// sender may do the same to withdraw it. Whoever meets a slot that is GONE moves the head on.

import { load, replace, type Words } from "../atomics.ts";
import { LINE, type ChannelMemory } from "./memory.ts";
import { MANY, Patience } from "./patience.ts";

export const MAX_LANES = 1024;

// A tag: 19 bits of lap, 3 of kind, 10 of lane.
const LAP_AT = 13;
const KIND_AT = 10;
const LANE_MASK = MAX_LANES - 1;
const KIND_MASK = 7;

/** What a message is. The lane of an END says how it ends: 0 for closed, 1 for continued in the next ring. */
export const Kind = { number: 0, word: 1, bytes: 2, end: 3, gone: 4 } as const;
export const CLOSED = 0;
export const MOVED = 1;

/** What `peek` finds, beside a kind; what `put` comes to. */
export const NOTHING = -1;
export const FULL = -1;
export const DONE = -2;

const HEAD = 0;
const CELLS_AT = LINE;
const TAGS_AT = CELLS_AT + MAX_LANES;

export class Ring {
  readonly slots: number;
  readonly capacity: number;
  readonly #memory: ChannelMemory;
  readonly #isOffered: boolean;
  readonly #head: Words;
  readonly #cellsAt: Words;
  readonly #tags: Words;
  readonly #mask: number;
  readonly #shift: number;
  readonly #lapMask: number;
  /** By lane, twice the same memory. */
  readonly #numbers: Float64Array<SharedArrayBuffer>[] = [];
  readonly #words: Int32Array<SharedArrayBuffer>[] = [];

  /** At or before the place where the next message goes. */
  #tail: number;
  /** The head, at least. */
  #headSeen: number;
  /** Where this thread looks for the next message: at or before the one that there is. */
  #next: number;
  /** Before this position all slots are known to be filled. */
  #filled: number;
  #tag = 0;
  readonly #sending = new Patience();
  readonly #receiving = new Patience();

  /** What `peek` has found: a number, or two words, from this lane. */
  number = 0;
  first = 0;
  second = 0;
  lane = 0;
  /** Where `put` has put the message. */
  position = 0;

  static byteLength(slots: number): number {
    return (TAGS_AT + slots) * 4;
  }

  /** How many slots a ring of this capacity has: one more at least, for its end. */
  static slotsFor(capacity: number): number {
    return Math.max(256, 2 ** Math.ceil(Math.log2(capacity + 1)));
  }

  /** @param at where byteLength(slots) bytes are, zeroed when the ring is made */
  constructor(memory: ChannelMemory, at: number, capacity: number, isOffered: boolean) {
    this.slots = Ring.slotsFor(capacity);
    this.capacity = capacity;
    this.#memory = memory;
    this.#isOffered = isOffered;
    this.#head = new Int32Array(memory.buffer, at, LINE);
    this.#cellsAt = new Int32Array(memory.buffer, at + CELLS_AT * 4, MAX_LANES);
    this.#tags = new Int32Array(memory.buffer, at + TAGS_AT * 4, this.slots);
    this.#mask = this.slots - 1;
    this.#shift = Math.log2(this.slots);
    // So that laps and positions start again at the same time.
    this.#lapMask = 2 ** Math.min(32 - LAP_AT, 32 - this.#shift) - 1;
    const head = load(this.#head, HEAD);
    this.#tail = this.#headSeen = this.#next = this.#filled = head;
  }

  get head(): number {
    return load(this.#head, HEAD);
  }

  /** Can its lane write over what was at this position? */
  isPast(position: number): boolean {
    if (((this.#headSeen - position) | 0) > 0) return true;
    this.#headSeen = load(this.#head, HEAD);
    return ((this.#headSeen - position) | 0) > 0;
  }

  // ---- sending

  putNumber(lane: number, value: number): number {
    const numbers = this.#numbers[lane] ?? this.#ownCells(lane);
    const tags = this.#tags;
    const tail = this.#tail;
    const at = tail & this.#mask;
    const tag = tags[at]!;
    const own = ((tail >>> this.#shift) + 1) & this.#lapMask;
    // Most often there is a free slot where it looks first.
    if (((own - (tag >>> LAP_AT)) & this.#lapMask) === 1 && ((tail - this.#headSeen) | 0) < this.capacity) {
      numbers[at] = value;
      if (replace(tags, at, tag, (own << LAP_AT) | (Kind.number << KIND_AT) | lane)) {
        this.position = tail;
        this.#tail = (tail + 1) | 0;
        return DONE;
      }
    }
    for (;;) {
      const found = this.#findRoom();
      if (found !== DONE) return found;
      const at = this.#tail & this.#mask;
      numbers[at] = value;
      if (this.#publish(at, (Kind.number << KIND_AT) | lane)) return DONE;
    }
  }

  putWords(lane: number, kind: number, first: number, second: number): number {
    if (!this.#numbers[lane]) this.#ownCells(lane);
    const words = this.#words[lane]!;
    for (;;) {
      const found = this.#findRoom();
      if (found !== DONE) return found;
      const at = this.#tail & this.#mask;
      words[at * 2] = first;
      words[at * 2 + 1] = second;
      if (this.#publish(at, (kind << KIND_AT) | lane)) return DONE;
    }
  }

  /** Nothing comes after it. False: it had an end. */
  putEnd(how: number): boolean {
    for (;;) {
      const found = this.#findRoom(this.slots);
      if (found === CLOSED || found === MOVED) return false;
      if (found === DONE && this.#publish(this.#tail & this.#mask, (Kind.end << KIND_AT) | how)) {
        // It stays before the end, so that it is seen.
        this.#tail = this.position;
        return true;
      }
    }
  }

  /** Is there room for one? Says how it has ended, or FULL, where not. */
  room(): number {
    return this.#findRoom();
  }

  /** Moves #tail to the first free slot: DONE; or says why there is none. */
  #findRoom(capacity = this.capacity): number {
    for (let isFirst = true; ; isFirst = false) {
      const tail = this.#tail;
      const at = tail & this.#mask;
      const own = ((tail >>> this.#shift) + 1) & this.#lapMask;
      // An old one that seems to be free costs another try: it is replaced only if it is still there.
      let tag = this.#tags[at]!;
      if (!isFirst || tag >>> LAP_AT !== ((own - 1) & this.#lapMask)) tag = load(this.#tags, at);
      const lap = tag >>> LAP_AT;
      if (lap === own) {
        if (((tag >>> KIND_AT) & KIND_MASK) === Kind.end) return tag & LANE_MASK;
        this.#tail = (tail + 1) | 0;
      } else if (lap === ((own - 1) & this.#lapMask)) {
        this.#tag = tag;
        if (((tail - this.#headSeen) | 0) < capacity) return DONE;
        if (this.#roomAt(tail, capacity) > 0) return DONE;
        if (!this.#isOffered || !this.#skipGone()) return FULL;
      }
      // So old that others have gone around.
      else this.#tail = load(this.#head, HEAD);
    }
  }

  #roomAt(tail: number, capacity: number): number {
    const look = (): number => {
      this.#headSeen = load(this.#head, HEAD);
      return capacity - ((tail - this.#headSeen) | 0);
    };
    return capacity < MANY * 2 ? look() : this.#sending.await(look);
  }

  #publish(at: number, message: number): boolean {
    const lap = ((this.#tail >>> this.#shift) + 1) & this.#lapMask;
    if (!replace(this.#tags, at, this.#tag, (lap << LAP_AT) | message)) return false;
    this.position = this.#tail;
    this.#tail = (this.#tail + 1) | 0;
    return true;
  }

  #ownCells(lane: number): Float64Array<SharedArrayBuffer> {
    // Only the thread that has the lane comes here.
    if (load(this.#cellsAt, lane) === 0) {
      const at = this.#memory.allocate(this.slots * 8);
      replace(this.#cellsAt, lane, 0, at / 8);
    }
    return this.#cells(lane);
  }

  #cells(lane: number): Float64Array<SharedArrayBuffer> {
    const at = load(this.#cellsAt, lane) * 8;
    this.#words[lane] = new Int32Array(this.#memory.buffer, at, this.slots * 2);
    return (this.#numbers[lane] = new Float64Array(this.#memory.buffer, at, this.slots));
  }

  // ---- receiving

  /** Takes the oldest message if it is a number that is known to be there. False says nothing. */
  takeNumber(): boolean {
    const next = this.#next;
    if (((this.#filled - next) | 0) <= 0 || this.#isOffered) return false;
    const at = next & this.#mask;
    const tag = this.#tags[at]!;
    const numbers = this.#numbers[tag & LANE_MASK];
    if (((tag >>> KIND_AT) & KIND_MASK) !== Kind.number || !numbers) return false;
    const number = numbers[at]!;
    if (!replace(this.#head, HEAD, next, (next + 1) | 0)) return false;
    this.#next = (next + 1) | 0;
    this.number = number;
    return true;
  }

  /**
   * The kind of the oldest message, which is in the fields then; NOTHING where there is none. Until it is claimed others
   * may take it, and what was read may be of two messages.
   */
  peek(): number {
    for (;;) {
      const next = this.#next;
      const at = next & this.#mask;
      let tag: number;
      if (!this.#isOffered && ((this.#filled - next) | 0) > 0) tag = this.#tags[at]!;
      else {
        tag = load(this.#tags, at);
        const lap = tag >>> LAP_AT;
        const own = ((next >>> this.#shift) + 1) & this.#lapMask;
        if (lap !== own) {
          if (lap === ((own - 1) & this.#lapMask)) return NOTHING;
          this.#moveOn();
          continue;
        }
        if (!this.#isOffered) this.#filled = (next + this.#filledFrom(next)) | 0;
      }
      const kind = (tag >>> KIND_AT) & KIND_MASK;
      const lane = tag & LANE_MASK;
      if (kind === Kind.gone) {
        this.#skipGone();
        this.#moveOn();
        continue;
      }
      this.#tag = tag;
      this.lane = lane;
      if (kind === Kind.number) this.number = (this.#numbers[lane] ?? this.#cells(lane))[at]!;
      else if (kind !== Kind.end) {
        if (!this.#numbers[lane]) this.#cells(lane);
        const words = this.#words[lane]!;
        this.first = words[at * 2]!;
        this.second = words[at * 2 + 1]!;
      }
      return kind;
    }
  }

  /** How many slots are filled from here on, where the first is. */
  #filledFrom(next: number): number {
    const look = (): number => {
      let found = 1;
      while (found < MANY && this.#isTagged((next + found) | 0, this.#tags[(next + found) & this.#mask]!)) found++;
      // So that all before it is seen.
      load(this.#tags, (next + found - 1) & this.#mask);
      return found;
    };
    return this.capacity < MANY * 2 ? look() : this.#receiving.await(look);
  }

  /** Takes what was peeked at. False: another was faster. */
  claim(): boolean {
    const next = this.#next;
    if (this.#isOffered) {
      const gone = (this.#tag & ~(KIND_MASK << KIND_AT)) | (Kind.gone << KIND_AT);
      if (!replace(this.#tags, next & this.#mask, this.#tag, gone)) return this.#lost();
      replace(this.#head, HEAD, next, (next + 1) | 0);
    } else if (!replace(this.#head, HEAD, next, (next + 1) | 0)) return this.#lost();
    this.#next = (next + 1) | 0;
    return true;
  }

  /** Has nobody taken what was peeked at? */
  isStill(): boolean {
    return load(this.#head, HEAD) === this.#next;
  }

  #lost(): false {
    this.#skipGone();
    this.#moveOn();
    return false;
  }

  #moveOn(): void {
    this.#next = load(this.#head, HEAD);
    if (((this.#filled - this.#next) | 0) < 0) this.#filled = this.#next;
  }

  #isFilled(position: number): boolean {
    return this.#isTagged(position, load(this.#tags, position & this.#mask));
  }

  #isTagged(position: number, tag: number): boolean {
    return tag >>> LAP_AT === (((position >>> this.#shift) + 1) & this.#lapMask);
  }

  // ---- offers

  /** Is what this thread has offered at `position`, as `lane`, still there? */
  isOffered(position: number, lane: number): boolean {
    const tag = load(this.#tags, position & this.#mask);
    return this.#isMine(tag, position, lane);
  }

  /** True: nobody has taken it, and nobody will. */
  withdraw(position: number, lane: number): boolean {
    const at = position & this.#mask;
    const tag = load(this.#tags, at);
    const gone = (tag & ~(KIND_MASK << KIND_AT)) | (Kind.gone << KIND_AT);
    const isBack = this.#isMine(tag, position, lane) && replace(this.#tags, at, tag, gone);
    if (isBack) this.#skipGone();
    return isBack;
  }

  #isMine(tag: number, position: number, lane: number): boolean {
    const own = ((position >>> this.#shift) + 1) & this.#lapMask;
    return tag >>> LAP_AT === own && ((tag >>> KIND_AT) & KIND_MASK) !== Kind.gone && (tag & LANE_MASK) === lane;
  }

  /** Moves the head past what is gone; true where it has moved. */
  #skipGone(): boolean {
    if (!this.#isOffered) return false;
    const before = load(this.#head, HEAD);
    for (;;) {
      const head = load(this.#head, HEAD);
      const tag = load(this.#tags, head & this.#mask);
      const own = ((head >>> this.#shift) + 1) & this.#lapMask;
      if (tag >>> LAP_AT !== own || ((tag >>> KIND_AT) & KIND_MASK) !== Kind.gone) {
        if (load(this.#head, HEAD) !== head) continue;
        this.#headSeen = head;
        return head !== before;
      }
      replace(this.#head, HEAD, head, (head + 1) | 0);
    }
  }

  // ---- how it is

  /** How many messages wait, at a moment of this call. */
  get length(): number {
    for (let tries = 8; ; tries--) {
      const head = load(this.#head, HEAD);
      let [low, high] = [0, this.slots];
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (this.#isFilled((head + middle) | 0)) low = middle + 1;
        else high = middle;
      }
      const last = low === 0 ? 0 : load(this.#tags, (head + low - 1) & this.#mask);
      const isEnd = low > 0 && ((last >>> KIND_AT) & KIND_MASK) === Kind.end;
      if (load(this.#head, HEAD) === head || tries === 0) return isEnd ? low - 1 : low;
    }
  }

  /** CLOSED or MOVED where nothing can be put any more, else NOTHING. */
  get end(): number {
    const found = this.#findRoom(this.slots);
    return found === DONE || found === FULL ? NOTHING : found;
  }
}
