// The words that the main thread and the control thread share, and what each of them means.

/** How many interrupts the control thread has asked for. */
export const REQUESTED = 0;
/** The last interrupt that the main thread has dealt with. */
export const ACKNOWLEDGED = 1;
/** 0 while the main thread waits for input; then 1 + the length in bytes of the text in the inbox, or REFUSED. */
export const INPUT = 2;
const REFUSED = -1;
/** How many parts of the library the main thread is loading: interrupted in that, they would stay half loaded. */
const LOADING = 3;
/** The last interrupt that the main thread has begun to deal with. */
const DEALING = 4;
const WORDS = 5;

/** How long an idle main thread gets to answer before its execution is terminated. */
export const GRACE_MS = 15;
export const RETRY_MS = 25;
export const TRIES = 40;
/** So many tries long the main thread may deal with an interrupt before it is terminated in that. */
export const DEALING_TRIES = 10;

/** How long is looked for the place where the main thread stands, before it is terminated. */
export const LOCATE_MS = 60;

const INBOX_BYTES = 256 * 1024;
const PLACE_BYTES = 4 * 1024;

export interface ControlData {
  flags: Int32Array<SharedArrayBuffer>;
  inbox: Uint8Array<SharedArrayBuffer>;
  /** Where the main thread stood when it was terminated: lines of a stack trace, ended by a zero. */
  place: Uint8Array<SharedArrayBuffer>;
}

export function makeControlData(): ControlData {
  return {
    flags: new Int32Array(new SharedArrayBuffer(WORDS * 4)),
    inbox: new Uint8Array(new SharedArrayBuffer(INBOX_BYTES)),
    place: new Uint8Array(new SharedArrayBuffer(PLACE_BYTES)),
  };
}

/** Main thread: loads a part of the library. An interrupt waits until it is there. */
export async function uninterrupted<M>(flags: Int32Array, load: () => Promise<M>): Promise<M> {
  Atomics.add(flags, LOADING, 1);
  try {
    return await load();
  } finally {
    Atomics.sub(flags, LOADING, 1);
  }
}

export const isLoading = (flags: Int32Array): boolean => Atomics.load(flags, LOADING) > 0;

/** Control thread: hands a line of input over; null: nobody will answer. Longer than the inbox is cut. */
export function encodeInput(flags: Int32Array, inbox: Uint8Array, value: string | null): void {
  const answer = value === null ? REFUSED : new TextEncoder().encodeInto(value, inbox).written + 1;
  Atomics.store(flags, INPUT, answer);
  Atomics.notify(flags, INPUT);
}

/** Main thread: blocks until a line has come. An interrupt ends the wait. Throws where nobody can be asked. */
export function waitForInput({ flags, inbox }: ControlData): string {
  Atomics.wait(flags, INPUT, 0);
  const answer = Atomics.load(flags, INPUT);
  if (answer === REFUSED) throw new Error("nobody can be asked: the cell has ended, or the front end takes no input");
  return new TextDecoder().decode(inbox.slice(0, answer - 1));
}

/** Control thread: called before the termination, which publishes it. What is too long is cut. */
export function writePlace(place: Uint8Array, text: string): void {
  const { written } = new TextEncoder().encodeInto(text, place.subarray(0, -1));
  place[written] = 0;
}

/** Main thread: what was written for the termination that it just went through, if anything was. */
export function takePlace(place: Uint8Array): string {
  const text = new TextDecoder().decode(place.slice(0, place.indexOf(0)));
  place[0] = 0;
  return text;
}

/** Main thread: what is done about an interrupt. A termination that was on its way may end it: then it is asked for again. */
export function deal(flags: Int32Array, sequence: number, work: () => void): void {
  Atomics.store(flags, DEALING, sequence);
  work();
  Atomics.store(flags, ACKNOWLEDGED, sequence);
  Atomics.notify(flags, ACKNOWLEDGED);
}

export const isDealing = (flags: Int32Array, sequence: number): boolean => Atomics.load(flags, DEALING) === sequence;

export function isAcknowledged(flags: Int32Array, sequence: number): boolean {
  return Atomics.load(flags, ACKNOWLEDGED) >= sequence;
}
