// Many readers or one writer (P. J. Courtois, F. Heymans and D. L. Parnas, Concurrent Control with "Readers" and "Writers",
// 1971: their second problem, in which writers go first). Writers have the word of owned.ts. Readers count in a place of their
// thread's own, so that they do not get in each other's way, and one that dies can be told from the others.
//
// A reader counts itself, then looks for a writer. A writer takes the word, then looks for readers. One sees the other.
// (The big-reader lock of the Linux kernel, D. S. Miller and I. Molnar, 2000.)

import { add, load, replace, store, type Words } from "../atomics.ts";
import { checkName, checkWait } from "../checks.ts";
import { inLibrary } from "../library.ts";
import type { Wait, WaitAsync } from "../waiting.ts";
import type { Guard } from "./guard.ts";
import { LockGuard, type Holdable } from "./lock-guard.ts";
import type { LockOptions } from "./mutex.ts";
import { blockFor, newName, Owned, type LockName } from "./owned.ts";
import { Arrived, newWords, Primitive } from "./primitive.ts";
import { isAlive, MAX_LIVE, me } from "./threads.ts";
import { letGo } from "./wait-graph.ts";
import { WAITER_WORDS, Waiters } from "./waiters.ts";

/** The writer's word is at 0. */
const WRITERS_AT = 1;
const READERS_AT = WRITERS_AT + WAITER_WORDS;
/** Writers that wait: never too low, and too high after one of them has died. */
const WANTED = READERS_AT + WAITER_WORDS;
/** How many places have ever been used. */
const USED = WANTED + 1;
const PLACES_AT = 16;
/** In a place: whose it is, how often that thread reads, and how many writers wait in it. */
const NUMBER = 0;
const READS = 1;
const WANTS = 2;
const PLACE = 3;

interface State extends LockName {
  readonly words: Words;
}

/** A read lock, to be given back. */
class Reading implements Holdable {
  readonly #leave: () => void;
  constructor(leave: () => void) {
    this.#leave = leave;
  }
  leave(): void {
    this.#leave();
  }
}

/**
 * A lock that many may hold to read, or one to write. Captured by a task, or sent to one, it is the same there.
 *
 * Waits: `read` and `write` block the thread, the Async forms never do, `tryRead` and `tryWrite` never wait; unlocks wake them.
 * Order: what a writer did is seen by all who lock after it. Writers go first: while one waits no reader gets in, so that
 * readers can't keep it out for ever; writers without a break keep out readers.
 * Not reentrant, not to be upgraded: `write` in a thread that reads would wait for itself, and so would a second `read` while
 * a writer waits. Such waits, and circles of threads, throw DeadlockError, unless they have a `timeoutMs`, as with a Mutex.
 * A writer that dies poisons the lock: PoisonedError for all, until `recover()`. A reader that dies has changed nothing.
 * Throws DeadlockError, PoisonedError, TimeoutError, CancelledError; LockError where a guard unlocks twice.
 * Cost: 40 to 60 ns to read, more by 20 ns for each thread to write; 24 KB. When to use: for reads that last, and are many
 * more than writes; for short ones a Mutex is faster.
 * @example
 * const lock = new RwLock();
 * const prices = shared(Float64Array, 1000);
 * const total = await pool.run(() => {
 *   using guard = lock.read();
 *   return prices.reduce((a, b) => a + b);
 * });
 */
export class RwLock extends Primitive<State> {
  readonly #words: Words;
  readonly #owned: Owned;
  readonly #writers: Waiters;
  readonly #readers: Waiters;
  /** This thread's. */
  readonly #place = PLACES_AT + (me % MAX_LIVE) * PLACE;
  readonly #reading = new Reading(() => this.#leaveRead());
  readonly #writing: Holdable = { leave: () => this.#owned.leave() };

  constructor(options?: LockOptions);
  constructor(from: LockOptions | Arrived = {}) {
    super(from instanceof Arrived ? from : newState(checkName("RwLock", from)));
    const { words } = this.words;
    this.#words = words;
    this.#writers = new Waiters(words, WRITERS_AT);
    this.#readers = new Waiters(words, READERS_AT);
    this.#owned = new Owned(words, this.words, () => this.#wake());
    this.#settle();
  }

  /** Makes this thread's place its own: it may have been another's, that has ended. */
  #settle(): void {
    const words = this.#words;
    const at = this.#place;
    if (load(words, at + NUMBER) !== me) {
      store(words, at + READS, 0);
      store(words, at + WANTS, 0);
      store(words, at + NUMBER, me);
    }
    const end = (me % MAX_LIVE) + 1;
    for (let used = load(words, USED); used < end; used = load(words, USED)) replace(words, USED, used, end);
  }

  // ---- reading

  /** Blocks the thread until it may read. In a pool another thread takes the place meanwhile. */
  read(options?: Wait): Guard {
    if (options) checkWait("read()", options, ["timeoutMs"]);
    if (!this.#enterRead()) blockFor(this.#readers, this.words, this.#takeRead, this.#writer, options ?? {});
    return new LockGuard(this.#reading);
  }

  /** Resolves when it may be read. */
  async readAsync(options: WaitAsync = {}): Promise<Guard> {
    checkWait("readAsync()", options, ["timeoutMs", "signal"]);
    await this.#readers.queue(this.#takeRead, `the wait for ${this.words.label}`, options, true);
    return new LockGuard(this.#reading);
  }

  /** If nobody writes, or waits to. */
  tryRead(): Guard | undefined {
    return this.#enterRead() ? new LockGuard(this.#reading) : undefined;
  }

  #enterRead(): boolean {
    const words = this.#words;
    add(words, this.#place + READS, 1);
    if (load(words, 0) === 0 && (load(words, WANTED) === 0 || this.#wanting() === 0)) return true;
    this.#leaveRead();
    this.#owned.checkSound();
    return false;
  }

  readonly #takeRead = (): true | undefined => {
    // In this order: who takes the word afterwards, and gives it back, wakes all.
    this.#owned.await();
    return this.#enterRead() || undefined;
  };

  #leaveRead(): void {
    add(this.#words, this.#place + READS, -1);
    if (load(this.#words, 0) === 0) return;
    letGo(this.words.id);
    this.#writers.wake(Infinity);
  }

  /** The thread for which readers have to wait. */
  readonly #writer = (): number => this.#owned.owner || this.#wanting();

  #wanting(): number {
    return this.#first(WANTS);
  }

  /** The first thread that reads, or waits to write. */
  #first(what: number): number {
    const words = this.#words;
    for (let at = PLACES_AT, end = PLACES_AT + load(words, USED) * PLACE; at < end; at += PLACE) {
      if (load(words, at + what) === 0) continue;
      const number = load(words, at + NUMBER);
      if (isAlive(number)) return number;
    }
    return 0;
  }

  // ---- writing

  /** Blocks the thread until it may write. In a pool another thread takes the place meanwhile. */
  write(options?: Wait): Guard {
    if (options) checkWait("write()", options, ["timeoutMs"]);
    if (this.#enterWrite()) return new LockGuard(this.#writing);
    const turn = this.#turn();
    try {
      blockFor(this.#writers, this.words, turn.take, turn.blocker, options ?? {});
      turn.end(true);
    } catch (error) {
      turn.end(false);
      throw error;
    }
    return new LockGuard(this.#writing);
  }

  /** Resolves when it may be written. */
  async writeAsync(options: WaitAsync = {}): Promise<Guard> {
    checkWait("writeAsync()", options, ["timeoutMs", "signal"]);
    if (this.#enterWrite()) return new LockGuard(this.#writing);
    const turn = this.#turn();
    try {
      await this.#writers.queue(turn.take, `the wait for ${this.words.label}`, options, true);
      turn.end(true);
    } catch (error) {
      turn.end(false);
      throw error;
    }
    this.#owned.noteOrigin();
    return new LockGuard(this.#writing);
  }

  /** If nobody reads or writes. */
  tryWrite(): Guard | undefined {
    return this.#enterWrite() ? new LockGuard(this.#writing) : undefined;
  }

  #enterWrite(): boolean {
    if (this.#first(READS) !== 0 || !this.#owned.tryEnter()) return false;
    if (this.#first(READS) === 0) return true;
    this.#owned.leave();
    return false;
  }

  /** A wait to write: first for the word, then for those who still read. */
  #turn(): { take(): true | undefined; blocker(): number; end(isWritten: boolean): void } {
    const words = this.#words;
    let hasWord = false;
    add(words, this.#place + WANTS, 1);
    add(words, WANTED, 1);
    return {
      take: () => {
        hasWord ||= this.#owned.take();
        return hasWord && this.#first(READS) === 0 ? true : undefined;
      },
      blocker: () => (hasWord ? this.#first(READS) : this.#owned.owner),
      end: (isWritten) => {
        add(words, this.#place + WANTS, -1);
        add(words, WANTED, -1);
        if (isWritten) return;
        // An interrupt may have poisoned it.
        if (hasWord && this.#owned.owner === me) this.#owned.leave();
        letGo(this.words.id);
        this.#wake();
      },
    };
  }

  #wake(): void {
    this.#writers.wake(Infinity);
    this.#readers.wake(Infinity);
  }

  // ---- after a death

  /** A writer has died, or was interrupted. */
  get isPoisoned(): boolean {
    return this.#owned.isPoisoned;
  }

  /** Makes a poisoned lock usable. `repair` runs first, while nobody else can get it; if it throws, nothing has changed. */
  recover(repair?: () => void): void {
    this.#owned.recover(repair);
  }
}

function newState(name: string | undefined): State {
  return { ...newName("RwLock", name), words: newWords(PLACES_AT + MAX_LIVE * PLACE) };
}

inLibrary(import.meta.url, { RwLock });
