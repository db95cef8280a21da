// What a pool's owner and its threads share: slots, each with one task that is on its way, and lanes, deques of hints
// which slots wait. A task is claimed by changing the state of its slot; what stands in a lane is a hint where to look,
// so a hint that is stale or doubled does no harm, and one that was lost with a thread is given again.
//
//   owner                         thread
//   fills a slot, state = queued
//   pushes it to a lane           takes it from a lane, its own or another's
//                                 state: queued -> running, by compare-and-exchange: this is the claim
//                                 runs it, writes the result in its place, state = done
//   collects what is done   <-    pushes it to the stack of what is done, wakes the owner if it sleeps

import { load, store, type Words } from "../atomics.ts";
import { Deque } from "./deque.ts";
import { DoneStack } from "./done-stack.ts";
import { Regions } from "./regions.ts";
import { Running } from "./running.ts";
import { Seats } from "./seats.ts";
import { Slots, SLOTS } from "./slots.ts";

export const MAX_LANES = 64;
/** Cancelled tasks leave their hints behind: there may be more hints than slots. */
const HINTS = SLOTS * 2;

// Words, one part after the other; behind the lanes, of which boards have more or fewer, the bytes of the slots.
const LANES_USED = 0;
const RUNNING_AT = 16;
const SEATS_AT = RUNNING_AT + Running.WORDS;
const REGIONS_AT = SEATS_AT + Seats.WORDS;
const DONE_AT = REGIONS_AT + Regions.WORDS;
const STATES_AT = DONE_AT + DoneStack.words(SLOTS);
const LANES_AT = STATES_AT + SLOTS;

export interface BoardMemory {
  readonly memory: SharedArrayBuffer;
  readonly lanes: number;
}

export class Board implements BoardMemory {
  readonly memory: SharedArrayBuffer;
  readonly lanes: number;
  readonly slots: Slots;
  readonly done: DoneStack;
  readonly seats: Seats;
  readonly running: Running;
  readonly regions: Regions;
  readonly #words: Words;
  readonly #deques: Deque[];

  constructor({ memory, lanes }: BoardMemory) {
    this.memory = memory;
    this.lanes = lanes;
    this.#words = new Int32Array(memory);
    this.slots = new Slots(this.#words, STATES_AT, bytesAt(lanes));
    this.done = new DoneStack(this.#words, DONE_AT);
    this.seats = new Seats(this.#words, SEATS_AT);
    this.running = new Running(this.#words, RUNNING_AT, this.seats);
    this.regions = new Regions(this.#words, REGIONS_AT, this.seats);
    const at = (lane: number): number => LANES_AT + lane * Deque.words(HINTS);
    this.#deques = Array.from({ length: lanes + MAX_LANES }, (_, lane) => new Deque(this.#words, at(lane), HINTS));
  }

  /** Some thirty MiB of address space, of which the system gives what is touched. */
  static make(lanes: number): Board {
    return new Board({ memory: new SharedArrayBuffer(bytesAt(lanes) + Slots.BYTES), lanes });
  }

  // ---- lanes: the hints

  push(lane: number, slot: number): boolean {
    return this.#deques[lane]!.push(slot);
  }

  /** The lane of what is for the thread in this seat only. */
  ownLane(seat: number): number {
    return this.lanes + (seat % MAX_LANES);
  }

  /** A slot that waited in this lane, or -1. It is in the seat's hand until that is put down. */
  take(lane: number, seat: number): number {
    return this.#deques[lane]!.take((slot) => this.seats.pickUp(seat, slot));
  }

  isEmpty(lane: number): boolean {
    return this.#deques[lane]!.isEmpty;
  }

  /** Hints in the lanes that all may take from. */
  get queued(): number {
    let queued = 0;
    for (let lane = this.lanesUsed - 1; lane >= 0; lane--) queued += this.#deques[lane]!.size;
    return queued;
  }

  /**
   * Will threads that look for work find all that is queued for any thread? Who pushes asks afterwards. A thread that stops
   * looking looks once more when it has said so, or wakes another if it has found something.
   */
  get isSeen(): boolean {
    const looking = this.regions.spinning.size;
    return looking > 0 && this.queued <= looking;
  }

  /** The words of all this, for those who wait on one. */
  get words(): Words {
    return this.#words;
  }

  /** Wakes so many threads that sleep, less those that look for work anyway, to help in regions. */
  wakeHelpers(wanted: number): void {
    const { seats, running, regions } = this;
    if (seats.sleepers === 0) return;
    let missing = wanted - regions.spinning.size;
    for (let seat = 0; missing > 0 && seat < seats.used; seat++) {
      if (!this.canBeWoken(seat) || seats.isStopped(seat)) continue;
      // It is woken as soon as another makes room.
      if (!running.mayEnter(seat)) running.starve(seat);
      if (!running.mayEnter(seat) || seats.wake(seat)) missing--;
    }
  }

  /** Will the seat's thread run once it is woken? One that sleeps may be blocked by what a task has left behind. */
  canBeWoken(seat: number): boolean {
    return this.seats.isAsleep(seat) && !this.running.isBlocked(seat);
  }

  /** Lanes from this one on are not in use. */
  get lanesUsed(): number {
    return load(this.#words, LANES_USED);
  }

  set lanesUsed(count: number) {
    store(this.#words, LANES_USED, count);
  }
}

function bytesAt(lanes: number): number {
  return (LANES_AT + (lanes + MAX_LANES) * Deque.words(HINTS)) * 4;
}
