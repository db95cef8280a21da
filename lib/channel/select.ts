// select: the first of several things that can be done is done, and none of the others. Among those that can be done it
// chooses at random.
//
// To receive and to send where there is room takes one step each, so it is tried one case after the other. What is sent
// by rendezvous has to be offered: one offer at a time, where somebody waits for it, and it is withdrawn before anything
// else is tried. If it can't be withdrawn, it was taken, and that is the choice.

import { load, wait } from "../atomics.ts";
import { checkFunction, checkMilliseconds, checkWait } from "../checks.ts";
import { onOwnInterrupt } from "../host.ts";
import { inLibrary } from "../library.ts";
import { timeoutError, type Wait, type WaitAsync } from "../waiting.ts";
import { AfterCase, OtherwiseCase, ReceiveCase, SendCase, type Case } from "./case.ts";
import { Channel } from "./channel.ts";
import { hall } from "./hall.ts";
import type { Offer } from "./offer.ts";
import { waitOn } from "./side.ts";
import { now, type Clock } from "./ticking.ts";

type Ready<R> = ReceiveCase<R> | SendCase<R>;

const SELECTING = "select()";
const LOOK_AGAIN_MS = 100;

class Selection<R> {
  readonly #ready: Ready<R>[] = [];
  readonly #isBlocking: boolean;
  readonly #startMs = performance.now();
  readonly otherwise: OtherwiseCase<R> | undefined;
  readonly #after: AfterCase<R> | undefined;
  #standing: { offer: Offer; by: SendCase<R> } | undefined;
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
    return Math.min(this.#after ? this.#startMs + this.#after.ms : Infinity, ...due);
  }

  /** True: one is chosen. */
  attempt(): boolean {
    if (this.chosen) return true;
    // An offer may be looked at by this very select.
    if (this.#isTrying) return false;
    this.#isTrying = true;
    try {
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
    if (this.#standing) return false;
    const offer = by.offer();
    if (!offer) return false;
    this.#standing = { offer, by };
    return offer.attempt();
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
    const endMs = this.#startMs + timeoutMs;
    const unlisten = onOwnInterrupt(() => void this.withdraw());
    const sides = this.sides;
    try {
      for (;;) {
        const epoch = load(hall, 0);
        for (const side of sides) side.flagSelect();
        if (this.attempt()) return;
        const nowMs = performance.now();
        if (nowMs >= endMs) {
          if (this.withdraw()) return;
          throw timeoutError(SELECTING, timeoutMs);
        }
        wait(hall, 0, epoch, Math.min(endMs - nowMs, LOOK_AGAIN_MS, Math.max(0, this.dueMs() - nowMs)));
      }
    } finally {
      unlisten();
    }
  }
}

/**
 * Does the first of several things that can be done, and none of the others; what its function returns is the result.
 *
 * Waits: blocks the thread until one can be done; with `otherwise` never; `after` limits the wait, and so does `timeoutMs`.
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
  checkWait(SELECTING, options, ["timeoutMs"]);
  const selection = new Selection(cases, true);
  if (selection.otherwise) {
    if (!selection.attempt() && !selection.withdraw()) return selection.otherwise.finish();
  } else selection.block(options);
  return selection.chosen!.finish();
}

/** The same without blocking. */
export async function selectAsync<R>(cases: readonly Case<R>[], options: WaitAsync = {}): Promise<R> {
  checkWait("selectAsync()", options, ["timeoutMs", "signal"]);
  const selection = new Selection(cases, false);
  const isAborted = options.signal?.aborted === true;
  if (selection.otherwise) {
    if (!selection.attempt() && !selection.withdraw()) return selection.otherwise.finish();
  } else if (isAborted || !selection.attempt())
    await waitOn(selection.sides, () => selection.attempt(), SELECTING, options, {
      withdraw: () => selection.withdraw(),
      dueMs: () => selection.dueMs(),
    });
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
