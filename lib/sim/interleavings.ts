// sim.interleavings: every order in which the steps of a few threads can follow each other, and what comes of each.

import { checkFunction, checkKnown } from "../checks.ts";

/** One step of a thread: nothing of another thread happens in the middle of it. */
export interface ProgramStep<S, O> {
  /** What it does, or how to say it when it has run. */
  text: string | ((shared: Readonly<S>, own: Readonly<O>) => string);
  /** Changes what all threads see (`shared`) or what only its thread sees (`own`, its registers). Default: nothing. */
  run?: (shared: S, own: O) => void;
  /** It can run only while this holds: a lock that is free. Default: always. */
  when?: (shared: Readonly<S>, own: Readonly<O>) => boolean;
  /** What it reads from, or writes to: a lane of `plot.sequence`. */
  reads?: string;
  writes?: string;
}

export interface InterleavingsOptions<S, O> {
  /** What all threads see at the start: plain data, copied for each order. */
  shared: S;
  /** What each thread has for itself at the start. Default: {}. */
  own?: O;
  /** Is this how it should end? */
  right: (shared: Readonly<S>) => boolean;
  /** Orders that end alike are counted together under this name. Default: the shared values as JSON. */
  outcome?: (shared: Readonly<S>) => string;
}

/** A step that has run, as `plot.sequence` draws it. */
export interface InterleavedStep {
  thread: number;
  from: string;
  to?: string;
  text: string;
}

export interface Interleaving<S> {
  /** Whose step is first, second, … */
  order: number[];
  steps: InterleavedStep[];
  /** What all threads saw at the end. */
  shared: S;
  outcome: string;
  isRight: boolean;
  /** Steps were left, and none of them could run: the threads wait for each other. Never right. */
  isStuck: boolean;
}

export interface Interleavings<S> {
  orders: Interleaving<S>[];
  right: number;
  wrong: number;
  /** Of the wrong ones. */
  stuck: number;
  /** How many orders end how, the most frequent first. */
  outcomes: { outcome: string; count: number; isRight: boolean }[];
}

interface Moment<S, O> {
  shared: S;
  own: O[];
  /** Each thread's next step. */
  at: number[];
  order: number[];
  steps: InterleavedStep[];
}

const MOST = 50_000;
/** Of all threads together: each order is as long. */
const MOST_STEPS = 500;

/**
 * Runs small programs in every order that their steps can be in: two threads of three steps have 6! / (3! 3!) = 20.
 *
 * Waits: never. Order: those of thread 0 first come first; each run gives the same. A step is atomic, and each thread's steps
 * stay in their order: what a machine does beyond that (memory that is seen later, reordering) is not here.
 * Units: none; nothing is timed. Cost: orders × steps; more than 50,000 orders are refused.
 * Throws: TypeError on what is no program, RangeError on none or too many orders; what a step throws.
 * When to use: to see all that a race can do. It simulates steps that are told to it, it doesn't run your threads.
 * @example
 * const increment = [
 *   { text: "load", reads: "count", run: (shared, own) => { own.r = shared.count; } },
 *   { text: "add 1", run: (shared, own) => { own.r += 1; } },
 *   { text: "store", writes: "count", run: (shared, own) => { shared.count = own.r; } },
 * ];
 * const { orders, right, wrong } = sim.interleavings([increment, increment], {
 *   shared: { count: 0 }, own: { r: 0 }, right: ({ count }) => count === 2,
 * }); // 20 orders: 2 right, 18 wrong
 * plot.sequence(orders[1].steps);
 */
export function interleavings<S extends object, O extends object = Record<string, any>>(
  threads: readonly (readonly ProgramStep<S, O>[])[],
  options: InterleavingsOptions<S, O>,
): Interleavings<S> {
  check(threads, options);
  const { shared, right, outcome = JSON.stringify } = options;
  const orders: Interleaving<S>[] = [];
  const visit = (before: Moment<S, O>): void => {
    let isEnd = true;
    let isStuck = false;
    for (const [thread, steps] of threads.entries()) {
      const step = steps[before.at[thread]!];
      if (step === undefined) continue;
      if (step.when?.(before.shared, before.own[thread]!) === false) {
        isStuck = true;
        continue;
      }
      isEnd = false;
      const [all, mine] = [structuredClone(before.shared), structuredClone(before.own[thread]!)];
      step.run?.(all, mine);
      visit({
        shared: all,
        own: before.own.with(thread, mine),
        at: before.at.with(thread, before.at[thread]! + 1),
        order: [...before.order, thread],
        steps: [...before.steps, told(step, thread, all, mine)],
      });
    }
    if (!isEnd) return;
    if (orders.length >= MOST)
      throw new RangeError(`sim.interleavings goes through at most ${MOST} orders; these programs have more.`);
    const { order, steps } = before;
    // A program without steps ends where it began: what is given back is never what the caller gave.
    const last = order.length === 0 ? structuredClone(shared) : before.shared;
    orders.push({ order, steps, shared: last, outcome: outcome(last), isStuck, isRight: !isStuck && right(last) });
  };
  const own = threads.map(() => options.own ?? ({} as O));
  visit({ shared, own, at: threads.map(() => 0), order: [], steps: [] });

  const counts = new Map<string, { outcome: string; count: number; isRight: boolean }>();
  for (const { outcome: name, isStuck, isRight } of orders) {
    const key = isStuck ? `stuck: ${name}` : name;
    const one = counts.get(key) ?? { outcome: key, count: 0, isRight };
    one.count++;
    counts.set(key, one);
  }
  const good = orders.filter(({ isRight }) => isRight).length;
  return {
    orders,
    right: good,
    wrong: orders.length - good,
    stuck: orders.filter(({ isStuck }) => isStuck).length,
    outcomes: [...counts.values()].sort((a, b) => b.count - a.count),
  };
}

function told<S, O>({ text, reads, writes }: ProgramStep<S, O>, thread: number, shared: S, own: O): InterleavedStep {
  const lane = `thread ${thread}`;
  return {
    thread,
    from: reads ?? lane,
    ...(reads !== undefined ? { to: lane } : writes !== undefined ? { to: writes } : {}),
    text: typeof text === "function" ? text(shared, own) : text,
  };
}

function check(threads: unknown, options: unknown): void {
  if (!Array.isArray(threads))
    throw new TypeError(`sim.interleavings expects an array of threads first, got ${typeof threads}.`);
  if (threads.length === 0) throw new RangeError("sim.interleavings expects at least one thread, got none.");
  threads.forEach((steps: unknown, thread) => {
    if (!Array.isArray(steps))
      throw new TypeError(
        `sim.interleavings expects each thread to be an array of steps, got ${typeof steps} for thread ${thread}.`,
      );
    steps.forEach((step: Partial<ProgramStep<unknown, unknown>> | null, index) => {
      if (typeof step?.text !== "string" && typeof step?.text !== "function")
        throw new TypeError(
          `sim.interleavings expects steps like { text, run }, got none as step ${index} of thread ${thread}.`,
        );
      for (const key of ["run", "when"] as const)
        if (step[key] !== undefined) checkFunction(`${key} of step ${index} of thread ${thread}`, step[key]);
    });
  });
  const count = threads.reduce((sum: number, { length }: unknown[]) => sum + length, 0);
  if (count > MOST_STEPS)
    throw new RangeError(`sim.interleavings takes programs of at most ${MOST_STEPS} steps together, got ${count}.`);
  checkKnown("sim.interleavings", options, ["shared", "own", "right", "outcome"]);
  const { shared, right, outcome } = options as Partial<InterleavingsOptions<object, object>>;
  if (typeof shared !== "object" || shared === null)
    throw new TypeError(`Expected shared to be an object of what all threads see, got ${String(shared)}.`);
  checkFunction("right", right);
  if (outcome !== undefined) checkFunction("outcome", outcome);
}
