// One side of a channel: those that wait to receive, or to send. Whoever changes what they wait for calls `wake`, which
// costs one read while nobody waits.
//
// A waiter raises a flag, makes its attempt, and sleeps only while the epoch is the same; who changes something looks at
// the flag afterwards, lowers it, raises the epoch, and wakes: once for each sleep. One of the two sees the other. A thread
// that was woken and got something looks whether there is more for another that sleeps. One that dies just then takes
// that with it, so a sleeper looks again by itself now and then.
//
// A thread that blocks first looks for a while: longer than it takes to be woken, as long as that helps, so that two threads
// that answer each other don't both sleep for want of a few microseconds.

import { add, exchange, load, loadAfterChange, notify, or, pause, wait, waitAsync, type Words } from "../atomics.ts";
import { onOwnInterrupt } from "../host.ts";
import { resumed, waitForAny, waitNoMore, woken } from "../sync/wait-graph.ts";
import { keepAlive, lookWatched, noteWait } from "../sync/watch.ts";
import { timeoutError, watchLimits, type Wait, type WaitAsync } from "../waiting.ts";
import { canRunAtOnce } from "./cores.ts";
import { hall } from "./hall.ts";

const FLAGS = 0;
const EPOCH = 1;
const LOOP_EPOCH = 2;
const SLEEPERS = 3;
const SIDE_WORDS = 4;

// Of FLAGS: who may wait.
const THREADS = 1;
const LOOPS = 2;
const SELECTS = 4;

const LOOK_AGAIN_MS = 100;
const LONG_MS = 2 ** 31 - 1;

/** May looking help? Asked when a thread first waits: by then it has been given its cores, if any. */
let canSpin: boolean | undefined;
const SPIN_LEAST_US = 2;
/** Twice what it takes to wake a thread. */
const SPIN_FIRST_US = 60;
/** Every so many times in vain it looks longer: after twice as many each time that this is in vain, too. */
const SPIN_PROBE_US = 120;
const PROBE_FIRST = 32;
const PROBE_LAST = 256;
const MOST_PAUSES = 16;

/** What a wait tries. True: it has come to an end. */
export type Attempt = () => boolean;

/** A wait of this thread that does not block. */
export interface Waiter {
  /** Throws where the wait ends badly. */
  attempt: Attempt;
  /** It waits elsewhere, too: that it fails says nothing about those behind it. */
  isChoice: boolean;
  resolve(): void;
  reject(error: unknown): void;
}

/** Shared memory alone does not keep a program alive. */
let waiting = 0;
let letGo: (() => void) | undefined;

function stay(by: number): void {
  waiting += by;
  if (waiting > 0) letGo ??= keepAlive(() => {}, LONG_MS);
  else {
    letGo?.();
    letGo = undefined;
  }
}

export class Side {
  readonly #words: Words;
  /** Called when somebody is about to wait here: the other side may want to know. */
  onArm: (() => void) | undefined;
  readonly #waiters = new Set<Waiter>();
  #isListening = false;
  #isServing = false;
  #spinUs = SPIN_FIRST_US;
  #sleeps = 0;
  #probeAfter = PROBE_FIRST;

  constructor(words: Words, at: number) {
    this.#words = words.subarray(at, at + SIDE_WORDS);
  }

  /** Something changed just now, for so many of them. */
  wake(threads = 1): void {
    if (loadAfterChange(this.#words, FLAGS) !== 0) this.#wake(threads);
  }

  /** Something changed for all of them. */
  wakeAll(): void {
    this.#wake(Infinity, THREADS);
  }

  /** @param flagged those that sleep although no flag says so */
  #wake(threads: number, flagged = 0): void {
    const flags = exchange(this.#words, FLAGS, 0) | flagged;
    if ((flags & THREADS) !== 0) {
      add(this.#words, EPOCH, 1);
      woken(notify(this.#words, EPOCH, threads));
    }
    if ((flags & LOOPS) !== 0) {
      add(this.#words, LOOP_EPOCH, 1);
      notify(this.#words, LOOP_EPOCH);
    }
    if ((flags & SELECTS) !== 0) {
      add(hall, 0, 1);
      woken(notify(hall, 0));
    }
  }

  /** Does anybody wait, here or elsewhere? A thread that died in it, or one that has just got something, counts. */
  get isAwaited(): boolean {
    return this.#waiters.size > 0 || load(this.#words, FLAGS) !== 0;
  }

  /** A select will sleep. */
  flagSelect(): void {
    this.#arm(SELECTS);
  }

  #arm(flag: number): void {
    if ((or(this.#words, FLAGS, flag) & flag) === 0) this.onArm?.();
  }

  /**
   * Blocks the thread until the attempt is true. `left` is called where it ends by an interrupt, which may be at any place;
   * `dueMs` says when to try again without being woken, on the clock of performance.now().
   */
  block(
    attempt: Attempt,
    what: string,
    { timeoutMs = Infinity }: Wait,
    { left, dueMs }: { left?: () => void; dueMs?: () => number } = {},
  ): void {
    if (attempt()) return;
    canSpin ??= canRunAtOnce();
    const spinUs = canSpin ? Math.min(this.#spinUs, timeoutMs * 1000) : 0;
    if (spinUs > 0 && this.#spin(attempt, spinUs)) return;
    const startMs = performance.now();
    const unlisten = left ? onOwnInterrupt(left) : undefined;
    let isTold = false;
    let slept = false;
    let isWoken = false;
    add(this.#words, SLEEPERS, 1);
    try {
      for (;;) {
        const epoch = load(this.#words, EPOCH);
        this.#arm(THREADS);
        if (attempt()) break;
        const nowMs = performance.now();
        const leftMs = startMs + timeoutMs - nowMs;
        if (leftMs <= 0) throw timeoutError(what, timeoutMs);
        if (isWoken) resumed();
        else if (slept) lookWatched();
        isWoken = false;
        slept = true;
        const dueIn = dueMs ? Math.max(0, dueMs() - nowMs) : Infinity;
        if (!isTold && dueIn === Infinity && timeoutMs === Infinity) {
          waitForAny(what);
          isTold = true;
        }
        isWoken = wait(this.#words, EPOCH, epoch, Math.min(leftMs, LOOK_AGAIN_MS, dueIn));
      }
    } finally {
      if (isTold) waitNoMore();
      if (isWoken) resumed();
      unlisten?.();
      if (slept) this.#adapt();
      // It may have been woken for something that is left for another.
      if (add(this.#words, SLEEPERS, -1) > 1) this.#wake(1, THREADS);
    }
  }

  /** Looks for a while, at first often: an answer takes less than a microsecond where the other is looking, too. */
  #spin(attempt: Attempt, us: number): boolean {
    const endMs = performance.now() + us / 1000;
    let pauses = 1;
    do {
      for (let i = 0; i < 8; i++) {
        for (let n = 0; n < pauses; n++) pause();
        if (attempt()) {
          this.#spinUs = SPIN_FIRST_US;
          this.#probeAfter = PROBE_FIRST;
          this.#sleeps = 0;
          return true;
        }
      }
      if (pauses < MOST_PAUSES) pauses *= 2;
    } while (performance.now() < endMs);
    return false;
  }

  /** It has slept. Where threads share a core looking never helps; so now and then it is tried whether that has changed. */
  #adapt(): void {
    if (++this.#sleeps >= this.#probeAfter) {
      this.#spinUs = SPIN_PROBE_US;
      this.#sleeps = 0;
      this.#probeAfter = Math.min(PROBE_LAST, this.#probeAfter * 2);
    } else this.#spinUs = this.#spinUs < SPIN_LEAST_US * 2 || this.#spinUs === SPIN_PROBE_US ? 0 : this.#spinUs / 2;
  }

  /** Resolves when the attempt is true; within this thread in the order of asking. */
  queue(attempt: Attempt, what: string, limits: WaitAsync, more: More = {}): Promise<void> {
    return waitOn([this], attempt, what, limits, more);
  }

  get isQuiet(): boolean {
    return this.#waiters.size === 0;
  }

  add(waiter: Waiter): void {
    this.#waiters.add(waiter);
    if (this.#isListening) this.serve();
    else this.#listen();
  }

  remove(waiter: Waiter): void {
    this.#waiters.delete(waiter);
  }

  /** Those of this thread, who have waited longest first. */
  serve(): void {
    if (this.#isServing) return;
    this.#isServing = true;
    try {
      for (const waiter of this.#waiters) {
        let done: boolean;
        try {
          done = waiter.attempt();
        } catch (error) {
          waiter.reject(error);
          continue;
        }
        if (done) waiter.resolve();
        else if (!waiter.isChoice) break;
      }
    } finally {
      this.#isServing = false;
    }
  }

  /**
   * Serves, and does so again at the next change while there are any: one wait for all. An interrupt may end this
   * thread's code at any place of it; what is noted last can only be missing, and then there is one wait more.
   */
  #listen(): void {
    if (this.#isListening) return;
    let changed: Promise<unknown> | undefined;
    while (!changed) {
      const epoch = load(this.#words, LOOP_EPOCH);
      this.#arm(LOOPS);
      this.serve();
      if (this.#waiters.size === 0) return;
      changed = waitAsync(this.#words, LOOP_EPOCH, epoch);
    }
    void changed.then(() => {
      this.#isListening = false;
      this.#listen();
    });
    this.#isListening = true;
  }
}

export interface More {
  /** See Waiter. */
  isChoice?: boolean;
  /** Where the wait is to end: has it come true after all? Default: one more attempt. */
  withdraw?: Attempt;
  /** When to try again without being woken, on the clock of performance.now(). */
  dueMs?: () => number;
}

/** Waits on several sides at once, without blocking, until the attempt is true. */
export function waitOn(
  sides: readonly Side[],
  attempt: Attempt,
  what: string,
  limits: WaitAsync,
  { isChoice = false, withdraw = attempt, dueMs }: More,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let unwatch = (): void => {};
    let unnote = (): void => {};
    let timer: NodeJS.Timeout | undefined;
    const look = (): void => {
      for (const side of sides) side.serve();
      if (timer === undefined) return;
      try {
        if (attempt()) return waiter.resolve();
      } catch (error) {
        return waiter.reject(error);
      }
      lookWhenDue();
    };
    const lookWhenDue = (): void => {
      const due = dueMs?.() ?? Infinity;
      if (due < Infinity) timer = setTimeout(look, Math.max(0, Math.ceil(due - performance.now())));
    };
    const leave = (): void => {
      clearTimeout(timer);
      timer = undefined;
      for (const side of sides) side.remove(waiter);
      unwatch();
      unnote();
      stay(-1);
    };
    const waiter: Waiter = {
      attempt,
      isChoice,
      resolve: () => (leave(), resolve()),
      reject: (error) => (leave(), reject(error as Error)),
    };
    if (limits.timeoutMs === 0) {
      if (withdraw()) return resolve();
      throw timeoutError(what, 0);
    }
    unwatch = watchLimits(what, limits, (error) => {
      let done = false;
      try {
        done = withdraw();
      } catch (failed) {
        return waiter.reject(failed);
      }
      if (done) waiter.resolve();
      else waiter.reject(error);
      for (const side of sides) side.serve();
    });
    unnote = noteWait(what);
    stay(1);
    lookWhenDue();
    for (const side of sides) side.add(waiter);
  });
}
