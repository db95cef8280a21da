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
// Who receives would have to read each tag to know whose the message is, and so take every line of tags away from who
// sends. As long as all messages of a ring are numbers of one lane a word says so, and it looks at few.
//
// For a rendezvous the message is only offered: who takes it puts GONE into the slot first, then moves the head; its
// sender may do the same to withdraw it. Whoever meets a slot that is GONE moves the head on.

import { load, replace, store } from "../atomics.ts";
import type { ChannelMemory } from "./memory.ts";
import { MANY, Patience } from "./patience.ts";
import {
  CLOSED,
  DONE,
  FULL,
  HEAD,
  Kind,
  KIND_AT,
  KIND_MASK,
  LANE_MASK,
  LAP_AT,
  MESSAGE_MASK,
  MIXED,
  MOVED,
  NOTHING,
  RingWords,
  SOURCE,
} from "./ring-words.ts";

export { CLOSED, DONE, FULL, Kind, MAX_LANES, MOVED, NOTHING } from "./ring-words.ts";

/** Where much is sent it looks so far ahead at once. A line has 16 tags or 32. */
const FAR = 128;

export class Ring extends RingWords {
  readonly #isOffered: boolean;
  /** At or before the place where the next message goes. */
  #tail: number;
  /** The head, at least. */
  #headSeen: number;
  /** Where this thread looks for the next message: at or before the one that there is. */
  #next: number;
  /** Before this position all slots are known to be filled. */
  #filled: number;
  /** So many there were when it was last asked. */
  #count = 0;
  /** And before this one they are numbers, which are in the cells of #source. */
  #known: number;
  #source: Float64Array<SharedArrayBuffer>;
  #tag = 0;
  /** Up to here there is room, at least, for tags like this one. */
  #limit: number;
  #numberTag = 0;
  /** The lane as which this thread sends numbers, and its cells. */
  #sender = -1;
  #cells: Float64Array<SharedArrayBuffer>;
  /** Are there known to have been others, or other messages? */
  #isMixed = false;
  readonly #sending = new Patience();
  readonly #receiving = new Patience();

  /** What `peek` has found: a number, or two words, from this lane. */
  number = 0;
  first = 0;
  second = 0;
  lane = 0;

  /** @param at where byteLength(slots) bytes are, zeroed when the ring is made */
  constructor(memory: ChannelMemory, at: number, capacity: number, isOffered: boolean) {
    super(memory, at, capacity);
    this.#isOffered = isOffered;
    this.#cells = this.#source = new Float64Array(memory.buffer, at, 0);
    this.#tail = this.#limit = this.#headSeen = this.#next = this.#filled = this.#known = this.head;
  }

  /** Where `put` has put the message. */
  get position(): number {
    return (this.#tail - 1) | 0;
  }

  /** Can its lane write over what was at this position? */
  isPast(position: number): boolean {
    if (((this.#headSeen - position) | 0) > 0) return true;
    this.#headSeen = load(this.headLine, HEAD);
    return ((this.#headSeen - position) | 0) > 0;
  }

  // ---- sending

  /** Puts a number where that is easily done: most often there is a free slot where it looks first. False says nothing. */
  putNext(value: number): boolean {
    const tail = this.#tail;
    if (((this.#limit - tail) | 0) <= 0) return false;
    const at = tail & this.mask;
    const tag = this.tags[at]!;
    // Is it of the lap before? Where laps start again this says no.
    if (((this.#numberTag | MESSAGE_MASK) - tag) >>> LAP_AT !== 1) return false;
    this.#cells[at] = value;
    if (!replace(this.tags, at, tag, this.#numberTag)) return false;
    this.#tail = (tail + 1) | 0;
    return true;
  }

  putNumber(lane: number, value: number): number {
    if (lane !== this.#sender) this.#begin(lane);
    for (;;) {
      const found = this.#findRoom();
      this.#prepare(found === DONE);
      if (found !== DONE) return found;
      const at = this.#tail & this.mask;
      this.#cells[at] = value;
      if (this.#publish(at, (Kind.number << KIND_AT) | lane)) return DONE;
    }
  }

  /** What `putNext` needs for the rest of this lap. */
  #prepare(isRoom: boolean): void {
    const tail = this.#tail;
    const room = isRoom ? this.capacity - ((tail - this.#headSeen) | 0) : 0;
    this.#limit = (tail + Math.min(room, this.slots - (tail & this.mask))) | 0;
    this.#numberTag = this.tagOf(tail, (Kind.number << KIND_AT) | this.#sender);
  }

  /** From now on this thread sends numbers as this lane. */
  #begin(lane: number): void {
    this.#cells = this.numbers[lane] ?? this.ownCells(lane);
    if (!replace(this.headLine, SOURCE, 0, lane + 1) && load(this.headLine, SOURCE) !== lane + 1) this.#mix();
    this.#sender = lane;
  }

  #mix(): void {
    store(this.headLine, SOURCE, MIXED);
    this.#isMixed = true;
  }

  putWords(lane: number, kind: number, first: number, second: number): number {
    if (!this.#isMixed) this.#mix();
    if (!this.numbers[lane]) this.ownCells(lane);
    const words = this.words[lane]!;
    for (;;) {
      const found = this.#findRoom();
      if (found !== DONE) return found;
      const at = this.#tail & this.mask;
      words[at * 2] = first;
      words[at * 2 + 1] = second;
      if (this.#publish(at, (kind << KIND_AT) | lane)) return DONE;
    }
  }

  /** Nothing comes after it. False: it had an end. */
  putEnd(how: number): boolean {
    if (!this.#isMixed) this.#mix();
    for (;;) {
      const found = this.#findRoom(this.slots);
      if (found === CLOSED || found === MOVED) return false;
      if (found === DONE && this.#publish(this.#tail & this.mask, (Kind.end << KIND_AT) | how)) {
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
      const at = tail & this.mask;
      const own = ((tail >>> this.shift) + 1) & this.lapMask;
      // An old one that seems to be free costs another try: it is replaced only if it is still there.
      let tag = this.tags[at]!;
      if (!isFirst || tag >>> LAP_AT !== ((own - 1) & this.lapMask)) tag = load(this.tags, at);
      const lap = tag >>> LAP_AT;
      if (lap === own) {
        if (((tag >>> KIND_AT) & KIND_MASK) === Kind.end) return tag & LANE_MASK;
        this.#tail = (tail + 1) | 0;
      } else if (lap === ((own - 1) & this.lapMask)) {
        this.#tag = tag;
        if (((tail - this.#headSeen) | 0) < capacity) return DONE;
        if (this.#roomAt(tail, capacity) > 0) return DONE;
        if (!this.#isOffered || !this.#skipGone()) return FULL;
      }
      // So old that others have gone around.
      else this.#tail = load(this.headLine, HEAD);
    }
  }

  #roomAt(tail: number, capacity: number): number {
    const look = (): number => {
      this.#headSeen = load(this.headLine, HEAD);
      return capacity - ((tail - this.#headSeen) | 0);
    };
    return capacity < MANY * 2 ? look() : this.#sending.await(look);
  }

  #publish(at: number, message: number): boolean {
    if (!replace(this.tags, at, this.#tag, this.tagOf(this.#tail, message))) return false;
    this.#tail = (this.#tail + 1) | 0;
    return true;
  }

  // ---- receiving

  /** Takes the oldest message if it is a number that is known to be there. Otherwise it says nothing. Not for offers. */
  takeNumber(): number | undefined {
    const next = this.#next;
    if (((this.#known - next) | 0) <= 0 && !this.#look(next)) return this.#takeTagged();
    const number = this.#source[next & this.mask]!;
    if (!replace(this.headLine, HEAD, next, (next + 1) | 0)) return undefined;
    this.#next = (next + 1) | 0;
    return number;
  }

  /** The same with a look at its tag. */
  #takeTagged(): number | undefined {
    const next = this.#next;
    if (((this.#filled - next) | 0) <= 0) return undefined;
    const at = next & this.mask;
    const lane = this.tags[at]! & MESSAGE_MASK;
    const numbers = lane < this.numbers.length ? this.numbers[lane] : undefined;
    if (numbers === undefined) return undefined;
    const number = numbers[at]!;
    if (!replace(this.headLine, HEAD, next, (next + 1) | 0)) return undefined;
    this.#next = (next + 1) | 0;
    return number;
  }

  /** What is there from `next` on? True: a number that is known. */
  #look(next: number): boolean {
    if (((this.#filled - next) | 0) > 0) return false;
    // Slots are filled in order; and each look takes a line of tags away from who sends.
    const isFar = this.#count >= MANY && this.capacity >= FAR * 4 && this.isFilled((next + FAR - 1) | 0);
    if (isFar) this.#see(next, FAR);
    else if (this.isFilled(next)) this.#see(next, this.#filledFrom(next));
    return ((this.#known - next) | 0) > 0;
  }

  /**
   * The kind of the oldest message, which is in the fields then; NOTHING where there is none. Until it is claimed others
   * may take it, and what was read may be of two messages.
   */
  peek(): number {
    for (;;) {
      const next = this.#next;
      const at = next & this.mask;
      let tag: number;
      if (!this.#isOffered && ((this.#filled - next) | 0) > 0) tag = this.tags[at]!;
      else {
        tag = load(this.tags, at);
        const lap = tag >>> LAP_AT;
        const own = ((next >>> this.shift) + 1) & this.lapMask;
        if (lap !== own) {
          if (lap === ((own - 1) & this.lapMask)) return NOTHING;
          this.#moveOn();
          continue;
        }
        if (!this.#isOffered) this.#see(next, this.#filledFrom(next));
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
      if (kind === Kind.number) this.number = (this.numbers[lane] ?? this.cellsOf(lane))[at]!;
      else if (kind !== Kind.end) {
        if (!this.numbers[lane]) this.cellsOf(lane);
        const words = this.words[lane]!;
        this.first = words[at * 2]!;
        this.second = words[at * 2 + 1]!;
      }
      return kind;
    }
  }

  /** So many are there from `next` on. */
  #see(next: number, count: number): void {
    this.#count = count;
    this.#filled = (next + count) | 0;
    // After the tags were read. An interrupt may come at any place: what it is known by is noted first.
    const source = this.#isMixed ? MIXED : load(this.headLine, SOURCE);
    this.#isMixed = source === MIXED;
    if (source > 0) this.#source = this.numbers[source - 1] ?? this.cellsOf(source - 1);
    this.#known = source > 0 ? this.#filled : next;
  }

  /** How many slots are filled from here on, where the first is: more than half of them, and MANY at most. They are filled in order. */
  #filledFrom(next: number): number {
    const look = (): number => {
      let found = 1;
      while (found < MANY && this.isFilled((next + found * 2 - 1) | 0)) found *= 2;
      return found;
    };
    return this.capacity < MANY * 2 ? look() : this.#receiving.await(look);
  }

  /** Takes what was peeked at. False: another was faster. */
  claim(): boolean {
    const next = this.#next;
    if (this.#isOffered) {
      const gone = (this.#tag & ~(KIND_MASK << KIND_AT)) | (Kind.gone << KIND_AT);
      if (!replace(this.tags, next & this.mask, this.#tag, gone)) return this.#lost();
      replace(this.headLine, HEAD, next, (next + 1) | 0);
    } else if (!replace(this.headLine, HEAD, next, (next + 1) | 0)) return this.#lost();
    this.#next = (next + 1) | 0;
    return true;
  }

  /** Has nobody taken what was peeked at? */
  isStill(): boolean {
    return load(this.headLine, HEAD) === this.#next;
  }

  #lost(): false {
    this.#skipGone();
    this.#moveOn();
    return false;
  }

  #moveOn(): void {
    this.#next = load(this.headLine, HEAD);
    if (((this.#filled - this.#next) | 0) < 0) this.#filled = this.#known = this.#next;
  }

  // ---- offers

  /** Is what this thread has offered at `position`, as `lane`, still there? */
  isOffered(position: number, lane: number): boolean {
    const tag = load(this.tags, position & this.mask);
    return this.#isMine(tag, position, lane);
  }

  /** True: nobody has taken it, and nobody will. */
  withdraw(position: number, lane: number): boolean {
    const at = position & this.mask;
    const tag = load(this.tags, at);
    const gone = (tag & ~(KIND_MASK << KIND_AT)) | (Kind.gone << KIND_AT);
    const isBack = this.#isMine(tag, position, lane) && replace(this.tags, at, tag, gone);
    if (isBack) this.#skipGone();
    return isBack;
  }

  #isMine(tag: number, position: number, lane: number): boolean {
    const own = ((position >>> this.shift) + 1) & this.lapMask;
    return tag >>> LAP_AT === own && ((tag >>> KIND_AT) & KIND_MASK) !== Kind.gone && (tag & LANE_MASK) === lane;
  }

  /** Moves the head past what is gone; true where it has moved. */
  #skipGone(): boolean {
    if (!this.#isOffered) return false;
    const before = load(this.headLine, HEAD);
    for (;;) {
      const head = load(this.headLine, HEAD);
      const tag = load(this.tags, head & this.mask);
      const own = ((head >>> this.shift) + 1) & this.lapMask;
      if (tag >>> LAP_AT !== own || ((tag >>> KIND_AT) & KIND_MASK) !== Kind.gone) {
        if (load(this.headLine, HEAD) !== head) continue;
        this.#headSeen = head;
        return head !== before;
      }
      replace(this.headLine, HEAD, head, (head + 1) | 0);
    }
  }

  // ---- how it is

  /** CLOSED or MOVED where nothing can be put any more, else NOTHING. */
  get end(): number {
    const found = this.#findRoom(this.slots);
    return found === DONE || found === FULL ? NOTHING : found;
  }
}
