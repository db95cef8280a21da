// sim.clock: discrete events on a clock that is only counted.

import { checkMilliseconds } from "../checks.ts";

interface Event {
  readonly atMs: number;
  /** Of equal times the one that was planned first. */
  readonly order: number;
  act(): void;
}

/**
 * Time that passes only when `run` moves it from one planned event to the next, so a simulation of an hour takes no time
 * and gives the same on every machine.
 *
 * Two styles, which mix: `after` plans a function, and `run` runs all until none is left; or asynchronous functions
 * `await clock.sleep(ms)`, and `await clock.runAsync()` moves the clock whenever all of them wait. Those may wait for the clock
 * and for each other, not for the outside world: `runAsync` would not wait for that.
 * Order: by time, equal times by when they were planned.
 * @example
 * const clock = sim.clock();
 * const say = async (ms: number) => { await clock.sleep(ms); console.log(clock.now); };
 * say(2000); say(1000);
 * await clock.runAsync(); // 1000, 2000, at once
 */
export class Clock {
  /** A heap: the parent of i is at (i - 1) >> 1, and not later. */
  readonly #events: Event[] = [];
  #now = 0;
  #planned = 0;

  /** In ms, from 0. */
  get now(): number {
    return this.#now;
  }

  /** Plans a function for so much later. */
  after(ms: number, act: () => void): void {
    checkMilliseconds("ms", ms);
    const event = { atMs: this.#now + ms, order: this.#planned++, act };
    const events = this.#events;
    let at = events.length;
    for (let up = (at - 1) >> 1; at > 0 && isBefore(event, events[up]!); up = (at - 1) >> 1) {
      events[at] = events[up]!;
      at = up;
    }
    events[at] = event;
  }

  /** Resolves so much later, when `runAsync` comes there. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  /** Runs what is planned until nothing is. Gives the time then. */
  run(): number {
    while (this.#step());
    return this.#now;
  }

  /** The same, letting everything that waits go on after each event. */
  async runAsync(): Promise<number> {
    do await new Promise((go) => setImmediate(go));
    while (this.#step());
    return this.#now;
  }

  #step(): boolean {
    const events = this.#events;
    const [first] = events;
    const last = events.pop();
    if (!first || !last) return false;
    if (first !== last) {
      let at = 0;
      for (let down = 1; down < events.length; down = 2 * at + 1) {
        if (down + 1 < events.length && isBefore(events[down + 1]!, events[down]!)) down++;
        if (!isBefore(events[down]!, last)) break;
        events[at] = events[down]!;
        at = down;
      }
      events[at] = last;
    }
    this.#now = first.atMs;
    first.act();
    return true;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

export function clock(): Clock {
  return new Clock();
}
