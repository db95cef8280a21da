// The clock behind bench, compare and speedup: how often a function must be called for one timing to be worth
// something, and one timing of it. A timing of a few microseconds would measure the clock, so short functions are
// called many times in a row and the time is divided.

/** One timing lasts at least this long, by repeating the call if need be. */
const SHORTEST_MS = 1;
const MOST_CALLS = 1_000_000;

export interface Timing {
  /** Milliseconds of one call. */
  ms: number;
  value: unknown;
}

/** A function to measure, with how many calls make one timing. */
export interface Subject {
  f: () => unknown;
  calls: number;
}

/** Where every last value goes, so that no compiler may drop the work that made it. */
const sink: { value: unknown } = { value: undefined };

/** Finds the number of calls by doubling; these calls warm the function up as well. */
export async function prepare(f: () => unknown): Promise<Subject> {
  const subject = { f, calls: 1 };
  for (;;) {
    const { ms } = await time(subject);
    const took = ms * subject.calls;
    if (took >= SHORTEST_MS || subject.calls >= MOST_CALLS) return subject;
    const wanted = took > 0.02 ? Math.ceil((1.2 * SHORTEST_MS * subject.calls) / took) : subject.calls * 8;
    subject.calls = Math.min(MOST_CALLS, Math.max(subject.calls * 2, wanted));
  }
}

/** One timing. A promise is awaited, each before the next call. */
export async function time({ f, calls }: Subject): Promise<Timing> {
  let value: unknown;
  const start = performance.now();
  for (let call = 0; call < calls; call++) {
    value = f();
    if (isPromise(value)) value = await value;
  }
  const ms = (performance.now() - start) / calls;
  sink.value = value;
  return { ms, value };
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}
