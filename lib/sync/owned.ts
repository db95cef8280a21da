// The word of a lock that has an owner: who holds it, whether others wait, and whether one has died with it. Mutex, Guarded,
// Once and the writers of RwLock stand on it. Free is 0, so that taking and giving back are one compare-and-exchange each.
//
// After the mutex with three states of U. Drepper, Futexes Are Tricky, 2004. Here the state that is not free has a name.

import { availableParallelism } from "node:os";
import { exchange, load, pause, replace, type Words } from "../atomics.ts";
import { LockError, PoisonedError } from "../errors.ts";
import { host, type Host } from "../host.ts";
import type { Attempt, Wait } from "../waiting.ts";
import { isAlive, lookAfterChildren, me, newLock } from "./threads.ts";
import {
  deadlock,
  isDeadlocked,
  isOutdated,
  letGo,
  releases,
  selfDeadlock,
  waitFor,
  waitNoMore,
} from "./wait-graph.ts";
import type { Waiters } from "./waiters.ts";
import { lookWatched } from "./watch.ts";

/** Bits of the word. The number of the thread that holds it, 0 where nobody does. */
const NUMBER = 2 ** 30 - 1;
/** An owner has died with it: nobody holds it then. */
const POISONED = 2 ** 30;
/** Others may wait. */
const AWAITED = -(2 ** 31);

/** In pauses. Most locks are held for less time than it takes to fall asleep, but as many may be ahead as there are cores. */
const SPINS = 20 * availableParallelism();
const MOST_PAUSES = 8;

/** What all threads call a lock. */
export interface LockName {
  readonly id: number;
  /** In messages: "Mutex 3". */
  readonly label: string;
}

export function newName(kind: string, name: string | undefined): LockName {
  const id = newLock();
  return { id, label: name ?? `${kind} ${id}` };
}

/** The word at 0 of a lock. */
export class Owned {
  readonly name: LockName;
  readonly #words: Words;
  /** Wakes one of those that wait, or all. */
  readonly #wake: (all: boolean) => void;
  readonly #host = host();
  /** In a notebook: the cell for which this thread has taken it. */
  #origin: number | undefined;

  constructor(words: Words, name: LockName, wake: (all: boolean) => void) {
    this.#words = words;
    this.name = name;
    this.#wake = wake;
    if (this.#host) poisonWhenInterrupted(this);
  }

  // ---- taking it

  /** Takes it if it is free, and nobody has died with it. */
  enter(): boolean {
    if (!replace(this.#words, 0, 0, me)) return false;
    this.noteOrigin();
    return true;
  }

  /** From where it is held. */
  noteOrigin(): void {
    if (this.#host) this.#origin = this.#host.origin();
  }

  /** The same; throws where it is poisoned. */
  tryEnter(): boolean {
    for (;;) {
      if (this.enter()) return true;
      if (this.owner !== 0) return false;
      this.checkSound();
    }
  }

  /**
   * Takes it if that is possible in a moment. Who is beaten to it tries again: to go to sleep costs all the others, who
   * must wake it. It looks less and less often, for each look takes the word away from who is going to give it back.
   */
  enterSoon(): boolean {
    for (let pauses = 1, spent = 0; spent < SPINS; spent += pauses, pauses = Math.min(pauses * 2, MOST_PAUSES)) {
      if (load(this.#words, 0) === 0 && this.enter()) return true;
      for (let i = 0; i < pauses; i++) pause();
    }
    return false;
  }

  /** Waits a moment for it to be free. */
  lookOut(): void {
    for (let i = 0; i < SPINS && load(this.#words, 0) !== 0; i++) pause();
  }

  /** By one that is going to wait: takes it, or says that it is awaited. */
  take(): boolean {
    for (;;) {
      const word = load(this.#words, 0);
      if (word & POISONED) throw this.#poisoned();
      const owner = word & NUMBER;
      if (owner !== 0 && !isAlive(owner)) this.#poison(word);
      // Others may still wait: so the flag stays.
      else if (owner === 0 && replace(this.#words, 0, word, me | AWAITED)) break;
      else if (owner !== 0 && (word & AWAITED || replace(this.#words, 0, word, word | AWAITED))) return false;
    }
    this.noteOrigin();
    return true;
  }

  /** By one that is going to wait until nobody holds it: says so to who does. */
  await(): void {
    for (;;) {
      this.checkSound();
      const word = load(this.#words, 0);
      if (word === 0 || word & AWAITED || replace(this.#words, 0, word, word | AWAITED)) return;
    }
  }

  /** Throws where it is poisoned. */
  checkSound(): void {
    if (this.isPoisoned) throw this.#poisoned();
  }

  /** The number of the thread that holds it, 0 if none does. One that has died with it leaves it poisoned. */
  get owner(): number {
    const word = load(this.#words, 0);
    const owner = word & NUMBER;
    if (owner === 0 || owner === me || isAlive(owner)) return owner;
    this.#poison(word);
    return 0;
  }

  get isPoisoned(): boolean {
    return this.owner === 0 && (load(this.#words, 0) & POISONED) !== 0;
  }

  // ---- giving it back

  leave(): void {
    const words = this.#words;
    // That it is this thread's nobody else changes, so that an ordinary read tells. That others wait, anybody may.
    if ((words[0]! & NUMBER) !== me) this.checkMine();
    // A tenth cheaper than to replace it.
    if (exchange(words, 0, 0) === me) return;
    letGo(this.name.id);
    this.#wake(false);
  }

  /** Throws if this thread doesn't hold it. */
  checkMine(): void {
    const word = load(this.#words, 0);
    if ((word & NUMBER) === me) return;
    const why =
      word & POISONED
        ? "the cell for which it was locked has been interrupted, and it is poisoned since"
        : "this thread does not hold it";
    throw new LockError(`${this.name.label} can't be unlocked: ${why}.`);
  }

  #poison(word: number): void {
    if (!replace(this.#words, 0, word, POISONED)) return;
    letGo(this.name.id);
    this.#wake(true);
  }

  #poisoned(): PoisonedError {
    return new PoisonedError(
      `${this.name.label} is poisoned: who held it has ended in the middle, and what it guards may be half changed. recover() makes it usable again.`,
    );
  }

  /** Makes it usable, after `repair`, which runs while nobody else can get it. */
  recover(repair: (() => void) | undefined): void {
    if (!this.isPoisoned || !replace(this.#words, 0, POISONED, me)) return;
    this.noteOrigin();
    let isDone = false;
    try {
      repair?.();
      isDone = true;
    } finally {
      if (isDone) this.leave();
      else this.#poison(load(this.#words, 0));
    }
  }

  /** The cell has ended wherever it was, and does not come back. */
  interrupted(origin: number): void {
    const word = load(this.#words, 0);
    if ((word & NUMBER) === me && this.#origin === origin) this.#poison(word);
  }
}

/** The locks of a thread that the host may interrupt without ending the thread. */
const hosted = new Set<WeakRef<Owned>>();
const forgotten = new FinalizationRegistry<WeakRef<Owned>>((ref) => hosted.delete(ref));

let heard: Host | undefined;

function poisonWhenInterrupted(lock: Owned): void {
  if (heard !== host()) {
    heard = host()!;
    heard.onInterrupt((origin) => {
      // Who hears this is not blocked any more.
      waitNoMore();
      for (const ref of hosted) ref.deref()?.interrupted(origin);
    });
  }
  const ref = new WeakRef(lock);
  hosted.add(ref);
  forgotten.register(lock, ref);
}

/**
 * Blocks until the attempt gives something. `blocker` tells the number of a thread without which it can't, or 0: with a wait that
 * has no limit in time, a cycle of such threads is a deadlock. To wait for oneself is one with any.
 */
export function blockFor<T>(
  waiters: Waiters,
  { id, label }: LockName,
  attempt: Attempt<T>,
  blocker: () => number,
  options: Wait,
): T {
  const isForEver = (options.timeoutMs ?? Infinity) === Infinity;
  const attemptOrTell = (): T | undefined => {
    // While it tries it holds nobody up.
    if (isForEver) waitNoMore();
    const count = releases(id);
    const got = attempt();
    const owner = got === undefined ? blocker() : 0;
    if (owner === me) throw selfDeadlock(label);
    if (owner === 0 || !isForEver) return got;
    waitFor(id, label, owner, count);
    const error = deadlock();
    if (error) throw error;
    return undefined;
  };
  const look = (): boolean => {
    lookAfterChildren();
    if (blocker() === 0) return true;
    lookWatched();
    if (!isForEver) return false;
    return isOutdated() || isDeadlocked();
  };
  try {
    return waiters.block(attemptOrTell, `the wait for ${label}`, options, look);
  } finally {
    if (isForEver) waitNoMore();
  }
}
