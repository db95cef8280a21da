// What a channel does, without its waiting: a ring for each channel, or for one without a limit a row of them, each twice
// as long as the one before. Where a ring is full its end says that the next one goes on; a closed channel's last ring
// ends for good.

import { load, replace, store } from "../atomics.ts";
import { ChannelFullError } from "../errors.ts";
import { Lane } from "./lane.ts";
import { ChannelMemory, LINE } from "./memory.ts";
import { empty, imported, MessageReader, MessageWriter, NeedsImports, type Parcel } from "./message.ts";
import { CLOSED, DONE, FULL, Kind, MAX_LANES, MOVED, NOTHING, Ring } from "./ring.ts";
import type { Schema } from "./schema.ts";
import { Side } from "./side.ts";

// The words of a channel.
const IS_CLOSED = 1;
export const TICKS = 2;
/** Where the table of its senders is, in lines: see counted.ts. */
export const HOLDERS = 3;
/** Where its rings are, in lines. */
const RINGS = 4;
const MAX_RINGS = 24;
const RECEIVING = LINE;
const SENDING = 2 * LINE;
const LANES = 3 * LINE;
const WORDS = LANES + MAX_LANES;

/** The first ring of a channel without a limit. */
const FIRST_SLOTS = 1024;

/** What `take` comes to, beside DONE, NOTHING and CLOSED: it can be read after something has been imported. */
export const LATER = 1;

/** The memory of a new channel. */
export function newMemory(capacity: number, byteLength?: number, holders = 0): SharedArrayBuffer {
  const ringBytes = Ring.byteLength(Ring.slotsFor(firstCapacity(capacity)));
  const memory = ChannelMemory.make(WORDS, ringBytes + 4096 + holders, byteLength);
  memory.words[RINGS] = memory.allocate(ringBytes) / LINE / 4;
  if (holders > 0) memory.words[HOLDERS] = memory.allocate(holders) / LINE / 4;
  return memory.buffer;
}

/** For a rendezvous: how many can offer something at once; who is late waits. */
const OFFERS = 255;

function firstCapacity(capacity: number): number {
  if (capacity === 0) return OFFERS;
  return capacity === Infinity ? FIRST_SLOTS - 1 : capacity;
}

interface Held {
  readonly words: ChannelMemory["words"];
  readonly lane: number;
}

/** The lanes that this thread has: free for others when the channel or the thread has gone, unless it is terminated. */
const held = new Set<Held>();
const release = (one: Held): void => {
  held.delete(one);
  Lane.release(one.words, LANES, one.lane);
};
const gone = new FinalizationRegistry<Held>(release);

export class Core {
  readonly capacity: number;
  readonly isRendezvous: boolean;
  readonly receivers: Side;
  readonly senders: Side;
  readonly memory: ChannelMemory;
  readonly #isUnlimited: boolean;
  readonly #reader: MessageReader;
  readonly #writer: MessageWriter;
  readonly #rings: Ring[] = [];
  #sendRing: Ring;
  #sendIndex = 0;
  #takeRing: Ring;
  #takeIndex = 0;
  #lane: Lane | undefined;
  #isImporting = false;
  #importError: Error | undefined;

  /** What `take` has taken. */
  taken: unknown;

  constructor(buffer: SharedArrayBuffer, capacity: number, schema: Schema | undefined) {
    this.memory = new ChannelMemory(buffer, WORDS);
    this.capacity = capacity;
    this.isRendezvous = capacity === 0;
    this.#isUnlimited = capacity === Infinity;
    this.#reader = new MessageReader(this.memory, schema);
    this.#writer = new MessageWriter(this.memory, schema);
    this.receivers = new Side(this.memory.words, RECEIVING);
    this.senders = new Side(this.memory.words, SENDING);
    // A select that would send waits for somebody who takes it.
    if (this.isRendezvous) this.receivers.onArm = () => this.senders.wake(Infinity);
    this.#sendRing = this.#takeRing = this.#ringAt(0);
  }

  #ringAt(index: number): Ring {
    const capacity = this.#isUnlimited ? FIRST_SLOTS * 2 ** index - 1 : firstCapacity(this.capacity);
    const at = load(this.memory.words, RINGS + index) * LINE * 4;
    return (this.#rings[index] ??= new Ring(this.memory, at, capacity, this.isRendezvous));
  }

  get isClosed(): boolean {
    return load(this.memory.words, IS_CLOSED) === 1;
  }

  /** By whom it was closed this thread may not have heard. Costs nothing. */
  get isClosedHere(): boolean {
    return this.memory.words[IS_CLOSED] === 1;
  }

  get length(): number {
    if (this.isRendezvous) return 0;
    let length = 0;
    for (let i = this.#takeIndex; i < MAX_RINGS && load(this.memory.words, RINGS + i) !== 0; i++)
      length += this.#ringAt(i).length;
    return length;
  }

  // ---- sending

  /** Puts a number if that is easily done. False says nothing. */
  putNext(value: number): boolean {
    if (!this.#sendRing.putNext(value)) return false;
    this.receivers.wake();
    return true;
  }

  /** DONE, FULL or CLOSED. */
  putNumber(value: number): number {
    for (;;) {
      const found = this.#sendRing.putNumber((this.#lane ?? this.#takeLane()).number, value);
      if (found === DONE) {
        this.receivers.wake();
        return DONE;
      }
      if (!this.#goesOn(found)) return found;
    }
  }

  /** The same. For a rendezvous it is only offered then, at `position`. */
  put(parcel: Parcel): number {
    if (parcel.kind === Kind.number) return this.putNumber(parcel.number);
    for (;;) {
      const lane = this.#lane ?? this.#takeLane();
      const ring = this.#sendRing;
      const { bytes } = parcel;
      const found = bytes ? this.#putBytes(lane, ring, bytes) : ring.putWords(lane.number, Kind.word, parcel.number, 0);
      if (found === DONE) {
        this.receivers.wake();
        if (parcel.moved) empty(parcel.moved);
        return DONE;
      }
      if (!this.#goesOn(found)) return found;
    }
  }

  #putBytes(lane: Lane, ring: Ring, bytes: Uint8Array): number {
    const room = ring.room();
    if (room !== DONE) return room;
    const { length } = bytes;
    const at = lane.reserve(length);
    lane.begin(at, length);
    this.memory.bytes.set(bytes, at);
    const found = ring.putWords(lane.number, Kind.bytes, at / 8, length);
    if (found === DONE) lane.done(ring, this.#sendIndex);
    else lane.cancel();
    return found;
  }

  /** Sends it if it can be written at once where it is read from. False says nothing. Not for a rendezvous. */
  putObject(value: object): boolean {
    const lane = this.#lane ?? this.#takeLane();
    const ring = this.#sendRing;
    const writer = this.#writer;
    if (!writer.isReady) writer.miss(value);
    else if (ring.room() === DONE) {
      const at = lane.reserveIfAny(writer.room);
      const { begun } = lane;
      const end = at < 0 ? -1 : writer.write(value, this.memory.view, at);
      if (end < 0) writer.miss(value);
      // A getter of the object may have sent something.
      else if (lane.begun === begun) {
        lane.begin(at, end - at);
        if (ring.putWords(lane.number, Kind.bytes, at / 8, end - at) === DONE) {
          lane.done(ring, this.#sendIndex);
          this.receivers.wake();
          return true;
        }
        lane.cancel();
      }
    }
    return false;
  }

  #takeLane(): Lane {
    this.#lane = Lane.take(this.memory, LANES, (index) => this.#ringAt(index));
    const one = { words: this.memory.words, lane: this.#lane.number };
    if (held.size === 0) process.once("exit", () => held.forEach(release));
    held.add(one);
    gone.register(this, one);
    return this.#lane;
  }

  /** Is there a next ring to try? */
  #goesOn(found: number): boolean {
    if (found === FULL && this.#isUnlimited) {
      this.#extend();
      return true;
    }
    if (found !== MOVED) return false;
    this.#sendRing = this.#ringAt(++this.#sendIndex);
    return true;
  }

  #extend(): void {
    const next = this.#sendIndex + 1;
    if (next === MAX_RINGS) throw new ChannelFullError(`The channel holds ${this.length} messages and takes no more.`);
    const { words } = this.memory;
    if (load(words, RINGS + next) === 0) {
      const at = this.memory.allocate(Ring.byteLength(FIRST_SLOTS * 2 ** next));
      // Of two threads that do so at once one wastes its part.
      replace(words, RINGS + next, 0, at / LINE / 4);
    }
    this.#sendRing.putEnd(MOVED);
  }

  /** Where messages are gathered: puts them all. False: there is no room. */
  flush(): boolean {
    return true;
  }

  // ---- offers, of a rendezvous

  /** Where the last offer is. */
  get position(): number {
    return this.#sendRing.position;
  }

  isOffered(position: number): boolean {
    return this.#sendRing.isOffered(position, this.#lane!.number);
  }

  withdraw(position: number): boolean {
    return this.#sendRing.withdraw(position, this.#lane!.number);
  }

  // ---- receiving

  /** Where numbers come as they are: takes the oldest message if that is easily done. */
  takeNumber(): number | undefined {
    const number = this.#takeRing.takeNumber();
    if (number !== undefined) this.senders.wake();
    return number;
  }

  /** DONE, and the message is in `taken`; NOTHING; CLOSED; LATER. */
  take(): number {
    for (;;) {
      const ring = this.#takeRing;
      const kind = ring.peek();
      if (kind === NOTHING) return NOTHING;
      if (kind === Kind.end) {
        if (ring.lane === MOVED) this.#takeRing = this.#ringAt(++this.#takeIndex);
        else {
          // Who closed it may have died before it could say so.
          store(this.memory.words, IS_CLOSED, 1);
          return CLOSED;
        }
        continue;
      }
      let value: unknown = ring.number;
      if (kind !== Kind.number)
        try {
          value = this.#reader.read(kind, ring);
        } catch (error) {
          // Taken by another, it may have been read half.
          if (!ring.claim()) continue;
          this.#wakeSenders();
          throw error;
        }
      if (value instanceof NeedsImports) {
        if (!this.#importError) {
          this.#import(value);
          return LATER;
        }
        if (!ring.claim()) continue;
        this.#wakeSenders();
        const error = this.#importError;
        this.#importError = undefined;
        throw error;
      }
      if (!ring.claim()) continue;
      this.#wakeSenders();
      this.taken = value;
      return DONE;
    }
  }

  #wakeSenders(): void {
    // Of those that offer each waits for its own.
    if (!this.#isUnlimited) this.senders.wake(this.isRendezvous ? Infinity : 1);
  }

  #import(message: NeedsImports): void {
    if (this.#isImporting) return;
    this.#isImporting = true;
    const again = (error?: Error): void => {
      this.#isImporting = false;
      this.#importError = error;
      this.receivers.serve();
    };
    imported(message).then(() => again(), again);
  }

  /** When there may be something to take without anybody sending, on the clock of performance.now(). */
  dueMs(): number {
    return Infinity;
  }

  // ---- the end

  /** False: it was closed. */
  close(): boolean {
    for (;;) {
      if (this.#sendRing.putEnd(CLOSED)) break;
      if (this.#sendRing.end === CLOSED) return false;
      this.#sendRing = this.#ringAt(++this.#sendIndex);
    }
    store(this.memory.words, IS_CLOSED, 1);
    this.receivers.wakeAll();
    this.senders.wakeAll();
    return true;
  }
}
