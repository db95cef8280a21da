// The threads of this process, in memory that all of them share: which there are, and which have ended. A lock names its
// holder by a number that is never given again, so that one that ends with a lock in its hand can be told.
//
// Of the end of a thread its parent hears, by an event. A parent that is blocked hears none; while it waits for a lock it
// looks at its children now and then. With a thread all those end that it has started.

import { getEnvironmentData, setEnvironmentData, threadId, type Worker } from "node:worker_threads";
import { add, load, replace, store, type Words } from "../atomics.ts";

/** So many threads at a time. */
export const MAX_LIVE = 2048;
/** Numbers leave room for two flags beside them in a word. */
const MAX_NUMBER = 2 ** 30 - 1;

/** How many records have ever been used. */
const USED = 0;
const LOCKS = 1;
/** Counts waits: see wait-graph.ts. */
export const CLOCK = 2;
/** Threads of the library that have been started, and have not begun yet. */
const STARTING = 3;
export const WOKEN = 4;
/** By lock, where several have one in common: how often it was let go while others waited. */
const RELEASES_AT = 16;
const RELEASES = 1024;
const RECORDS_AT = RELEASES_AT + RELEASES;

/** In a thread's record: its number, negative once it has ended; Node's id of it; the number of the thread that started it. */
const NUMBER = 0;
const NODE_ID = 1;
const PARENT = 2;
/** From here on: what it waits for. */
export const EDGE = 3;
/** One character for each half word. */
export const LABEL_LENGTH = 64;
export const WHERE_LENGTH = 160;
/** Its number, once it has begun. */
const BEGUN = 11;
const TEXT = 12;
const RECORD = TEXT + (LABEL_LENGTH + WHERE_LENGTH) / 2;

const BYTES = (RECORDS_AT + MAX_LIVE * RECORD) * 4;
const KEY = "braid.threads";
const HERE = Symbol.for("braid.threads");

interface Here {
  readonly buffer: SharedArrayBuffer;
  readonly number: number;
  readonly children: Map<number, Worker>;
  /** By Node's id: counted as starting, until they have ended. */
  readonly started: Set<number>;
}

/** The library may be loaded twice in a thread; the thread is one. */
const here = ((globalThis as { [HERE]?: Here })[HERE] ??= settle());
export const table: Words = new Int32Array(here.buffer);
export const text: Uint16Array<SharedArrayBuffer> = new Uint16Array(here.buffer);

/** The number of this thread, from MAX_LIVE. */
export const me: number = here.number;

function settle(): Here {
  const [buffer, parent] = (getEnvironmentData(KEY) as [SharedArrayBuffer, number] | undefined) ?? [
    new SharedArrayBuffer(BYTES),
    0,
  ];
  const children = new Map<number, Worker>();
  const started = new Set<number>();
  const number = claim(new Int32Array(buffer), parent);
  setEnvironmentData(KEY, [buffer, number]);
  process.on("worker", (worker: Worker) => {
    const id = worker.threadId;
    if (id < 0) return;
    children.set(id, worker);
    worker.once("exit", () => {
      children.delete(id);
      ended(id);
      // It was stopped before it began.
      if (started.delete(id)) add(table, STARTING, -1);
    });
  });
  return { buffer, number, children, started };
}

/** A record of a thread that has ended, or a new one: with the number after its last. */
function claim(words: Words, parent: number): number {
  for (let slot = 0; slot < MAX_LIVE; slot++) {
    const at = RECORDS_AT + slot * RECORD;
    const last = load(words, at);
    if (last > 0 && isAlive(last, words)) continue;
    const next = Math.abs(last || slot) + MAX_LIVE;
    const number = next > MAX_NUMBER ? slot + MAX_LIVE : next;
    if (!replace(words, at, last, number)) continue;
    store(words, at + EDGE, 0);
    store(words, at + PARENT, parent);
    store(words, at + NODE_ID, threadId);
    for (let used = load(words, USED); used <= slot; used = load(words, USED)) replace(words, USED, used, slot + 1);
    return number;
  }
  throw new RangeError(`The locks of a process know up to ${MAX_LIVE} threads at a time, and there are more.`);
}

/** Where the record of a thread begins. */
export function recordOf(number: number): number {
  return RECORDS_AT + (number % MAX_LIVE) * RECORD;
}

export const textOf = (number: number): number => (recordOf(number) + TEXT) * 2;

/** Of a lock, by its id: the word that counts how often it was let go while others waited. */
export const releasesOf = (lock: number): number => RELEASES_AT + (lock % RELEASES);

/** Does this thread go on? */
export function isAlive(number: number, words: Words = table): boolean {
  const at = recordOf(number);
  if (load(words, at + NUMBER) !== number) return false;
  const parent = load(words, at + PARENT);
  return parent === 0 || isAlive(parent, words);
}

/** Node's id of a thread. */
export const nodeIdOf = (number: number): number => load(table, recordOf(number) + NODE_ID);

/** All that have not ended. */
export function live(): number[] {
  const numbers: number[] = [];
  for (let slot = 0, used = load(table, USED); slot < used; slot++) {
    const number = load(table, RECORDS_AT + slot * RECORD + NUMBER);
    if (number > 0 && isAlive(number)) numbers.push(number);
  }
  return numbers;
}

/** To be called by who starts a thread. */
export function starting(nodeId: number): void {
  here.started.add(nodeId);
  add(table, STARTING, 1);
}

/** To be called by that one when it has begun. */
export function begun(): void {
  store(table, recordOf(me) + BEGUN, me);
  add(table, STARTING, -1);
}

/** One that dies before it begins, with the thread that has started it, counts for good. */
export const isAnyStarting = (): boolean => load(table, STARTING) !== 0;

/** A number for a new lock. */
export const newLock = (): number => add(table, LOCKS, 1) + 1;

function ended(nodeId: number): void {
  for (let slot = 0, used = load(table, USED); slot < used; slot++) {
    const at = RECORDS_AT + slot * RECORD;
    const number = load(table, at + NUMBER);
    if (number <= 0 || load(table, at + NODE_ID) !== nodeId) continue;
    if (load(table, at + BEGUN) === number) here.started.delete(nodeId);
    replace(table, at + NUMBER, number, -number);
  }
}

/** For a thread that is blocked, and hears no events. One of its children that has no record yet has no lock, either. */
export function lookAfterChildren(): void {
  for (const [id, worker] of here.children) if (hasEnded(worker)) ended(id);
}

/** Node tells it by events only. But its own handle of a thread gives a negative time where there is no event loop. */
function hasEnded(worker: Worker): boolean {
  const key = Object.getOwnPropertySymbols(worker).find(({ description }) => description === "kHandle");
  const handle = key && (worker as unknown as Record<symbol, { loopIdleTime?(): number } | null>)[key];
  return (handle?.loopIdleTime?.() ?? 0) < 0;
}
