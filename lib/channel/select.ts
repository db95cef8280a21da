// select: the first of several things that can be done is done, and none of the others. Among those that can be done it
// chooses at random.
//
// To receive and to send where there is room takes one step each, so it is tried one case after the other. What is sent
// by rendezvous has to be offered: one offer at a time, where somebody waits for it, and it is withdrawn before anything
// else is tried. If it can't be withdrawn, it was taken, and that is the choice.
//
// A select that would both send and receive by the same rendezvous waits there itself, and can't tell whether others do. It
// offers anyway and leaves the offer for some milliseconds, each time others, so that of two such selects one takes.

import { load, wait } from "../atomics.ts";
import { checkFunction, checkMilliseconds, checkWait } from "../checks.ts";
import { TimeoutError } from "../errors.ts";
import { onOwnInterrupt } from "../host.ts";
import { inLibrary } from "../library.ts";
import { resumed, waitForAny, waitNoMore } from "../sync/wait-graph.ts";
import { lookWatched } from "../sync/watch.ts";
import { timeoutError, type Wait, type WaitAsync } from "../waiting.ts";
import { AfterCase, OtherwiseCase, ReceiveCase, SendCase, type Case } from "./case.ts";
import { Channel } from "./channel.ts";
import { hall } from "./hall.ts";
import { MOMENT_MS, type Offer } from "./offer.ts";
import { waitOn } from "./side.ts";
import { now, type Clock } from "./ticking.ts";

type Ready<R> = ReceiveCase<R> | SendCase<R>;

const CHOOSING = "the wait for a case of select()";
const LOOK_AGAIN_MS = 100;
const MOST_STANDING_MS = 16;

class Selection<R> {
  readonly #ready: Ready<R>[] = [];
  readonly #isBlocking: boolean;
  readonly #startMs = performance.now();
  readonly otherwise: OtherwiseCase<R> | undefined;
  readonly #after: AfterCase<R> | undefined;
  #standing: { offer: Offer; by: SendCase<R> } | undefined;
  #standsUntilMs = 0;
  #standsMs = MOMENT_MS;
  #isTrying = false;
  chosen: { finish(): R } | undefined;

  constructor(cases: readonly Case<R>[], isBlocking: boolean) {
    if (!Array.isArray(cases) || cases.length === 0)
      throw new TypeError("Expected select() to get an array of at least one case, such as channel.onRecv(f).");
    this.#isBlocking = isBlocking;
    for (const one of cases) {
      if (one instanceof ReceiveCase || one instanceof SendCase) this.#ready.push(one as Ready<R>);
      else if (one instanceof OtherwiseCase) this.otherwise ??= one as OtherwiseCase<R>;
      else if (!(one instanceof AfterCase))
        throw new TypeError(
          "Expected a case of select() to be made by onRecv(), onSend(), after() or otherwise(), got something else.",
        );
      else if (!this.#after || one.ms < this.#after.ms) this.#after = one as AfterCase<R>;
    }
  }

  get sides(): ReceiveCase<R>["side"][] {
    return [...new Set(this.#ready.map(({ side }) => side))];
  }

  /** When something may be chosen without being woken. */
  dueMs(): number {
    const due = this.#ready.map((one) => (one instanceof ReceiveCase ? one.core.dueMs() : Infinity));
    if (this.#after) due.push(this.#startMs + this.#after.ms);
    if (this.#standing && this.#standsUntilMs > 0) due.push(this.#standsUntilMs);
    return Math.min(...due);
  }

  /** True: one is chosen. */
  attempt(): boolean {
    if (this.chosen) return true;
    // An offer may be looked at by this very select.
    if (this.#isTrying) return false;
    this.#isTrying = true;
    try {
      if (this.#standing && performance.now() < this.#standsUntilMs)
        return this.#standing.offer.attempt() && this.#choose(this.#standing.by);
      if (this.withdraw()) return true;
      const order = shuffled(this.#ready);
      for (const one of order) if (one.attempt(this.#isBlocking)) return this.#choose(one);
      for (const one of order) if (one instanceof SendCase && this.#offer(one)) return this.#choose(one);
      const isLate = this.#after !== undefined && performance.now() >= this.#startMs + this.#after.ms;
      // The clock does not overtake what has been taken.
      return isLate && !this.withdraw() ? this.#choose(this.#after!) : this.chosen !== undefined;
    } finally {
      this.#isTrying = false;
    }
  }

  #offer(by: SendCase<R>): boolean {
    if (this.#standing || !by.core.isRendezvous) return false;
    const isBothWays = !this.otherwise && this.#ready.some((one) => one instanceof ReceiveCase && one.core === by.core);
    if (!isBothWays && !by.isAwaited) return false;
    this.#standsUntilMs = isBothWays ? Math.min(this.dueMs(), performance.now() + this.#nextStandMs()) : 0;
    const offer = by.offer();
    this.#standing = { offer, by };
    return offer.attempt();
  }

  #nextStandMs(): number {
    this.#standsMs = Math.min(MOST_STANDING_MS, this.#standsMs * 2);
    return (this.#standsMs * (1 + Math.random())) / 2;
  }

  /** Takes back what is offered. True: it had been taken. */
  withdraw(): boolean {
    const { offer, by } = this.#standing ?? {};
    this.#standing = undefined;
    return offer?.withdraw() === true && this.#choose(by!);
  }

  #choose(one: { finish(): R }): true {
    this.chosen = one;
    this.#standing = undefined;
    return true;
  }

  block({ timeoutMs = Infinity }: Wait): void {
    if (this.attempt()) return;
    const endMs = performance.now() + timeoutMs;
    const unlisten = onOwnInterrupt(() => void this.withdraw());
    const sides = this.sides;
    let isTold = false;
    let isWoken = false;
    let isAsleep = false;
    try {
      for (;;) {
        const epoch = load(hall, 0);
        for (const side of sides) side.flagSelect();
        if (this.attempt()) return;
        const nowMs = performance.now();
        if (nowMs >= endMs) throw timeoutError(CHOOSING, timeoutMs);
        if (isWoken) resumed();
        else if (isAsleep) lookWatched();
        isAsleep = true;
        const dueMs = this.dueMs();
        if (!isTold && dueMs === Infinity && endMs === Infinity) {
          waitForAny(CHOOSING);
          isTold = true;
        }
        isWoken = false;
        isWoken = wait(hall, 0, epoch, Math.min(endMs - nowMs, LOOK_AGAIN_MS, Math.max(0, dueMs - nowMs)));
      }
    } catch (error) {
      // What it had offered may have been taken just then.
      if (!this.withdraw()) throw error;
    } finally {
      if (isTold) waitNoMore();
      if (isWoken) resumed();
      unlisten();
    }
  }

  /** What was tried first may have come true before what was tried last was over. */
  #attemptTwice(): boolean {
    return this.attempt() || (!this.#standing && this.attempt());
  }

  /** Does not wait; but who waits at the other end of a rendezvous is given a moment to come. */
  meet(): boolean {
    if (this.#attemptTwice()) return true;
    const { offer, by } = this.#standing ?? {};
    if (offer) return offer.standForAMoment() ? this.#choose(by!) : this.withdraw();
    if (!this.#isAwaited) return false;
    try {
      this.block({ timeoutMs: MOMENT_MS });
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error;
    }
    return this.chosen !== undefined;
  }

  /** The same without blocking. */
  async meetAsync(): Promise<boolean> {
    if (this.#attemptTwice()) return true;
    if (!this.#standing && !this.#isAwaited) return false;
    try {
      await this.wait({ timeoutMs: MOMENT_MS });
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error;
    }
    return this.chosen !== undefined;
  }

  wait(options: WaitAsync): Promise<void> {
    return waitOn(this.sides, () => this.attempt(), CHOOSING, options, {
      isChoice: true,
      withdraw: () => this.withdraw(),
      dueMs: () => this.dueMs(),
    });
  }

  /** Does somebody wait at the other end of a rendezvous? */
  get #isAwaited(): boolean {
    return this.#ready.some(({ isAwaited }) => isAwaited);
  }
}

/**
 * Does the first of several things that can be done, and none of the others; what its function returns is the result.
 *
 * Waits: blocks the thread until one can be done; with `otherwise` never, but for the millisecond that who waits at the other
 * end of a rendezvous is given to come; `after` limits the wait, and so does `timeoutMs`.
 * Order: among those that can be done at once it chooses at random, so that none is always last.
 * A case can be used again. A channel that is closed and empty can always be received from: `ok` is false.
 * Throws ChannelClosedError where one would send on a closed channel, TimeoutError, TypeError for what is no case.
 * Cost: a try of each case; a sleep and a wake-up where none can be done.
 * When to use: to wait for several channels, or for one and the clock.
 * @example
 * const answer = select([
 *   results.onRecv((value, ok) => (ok ? value : "no more")),
 *   requests.onSend(next, () => "asked"),
 *   after(100, () => "nobody answers"),
 * ]);
 */
export function select<R>(cases: readonly Case<R>[], options: Wait = {}): R {
  checkWait("select()", options, ["timeoutMs"]);
  const selection = new Selection(cases, true);
  if (selection.otherwise) {
    if (!selection.meet()) return selection.otherwise.finish();
  } else selection.block(options);
  return selection.chosen!.finish();
}

/** The same without blocking. */
export async function selectAsync<R>(cases: readonly Case<R>[], options: WaitAsync = {}): Promise<R> {
  checkWait("selectAsync()", options, ["timeoutMs", "signal"]);
  const selection = new Selection(cases, false);
  const isAborted = options.signal?.aborted === true;
  if (selection.otherwise) {
    if (!(await selection.meetAsync())) return selection.otherwise.finish();
  } else if (isAborted || !selection.attempt()) await selection.wait(options);
  return selection.chosen!.finish();
}

/** A case that is chosen when nothing else could be done for so many milliseconds, counted from the select. */
export function after<R>(ms: number, f: () => R): Case<R> {
  checkMilliseconds("ms", ms);
  checkFunction("f", f);
  return new AfterCase(ms, f);
}

/** A case that is chosen when nothing else can be done at once. */
export function otherwise<R>(f: () => R): Case<R> {
  checkFunction("f", f);
  return new OtherwiseCase(f);
}

/**
 * A channel that receives from the clock: every so many milliseconds, the milliseconds since its start (ms, 2 ms, …). Ticks
 * that nobody was there for are left out but for one. Of several receivers one gets a tick. `close` ends it.
 */
export function tick(ms: number): Channel<number> {
  checkMilliseconds("ms", ms);
  if (!(ms > 0 && ms < Infinity)) throw new RangeError(`Expected ms to be more than 0, and finite, got ${ms}.`);
  return ofClock({ everyMs: ms, startMs: now() });
}

/** A channel on which nothing ever comes: in a select, a case that is switched off. */
export function never<T>(): Channel<T> {
  return ofClock({ everyMs: Infinity, startMs: 0 });
}

function ofClock<T>(clock: Clock): Channel<T> {
  return new (Channel as unknown as new (clock: Clock) => Channel<T>)(clock);
}

/** In an order that is any of all orders, each as likely as the others (R. A. Fisher and F. Yates, 1938). */
function shuffled<T>(items: readonly T[]): T[] {
  const order = [...items];
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

inLibrary(import.meta.url, { select, selectAsync, after, otherwise, tick, never });
