// Who waits for whom: each thread that blocks for a lock writes down for which, and who holds it. A thread that blocks
// follows these edges from thread to thread, and where they lead back to it none of them would ever go on.
// (R. C. Holt, Some Deadlock Properties of Computer Systems, 1972: with one holder to wait for, a cycle is a deadlock.)
//
// An edge may be out of date: the lock has been let go, and who waits for it has not run since. So who lets go of a lock
// that others wait for counts up, after it has done so, in a word that an edge remembers from before the holder was read. A
// thread that is in a cycle does not run, so it lets nothing go: an edge whose count is the same holds. Locks may have
// that word in common; then an edge seems old that isn't, until its thread looks again.
//
// All edges of a cycle are read twice, so that they held at the same moment. Of several threads that see a cycle the one
// whose edge is the youngest tells. A thread that tries again makes its edge anew, so another may be the youngest meanwhile:
// who tells takes its own edge away first, and looks whether the others are still there.

import { add, load, store, waitUncounted } from "../atomics.ts";
import { DeadlockError, type Blocked } from "../errors.ts";
import { libraryUrl } from "../library.ts";
import { newWords } from "./primitive.ts";
import {
  CLOCK,
  EDGE,
  isAlive,
  LABEL_LENGTH,
  live,
  me,
  nodeIdOf,
  recordOf,
  releasesOf,
  table,
  text,
  textOf,
  WHERE_LENGTH,
  WOKEN,
} from "./threads.ts";

/** In a record: when the edge was made, by the common clock; 0: there is none; -1: it is being made. */
const STAMP = EDGE;
const OWNER = EDGE + 1;
const LOCK = EDGE + 2;
const COUNT = EDGE + 3;
const LABEL_USED = EDGE + 4;
const WHERE_USED = EDGE + 5;
/** How often it has looked round while it was blocked. */
const LOOKED = EDGE + 6;

const MAX_CYCLE = 2048;
/** Who tells a deadlock waits so long for the others to say where they are. */
const PATIENCE_MS = 400;

interface Edge {
  readonly from: number;
  readonly to: number;
  readonly stamp: number;
}

const mine = recordOf(me);

/** To be read before the holder of the lock. */
export const releases = (lock: number): number => load(table, releasesOf(lock));

/** To be called after a lock was let go for which others may wait. */
export const letGo = (lock: number): void => void add(table, releasesOf(lock), 1);

/** This thread is about to block for a lock. */
export function waitFor(lock: number, label: string, owner: number, count: number): void {
  store(table, mine + STAMP, -1);
  write(0, LABEL_LENGTH, label, LABEL_USED);
  store(table, mine + WHERE_USED, 0);
  store(table, mine + OWNER, owner);
  store(table, mine + LOCK, lock);
  store(table, mine + COUNT, count);
  store(table, mine + STAMP, nextStamp());
}

function nextStamp(): number {
  const stamp = (add(table, CLOCK, 1) + 1) & (2 ** 31 - 1);
  return stamp === 0 ? nextStamp() : stamp;
}

/** It is about to block for something that nobody holds. */
export const waitForAny = (what: string): void => waitFor(0, what.replace(/^the wait for /, ""), 0, 0);

/** So many threads that were blocked have been woken, and have not run since. */
export function woken(threads: number): void {
  if (threads > 0) add(table, WOKEN, threads);
}

/** By one of those. One that dies before it runs counts for good: see watch.ts. */
export const resumed = (): void => void add(table, WOKEN, -1);
export const isAnyWoken = (): boolean => load(table, WOKEN) !== 0;

/** It doesn't wait any more. */
export function waitNoMore(): void {
  store(table, mine + STAMP, 0);
}

/** Writes down where this thread waits: done by one that has been asleep for a while, for the others pay for it. */
export function tellWhere(): void {
  add(table, mine + LOOKED, 1);
  if (load(table, mine + WHERE_USED) === 0) write(LABEL_LENGTH, WHERE_LENGTH, whereNow(), WHERE_USED);
}

/** Is the edge of this thread out of date? */
export const isOutdated = (): boolean => edgeOf(me) === undefined;

function write(at: number, room: number, what: string, used: number): void {
  const start = textOf(me) + at;
  const length = Math.min(room, what.length);
  for (let i = 0; i < length; i++) text[start + i] = what.charCodeAt(i);
  store(table, mine + used, length);
}

function read(number: number, at: number, used: number): string {
  const start = textOf(number) + at;
  return String.fromCharCode(...text.subarray(start, start + Math.max(0, load(table, recordOf(number) + used))));
}

const labelOf = ({ from }: Pick<Edge, "from">): string => read(from, 0, LABEL_USED);
const whereOf = ({ from }: Pick<Edge, "from">): string => read(from, LABEL_LENGTH, WHERE_USED);

/** What a thread waits for, if it does. */
function edgeOf(from: number): Edge | undefined {
  const at = recordOf(from);
  let stamp = load(table, at + STAMP);
  for (let spins = 0; stamp === -1 && spins < 1000; spins++) stamp = load(table, at + STAMP);
  if (stamp <= 0) return undefined;
  const to = load(table, at + OWNER);
  const isOld = load(table, at + COUNT) !== releases(load(table, at + LOCK));
  return isOld || to === 0 || load(table, at + STAMP) !== stamp || !isAlive(from) ? undefined : { from, to, stamp };
}

function followed(): Edge[] | undefined {
  const path: Edge[] = [];
  for (let at = me; path.length < MAX_CYCLE;) {
    const edge = edgeOf(at);
    if (!edge) return undefined;
    path.push(edge);
    at = edge.to;
    if (at === me) return path;
  }
  return undefined;
}

/** The cycle of which this thread's edge is the youngest part. */
function cycle(): Edge[] | undefined {
  const first = followed();
  const second = first && followed();
  if (!first || first.length !== second?.length) return undefined;
  const isSame = second.every(({ from, stamp }, i) => from === first[i]!.from && stamp === first[i]!.stamp);
  return isSame && second.every(({ stamp }) => stamp <= first[0]!.stamp) ? second : undefined;
}

/** Does this thread close a cycle? */
export const isDeadlocked = (): boolean => cycle() !== undefined;

/**
 * The error for this thread, if it closes a cycle. The others are asleep and say where they are when they look again;
 * nobody gets any further meanwhile.
 */
export function deadlock(): DeadlockError | undefined {
  let found = cycle();
  if (!found) return undefined;
  tellWhere();
  const endMs = performance.now() + PATIENCE_MS;
  const nothing = newWords(1);
  while (found?.some((edge) => whereOf(edge) === "") && performance.now() < endMs) {
    waitUncounted(nothing, 0, 0, 5);
    found = cycle();
  }
  if (!found || !breakCycle(found)) return undefined;
  return deadlockError(found.map((edge) => ({ ...edge, label: labelOf(edge), where: whereOf(edge) })));
}

/** At most one thread of a cycle does so. If two take away their edges at once, both give up, and look again soon. */
function breakCycle([own, ...others]: readonly Edge[]): boolean {
  waitNoMore();
  if (others.every(({ from, stamp }) => edgeOf(from)?.stamp === stamp)) return true;
  store(table, mine + STAMP, own!.stamp);
  return false;
}

/** A thread that would wait for itself. */
export function selfDeadlock(label: string): DeadlockError {
  return deadlockError([{ from: me, label, where: whereNow() }]);
}

function deadlockError(edges: readonly { from: number; label: string; where: string }[]): DeadlockError {
  const blocked = edges.map(({ from, label, where }, i): Blocked => ({
    thread: nodeIdOf(from),
    holds: edges.at(i - 1)!.label,
    waitsFor: label,
    where,
  }));
  const parts = blocked.map(
    ({ thread, holds, waitsFor, where }) =>
      `thread ${thread} holds ${holds} and waits for ${holds === waitsFor ? "it" : waitsFor}${where && ` (${where})`}`,
  );
  return new DeadlockError(blocked, `Deadlock: ${parts.join("; ")}.`);
}

/** `stamp` is another one for each wait, `looked` grows while it is asleep. */
export interface Asleep {
  readonly stamp: number;
  readonly looked: number;
  readonly blocked: Blocked;
}

/** All threads that block without a limit, by Node's id. */
export function blockedThreads(): Map<number, Asleep> {
  const numbers = live().filter((number) => load(table, recordOf(number) + STAMP) > 0);
  const edges = numbers.map(edgeOf).filter((edge) => edge !== undefined);
  const found = new Map<number, Asleep>();
  for (const from of numbers) {
    const holds = [...new Set(edges.filter(({ to }) => to === from).map(labelOf))].join(", ");
    const blocked = { thread: nodeIdOf(from), holds, waitsFor: labelOf({ from }), where: whereOf({ from }) };
    const at = recordOf(from);
    found.set(blocked.thread, { stamp: load(table, at + STAMP), looked: load(table, at + LOOKED), blocked });
  }
  return found;
}

const ROOT = libraryUrl("").replace(/\.[jt]s$/, "");

/** The line of the program that has called the library. */
export function whereNow(): string {
  const { stackTraceLimit } = Error;
  // Of a loop over messages more than ten are the library's.
  Error.stackTraceLimit = 50;
  const lines = (new Error("here").stack ?? "").split("\n").slice(1);
  Error.stackTraceLimit = stackTraceLimit;
  const line = lines.find((one) => !/node:internal|\(<anonymous>\)/.test(one) && !one.includes(ROOT));
  return line?.trim().replace(/^at /, "") ?? "?";
}
