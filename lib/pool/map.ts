// Many parts of one call: the function goes once to each thread, the items in chunks, the results come back in order.

import { CancelledError, NotSendableError, TaskError, TimeoutError } from "../errors.ts";
import { encode, type EncodeOptions, type Wire } from "../ship/index.ts";
import { checkFunction, checkInteger, checkIterable, checkKnown, checkMilliseconds, checkSignal } from "../checks.ts";
import type { Inside } from "./inside.ts";
import { called, labelOf, messageOf, type Outcome } from "./job.ts";
import { mapEntry, type Entry, type MapPart } from "./parts.ts";

export interface MapOptions {
  /** Items for each message to a thread. Default: a quarter of a thread's share. */
  chunk?: number;
  /** Told after each chunk. */
  onProgress?: (done: number, total: number) => void;
  signal?: AbortSignal;
  timeoutMs?: number;
}

export interface PartsCall<C, P, R> {
  readonly label: string;
  /** A function of the library that makes the one that runs a part. */
  readonly entry: Entry<C, P, R>;
  /** Sent once to each thread. */
  readonly context: C;
  readonly parts: readonly P[];
  encodePart?(part: P, options: EncodeOptions): Wire;
  /** At most so many parts at a time. */
  readonly limit?: number;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
  /** The error for a part that failed by itself. */
  failed(error: unknown, part: P, index: number | undefined): unknown;
  /** A part is done. */
  ended?(part: P): void;
}

/** Runs the parts on the threads of a pool; gives their results in order. The first failure ends the call. */
export async function runParts<C, P, R>(engine: Inside, call: PartsCall<C, P, R>): Promise<R[]> {
  const { label, parts, signal, timeoutMs, limit = Infinity } = call;
  engine.checkOpen();
  const { between } = engine;
  const shared = encode({ entry: call.entry, context: call.context }, { path: "", between });
  if (shared.nodes.some((node) => node.t === "moved"))
    throw new NotSendableError(
      "move()",
      `The function of ${called(call)} captures a value marked with move(), but several threads get it: share it with shared(), or send a copy.`,
    );
  // All are encoded before any runs.
  const wires: Wire[] = parts.map((part) => (call.encodePart ?? encode)(part, { path: "", between }));
  if (signal?.aborted)
    throw new CancelledError(`Cancelled before it started: ${called(call)}.`, { cause: signal.reason });
  if (parts.length === 0) return [];

  const group = engine.openGroup(shared, limit);
  const results = new Array<R>(parts.length);
  const { promise, resolve, reject } = Promise.withResolvers<R[]>();
  let open = parts.length;
  let over = false;
  const stop = (error: unknown, all: boolean): void => {
    if (over) return;
    over = true;
    reject(error);
    engine.endGroup(group, error, all);
  };
  const settled = (index: number, outcome: Outcome): void => {
    if (over) return;
    const part = parts[index]!;
    if (!outcome.ok)
      return stop(outcome.stopped ? outcome.error : call.failed(outcome.error, part, outcome.index), false);
    results[index] = outcome.value as R;
    try {
      call.ended?.(part);
    } catch (error) {
      return stop(error, false);
    }
    if (--open === 0) resolve(results);
  };
  const abort = (): void => stop(new CancelledError(`Cancelled: ${called(call)}.`, { cause: signal!.reason }), true);
  signal?.addEventListener("abort", abort, { once: true });
  const late = (): void =>
    stop(new TimeoutError(timeoutMs!, `Out of time: ${wholeOf(call)} took longer than ${timeoutMs} ms.`), true);
  const timer = timeoutMs === undefined || timeoutMs > MAX_TIMER ? undefined : setTimeout(late, timeoutMs);
  try {
    for (const [index, wire] of wires.entries())
      if (!over)
        engine.add({ label, group, share: index / wires.length, settled: (outcome) => settled(index, outcome) }, wire);
    return await promise;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
    engine.closeGroup(group);
  }
}

/** The call as a whole, in a message: "map()", or "map() with \"square\"". */
function wholeOf({ label, entry }: { label: string; entry: unknown }): string {
  if (entry !== mapEntry) return `${label}()`;
  return called({ label }) === "the task" ? "map()" : `map() with "${label}"`;
}

/** What setTimeout takes; longer is for ever. */
const MAX_TIMER = 2 ** 31 - 1;

/** An error tells the place in all the items, not in the chunk. */
function encodeItems(part: MapPart, options: EncodeOptions): Wire {
  try {
    return encode(part, options);
  } catch (error) {
    if (!(error instanceof NotSendableError)) throw error;
    const shift = (text: string): string =>
      text.replace(/^items\[(\d+)\]/, (_, index: string) => `items[${Number(index) + part.first}]`);
    throw new NotSendableError(shift(error.path), shift(error.message), { cause: error.cause });
  }
}

export async function mapItems<T, R>(
  engine: Inside,
  items: Iterable<T>,
  fn: (item: T, index: number) => R | Promise<R>,
  options: MapOptions,
): Promise<R[]> {
  checkFunction("the second argument", fn);
  checkKnown("map()", options, ["chunk", "onProgress", "signal", "timeoutMs"]);
  const { chunk, onProgress, signal, timeoutMs } = options;
  if (onProgress !== undefined) checkFunction("onProgress", onProgress);
  if (chunk !== undefined) checkInteger("chunk", chunk, 1, Infinity);
  if (timeoutMs !== undefined) checkMilliseconds("timeoutMs", timeoutMs);
  if (signal !== undefined) checkSignal(signal);
  const all = Array.from(checkIterable("items", items));
  const size = chunk ?? Math.max(1, Math.ceil(all.length / (engine.target * 4)));
  const parts: MapPart[] = [];
  for (let first = 0; first < all.length; first += size) parts.push({ first, items: all.slice(first, first + size) });
  let done = 0;
  const results = await runParts(engine, {
    label: labelOf(fn),
    entry: mapEntry,
    context: fn as (item: unknown, index: number) => unknown,
    parts,
    encodePart: encodeItems,
    signal,
    timeoutMs,
    failed(cause, { first, items }, index) {
      const what = index === undefined ? `One of the items ${first} to ${first + items.length - 1}` : `Item ${index}`;
      return new TaskError(index ?? first, `${what} failed: ${messageOf(cause)}`, { cause });
    },
    ended({ items }) {
      done += items.length;
      onProgress?.(done, all.length);
    },
  });
  return (results as R[][]).flat();
}
